"""Portfolio accounts by the hundred thousand, in floats: which of them are worth an exact look.

A `SeriesTable` has the value of every series in every scenario, once per tick; `assess` multiplies it with all
accounts' quantities, an expiry at a time because discounts and skews depend on what an account has there. The exact
model is portfolio_margin.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from plimsoll.margin.fixed_math import BPS, PPM, WAD
from plimsoll.margin.portfolio_parameters import RESERVE_ALWAYS
from plimsoll.margin.portfolio_series import SeriesTable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Totals(NamedTuple):
    """One entry per account, quote."""

    equity: Floats
    im: Floats
    im0: Floats
    mm: Floats
    worst: Ints


@dataclass(frozen=True, slots=True)
class Positions:
    """Accounts' options as rows of a sparse matrix, each row ascending by series, and what they have beside options.

    linear and size: by account and underlying, what moves with the spot and what counts for size tiers. equity, im,
    im0, mm: of assets and perps. profit: of perps. exposed: whether they owe something without options. Quantities in
    units, the rest in quote.
    """

    starts: Ints
    series: Ints
    quantity: Floats
    linear: Floats
    size: Floats
    equity: Floats
    im: Floats
    im0: Floats
    mm: Floats
    profit: Floats
    exposed: NDArray[np.bool_]


def assess(table: SeriesTable, accounts: Positions, quote: float = 1.0) -> Totals:
    """All accounts at the table's prices. quote: the price of the quote asset."""
    p = table.parameters
    count = len(accounts.starts) - 1
    out = np.zeros((5, count))
    depeg = max(p.peg_threshold / WAD - quote, 0.0) * p.peg_factor / WAD
    factors = np.array([p.mm_factor / WAD, p.im_factor / WAD, p.im_factor / WAD + depeg, p.rho / PPM])
    kernel: Any = _kernel
    kernel(*_arrays(accounts), *table.arrays(), factors, out)
    equity, mm, im0, im, worst = out
    always = bool(p.flags & RESERVE_ALWAYS)
    shorts = np.zeros(count, bool)
    rows = np.repeat(np.arange(count), np.diff(accounts.starts))
    shorts[rows[accounts.quantity < 0]] = True
    needed = accounts.exposed | shorts | always
    profit = np.maximum(accounts.profit, 0) * (1 - p.pnl_share / BPS)
    im = np.where(needed, np.maximum(im, p.im_floor / WAD) + profit, 0)
    im0 = np.where(needed, np.maximum(im0, p.im_floor / WAD), 0)
    mm = np.where(needed, np.maximum(mm, p.mm_floor / WAD), 0)
    return Totals(equity, im, im0, mm, worst.astype(np.int64))


def rows_of(quantities: Sequence[dict[int, float]]) -> tuple[Ints, Ints, Floats]:
    """starts, series and quantity of accounts given as {series: quantity}."""
    starts = np.cumsum([0, *map(len, quantities)]).astype(np.int64)
    entries = [entry for row in quantities for entry in sorted(row.items())]
    series = np.array([s for s, _ in entries], np.int64)
    return starts, series, np.array([q for _, q in entries], np.float64)


def _arrays(a: Positions) -> tuple[Any, ...]:
    return a.starts, a.series, a.quantity, a.linear, a.size, np.column_stack((a.equity, a.mm, a.im0, a.im))


@numba.njit(cache=True, fastmath=True)
def _add_gains(pnl, row, terms, scenarios):  # type: ignore[no-untyped-def]
    """What one expiry of an account gains, scenario by scenario and last by its basis, from its values in `row`."""
    count, mark = scenarios.shape[0], row[2] * terms[0]
    pnl[count] += min(min(row[0], row[1]) * terms[0] - mark, 0.0) * terms[3]
    for k in range(count):
        raw = row[3 + k]
        gain = raw * (terms[2] if raw < 0 else terms[1]) - mark
        if scenarios[k, 2] == 1:
            gain = -abs(gain)
        elif scenarios[k, 2] == 2:
            raw = row[3 + count + k]
            level = raw * (terms[2] if raw < 0 else terms[1]) - mark
            gain = level - abs(gain - level)
        pnl[k] += gain * scenarios[k, 1]


