"""What a replay came to, in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from plimsoll.sim.html import ROWS, full

Data = dict[str, Any]
SPOT: dict[str, Callable[[Data], str]] = {
    "loans opened (raised)": lambda spot: f"{spot['loans']['opened']} ({spot['loans']['raised']})",
    "loans repaid / ended by liquidation": lambda spot: f"{spot['loans']['repaid']} / {spot['loans']['liquidated']}",
    "slices of accounts with a loan": lambda spot: f"{spot['loans']['slices']}",
    "swapped by borrowers": lambda spot: full(spot["swaps"]["borrowers"]["volume"]),
    "swapped by the keeper": lambda spot: full(spot["swaps"]["keeper"]["volume"]),
    "its cost, bps": lambda spot: spot["swaps"]["keeper"]["cost_bps"],
    "highest utilisation": lambda spot: _highest(spot["lending"]),
}


def _highest(lending: Data) -> str:
    return ", ".join(f"{symbol} {100 * max(map(float, row['utilisation'])):.0f} %" for symbol, row in lending.items())


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
    if all("spot" in run for run in runs.values()):
        for name, cell in SPOT.items():
            table.add_row(name, *(cell(run["spot"]) for run in runs.values()))
    console.print(table)
