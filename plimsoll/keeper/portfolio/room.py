"""How much of a perp trade a market takes now: the engine's limits and the trader's own, before anything is sent. Pure.

    found = room(estate, tables, market, wanted, slippage)     found.size, and why it is not all of `wanted`

Twin of PerpTrading._requirePrice and _requireLimits. Whatever passes at a size passes at every smaller one of the same
side, so the largest is found by halving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plimsoll.keeper.portfolio.estate import Estate
from plimsoll.keeper.reader import Tables
from plimsoll.margin import account as accounts
from plimsoll.margin import preview
from plimsoll.margin.account import CLOSING, REDUCE_ONLY, Market, MarketState, is_good
from plimsoll.margin.fixed_math import BPS, ceil_div, positive

REDUCING_AGE = 3_600  # seconds: PerpTrading.REDUCING_AGE
CONTRIBUTION_UNIT = 10**12  # MarketBook.CONTRIBUTION_UNIT


@dataclass(frozen=True, slots=True)
class Room:
    """`size` of what was wanted; `reason` is empty when that is all of it."""

    size: int
    reason: str = ""


def grows(size: int, delta: int) -> bool:
    """Whether a trade adds to, or flips, a position."""
    after = size + delta
    return abs(after) > abs(size) or ((after > 0) != (size > 0) and after != 0)


def room(estate: Estate, tables: Tables, market: int, wanted: int, slippage: int) -> Room:
    """The largest part of `wanted` that the market takes at no more than `slippage` bps from index, fee aside."""
    if not refusal(estate, tables, market, wanted, slippage):
        return Room(wanted)
    low, high = 0, abs(wanted)
    side = 1 if wanted > 0 else -1
    while high - low > 1:
        middle = (low + high) // 2
        if refusal(estate, tables, market, side * middle, slippage):
            high = middle
        else:
            low = middle
    return Room(side * low, refusal(estate, tables, market, side * high, slippage))


def refusal(estate: Estate, tables: Tables, market: int, size: int, slippage: int) -> str:
    """Why the market would not take it; empty when it would."""
    entry, snapshot = estate.snapshot.markets[market], estate.snapshot
    old = estate.size(market)
    price, opening = snapshot.price_in(entry), grows(old, size)
    if opening and entry.risk.flags & (REDUCE_ONLY | CLOSING):
        return "the market takes no new risk"
    if opening and snapshot.time < snapshot.globals.paused_until:
        return "new risk is paused"
    if opening and not is_good(price, entry.risk.max_age, snapshot.time):
        return "the price is not good"
    if accounts.price_age(price, snapshot.time) > REDUCING_AGE:
        return "the price is older than an hour"
    skew = estate.book.skew[market]
    state = MarketState(long_size=positive(skew), short_size=positive(-skew))
    fill = preview.fill(replace(entry, state=state), snapshot, size)
    if (fill.limit_cost - size * price.value) * BPS > abs(size) * price.value * slippage:
        return f"it costs more than {slippage} bps"
    return _limits(estate, tables, market, size, fill.cost - size * price.value)


def _limits(estate: Estate, tables: Tables, market: int, size: int, cost: int) -> str:
    entry, book = estate.snapshot.markets[market], estate.book
    price, trade = estate.snapshot.price_in(entry).value, entry.trade
    skew, old = book.skew[market], estate.size(market)
    wider = abs(skew + size) > abs(skew)
    more = abs(old + size) - abs(old)
    open_interest = entry.state.open_interest + more
    if not wider and more <= 0:
        return ""
    if wider and abs(skew + size) > trade.max_skew:
        return "the market's skew is at its cap"
    if more > 0 and open_interest > trade.max_oi:
        return "the market's open interest is at its cap"
    pool = book.pool_cash * book.unit + _contributions(tables, entry, cost)
    if wider and ceil_div(abs(skew + size) * price * trade.move, BPS) > positive(pool) * trade.allocation // BPS:
        return "the pool's allocation to the market is used up"
    cover = positive(pool + book.insurance_cash * book.unit)
    if more > 0 and ceil_div(open_interest * price * trade.gap, BPS) > cover:
        return "pool and insurance do not cover a gap in the market"
    return ""


def _contributions(tables: Tables, entry: Market, cost: int) -> int:
    """Of all markets to the pool's equity, this one's as the trade leaves it."""
    exact = preview.market_contribution(entry, tables.snapshot) + cost
    was = entry.costs.contribution * CONTRIBUTION_UNIT
    return tables.pool.contribution_sum - was + exact // CONTRIBUTION_UNIT * CONTRIBUTION_UNIT
