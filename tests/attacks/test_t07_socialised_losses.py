"""T-7: socialising a loss by an index per size charges those who have lost on the winning side, and can bankrupt them.

The rule: a side epoch charges a part r of each position's *profit* at the price of the loss. Who has none pays nothing,
who has one never pays more than it, and who comes later is not asked. What the index would have done stands beside each
case.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "engine"))

from crash import Crash
from desk import ETH, PRICE, SIZE, WAD

from plimsoll.actions import liquidate, transfer_position


def by_size(crash, charged):
    """What an index per size would take from each winner."""
    sizes = [abs(crash.desk.position(winner, ETH)[0]) for winner in crash.winners]
    return [charged * size // sum(sizes) for size in sizes]


@pytest.mark.parametrize("side", [1, -1])
def test_who_lost_on_the_winning_side_is_not_charged(side):
    """One came at 2,900, the other at 3,225: at 3,230 the one has won, the other, after spread and fee, has not."""
    entries = (2_900, 3_225) if side == 1 else (3_100, 2_775)
    crash = Crash.create((70, 30), entries=entries, side=side)
    desk = crash.desk
    crash.move(230)
    pnl = [desk.position_pnl(winner, ETH)[0] for winner in crash.winners]
    before = [crash.equity(winner) for winner in crash.winners]
    (charged,) = desk.events(crash.liquidate(), "SideCharged")
    lost = [old - crash.equity(winner) for old, winner in zip(before, crash.winners, strict=True)]
    assert pnl[0] > 0
    assert 0 < lost[0] <= pnl[0]
    if pnl[1] <= 0:
        assert lost[1] <= 1
    index = by_size(crash, charged.args["amount"])
    assert index[1] > WAD  # the index would have charged him all the same
    assert sum(lost) - charged.args["amount"] in range(5)


def test_nobody_is_bankrupted_by_another_mans_loss():
    """A long near his own MM: an index per size takes more than he has, the epoch a part of what he has won."""
    crash = Crash.create((60, 40), margin=16_000)
    desk = crash.desk
    thin = desk.trader("thin", 1_050)
    desk.post({1: 3_298 * PRICE})
    crash.open(thin, 6 * SIZE)
    crash.move(300)
    equity, pnl = crash.equity(thin), desk.position_pnl(thin, ETH)[0]
    (charged,) = desk.events(crash.liquidate(), "SideCharged")
    assert charged.args["amount"] > 10_000 * WAD
    index = charged.args["amount"] * 6 // 106
    assert crash.equity(thin) >= equity - max(pnl, 0) - 2
    assert crash.equity(thin) > 0
    assert equity - index < desk.assess(thin).mm  # what T-7 would have made of him


def test_a_losers_gain_is_a_part_of_his_own_loss():
    """What the linear rule gives to a loser on the winning side (decision 021): r of his loss, at most all of it."""
    crash = Crash.create((90, 10), entries=(2_900, 3_300))
    desk, (winner, loser) = crash.desk, crash.winners
    crash.move(230)
    loss = -desk.position_pnl(loser, ETH)[0]
    assert loss > 0
    before = crash.equity(loser)
    (charged,) = desk.events(crash.liquidate(), "SideCharged")
    gain = crash.equity(loser) - before
    assert 0 <= loss * charged.args["amount"] - gain * charged.args["net"] <= 2 * charged.args["net"]
    assert gain <= loss
    # It came from the winner, out of his profit, and nobody made it: the side as a whole paid the deficit.
    assert desk.position_pnl(winner, ETH)[0] >= 0


@pytest.mark.parametrize("first", [True, False])
def test_touching_an_account_in_between_changes_nothing(first):
    """Anyone's touch between two deficits: not a wei, but for rounding, hangs on when it happens."""
    results = []
    for early in (True, False):
        crash = Crash.create((60, 50), loser=100)
        desk = crash.desk
        second = desk.trader("second", 2_000)
        crash.open(second, -10 * SIZE)
        crash.move(260)
        winner = crash.winners[not first]
        aside = desk.trader(f"winner {int(not first)}", 50_000, index=1)
        desk.act(crash.taker, liquidate(crash.taker, second))
        if early:
            desk.act(winner, transfer_position(winner, aside, ETH, 1))
        desk.post({}, seconds=1)
        crash.liquidate()
        if not early:
            desk.act(winner, transfer_position(winner, aside, ETH, 1))
        assert desk.market_words(ETH).state.epoch == 2
        results.append([crash.equity(account) for account in (*crash.winners, aside)])
    for one, other in zip(*results, strict=True):
        assert abs(one - other) <= 4
