"""26 March 2025, Hyperliquid JELLY: 10.6 to 13.5 million dollars unrealised; settled at a price of the validators'
own.

A short of a token worth ten million in all took its margin out and was liquidated into the vault of the LPs, all of
it at once; then the token's spot price was pumped by a factor of four. The vault was one for all markets: the loss
was about to be everybody's.

Property: what the pool can be made to carry in one market is that market's allotment, at the move the market is rated
for, with whatever accounts and by whatever way; insurance pays a market its cap per window; the other markets trade
on.
"""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, SIZE, SOL, USDC, WAD

from plimsoll.actions import liquidate, trade_perp
from plimsoll.errors import Reverted

MILLION = 1_000_000


def crowd(desk, market, side, accounts):
    """As much as the market takes, from several accounts. @return size"""
    total = 0
    for number in range(accounts):
        account = desk.trader("crowd", 4 * MILLION // accounts + 100_000, index=number)
        for units in (10_000, 1_000, 100):
            while True:
                try:
                    desk.trade(account, market, side * units * SIZE)
                except Reverted as refused:
                    assert refused.name in ("AllocationExceeded", "BelowInitialMargin", "SkewCapExceeded")
                    break
                total += units * SIZE
    return total


@pytest.mark.parametrize("accounts", [1, 5])
@pytest.mark.parametrize("side", [1, -1])
def test_the_pool_s_loss_in_a_market_is_its_allotment(desk, side, accounts):
    """Crowded to the last, then the whole move against the pool: 15 % of it, and what it earned on the way."""
    pool = desk.pool_equity()[0]
    size = crowd(desk, SOL, side, accounts)
    desk.post({3: 150 * PRICE * (100 + 20 * side) // 100})
    loss = pool - desk.pool_equity()[0]
    assert loss > 0
    assert loss <= pool * 15 // 100
    # Another market is as open as before: its allotment is its own.
    trader = desk.trader("trader", MILLION)
    desk.trade(trader, ETH, 1_000 * SIZE)
    # JELLY's vault had no such limit: by the skew cap alone the loss would be twice as large.
    assert size * 150 * PRICE // 5 * 19 // 10 < desk.market_words(SOL).trade.max_skew * 150 * PRICE // 5


def test_the_way_through_a_liquidation_carries_no_more(desk):
    """A short to the full, matched by an own long; liquidated, and sold to the pool by its taker: the same limit
    holds him."""
    short, long = desk.trader("jelly", MILLION), desk.trader("jelly", 2 * MILLION, index=1)
    for _ in range(2):
        desk.trade(short, SOL, -30_000 * SIZE)
        desk.trade(long, SOL, 30_000 * SIZE)
    pool = desk.pool_equity()[0]
    assert desk.market_words(SOL).state.skew == 0
    desk.post({3: 165 * PRICE})
    keeper = desk.trader("keeper", 20 * MILLION)
    desk.act(keeper, liquidate(keeper, short))
    size = -desk.position(keeper, SOL)[0]
    assert size > 50_000 * SIZE
    # He buys it back from the pool, which is then short against the long: as far as its allotment goes.
    bought = 0
    for units in (10_000, 1_000, 100):
        while bought + units * SIZE <= size:
            try:
                desk.act(keeper, trade_perp(keeper, SOL, units * SIZE))
            except Reverted as refused:
                assert refused.name == "AllocationExceeded"
                break
            bought += units * SIZE
    skew = desk.market_words(SOL).state.skew
    assert 40_000 * SIZE < skew == bought < size
    assert skew * 165 * PRICE // 5 <= desk.pool_equity()[0] * 15 // 100
    desk.post({3: 165 * PRICE * 12 // 10})
    assert pool - desk.pool_equity()[0] <= pool * 15 // 100


def test_insurance_is_capped_per_market_and_the_rest_is_no_secret(desk):
    """A factor of four at once: two shorts, each 4M under water. 20,000 from insurance, the rest written off, to the
    wei."""
    shorts = [desk.trader("jelly", 500_000, index=number) for number in range(2)]
    for short in shorts:
        desk.trade(short, SOL, -10_000 * SIZE)
    other = desk.trader("other", 5_000)
    desk.trade(other, BTC, SIZE)
    desk.post({3: 600 * PRICE})
    keeper = desk.trader("keeper", 10 * MILLION)
    whole = desk.total_equity()
    for short, pays in zip(shorts, (20_000, 0), strict=True):
        found, insurance = desk.assess(short), desk.held(desk.insurance)
        assert found.equity < -3_900_000 * WAD
        receipt = desk.act(keeper, liquidate(keeper, short))
        (written,) = desk.events(receipt, "LossWrittenDown")
        assert insurance - desk.held(desk.insurance) == pays * USDC
        assert written.args["amount"] == -found.equity - pays * WAD
        assert desk.assess(short).equity == 0
    assert desk.total_equity() == whole
    # The window of SOL is empty; BTC's is as it was.
    desk.post({2: 54_000 * PRICE})
    lost, insurance = desk.assess(other), desk.held(desk.insurance)
    assert lost.equity < 0
    desk.act(keeper, liquidate(keeper, other))
    assert insurance - desk.held(desk.insurance) == (-lost.equity + lost.mm * 5 // 100) // 10**12
    # One fund for all without caps: the first short alone asks for forty times what is in it.
    assert written.args["amount"] > 39 * insurance * 10**12
