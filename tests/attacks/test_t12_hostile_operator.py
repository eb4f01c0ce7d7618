"""T-12: an operator within all his limits trades against himself 5 % off the market, swaps through his own pool, or
churns fees.

He never calls and never moves funds; he trades against the pool at index, so what he can cost is premium, spread and
fee; and
that is bounded per notional traded and per day. On 1M a trade at 5 % off would be 50k a trade.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, call, lend, recall, repay, trade_perp, transfer, withdraw

MILLION = 1_000_000
PPM = 2_000
DAILY = 3_000


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 5 * MILLION)


@pytest.fixture
def oscar(desk, alice):
    operator = desk.actor("oscar")
    limits = (1, 100 * MILLION, 1_000, False, 2**32 - 1, PPM, DAILY)
    desk.engine.write("setOperator", alice, operator, limits, sender=desk.owner(alice))
    return operator


def churn(desk, alice, oscar, *, most=100):
    """Back and forth with 100 ETH until he is stopped."""
    rounds = 0
    with expect("OperatorLimitExceeded") as stopped:
        for _ in range(most):
            desk.execute(oscar, trade_perp(alice, ETH, 100 * SIZE))
            desk.execute(oscar, trade_perp(alice, ETH, -100 * SIZE))
            rounds += 1
    return rounds, stopped.value.values


def test_t12_churning_ends_at_the_daily_cost(desk, alice, oscar):
    before = desk.assess(alice).equity
    rounds, (_, _, limit, spent, maximum) = churn(desk, alice, oscar)
    lost = before - desk.assess(alice).equity
    assert limit.rstrip(b"\0") == b"maxCostDaily"
    assert maximum == DAILY * WAD < spent
    assert 0 < lost <= DAILY * WAD
    # Of about 490 each: without the limit a hundred of them take 49k from alice, to the pool he may own
    assert rounds == 6
    assert 100 * lost // rounds > 45_000 * WAD


def test_t12_trading_against_his_own_account_around_it(desk, alice, oscar):
    """He buys ahead, lets alice buy, sells: the premium is linear, so what he gains of hers is Δ·p·skew/scale, less
    his own costs."""
    own = desk.trader("oscar", 5 * MILLION)
    start, before = desk.assess(own).equity, desk.assess(alice).equity
    desk.trade(own, ETH, 700 * SIZE)
    desk.execute(oscar, trade_perp(alice, ETH, 300 * SIZE))
    desk.trade(own, ETH, -700 * SIZE)
    lost = before - desk.assess(alice).equity
    assert lost <= 300 * 3_000 * WAD * PPM // MILLION
    profit = desk.assess(own).equity - start
    assert profit < 0
    # The gain alone: 700 ETH of premium moved by 300 of 1,000,000.
    gain = 700 * 300 * 3_000 * WAD // MILLION
    assert gain == 630 * WAD
    # 5 % off, without a band: 50k on each million.
    assert 300 * 3_000 * 5 // 100 == 45_000


@pytest.mark.parametrize("ahead", [1_500, 2_400])
def test_t12_the_bound_per_notional_bites_where_he_has_moved_the_premium(desk, alice, oscar, ahead):
    """At a skew of 1,500 the premium alone is 15 bp, with spread and fee 26: over his 20."""
    own = desk.trader("oscar", 5 * MILLION)
    desk.trade(own, ETH, ahead * SIZE)
    size = 80 * SIZE
    cost = desk.fill(ETH, size).cost - size * 3_000 * PRICE
    most = 240_000 * WAD * PPM // MILLION
    with expect("OperatorLimitExceeded", alice, oscar, b"maxCostPpm".ljust(32, b"\0"), cost, most):
        desk.execute(oscar, trade_perp(alice, ETH, size))


@pytest.mark.parametrize("kind", ["call", "withdraw", "transfer"])
def test_t12_he_never_calls_nor_moves_funds(desk, alice, oscar, put, kind):
    exchange = put(desk, "MockExchange")
    mine = desk.trader("oscar", 1)
    action = {
        "call": call(alice, QUOTE, USDC, WETH, 0, exchange.address, b""),
        "withdraw": withdraw(alice, QUOTE, USDC, oscar),
        "transfer": transfer(alice, mine, QUOTE, USDC),
    }[kind]
    with expect("NotAuthorized", alice, oscar):
        desk.execute(oscar, action)


@pytest.mark.parametrize("action", [borrow, lend, repay, recall])
def test_t12_nor_does_he_borrow_or_lend(desk, alice, oscar, action):
    """A loan would be his leverage and the owner's interest; lending, the owner's wait for an exit."""
    desk.lender("lender", WETH, 1_000 * WAD)
    desk.act(alice, borrow(alice, WETH, WAD), lend(alice, QUOTE, USDC))
    for asset in (QUOTE, WETH):
        with expect("NotAuthorized", alice, oscar):
            desk.execute(oscar, action(alice, asset, 1_000))


def test_t12_what_he_trades_on_a_loan_of_the_owner_s_is_bounded_as_before(desk, alice, oscar):
    """The owner has borrowed; he churns, and stops at the same 3,000 a day, which the loan has not widened."""
    desk.lender("lender", WETH, 1_000 * WAD)
    desk.act(alice, borrow(alice, WETH, 500 * WAD))
    before = desk.assess(alice).equity
    rounds, (_, _, limit, _, maximum) = churn(desk, alice, oscar)
    assert (rounds, limit.rstrip(b"\0"), maximum) == (6, b"maxCostDaily", DAILY * WAD)
    assert before - desk.assess(alice).equity <= DAILY * WAD
