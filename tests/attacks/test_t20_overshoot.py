"""T-20: one unit too much in `Withdraw` opens a debt without anyone having asked for one.

What is not held cannot leave, by whichever action, however much is lent and however good the margin: only `Borrow`
opens a debt (decision 013).
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WBTC, WETH, expect

from plimsoll.actions import borrow, call, deposit, liquidate, repay, transfer, withdraw


@pytest.mark.parametrize("asset, amount", [(QUOTE, 1_000 * USDC), (WETH, 10**18), (WBTC, 10**8)])
@pytest.mark.parametrize("over", [1, 10**6, 2**127 - 1])
def test_t20_withdrawing_more_than_is_held(desk, asset, amount, over):
    account = desk.trader("alice")
    desk.fund(account, asset, amount)
    with expect("InsufficientBalance", account, asset, amount, amount + over):
        desk.act(account, withdraw(account, asset, amount + over, desk.owner(account)))
    assert desk.held(account, asset) == amount
    desk.act(account, withdraw(account, asset, amount, desk.owner(account)))
    assert desk.held(account, asset) == 0
    assert desk.header(account).assets == 0


def test_t20_nor_by_transfer_or_call_or_in_two_steps(desk, put):
    account, other = desk.trader("alice", 100), desk.trader("alice", 0, index=1)
    held = 100 * USDC
    exchange = put(desk, "MockExchange")
    with expect("InsufficientBalance", account, QUOTE, held, held + 1):
        desk.act(account, transfer(account, other, QUOTE, held + 1))
    with expect("InsufficientBalance", account, QUOTE, held, held + 1):
        desk.act(account, call(account, QUOTE, held + 1, WETH, 0, exchange.address, b""))
    with expect("InsufficientBalance", account, QUOTE, 0, 1):
        desk.act(account, withdraw(account, QUOTE, held, desk.owner(account)), transfer(account, other, QUOTE, 1))


def test_t20_the_only_passing_minus_is_a_liquidator_s_and_it_must_be_gone_at_the_end(desk):
    """He pays for a slice before he sells it. Left alone at −1 unit, the batch is refused, with the number."""
    target, taker = desk.trader("bob"), desk.trader("carol", 1)
    desk.fund(target, WETH, 10**18)
    desk.fund(target, QUOTE, USDC)
    desk.trade(target, ETH, 15 * SIZE)
    found = desk.assess(target)
    # Long 15 ETH against 1 ETH of collateral: both fall.
    price = desk.prices[1]
    while found.equity >= found.mm * 9 // 10:
        price -= 10**10
        desk.post({1: price})
        found = desk.assess(target)
    piece = desk.slice(target)
    owed = -(-piece.to_account // 10**12) - (-piece.to_insurance // 10**12)
    quote = desk.held(target) * piece.fraction // 10**18
    with expect("NegativeBalance", taker, QUOTE, USDC + quote - owed):
        desk.act(taker, liquidate(taker, target))
    desk.mint(desk.owner(taker), QUOTE, 10_000 * USDC)
    desk.act(taker, liquidate(taker, target), deposit(taker, QUOTE, 10_000 * USDC))
    assert desk.held(taker) == USDC + quote - owed + 10_000 * USDC


@pytest.mark.parametrize("over", [1, 10**6])
def test_t20_with_cash_to_borrow_and_margin_for_it(desk, put, over):
    """A million lent, ten WETH of margin: one unit too much is refused all the same, and leaves no debt."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account, other = desk.trader("alice", 100), desk.trader("alice", 0, index=1)
    desk.fund(account, WETH, 10 * 10**18)
    held, exchange = 100 * USDC, put(desk, "MockExchange")
    for action in (
        withdraw(account, QUOTE, held + over, desk.owner(account)),
        transfer(account, other, QUOTE, held + over),
        call(account, QUOTE, held + over, WETH, 0, exchange.address, b""),
    ):
        with expect("InsufficientBalance", account, QUOTE, held, held + over):
            desk.act(account, action)
    assert (desk.debt(account, QUOTE), desk.header(account).debts) == (0, 0)
    desk.act(account, borrow(account, QUOTE, over), withdraw(account, QUOTE, held + over, desk.owner(account)))
    assert desk.debt(account, QUOTE) >= over


def test_t20_repaying_too_much_lends_nothing(desk):
    """The other overshoot: a repayment is clipped to the debt."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    account = desk.trader("alice", 1_000)
    desk.fund(account, WETH, 10 * 10**18)
    desk.act(account, borrow(account, QUOTE, 100 * USDC))
    owed = desk.debt(account, QUOTE)
    desk.act(account, repay(account, QUOTE, 1_000 * USDC))
    assert desk.held(account) in (1_100 * USDC - owed, 1_100 * USDC - owed - 1)
    assert (desk.debt(account, QUOTE), desk.lent(account, QUOTE)) == (0, 0)
