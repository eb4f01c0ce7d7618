"""The report of a scenario: bad debt, tier by tier, the waterfall, and what volatility scaling is worth."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from plimsoll.sim.files import NotWritten, keep
from plimsoll.sim.html import CSS, full
from plimsoll.sim.report import vector

Data = dict[str, Any]
Sides = Mapping[str, Mapping[str, Data]]

#: label, key of the totals, whether it is money
ROWS = (
    ("steps", "steps", False),
    ("transactions", "transactions", False),
    ("margin calls", "margin_calls", False),
    ("of these cured", "margin_calls_cured", False),
    ("liquidations", "liquidations", False),
    ("of these partial", "partial_liquidations", False),
    ("of these bankrupt", "bankrupt_liquidations", False),
    ("insurance paid", "insurance_paid", True),
    ("insurance earned", "insurance_earned", True),
    ("insurance, at its lowest", "insurance_low", True),
    ("bad debt", "bad_debt", True),
    ("owed when bankrupt, at worst", "open_deficit_peak", True),
    ("PnL of the pool", "pool_pnl", True),
    ("conservation error", "conservation_error", True),
)
GROUP_COLUMNS = ("listed", "accounts", "liquidations", "bankrupt_liquidations", "deficit", "insurance_paid", "bad_debt")


def write_scenario(data: Data, sides: Sides, folder: Path) -> list[Path]:
    """`scenario.json` and `scenario.html`; what cannot be written is kept elsewhere, and the error says where."""
    contents = {"scenario.json": json.dumps(data, indent=1) + "\n", "scenario.html": document(data, sides)}
    written, failure = [], None
    for name, content in contents.items():
        try:
            written.append(keep(folder / name, content))
        except NotWritten as error:
            failure = failure or error
    if failure:
        raise failure
    return written


def document(data: Data, sides: Sides) -> str:
    scenario = data["scenario"]
    body = [f"<h1>{escape(scenario['title'])}</h1>", *(f"<p>{escape(note)}</p>" for note in scenario["notes"])]
    body += [tiles(data), "<h2>With volatility scaling and without</h2>", totals(data)]
    body += ["<h2>Leverage that was to be had</h2>", f"<p>{escape(LEVERAGE_NOTE)}</p>", leverages(data)]
    body += [f"<figure>{vector(draw)}</figure>" for draw in drawings(sides)]
    for side, table in data["waterfall"].items():
        if table:
            body += [f"<h2>Who paid for what was lost, {escape(side)}</h2>", _table(table)]
    for side, table in data["groups"].items():
        if table:
            rows = {name: {"listed": f"{data['listed'][name]}x"} | row for name, row in table.items()}
            body += [f"<h2>At the listed maximum, tier by tier, {escape(side)}</h2>", _table(rows, GROUP_COLUMNS)]
    for side, table in data["parts"].items():
        body += [f"<h2>Part by part, {escape(side)}</h2>", _table({name: _flat(row) for name, row in table.items()})]
    text = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Plimsoll: {escape(scenario["title"])}'
        f"</title><style>{CSS}</style></head><body><main>\n{text}\n</main></body></html>\n"
    )


LEVERAGE_NOTE = (
    "The most leverage of each market's first tier, averaged over the steps of a day. On calm days the range (highest "
    "over lowest price) is below the median of all days: what traders give up on them is the price of scaling."
)


def tiles(data: Data) -> str:
    side, found = next(iter(data["totals"].items()))
    items = [
        (f"bad debt, {side}", full(found["bad_debt"]), "bad" if float(found["bad_debt"]) else "good"),
        ("insurance paid", full(found["insurance_paid"]), ""),
        ("liquidations", f"{found['liquidations']:,}", ""),
        ("of these bankrupt", f"{found['bankrupt_liquidations']:,}", ""),
        (
            "conservation error",
            full(found["conservation_error"]),
            "bad" if float(found["conservation_error"]) else "good",
        ),
    ]
    inner = "".join(
        f'<div class="tile {kind}"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value, kind in items
    )
    return f'<div class="tiles">{inner}</div>'


def totals(data: Data) -> str:
    runs = data["totals"]
    rows = {
        name: {side: full(run[key]) if money else f"{run[key]:,}" for side, run in runs.items()}
        for name, key, money in ROWS
    }
    return _table(rows, ready=True)


def leverages(data: Data) -> str:
    rows = {}
    for symbol, entry in data["leverage"].items():
        for key, name in (("calm_days", "calm days"), ("all_days", "all days"), ("lowest_day", "lowest day")):
            rows[f"{symbol}, {name}"] = {side: f"{entry[side][key]}x" for side in data["totals"]}
    return _table(rows, ready=True)


def _flat(row: Data) -> Data:
    falls = ", ".join(f"{symbol} {float(fall):+.1%}" for symbol, fall in row["largest_fall"].items())
    rest = {key: value for key, value in row.items() if key not in ("start", "end", "largest_fall")}
    return {"largest fall of a step": falls} | rest


def _table(rows: Mapping[str, Data], columns: tuple[str, ...] = (), *, ready: bool = False) -> str:
    names = columns or tuple(next(iter(rows.values())))
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in ("", *names))
    lines = []
    for label, row in rows.items():
        cells = "".join(f"<td>{escape(_cell(row.get(name, ''), ready))}</td>" for name in names)
        lines.append(f"<tr><td>{escape(label)}</td>{cells}</tr>")
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def _cell(value: Any, ready: bool) -> str:
    if ready or not isinstance(value, str):
        return f"{value:,}" if isinstance(value, int) else str(value)
    try:
        return full(value)
    except ValueError:
        return value


# ---------------------------------------------------------------- pictures


def drawings(sides: Sides) -> list[Callable[[Any], None]]:
    from plimsoll.sim import scenario_charts as charts

    parts = next(iter(sides.values()))
    found: list[Callable[[Any], None]] = [lambda axes: charts.leverage(axes, sides)]
    found.append(lambda axes: charts.liquidations(axes, sides))
    if len(parts) == 1:
        found.append(lambda axes: charts.insurance(axes, sides))
    return found
