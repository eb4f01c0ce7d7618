"""Scores every account of a block at once, in float64: to choose whom to look at, never to decide.

Error bound. Let u = 2^-53 and `terms` the number of an account's balances and positions. Each input (size,
cost, amount, index, price, rate) is rounded once, each product carries at most six such factors, and sums of
`terms` summands add at most 2·terms·u of the sum of their absolute values. So, with

    mass = Σ(|held| + |lent or owed|)·unit·(1 + haircuts) + Σ(|size·(p − F)| + |cost|)
         + Σ notional·(rates, MM and IM, old and new)·multiplier + floors,

|equity − exact| + |level − exact| ≤ (2·terms + 24)·u·mass to first order, for every level between MM and IM₀;
tiers are continuous, so a notional that rounds across a bound changes nothing, and what is ramped lies between
old and new. The exact numbers round by less than 6·terms + 6 wei, and what is lent or owed by less than a unit of
its token, whose value is added. `Scores.bound` is twice all that.

An account is a candidate when equity < call margin + bound: one whose exact equity is below its call margin, and so
every liquidatable one, is never missed. In doubt it is a candidate: so is one with a position that has not met all
epochs of its market (`Mirror.put`), so are a market that the snapshot lacks (NaN), and a position at a price of
zero, which counts as an exposure here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from plimsoll.margin.account import (
    PriceUse,
    Snapshot,
    asset_price,
    haircuts,
    index_now,
    indices,
    lambda_now,
    market_terms,
    used_price,
)
from plimsoll.margin.columns import BITMAP, Mirror
from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.ramp_math import old_share
from plimsoll.margin.tier_math import BOUND_UNIT, bound1, bound2
from plimsoll.margin.volatility_math import ONE
from plimsoll.margin.words import Lending

__all__ = ["Mirror", "Scores", "score"]

Floats = NDArray[np.float64]


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


def score(mirror: Mirror, snapshot: Snapshot, use: PriceUse = PriceUse.TARGET) -> Scores:
    """Scores all accounts at the prices of `snapshot`; `use` as in `assess`, but OPEN, which refuses failed prices."""
    if use == PriceUse.OPEN:
        raise ValueError("PriceUse.OPEN cannot be scored; use TARGET, REDUCE or ACQUIRE")
    rows = len(mirror)
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
        _epochs(snapshot),
        _asset_table(snapshot, use, mirror.pairs),
        _globals(snapshot),
        out,
        candidate,
    )
    equity, mm, im0, call_margin, bound = out
    return Scores(equity, mm, im0, call_margin, bound, candidate)


# ---------------------------------------------------------------- tables of a block: each entry is rounded once


def _globals(snapshot: Snapshot) -> Floats:
    """Floors, λ, and the floors of the model before with the share of them that still stands."""
    model, replaced = snapshot.model, snapshot.replaced
    share = old_share(replaced.end, snapshot.time) if replaced else 0
    before = replaced.model if replaced and share else model
    floors = [floor / WAD for floor in (model.mm_floor, model.im_floor, before.mm_floor, before.im_floor)]
    return np.array([*floors, share / BPS, lambda_now(snapshot.terms, snapshot.time) / BPS])


def _perp_tables(snapshot: Snapshot, use: PriceUse) -> tuple[Floats, Floats]:
    """By market: p − F and p, for a short and for a long; tiers now and before, the share of those, MM's multiplier."""
    prices, tiers = np.full((BITMAP, 2, 2), np.nan), np.full((BITMAP, 26), np.nan)
    for number, market in snapshot.markets.items():
        risk = market.risk
        price = snapshot.price_in(market)
        index = index_now(market.state, risk, price.value, snapshot.time)
        for side in (0, 1):
            _, value = used_price(snapshot, price, risk.max_age, risk.sigma, use, long=bool(side))
            prices[number, side] = (value - index) / WAD, value / WAD
        _, multiplier, _, old, share = market_terms(snapshot, number)
        table = risk.to_word()
        tiers[number] = *_tiers(table), *_tiers(old if share else table), share / BPS, multiplier / ONE
    return prices, tiers


def _epochs(snapshot: Snapshot) -> NDArray[np.uint16]:
    """By market: the epoch that a position has met whose columns say what it is."""
    epochs = np.zeros(BITMAP, dtype=np.uint16)
    for number, market in snapshot.markets.items():
        epochs[number] = market.state.epoch
    return epochs


def _tiers(table: int) -> Iterator[float]:
    """Two bounds in quote; three rates and the deductions of the last two, for MM and for IM."""
    bounds = bound1(table) * 1000 // BOUND_UNIT, bound2(table) * 1000 // BOUND_UNIT
    yield from map(float, bounds)
    for shift in (0, 48):
        rates = [table >> shift + 16 * tier & 0xFFFF for tier in range(3)]
        deduction2 = bounds[0] * (rates[1] - rates[0])
        deduction3 = deduction2 + bounds[1] * (rates[2] - rates[1])
        yield from (rate / BPS for rate in rates)
        yield from (deduction2 / BPS, deduction3 / BPS)


