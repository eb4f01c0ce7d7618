"""Scores every account of a block at once, in float64: to choose whom to look at, never to decide.

Error bound. Let u = 2^-53 and `terms` the number of an account's balances and positions. Each input (size,
cost, amount, price, rate) is rounded once, each product carries at most four such factors, and sums of `terms`
summands add at most 2·terms·u of the sum of their absolute values. So, with

    mass = Σ|value|·(1 + haircuts) + Σ(|size·(p − F)| + |cost|) + Σ notional·(rate MM + rate IM) + floors,

|equity − exact| + |level − exact| ≤ (2·terms + 16)·u·mass to first order, for every level between MM and IM₀;
tiers are continuous, so a notional that rounds across a bound changes nothing. The exact numbers round by less
than 3·terms + 3 wei. `Scores.bound` is twice all that. An account is a candidate when equity < call margin +
bound: one whose exact equity is below its call margin, and so every liquidatable one, is never missed. In doubt
it is a candidate: so are a market that the snapshot lacks (NaN), and a position at a price of zero, which
counts as an exposure here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from plimsoll.margin.account import QUOTE, Account, PriceUse, Snapshot, bits, index_now, used_price
from plimsoll.margin.fixed_math import BPS, WAD

Floats = NDArray[np.float64]

_BITMAP = 64  # markets and assets are bits of a 64-bit word


@dataclass(frozen=True, slots=True)
class Scores:
    """One number per row of the mirror, in quote; health is infinite without an exposure."""

    equity: Floats
    mm: Floats
    im0: Floats
    call_margin: Floats
    bound: Floats
    candidate: NDArray[np.bool_]

    @property
    def health(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.mm > 0, self.equity / self.mm, np.inf)

    def rows(self) -> NDArray[np.int64]:
        """The candidates, the sickest first."""
        rows = np.flatnonzero(self.candidate)
        return rows[np.argsort(self.health[rows], kind="stable")]


class Slab:
    """Rows of varying length in shared columns; a row that outgrows its place moves to the end, with room to spare."""

    def __init__(self, columns: dict[str, Any], rows: int = 0, entries: int = 0):
        self.columns = {name: np.zeros(entries, dtype=kind) for name, kind in columns.items()}
        self.start = np.zeros(rows, dtype=np.int64)
        self.count = np.zeros(rows, dtype=np.int32)
        self.room = np.zeros(rows, dtype=np.int32)
        self.used = 0

    def grow(self, rows: int) -> None:
        if rows > len(self.start):
            size = max(rows, 2 * len(self.start), 1024)
            for name in ("start", "count", "room"):
                setattr(self, name, _resized(getattr(self, name), size))

    def put(self, row: int, values: dict[str, list[Any]]) -> None:
        length = len(next(iter(values.values())))
        if length > self.room[row]:
            self._move(row, length + length // 2 + 1)
        start = self.start[row]
        for name, entries in values.items():
            self.columns[name][start : start + length] = entries
        self.count[row] = length

    def _move(self, row: int, room: int) -> None:
        end = self.used + room
        capacity = len(next(iter(self.columns.values())))
        if end > capacity:
            for name, column in self.columns.items():
                self.columns[name] = _resized(column, max(end, 2 * capacity, 4096))
        self.start[row], self.room[row], self.used = self.used, room, end


class Mirror:
    """Accounts as columns of floats, one row each; only what changed is written again."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.row_of: dict[bytes, int] = {}
        self.perps = Slab({"market": np.uint8, "size": np.float64, "cost": np.float64})
        self.assets = Slab({"asset": np.uint8, "held": np.float64})

    def __len__(self) -> int:
        return len(self.ids)

    def put(self, account: Account) -> int:
        """Adds an account or replaces what is known of it; returns its row."""
        row = self.row_of.get(account.id)
        if row is None:
            row = self._append(account.id)
        markets = list(bits(account.header.markets))
        positions = [account.positions[market] for market in markets]
        self.perps.put(
            row,
            {
                "market": markets,
                "size": [float(position.size) for position in positions],
                "cost": [position.cost / WAD for position in positions],
            },
        )
        assets = list(bits(account.header.assets))
        self.assets.put(row, {"asset": assets, "held": [float(account.balances[asset].held) for asset in assets]})
        return row

    def put_all(self, accounts: Iterable[Account]) -> None:
        for account in accounts:
            self.put(account)

    def load(self, ids: list[bytes], perps: dict[str, NDArray[Any]], assets: dict[str, NDArray[Any]]) -> None:
        """Replaces everything by columns in row order, with `count`; units: 1e-8 (size), quote (cost), token units."""
        self.ids = ids
        self.row_of = {id: row for row, id in enumerate(ids)}
        for slab, columns in ((self.perps, perps), (self.assets, assets)):
            counts = columns["count"].astype(np.int32)
            slab.count, slab.room = counts, counts.copy()
            slab.start = np.concatenate(([0], np.cumsum(counts[:-1], dtype=np.int64)))
            slab.used = int(counts.sum())
            for name in slab.columns:
                slab.columns[name] = np.ascontiguousarray(columns[name], dtype=slab.columns[name].dtype)

    def _append(self, id: bytes) -> int:
        row = len(self.ids)
        self.ids.append(id)
        self.row_of[id] = row
        self.perps.grow(row + 1)
        self.assets.grow(row + 1)
        return row


