"""Prices at which an account stands where a test wants it."""

from __future__ import annotations

from plimsoll.margin.fixed_math import WAD


def sink(desk, account, market, health):
    """Posts the price at which the holder of one position (in the first tier) has equity ≤ `health` · MM, just."""
    size, _ = desk.position(account, market)
    risk = desk.market_words(market).risk
    price, equity = desk.prices[risk.feed], desk.assess(account).equity
    # equity + size·(p − price) = health·|size|·p·rate
    part = int(health * risk.mm_rate1 * 10**6)
    below, scale = size * price - equity, 10**10
    slope = size * scale - part * abs(size)
    wanted = below * scale // slope if size > 0 else -(below * scale // -slope)
    desk.post({risk.feed: wanted})
    found = desk.assess(account)
    assert found.notional <= risk.bound1 * 1000 * WAD
    return found
