"""E-1 for orders: all of OrderVerifier's storage from its events alone."""

from __future__ import annotations

from random import Random

from order_world import reverts

from plimsoll import contracts
from plimsoll.abi import keccak
from plimsoll.errors import Reverted
from plimsoll.orders import ONE

NONCES, PARTIALS, EPOCHS = range(3)


def place(mapping, owner, key):
    """The slot of `mapping[owner][key]`."""
    outer = keccak(bytes(12) + bytes.fromhex(owner[2:]) + mapping.to_bytes(32, "big"))
    return int.from_bytes(keccak(key.to_bytes(32, "big") + outer), "big")


class Indexer:
    """Storage as the events tell it, by slot."""

    def __init__(self):
        self.slots = {}

    def follow(self, receipt):
        for event in contracts.events(receipt.logs):
            getattr(self, event.name)(**event.args)

    def _use(self, owner, word, mask):
        at = place(NONCES, owner, word)
        self.slots[at] = self.slots.get(at, 0) | mask

    def OrderFilled(self, hash, owner, account, nonce, size, filled, complete):
        if complete:
            self._use(owner, nonce >> 8, 1 << (nonce & 255))
        else:
            self.slots[place(PARTIALS, owner, nonce)] = int.from_bytes(hash, "big") >> 64 << 64 | filled

    def NoncesCancelled(self, owner, word, mask):
        self._use(owner, word, mask)

    def GroupCancelled(self, owner, group, epoch):
        self.slots[place(EPOCHS, owner, group)] = epoch


def act(desk, random, indexer):
    """One fill or cancellation; a fill that is refused tells nothing."""
    nonce, group = random.choice((0, 1, 2, 300, 2**256 - 1)), random.choice((0, 1, 2**64 - 1))
    who = random.choice((desk.maker, desk.taker))
    kind = random.randrange(8)
    if kind == 0:
        return indexer.follow(desk.by(who, "cancel", [nonce, 5]))
    if kind == 1:
        return indexer.follow(desk.by(who, "cancelWord", random.randrange(3), random.getrandbits(256)))
    if kind == 2:
        return indexer.follow(desk.by(who, "cancelGroup", group or 7))
    epoch = desk.verifier.read("groupEpochOf", desk.maker, group) if group else 0
    order = desk.order(nonce=nonce, group=group, group_epoch=epoch, size=random.choice((1, 2, 5)) * ONE)
    try:
        indexer.follow(desk.fill(order, random.choice((ONE, 2, order.size))))
    except Reverted as refused:
        assert refused.name in ("NonceUsed", "NonceSuperseded", "FillBeyondSize")


def test_a_refused_fill_tells_nothing(desk):
    """Nor does it write."""
    with reverts("ZeroAmount"):
        desk.fill(desk.order(), 0)
    assert desk.chain.storage(desk.verifier.address, place(PARTIALS, desk.maker, 0)) == 0


def test_e1_all_storage_can_be_rebuilt_from_events(deployed_orders):
    """Twenty histories of two owners: every slot told of holds what was told, and nothing else changed."""
    desk = deployed_orders
    told = 0
    for seed in range(20):
        snapshot, random, indexer = desk.chain.snapshot(), Random(seed), Indexer()
        for _ in range(40):
            act(desk, random, indexer)
        words = [(NONCES, word) for word in (0, 1, 2, 2**248 - 1)]
        words += [(PARTIALS, nonce) for nonce in (0, 1, 2, 300, 2**256 - 1)] + [
            (EPOCHS, g) for g in (0, 1, 7, 2**64 - 1)
        ]
        slots = [place(mapping, owner, key) for mapping, key in words for owner in (desk.maker, desk.taker)]
        assert set(indexer.slots) <= set(slots)
        for slot in slots:
            assert desk.chain.storage(desk.verifier.address, slot) == indexer.slots.get(slot, 0)
        told += len(indexer.slots)
        desk.chain.revert(snapshot)
    assert told > 100