def score(mirror: Mirror, snapshot: Snapshot, use: PriceUse = PriceUse.TARGET) -> Scores:
    """Scores all accounts at the prices of `snapshot`; `use` as in `assess`, but OPEN, which refuses failed prices."""
    if use == PriceUse.OPEN:
        raise ValueError("PriceUse.OPEN cannot be scored; use TARGET, REDUCE or ACQUIRE")
    rows, model = len(mirror), snapshot.model
    out = np.empty((5, rows))
    candidate = np.empty(rows, dtype=np.bool_)
    perps, assets = mirror.perps, mirror.assets
    kernel: Any = _score
    kernel(
        perps.start[:rows],
        perps.count[:rows],
        *perps.columns.values(),
        assets.start[:rows],
        assets.count[:rows],
        *assets.columns.values(),
        *_perp_tables(snapshot, use),
        _asset_table(snapshot, use),
        np.array([model.mm_floor / WAD, model.im_floor / WAD, snapshot.terms.lambda_ / BPS]),
        out,
        candidate,
    )
    equity, mm, im0, call_margin, bound = out
    return Scores(equity, mm, im0, call_margin, bound, candidate)


# ---------------------------------------------------------------- tables of a block: each entry is rounded once


def _perp_tables(snapshot: Snapshot, use: PriceUse) -> tuple[Floats, Floats]:
    """By market: p − F and p, for a short and for a long; bounds, rates and deductions of the tiers."""
    prices, tiers = np.full((_BITMAP, 2, 2), np.nan), np.full((_BITMAP, 12), np.nan)
    for number, market in snapshot.markets.items():
        risk = market.risk
        price = snapshot.price(risk.feed)
        index = index_now(market.state, risk, price.value, snapshot.time)
        for side in (0, 1):
            _, value = used_price(snapshot, price, risk.max_age, risk.sigma, use, long=bool(side))
            prices[number, side] = (value - index) / WAD, value / WAD
        mm = (risk.mm_rate1, risk.mm_rate2, risk.mm_rate3)
        im = (risk.im_rate1, risk.im_rate2, risk.im_rate3)
        bounds = (1000 * risk.bound1, 1000 * risk.bound2)
        tiers[number] = *bounds, *_tiers(mm, bounds), *_tiers(im, bounds)
    return prices, tiers


def _tiers(rates: tuple[int, int, int], bounds: tuple[int, int]) -> Iterator[float]:
    deduction2 = bounds[0] * (rates[1] - rates[0])
    deduction3 = deduction2 + bounds[1] * (rates[2] - rates[1])
    yield from (rate / BPS for rate in rates)
    yield from (deduction2 / BPS, deduction3 / BPS)


def _asset_table(snapshot: Snapshot, use: PriceUse) -> Floats:
    """By asset: quote per token unit, IM and MM haircut."""
    table = np.full((_BITMAP, 3), np.nan)
    for number, params in snapshot.assets.items():
        price = snapshot.price(0 if number == QUOTE else params.feed)
        good, value = used_price(snapshot, price, params.max_age, params.sigma, use, long=True)
        counts = good or use in (PriceUse.REDUCE, PriceUse.TARGET)
        unit = value * 10**8 / (10**params.decimals * WAD) if counts else 0.0
        table[number] = unit, params.haircut_im / BPS, params.haircut_mm / BPS
    return table


def _resized(column: NDArray[Any], size: int) -> NDArray[Any]:
    out = np.zeros(size, dtype=column.dtype)
    out[: len(column)] = column
    return out


# ---------------------------------------------------------------- the kernel


@njit(cache=True, inline="always")
def _requirement(notional, tiers, first):  # type: ignore[no-untyped-def]
    """The rate that applies and the requirement: rates in columns first…first+2, deductions in the two after."""
    if notional <= tiers[0]:
        return tiers[first], notional * tiers[first]
    if notional <= tiers[1]:
        return tiers[first + 1], notional * tiers[first + 1] - tiers[first + 3]
    return tiers[first + 2], notional * tiers[first + 2] - tiers[first + 4]


@njit(cache=True, parallel=True)
def _score(  # type: ignore[no-untyped-def]
    perp_start,
    perp_count,
    market,
    size,
    cost,
    asset_start,
    asset_count,
    asset,
    held,
    prices,
    tiers,
    units,
    globals_,
    out,
    candidate,
):
    mm_floor, im_floor, lambda_ = globals_
    for i in prange(len(perp_start)):
        equity = mm = im0 = mass = 0.0
        exposed = False
        for j in range(asset_start[i], asset_start[i] + asset_count[i]):
            unit = units[asset[j]]
            value = held[j] * unit[0]
            equity += value
            im0 += value * unit[1]
            mm += value * unit[2]
            mass += abs(value) * (1.0 + unit[1] + unit[2])
        for j in range(perp_start[i], perp_start[i] + perp_count[i]):
            s, c = size[j], cost[j]
            at, table = prices[market[j], 1 if s > 0 else 0], tiers[market[j]]
            worth, notional = s * at[0], abs(s) * at[1]
            equity += worth - c
            exposed = exposed or s != 0 or c > 0
            mm_rate, mm_part = _requirement(notional, table, 2)
            im_rate, im_part = _requirement(notional, table, 7)
            mm += mm_part
            im0 += im_part
            mass += abs(worth) + abs(c) + notional * (mm_rate + im_rate)
        if not exposed:
            mm = im0 = 0.0
        else:
            mm, im0 = max(mm, mm_floor), max(im0, im_floor)
        call = mm + (im0 - mm) * lambda_
        terms = perp_count[i] + asset_count[i]
        bound = (4 * terms + 32) * (2.0**-53 * (mass + mm_floor + im_floor) + 2e-18)
        out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = equity, mm, im0, call, bound
        candidate[i] = exposed and not equity >= call + bound
