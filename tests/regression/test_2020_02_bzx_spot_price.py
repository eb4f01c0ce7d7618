"""18 February 2020, bZx, the second time: 2,388 ETH, about 636,000 dollars.

With a flash loan the attacker bought sUSD on a thin exchange until it stood at two dollars, deposited the sUSD at that
price and borrowed ETH against it: collateral was priced by asking an exchange what it costs now. DEUS, UwU Lend,
Polter and Atomic were lost to the same question (rows 7, 15, 16 and 64c of the table).

Property: a swap of any size, in the transaction or before it, moves no value of any account: nothing here asks an
exchange for a price. The exchange is the real Uniswap v3, through which accounts do trade.
"""

from __future__ import annotations

import pytest
from desk import PRICE, QUOTE, USDC, WAD, WETH, Desk, expect

from plimsoll.actions import borrow, liquidate, withdraw

MILLION = 1_000_000
COLLATERAL = 100 * WAD  # 300,000 at the index; 240,000 may leave


@pytest.fixture
def desk():
    desk = Desk.create(exchange=True)
    desk.lender("lender", QUOTE, MILLION * USDC)
    return desk


@pytest.fixture
def mallory(desk):
    account = desk.trader("mallory")
    desk.fund(account, WETH, COLLATERAL)
    return account


def push(desk, times):
    """Moves the pool to `times` the index with somebody's flash money; returns the price it has then."""
    whale, pool = desk.actor("whale"), desk.exchange.pool(WETH, QUOTE)
    desk.mint(whale, QUOTE, 10**10 * USDC)
    desk.mint(whale, WETH, 10**7 * WAD)
    desk.exchange.move_to(pool, int(times * 3_000 * PRICE), sender=whale)
    (state,) = desk.exchange.states([pool])
    assert state.price == pytest.approx(times * 3_000 * PRICE, rel=1e-6)
    return state.price


def out(desk, account, amount):
    return borrow(account, QUOTE, amount), withdraw(account, QUOTE, amount, desk.owner(account))


@pytest.mark.parametrize("times", [1.5, 2, 10, 30])
def test_a_pumped_pool_lends_nothing_more(desk, mallory, times):
    """Before the push and after it the same is refused, by the same figures; and the same is granted."""
    for _ in range(2):
        with expect("BelowInitialMargin") as caught:
            desk.act(mallory, *out(desk, mallory, 240_001 * USDC))
        account, equity, required = caught.value.values
        assert (account, required) == (mallory, 60_000 * WAD)
        assert equity == pytest.approx(59_999 * WAD, abs=2 * 10**12)
        push(desk, times)
    desk.act(mallory, *out(desk, mallory, 239_999 * USDC))


@pytest.mark.parametrize("times", [0.2, 0.5, 0.9, 1.1, 3])
def test_nothing_that_anybody_has_moves_with_the_pool(desk, mallory, times):
    desk.act(mallory, *out(desk, mallory, 200_000 * USDC))
    lender = desk.account(desk.actor("lender"))
    seen = [desk.assess(one) for one in (mallory, lender)], desk.pool_equity(), desk.total_equity()
    push(desk, times)
    assert ([desk.assess(one) for one in (mallory, lender)], desk.pool_equity(), desk.total_equity()) == seen


@pytest.mark.parametrize("times", [0.1, 0.5, 0.7])
def test_nobody_is_liquidated_at_a_pool_s_price(desk, mallory, times):
    desk.act(mallory, *out(desk, mallory, 239_000 * USDC))
    keeper = desk.trader("keeper", MILLION)
    price = push(desk, times)
    found = desk.assess(mallory)
    with expect("AccountHealthy", mallory, found.equity, found.mm):
        desk.act(keeper, liquidate(keeper, mallory))
    # At the pool's price all of the collateral would have gone for the debt.
    assert 100 * price // PRICE < 239_000


@pytest.mark.parametrize("last", ["loan", "swap"])
def test_the_attack_in_one_batch(desk, last):
    """Her own Call moves the pool, and she borrows against what it bought: judged at the end, at the index."""
    desk.lender("big lender", QUOTE, 20 * MILLION * USDC)
    account, spent = desk.trader("mallory", 6 * MILLION), 6 * MILLION * USDC
    route = desk.exchange.routes(QUOTE, WETH)[0]
    quote = desk.exchange.best_in(QUOTE, spent, WETH)
    index, pool = (quote.amount_out * price * 8 // (10 * WAD) for price in (3_000, quote.after[0] // PRICE))
    assert quote.route == route
    assert pool > 11 * index // 10  # what the pool would have lent, and what the index does
    buy = desk.exchange.sell_action(account, QUOTE, spent, WETH, quote.amount_out, route=route)
    for amount, granted in (((index + pool) // 2, False), (index - 1, True)):
        loan = out(desk, account, amount * USDC)
        batch = [buy, *loan] if last == "loan" else [*loan, buy]
        if granted:
            desk.act(account, *batch)
            continue
        with expect("BelowInitialMargin") as caught:
            desk.act(account, *batch)
        assert caught.value.values[0] == account
        assert (desk.held(account), desk.held(account, WETH), desk.debt(account, QUOTE)) == (spent, 0, 0)
    # The granted loan and what she bought are worth less together than what she came with.
    assert (index - 1) * WAD + desk.assess(account).equity < 6 * MILLION * WAD


def test_what_the_pool_s_price_would_have_lent(desk, mallory):
    """At twice the index: 480,000 for 300,000 of collateral, and the pool falls back by itself."""
    price = push(desk, 2)
    lent = 100 * price * 8 // (10 * PRICE)
    assert lent - 300_000 > 170_000
    with expect("BelowInitialMargin"):
        desk.act(mallory, *out(desk, mallory, lent * USDC))
