"""Liquidation of borrowers: a slice of what they hold, lend and owe, into an account that wants it."""

from __future__ import annotations

import pytest
from desk import BANKRUPT, ETH, LIQUIDATABLE, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import borrow, deposit, lend, liquidate, recall, repay, withdraw


@pytest.fixture
def spot(desk):
    """10 WETH at 3,000 against a debt of 23,990 quote, which has left; a keeper with enough."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account = desk.trader("alice")
    desk.fund(account, WETH, 10 * WAD)
    desk.act(
        account, borrow(account, QUOTE, 23_990 * USDC), withdraw(account, QUOTE, 23_990 * USDC, desk.owner(account))
    )
    return desk, account, desk.trader("keeper", 100_000)


def test_a_healthy_borrower_is_left_alone(spot):
    desk, account, keeper = spot
    with expect("AccountHealthy"):
        desk.act(keeper, liquidate(keeper, account))


def test_a_slice_moves_collateral_and_debt_alike(spot):
    """At 2,650 the account has 2,500 against an MM of 2,650."""
    desk, account, keeper = spot
    desk.post({1: 2_650 * PRICE})
    before = desk.assess(account)
    assert before.state == LIQUIDATABLE
    health = before.equity * WAD // before.mm
    held, owed = desk.held(account, WETH), desk.debt(account, QUOTE)
    receipt = desk.act(keeper, liquidate(keeper, account))
    (event,) = desk.events(receipt, "Liquidated")
    fraction = event.args["fraction"]
    assert 0 < fraction < WAD
    assert desk.held(keeper, WETH) == held * fraction // WAD
    # The price is paid in quote, so its debt moves and the keeper's cash falls.
    assert owed - desk.debt(account, QUOTE) == desk.debt(keeper, QUOTE)
    after = desk.assess(account)
    assert after.equity * WAD // after.mm > health
    assert 0 <= desk.surplus(QUOTE) <= 4


def test_repaid_in_the_same_batch(spot):
    """The keeper takes the debt, and pays it from what he holds: nothing is left but the collateral."""
    desk, account, keeper = spot
    desk.post({1: 2_650 * PRICE})
    desk.act(keeper, liquidate(keeper, account), repay(keeper, QUOTE))
    assert desk.debt(keeper, QUOTE) == 0
    assert desk.header(keeper).debts == 0


def test_the_whole_of_a_nearly_bankrupt_borrower(spot):
    desk, account, keeper = spot
    desk.post({1: 2_405 * PRICE})
    desk.act(keeper, liquidate(keeper, account))
    assert (desk.held(account, WETH), desk.debt(account, QUOTE)) == (0, 0)
    assert desk.header(account).debts == 0
    assert desk.held(keeper, WETH) == 10 * WAD


def test_neither_caps_nor_pauses_nor_missing_cash_stop_a_slice(spot):
    desk, account, keeper = spot
    lender = desk.account(desk.actor("lender"))
    desk.set_limits(QUOTE, borrow_cap=0, supply_cap=0, borrow_velocity=0)
    desk.set_limits(WETH, supply_cap=0)
    desk.calm()
    desk.engine.write("pauseRisk", desk.now + 1_000, sender=desk.admin)
    desk.act(lender, recall(lender, QUOTE, desk.loans(QUOTE).cash))
    assert desk.loans(QUOTE).cash == 0
    desk.post({1: 2_650 * PRICE})
    desk.act(keeper, liquidate(keeper, account))
    assert desk.debt(keeper, QUOTE) > 0


def test_lent_collateral_moves_as_shares_even_when_all_of_it_is_borrowed(desk):
    """Utilisation of one: there is no cash to recall, and the slice needs none."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account, keeper, other = desk.trader("alice"), desk.trader("keeper", 100_000), desk.trader("other", 100_000)
    desk.fund(account, WETH, 10 * WAD)
    desk.act(account, lend(account, WETH, 10 * WAD), borrow(account, QUOTE, 23_990 * USDC))
    desk.act(account, withdraw(account, QUOTE, 23_990 * USDC, desk.owner(account)))
    desk.act(other, borrow(other, WETH, 10 * WAD))
    assert desk.loans(WETH).cash == 0
    desk.post({1: 2_650 * PRICE})
    desk.act(keeper, liquidate(keeper, account))
    assert desk.lent(keeper, WETH) > 0
    assert desk.header(keeper).assets >> WETH & 1


def test_a_liquidator_who_lends_what_the_target_owes_uses_another_account(spot):
    desk, account, _ = spot
    lender = desk.account(desk.actor("lender"))
    desk.fund(lender, QUOTE, 10_000 * USDC)
    desk.post({1: 2_650 * PRICE})
    with expect("LendingAndBorrowing", lender, QUOTE):
        desk.act(lender, liquidate(lender, account))


@pytest.mark.parametrize("fall", [92, 88])
def test_three_debts_and_a_position_at_once(desk, fall):
    """A cross account: 40 WETH of collateral; quote, WBTC and a perp on it."""
    desk.lender("quote lender", QUOTE, 1_000_000 * USDC)
    desk.lender("btc lender", WBTC, 10 * 10**8)
    desk.lender("weth lender", WETH, 100 * WAD)
    account, keeper = desk.trader("alice", 100), desk.trader("keeper", 1_000_000)
    desk.fund(account, QUOTE, 60_000 * USDC)
    desk.act(account, borrow(account, WBTC, 10**8 // 4), borrow(account, WETH, 5 * WAD))
    owner = desk.owner(account)
    desk.act(account, withdraw(account, WBTC, 10**8 // 4, owner), withdraw(account, WETH, 5 * WAD, owner))
    desk.trade(account, ETH, -100 * SIZE)
    assert desk.header(account).debts == 2
    up = {1: 3_000 * PRICE * (200 - fall) // 100, 2: 60_000 * PRICE * (200 - fall) // 100}
    desk.post(up)
    found = desk.assess(account)
    assert found.state in (LIQUIDATABLE, BANKRUPT)
    desk.act(keeper, liquidate(keeper, account))
    for asset in (WBTC, WETH):
        assert desk.debt(keeper, asset) > 0
    after = desk.assess(account)
    assert after.mm == 0 or after.equity * found.mm >= found.equity * after.mm


def test_a_keeper_s_own_check_counts_the_debt_he_took(spot):
    """With hardly anything of his own he passes only because the slice itself carries its margin, or repays."""
    desk, account, _ = spot
    poor = desk.trader("poor", 1_200)
    desk.post({1: 2_650 * PRICE})
    with expect("BelowInitialMargin"):
        desk.act(poor, liquidate(poor, account))
    desk.mint(desk.owner(poor), QUOTE, 30_000 * USDC)
    desk.act(poor, liquidate(poor, account), deposit(poor, QUOTE, 30_000 * USDC), repay(poor, QUOTE))
