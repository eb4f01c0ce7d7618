"""plimsoll vectors …: published cases, run against this build."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Union

import typer

from plimsoll.commands.common import handled, report_error
from plimsoll.errors import BadInput

if TYPE_CHECKING:
    from plimsoll.vectors.pmrm2 import Report as PortfolioReport
    from plimsoll.vectors.report import Report
    from plimsoll.vectors.srm import Report as RuleReport

SHOWN = 10

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the cases, or one file.")]
JsonOut = Annotated[str | None, typer.Option("--json", help="Every case as JSON to this file; - is standard output.")]

vectors_app = typer.Typer(help="Published cases, run against this build.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (black76, haug, pmrm2, srm, svi):
        vectors_app.command()(command)
    app.add_typer(vectors_app, name="vectors")


@vectors_app.callback()
def _group() -> None:
    """Published cases, run against this build.

    DIR is a folder, with what is in its folders, or one file. Exit code 0 when all cases hold, 1 when some do not, 2
    when something could not be run: the rest is reported all the same.
    """


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

    deliver(cases.run(folder, watch=_watched), json_out)


@handled
def srm(folder: Folder, json_out: JsonOut = None) -> None:
    """Margin by rule on the deployed model, in process: net IM, net MM and mark of each account.

    Example: plimsoll vectors srm vectors/derive_srm --json out.json
    """
    from plimsoll.vectors import srm as cases

    deliver(cases.run(folder, watch=_watched), json_out)


@handled
def svi(folder: Folder, json_out: JsonOut = None) -> None:
    """Volatilities of raw SVI smiles.

    Example: plimsoll vectors svi vectors/lyra_utils
    """
    from plimsoll.vectors import svi as cases

    deliver(cases.run(folder), json_out)


AnyReport = Union["Report", "RuleReport", "PortfolioReport"]


def deliver(report: AnyReport, json_out: str | None) -> None:
    """The table, the JSON where it was asked for, what could not be run, and the exit code."""
    from plimsoll.commands.replay import put

    if json_out is not None:
        put(json.dumps(report.to_json(), indent=1) + "\n", json_out)
    if report.cases:
        _show(report, to_error=json_out == "-")
    if report.passed_over:
        print(f"passed over, as they hold no such cases: {', '.join(report.passed_over)}", file=sys.stderr)
    for error in report.refused:
        report_error(error, as_json=False)
    if report.refused:
        raise typer.Exit(BadInput.exit_code)
    if report.passed < report.cases:
        raise typer.Exit(1)


def _watched(paths: Sequence[Path]) -> Iterable[Path]:
    """With how far it is, where somebody looks."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(paths, "running", console=console, transient=True, disable=not console.is_terminal)


def _show(report: AnyReport, *, to_error: bool) -> None:
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
