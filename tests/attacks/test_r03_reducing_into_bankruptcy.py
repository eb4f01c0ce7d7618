"""R-3: an account that has next to nothing left "reduces", and what that costs beyond zero is paid by insurance.

A reducing fill frees more margin than it costs (T-13), so the rule on equity − IM and equity − MM lets it pass. But
an account with 1,000 left and a position of 6.7 million pays 13,900 of premium, spread and fee out of somebody else's
pocket: the premium goes to the owner's own account on the other side, spread and fee to the pool, of which he may own
most. Nobody may now reduce at a cost to an equity that ends below zero.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, deposit, liquidate, repay, trade_perp, withdraw

MILLION = 1_000_000
SIZE_HELD = 2_400 * SIZE


@pytest.fixture
def own(desk):
    """Mallory's long, hedged by her short; and a third account that will take the premium."""
    long, short, third = (desk.trader(f"mallory{i}") for i in range(3))
    for account, quote in ((long, 450_000), (short, 2 * MILLION), (third, 2 * MILLION)):
        desk.fund(account, QUOTE, quote * USDC)
    desk.trade(long, ETH, SIZE_HELD)
    desk.trade(short, ETH, -SIZE_HELD)
    return long, short, third


def sink(desk, account, equity):
    desk.post({1: desk.price_for(account, ETH, equity * WAD)})


@pytest.mark.parametrize("equity", [1_000, 0, -1_000])
@pytest.mark.parametrize("parts", [1, 2, 10])
def test_r03_nobody_reduces_at_others_cost(desk, own, equity, parts):
    long, _, third = own
    sink(desk, long, equity)
    before = desk.assess(long).equity
    cost = desk.fill(ETH, -SIZE_HELD).cost + SIZE_HELD * desk.prices[1]
    assert cost > 13_000 * WAD
    with expect("NotReducing"):
        for _ in range(parts):
            desk.act(long, trade_perp(long, ETH, -SIZE_HELD // parts), reducing=True)
    assert desk.assess(long).equity >= min(before, 0)
    # Without it: insurance pays all 12,900, and her third account gains 4,000 of premium by buying what the first sold.
    insured = desk.held(desk.insurance)
    desk.act(third, liquidate(third, long))
    paid = insured - desk.held(desk.insurance)
    mm = desk.assess(third).mm
    assert paid * 10**12 <= max(0, -before) + mm * 500 // 10_000


def test_r03_at_ones_own_cost_anyone_may(desk, own):
    long, _, _ = own
    sink(desk, long, 20_000)
    desk.act(long, trade_perp(long, ETH, -SIZE_HELD), reducing=True)
    assert 0 < desk.assess(long).equity < 7_000 * WAD


def test_r03_a_deposit_pays_for_it_too(desk, own):
    long, _, _ = own
    sink(desk, long, -1_000)
    desk.mint(desk.owner(long), QUOTE, 20_000 * USDC)
    desk.act(long, deposit(long, QUOTE, 20_000 * USDC), trade_perp(long, ETH, -SIZE_HELD), reducing=True)
    assert desk.position(long, ETH)[0] == 0


def test_r03_a_bankrupt_account_reduces_where_that_pays(desk, own):
    """Against the skew the premium is the account's income."""
    long, short, _ = own
    desk.act(short, trade_perp(short, ETH, 2_300 * SIZE))
    sink(desk, long, -1_000)
    before = desk.assess(long).equity
    desk.act(long, trade_perp(long, ETH, -SIZE_HELD // 24), reducing=True)
    assert desk.assess(long).equity > before


# ---------------------------------------------------------------- with a debt


@pytest.mark.parametrize("equity", [1_000, 0, -1_000])
def test_r03_a_repayment_in_the_batch_pays_for_no_fill(desk, own, equity):
    """What is repaid costs nothing and saves nothing: the fill's cost still ends below zero, and is refused."""
    long, _, _ = own
    desk.lender("lender", QUOTE, MILLION * USDC)
    desk.act(long, borrow(long, QUOTE, 50_000 * USDC))
    sink(desk, long, equity)
    for repaid in (1_000, 40_000):
        with expect("NotReducing"):
            desk.act(long, repay(long, QUOTE, repaid * USDC), trade_perp(long, ETH, -SIZE_HELD), reducing=True)
    before = desk.assess(long).equity
    desk.act(long, repay(long, QUOTE, 40_000 * USDC), reducing=True)
    assert 0 <= before - desk.assess(long).equity <= 2 * 10**12


def test_r03_a_bankrupt_borrower_repays_what_he_holds(desk):
    """Never refused: it takes nothing from anybody but a unit of rounding, and the loss that remains is smaller."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    account = desk.trader("mallory", 5_000)
    desk.fund(account, WETH, 10 * WAD)
    loan = 28_000 * USDC
    desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, 26_000 * USDC, desk.owner(account)))
    desk.post({1: 1_000 * PRICE})
    before = desk.assess(account)
    assert before.equity < 0
    desk.act(account, repay(account, QUOTE, 7_000 * USDC), reducing=True)
    after = desk.assess(account)
    assert 0 <= before.equity - after.equity <= 2 * 10**12
    assert desk.debt(account, QUOTE) <= 21_000 * USDC + 100  # two seconds of interest
