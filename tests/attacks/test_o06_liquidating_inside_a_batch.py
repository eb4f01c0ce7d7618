"""O-06: liquidating inside a transfer (Sigma Prime on Derive v2: DRV-01).

There a callback in the middle of a transfer reached the auction: an account was made to look empty for a moment, bid
for by its own owner, and the liquidator's side was never checked. Everything could be drained.

Rule: a target must be new to the batch and is untouchable after; whoever liquidates is checked in full at the end,
options and all; and what a fill, a settlement or a price in the same batch did, it did to somebody else.
"""

from __future__ import annotations

import pytest
from desk import ETH, LIQUIDATABLE, PRICE, SIZE, UNIT, USDC, expect
from listed_desk import ListedDesk

from plimsoll import ledger
from plimsoll.actions import (
    deposit,
    liquidate,
    margin_call,
    settle_options,
    trade_perp,
    transfer_option,
    withdraw,
)
from plimsoll.margin.words import Settlement


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture
def mallory(desk):
    """A portfolio account just above its margin, and two others of the same owner."""
    target, friend = desk.portfolio("mallory", 12_000), desk.portfolio("mallory", 500_000, 1)
    desk.match(desk.trader("maker", 500_000), target, [(desk.call(3_000), 15 * SIZE)])
    return target, friend


def sunk(desk, target):
    desk.fall_below(target)
    assert desk.assess(target).state == LIQUIDATABLE


def test_what_the_batch_touched_is_not_taken_in_it(desk, mallory):
    """Trade, fill, move or take away first, then liquidate what is left: by the name of the account."""
    target, friend = mallory
    owner, call = desk.owner(target), desk.call(3_000)
    sunk(desk, target)
    desk.mint(owner, 0, 10 * USDC)
    first = {
        "deposit": deposit(target, 0, USDC),
        "perp": trade_perp(target, ETH, SIZE // 100),
        "fill": desk.filling(friend, target, [(call, SIZE)]),
        "option": transfer_option(target, friend, call, -SIZE),
        "cash": withdraw(target, 0, USDC, owner),
    }
    for name, action in first.items():
        with expect("DeferredAccount", target):
            desk.execute(owner, action, liquidate(friend, target))
        assert desk.options(friend) == {}, name


def test_what_was_taken_is_not_touched_again(desk, mallory):
    """Liquidate, then fill, move, trade or withdraw with what is left."""
    target, friend = mallory
    owner, call = desk.owner(target), desk.call(3_000)
    sunk(desk, target)
    take = liquidate(friend, target, 10**17)
    for action in (
        desk.filling(friend, target, [(call, SIZE)]),
        desk.filling(target, friend, [(call, -SIZE)]),
        transfer_option(target, friend, call, -SIZE),
        trade_perp(target, ETH, SIZE // 100),
        withdraw(target, 0, USDC, owner),
    ):
        with expect("DeferredAccount", target):
            desk.execute(owner, take, action)
    desk.execute(owner, take, margin_call(friend, target, skip=True), liquidate(friend, target, 10**17, skip=True))
    assert desk.options(friend)


def test_the_liquidator_is_checked_in_full(desk, mallory):
    """By all scenarios, after the slice and after whatever he did with it."""
    target, _ = mallory
    sunk(desk, target)
    poor, keeper = desk.portfolio("poor", 100), desk.portfolio("keeper", 6_000)
    for account, more in ((poor, []), (keeper, [withdraw(keeper, 0, 5_000 * USDC, desk.owner(keeper))])):
        with expect("BelowInitialMargin") as caught:
            desk.act(account, liquidate(account, target), *more)
        assert caught.value.values[0] == account
    with expect("AccountMismatch", target, target):
        desk.act(target, liquidate(target, target))


def test_healthy_before_the_batch_is_healthy_in_it(desk, mallory):
    """A fill at the edge of the band cannot push a partner below MM for a bonus: he too is checked at the end."""
    target, friend = mallory
    found = desk.assess(target)
    desk.act(target, withdraw(target, 0, (found.equity - found.im) // UNIT - USDC, desk.owner(target)))
    band = 3_000 * PRICE * desk.market_words(ETH).risk.mm_rate1 // 20_000
    call = desk.call(3_000)
    filling = desk.filling(friend, target, [(call, SIZE)], [desk.mark(call) - band])
    with expect("BelowInitialMargin") as caught:
        desk.execute(desk.owner(friend), filling)
    assert caught.value.values[0] == target
    with expect("DeferredAccount", target):
        desk.execute(desk.owner(friend), filling, liquidate(friend, target))


def test_settling_and_taking_in_one_batch_is_worth_what_both_are(desk, mallory):
    """Settlement is anyone's and moves no equity: a liquidation behind it costs nobody more than one alone."""
    target, friend = mallory
    maker = desk.account(desk.actor("maker"))
    later = desk.expiry + 7 * 1_440
    desk.show({(ETH, later): 0.6})
    desk.match(maker, target, [(desk.call(3_000, expiry=later), 5 * SIZE)])
    desk.chain.set_timestamp(desk.expiry * 60 + 1)
    desk.fresh({1: 3_900 * PRICE})
    slot = ledger.settlement(ETH, desk.expiry)
    desk.chain.set_storage(desk.engine.address, slot, Settlement(price=3_900 * PRICE).to_word())
    target_was = desk.assess(target)
    assert target_was.equity < target_was.mm
    outcome = []
    for actions in (
        [liquidate(friend, target)],
        [settle_options(ETH, desk.expiry, [target, maker]), liquidate(friend, target, skip=True)],
    ):
        mark = desk.chain.snapshot()
        spare, total = desk.held(desk.insurance), desk.total_equity()
        desk.act(friend, *actions)
        assert desk.total_equity() == total
        outcome.append(desk.held(desk.insurance) - spare)
        desk.chain.revert(mark)
    assert outcome[1] >= min(outcome[0], 0)
