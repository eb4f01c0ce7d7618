"""The picture of a heatmap: what an account gains and loses over spot and volatility, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot, rc_context
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

from plimsoll.sim import charts

#: Loss, nothing, gain: told apart without colour by the numbers in the cells.
COLORS = LinearSegmentedColormap.from_list("pnl", [charts.RED, charts.PAPER, charts.TEAL])


def png(grid: Sequence[Sequence[float]], spots: Sequence[float], vols: Sequence[float], head: str, note: str) -> bytes:
    """Spot to the right, volatility upward, PnL in quote in each cell."""
    values = np.array(grid).T
    most = max(float(np.abs(values).max()), 1e-9)
    with rc_context(charts.STYLE | {"axes.grid": False}):  # type: ignore[arg-type]
        figure, axes = pyplot.subplots(figsize=(1.6 + 0.62 * len(spots), 2.2 + 0.42 * len(vols)), layout="constrained")
        norm = TwoSlopeNorm(0.0, -most, most)
        axes.imshow(values, cmap=COLORS, norm=norm, origin="lower", aspect="auto")
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                ink = charts.PAPER if abs(value) > 0.65 * most else charts.INK
                axes.text(column, row, charts.shown(value), ha="center", va="center", fontsize=8, color=ink)
        axes.set_xticks(range(len(spots)), [f"{100 * spot:+.0f} %" for spot in spots])
        axes.set_yticks(range(len(vols)), [f"{100 * vol:+.0f} %" for vol in vols])
        axes.set_xlabel("spot")
        axes.set_ylabel("volatility, of what it is")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_title(head)
        axes.annotate(note, (0, 1), (0, 8), "axes fraction", "offset points", color=charts.MUTED, fontsize=9)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110, metadata={"Software": "plimsoll"})
        pyplot.close(figure)
    return out.getvalue()
