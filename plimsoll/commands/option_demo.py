"""The demo's second part: option chains of February 2026 through a fall, on a local chain of their own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def options_demo(report: Path, console: Console) -> None:
    """Runs it, prints what came of it, then writes the report."""
    from plimsoll.commands.demo import recorded
    from plimsoll.sim import option_fall, option_page

    started = time.perf_counter()
    folder = recorded((option_fall.BEFORE, option_fall.AFTER))
    with console.status("fitting surfaces to both option chains"):
        fall = option_fall.load_fall(folder)
    backend = option_fall.backend_for(fall)
    try:
        with console.status("options on Anvil: a portfolio account through the fall"):
            result = option_fall.run(fall, backend)
    finally:
        backend.close()
    data = option_page.data_of(result)
    show(data, console)
    console.print(f"options: {len(result.times)} steps in {time.perf_counter() - started:.0f} s, surfaces fitted")
    for file in option_page.write(data, report, result.keeper_log):
        console.print(str(file))


def show(data: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    from plimsoll.sim.option_page import ACTS, TAKEN, acts, headline, taken

    head, note = headline(data)
    console.print(f"[bold]{head}[/]: {note}")
    for columns, rows in ((ACTS, acts(data)), (TAKEN, [[name, *cells] for name, cells in taken(data)])):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for place, column in enumerate(columns):
            table.add_column(column, justify="left" if (place < 3 and columns is ACTS) or not place else "right")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    books = data["books"]
    style = "bold red" if books["unbalanced"] else "green"
    console.print(
        f"[{style}]{books['steps'] - books['unbalanced']} of {books['steps']} steps: every series adds up to zero, and "
        "all quote is somebody's, to the unit[/]"
    )
