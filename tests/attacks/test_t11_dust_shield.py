"""T-11: the dust shield. 1 of an asset with a dead feed protects a short of a million; 1 wei sent to a victim
freezes him.

A failed price is replaced by the last good one, moved e^{±κσ√age} in the target's favour: below its level even so,
it is below.
Only the owner adds an asset to an account.
"""

from __future__ import annotations

import math

import pytest
from desk import BTC, ETH, LIQUIDATABLE, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import borrow, deposit, lend, liquidate, repay, withdraw
from plimsoll.margin.account import PriceUse
from plimsoll.margin.valuation import MAX_EXPONENT, moved

HOUR = 3_600


def dead_dust(desk, account, age, amount=1):
    """Some of asset 2 with a feed that has been silent for `age`; ETH goes on."""
    desk.fund(account, WBTC, amount)
    desk.chain.advance(age)
    desk.send_price(1, desk.prices[1])


@pytest.mark.parametrize("age", [61, HOUR, 24 * HOUR, 48 * HOUR])
@pytest.mark.parametrize("amount", [1, 10**6])
def test_t11_dust_with_a_dead_feed_does_not_shield_a_short(desk, age, amount):
    """1 satoshi is worth 0.0006, 0.01 BTC is 600: moved up for two days at 2·100 % it is e^0.15 times that."""
    target, taker = desk.trader("mallory", 60_000), desk.trader("keeper", 100_000)
    desk.trade(target, ETH, -330 * SIZE)  # a million
    dead_dust(desk, target, age, amount)
    desk.send_price(1, desk.price_for(target, ETH, 10_000 * WAD))
    found = desk.assess(target)
    assert found.state == LIQUIDATABLE
    assert tuple(found[:5]) == desk.twin(target)
    held = desk.held(target, WBTC)
    value = held * 60_000 * WAD // 10**8
    factor = math.exp(2 * math.sqrt((desk.now - desk.router_time(2)) / 31_536_000))
    lifted = desk.twin(target).equity - desk.twin(target, PriceUse.REDUCE).equity
    assert lifted == pytest.approx(value * (factor - 1), rel=1e-6)
    desk.act(taker, liquidate(taker, target))
    assert desk.position(taker, ETH)[0] < 0


def test_t11_the_favour_grows_but_never_beyond_e5(desk):
    """After nine years a satoshi counts as 148: 0.09. It protects that, and nothing else."""
    price = 60_000 * PRICE
    years = 3 * 365 * 24 * HOUR * 3
    assert moved(price, 10_000, 20, years, up=True) * 100 // price == 14_841
    assert MAX_EXPONENT == 5 * WAD
    # 0.0067: a debt falls to that, never to nothing
    assert moved(price, 10_000, 20, years, up=False) * 10_000 // price == 67


def test_t11_nor_does_a_dead_perp_market_beside_it(desk):
    """A BTC position whose feed died, moved in the target's favour, does not hold up what ETH has done."""
    target, taker = desk.trader("mallory", 60_000), desk.trader("keeper", 100_000)
    desk.trade(target, ETH, -300 * SIZE)
    desk.trade(target, BTC, SIZE // 100)
    desk.chain.advance(2 * HOUR)
    desk.send_price(1, 3_000 * PRICE)
    desk.send_price(1, 3_180 * PRICE)
    assert desk.assess(target).state >= LIQUIDATABLE
    desk.act(taker, liquidate(taker, target))
    assert desk.position(target, BTC)[0] < SIZE // 100


@pytest.mark.parametrize("amount", [1, 10**8])
def test_t11_a_stranger_adds_no_asset_to_an_account(desk, amount):
    """1 wei of an asset whose feed is dead would stand in every check of the victim."""
    victim, mallory = desk.trader("alice", 1_000), desk.actor("mallory")
    desk.mint(mallory, WBTC, amount)
    with expect("NotAuthorized", victim, mallory):
        desk.execute(mallory, deposit(victim, WBTC, amount))
    desk.mint(mallory, QUOTE, USDC)
    desk.execute(mallory, deposit(victim, QUOTE, USDC))  # more of what it has is welcome


def test_t11_and_even_with_it_the_victim_is_not_frozen(desk):
    """His own dead dust counts zero and blocks nothing."""
    victim = desk.trader("alice", 10_000)
    desk.trade(victim, ETH, SIZE)
    dead_dust(desk, victim, HOUR)
    desk.act(victim, withdraw(victim, QUOTE, 1_000 * USDC, desk.owner(victim)))
    desk.trade(victim, ETH, SIZE)
    assert (desk.held(victim), desk.position(victim, ETH)[0]) == (9_000 * USDC, 2 * SIZE)


# ---------------------------------------------------------------- with a debt


@pytest.fixture
def lent(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.lender("btc lender", WBTC, 10 * 10**8)
    return desk


def borrower(desk, name="mallory"):
    """10 WETH against 23,900 quote that have left."""
    account = desk.trader(name)
    desk.fund(account, WETH, 10 * WAD)
    loan = 23_900 * USDC
    desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, loan, desk.owner(account)))
    return account


