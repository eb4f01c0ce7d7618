"""lens.liquidationPrice: the tick at which the engine itself changes its mind, and the twin says the same."""

from __future__ import annotations

import random

import pytest

from plimsoll import ledger, reading
from plimsoll.actions import borrow, lend, margin_call, trade_perp, withdraw
from plimsoll.margin.account import AccountState
from plimsoll.margin.flip_search import nearest
from plimsoll.margin.words import Limits
from plimsoll.prices import PRICE
from plimsoll.testing.world import SIZE

USDC, WAD = 10**6, 10**18
QUOTE, WETH, WBTC = 0, 1, 2
ETH, BTC = 0, 1
NEVER = 2**256 - 1


@pytest.fixture
def alice(world):
    return world.account(world.actor("alice"))


@pytest.fixture
def lender(world):
    """Two millions of the quote asset and 1,000 WETH, lent, and room to borrow them."""
    owner = world.actor("lender")
    account = world.account(owner)
    for asset, amount in ((QUOTE, 2_000_000 * USDC), (WETH, 1_000 * WAD)):
        world.fund(account, asset, amount)
        world.execute(owner, lend(account, asset, amount))
        slot = ledger.limits(asset)
        word = Limits.from_word(ledger.read(world.engine, [slot])[0])
        word = Limits(word.supply_cap, 10 * amount, word.cap_since, 10_000)
        world.chain.set_storage(world.engine.address, slot, word.to_word())
    return account


def asked(world, account, market=None, asset=None):
    """The lens's answer on prices of this very second, which must also be the twin's."""
    name, number = ("liquidationPrice", market) if asset is None else ("liquidationPriceOfAsset", asset)
    lost, below, above = world.lens.read(name, account, number)
    found, snapshot = reading.read(world.deployed, account)
    feed = snapshot.markets[market].risk.feed if asset is None else snapshot.assets[asset].feed
    twin = nearest(found, snapshot, feed)
    assert (lost, below or None, None if above == NEVER else above) == tuple(twin)
    return lost, below, above


def liquidatable_at(world, account, feed, price):
    """Whether it is when that price is really reported in this second."""
    before = dict(world.prices)
    point = world.chain.snapshot()
    world.post({feed: price}, seconds=0)
    state = world.assess(account).state
    world.chain.revert(point)
    world.prices = before
    return state >= AccountState.LIQUIDATABLE


def flips_at(world, account, feed, price, *, towards):
    """At `price` the state is another than one tick nearer to where the price is."""
    return liquidatable_at(world, account, feed, price) != liquidatable_at(world, account, feed, price + towards)


def settled(world, **changes):
    """Fresh prices, some funding and interest to accrue, and a block in which no price has been reported."""
    world.chain.advance(600)
    world.post(changes.get("prices", {}))
    world.chain.advance(7)


# ---------------------------------------------------------------- refusals


def test_an_unknown_market(world, alice, reverts):
    with reverts("UnknownMarket", 9):
        world.lens.read("liquidationPrice", alice, 9)


def test_the_quote_asset_has_no_price(world, alice, reverts):
    with reverts("UnknownAsset", QUOTE):
        world.lens.read("liquidationPriceOfAsset", alice, QUOTE)


def test_other_prices_must_be_prices(world, alice, reverts):
    for feed, value in ((0, PRICE), (1, 0), (1, 2**72)):
        with reverts("PriceOutOfRange", feed, value):
            world.fund(alice, WETH, WAD)
            world.engine.read("assessAt", alice, [(feed, value)])


# ---------------------------------------------------------------- what never flips


def test_no_price_liquidates_who_owes_nothing(world, alice):
    world.fund(alice, QUOTE, 1_000 * USDC)
    world.fund(alice, WETH, WAD)
    assert asked(world, alice, market=ETH) == (False, 0, NEVER)
    assert asked(world, alice, asset=WBTC) == (False, 0, NEVER)


def test_nor_another_market(world, alice):
    world.fund(alice, QUOTE, 10_000 * USDC)
    world.execute(world.actor("alice"), trade_perp(alice, ETH, 10 * SIZE))
    assert asked(world, alice, market=BTC) == (False, 0, NEVER)


# ---------------------------------------------------------------- what does


def test_a_long_below_and_a_short_above(world, alice):
    """To the tick, with ten minutes of funding, against reports that are really sent."""
    for size in (50 * SIZE, -100 * SIZE):
        world.fund(alice, QUOTE, 10_000 * USDC)
        world.execute(world.actor("alice"), trade_perp(alice, ETH, size))
        settled(world)
        lost, below, above = asked(world, alice, market=ETH)
        assert not lost
        if size > 0:
            assert 2_600 * PRICE < below < 3_000 * PRICE and above == NEVER
            assert flips_at(world, alice, 1, below, towards=1)
        else:
            assert below == 0 and 3_000 * PRICE < above < 3_600 * PRICE
            assert flips_at(world, alice, 1, above, towards=-1)


def test_a_loan_below_by_its_collateral(world, alice, lender):
    """10 WETH, 20,000 owed, a tenth off: about 2,222."""
    world.fund(alice, WETH, 10 * WAD)
    owner = world.actor("alice")
    world.execute(owner, borrow(alice, QUOTE, 20_000 * USDC), withdraw(alice, QUOTE, 20_000 * USDC, owner))
    settled(world)
    lost, below, above = asked(world, alice, asset=WETH)
    assert (lost, above) == (False, NEVER)
    assert 2_222 * PRICE < below < 2_223 * PRICE
    assert flips_at(world, alice, 1, below, towards=1)
    assert asked(world, alice, market=ETH) == (lost, below, above)


