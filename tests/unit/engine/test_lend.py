"""Lend and Recall: what earns, what it may lose, and that it never touches what is held."""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, lend, margin_call, recall, repay, withdraw

YEAR = 365 * 86_400


@pytest.fixture
def bank(desk):
    """A lender of a million, and a borrower of half of it (against 400 WETH)."""
    lender = desk.lender("lender", QUOTE, 1_000_000 * USDC)
    borrower = desk.trader("borrower")
    desk.fund(borrower, WETH, 400 * WAD)
    desk.act(borrower, borrow(borrower, QUOTE, 500_000 * USDC))
    return desk, lender, borrower


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("action", [borrow, repay, lend, recall])
def test_nothing_for_nothing(desk, action):
    account = desk.trader("alice", 100)
    with expect("ZeroAmount"):
        desk.act(account, action(account, QUOTE, 0))


@pytest.mark.parametrize("action", [borrow, repay, lend, recall])
def test_only_the_owner(desk, action):
    account, mallory = desk.trader("alice", 100), desk.actor("mallory")
    with expect("NotAuthorized", account, mallory):
        desk.execute(mallory, action(account, QUOTE, 1))


def test_not_more_than_is_held(desk):
    account = desk.trader("alice", 100)
    with expect("InsufficientBalance", account, QUOTE, 100 * USDC, 100 * USDC + 1):
        desk.act(account, lend(account, QUOTE, 100 * USDC + 1))


def test_not_more_than_is_there(bank):
    desk, lender, _ = bank
    desk.calm()
    cash = desk.loans(QUOTE).cash
    assert 500_000 * USDC - 2 <= cash <= 500_000 * USDC
    with expect("LentCashMissing", QUOTE, cash + 1, cash):
        desk.act(lender, recall(lender, QUOTE, cash + 1))
    desk.act(lender, recall(lender, QUOTE, cash))
    with expect("LentCashMissing"):
        desk.act(lender, recall(lender, QUOTE))


def test_not_both_in_one_asset(bank):
    desk, lender, borrower = bank
    with expect("LendingAndBorrowing", borrower, QUOTE):
        desk.act(borrower, lend(borrower, QUOTE, USDC))
    with expect("LendingAndBorrowing", lender, QUOTE):
        desk.act(lender, borrow(lender, QUOTE, USDC))


def test_nothing_lent_nothing_to_recall(desk):
    account = desk.trader("alice", 100)
    with expect("ZeroAmount"):
        desk.act(account, recall(account, QUOTE))


def test_an_asset_that_is_not_listed(desk):
    account = desk.trader("alice", 100)
    for action in (lend, borrow, recall):
        with expect("LendingClosed", 17):
            desk.act(account, action(account, 17, 1))


def test_isolated_perp_accounts_neither_lend_nor_borrow(desk):
    desk.lender("lender", QUOTE, 1_000 * USDC)
    account = desk.trader("alice", 100, market=ETH)
    for action in (lend, borrow):
        with expect("AssetNotAllowed", account, QUOTE):
            desk.act(account, action(account, QUOTE, USDC))


def test_reducing_batches_neither_lend_nor_recall(bank):
    desk, lender, _ = bank
    for kind, action in ((10, lend), (11, recall)):
        with expect("RiskInReducingBatch", lender, kind):
            desk.act(lender, action(lender, QUOTE, 1), reducing=True)


# ---------------------------------------------------------------- what it does


def test_lent_is_collateral_and_leaves_the_held_total(bank):
    desk, lender, _ = bank
    assert (desk.held(lender), desk.lent(lender, QUOTE)) == (0, 1_000_000 * USDC)
    assert desk.assess(lender).equity == 1_000_000 * WAD
    assert desk.header(lender).assets == 1
    desk.trade(lender, ETH, 10 * SIZE)
    assert desk.assess(lender).equity > 999_000 * WAD


def test_lent_can_be_withdrawn_only_after_recall(bank):
    desk, lender, _ = bank
    desk.calm()
    owner = desk.owner(lender)
    with expect("InsufficientBalance", lender, QUOTE, 0, USDC):
        desk.act(lender, withdraw(lender, QUOTE, USDC, owner))
    desk.act(lender, recall(lender, QUOTE, USDC), withdraw(lender, QUOTE, USDC, owner))
    assert desk.token(QUOTE).read("balanceOf", owner) == USDC