@pytest.mark.parametrize("age", [61, HOUR, 48 * HOUR])
@pytest.mark.parametrize("amount", [1, 10**4])
def test_t11_dust_does_not_shield_a_borrower_either(lent, age, amount):
    desk = lent
    target, taker = borrower(desk), desk.trader("keeper", 100_000)
    dead_dust(desk, target, age, amount)
    desk.send_price(1, 2_500 * PRICE)
    assert desk.assess(target).state == LIQUIDATABLE
    desk.act(taker, liquidate(taker, target))
    assert desk.debt(taker, QUOTE) > 0


@pytest.mark.parametrize("age", [61, HOUR, 48 * HOUR])
def test_t11_nor_does_a_dust_of_debt_in_a_dead_feed(lent, age):
    """A satoshi owed, its feed silent: moved down for the target, up for the taker, and in nobody's way."""
    desk = lent
    target, taker = desk.trader("mallory"), desk.trader("keeper", 100_000)
    desk.fund(target, WETH, 10 * WAD)
    loan = 23_900 * USDC
    owner = desk.owner(target)
    desk.act(target, borrow(target, WBTC, 1), borrow(target, QUOTE, loan), withdraw(target, QUOTE, loan, owner))
    desk.chain.advance(age)
    desk.send_price(1, 2_500 * PRICE)
    found = desk.assess(target)
    assert found.state == LIQUIDATABLE
    assert tuple(found[:5]) == desk.twin(target)
    desk.act(taker, liquidate(taker, target))
    # The taker is not stuck with it: it can be repaid without a price.
    desk.fund(taker, WBTC, 10)
    desk.act(taker, repay(taker, WBTC), repay(taker, QUOTE))
    assert desk.header(taker).debts == 0


def test_t11_a_dead_feed_of_the_debt_itself(lent):
    """The debt falls in the target's favour with the age, and an honest rise beforehand still shows through it."""
    desk = lent
    target, taker = desk.trader("mallory", 60_000), desk.trader("keeper", 1_000_000)
    desk.act(target, borrow(target, WBTC, 75 * 10**6), withdraw(target, WBTC, 75 * 10**6, desk.owner(target)))
    desk.post({2: 77_000 * PRICE})
    fresh = desk.assess(target)
    assert fresh.state == LIQUIDATABLE
    desk.chain.advance(61)
    desk.send_price(1, desk.prices[1])
    aged = desk.assess(target)
    assert fresh.equity < aged.equity < fresh.equity + 75 * 77_000 * WAD // 100 * 4 // 1_000
    assert aged.state == LIQUIDATABLE
    desk.act(taker, liquidate(taker, target))


@pytest.mark.parametrize("action", [borrow, lend])
def test_t11_nobody_gives_a_debt_or_a_claim_to_another(lent, action):
    victim, mallory = lent.trader("alice", 1_000), lent.actor("mallory")
    with expect("NotAuthorized", victim, mallory):
        lent.execute(mallory, action(victim, WBTC, 1))


def test_t11_a_dead_collateral_carries_no_loan_and_blocks_no_repayment(lent):
    desk = lent
    account = borrower(desk, "alice")
    desk.fund(account, QUOTE, 1_000 * USDC)
    desk.chain.advance(HOUR)
    with expect("BelowInitialMargin"):
        desk.act(account, borrow(account, QUOTE, 1))
    desk.act(account, repay(account, QUOTE, 1_000 * USDC))
    with expect("BelowInitialMargin"):
        desk.act(account, withdraw(account, WETH, 1, desk.owner(account)))
