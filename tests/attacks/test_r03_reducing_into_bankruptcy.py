"""R-3: an account that has next to nothing left "reduces", and what that costs beyond zero is paid by insurance.

A reducing fill frees more margin than it costs (T-13), so the rule on equity − IM and equity − MM lets it pass. But
an account with 1,000 left and a position of 6.7 million pays 13,900 of premium, spread and fee out of somebody else's
pocket: the premium goes to the owner's own account on the other side, spread and fee to the pool, of which he may own
most. Nobody may now reduce at a cost to an equity that ends below zero.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, expect

from plimsoll.actions import deposit, liquidate, trade_perp

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
