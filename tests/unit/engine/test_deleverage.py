"""deleverage(market): the heavy side shrinks at index through an epoch, and nobody's equity changes."""

from __future__ import annotations

import pytest
from crash import MILLION
from desk import BTC, ETH, PRICE, SIZE, WAD, Desk, expect

from plimsoll.actions import settle

SIDES = [1, -1]


@pytest.fixture
def desk():
    return Desk.create(liquidity=MILLION)


def crowd(desk, side, sizes=(31.7, 20, 12.00000001), against=10):
    """Winners of `sizes` ETH on one side, few across."""
    accounts = [desk.trader(f"one {number}", 100_000) for number in range(len(sizes))]
    for account, size in zip(accounts, sizes, strict=True):
        desk.trade(account, ETH, side * int(size * SIZE))
    other = desk.trader("across", 100_000)
    if against:
        desk.trade(other, ETH, -side * int(against * SIZE))
    return accounts, other


def deleverage(desk, market=ETH):
    return desk.engine.write("deleverage", market, sender=desk.actor("anyone"))


def squeeze(desk, side, by=300):
    """The crowd wins more than the market's allocation, which is then small."""
    desk.post({1: (3_000 + side * by) * PRICE})
    desk.set_trade(ETH, allocation=1)
    desk.post({}, seconds=1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("against", [10, 0])
def test_the_heavy_side_shrinks_and_nobodys_equity_changes(desk, side, against):
    accounts, other = crowd(desk, side, against=against)
    squeeze(desk, side)
    before = [desk.assess(account) for account in (*accounts, other)]
    sizes = [desk.position(account, ETH)[0] for account in accounts]
    pool, total = desk.pool_equity(), desk.total_equity()
    receipt = deleverage(desk)
    (told,) = desk.events(receipt, "Deleveraged")
    heavy = sum(map(abs, sizes))
    least = max(against * SIZE, -(-heavy // 2**16))
    assert told.args["long"] == (side == 1)
    assert (told.args["from"], told.args["to"]) == (heavy, least)
    for account, size, was in zip(accounts, sizes, before, strict=False):
        found = desk.assess(account)
        assert abs(found.equity - was.equity) <= 2
        assert found.mm < was.mm
        left = desk.position(account, ETH)[0]
        assert abs(left * heavy - size * least) <= heavy
    assert desk.assess(other) == before[-1]
    assert abs(desk.pool_equity()[0] - pool[0]) <= 10**12
    assert desk.pool_equity()[1] >= pool[1]
    assert abs(desk.total_equity() - total) <= 2**20 * len(accounts)
    if against == 0:
        return
    # It is done: the pool has no skew left to shrink.
    with expect("NothingToDeleverage"):
        deleverage(desk)


@pytest.mark.parametrize("side", SIDES)
def test_i3_the_sums_meet_the_positions(desk, side):
    accounts, other = crowd(desk, side)
    squeeze(desk, side)
    deleverage(desk)
    for account in (*accounts, other):
        seen = desk.position(account, ETH)
        desk.act(other, settle(ETH, [account]))
        assert desk.position(account, ETH)[0] == seen[0]
    words = desk.market_words(ETH)
    found = [desk.mirror(account).positions[ETH] for account in (*accounts, other)]
    assert words.state.long_size == sum(p.size for p in found if p.size > 0)
    assert words.state.short_size == -sum(p.size for p in found if p.size < 0)
    assert words.costs.long_cost == sum(p.cost for p in found if p.size > 0)
    assert words.costs.short_cost == sum(p.cost for p in found if p.size < 0)


def test_within_the_allocation_there_is_nothing_to_do(desk):
    crowd(desk, 1)
    desk.post({1: 3_010 * PRICE})
    words = desk.market_words(ETH)
    with expect("NothingToDeleverage") as caught:
        deleverage(desk)
    market, profit, allocation = caught.value.values
    assert market == ETH and profit <= allocation
    assert allocation == desk.pool_equity()[0] * words.trade.allocation // 10_000


def test_the_pool_below_its_own_margin_gives_what_is_missing():
    desk = Desk.create(liquidity=20_000)
    for market in (ETH, BTC):
        desk.set_trade(market, move=1, gap=1)
    desk.set_trade(ETH, allocation=4_000)
    accounts, _ = crowd(desk, 1, sizes=(30, 30), against=0)
    desk.trade(desk.trader("btc", 200_000), BTC, 11 * SIZE)
    price = 3_050 * PRICE
    desk.post({1: price})
    eth, btc = desk.market_words(ETH), desk.market_words(BTC)

    def margin():
        sizes = sum(abs(desk.position(account, ETH)[0]) for account in accounts)
        return (sizes * price * eth.risk.mm_rate1 + 11 * SIZE * desk.prices[2] * btc.risk.mm_rate1) // 10_000

    equity = desk.pool_equity()[0]
    assert 0 < equity < margin()
    receipt = deleverage(desk)
    (told,) = desk.events(receipt, "Deleveraged")
    assert told.args["profit"] <= told.args["allocation"]
    assert 0 <= desk.pool_equity()[0] - margin() < WAD
    assert desk.pool_equity()[0] - equity in range(-(10**12), 10**12)


def test_not_on_an_old_price(desk):
    crowd(desk, 1)
    squeeze(desk, 1)
    desk.chain.advance(desk.market_words(ETH).risk.max_age + 1)
    with expect("PriceUnusable"):
        deleverage(desk)


def test_other_markets_are_left_alone(desk):
    crowd(desk, 1)
    btc = desk.trader("btc", 100_000)
    desk.trade(btc, BTC, SIZE)
    squeeze(desk, 1)
    before = desk.assess(btc), desk.position(btc, BTC)
    deleverage(desk)
    assert (desk.assess(btc), desk.position(btc, BTC)) == before
    with expect("NothingToDeleverage"):
        deleverage(desk, BTC)
    with expect("UnknownMarket", 63):
        deleverage(desk, 63)


def test_again_and_again(desk):
    """Shrunk, grown, shrunk: a position that nobody touched meets all of it at once."""
    accounts, other = crowd(desk, 1)
    for turn in range(3):
        squeeze(desk, 1, by=300 + 30 * turn)
        deleverage(desk)
        desk.set_trade(ETH, allocation=3_000)
        desk.post({}, seconds=1)
        newcomer = desk.trader(f"new {turn}", 100_000)
        desk.trade(newcomer, ETH, 20 * SIZE)
        accounts.append(newcomer)
    assert desk.market_words(ETH).state.epoch == 3
    total = desk.total_equity()
    for account in (*accounts, other):
        equity = desk.assess(account).equity
        desk.act(other, settle(ETH, [account]))
        assert desk.assess(account).equity == equity
    assert abs(desk.total_equity() - total) < 2**24
    sizes = [desk.position(account, ETH)[0] for account in (*accounts, other)]
    state = desk.market_words(ETH).state
    assert state.skew == sum(sizes)
