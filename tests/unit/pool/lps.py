"""LPs and their requests."""

from __future__ import annotations

from enum import IntEnum

from plimsoll.actions import MAX_UINT256
from plimsoll.contracts import events

UNIT = 10**6  # of the quote token
SHARE = 10**18


class Wait(IntEnum):
    """ILiquidityPool.Wait"""

    NONE = 0
    UNKNOWN = 1
    DELAY = 2
    PRICE = 3
    MOVE = 4
    VALUE = 5
    CASH = 6
    REQUIREMENT = 7
    REFUSED = 8


def lp(world, name, amount=0):
    """An actor with `amount` whole quote units and an allowance for the pool."""
    owner = world.actor(name)
    world.token(0).write("mint", owner, int(amount * UNIT), sender=world.admin)
    world.token(0).write("approve", world.pool.address, MAX_UINT256, sender=owner)
    return owner


def enter(world, owner, assets, controller=None):
    """The id of a request to deposit `assets` token units."""
    receipt = world.pool.write("requestDeposit", assets, controller or owner, sender=owner)
    return events(receipt.logs, "DepositRequested")[0].args["id"]


def leave(world, owner, shares=None, controller=None):
    """The id of a request to redeem `shares` (default: all)."""
    shares = world.pool.read("balanceOf", owner) if shares is None else shares
    receipt = world.pool.write("requestRedeem", shares, controller or owner, sender=owner)
    return events(receipt.logs, "RedeemRequested")[0].args["id"]


def run(world, *ids):
    """Executes requests; returns {id: why it was passed over} of those that were."""
    receipt = world.pool.write("execute", list(ids), sender=world.actor("anyone"))
    passed = events(receipt.logs, "RequestPassedOver")
    return {event.args["id"]: Wait(event.args["reason"]) for event in passed}


def fall_due(world, changes=None):
    """Lets the delay pass, then posts the first prices after it."""
    world.chain.advance(world.pool.read("delay"))
    world.post(changes or {})


def wallet(world, owner):
    return world.token(0).read("balanceOf", owner)


def invest(world, name, amount):
    """An LP with `amount` whole quote units in the pool."""
    owner = lp(world, name, amount)
    request = enter(world, owner, int(amount * UNIT))
    fall_due(world)
    assert run(world, request) == {}
    return owner
