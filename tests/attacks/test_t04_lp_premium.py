"""T-4: LP shares pumped by one's own skew premium.

Whoever opens pays the premium of his own skew to the pool at once, and gets it back when he closes. An LP who could
redeem in
between at the pool's plain equity would be paid his part of a premium that is still owed to himself. Shares are
therefore priced
at close-out value, equity − Σ p·skew²/(2·skewScale): nothing but fee and spread ever shows in it.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, Desk

from plimsoll import contracts

MILLION = 1_000_000


@pytest.fixture
def desk():
    return Desk.create(liquidity=25 * MILLION)


@pytest.fixture
def mallory(desk):
    """Holder of half of a pool of 50 million, and of a trading account."""
    desk.provide(desk.actor("mallory"), 25 * MILLION * USDC)
    return desk.trader("mallory", 5 * MILLION)


def redeem(desk, owner):
    shares = desk.pool.read("balanceOf", owner)
    receipt = desk.pool.write("requestRedeem", shares, owner, sender=owner)
    return next(e.args["id"] for e in contracts.events(receipt.logs, "RedeemRequested"))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("units", [1, 100, 5_000])
def test_t4_opening_moves_the_share_value_by_fee_and_spread_only(desk, mallory, units, side):
    size = side * units * SIZE
    fill = desk.fill(ETH, size)
    equity, close_out = desk.pool_equity()
    desk.trade(mallory, ETH, size)
    after, after_close_out = desk.pool_equity()
    assert fill.premium == 3_000 * units**2 * WAD // (2 * MILLION)
    assert after - equity == fill.premium + fill.spread + fill.fee
    assert after_close_out - close_out == fill.spread + fill.fee


def test_t4_entering_by_request_and_leaving_around_one_s_own_trade_never_profits(desk, mallory):
    """Open the whole skew cap, redeem everything at the first price after the delay, close."""
    owner = desk.owner(mallory)
    start = desk.assess(mallory).equity // 10**12 + 25 * MILLION * USDC
    request = redeem(desk, owner)
    desk.chain.advance(desk.pool.read("delay") + 1)
    desk.post({})
    size = 5_000 * SIZE
    open_fill = desk.fill(ETH, size)
    desk.trade(mallory, ETH, size)
    assert desk.pool.read("waitOf", request) == 0
    before = desk.token(QUOTE).read("balanceOf", owner)
    equity, close_out = desk.pool_equity()
    desk.pool.write("execute", [request], sender=owner)
    redeemed = desk.token(QUOTE).read("balanceOf", owner) - before
    close_fill = desk.fill(ETH, -size)
    desk.trade(mallory, ETH, -size)
    profit = desk.assess(mallory).equity // 10**12 + redeemed - start
    costs = open_fill.spread + open_fill.fee + close_fill.spread + close_fill.fee
    assert profit < 0
    # He gets back half of the first fill's spread and fee as an LP, and nothing of the premium.
    assert profit == pytest.approx(-(costs - (open_fill.spread + open_fill.fee) // 2) // 10**12, abs=10_000)
    # Without the rule he is paid half of 37,500 more; a 15k ETH skew makes nine times that, 338k.
    assert equity - close_out == 37_500 * WAD
    assert open_fill.premium == 37_500 * WAD == -close_fill.premium
    # More than all that the round trip costs, from where the spread is narrow: 3.5 + 1 bp of 15M is 6,750.
    assert open_fill.premium // 2 > open_fill.fee + close_fill.fee
    assert (15 * 1_000) ** 2 * 3_000 // (2 * MILLION) == 337_500


def test_t4_a_request_cannot_be_taken_back_and_waits_for_a_later_price(desk, mallory):
    """Irrevocable: having seen the price at which it will be executed, nobody can change his mind; nor before the
    delay."""
    owner = desk.owner(mallory)
    request = redeem(desk, owner)
    assert desk.pool.read("balanceOf", owner) == 0  # in escrow
    assert "cancelRequest" not in desk.pool.artifact.functions
    desk.trade(mallory, ETH, SIZE)
    receipt = desk.pool.write("execute", [request], sender=owner)
    assert [e.args["reason"] for e in desk.events(receipt, "RequestPassedOver")] == [2]  # DELAY
    desk.chain.advance(desk.pool.read("delay"))
    receipt = desk.pool.write("execute", [request], sender=owner)
    assert [e.args["reason"] for e in desk.events(receipt, "RequestPassedOver")] == [3]  # PRICE
    desk.post({1: 3_000 * PRICE})
    receipt = desk.pool.write("execute", [request], sender=owner)
    assert len(desk.events(receipt, "RedeemExecuted")) == 1
