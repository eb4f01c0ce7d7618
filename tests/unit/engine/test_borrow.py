"""Borrow and Repay: what a loan needs, what it costs, and that it can always be paid back."""

from __future__ import annotations

import pytest
from desk import QUOTE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, repay, withdraw


@pytest.fixture
def lent(desk):
    """A million of the quote asset, lent."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    return desk


@pytest.fixture
def alice(lent):
    account = lent.trader("alice")
    lent.fund(account, WETH, 10 * WAD)
    return account


def test_a_loan_enters_the_held_balance(lent, alice):
    lent.act(alice, borrow(alice, QUOTE, 10_000 * USDC))
    assert lent.held(alice) == 10_000 * USDC
    assert lent.debt(alice, QUOTE) == 10_000 * USDC + 1  # shares are rounded up
    assert lent.header(alice).debts == 1
    assert lent.assess(alice).equity == 30_000 * WAD - 10**12
    assert lent.loans(QUOTE).cash == 990_000 * USDC - 1
    assert lent.surplus(QUOTE) == 1


def test_and_leaves_by_withdrawal_within_initial_margin(lent, alice):
    """10 WETH at 3,000 with a fifth off: 24,000 may go."""
    owner = lent.owner(alice)
    lent.act(alice, borrow(alice, QUOTE, 24_000 * USDC), withdraw(alice, QUOTE, 24_000 * USDC - 1, owner))
    assert lent.token(QUOTE).read("balanceOf", owner) == 24_000 * USDC - 1
    with expect("BelowInitialMargin"):
        lent.act(alice, borrow(alice, QUOTE, USDC), withdraw(alice, QUOTE, USDC, owner))


def test_the_whole_debt_is_paid_back_whatever_the_interest(lent, alice):
    lent.act(alice, borrow(alice, QUOTE, 10_000 * USDC))
    lent.chain.advance(86_400 * 30)
    lent.fund(alice, QUOTE, 1_000 * USDC)
    owed = lent.debt(alice, QUOTE)
    assert owed > 10_000 * USDC
    lent.act(alice, repay(alice, QUOTE))
    assert lent.debt(alice, QUOTE) == 0
    assert lent.held(alice) == 11_000 * USDC - owed
    assert lent.header(alice).debts == 0
    assert 0 <= lent.surplus(QUOTE) <= 2
