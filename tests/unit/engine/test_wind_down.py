"""The end of a market: a time-weighted final price, at which anyone settles anyone; then the pool redeems."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, UNIT, USDC, WAD, Desk, expect

from plimsoll.actions import liquidate, settle, trade_perp, withdraw

HOUR, MINUTE = 3_600, 60
FLAGS_CLOSING = 4


@pytest.fixture
def desk():
    return Desk.create()


def close(desk, market=ETH):
    return desk.engine.write("closeMarket", market, sender=desk.admin)


def observe(desk, market=ETH):
    return desk.engine.write("observeClose", market, sender=desk.actor("anyone"))


def watch(desk, prices, step=5 * MINUTE):
    """Posts each price after `step` seconds and has it counted."""
    for price in prices:
        desk.post({1: price * PRICE}, seconds=step)
        receipt = observe(desk)
    return receipt


@pytest.fixture
def pair(desk):
    long, short = desk.trader("long", 50_000), desk.trader("short", 50_000)
    desk.trade(long, ETH, 30 * SIZE)
    desk.trade(short, ETH, -20 * SIZE)
    return long, short


def test_only_risk_closes(desk):
    for stranger in (desk.actor("anyone"), desk.actor("mallory")):
        with expect("AccessManagedUnauthorized", stranger):
            desk.engine.write("closeMarket", ETH, sender=stranger)
    close(desk)
    with expect("MarketClosed", ETH, 0):
        close(desk)


def test_a_closing_market_only_reduces(desk, pair):
    long, _ = pair
    close(desk)
    with expect("MarketNotAllowed", long, ETH):
        desk.trade(long, ETH, SIZE)
    desk.trade(long, ETH, -SIZE)
    assert desk.position(long, ETH)[0] == 29 * SIZE
    # And nobody reopens it by another risk word.
    with expect("MarketClosed", ETH, 0):
        desk.set_risk(ETH, sigma=9_000)


def test_the_price_is_weighted_by_time(desk):
    close(desk)
    prices = [3_000, 3_100, 2_900, 3_300, 3_000, 3_050, 3_050, 3_010, 3_020, 3_000, 2_990, 3_000]
    receipt = watch(desk, prices)
    (final,) = desk.events(receipt, "MarketFinal")
    assert final.args == {"market": ETH, "price": sum(prices) * PRICE // len(prices)}
    assert desk.market_words(ETH).closing.final_price == final.args["price"]
    with expect("MarketNotClosing", ETH, final.args["price"]):
        observe(desk)


def test_an_hour_and_three_quarters_of_it_covered(desk):
    """A price stands for five minutes at most, so silence covers nothing, and the window goes on."""
    close(desk)
    desk.post({1: 9_000 * PRICE}, seconds=2 * HOUR)
    observe(desk)
    assert desk.market_words(ETH).closing.covered == 5 * MINUTE
    watch(desk, [3_000] * 7)
    assert desk.market_words(ETH).closing.final_price == 0
    receipt = watch(desk, [3_000])
    (final,) = desk.events(receipt, "MarketFinal")
    # A spike seen once, however late, is a ninth of what is needed.
    assert final.args["price"] == (9_000 + 8 * 3_000) * PRICE // 9


def test_only_good_prices_count(desk):
    close(desk)
    desk.chain.advance(10 * MINUTE)
    with expect("PriceUnusable"):
        observe(desk)
    with expect("MarketNotClosing", BTC, 0):
        observe(desk, BTC)


def test_anyone_settles_anyone_at_the_final_price(desk, pair):
    long, short = pair
    close(desk)
    watch(desk, [3_100] * 12)
    held = {account: desk.held(account) for account in pair}
    pnl = {account: desk.position_pnl(account, ETH)[0] for account in pair}
    total, pool = desk.total_equity(), desk.pool_equity()[0]
    desk.post({1: 5_000 * PRICE})  # whatever the feed says now
    assert {account: desk.position_pnl(account, ETH)[0] for account in pair} == pnl
    with expect("MarketClosed", ETH, 3_100 * PRICE):
        desk.trade(long, ETH, -SIZE)
    stranger = desk.trader("stranger", 1)
    desk.act(stranger, settle(ETH, [long, short]))
    for account in pair:
        assert desk.position(account, ETH) == (0, 0)
        assert 0 <= pnl[account] - (desk.held(account) - held[account]) * UNIT < UNIT
        desk.act(account, withdraw(account, QUOTE, desk.held(account), desk.owner(account)))
    state, costs = desk.market_words(ETH).state, desk.market_words(ETH).costs
    assert (state.long_size, state.short_size, costs.long_cost, costs.short_cost) == (0, 0, 0, 0)
    assert 0 <= desk.pool_equity()[0] - pool < 2 * UNIT
    assert total >= desk.total_equity()


def test_funding_stops_with_the_price(desk, pair):
    close(desk)
    watch(desk, [3_000] * 12)
    before = [desk.position_pnl(account, ETH) for account in pair]
    desk.chain.advance(30 * 24 * HOUR)
    desk.post({})
    assert [desk.position_pnl(account, ETH) for account in pair] == before


def test_a_dead_feed_stops_nothing_once_the_price_is_final(desk, pair):
    """Neither the check of an account with other markets, nor settling, in a reducing batch too."""
    long, short = pair
    close(desk)
    watch(desk, [3_000] * 12)
    desk.chain.advance(2 * HOUR)
    assert desk.assess(long).equity > 0
    desk.act(long, settle(ETH, [long]), reducing=True)
    desk.act(short, settle(ETH, [short]))
    assert desk.position(long, ETH) == desk.position(short, ETH) == (0, 0)


def test_a_loser_who_cannot_pay_is_liquidated_like_any_other(desk):
    desk.config.write("setInsuranceCap", ETH, 0, sender=desk.admin)
    loser, taker = desk.trader("loser", 9_500), desk.trader("taker", 1_000_000)
    desk.trade(loser, ETH, -60 * SIZE)
    close(desk)
    watch(desk, [3_200] * 12)
    desk.act(taker, settle(ETH, [loser]))
    size, cost = desk.position(loser, ETH)
    assert size == 0 and cost > 0 and desk.held(loser) == 0
    assert desk.market_words(ETH).loss.flat_cost == cost
    receipt = desk.act(taker, liquidate(taker, loser))
    (recognised,) = desk.events(receipt, "LossRecognised")
    assert recognised.args["deficit"] == cost
    assert desk.position(loser, ETH) == (0, 0)
    assert desk.market_words(ETH).loss.flat_cost == desk.position(taker, ETH)[1]


def test_liquidation_at_the_final_price(desk):
    loser, taker = desk.trader("loser", 9_500), desk.trader("taker", 1_000_000)
    desk.trade(loser, ETH, -60 * SIZE)
    close(desk)
    watch(desk, [3_120] * 12)
    desk.chain.advance(HOUR)
    desk.act(taker, liquidate(taker, loser))
    desk.act(taker, settle(ETH, [loser, taker]))
    assert desk.position(loser, ETH)[0] == desk.position(taker, ETH)[0] == 0


def test_then_the_pool_redeems(desk, pair):
    """Nobody left: the market asks nothing of the pool, nor its price of the feed, and its allocation is free."""
    close(desk)
    watch(desk, [3_000] * 12)
    desk.act(pair[0], settle(ETH, list(pair)))
    desk.set_trade(ETH, allocation=0)
    desk.set_trade(BTC, allocation=desk.market_words(BTC).trade.allocation + 1)
    assert desk.pool.read("requirement") == 0
    lp = desk.actor("provider")
    shares = desk.pool.read("balanceOf", lp)
    number = desk.pool.read("requestCount") + 1
    desk.pool.write("requestRedeem", shares // 2, lp, sender=lp)
    desk.chain.advance(2 * HOUR)
    before = desk.token(QUOTE).read("balanceOf", lp)
    desk.pool.write("execute", [number], sender=lp)
    assert desk.token(QUOTE).read("balanceOf", lp) > before


def test_who_is_left_keeps_the_pool_in_at_the_final_price(desk, pair):
    close(desk)
    watch(desk, [3_300] * 12)
    equity = desk.pool_equity()
    desk.post({1: 1_000 * PRICE})
    assert desk.pool_equity() == equity
    assert desk.pool.read("requirement") > 0


def test_reduced_to_nothing_by_trades_before_the_price_is_final(desk, pair):
    long, short = pair
    close(desk)
    desk.act(short, trade_perp(short, ETH, 20 * SIZE))
    desk.act(long, trade_perp(long, ETH, -30 * SIZE))
    assert desk.market_words(ETH).state.open_interest == 0
    assert USDC < WAD
    watch(desk, [3_000] * 12)
