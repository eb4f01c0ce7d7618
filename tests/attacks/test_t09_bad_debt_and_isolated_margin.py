"""T-9: another market's bad debt reaches isolated margin because the cash behind it was lent: 15 % of margin.

Held balances are never lent. With every lent token borrowed and the borrower bankrupt, those who hold the asset are
paid in full, to the unit, and only those who chose to lend it lose.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH

from plimsoll.actions import borrow, liquidate, trade_perp, withdraw


@pytest.fixture
def bust(desk):
    """A million lent, all of it borrowed against 420 WETH, and gone."""
    lender = desk.lender("lender", QUOTE, 1_000_000 * USDC)
    borrower = desk.trader("borrower")
    desk.fund(borrower, WETH, 420 * WAD)
    owner = desk.owner(borrower)
    desk.act(borrower, borrow(borrower, QUOTE, 1_000_000 * USDC), withdraw(borrower, QUOTE, 1_000_000 * USDC, owner))
    return desk, lender, borrower


def test_t9_at_full_utilisation_what_is_held_leaves_in_full(bust):
    """Isolated, cross, the pool's and insurance's: all of it, while the lenders' cash is zero."""
    desk, _, _ = bust
    isolated, cross = desk.trader("iris", 10_000, market=ETH), desk.trader("carl", 50_000)
    assert desk.loans(QUOTE).cash == 0
    desk.act(isolated, trade_perp(isolated, ETH, 10 * SIZE), trade_perp(isolated, ETH, -10 * SIZE))
    for account in (isolated, cross):
        held, owner = desk.held(account), desk.owner(account)
        desk.act(account, withdraw(account, QUOTE, held, owner))
        assert desk.token(QUOTE).read("balanceOf", owner) == held
    cash = desk.vault(QUOTE).read("balance")
    assert cash >= desk.engine.read("totals", QUOTE)[0] >= desk.held(desk.pool_account) + desk.held(desk.insurance)


def test_t9_interest_on_borrowed_money_takes_nothing_from_held_balances(bust):
    """Ten years of it, at rates that adapt to full utilisation."""
    desk, lender, _ = bust
    holder = desk.trader("carl", 50_000)
    for _ in range(10):
        desk.chain.advance(365 * 86_400)
        desk.engine.write("collectReserve", QUOTE, sender=desk.admin)
    assert desk.lent(lender, QUOTE) > 10**7 * USDC
    owner = desk.owner(holder)
    desk.act(holder, withdraw(holder, QUOTE, 50_000 * USDC, owner))
    assert desk.token(QUOTE).read("balanceOf", owner) == 50_000 * USDC
    assert desk.vault(QUOTE).read("balance") >= desk.engine.read("totals", QUOTE)[0]


def test_t9_a_loan_s_loss_is_its_lenders_and_nobody_else_s(bust):
    """WETH at 2,000: 160,000 are missing. Insurance pays its cap, the lenders the rest; each held unit is there."""
    desk, lender, borrower = bust
    isolated, cross = desk.trader("iris", 10_000, market=ETH), desk.trader("carl", 50_000)
    keeper = desk.trader("keeper", 100)
    desk.fund(keeper, WETH, 1_000 * WAD)
    desk.post({1: 2_000 * PRICE})
    insurance, pool = desk.held(desk.insurance), desk.held(desk.pool_account)
    desk.act(keeper, liquidate(keeper, borrower))
    lost = 1_000_000 * USDC - desk.lent(lender, QUOTE)
    assert lost > 160_000 * USDC - (insurance - desk.held(desk.insurance)) - 1_000 * USDC
    assert desk.held(desk.pool_account) == pool
    for account, held in ((isolated, 10_000 * USDC), (cross, 50_000 * USDC)):
        owner = desk.owner(account)
        desk.act(account, withdraw(account, QUOTE, held, owner))
        assert desk.token(QUOTE).read("balanceOf", owner) == held
    assert 0 <= desk.surplus(QUOTE) <= 10


def test_t9_without_the_rule(bust):
    """Were one balance sheet to back everyone, all claims would share the loan's loss: what each would get of 100."""
    desk, _, _ = bust
    desk.trader("iris", 10_000, market=ETH)
    held, _ = desk.engine.read("totals", QUOTE)
    claims = held + desk.loans(QUOTE).lent
    assert 100 * held // claims < 96  # the million is gone from the common pot
    assert desk.vault(QUOTE).read("balance") == held
