"""T-16: a batch that borrows and repays 10M spends everyone's hourly limit; a window of liquidated notional is
filled with one's own.

Borrowing and its flow limits come with the next issue. What exists: supply, skew and OI caps. They are levels, so a
batch
that goes in and out spends nothing of them; and no amount of liquidation meets a brake.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, Desk, expect

from plimsoll.actions import deposit, liquidate, trade_perp, withdraw

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
