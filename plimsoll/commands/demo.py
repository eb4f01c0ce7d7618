"""`plimsoll demo`: 12 and 13 March 2020, then options through February 2026, on real local chains.

The keeper is a process of its own in both.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.commands.common import handled

if TYPE_CHECKING:
    from rich.console import Console

    from plimsoll.sim.replay import Setup
    from plimsoll.sim.result import Result

FILES = ("ETHUSDT_1h_2020-03.csv", "BTCUSDT_1h_2020-03.csv")
PARTS = ("black-thursday", "options")
START, END = "2020-03-12", "2020-03-14"
CUSHION = 100  # quote that the keeper begins with: rounding, and what moves between plan and block
LENT = (2_000_000, 1_500_000)  # quote of the quote asset, and of each other one


@handled
def demo(
    traders: Annotated[int, typer.Option(min=1, max=5_000, help="How many trading accounts.")] = 400,
    borrowers: Annotated[
        int, typer.Option(min=1, max=500, help="How many accounts with borrowed spot, levered up on Uniswap.")
    ] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Who they are and what they do.")] = 1,
    step: Annotated[str, typer.Option(help="Time between two prices.")] = "5m",
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("reports/black-thursday"),
    options: Annotated[bool, typer.Option("--options/--no-options", help="The part with options, afterwards.")] = True,
    only: Annotated[str | None, typer.Option(help="One part: black-thursday or options.")] = None,
) -> None:
    """Deploys on a fresh Anvil and takes a few hundred accounts through Black Thursday; then writes a report.

    Perps against a pool, and spot loops, pairs and shorts that are borrowed, bought, sold and liquidated on a Uniswap
    beside it. Meanwhile the same days run in this machine's other core without a keeper, and in 1-minute and 15-minute
    steps.

    Then a second chain: a portfolio account with recorded option chains of BTC and ETH through the fall of 4 and 5
    February 2026, called and liquidated by witness.

    Examples: plimsoll demo --traders 300 --seed 7; plimsoll demo --only options
    """
    from rich.console import Console

    from plimsoll.commands.option_demo import options_demo
    from plimsoll.contracts import load as artifacts
    from plimsoll.errors import BadInput

    if only not in (None, *PARTS):
        raise BadInput("--only", only, f"write {' or '.join(PARTS)}")
    started, console = time.perf_counter(), Console(soft_wrap=True, highlight=False)
    artifacts()
    if only != "options":
        black_thursday(traders, borrowers, seed, step, report, console)
    if only == "options" or (options and only is None):
        options_demo(report, console)
    console.print(f"all done in {time.perf_counter() - started:.0f} s")


def black_thursday(traders: int, borrowers: int, seed: int, step: str, report: Path, console: Console) -> None:
    from plimsoll.sim.compare import Beside, jobs
    from plimsoll.sim.prices import load, moment, seconds
    from plimsoll.sim.replay import Setup

    files = data_files()
    window = {"start": moment(START, "--from"), "end": moment(END, "--to"), "gaps": "error"}
    length = seconds(step)
    path = load(files, step=length, **window)  # type: ignore[arg-type]
    setup = Setup(traders=traders, seed=seed, borrowers=borrowers, exchange=True, keeper_float=CUSHION, lent=LENT)
    console.print(
        f"[bold]Black Thursday[/]: {traders} traders and {borrowers} borrowers, "
        f"12 and 13 March 2020 in steps of {step}, seed {seed}"
    )
    with Beside(jobs(files, length, setup, window)) as runs:
        result = on_anvil(path, setup, console)
        with console.status("the same days without a keeper, and in other steps"):
            others = runs.results()
    finish(result, others, report, console)


def data_files() -> list[str]:
    return [str(recorded(FILES) / name) for name in FILES]


def recorded(names: tuple[str, ...]) -> Path:
    """The folder with the recorded files `names`."""
    from plimsoll.contracts import ROOT
    from plimsoll.errors import BadInput

    folder = ROOT / "data"
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise BadInput("price files", ", ".join(missing), f"they belong into {folder}; run from a clone of the project")
    return folder


def on_anvil(path: Any, setup: Setup, console: Console) -> Result:
    from plimsoll.commands.replay import run_shown

    result = run_shown(path, setup, "anvil", quiet=False)
    console.print(
        f"Anvil: {result.sent:,} transactions in {result.seconds['steps']:.0f} s, deployed and funded in "
        f"{result.seconds['setup']:.1f} s, the keeper a process of its own"
    )
    return result


def finish(result: Result, others: dict[str, Any], report: Path, console: Console) -> None:
    """Prints first, then writes: a full disk costs the files, not the result."""
    from plimsoll.sim.report import write_report
    from plimsoll.sim.summary import show

    show({"on Anvil": result.data, **others}, console)
    for file in write_report(result.data, others, report, result.keeper_log):
        console.print(str(file))


def register(app: typer.Typer) -> None:
    app.command()(demo)
