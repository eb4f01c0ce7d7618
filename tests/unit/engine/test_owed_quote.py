"""A liquidator pays before he sells, so his quote balance may be negative inside a batch: never after it."""

from __future__ import annotations

import pytest

from plimsoll.actions import deposit, liquidate, trade_perp
from plimsoll.errors import Reverted
from plimsoll.prices import PRICE
from plimsoll.testing import World

SIZE = 200_000_000  # two of market 1, 120,000 of quote


def test_o1_collateral_is_not_taken_on_credit():
    """No cash, but a position that won: its taker closes all and would keep the collateral, owing its price."""
    world = World.create()
    trader, taker = world.actor("trader"), world.actor("taker")
    account, mine = world.account(trader), world.account(taker)
    world.fund(account, 1, 3 * 10**18)
    world.execute(trader, trade_perp(account, 1, SIZE))
    world.post({1: 1_000 * PRICE, 2: 60_120 * PRICE})
    found = world.assess(account)
    assert 0 < found.equity < found.mm

    world.mint(taker, 0, 50_000 * 10**6)
    checkpoint = world.chain.snapshot()
    world.execute(taker, deposit(mine, 0, 50_000 * 10**6))
    fact = world.events(world.execute(taker, liquidate(mine, account)), "Liquidated")[0].args
    size = world.position(mine, 1)[0]
    paid = fact["paid"] + fact["toInsurance"]
    world.execute(taker, trade_perp(mine, 1, -size))
    assert world.position(mine, 1) == (0, 0)
    brought = world.held(mine) - 50_000 * 10**6
    assert brought < 0 < paid
    world.chain.revert(checkpoint)

    with pytest.raises(Reverted) as caught:
        world.execute(taker, liquidate(mine, account), trade_perp(mine, 1, -size))
    assert caught.value.name == "NegativeBalance"

    world.execute(taker, liquidate(mine, account), trade_perp(mine, 1, -size), deposit(mine, 0, -brought))
    assert world.held(mine) == 0
