"""plimsoll bench keeper|portfolio."""

from __future__ import annotations

from typing import Annotated

import typer

from plimsoll.commands.common import Json, emit, handled

bench_app = typer.Typer(help="Measurements on this machine.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    bench_app.command()(keeper)
    bench_app.command()(portfolio)
    app.add_typer(bench_app, name="bench")


@bench_app.callback()
def bench() -> None:
    """Measurements on this machine."""


@handled
def keeper(
    accounts: Annotated[int, typer.Option("--accounts", min=1000, help="Accounts loaded into a local Anvil.")] = 20_000,
    page: Annotated[int, typer.Option("--page", min=1, help="Accounts per raw page.")] = 1_000,
    as_json: Json = False,
) -> None:
    """Accounts per second: raw pages and on-chain health from Anvil, and the screen in memory.

    Example: plimsoll bench keeper --json
    """
    from plimsoll.keeper.benchmark import GOALS, keeper_speed

    result = keeper_speed(accounts=accounts, page=page)
    lines = [
        f"{name:13} {result[name]['accounts_per_second']:>12,} accounts/s (goal {goal:,})"
        for name, goal in GOALS.items()
    ]
    emit(as_json, result, lines)


@handled
def portfolio(
    accounts: Annotated[int, typer.Option("--accounts", min=1000, help="Accounts in memory.")] = 100_000,
    series: Annotated[int, typer.Option("--series", min=1, max=128, help="Series that each holds.")] = 20,
    as_json: Json = False,
) -> None:
    """Seconds to margin all portfolio accounts under 31 scenarios, and to value all series once.

    Example: plimsoll bench portfolio --json
    """
    from plimsoll.margin.portfolio_benchmark import portfolio_screen_speed

    result = portfolio_screen_speed(accounts=accounts, series=series)
    lines = [
        f"values   {result['tick_seconds']:>9.4f} s for {result['series']} series × {result['scenarios']} scenarios",
        f"accounts {result['seconds']:>9.4f} s, {result['accounts_per_second']:,} accounts/s",
    ]
    emit(as_json, result, lines)
