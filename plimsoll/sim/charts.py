"""The pictures of a report: each function draws one result onto one axes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

Data = dict[str, Any]

INK, MUTED, GRID, PAPER = "#1b2a3a", "#6b7a89", "#e3e8ed", "#ffffff"
BLUE, TEAL, AMBER, RED, GREY = "#1f5fa8", "#128a7e", "#e08a1e", "#c8382e", "#9aa7b4"
LINES = (BLUE, AMBER, TEAL, "#7a4fa3", GREY)
STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": GREY,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 22,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "plimsoll",
}


def times(data: Data) -> list[datetime]:
    return [datetime.fromtimestamp(moment, UTC) for moment in data["series"]["time"]]


def money(data: Data, name: str) -> np.ndarray[Any, Any]:
    return np.array([float(value) for value in data["series"][name]])


def title(axes: Axes, head: str, note: str) -> None:
    axes.set_title(head)
    axes.text(0, 1.03, note, transform=axes.transAxes, color=MUTED, fontsize=9, va="bottom")


def clock(axes: Axes, data: Data) -> None:
    moments = times(data)
    axes.set_xlim(moments[0], moments[-1])  # type: ignore[arg-type]
    locator = mdates.AutoDateLocator(minticks=5, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, show_offset=False))


def quote_axis(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))


def shown(value: float) -> str:
    """A sum in few characters: 150k, 12.3M."""
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:.2f}".rstrip("0").rstrip(".") + "M"
    return f"{value / 1e3:.3g}k" if size >= 1e3 else f"{value:.3g}"


# ---------------------------------------------------------------- the run


def prices(axes: Axes, data: Data) -> None:
    moments = times(data)
    notes = []
    for symbol, color in zip(data["prices"]["markets"], LINES, strict=False):
        values = money(data, f"price_{symbol}")
        axes.plot(moments, 100 * values / values[0], color=color, lw=1.6, label=symbol)  # type: ignore[arg-type]
        step, fall = data["prices"]["largest_step"][symbol], data["prices"]["largest_fall"][symbol]
        notes.append(f"{symbol} {percent(step)} on {step['until'][5:]}, largest fall {percent(fall)}")
    title(axes, "Price, first step = 100", "largest single step: " + " · ".join(notes))
    axes.legend(loc="upper right", ncols=2)
    clock(axes, data)


def pool(axes: Axes, data: Data) -> None:
    equity, flow = money(data, "pool_equity"), money(data, "lp_flow")
    axes.plot(times(data), equity, color=BLUE, lw=1.6, label="equity")  # type: ignore[arg-type]
    axes.plot(times(data), equity - flow, color=GREY, lw=1.4, ls="--", label="had no LP come or gone")  # type: ignore[arg-type]
    title(axes, "Pool equity", f"PnL {signed(data['pool_pnl'])}, net flow of LPs {signed(data['pool_lp_flow'])}")
    axes.legend(loc="lower right")
    quote_axis(axes)
    clock(axes, data)


def insurance(axes: Axes, data: Data) -> None:
    values = money(data, "insurance")
    axes.fill_between(times(data), values, color=TEAL, alpha=0.15, lw=0)  # type: ignore[arg-type]
    axes.plot(times(data), values, color=TEAL, lw=1.6)  # type: ignore[arg-type]
    paid, earned = shown(float(data["insurance_paid"])), shown(float(data["insurance_earned"]))
    title(axes, "Insurance fund", f"paid {paid} for bankrupt accounts, earned {earned} from liquidations")
    axes.set_ylim(bottom=0)
    quote_axis(axes)
    clock(axes, data)


def actions(axes: Axes, data: Data) -> None:
    """Per half hour, so that a bar is wide enough to be seen."""
    width = 1800
    start = data["series"]["time"][0]
    slots = (np.array(data["series"]["time"]) - start) // width
    edges = [datetime.fromtimestamp(start + width * (slot + 0.5), UTC) for slot in range(int(slots[-1]) + 1)]
    calls = np.bincount(slots, weights=data["series"]["calls"])
    taken = np.bincount(slots, weights=data["series"]["liquidations"])
    days = width / 86_400
    axes.bar(edges, calls, width=days * 0.9, color=AMBER, label="margin calls")  # type: ignore[arg-type]
    axes.bar(edges, taken, width=days * 0.9, bottom=calls, color=RED, label="liquidations")  # type: ignore[arg-type]
    note = (
        f"{data['margin_calls']} calls, {data['margin_calls_cured']} cured · {data['liquidations']} liquidations of "
        f"{data['accounts_liquidated']} accounts, {data['partial_liquidations']} partial, "
        f"{data['bankrupt_liquidations']} bankrupt"
    )
    title(axes, "Margin calls and liquidations per half hour", note)
    axes.legend(loc="upper right", ncols=2)
    clock(axes, data)


def health(axes: Axes, data: Data) -> None:
    bins = [float(end) for end in data["health"]["bins"]]
    names = ["< 0", *(f"{low:g}–{high:g}" for low, high in pairwise(bins)), f"> {bins[-1]:g}"]
    places = np.arange(len(names))
    for offset, when, color in ((-0.2, "before", GREY), (0.2, "after", BLUE)):
        counts = data["health"].get(when, [0] * len(names))
        axes.bar(places + offset, counts, width=0.4, color=color, label=f"{when} the worst hour")
        for place, count in zip(places, counts, strict=True):
            if count:
                axes.text(place + offset, count, str(count), ha="center", va="bottom", fontsize=7, color=MUTED)
    axes.axvline(2.5, color=RED, lw=1, ls="--")
    axes.text(2.42, axes.get_ylim()[1] * 0.96, "liquidatable", color=RED, fontsize=8, ha="right", va="top")
    axes.set_xticks(places, names, fontsize=8)
    axes.set_xlabel("health = equity / maintenance margin")
    title(axes, "Accounts by health", "accounts with a position, at the step's close")
    axes.legend(loc="upper left", bbox_to_anchor=(0.29, 1))
    axes.grid(axis="x", visible=False)


# ---------------------------------------------------------------- beside it


def deficits(axes: Axes, data: Data, other: Data) -> None:
    """What bankrupt accounts owe and nobody has covered, with and without a keeper."""
    pairs = [(data, "with keeper" if data["setup"]["keeper"] else "no keeper")]
    pairs.append((other, "with keeper" if other["setup"]["keeper"] else "no keeper"))
    for run, name in pairs:
        kept = run["setup"]["keeper"]
        values = money(run, "open_deficit")
        color = BLUE if kept else RED
        if not kept:
            axes.fill_between(times(run), values, color=RED, alpha=0.12, lw=0)  # type: ignore[arg-type]
        axes.plot(times(run), values, color=color, lw=1.8, label=name)  # type: ignore[arg-type]
    fund = float(data["insurance_start"])
    axes.axhline(fund, color=TEAL, lw=1.2, ls="--", label="the whole insurance fund")
    bare = next(run for run, name in pairs if not run["setup"]["keeper"])
    worst = shown(float(bare["open_deficit_peak"]))
    title(
        axes,
        "What bankrupt accounts owe at each step's close",
        f"without a keeper {bare['bankrupt_accounts_peak']} accounts are bankrupt at the worst moment and owe {worst}",
    )
    axes.legend(loc="upper left")
    axes.set_ylim(bottom=0)
    quote_axis(axes)
    clock(axes, data)


def steps(axes: Axes, runs: dict[str, Data]) -> None:
    """Insurance and bad debt by length of the step."""
    for (name, run), color in zip(runs.items(), (TEAL, BLUE, RED), strict=False):
        axes.plot(times(run), money(run, "insurance"), color=color, lw=1.6, label=name)  # type: ignore[arg-type]
    debts = " · ".join(f"{name.removesuffix(' steps')}: {shown(float(run['bad_debt']))}" for name, run in runs.items())
    title(axes, "The same days in other steps: insurance fund", f"bad debt — {debts}")
    axes.legend(loc="lower left")
    axes.set_ylim(bottom=0)
    quote_axis(axes)
    clock(axes, next(iter(runs.values())))


def percent(step: dict[str, str]) -> str:
    return f"{float(step['change']):+.1%}".replace("-", "−")


def signed(text: str) -> str:
    value = float(text)
    return ("+" if value >= 0 else "−") + shown(abs(value))
