"""Caps at the edge: what they count, to the unit, and who never meets them."""

from __future__ import annotations

import pytest
from desk import QUOTE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, deposit, lend, repay, withdraw

CAP = 1_000 * USDC


@pytest.fixture
def desk(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.set_limits(QUOTE, borrow_cap=CAP, borrow_velocity=10_000)
    return desk


@pytest.fixture
def alice(desk):
    account = desk.trader("alice", 10)
    desk.fund(account, WETH, 10 * WAD)
    return account


def test_the_borrow_cap_counts_what_is_owed_rounded_up(desk, alice):
    with expect("BorrowCapExceeded", QUOTE, CAP + 1, CAP):
        desk.act(alice, borrow(alice, QUOTE, CAP))
    desk.act(alice, borrow(alice, QUOTE, CAP - 1))


def test_interest_carries_a_debt_over_the_cap_and_nobody_is_asked(desk, alice):
    desk.act(alice, borrow(alice, QUOTE, CAP - 1))
    desk.post({}, seconds=365 * 86_400)
    assert desk.debt(alice, QUOTE) > CAP
    with expect("BorrowCapExceeded"):
        desk.act(alice, borrow(alice, QUOTE, 1))
    desk.act(alice, repay(alice, QUOTE, 1_000_000), withdraw(alice, QUOTE, 1_000_000, desk.owner(alice)))


@pytest.mark.parametrize("velocity", [1, 2_500, 10_000])
def test_velocity_is_a_share_of_the_cap_per_hour(desk, alice, velocity):
    desk.set_limits(QUOTE, borrow_velocity=velocity)
    limit = CAP * velocity // 10_000
    refusal = ("BorrowVelocityExceeded", QUOTE, limit + 1, limit) if velocity < 10_000 else ("BorrowCapExceeded",)
    with expect(*refusal):
        desk.act(alice, borrow(alice, QUOTE, limit + 1))
    desk.act(alice, borrow(alice, QUOTE, limit - 1))


def test_borrowing_in_two_accounts_of_a_batch_is_one_sum(desk, alice):
    other = desk.trader("alice", 0, index=1)
    desk.fund(other, WETH, 10 * WAD)
    with expect("BorrowCapExceeded"):
        desk.act(alice, borrow(alice, QUOTE, CAP * 6 // 10), borrow(other, QUOTE, CAP * 6 // 10))


def test_without_a_cap_nothing_is_borrowed(desk, alice):
    desk.set_limits(QUOTE, borrow_cap=0)
    with expect("BorrowCapExceeded"):
        desk.act(alice, borrow(alice, QUOTE, 1))


def test_lending_and_recalling_move_nothing_against_the_supply_cap(desk, alice):
    held, lent = desk.engine.read("totals", QUOTE)
    desk.set_limits(QUOTE, supply_cap=held + lent - 1)
    desk.act(alice, lend(alice, QUOTE, 5 * USDC))
    with expect("SupplyCapExceeded"):
        desk.fund(alice, QUOTE, 1)


def test_a_deposit_that_repays_meets_no_cap(desk, alice):
    """Deposit and repay in one batch leave no more claims than there were."""
    desk.act(alice, borrow(alice, QUOTE, 500 * USDC), withdraw(alice, QUOTE, 500 * USDC, desk.owner(alice)))
    desk.set_limits(QUOTE, supply_cap=0)
    desk.mint(desk.owner(alice), QUOTE, 500 * USDC)
    desk.act(alice, deposit(alice, QUOTE, 500 * USDC), repay(alice, QUOTE, 500 * USDC))
    assert desk.debt(alice, QUOTE) <= 2
