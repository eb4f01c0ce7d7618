"""18 April 2026, KelpDAO's rsETH on Aave: about 293 million dollars, bad debt of 177 to 200 million.

A bridge was made to mint rsETH that nothing stood behind. Within minutes it was collateral, and everything that could
be borrowed had been borrowed against it. The feeds told the price of an rsETH, correctly.

Property: whatever collateral is worth and however much of it there is, what enters is held by a supply cap that grows
slowly, and what is borrowed of an asset by a cap and an hourly velocity over everybody together: net, so that going in
and out widens nothing and takes nothing from others.
"""

from __future__ import annotations

import pytest
from desk import PRICE, QUOTE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, deposit, liquidate, repay, transfer, withdraw

HOUR, WEEK = 3_600, 7 * 86_400
LENT = 10_000_000 * USDC
CAP, VELOCITY = 4_000_000 * USDC, 500  # of it 5 % an hour: 200,000
HOURLY = CAP * VELOCITY // 10_000


@pytest.fixture
def desk(desk):
    """WETH stands for rsETH."""
    desk.lender("lender", QUOTE, LENT)
    desk.set_limits(QUOTE, borrow_cap=CAP, borrow_velocity=VELOCITY)
    return desk


@pytest.fixture
def mallory(desk):
    """A million of it, from nowhere: three billion at the feed's honest price."""
    account = desk.trader("mallory")
    desk.mint(desk.owner(account), WETH, 10**6 * WAD)
    return account


def out(desk, account, amount):
    return borrow(account, QUOTE, amount), withdraw(account, QUOTE, amount, desk.owner(account))


@pytest.mark.parametrize("age", [0, 60, HOUR, 86_400])
def test_no_more_enters_than_the_cap_has_grown_to(desk, mallory, age):
    cap = 30_000 * WAD
    desk.set_limits(WETH, supply_cap=cap, cap_since=desk.now)
    desk.chain.advance(age)
    most = cap * age // WEEK
    with expect("SupplyCapExceeded", WETH, 10**6 * WAD, most):
        desk.act(mallory, deposit(mallory, WETH, 10**6 * WAD))
    if most:
        desk.act(mallory, deposit(mallory, WETH, most))
    assert desk.held(mallory, WETH) == most


def in_parts(desk, mallory, accounts, parts):
    """Everything she has, over so many accounts, so many loans each; what she got out in the hour."""
    got = 0
    for number in range(accounts):
        account = desk.account(desk.owner(mallory), number)
        desk.act(account, deposit(account, WETH, 10**6 * WAD // accounts))
        for _ in range(parts):
            step, left = min(CAP // 2, LENT // accounts // parts), HOURLY - got
            if step > left:
                with expect("BorrowVelocityExceeded", QUOTE, got + step, HOURLY):
                    desk.act(account, *out(desk, account, step))
            if amount := min(step, left):
                desk.act(account, *out(desk, account, amount))
                got += amount
    return got


@pytest.mark.parametrize("accounts, parts", [(1, 1), (1, 30), (10, 1), (5, 7)])
def test_an_hour_s_velocity_is_one_for_all(desk, mallory, accounts, parts):
    assert in_parts(desk, mallory, accounts, parts) == HOURLY
    with expect("BorrowVelocityExceeded", QUOTE, HOURLY + 1, HOURLY):
        desk.act(mallory, *out(desk, mallory, 1))
    # At once, as on Aave: all of ten million, on a million WETH.
    assert LENT // HOURLY == 50


@pytest.mark.parametrize("churn", ["repaid", "in_one_batch", "in_two_accounts", "by_another"])
def test_going_in_and_out_widens_nothing(desk, mallory, churn):
    """Net: what was paid back may be borrowed again, and no more than that."""
    other = desk.trader("mallory", 0, index=1)
    desk.act(mallory, deposit(mallory, WETH, 10_000 * WAD), deposit(other, WETH, 10_000 * WAD))
    for _ in range(5):
        if churn == "repaid":
            desk.act(mallory, borrow(mallory, QUOTE, HOURLY))
            desk.act(mallory, repay(mallory, QUOTE, HOURLY))
        elif churn == "in_one_batch":
            desk.act(mallory, borrow(mallory, QUOTE, 10 * HOURLY), repay(mallory, QUOTE, 10 * HOURLY))
        elif churn == "in_two_accounts":
            desk.act(
                mallory,
                borrow(mallory, QUOTE, 3 * HOURLY),
                transfer(mallory, other, QUOTE, 3 * HOURLY),
                borrow(other, QUOTE, 3 * HOURLY),
                repay(other, QUOTE, 3 * HOURLY),
                transfer(other, mallory, QUOTE, 3 * HOURLY),
                repay(mallory, QUOTE, 3 * HOURLY),
            )
        else:
            desk.act(mallory, borrow(mallory, QUOTE, HOURLY), transfer(mallory, other, QUOTE, HOURLY))
            desk.act(other, transfer(other, mallory, QUOTE, HOURLY), repay(mallory, QUOTE, HOURLY))
    desk.act(mallory, *out(desk, mallory, HOURLY - 10))
    with expect("BorrowVelocityExceeded"):
        desk.act(mallory, *out(desk, mallory, 1_000))


def test_and_takes_nothing_from_others(desk, mallory):
    """T-16: whatever she turned over, an honest borrower finds the hour as it was."""
    desk.act(mallory, deposit(mallory, WETH, 100_000 * WAD))
    for _ in range(3):
        desk.act(mallory, borrow(mallory, QUOTE, LENT - 10), repay(mallory, QUOTE, LENT - 10))
    honest = desk.trader("honest")
    desk.fund(honest, WETH, 200 * WAD)
    desk.act(honest, *out(desk, honest, HOURLY))
    assert desk.debt(honest, QUOTE) == pytest.approx(HOURLY, abs=2)
    assert desk.debt(mallory, QUOTE) < 10  # what rounding leaves of three loans


def test_hour_after_hour_up_to_the_cap_and_there_it_ends(desk, mallory):
    desk.act(mallory, deposit(mallory, WETH, 10_000 * WAD))
    got = 0
    for _ in range(40):
        amount = min(HOURLY, CAP - desk.debt(mallory, QUOTE) - 2)
        if amount <= 0:
            break
        desk.act(mallory, *out(desk, mallory, amount))
        got += amount
        desk.post({}, seconds=HOUR)
    with expect("BorrowCapExceeded"):
        desk.act(mallory, *out(desk, mallory, HOURLY))
    assert CAP - 10_000 * USDC < got < CAP
    assert got // HOURLY >= 19  # most of a day in which somebody can look


def test_what_the_first_hour_costs_lenders_when_it_is_worth_nothing(desk, mallory):
    """The feed follows at last: collateral of nothing. Bad debt is an hour's velocity, not what there was."""
    desk.act(mallory, deposit(mallory, WETH, 10**6 * WAD), *out(desk, mallory, HOURLY))
    keeper, before = desk.trader("keeper", 1_000_000), desk.loans(QUOTE).lent
    desk.post({1: PRICE // 100_000})
    desk.act(keeper, liquidate(keeper, mallory))
    lost = before - desk.loans(QUOTE).lent
    insured = 100_000 * USDC - desk.held(desk.insurance)
    assert lost + insured <= HOURLY + 10 * USDC
    assert lost * 50 <= LENT