def _asset_table(snapshot: Snapshot, use: PriceUse, pairs: Mapping[int, int]) -> Floats:
    """By place: quote per token unit held and owed, IM₀ and MM haircut, amount per lent and per debt share."""
    table = np.full((BITMAP + 2 * len(pairs), 6), np.nan)
    for number in snapshot.assets:
        table[number] = (*_asset_row(snapshot, use, number, 0),)
    for pair, place in pairs.items():
        if pair in snapshot.pairs:
            table[place] = (*_asset_row(snapshot, use, pair >> 6 & 63, pair),)
            table[place + 1] = (*_asset_row(snapshot, use, pair & 63, pair),)
    return table


def _asset_row(snapshot: Snapshot, use: PriceUse, number: int, pair: int) -> Iterator[float]:
    params = snapshot.assets[number]
    price = snapshot.price(params.feed)
    for owed in (False, True):
        value = asset_price(snapshot, price, params, use, owed=owed)
        yield value * 10**8 / (10**params.decimals * WAD)
    _, mm, im0 = haircuts(pair, number, snapshot)
    yield from (im0 / BPS, mm / BPS)
    debt_index, lent_index = indices(snapshot.lending.get(number, Lending()), snapshot.time)
    yield from (lent_index / 10**12, debt_index / 10**12)


# ---------------------------------------------------------------- the kernel


@njit(cache=True, inline="always")
def _requirement(notional, tiers, bounds, first):  # type: ignore[no-untyped-def]
    """The rate that applies and the requirement: rates in columns first…first+2, deductions in the two after."""
    if notional <= tiers[bounds]:
        return tiers[first], notional * tiers[first]
    if notional <= tiers[bounds + 1]:
        return tiers[first + 1], notional * tiers[first + 1] - tiers[first + 3]
    return tiers[first + 2], notional * tiers[first + 2] - tiers[first + 4]


@njit(cache=True, inline="always")
def _between(was, becomes, share):  # type: ignore[no-untyped-def]
    return becomes if becomes <= was else becomes - (becomes - was) * share


@njit(cache=True, inline="always")
def _ramped(notional, tiers, first):  # type: ignore[no-untyped-def]
    """The sum of the rates, and the requirement between the old table and the new."""
    rate, part = _requirement(notional, tiers, 0, first)
    share = tiers[24]
    if share > 0.0:
        old_rate, old_part = _requirement(notional, tiers, 12, first + 12)
        return rate + old_rate, _between(old_part, part, share)
    return rate, part


@njit(cache=True, parallel=True)
def _score(  # type: ignore[no-untyped-def]
    perp_start,
    perp_count,
    market,
    size,
    cost,
    epoch,
    asset_start,
    asset_count,
    asset,
    held,
    shares,
    prices,
    tiers,
    epochs,
    units,
    globals_,
    out,
    candidate,
):
    mm_floor, im_floor, old_mm_floor, old_im_floor, old_share, lambda_ = globals_
    floors = mm_floor + im_floor + old_mm_floor + old_im_floor
    for i in prange(len(perp_start)):
        equity = mm = im0 = mass = token = 0.0
        exposed = stale = False
        for j in range(asset_start[i], asset_start[i] + asset_count[i]):
            unit, loan = units[asset[j]], 0.0
            if shares[j] != 0.0:
                loan = shares[j] * (unit[4] if shares[j] > 0.0 else unit[5])
            net = held[j] + loan
            price = unit[1] if net < 0.0 else unit[0]
            value, weight = net * price, price * (1.0 + unit[2] + unit[3])
            equity += value
            im0 += abs(value) * unit[2]
            mm += abs(value) * unit[3]
            exposed = exposed or net < 0.0
            mass += (abs(held[j]) + abs(loan)) * weight
            if loan != 0.0:
                token += weight
        for j in range(perp_start[i], perp_start[i] + perp_count[i]):
            s, c = size[j], cost[j]
            at, table = prices[market[j], 1 if s > 0 else 0], tiers[market[j]]
            stale = stale or epoch[j] != epochs[market[j]]
            worth, notional = s * at[0], abs(s) * at[1]
            equity += worth - c
            exposed = exposed or s != 0 or c > 0
            mm_rate, mm_part = _ramped(notional, table, 2)
            im_rate, im_part = _ramped(notional, table, 7)
            mm += mm_part * table[25]
            im0 += im_part * table[25]
            mass += abs(worth) + abs(c) + notional * (mm_rate + im_rate) * table[25]
        if not exposed:
            mm = im0 = 0.0
        else:
            mm = _between(max(mm, old_mm_floor), max(mm, mm_floor), old_share)
            im0 = _between(max(im0, old_im_floor), max(im0, im_floor), old_share)
        call = mm + (im0 - mm) * lambda_
        terms = perp_count[i] + asset_count[i]
        bound = (4 * terms + 48) * (2.0**-53 * (mass + floors) + 4e-18) + 2.0 * token
        out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = equity, mm, im0, call, bound
        candidate[i] = exposed and (stale or not equity >= call + bound)
