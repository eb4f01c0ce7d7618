"""The page of a fall with options: who was called, by which scenarios, what that cost in gas, and who took what.

write(data_of(result), folder)          options.html (one file, nothing to fetch), options.png, options.json
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from plimsoll.sim.charts import AMBER, BLUE, GREY, LINES, RED, STYLE, TEAL, clock, quote_axis, times, title
from plimsoll.sim.files import keep
from plimsoll.sim.html import grid, shell

if TYPE_CHECKING:
    from plimsoll.sim.option_fall import Result

Data = dict[str, Any]
FIELDS = ("equity", "im", "im0", "mm")
NOTE = (
    "Both ends are recorded: every quoted option on BTC and ETH, fitted by one smile per expiry, signed as surfaces by "
    "the local signers, and accepted by the feed on chain. In between, index, forwards and smiles are straight lines "
    "in time; a smile that would cross its neighbour is lifted until the feed takes it. Expiries keep their time."
)
WITNESS = (
    "A call or a liquidation of a portfolio account names one scenario per underlying and one for the joint term, and "
    "only those are evaluated. The keeper finds them off chain with the exact twin. Gas without a witness is the same "
    "transaction on the same block, all scenarios evaluated."
)
BOOKS = (
    "After every step, over all accounts: the quantities of every series add up to zero, and what accounts hold of "
    "the quote asset is what its vault has, to the last unit."
)


def data_of(result: Result) -> Data:
    """Plain numbers, for JSON, terminal and page."""
    health = {
        name: {field: [round(getattr(h, field), 2) for h in path] for field in FIELDS}
        | {"state": [h.state for h in path]}
        for name, path in result.health.items()
    }
    unbalanced = sum(not found.balance for found in result.books)
    return {
        "format": 1,
        "series": {"time": result.times, **{f"index_{name}": path for name, path in result.index.items()}},
        "health": health,
        "acts": result.acts,
        "fund": {"series": result.series, "expiries": result.expiries, "opening_gas": result.opening},
        "taken": result.taken,
        "books": {
            "steps": len(result.books),
            "unbalanced": unbalanced,
            "open_series": result.books[-1].series,
            "quote_beyond_accounts": max(abs(found.rest) for found in result.books),
        },
    }


def headline(data: Data) -> tuple[str, str]:
    first, last = (datetime.fromtimestamp(data["series"]["time"][at], UTC) for at in (0, -1))
    falls = ", ".join(f"{name} {fall(data, name):+.1%}".replace("-", "−") for name in underlyings(data))
    fund = data["fund"]
    head = f"Options through a fall: {first:%d %B %Y %H:%M} to {last:%d %B %H:%M} UTC"
    return (
        head,
        f"{falls}; a portfolio account with {fund['series']} series of {fund['expiries']} expiries, and a keeper",
    )


def underlyings(data: Data) -> list[str]:
    return [key.removeprefix("index_") for key in data["series"] if key.startswith("index_")]


def fall(data: Data, name: str) -> float:
    path = data["series"][f"index_{name}"]
    return float(path[-1] / path[0] - 1)


# ---------------------------------------------------------------- pictures


def prices(axes: Axes, data: Data) -> None:
    for name, color in zip(underlyings(data), LINES, strict=False):
        path = data["series"][f"index_{name}"]
        axes.plot(times(data), [100 * value / path[0] for value in path], color=color, lw=1.6, label=name)  # type: ignore[arg-type]
    title(axes, "Index, first step = 100", headline(data)[1])
    axes.legend(loc="upper right", ncols=2)
    clock(axes, data)


def health(axes: Axes, data: Data, name: str, note: str) -> None:
    path = data["health"][name]
    for field, label, color, dash in (
        ("equity", "equity", BLUE, "-"),
        ("im", "initial margin", GREY, "--"),
        ("mm", "maintenance margin", RED, "-"),
    ):
        axes.plot(times(data), path[field], color=color, lw=1.6, ls=dash, label=label)  # type: ignore[arg-type]
    for act in (act for act in data["acts"] if act["account"] == name):
        called = act["event"] == "MarginCalled"
        at: Any = datetime.fromtimestamp(act["time"], UTC)
        axes.axvline(at, color=AMBER if called else TEAL, lw=1.2, ls=":" if called else "-")
    title(axes, f"{name.capitalize()}: equity and margin", note)
    axes.legend(loc="best", ncols=3)
    quote_axis(axes)
    clock(axes, data)


def drawings(data: Data) -> dict[str, Callable[[Axes], None]]:
    marks = "dotted: margin call; line: a slice goes to the keeper"
    return {
        "prices": lambda axes: prices(axes, data),
        "fund": lambda axes: health(axes, data, "fund", f"portfolio account, {marks}"),
        "writer": lambda axes: health(axes, data, "writer", f"cross account by rule, {marks}"),
        "keeper": lambda axes: health(axes, data, "keeper", "portfolio account, into which slices come"),
    }


def picture(data: Data) -> bytes:
    from matplotlib import pyplot, rc_context

    rows: list[Any] = [["prices", "prices"], ["fund", "fund"], ["writer", "keeper"]]
    with rc_context(STYLE):  # type: ignore[arg-type]
        figure, axes = pyplot.subplot_mosaic(rows, figsize=(14, 13), layout="constrained")
        for name, draw in drawings(data).items():
            draw(axes[name])
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110, metadata={"Software": "plimsoll"})
        pyplot.close(figure)
    return out.getvalue()


# ---------------------------------------------------------------- the page


def page(data: Data) -> str:
    from plimsoll.sim.report import vector

    head, note = headline(data)
    drawn = {name: f"<figure>{vector(draw)}</figure>" for name, draw in drawings(data).items()}
    books = data["books"]
    balance = f"{books['steps'] - books['unbalanced']} of {books['steps']} steps balance."
    parts = [
        f"<h1>{escape(head)}</h1>",
        f'<p class="note">{escape(note)}</p>',
        *(drawn[name] for name in ("prices", "fund")),
        f"<h2>What the keeper did</h2><p>{escape(WITNESS)}</p>",
        grid(ACTS, ((cells[0], cells[1:]) for cells in acts(data))),
        *(drawn[name] for name in ("keeper", "writer")),
        f"<h2>Who has what in the end</h2>{grid(TAKEN, taken(data))}",
        f"<h2>Books</h2><p>{escape(BOOKS)} {escape(balance)}</p>",
        f"<h2>Chains</h2><p>{escape(NOTE)}</p>",
    ]
    return shell(head, "\n".join(parts))


ACTS = ("", "account", "worst case named", "slice", "gas", "without a witness")
TAKEN = ("account", "series", "equity at first", "equity at last", "state")


def acts(data: Data) -> list[list[str]]:
    rows = []
    for act in data["acts"]:
        moment = datetime.fromtimestamp(act["time"], UTC)
        what = "margin call" if act["event"] == "MarginCalled" else "liquidation"
        part = f"{act['fraction']:.1%} to {act['to']}" if "fraction" in act else ""
        full = f"{act['gas_in_full']:,}" if act["witness"] else ""
        rows.append(
            [f"{moment:%d %b %H:%M} {what}", act["account"], worst(act["scenarios"]), part, f"{act['gas']:,}", full]
        )
    return rows


def worst(scenarios: list[str]) -> str:
    """One text where all of them are the same."""
    if not scenarios:
        return "by rule"
    texts = {text.partition(": ")[2] for text in scenarios}
    return texts.pop() + " in every term" if len(texts) == 1 else "; ".join(scenarios)


def taken(data: Data) -> list[tuple[str, list[str]]]:
    """Accounts with how many series they end with, and what they were and are worth."""
    rows = []
    for name, path in data["health"].items():
        first, last = path["equity"][0], path["equity"][-1]
        rows.append((name, [str(data["taken"].get(name, 0)), f"{first:,.0f}", f"{last:,.0f}", path["state"][-1]]))
    return rows


def write(data: Data, folder: Path, keeper_log: str = "") -> list[Path]:
    """Rendered in memory first; each file whole or not at all."""
    contents: dict[str, str | bytes] = {
        "options.json": json.dumps(data, indent=1) + "\n",
        "options.html": page(data),
        "options.png": picture(data),
    }
    if keeper_log:
        contents["options-keeper.log"] = keeper_log
    return [keep(folder / name, content) for name, content in contents.items()]
