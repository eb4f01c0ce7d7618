"""15 February 2020, bZx: 1,193 ETH, about 318,000 dollars.

A short of ETH at five times leverage bought WBTC with borrowed money on a thin market, at three times its price. A
branch of the code left out the check that came after the trade, so the position was opened with less than nothing in
it; the attacker sold the WBTC that he had elsewhere into the price that he had made.

Property: the check comes after everything, on the state that the batch leaves, the cost of its own trades and swaps
included. No order of actions, and nothing done after the trade, takes an account out of it.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import call, deposit, liquidate, margin_call, settle, trade_perp, transfer

BIG = 2_000 * SIZE


@pytest.fixture
def barely(desk):
    """Enough margin for 2,000 ETH at the index, not at the price that 2,000 ETH are filled at."""
    worth, fill = BIG * desk.prices[1], desk.fill(ETH, BIG)
    im = 5_000_000 * WAD * 5 // 100 + (worth - 5_000_000 * WAD) * 7 // 100
    account = desk.trader("trader", im // WAD + 1_000)
    slippage = fill.cost - worth
    assert slippage > 5_000 * WAD
    return account, im, slippage


def test_a_trade_pays_for_its_own_slippage_before_it_is_checked(desk, barely):
    account, im, slippage = barely
    with expect("BelowInitialMargin", account, im + 1_000 * WAD - slippage, im):
        desk.trade(account, ETH, BIG)
    assert desk.position(account, ETH) == (0, 0)
    # Checked at the index, or not at all, it would have stood: with so much less than its margin.
    assert slippage - 1_000 * WAD > 9_000 * WAD


AFTERWARDS = {
    "deposit": lambda desk, a, b: deposit(a, QUOTE, 1),
    "settle": lambda desk, a, b: settle(ETH, [a]),
    "transfer_in": lambda desk, a, b: transfer(b, a, QUOTE, 1),
    "margin_call": lambda desk, a, b: margin_call(a, b, skip=True),
    "liquidate": lambda desk, a, b: liquidate(a, b, skip=True),
    "reduce": lambda desk, a, b: trade_perp(a, ETH, -SIZE // 100),
    "other_account": lambda desk, a, b: trade_perp(b, ETH, SIZE),
}


@pytest.mark.parametrize("after", AFTERWARDS)
def test_nothing_done_after_the_trade_skips_the_check(desk, barely, after):
    account, _, _ = barely
    other = desk.trader("trader", 50_000, index=1)
    if after == "margin_call":
        desk.trade(other, ETH, SIZE)
    desk.mint(desk.owner(account), QUOTE, 1)
    with expect("BelowInitialMargin") as caught:
        desk.act(account, trade_perp(account, ETH, BIG), AFTERWARDS[after](desk, account, other))
    assert caught.value.values[0] == account


def test_a_swap_at_a_third_of_the_price_is_checked_for_what_it_brought(desk, put):
    """bZx's own case: 5x, bought at three times the price. The swap is allowed any result, its account is not."""
    exchange = put(desk, "MockExchange")
    usd, eth = desk.token(QUOTE).address, desk.token(WETH).address
    desk.token(WETH).write("mint", exchange.address, 10**24, sender=desk.admin)
    exchange.write("setPrice", usd, eth, 10**18, 9_000 * USDC, sender=desk.admin)
    account = desk.trader("trader", 100_000)
    desk.trade(account, ETH, -150 * SIZE)  # 450,000 of notional
    before = desk.assess(account)
    spent = 90_000 * USDC
    swap = call(account, QUOTE, spent, WETH, 0, exchange.address, exchange.encode("swap", usd, eth, spent))
    worth = spent * WAD // USDC // 3
    after = before.equity - 90_000 * WAD + worth
    with expect("BelowInitialMargin", account, after, max(before.im0 + worth // 5, before.notional // 10)):
        desk.act(account, swap)
    assert desk.held(account, WETH) == 0