def test_a_borrowed_asset_above(world, alice, lender):
    world.fund(alice, QUOTE, 10_000 * USDC)
    world.execute(world.actor("alice"), borrow(alice, WETH, 2 * WAD), withdraw(alice, WETH, 2 * WAD, lender[:20]))
    settled(world)
    lost, below, above = asked(world, alice, asset=WETH)
    assert (lost, below) == (False, 0)
    assert flips_at(world, alice, 1, above, towards=-1)


def test_a_hedge_on_both_sides(world, alice):
    """Collateral that falls with the price, and a larger short that loses when it rises."""
    world.fund(alice, WETH, 10 * WAD)
    world.fund(alice, QUOTE, 1_000 * USDC)
    world.execute(world.actor("alice"), trade_perp(alice, ETH, -14 * SIZE))
    settled(world)
    lost, below, above = asked(world, alice, market=ETH)
    assert not lost
    assert flips_at(world, alice, 1, above, towards=-1)
    assert below == 0 or flips_at(world, alice, 1, below, towards=1)


def test_two_markets_each_with_the_other_still(world, alice):
    world.fund(alice, QUOTE, 12_000 * USDC)
    for market, size in ((ETH, 30 * SIZE), (BTC, -SIZE)):
        world.execute(world.actor("alice"), trade_perp(alice, market, size))
    settled(world, prices={1: 2_950 * PRICE})
    _, below, _ = asked(world, alice, market=ETH)
    _, _, above = asked(world, alice, market=BTC)
    assert flips_at(world, alice, 1, below, towards=1)
    assert flips_at(world, alice, 2, above, towards=-1)


def test_who_is_liquidatable_sees_where_he_no_longer_would_be(world, alice):
    world.fund(alice, QUOTE, 10_000 * USDC)
    world.execute(world.actor("alice"), trade_perp(alice, ETH, 50 * SIZE))
    settled(world, prices={1: 2_600 * PRICE})
    lost, below, above = asked(world, alice, market=ETH)
    assert (lost, below) == (True, 0)
    assert 2_800 * PRICE < above < 3_000 * PRICE
    assert flips_at(world, alice, 1, above, towards=-1)


def test_an_overdue_call_flips_at_the_call_margin(world, alice):
    """Sooner than at MM."""
    owner, keeper = world.actor("alice"), world.actor("keeper")
    world.fund(alice, QUOTE, 10_000 * USDC)
    world.execute(owner, trade_perp(alice, ETH, 50 * SIZE))
    world.post({1: 2_895 * PRICE})
    own = world.account(keeper)
    world.fund(own, QUOTE, 1_000 * USDC)
    world.execute(keeper, margin_call(own, alice))
    world.post({1: 2_950 * PRICE})
    plain = asked(world, alice, market=ETH)[1]
    world.chain.advance(3_700)
    world.post({1: 2_950 * PRICE})
    world.chain.advance(3)
    _, below, _ = asked(world, alice, market=ETH)
    assert below > plain
    assert flips_at(world, alice, 1, below, towards=1)


def test_a_price_that_has_grown_old_counts_as_if_it_were_new(world, alice):
    world.fund(alice, QUOTE, 10_000 * USDC)
    world.execute(world.actor("alice"), trade_perp(alice, ETH, 50 * SIZE))
    world.chain.advance(7_200)
    _, below, _ = asked(world, alice, market=ETH)
    assert flips_at(world, alice, 1, below, towards=1)


def random_account(world, draw, number):
    """Collateral, now and then a loan, and up to three perps either way."""
    owner = world.actor(f"random {number}")
    account = world.account(owner)
    world.fund(account, QUOTE, draw.randint(5_000, 50_000) * USDC)
    if draw.random() < 0.6:
        world.fund(account, WETH, draw.randint(1, 10) * WAD)
    if draw.random() < 0.5:
        world.execute(owner, borrow(account, WETH, draw.randint(1, 2) * WAD))
    for market in draw.sample(range(5), draw.randint(0, 3)):
        price = world.prices[market + 1]
        size = draw.randint(1_000, 60_000) * PRICE * SIZE // price
        world.execute(owner, trade_perp(account, market, draw.choice([1, -1]) * size))
    return account


def test_random_accounts_flip_where_the_lens_and_the_twin_say(world, lender):
    """Twenty books, every feed: equal answers, and the engine's own state differs between the two ticks."""
    draw = random.Random("flips")
    found = [random_account(world, draw, number) for number in range(20)]
    settled(world, prices={1: 2_900 * PRICE, 2: 61_000 * PRICE})
    flips = 0
    for account in found:
        for market in range(5):
            lost, below, above = asked(world, account, market=market)
            for price, towards in ((below, 1), (above, -1)):
                if price not in (0, NEVER):
                    flips += 1
                    assert [state_at(world, account, market + 1, p) for p in (price, price + towards)] == [
                        not lost,
                        lost,
                    ]
    assert flips > 25


def state_at(world, account, feed, price):
    return world.engine.read("assessAt", account, [(feed, price)])[1] >= AccountState.LIQUIDATABLE
