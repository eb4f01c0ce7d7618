"""The report's part about borrowed spot: loans, swaps, lending, and who paid for what was lost."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from plimsoll.sim.charts import AMBER, BLUE, GREY, LINES, clock, quote_axis, shown, times, title
from plimsoll.sim.html import full, grid
from plimsoll.sim.waterfall import STAGES

Data = dict[str, Any]

NOTE = (
    "Loops, isolated pairs and spot shorts borrow from the protocol's lenders and swap through Call on a Uniswap v3 "
    "that was deployed beside it and seeded at the first prices. An arbitrageur trades its pools towards the index at "
    "the start of each step, as far as their fee leaves him something. The keeper sells what it takes over on the same "
    "pools inside its batch, with no capital but a cushion. Cost is what swaps bring less than the index says, fee and "
    "price impact together; a negative one is the arbitrageur's profit."
)
LOANS = {
    "opened": "loans opened",
    "raised": "borrowed more on a loan",
    "repaid": "repaid by their owner",
    "liquidated": "ended by a liquidation",
    "slices": "slices taken of accounts with a loan",
}
SWAPS = ("swaps", "volume", "cost", "cost_bps", "largest", "largest_cost_bps")


def section(data: Data, charts: dict[str, str]) -> list[str]:
    """Nothing for a replay without an exchange."""
    if "spot" not in data:
        return []
    figures = [f"<figure>{charts[name]}</figure>" for name in ("swaps", "utilisation", "rates") if name in charts]
    return ["<h2>Borrowed spot</h2>", f"<p>{escape(NOTE)}</p>", *_tables(data["spot"]), *figures, *waterfall(data)]


def _tables(spot: Data) -> list[str]:
    loans = [(name, [str(spot["loans"][key])]) for key, name in LOANS.items()]
    swaps = [(who, [_cell(row[key]) for key in SWAPS]) for who, row in spot["swaps"].items()]
    ends = [
        (symbol, [f"{share(value):.1f} %" for key in ("utilisation", "borrow_rate") for value in _ends(row[key])])
        for symbol, row in spot["lending"].items()
    ]
    return [
        grid(("", "number"), loans),
        grid(("swaps of", *(key.replace("_bps", ", bps").replace("_", " ") for key in SWAPS)), swaps),
        grid(("lent", "utilisation, highest", "at the end", "borrow rate a year, highest", "at the end"), ends),
    ]


def _ends(values: list[str]) -> tuple[str, str]:
    return max(values, key=float), values[-1]


def _cell(value: Any) -> str:
    return full(value) if isinstance(value, str) else f"{value:,}"


def share(value: str) -> float:
    return 100 * float(value)


def waterfall(data: Data) -> list[str]:
    """Empty without a loss."""
    rows = [(name, [full(row[stage]) for stage in STAGES]) for name, row in data["waterfall"].items()]
    if not rows:
        return ["<h2>Who paid for what was lost</h2>", "<p>Nothing was lost: no account was taken below zero.</p>"]
    return ["<h2>Who paid for what was lost</h2>", grid(("", *STAGES), rows)]


# ---------------------------------------------------------------- pictures


def swaps(axes: Axes, data: Data) -> None:
    """Per half hour; the arbitrageur's volume is much larger and said in the note."""
    width, spot = 1800, data["spot"]
    start = data["series"]["time"][0]
    slots = (np.array(data["series"]["time"]) - start) // width
    edges = [datetime.fromtimestamp(start + width * (slot + 0.5), UTC) for slot in range(int(slots[-1]) + 1)]
    bottom = np.zeros(len(edges))
    for who, color in (("borrowers", BLUE), ("keeper", AMBER)):
        values = np.bincount(slots, weights=[float(value) for value in spot["volume"][who]])
        axes.bar(edges, values, width=width / 86_400 * 0.9, bottom=bottom, color=color, label=who)  # type: ignore[arg-type]
        bottom += values
    notes = [
        f"{who} {shown(float(row['volume']))} at {float(row['cost_bps']):.0f} bps"
        for who, row in spot["swaps"].items()
        if row["swaps"]
    ]
    title(axes, "Swapped on Uniswap per half hour", " · ".join(notes))
    axes.legend(loc="upper right", ncols=2)
    quote_axis(axes)
    clock(axes, data)


def utilisation(axes: Axes, data: Data) -> None:
    _lines(axes, data, "utilisation", "Lent and borrowed: utilisation, %")
    axes.axhline(90, color=GREY, lw=1, ls="--")
    axes.set_ylim(0, 102)


def rates(axes: Axes, data: Data) -> None:
    _lines(axes, data, "borrow_rate", "Borrow rate, % a year")
    axes.set_ylim(bottom=0)


def _lines(axes: Axes, data: Data, key: str, head: str) -> None:
    lending, notes = data["spot"]["lending"], []
    for (symbol, row), color in zip(lending.items(), LINES, strict=False):
        values = [share(value) for value in row[key]]
        axes.plot(times(data), values, color=color, lw=1.6, label=symbol)  # type: ignore[arg-type]
        notes.append(f"{symbol} {max(values):.1f}")
    title(axes, head, "at most " + " · ".join(notes))
    axes.legend(loc="upper right", ncols=3)
    clock(axes, data)
