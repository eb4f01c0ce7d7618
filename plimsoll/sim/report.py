"""A report for people: `report.html` (one file, nothing to fetch), `report.png`, and the results they were drawn from.

Everything is rendered in memory first; each file then appears whole or not at all. A full disk costs the file, not the
result: what was rendered is kept elsewhere, and the error says where.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from plimsoll.sim.compare import label
from plimsoll.sim.files import NotWritten, keep

Data = dict[str, Any]


def write_report(data: Data, others: dict[str, Data], folder: Path, keeper_log: str = "") -> list[Path]:
    """Writes all files; returns their paths. Raises NotWritten for the first that failed, after trying all."""
    contents: dict[str, str | bytes] = {
        "result.json": json.dumps(data, indent=1) + "\n",
        "beside.json": json.dumps(others, indent=1) + "\n",
        "report.html": page(data, others),
        "report.png": picture(data, others),
    }
    if keeper_log:
        contents["keeper.log"] = keeper_log
    written, failure = [], None
    for name, content in contents.items():
        try:
            written.append(keep(folder / name, content))
        except NotWritten as error:
            failure = failure or error
    if failure:
        raise failure
    return written


def by_step(data: Data, others: dict[str, Data]) -> dict[str, Data]:
    """The runs that differ in their step only, shortest first."""
    kept = data["setup"]["keeper"]
    runs = [data, *(run for run in others.values() if run["setup"]["keeper"] == kept)]
    runs.sort(key=lambda run: int(run["setup"]["step_seconds"]))
    return {label(run["setup"]["step_seconds"]): run for run in runs}


def opposite(data: Data, others: dict[str, Data]) -> Data | None:
    """The run that differs in having a keeper or not."""
    return next((run for run in others.values() if run["setup"]["keeper"] != data["setup"]["keeper"]), None)


def drawings(data: Data, others: dict[str, Data]) -> dict[str, Callable[[Any], None]]:
    """What is drawn, by name."""
    from plimsoll.sim import charts, spot_page

    found: dict[str, Callable[[Any], None]] = {
        "prices": lambda axes: charts.prices(axes, data),
        "actions": lambda axes: charts.actions(axes, data),
        "insurance": lambda axes: charts.insurance(axes, data),
        "pool": lambda axes: charts.pool(axes, data),
        "health": lambda axes: charts.health(axes, data),
    }
    if "spot" in data:
        found |= {name: partial(getattr(spot_page, name), data=data) for name in ("swaps", "utilisation", "rates")}
    if (other := opposite(data, others)) is not None:
        found["deficits"] = lambda axes: charts.deficits(axes, data, other)
    runs = by_step(data, others)
    if len(runs) > 1:
        found["steps"] = lambda axes: charts.steps(axes, runs)
    return found


def picture(data: Data, others: dict[str, Data]) -> bytes:
    """All drawings on one sheet, as PNG."""
    from matplotlib import pyplot, rc_context

    from plimsoll.sim import charts

    found = drawings(data, others)
    rows: list[Any] = [
        ["prices", "prices"],
        ["actions", "actions"],
        ["insurance", "pool"],
        ["health", "deficits"],
        ["swaps", "swaps"],
        ["utilisation", "rates"],
        ["steps", "steps"],
    ]
    rows = [[name if name in found else "." for name in row] for row in rows]
    rows = [row for row in rows if set(row) != {"."}]
    with rc_context(charts.STYLE):  # type: ignore[arg-type]
        figure, axes = pyplot.subplot_mosaic(rows, figsize=(14, 4.1 * len(rows) + 1), layout="constrained")
        engine: Any = figure.get_layout_engine()
        engine.set(h_pad=0.18, w_pad=0.12, rect=(0, 0, 1, 1 - 0.75 / figure.get_figheight()))
        for name, draw in found.items():
            draw(axes[name])
        height = figure.get_figheight()
        head, note = headline(data)
        figure.text(0.012, 1 - 0.32 / height, head, fontsize=17, fontweight="bold", color=charts.INK, va="center")
        figure.text(0.012, 1 - 0.65 / height, note, fontsize=10, color=charts.MUTED, va="center")
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110, metadata={"Software": "plimsoll"})
        pyplot.close(figure)
    return out.getvalue()


def vector(draw: Callable[[Any], None]) -> str:
    """One drawing as SVG text."""
    from matplotlib import pyplot, rc_context

    from plimsoll.sim import charts

    with rc_context(charts.STYLE):  # type: ignore[arg-type]
        figure, axes = pyplot.subplots(figsize=(10, 3.5), layout="constrained")
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "plimsoll"})
        pyplot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


def headline(data: Data) -> tuple[str, str]:
    setup, prices = data["setup"], data["prices"]
    head = f"{' and '.join(prices['markets'])}, {prices['start']} to {prices['end']} UTC"
    keeper = "a keeper" if setup["keeper"] else "nobody keeping"
    where = "Anvil" if setup["chain"] == "anvil" else "in process"
    note = (
        f"{data['accounts']} accounts, {data['steps']} steps of {setup['step_seconds']} s, "
        f"{data['transactions']:,} transactions, {keeper}, {where}, seed {setup['seed']}"
    )
    return head, note


def page(data: Data, others: dict[str, Data]) -> str:
    from plimsoll.sim.html import document
    from plimsoll.sim.spot_page import section

    charts = {name: vector(draw) for name, draw in drawings(data, others).items()}
    spot = section(data, charts)
    return document(data, others, charts, headline(data), by_step(data, others), opposite(data, others), spot)
