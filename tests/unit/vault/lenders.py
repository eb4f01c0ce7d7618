"""Lenders of one vault, and a way to let its price move."""

from __future__ import annotations

from dataclasses import replace

from plimsoll import ledger
from plimsoll.actions import MAX_UINT256
from plimsoll.margin.words import Lending


def lender(world, name, asset, amount):
    """An actor with `amount` tokens and an allowance for the vault."""
    owner = world.actor(name)
    if amount:
        world.token(asset).write("mint", owner, amount, sender=world.admin)
    world.token(asset).write("approve", world.vault(asset).address, MAX_UINT256, sender=owner)
    return owner


def accrue(world, asset, amount):
    """Lets lenders earn `amount`, as interest does: the index grows (down), and the tokens are there."""
    lending, totals = ledger.lending(asset), ledger.totals(asset)
    word = Lending.from_word(world.chain.storage(world.engine.address, lending))
    shares = world.chain.storage(world.engine.address, totals) >> 128
    grown = replace(word, lent_index=word.lent_index + amount * 10**12 // shares)
    world.chain.set_storage(world.engine.address, lending, grown.to_word())
    world.token(asset).write("mint", world.vault(asset).address, amount, sender=world.admin)


def balance(world, asset, owner):
    return world.token(asset).read("balanceOf", owner)
