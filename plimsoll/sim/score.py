"""Every account of a page at once, in float64: whom to look at. What is decided is decided by the exact twin.

The formulas are plimsoll.margin.account's, column by column. `bound` is far above what float64 can be wrong by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin import tier_math
from plimsoll.margin.account import PriceUse, Snapshot, asset_price, haircuts, index_now, market_terms, used_price
from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.screen import Scores
from plimsoll.margin.volatility_math import ONE

if TYPE_CHECKING:
    from plimsoll.sim.page import Page

Floats = NDArray[np.float64]
RELATIVE, ABSOLUTE = 1e-12, 1e-9


def score(page: Page) -> Scores:
    """At the prices a target is judged by."""
    snapshot = page.snapshot
    rows = len(page.ids)
    equity, mm, im0, mass = (np.zeros(rows) for _ in range(4))
    grain = 0.0  # shares count in whole token units
    exposed = np.zeros(rows, dtype=bool)
    for asset in range(page.assets):
        worth = _worth(page, asset)
        exposed |= worth < 0
        equity += worth
        rates = _rates(page, asset)
        mm += np.abs(worth) * rates[:, 0]
        im0 += np.abs(worth) * rates[:, 1]
        mass += page.gross(asset) * _unit(snapshot, asset, owed=False) * 4
        grain += 4 * _unit(snapshot, asset, owed=True)
    for market in snapshot.markets:
        notional, pnl = _perp(page, market)
        exposed |= (notional > 0) | (pnl < 0)
        equity += pnl
        need = _requirements(snapshot, market, notional)
        mm += need[0]
        im0 += need[1]
        mass += notional * 4 + np.abs(page.costs[:, market]) + np.abs(pnl)
    model = snapshot.model
    mm = np.where(exposed, np.maximum(mm, model.mm_floor / WAD), 0.0)
    im0 = np.where(exposed, np.maximum(im0, model.im_floor / WAD), 0.0)
    call = mm + (im0 - mm) * (snapshot.terms.lambda_ / BPS)
    bound = mass * RELATIVE + grain + ABSOLUTE
    return Scores(equity, mm, im0, call, bound, exposed & ~(equity >= call + bound))


def _unit(snapshot: Snapshot, asset: int, *, owed: bool) -> float:
    """Quote per token unit."""
    params = snapshot.assets[asset]
    value = asset_price(snapshot, snapshot.price(params.feed), params, PriceUse.TARGET, owed=owed)
    return float(value * 10**8 / (10**params.decimals * WAD))


def _worth(page: Page, asset: int) -> Floats:
    net = page.net(asset)
    held, owed = _unit(page.snapshot, asset, owed=False), _unit(page.snapshot, asset, owed=True)
    return np.where(net < 0, net * owed, net * held)


def _rates(page: Page, asset: int) -> Floats:
    """MM and IM₀ haircut by row."""
    rates = np.empty((len(page.ids), 2))
    for code, rows in page.pairs.items():
        _, mm, im0 = haircuts(code, asset, page.snapshot)
        rates[rows] = mm / BPS, im0 / BPS
    return rates


def _perp(page: Page, market: int) -> tuple[Floats, Floats]:
    """Notional and PnL, funding included."""
    snapshot = page.snapshot
    found = snapshot.markets[market]
    price = snapshot.price_in(found)
    size, cost = page.sizes[:, market].astype(np.float64), page.costs[:, market]
    index = index_now(found.state, found.risk, price.value, snapshot.time)
    used: list[Any] = [
        used_price(snapshot, price, found.risk.max_age, found.risk.sigma, PriceUse.TARGET, long=long)[1]
        for long in (False, True)
    ]
    value = np.where(size > 0, float(used[1]), float(used[0]))
    worth = np.where(size > 0, float(used[1] - index), float(used[0] - index))
    return np.abs(size) * value / WAD, size * worth / WAD - cost


def _requirements(snapshot: Snapshot, market: int, notional: Floats) -> tuple[Floats, Floats]:
    """MM and IM₀ of the tiers, with volatility."""
    risk = snapshot.markets[market].risk
    _, mult_mm, *_ = market_terms(snapshot, market)
    table = risk.to_word()
    bounds = [tier_math.bound1(table) / WAD, tier_math.bound2(table) / WAD]
    return (
        _tiers(notional, (risk.mm_rate1, risk.mm_rate2, risk.mm_rate3), bounds) * (mult_mm / ONE),
        _tiers(notional, (risk.im_rate1, risk.im_rate2, risk.im_rate3), bounds) * (mult_mm / ONE),
    )


def _tiers(notional: Floats, rates: tuple[int, int, int], bounds: list[float]) -> Floats:
    found = notional * (rates[0] / BPS)
    for before, rate, bound in zip(rates, rates[1:], bounds, strict=False):
        found += np.maximum(notional - bound, 0.0) * ((rate - before) / BPS)
    return found
