"""What a replay came to, in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from plimsoll.sim.html import ROWS, full

Data = dict[str, Any]


def show(runs: dict[str, Data], console: Console) -> None:
    """One column per run."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in runs:
        table.add_column(name, justify="right")
    first = next(iter(runs.values()))
    for symbol in first["prices"]["markets"]:
        steps = (float(run["prices"]["largest_step"][symbol]["change"]) for run in runs.values())
        table.add_row(f"largest single step, {symbol}", *(f"{step:+.2%}" for step in steps))
    for name, key, is_money in ROWS:
        style = "bold red" if key == "bad_debt" and any(float(run[key]) for run in runs.values()) else ""
        table.add_row(name, *(full(run[key]) if is_money else str(run[key]) for run in runs.values()), style=style)
    console.print(table)
