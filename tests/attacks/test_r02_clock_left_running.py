"""Review 2: a clock that was started and forgotten.

The bonus grows with the clock, to all of MM within the ramp. Anyone may start the clock of an account that
dips below MM, at no cost: a `Liquidate` that skips (minBonus out of reach) or a smallest slice. It stops at
target, but when the account got there by price or deposit nobody could say so, not even its owner:
`MarginCall` spoke of calls only. At the next dip, however small and however much later, its whole MM was the
bonus. `MarginCall` now stops the clock, too, of an account that is back at IM₀.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, deposit, liquidate, margin_call, repay, withdraw

RECOVERED = 3_300 * PRICE


@pytest.fixture
def taker(desk):
    return desk.trader("taker", 1_000_000)


@pytest.fixture
def victim(desk, taker):
    """Below MM for one price, in which the taker starts the clock and takes nothing."""
    account = desk.trader("victim", 20_000)
    desk.trade(account, ETH, 100 * SIZE)
    desk.post({1: desk.price_for(account, ETH, desk.assess(account).mm * 90 // 100)})
    desk.act(taker, liquidate(taker, account, WAD, 2**255, skip=True))
    assert desk.header(account).clock_start == desk.now
    return account


def next_dip(desk, victim, taker):
    """An hour later it is at 90 % of MM again: what its taker gains."""
    desk.chain.advance(3_600)
    desk.post({1: RECOVERED})
    desk.post({1: desk.price_for(victim, ETH, 6_500 * WAD)})
    found = desk.assess(victim)
    assert found.mm * 9 // 10 < found.equity < found.mm
    before = desk.assess(taker).equity
    desk.act(taker, liquidate(taker, victim))
    return desk.assess(taker).equity - before


def test_r02_without_a_word_the_clock_runs_on(desk, victim, taker):
    """Design, T-14: the chain cannot know that the price was back. Nearly all of MM is the price of silence."""
    desk.post({1: RECOVERED})
    assert next_dip(desk, victim, taker) > 5_000 * WAD


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_r02_anyone_stops_it_at_im0(desk, victim, taker, who):
    desk.post({1: RECOVERED})
    speaker = victim if who == "owner" else desk.trader("friend", 1)
    receipt = desk.act(speaker, margin_call(speaker, victim))
    assert desk.header(victim).clock_start == 0
    (stopped,) = desk.events(receipt, "LiquidationClock")
    assert stopped.args == {"account": victim, "startedAt": 0}
    assert next_dip(desk, victim, taker) < 500 * WAD


def test_r02_a_deposit_and_a_word(desk, victim):
    desk.mint(desk.owner(victim), QUOTE, 20_000 * USDC)
    desk.act(victim, deposit(victim, QUOTE, 20_000 * USDC), margin_call(victim, victim))
    assert desk.header(victim).clock_start == 0


def test_r02_not_below_im0(desk, victim, taker):
    """Between call margin and IM₀ it runs on (T-14); its owner is told, a stranger that there is nothing to call."""
    started = desk.header(victim).clock_start
    found = desk.assess(victim)
    level = (desk.call_margin(victim) + found.im0) // 2
    desk.fund(victim, QUOTE, (level - found.equity) // 10**12)
    with expect("AccountCalled", victim, 0):
        desk.act(victim, margin_call(victim, victim))
    with expect("AccountHealthy"):
        desk.act(taker, margin_call(taker, victim))
    desk.act(taker, margin_call(taker, victim, skip=True))
    assert desk.header(victim).clock_start == started


def test_r02_a_call_is_still_a_call(desk, victim, taker):
    """Below the call margin a running clock changes nothing."""
    started = desk.header(victim).clock_start
    desk.act(taker, margin_call(taker, victim))
    header = desk.header(victim)
    assert (header.clock_start, header.call_deadline) == (started, desk.now + 3_600)


# ---------------------------------------------------------------- of a borrower


@pytest.fixture
def debtor(desk, taker):
    """10 WETH against 23,990 that have left; below MM for one price, in which the taker starts the clock."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account = desk.trader("debtor")
    desk.fund(account, WETH, 10 * WAD)
    loan = 23_990 * USDC
    desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, loan, desk.owner(account)))
    desk.post({1: 2_600 * PRICE})
    desk.act(taker, liquidate(taker, account, WAD, 2**255, skip=True))
    assert desk.header(account).clock_start == desk.now
    return account


def test_r02_a_borrower_s_clock_is_stopped_by_anyone_at_im0(desk, debtor, taker):
    """After 3,600 s the bonus would be all of MM but insurance's part; a word, and it is what a fresh dip costs."""
    desk.post({1: 3_300 * PRICE}, seconds=3_600)
    point = desk.chain.snapshot()
    desk.post({1: 2_640 * PRICE})
    forgotten = desk.slice(debtor).bonus
    desk.chain.revert(point)
    desk.act(taker, margin_call(taker, debtor))
    assert desk.header(debtor).clock_start == 0
    desk.post({1: 2_640 * PRICE})
    found = desk.assess(debtor)
    desk.act(taker, liquidate(taker, debtor, WAD, 2**255, skip=True))
    assert found.equity < found.mm
    assert desk.slice(debtor).bonus < forgotten // 5


def test_r02_repaying_everything_stops_it_too(desk, debtor):
    """No debt, no exposure: the next check of the account clears it."""
    owner = desk.owner(debtor)
    desk.mint(owner, QUOTE, 25_000 * USDC)
    desk.act(debtor, deposit(debtor, QUOTE, 25_000 * USDC), repay(debtor, QUOTE), withdraw(debtor, WETH, 1, owner))
    assert desk.header(debtor).clock_start == 0