@numba.njit(cache=True, fastmath=True)
def _span(pnl, multipliers, rho):  # type: ignore[no-untyped-def]
    """(1 − ρ)·Σ of the underlyings' worst losses + ρ·the worst sum."""
    apart, joint = 0.0, 0.0
    for g in range(pnl.shape[0]):
        apart -= min(pnl[g].min(), 0.0) * multipliers[g]
    if rho == 0:
        return apart
    for k in range(pnl.shape[1]):
        total = 0.0
        for g in range(pnl.shape[0]):
            total -= pnl[g, k] * multipliers[g]
        joint = max(joint, total)
    return apart * (1 - rho) + joint * rho


@numba.njit(cache=True, fastmath=True)
def _finish(pnl, linear, sizes, scenarios, extra):  # type: ignore[no-untyped-def]
    """Adds what moves with the spot. @return what sizes need beyond their tiers."""
    more = 0.0
    for g in range(pnl.shape[0]):
        for k in range(scenarios.shape[1]):
            pnl[g, k] += linear[g] * scenarios[g, k, 0] * scenarios[g, k, 1]
        x = extra[g]
        more += max(sizes[g] - x[2], 0.0) * x[3] + max(sizes[g] - x[4], 0.0) * x[5]
    return more


@numba.njit(parallel=True, cache=True, fastmath=True)
def _kernel(  # type: ignore[no-untyped-def]
    starts,
    series,
    quantity,
    linear,
    size,
    base,
    expiry_of,
    pair,
    values,
    terms,
    group_of,
    scenarios,
    extra,
    factors,
    out,
):
    """terms by expiry: discount, long, short, basis, spot, mm per naked unit, im per naked unit, im per unit for doubt.

    values by series: up, down, mark, then the scenarios, then their levels where kinds are joint. scenarios by
    underlying: spot − 1, damping, turning (0 no, 1 a skew, 2 a joint one). extra by underlying: multipliers of IM and
    MM, tier bounds and rates.
    """
    width = values.shape[1]
    for account in numba.prange(starts.shape[0] - 1):
        pnl = np.zeros((scenarios.shape[0], scenarios.shape[1] + 1))
        row, sizes, total = np.zeros(width), size[account].copy(), base[account].copy()
        at, end = starts[account], starts[account + 1]
        while at < end:
            e = expiry_of[series[at]]
            row[:] = 0.0
            gross, naked = 0.0, 0.0
            while at < end and expiry_of[series[at]] == e:
                strike, net = pair[series[at]], 0.0
                while at < end and pair[series[at]] == strike:
                    q = quantity[at]
                    net += q
                    gross += abs(q)
                    for j in range(width):
                        row[j] += q * values[series[at], j]
                    at += 1
                naked += max(-net, 0.0)
            t = terms[e]
            total[0] += row[2] * t[0]
            total[1] += naked * t[5]
            total[2] += naked * (t[5] + t[6])
            total[3] += naked * (t[5] + t[6]) + gross * t[7]
            sizes[group_of[e]] += gross * t[4]
            _add_gains(pnl[group_of[e]], row, t, scenarios[group_of[e]])
        more = _finish(pnl, linear[account], sizes, scenarios, extra)
        span = _span(pnl, extra[:, 1], factors[3])
        out[0, account] = total[0]
        out[1, account] = total[1] + more + span * factors[0]
        out[2, account] = total[2] + more + span * factors[1]
        out[3, account] = total[3] + more + _span(pnl, extra[:, 0], factors[3]) * factors[2]
        out[4, account] = pnl[0].argmin()
