"""T-16: a batch that borrows and repays 10M spends everyone's hourly limit; a window of liquidated notional is
filled with one's own.

Supply, skew, OI and borrow caps are levels, held against a batch's net change at its end, so one that goes in and out
spends nothing of them; the hour's borrowing is a net sum; and no amount of liquidation meets a brake.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, Desk, expect

from plimsoll.actions import borrow, deposit, liquidate, repay, trade_perp, withdraw

MILLION = 1_000_000


@pytest.mark.parametrize("times", [1, 20])
def test_t16_in_and_out_of_the_supply_cap_leaves_it_to_others(desk, times):
    """Ten million each time, in one batch, under a cap with room for ten."""
    amount = 10 * MILLION * USDC
    held = desk.engine.read("totals", QUOTE)[0]
    desk.set_asset(QUOTE, supply_cap=held + amount)
    mallory = desk.trader("mallory")
    desk.mint(desk.owner(mallory), QUOTE, amount)
    for _ in range(times):
        desk.act(mallory, deposit(mallory, QUOTE, amount), withdraw(mallory, QUOTE, amount, desk.owner(mallory)))
    alice = desk.trader("alice", 10 * MILLION)
    assert desk.held(alice) == amount
    with expect("SupplyCapExceeded", QUOTE, held + amount + 1, held + amount):
        desk.fund(desk.trader("bob"), QUOTE, 1)


def test_t16_in_and_out_of_open_interest_leaves_it_to_others():
    """The whole skew cap, opened and closed in a batch: costs him 22k, and nobody an inch of it."""
    desk = Desk.create(liquidity=30 * MILLION)
    mallory, alice = desk.trader("mallory", 5 * MILLION), desk.trader("alice", 5 * MILLION)
    size = 5_000 * SIZE
    before = desk.assess(mallory).equity
    desk.act(mallory, trade_perp(mallory, ETH, size), trade_perp(mallory, ETH, -size))
    assert before - desk.assess(mallory).equity > 20_000 * WAD
    assert desk.market_words(ETH).state.open_interest == 0
    desk.trade(alice, ETH, size)
    assert desk.market_words(ETH).state.skew == size


def test_t16_no_window_of_liquidated_notional_can_be_filled():
    """Nine tenths of all there is, in one batch and one block, with OI, skew, allocation and gap all at their
    limits."""
    desk = Desk.create(liquidity=30 * MILLION)
    people = [desk.trader(f"trader {n}", 40_000) for n in range(25)]
    for account in people:
        desk.trade(account, ETH, 190 * SIZE)
    state = desk.market_words(ETH).state
    desk.set_trade(ETH, max_oi=state.open_interest, max_skew=state.skew, allocation=1, move=10_000, gap=10_000)
    keeper = desk.trader("keeper", 10 * MILLION)
    with expect("SkewCapExceeded"):
        desk.trade(keeper, ETH, SIZE)
    desk.post({1: 2_840 * PRICE})
    # Caps and brakes full, prices 5 % down: all of them, and then close what was taken.
    actions = [liquidate(keeper, account, skip=True) for account in people]
    receipt = desk.act(keeper, *actions)
    assert len(desk.events(receipt, "Liquidated")) == len(people)
    taken = desk.position(keeper, ETH)[0]
    assert taken * 2_840 * PRICE > 10 * MILLION * WAD
    desk.trade(keeper, ETH, -taken)
    # A brake of 10M an hour would have left these to fall on: the next 5 % are 25 × 26k.


# ---------------------------------------------------------------- borrowing


def lending_desk(desk, cap=100_000, velocity=5_000):
    """A million lent, a borrow cap of `cap`, half of it per hour; mallory and alice with 200 WETH each."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    desk.set_limits(QUOTE, borrow_cap=cap * USDC, borrow_velocity=velocity)
    people = [desk.trader(name) for name in ("mallory", "alice")]
    for account in people:
        desk.fund(account, WETH, 200 * WAD)
        desk.fund(account, QUOTE, 100 * USDC)  # for interest, and the last unit
    return people


@pytest.mark.parametrize("times", [1, 20])
def test_t16_borrowing_and_repaying_leaves_the_hour_to_others(desk, times):
    """Everything that is lent, in and out of one batch: beyond cap and velocity in the middle, nothing at the end."""
    mallory, alice = lending_desk(desk)
    for _ in range(times):
        desk.act(mallory, borrow(mallory, QUOTE, MILLION * USDC), repay(mallory, QUOTE))
    desk.act(alice, borrow(alice, QUOTE, 50_000 * USDC))
    with expect("BorrowVelocityExceeded", QUOTE, 50_000 * USDC + 1, 50_000 * USDC):
        desk.act(mallory, borrow(mallory, QUOTE, 1))


def test_t16_what_is_paid_back_later_gives_the_room_back(desk):
    mallory, alice = lending_desk(desk)
    desk.act(mallory, borrow(mallory, QUOTE, 50_000 * USDC))
    desk.act(mallory, repay(mallory, QUOTE))
    with expect("BorrowVelocityExceeded"):
        desk.act(alice, borrow(alice, QUOTE, 50_000 * USDC + 1))
    desk.act(alice, borrow(alice, QUOTE, 50_000 * USDC - 2))
    assert desk.debt(alice, QUOTE) == pytest.approx(50_000 * USDC, abs=3)
    assert desk.debt(mallory, QUOTE) == 0


def test_t16_the_cap_binds_whatever_the_hour(desk):
    mallory, alice = lending_desk(desk)
    desk.act(mallory, borrow(mallory, QUOTE, 50_000 * USDC))
    desk.post({}, seconds=3_601)
    desk.act(alice, borrow(alice, QUOTE, 49_000 * USDC))
    with expect("BorrowCapExceeded"):
        desk.act(alice, borrow(alice, QUOTE, 1_000 * USDC))


def test_t16_paying_back_more_than_was_borrowed_this_hour_lends_no_one_more(desk):
    """The hour's sum never falls below zero: old debts paid back are no allowance above the limit."""
    mallory, alice = lending_desk(desk)
    desk.act(mallory, borrow(mallory, QUOTE, 50_000 * USDC))
    desk.post({}, seconds=3_601)
    desk.act(mallory, repay(mallory, QUOTE))
    with expect("BorrowVelocityExceeded"):
        desk.act(alice, borrow(alice, QUOTE, 50_000 * USDC + 1))


def test_t16_borrowing_to_hold_counts_against_the_supply_cap_and_in_and_out_does_not(desk):
    mallory, _ = lending_desk(desk)
    held, lent = desk.engine.read("totals", QUOTE)
    desk.set_asset(QUOTE, supply_cap=held + lent)
    desk.act(mallory, borrow(mallory, QUOTE, 1_000 * USDC), withdraw(mallory, QUOTE, 1_000 * USDC, desk.owner(mallory)))
    with expect("SupplyCapExceeded"):
        desk.act(mallory, borrow(mallory, QUOTE, 1_000 * USDC))


def test_t16_a_new_supply_cap_grows_over_a_week(desk):
    desk.chain.advance(10)
    held, _ = desk.engine.read("totals", WETH)
    desk.set_limits(WETH, supply_cap=700 * WAD, cap_since=desk.now)
    account = desk.trader("alice")
    assert held == 0
    with expect("SupplyCapExceeded"):
        desk.fund(account, WETH, 10 * WAD)
    desk.post({}, seconds=86_400)
    desk.fund(account, WETH, 100 * WAD)
    with expect("SupplyCapExceeded"):
        desk.fund(account, WETH, WAD)
    desk.post({}, seconds=6 * 86_400)
    desk.fund(account, WETH, 600 * WAD)
