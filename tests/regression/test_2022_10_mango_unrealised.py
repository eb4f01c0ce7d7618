"""11 October 2022, Mango Markets: 114 to 117 million dollars, all that the depositors had.

Two accounts of one man traded MNGO's perp with each other, he bought up the thin spot market, and the unrealised
profit of the long counted as collateral in full: against it he borrowed every other deposit. The losing account was
left empty.

Property: profit on paper leaves no account beyond max(IM, 10 % of notional), where IM grows with that profit; it is
paid from the pool's own cash or not at all; open interest is capped; what others deposited or lent is out of its
reach.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, SOL, USDC, WAD, expect
from lenders import lender

from plimsoll.actions import borrow, settle, withdraw

MILLION = 1_000_000


def pair(desk, market, size, margin):
    """A long and a short of one owner, each the other's whole counterparty."""
    long, short = desk.trader("mango", margin), desk.trader("mango", margin, index=1)
    desk.trade(long, market, size)
    desk.trade(short, market, -size)
    return long, short


@pytest.mark.parametrize(("percent", "settled"), [(5, False), (5, True), (90, False), (90, True)])
def test_paper_profit_supports_no_withdrawal_beyond_the_margin(desk, percent, settled):
    """To the unit. Unrealised, a tenth of the profit is itself required; realised it is cash, and notional counts."""
    long, _ = pair(desk, ETH, 1_000 * SIZE, 2_000_000)
    desk.post({1: 3_000 * PRICE * (100 + percent) // 100})
    if settled:
        desk.act(long, settle(ETH, [long]))
    found = desk.assess(long)
    profit = max(found.equity - desk.held(long) * 10**12, 0)
    required = max(found.im, found.notional // 10)
    assert found.im - found.im0 == -(-profit // 10)
    most = min((found.equity - required) // 10**12, desk.held(long))
    if most == desk.held(long):
        with expect("InsufficientBalance", long, QUOTE, most, most + 1):
            desk.act(long, withdraw(long, QUOTE, most + 1, desk.owner(long)))
    else:
        with expect("BelowInitialMargin", long, found.equity - (most + 1) * 10**12, required):
            desk.act(long, withdraw(long, QUOTE, most + 1, desk.owner(long)))
    desk.act(long, withdraw(long, QUOTE, most, desk.owner(long)))
    after = desk.assess(long)
    assert after.equity >= max(after.im, after.notional // 10)


def test_the_pump_reaches_nobody_s_deposits(desk):
    """SOL five times up between two prices, no keeper in time, everything settled and taken out that goes."""
    bystander = desk.trader("bystander", 30 * MILLION)
    saver = lender(desk, "saver", QUOTE, 20 * MILLION * USDC)
    desk.vault(QUOTE).write("deposit", 20 * MILLION * USDC, saver, sender=saver)
    long, short = pair(desk, SOL, 40_000 * SIZE, MILLION)
    pool, insurance = desk.held(desk.pool_account), desk.held(desk.insurance)
    desk.post({3: 750 * PRICE})
    on_paper = desk.assess(long).equity
    desk.act(long, settle(SOL, [long, short]))
    found = desk.assess(long)
    most = min((found.equity - max(found.im, found.notional // 10)) // 10**12, desk.held(long))
    desk.act(long, withdraw(long, QUOTE, most, desk.owner(long)))

    assert most <= pool + 2 * MILLION * USDC
    assert desk.held(desk.pool_account) >= 0
    assert desk.held(desk.insurance) == insurance
    desk.act(bystander, withdraw(bystander, QUOTE, 30 * MILLION * USDC, desk.owner(bystander)))
    vault = desk.vault(QUOTE)
    desk.calm()  # lenders wait for losses to show themselves, and then, like the bystander, for the brake
    vault.write("redeem", vault.read("balanceOf", saver), saver, saver, sender=saver)
    while vault.read("queued"):
        desk.chain.advance(3_600)
        vault.write("process", 10, sender=saver)
    assert desk.token(QUOTE).read("balanceOf", desk.owner(bystander)) == 30 * MILLION * USDC
    assert desk.token(QUOTE).read("balanceOf", saver) == 20 * MILLION * USDC
    # Mango lent against all of it: IM₀ aside, what the account showed, more than LPs and insurance had together.
    assert on_paper - desk.assess(long).im0 > 20 * MILLION * WAD > (pool + insurance) * 10**12


def test_nobody_lends_on_what_the_pump_shows(desk):
    """Mango's own step: the other depositors' money borrowed against a long five times up, before anything is settled.
    The long is worth 24 millions on paper; what it can draw is its own million, less the floor."""
    saver = lender(desk, "saver", QUOTE, 20 * MILLION * USDC)
    desk.vault(QUOTE).write("deposit", 20 * MILLION * USDC, saver, sender=saver)
    long, _ = pair(desk, SOL, 40_000 * SIZE, MILLION)
    desk.post({3: 750 * PRICE})
    found, held = desk.assess(long), desk.held(long)
    assert found.equity > 20 * MILLION * WAD
    for loan in (MILLION, 5 * MILLION, 20 * MILLION):
        with expect("BelowInitialMargin"):
            desk.act(
                long,
                borrow(long, QUOTE, loan * USDC),
                withdraw(long, QUOTE, held + loan * USDC, desk.owner(long)),
            )
    assert desk.loans(QUOTE).cash == 20 * MILLION * USDC


def test_open_interest_is_capped_however_the_sides_match(desk):
    """The cap is a market's own, to be set by what its outside market can absorb."""
    cap = 50_000 * SIZE
    desk.set_trade(SOL, max_skew=25_000 * SIZE, max_oi=cap)
    long, short = pair(desk, SOL, 25_000 * SIZE, MILLION)
    for account, size in ((long, 1), (short, -1)):
        with expect("OpenInterestCapExceeded", SOL, cap + 1, cap):
            desk.trade(account, SOL, size)
