"""T-14: a partner resets the liquidation clock with 1-wei slices; a bounty makes the account liquidatable that it
was paid from.

The clock stops only at target, a slice has a least size, and the bounty comes out of equity − MM.
"""

from __future__ import annotations

import pytest
from desk import CALLED, ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, deposit, liquidate, margin_call, repay, withdraw
from plimsoll.margin import liquidation_math


@pytest.fixture
def victim(desk):
    account = desk.trader("mallory", 20_000)
    desk.trade(account, ETH, 100 * SIZE)
    return account


@pytest.fixture
def partner(desk):
    return desk.trader("partner", 1_000_000)


def sink(desk, account, share=70):
    """To `share` percent of MM."""
    desk.post({1: desk.price_for(account, ETH, desk.assess(account).mm * share // 100)})


@pytest.mark.parametrize("fraction", [0, 1, 10**9, WAD // 10 - 1])
def test_t14_slices_below_the_least_are_refused(desk, victim, partner, fraction):
    sink(desk, victim)
    with expect("FractionBelowMinimum", victim, fraction, WAD // 10):
        desk.act(partner, liquidate(partner, victim, fraction))
    assert desk.header(victim).clock_start == 0
    # Without it: fee-less slices of 1 wei, each "a liquidation", as often as one likes.


def test_t14_a_least_slice_does_not_stop_the_clock(desk, victim, partner):
    sink(desk, victim)
    desk.act(partner, margin_call(partner, victim))
    started = desk.header(victim).clock_start
    assert started == desk.now
    bonuses = []
    for _ in range(3):
        desk.chain.advance(300)
        desk.post({}, seconds=0)
        found = desk.assess(victim)
        bonuses.append(desk.slice(victim).bonus)
        assert bonuses[-1] == liquidation_math.bonus_rate(
            found.equity, found.mm, desk.now - started, 500, 5_000, 3_600, 500
        )
        desk.act(partner, liquidate(partner, victim, WAD // 10))
        header = desk.header(victim)
        assert header.clock_start == started
        assert header.call_deadline == started + 3_600
    # 300 s of an hour are 7.9 points of 95 each; with a reset d would begin at 5 % plus shortfall every time.
    reset = liquidation_math.bonus_rate(found.equity, found.mm, 0, 500, 5_000, 3_600, 500)
    assert bonuses[-1] - reset == 95 * WAD // 100 * 900 // 3_600


def test_t14_a_full_slice_does(desk, victim, partner):
    sink(desk, victim)
    desk.act(partner, margin_call(partner, victim))
    desk.chain.advance(300)
    desk.post({}, seconds=0)
    desk.act(partner, liquidate(partner, victim))
    header = desk.header(victim)
    assert (header.clock_start, header.call_deadline) == (0, 0)
    found = desk.assess(victim)
    assert found.equity == pytest.approx(desk.target_margin(victim), rel=1e-8)


def test_t14_nor_do_deposits_that_do_not_cure(desk, victim, partner):
    """A little money does not stop it; the clock asks for IM₀ and a check at good prices."""
    sink(desk, victim)
    desk.act(partner, margin_call(partner, victim))
    started = desk.header(victim).clock_start
    desk.fund(victim, QUOTE, 100 * USDC)
    with expect("AccountCalled", victim, started + 3_600):
        desk.act(partner, margin_call(partner, victim))
    assert desk.header(victim).clock_start == started


@pytest.mark.parametrize("spare", [0.000001, 0.3, 0.999, 1, 5])
def test_t14_the_bounty_leaves_the_account_above_mm(desk, victim, partner, spare):
    """A bounty of 1 out of a spare 0.3 is 0.3. Paid in full, the call itself would have made it liquidatable."""
    desk.post({1: desk.price_for(victim, ETH, desk.assess(victim).mm - 500 * WAD)})
    found = desk.assess(victim)
    lacking = found.mm + int(spare * WAD) - found.equity
    assert lacking > 0
    desk.fund(victim, QUOTE, -(-lacking // 10**12))
    found = desk.assess(victim)
    rest = found.equity - found.mm
    assert 0 <= rest - int(spare * WAD) < 10**12
    before = desk.held(partner)
    desk.act(partner, margin_call(partner, victim))
    bounty = desk.held(partner) - before
    assert bounty == min(USDC, rest // 10**12)
    after = desk.assess(victim)
    assert after.equity >= after.mm
    assert after.state == CALLED
    assert (found.equity - WAD < found.mm) == (spare < 1)  # a full bounty would have


def test_t14_below_mm_there_is_no_bounty(desk, victim, partner):
    sink(desk, victim, 90)
    before = desk.held(partner)
    desk.act(partner, margin_call(partner, victim))
    assert desk.held(partner) == before


# ---------------------------------------------------------------- slices of a borrower


@pytest.fixture
def debtor(desk):
    """Isolated: 10 WETH, 23,990 quote owed and gone; at 2,560 below MM."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account = desk.trader("mallory")
    desk.fund(account, WETH, 10 * WAD)
    loan = 23_990 * USDC
    desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, loan, desk.owner(account)))
    desk.post({1: 2_560 * PRICE})
    return account


@pytest.mark.parametrize("fraction", [0, 1, WAD // 10 - 1])
def test_t14_slices_of_a_borrower_have_a_least_size_too(desk, debtor, partner, fraction):
    with expect("FractionBelowMinimum", debtor, fraction, WAD // 10):
        desk.act(partner, liquidate(partner, debtor, fraction))


def test_t14_neither_a_least_slice_nor_a_repayment_stops_a_borrower_s_clock(desk, debtor, partner):
    desk.act(partner, margin_call(partner, debtor))
    started = desk.header(debtor).clock_start
    assert started == desk.now
    desk.mint(desk.owner(debtor), QUOTE, 10_000 * USDC)
    for step in range(3):
        desk.chain.advance(300)
        desk.post({}, seconds=0)
        found = desk.assess(debtor)
        assert desk.slice(debtor).bonus == liquidation_math.bonus_rate(
            found.equity, found.mm, desk.now - started, 500, 5_000, 3_600, 500
        )
        if step == 1:
            desk.act(debtor, deposit(debtor, QUOTE, 50 * USDC), repay(debtor, QUOTE, 50 * USDC))
        else:
            desk.act(partner, liquidate(partner, debtor, WAD // 10))
        assert desk.header(debtor).clock_start == started
    # Cured, and only then, it stops: repaid until it is back at IM₀.
    desk.act(
        debtor, deposit(debtor, QUOTE, 9_000 * USDC), repay(debtor, QUOTE, 9_000 * USDC), margin_call(debtor, debtor)
    )
    assert desk.header(debtor).clock_start == 0


def test_t14_a_called_borrower_pays_no_bounty_that_he_has_not(desk, debtor, partner):
    """All he holds is WETH: the bounty is of what he holds of the quote asset, and never below MM."""
    desk.post({1: 2_700 * PRICE})
    found = desk.assess(debtor)
    assert found.mm < found.equity < desk.call_margin(debtor)
    before = desk.held(partner)
    desk.act(partner, margin_call(partner, debtor))
    assert desk.held(partner) == before
    assert desk.header(debtor).call_deadline > 0
    assert desk.assess(debtor).equity == found.equity
