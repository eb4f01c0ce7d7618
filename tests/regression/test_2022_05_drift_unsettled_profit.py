"""May 2022, Drift v1: about 10 million dollars, as LUNA fell.

Profits could be withdrawn as soon as they were there, losses only when the losers were liquidated. Shorts of LUNA
took their gains out of the vault in which everybody's collateral lay, while the longs' losses were still to come, and
never came.

Property: profit is paid from the pool's cash, which losers fill first and which never goes below zero. Withdrawals of
all winners together, in any order, stay within that cash and what losers have paid in; insurance and others' balances
pay none.
"""

from __future__ import annotations

from itertools import permutations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, Desk, expect

from plimsoll.actions import settle, trade_perp, withdraw

CASH = 5_000
WON = 10 * 600 * WAD  # of each winner, at +20 %, costs aside


@pytest.fixture
def fall():
    """Three shorts, three longs of 10 ETH each; ETH −20 %: 18,000 to pay, a pool of 5,000, a bystander with 50,000."""
    desk = Desk.create(liquidity=CASH, insurance=1_000)
    desk.set_trade(ETH, move=1, gap=1)
    bystander = desk.trader("bystander", 50_000)
    winners = [desk.trader(f"winner {n}", 10_000) for n in range(3)]
    losers = [desk.trader(f"loser {n}", 10_000) for n in range(3)]
    for short, long in zip(winners, losers, strict=True):
        desk.trade(short, ETH, -10 * SIZE)
        desk.trade(long, ETH, 10 * SIZE)
    desk.post({1: 2_400 * PRICE})
    return desk, winners, losers, bystander


def run_for_the_door(desk, account):
    """Settles, closes, and takes out all that is held. @return units"""
    desk.act(account, settle(ETH, [account]))
    size, _ = desk.position(account, ETH)
    if size:
        desk.act(account, trade_perp(account, ETH, -size), reducing=True)
    held = desk.held(account)
    with expect("InsufficientBalance", account, QUOTE, held, held + 1):
        desk.act(account, withdraw(account, QUOTE, held + 1, desk.owner(account)))
    desk.act(account, withdraw(account, QUOTE, held, desk.owner(account)))
    return held


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_run_of_winners_is_paid_from_the_pool_s_cash_alone(fall, order):
    desk, winners, losers, bystander = fall
    insurance, theirs = desk.held(desk.insurance), sum(map(desk.held, losers))
    paid = sum(run_for_the_door(desk, winners[n]) for n in order) - 3 * 10_000 * USDC
    assert 0 < paid <= CASH * USDC
    assert desk.held(desk.pool_account) == 0
    assert (desk.held(desk.insurance), sum(map(desk.held, losers))) == (insurance, theirs)
    # Drift would have paid all of it: the difference out of what the losers and the bystander had there.
    assert 3 * WON - paid * 10**12 > 12_000 * WAD
    desk.act(bystander, withdraw(bystander, QUOTE, 50_000 * USDC, desk.owner(bystander)))


def test_what_is_left_is_a_claim_and_is_paid_when_losers_pay(fall):
    desk, winners, losers, _ = fall
    whole = desk.total_equity()
    for account in winners:
        desk.act(account, settle(ETH, [account]))
    assert desk.held(desk.pool_account) == 0
    assert desk.total_equity() == whole
    desk.act(winners[0], settle(ETH, [*winners, *losers]))
    assert all(desk.assess(account).equity - desk.held(account) * 10**12 < 10**12 for account in winners)
    assert desk.held(desk.pool_account) > 0
    assert desk.total_equity() == whole
