"""Lenders of one vault, and a way to let its price move."""

from __future__ import annotations

from plimsoll import ledger
from plimsoll.actions import MAX_UINT256


def lender(world, name, asset, amount):
    """An actor with `amount` tokens and an allowance for the vault."""
    owner = world.actor(name)
    if amount:
        world.token(asset).write("mint", owner, amount, sender=world.admin)
    world.token(asset).write("approve", world.vault(asset).address, MAX_UINT256, sender=owner)
    return owner


def accrue(world, asset, amount):
    """Lets lenders earn `amount`, as interest will: the claim grows, and the tokens are there."""
    slot = ledger.totals(asset)
    word = world.chain.storage(world.engine.address, slot)
    world.chain.set_storage(world.engine.address, slot, word + (amount << 128))
    world.token(asset).write("mint", world.vault(asset).address, amount, sender=world.admin)


def balance(world, asset, owner):
    return world.token(asset).read("balanceOf", owner)
