"""Stakers of insurance, and ways to let it earn and lose."""

from __future__ import annotations

from plimsoll import ledger
from plimsoll.actions import MAX_UINT256

UNIT = 10**6  # of the quote token
SHARE = 10**12
DAY = 86_400


def staker(world, name, amount=0, *, stake=True):
    """An actor with `amount` token units, staked unless told otherwise."""
    owner = world.actor(name)
    if amount:
        world.token(0).write("mint", owner, amount, sender=world.admin)
    world.token(0).write("approve", world.stake.address, MAX_UINT256, sender=owner)
    if amount and stake:
        world.stake.write("deposit", amount, owner, sender=owner)
    return owner


def shares(world, owner):
    return world.stake.read("balanceOf", owner)


def wallet(world, owner):
    return world.token(0).read("balanceOf", owner)


def earn(world, amount, name="sponsor"):
    """Insurance gets `amount`, as by its share of a liquidation; here anyone's gift."""
    world.fund(world.insurance, 0, amount, by=world.actor(name))


def lose(world, amount):
    """Insurance pays `amount` for somebody bankrupt: the ledger moves it to an account that is open."""
    taker = world.account(world.actor("taker"))
    if not world.held(taker):
        world.fund(taker, 0, 1)
    for account, change in ((world.insurance, -amount), (taker, amount)):
        slot = ledger.balance(account, 0)
        word = world.chain.storage(world.engine.address, slot)
        world.chain.set_storage(world.engine.address, slot, word + change)


def cool(world, owner, amount=None):
    """Asks to leave with `amount` shares (default: all) and waits until they may."""
    world.stake.write("cooldown", shares(world, owner) if amount is None else amount, sender=owner)
    world.chain.advance(world.stake.read("period"))


def redeem(world, owner, amount=None):
    """Redeems `amount` shares (default: all that may be); returns what was paid."""
    before = wallet(world, owner)
    amount = world.stake.read("maxRedeem", owner) if amount is None else amount
    world.stake.write("redeem", amount, owner, owner, sender=owner)
    return wallet(world, owner) - before
