"""plimsoll bench keeper."""

from __future__ import annotations

from typing import Annotated

import typer

from plimsoll.commands.common import Json, emit, handled

bench_app = typer.Typer(help="Measurements on this machine.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    bench_app.command()(keeper)
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
