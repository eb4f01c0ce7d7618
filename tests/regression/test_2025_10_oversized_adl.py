"""10 October 2025: the largest cascade so far, about 19 billion dollars of liquidations across venues.

Among what made it worse: automatic deleveraging that took, by claims made since, some 28 times what the bad debt
needed (Hyperliquid, about 650 million), by a ranking of accounts, and so closed hedges and left their other legs naked.

Property: a side as a whole pays the deficit, to the wei, and not more; each winner the same part of his profit, never
more than all of it; who has no position in the market pays nothing. Where positions have to go (`deleverage`), everyone
on the side gives up the same part, at index, and nobody's equity changes.
"""

from __future__ import annotations

import pytest
from crash import MILLION, Crash
from desk import BTC, ETH, PRICE, SIZE, USDC, Desk

from plimsoll.actions import settle


@pytest.mark.parametrize("rise", [225, 260, 400])
def test_the_haircut_is_the_deficit_and_pro_rata_to_profits(rise):
    crash = Crash.create((40, 35, 25), liquidity=100_000)
    desk = crash.desk
    flat, hedged = desk.trader("flat", 10_000), desk.trader("hedged", 50_000)
    desk.trade(hedged, BTC, -SIZE)
    crash.move(rise)
    before = [crash.equity(winner) for winner in crash.winners]
    profits = [desk.position_pnl(winner, ETH)[0] for winner in crash.winners]
    others = [desk.assess(account) for account in (flat, hedged)]
    deficit = -crash.equity(crash.victim)
    (charged,) = desk.events(crash.liquidate(), "SideCharged")
    taken = [old - crash.equity(winner) for old, winner in zip(before, crash.winners, strict=True)]
    assert charged.args["amount"] <= deficit
    assert charged.args["amount"] <= sum(taken) <= charged.args["amount"] + 2 * len(taken)
    for part, profit in zip(taken, profits, strict=True):
        assert abs(part * sum(profits) - profit * sum(taken)) <= 4 * sum(profits)
        assert part <= profit
    assert [desk.assess(account) for account in (flat, hedged)] == others
    # A ranking would have taken the whole profit of the first in line before the second pays anything.
    assert all(part < profit for part, profit in zip(taken, profits, strict=True))


def test_deleveraging_takes_the_same_part_of_everyones_position_and_nothing_of_his_equity():
    desk = Desk.create(liquidity=MILLION)
    sizes = (60, 30, 9)
    accounts = [desk.trader(f"winner {number}", 200_000) for number in range(len(sizes))]
    for account, size in zip(accounts, sizes, strict=True):
        desk.trade(account, ETH, size * SIZE)
    against = desk.trader("against", 200_000)
    desk.trade(against, ETH, -33 * SIZE)
    desk.post({1: 3_400 * PRICE})
    desk.set_trade(ETH, allocation=1)
    desk.post({}, seconds=1)
    before = [desk.assess(account).equity for account in accounts]
    desk.engine.write("deleverage", ETH, sender=desk.actor("anyone"))
    for account, size, equity in zip(accounts, sizes, before, strict=True):
        assert abs(desk.position(account, ETH)[0] - size * SIZE // 3) <= 1
        assert abs(desk.assess(account).equity - equity) <= 2
    held = [desk.held(account) for account in accounts]
    desk.act(against, settle(ETH, [*accounts, against]))
    assert all(desk.held(account) - was > 300 * USDC for account, was in zip(accounts, held, strict=True))
