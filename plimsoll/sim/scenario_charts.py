"""The pictures of a scenario's report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes

from plimsoll.sim.charts import AMBER, BLUE, GREY, LINES, RED, TEAL, money, quote_axis, times, title

Data = dict[str, Any]
Sides = Mapping[str, Mapping[str, Data]]
COLORS = (BLUE, AMBER)


def leverage(axes: Axes, sides: Sides) -> None:
    """By day, of each market's first tier."""
    for side, parts in sides.items():
        days = [day for part in parts.values() for day in part["days"] if not part["setup"]["traders"]]
        days = days or [day for part in parts.values() for day in part["days"]]
        moments = [datetime.fromisoformat(day["day"]).replace(tzinfo=UTC) for day in days]
        symbols = [name for name in days[0] if isinstance(days[0][name], dict)]
        on = side == next(iter(sides))
        for symbol, color in zip(symbols, LINES, strict=False):
            values = [float(day[symbol]["leverage"]) for day in days]
            style = {"color": color, "lw": 1.2, "label": f"{symbol}, {side}"}
            axes.plot(moments, values, ls="-" if on else ":", **style)  # type: ignore[arg-type]
    title(axes, "Leverage that was to be had", "first tier of each market, average of the day")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left", ncols=2)
    _dates(axes)


def liquidations(axes: Axes, sides: Sides) -> None:
    """By stretch of the thinned series."""
    for (side, parts), color in zip(sides.items(), COLORS, strict=False):
        peopled = [part for part in parts.values() if part["setup"]["traders"]]
        moments = [moment for part in peopled for moment in times(part)]
        counts = [count for part in peopled for count in part["series"]["liquidations"]]
        axes.plot(moments, np.cumsum(counts), color=color, lw=1.6, label=side)  # type: ignore[arg-type]
    title(axes, "Liquidations, added up", "slices taken over")
    axes.legend(loc="upper left")
    _dates(axes)


def insurance(axes: Axes, sides: Sides) -> None:
    """The fund, and what bankrupt accounts owe at a step's close."""
    for (side, parts), color in zip(sides.items(), (TEAL, GREY), strict=False):
        part = next(iter(parts.values()))
        axes.plot(times(part), money(part, "insurance"), color=color, lw=1.6, label=f"fund, {side}")  # type: ignore[arg-type]
    part = next(iter(next(iter(sides.values())).values()))
    axes.plot(times(part), money(part, "open_deficit"), color=RED, lw=1.2, label="owed by bankrupt accounts")  # type: ignore[arg-type]
    title(axes, "Insurance", "and what bankrupt accounts owe at a step's close")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    quote_axis(axes)
    _dates(axes)


def _dates(axes: Axes) -> None:
    locator = mdates.AutoDateLocator(minticks=5, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, show_offset=False))
