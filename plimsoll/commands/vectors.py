"""plimsoll vectors …: published cases, run against this build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plimsoll.commands.common import handled

if TYPE_CHECKING:
    from plimsoll.vectors.pmrm2 import Report as PortfolioReport
    from plimsoll.vectors.report import Report
    from plimsoll.vectors.srm import Report as RuleReport

SHOWN = 10

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the published cases.")]
JsonOut = Annotated[str | None, typer.Option("--json", help="Every case as JSON to this file; - is standard output.")]

vectors_app = typer.Typer(help="Published cases, run against this build.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (black76, haug, pmrm2, srm, svi):
        vectors_app.command()(command)
    app.add_typer(vectors_app, name="vectors")


@vectors_app.callback()
def _group() -> None:
    """Published cases, run against this build. Exit code 0 when all hold, 1 when some do not."""


@handled
def black76(folder: Folder, json_out: JsonOut = None) -> None:
    """Prices and Greeks of Black-76: CSV on a forward, JSON tables on a spot price.

    Example: plimsoll vectors black76 vectors/lyra_utils --json out.json
    """
    from plimsoll.vectors import black76 as cases

    deliver(cases.run(folder), json_out)


@handled
def haug(folder: Folder, json_out: JsonOut = None) -> None:
    """Haug's tables of European prices and Greeks, to four decimals.

    Example: plimsoll vectors haug vectors/quantlib_haug
    """
    from plimsoll.vectors import haug as cases

    deliver(cases.run(folder), json_out)


@handled
def pmrm2(folder: Folder, json_out: JsonOut = None) -> None:
    """Portfolios on the compiled engine, in process: net IM and MM, worst scenario, gas of check and witness.

    Example: plimsoll vectors pmrm2 vectors/derive_pmrm2/portfolio_cases --json out.json
    """
    from plimsoll.vectors import pmrm2 as cases

    deliver(cases.run(folder), json_out)


@handled
def srm(folder: Folder, json_out: JsonOut = None) -> None:
    """Margin by rule on the deployed model, in process: net IM, net MM and mark of each account.

    Example: plimsoll vectors srm vectors/derive_srm --json out.json
    """
    from plimsoll.vectors import srm as cases

    deliver(cases.run(folder), json_out)


@handled
def svi(folder: Folder, json_out: JsonOut = None) -> None:
    """Volatilities of raw SVI smiles.

    Example: plimsoll vectors svi vectors/lyra_utils
    """
    from plimsoll.vectors import svi as cases

    deliver(cases.run(folder), json_out)


def deliver(report: Report | RuleReport | PortfolioReport, json_out: str | None) -> None:
    """The table, the JSON where it was asked for, and exit code 1 when a case failed."""
    from plimsoll.commands.replay import put

    if json_out is not None:
        put(json.dumps(report.to_json(), indent=1) + "\n", json_out)
    _show(report, to_error=json_out == "-")
    if report.passed < report.cases:
        raise typer.Exit(1)


def _show(report: Report | RuleReport | PortfolioReport, *, to_error: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report.name}: {report.passed} of {report.cases} hold, nearest to failing first")
    table.add_column("case", overflow="fold")
    for column in ("expected", "got", "error", "allowed", ""):
        table.add_column(column, justify="right", no_wrap=True)
    for case in report.worst[: max(SHOWN, report.cases - report.passed)]:
        shown = (case.name, f"{case.expected:.8g}", f"{case.got:.8g}", f"{case.rel_error:.1e}", f"{case.tolerance:.0e}")
        table.add_row(*shown, "holds" if case.passed else "FAILS")
    Console(stderr=to_error).print(table)
