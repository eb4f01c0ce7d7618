"""`plimsoll replay`: real days on the deployed contracts, in process or on Anvil."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.commands.common import handled

if TYPE_CHECKING:
    from plimsoll.sim.replay import Setup
    from plimsoll.sim.result import Result

SCENARIO_TRADERS = 80

HELP = """Replay price files step by step on a fresh deployment: traders, LPs, a keeper, and exact books.

PRICE FILES are CSV, gzip too, one per market, as FILE or SYMBOL=FILE (the symbol is otherwise taken from the file's
name, ETHUSDT_1h.csv is ETH). Columns, in any order and case, others are ignored:

  time    ts, time, timestamp, date, datetime, hour_utc or open_time: unix seconds, milliseconds, or ISO 8601 in UTC

  OHLC    open, high, low, close

  ticks   price (or close, value, last) without open, high and low

Inside a candle the price moves in straight lines: open, high, low, close when it falls; open, low, high, close when it
rises. Malformed rows, gaps, zero and negative prices are errors that name file, line and value.

In process the result is the same to the byte for the same files and options. Memory grows by about 9 kB per
transaction: a million transactions is the limit. With --chain anvil the keeper is a process of its own, and a step
closes when it has acknowledged the step's block.

With --scenario the recorded crashes that the defaults are measured by are replayed, part by part, with volatility
scaling and without, from the files in --data: crashes-2020-2023, months-2020-2023, luna, usdc-depeg (docs/replay.md).

Examples:

  plimsoll replay --scenario luna --data DIR --report reports/luna

  plimsoll replay --prices data/ETHUSDT_1h_2020-03.csv --prices data/BTCUSDT_1h_2020-03.csv --json out.json

  plimsoll replay --prices SOL=sol_30m.csv.gz --from 2022-11-08 --to 2022-11-10 --step 1m --report reports/ftx
"""


@handled
def replay(
    prices: Annotated[
        list[str] | None, typer.Option("--prices", help="A price file, FILE or SYMBOL=FILE; repeat per market.")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="Instead: a recorded crash, from the files in --data.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder with a scenario's price files.")] = None,
    scaling: Annotated[str, typer.Option(help="Volatility scaling in a scenario: both, on or off.")] = "both",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Parts of a scenario replayed at a time.")] = 1,
    work: Annotated[Path | None, typer.Option(help="Where finished parts are kept, and not replayed again.")] = None,
    traders: Annotated[
        int | None, typer.Option(min=1, max=20_000, help="How many trading accounts; 400, in a scenario 80.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Who they are and what they do.")] = 1,
    step: Annotated[str, typer.Option(help="Time between two prices: 30s, 5m, 1h.")] = "5m",
    start: Annotated[str | None, typer.Option("--from", help="First day or time (UTC), like 2020-03-12.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the last candle, exclusive.")] = None,
    gaps: Annotated[
        str,
        typer.Option(help="Gaps in prices: error (refuse them), hold (the last stands), outage (nothing told)."),
    ] = "error",
    keeper: Annotated[bool, typer.Option("--keeper/--no-keeper", help="Whether anyone calls and liquidates.")] = True,
    liquidity: Annotated[int, typer.Option(min=1, help="What LPs bring, whole quote units.")] = 12_000_000,
    insurance: Annotated[int, typer.Option(min=1, help="What insurance starts with, whole quote units.")] = 150_000,
    chain: Annotated[str, typer.Option(help="process or anvil.")] = "process",
    json_out: Annotated[str, typer.Option("--json", help="Where the result goes; - is standard output.")] = "-",
    report: Annotated[Path | None, typer.Option(help="A folder for the report (HTML and PNG).")] = None,
) -> None:
    from plimsoll.errors import BadInput
    from plimsoll.sim.candles import GAPS
    from plimsoll.sim.prices import load, moment, seconds
    from plimsoll.sim.replay import Setup

    if gaps not in GAPS:
        raise BadInput("--gaps", gaps, f"write {', '.join(GAPS)}")
    window = {"start": moment(start, "--from"), "end": moment(end, "--to"), "gaps": gaps}
    people = traders or (400 if scenario is None else SCENARIO_TRADERS)
    setup = Setup(traders=people, seed=seed, keeper=keeper, liquidity=liquidity, insurance=insurance)
    if (prices is None) == (scenario is None):
        raise BadInput("--prices", prices, "replay either price files, or a --scenario with --data")
    if scenario is not None:
        from plimsoll.commands.scenario import Request, run_scenario

        if data is None:
            raise BadInput("--data", None, "a scenario needs the folder with its price files")
        request = Request(scenario, data, setup, window["start"], window["end"], scaling, workers, work)  # type: ignore[arg-type]
        run_scenario(request, json_out, report)
        return
    assert prices is not None
    path = load(prices, step=seconds(step), **window)  # type: ignore[arg-type]
    result = run_shown(path, setup, chain, quiet=False)
    deliver(result, json_out)
    if report is not None:
        from plimsoll.sim.compare import beside
        from plimsoll.sim.report import write_report

        others = beside(prices, path.step, setup, window)
        for file in write_report(result.data, others, report):
            print(file, file=sys.stderr)


def run_shown(path: Any, setup: Setup, chain: str, *, quiet: bool) -> Result:
    """Runs a replay with a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from plimsoll.sim.backends import make
    from plimsoll.sim.replay import run

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(f"replay on {chain}", total=len(path))
        backend = make(chain, path)
        return run(path, setup, backend, lambda done, _: bar.update(task, completed=done))


def deliver(result: Result, json_out: str) -> None:
    """The JSON where it was asked for, the summary and the speed on standard error."""
    print(
        f"{result.sent:,} transactions in {result.seconds['steps']:.1f} s, {result.rate:,.0f} per second",
        file=sys.stderr,
    )
    put(result.text(), json_out)


def put(text: str, json_out: str) -> None:
    """To a file, or to standard output for - and when there is nowhere else to put it."""
    from plimsoll.sim.files import NotWritten, keep

    if json_out == "-":
        sys.stdout.write(text)
        return
    try:
        keep(Path(json_out), text)
    except NotWritten as error:
        if error.kept is None:
            sys.stdout.write(text)
        raise


def register(app: typer.Typer) -> None:
    app.command(help=HELP)(replay)