def test_interest_goes_from_borrower_to_lender_less_the_reserve(bank):
    desk, lender, borrower = bank
    desk.chain.advance(YEAR // 12)
    paid = desk.debt(borrower, QUOTE) - 500_000 * USDC
    earned = desk.lent(lender, QUOTE) - 1_000_000 * USDC
    assert 300 * USDC < earned < paid
    assert abs(paid * 9 // 10 - earned) < 20 * USDC  # compounding at the lenders' own rate
    loans = desk.loans(QUOTE)
    assert 0 <= paid - earned - loans.reserve <= 2
    assert 0 <= desk.surplus(QUOTE) <= 3


def test_the_reserve_is_insurance_s_as_far_as_there_is_cash(bank):
    desk, _, _ = bank
    desk.chain.advance(YEAR)
    reserve, before = desk.loans(QUOTE).reserve, desk.held(desk.insurance)
    assert reserve > 50 * USDC
    desk.engine.write("collectReserve", QUOTE, sender=desk.actor("anyone"))
    assert desk.held(desk.insurance) - before >= reserve
    assert desk.loans(QUOTE).reserve == 0
    assert 0 <= desk.surplus(QUOTE) <= 5


def test_a_called_account_recalls_and_repays_but_neither_lends_nor_borrows(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account, keeper = desk.trader("alice", 1_000), desk.trader("keeper", 1_000)
    desk.act(account, lend(account, QUOTE, 500 * USDC))
    desk.trade(account, ETH, 5 * SIZE)
    desk.post({1: desk.price_for(account, ETH, (desk.call_margin(account) + desk.assess(account).mm) // 2)})
    desk.act(keeper, margin_call(keeper, account))
    deadline = desk.header(account).call_deadline
    for action in (lend, borrow):
        with expect("AccountCalled", account, deadline):
            desk.act(account, action(account, QUOTE, USDC))
    desk.calm()
    desk.act(account, recall(account, QUOTE))
    assert desk.held(account) >= 500 * USDC


# ---------------------------------------------------------------- rounding


@pytest.mark.parametrize("amount", [1, 2, 3, 999, 10**6 + 1])
def test_every_rounding_is_against_whoever_asks(bank, amount):
    """After a year of interest no index is round: lending and recalling, borrowing and repaying, never gains a unit."""
    desk, _, _ = bank
    desk.chain.advance(YEAR)
    desk.calm()
    account = desk.trader("alice", 10)
    desk.fund(account, WETH, WAD)
    point = desk.chain.snapshot()
    if amount > 1:
        desk.act(account, lend(account, QUOTE, amount), recall(account, QUOTE))
        assert 10 * USDC - 2 <= desk.held(account) <= 10 * USDC
        assert desk.lent(account, QUOTE) == 0
        assert 0 <= desk.surplus(QUOTE) <= 6
    desk.chain.revert(point)
    desk.act(account, borrow(account, QUOTE, amount), repay(account, QUOTE))
    assert 10 * USDC - 2 <= desk.held(account) <= 10 * USDC
    assert (desk.debt(account, QUOTE), desk.header(account).debts) == (0, 0)
    assert 0 <= desk.surplus(QUOTE) <= 6


def test_identity_over_many_small_steps(bank):
    """I-1 to the unit: the vault covers held + lent − borrowed + reserve after each of 60 odd steps."""
    desk, lender, borrower = bank
    desk.fund(lender, QUOTE, 1_000)
    desk.calm()
    for step in range(60):
        desk.post({}, seconds=7 * step + 1)
        desk.engine.write("observeExits", sender=desk.admin)
        odd = 1 + 7_919 * step % 1_000
        if step % 4 == 0:
            desk.act(lender, recall(lender, QUOTE, odd + 10))
        elif step % 4 == 1:
            desk.act(borrower, borrow(borrower, QUOTE, odd))
        elif step % 4 == 2:
            desk.act(borrower, repay(borrower, QUOTE, odd + 3))
        else:
            desk.act(lender, lend(lender, QUOTE, odd // 2 + 2))
        assert desk.surplus(QUOTE) >= 0
    assert desk.surplus(QUOTE) < 200
    shares = desk.loans(QUOTE)
    assert shares.lent >= desk.lent(lender, QUOTE)
    assert shares.borrowed <= desk.debt(borrower, QUOTE)


def test_lending_an_amount_below_one_share_is_refused(bank):
    desk, _, _ = bank
    desk.chain.advance(3 * YEAR)
    account = desk.trader("alice", 10)
    assert desk.loans(QUOTE).lent_index > 10**12
    with expect("ZeroAmount"):
        desk.act(account, lend(account, QUOTE, 1))


def test_prices_do_not_matter_to_paying_back_and_recalling(bank):
    """L-1: every feed dead."""
    desk, lender, borrower = bank
    desk.chain.advance(86_500)
    desk.act(borrower, repay(borrower, QUOTE, 1_000 * USDC))
    desk.act(lender, recall(lender, QUOTE, 1_000 * USDC))
    assert desk.held(lender) == 1_000 * USDC
    with expect("BelowInitialMargin"):
        desk.act(borrower, borrow(borrower, QUOTE, USDC))


def test_new_risk_paused_stops_borrowing_alone(bank):
    desk, lender, borrower = bank
    desk.calm()
    until = desk.now + 1_000
    desk.engine.write("pauseRisk", until, sender=desk.admin)
    with expect("NewRiskPaused", until):
        desk.act(borrower, borrow(borrower, QUOTE, USDC))
    desk.act(borrower, repay(borrower, QUOTE, USDC))
    desk.act(lender, recall(lender, QUOTE, USDC), lend(lender, QUOTE, USDC))


def test_reducing_batch_may_repay(bank):
    """At odd indices the payer may lose a unit to rounding, which is no reason to refuse him."""
    desk, _, borrower = bank
    for seconds in (1, 7, 86_411):
        desk.chain.advance(seconds)
        for amount in (1_000, 12_345_678):
            before = desk.debt(borrower, QUOTE)
            desk.act(borrower, repay(borrower, QUOTE, amount), reducing=True)
            assert desk.debt(borrower, QUOTE) == pytest.approx(before - amount, abs=1)
