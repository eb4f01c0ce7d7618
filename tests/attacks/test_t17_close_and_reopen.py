"""T-17: close and reopen turns unrealised profit into full-grade margin (10 bp); ten accounts evade the size tiers.

Both are so, and neither is what protects: the share of profit that counts is a speed bump. Allocation, the caps on
skew and open
interest, and the pool's cash bind a hundred accounts as they bind one.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, Desk, expect

from plimsoll.actions import borrow, settle, trade_perp, withdraw

MILLION = 1_000_000


def crowd_in(desk, accounts, step=25):
    """Opens long, in turn, until the market refuses; the total size and the refusal."""
    total = 0
    while True:
        for account in accounts:
            try:
                desk.trade(account, ETH, step * SIZE)
            except Exception as refused:
                return total, refused
            total += step


@pytest.mark.parametrize("count", [1, 10])
def test_t17_ten_accounts_pay_lower_tiers_and_meet_the_same_limit(desk, count):
    accounts = [desk.trader("mallory", 10 * MILLION // count, index=n) for n in range(count)]
    total, refused = crowd_in(desk, accounts)
    assert refused.name == "AllocationExceeded"
    assert 2_500 <= total <= 2_525  # 15 % of 10M at a 20 % move, whoever holds it
    mm = sum(desk.assess(account).mm for account in accounts)
    notional = total * 3_000 * WAD
    # One: 5M at 2.5 % and the rest at 3.5 %. Ten: all at 2.5 %.
    assert mm == (notional * 250 // 10_000 if count > 1 else (notional * 350 - 5 * MILLION * WAD * 100) // 10_000)


def test_t17_closing_and_reopening_frees_a_tenth_of_the_profit_for_its_cost(desk):
    """30,000 of profit on 100 ETH: IM falls by 3,000, less what two fills and the slightly smaller profit share
    cost."""
    account = desk.trader("mallory", 20_000)
    desk.trade(account, ETH, 100 * SIZE)
    desk.post({1: 3_300 * PRICE})
    before = desk.assess(account)
    profit = before.equity - 20_000 * WAD
    assert before.im - before.im0 == -(-profit // 10)
    desk.act(account, trade_perp(account, ETH, -100 * SIZE), trade_perp(account, ETH, 100 * SIZE))
    after = desk.assess(account)
    cost = before.equity - after.equity
    # 10 to 25 bp: what THREATS says, and the spread
    assert 10 * 330_000 * WAD // 10_000 < cost < 25 * 330_000 * WAD // 10_000
    freed = (after.equity - after.im) - (before.equity - before.im)
    assert freed == before.im - after.im - cost > 2_000 * WAD


def test_t17_settling_does_the_same_for_nothing_and_only_as_far_as_there_is_cash():
    """Full-grade margin is cash, and cash is the pool's to the last unit of it: what it has not got stays at a
    share."""
    desk = Desk.create(liquidity=100_000, insurance=100_000)
    account = desk.trader("mallory", 100_000)
    desk.trade(account, ETH, 20 * SIZE)
    desk.post({1: 12_000 * PRICE})  # 180,000 of profit on a pool of 100,000
    desk.act(account, settle(ETH, [account]))
    assert desk.held(desk.pool_account) == 0
    assert desk.held(account) == 200_000 * USDC
    found = desk.assess(account)
    rest = found.equity - 200_000 * WAD
    assert 79_000 * WAD < rest < 80_000 * WAD
    assert found.im - found.im0 == -(-rest // 10)
    with expect("InsufficientBalance", account, QUOTE, 200_000 * USDC, 200_000 * USDC + 1):
        desk.act(account, withdraw(account, QUOTE, 200_000 * USDC + 1, desk.owner(account)))


def test_t17_profit_does_not_buy_more_skew(desk):
    """Unrealised or turned into margin, 10M of it: the next order meets the allocation, which that profit has
    lowered."""
    account = desk.trader("mallory", 10 * MILLION)
    crowd_in(desk, [account], step=100)
    desk.post({1: 3_600 * PRICE})
    for _ in range(2):
        with expect("AllocationExceeded") as caught:
            desk.trade(account, ETH, SIZE)
        _, needed, available = caught.value.values
        assert needed > 3_600 * 2_500 * WAD // 5 > available
        desk.act(account, settle(ETH, [account]))


# ---------------------------------------------------------------- against loans


def most_out(desk, account):
    """The most that can be borrowed and taken out together, by the figures of the check."""
    found = desk.assess(account)
    return (found.equity - max(found.im, found.notional // 10)) // 10**12


def test_t17_a_loan_takes_out_no_more_of_a_profit_than_its_share(desk):
    """30,000 of profit: what may leave with a loan is what may leave without one, were the cash there."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    account = desk.trader("mallory", 20_000)
    desk.trade(account, ETH, 100 * SIZE)
    desk.post({1: 3_300 * PRICE})
    most, held, owner = most_out(desk, account), desk.held(account), desk.owner(account)
    loan = most - held
    assert loan < 0  # a tenth of the notional stays whatever the profit: nothing is lent that is not held
    with expect("BelowInitialMargin"):
        desk.act(account, borrow(account, QUOTE, USDC), withdraw(account, QUOTE, most + USDC, owner))
    desk.act(account, borrow(account, QUOTE, USDC), withdraw(account, QUOTE, most - 10, owner))


@pytest.mark.parametrize("count", [1, 10])
def test_t17_ten_accounts_borrow_by_one_velocity(desk, count):
    """Loans know no tiers to evade, and the hour is everybody's."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    desk.set_limits(QUOTE, borrow_cap=400_000 * USDC, borrow_velocity=2_500)
    got = 0
    for number in range(count):
        account = desk.trader("mallory", 0, index=number)
        desk.fund(account, WETH, 1_000 * 10**18 // count)
        part = 100_000 * USDC // count
        desk.act(account, borrow(account, QUOTE, part), withdraw(account, QUOTE, part, desk.owner(account)))
        got += part
    with expect("BorrowVelocityExceeded", QUOTE, got + USDC, 100_000 * USDC):
        desk.act(account, borrow(account, QUOTE, USDC))
