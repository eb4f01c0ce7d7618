"""An OrderVerifier with an engine that does what it is told: whatever is sent through it, is sent by the engine."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from coincurve import PrivateKey

from plimsoll import contracts
from plimsoll.accounts import cross
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract
from plimsoll.errors import Reverted
from plimsoll.orders import ONE, Domain, Leg, Order, OrderSigner
from plimsoll.prices import address_of

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MAKER, OTHER = bytes([1]) * 32, bytes([2]) * 32
CALL, PUT = 5 << 28, 5 << 28 | 1
OPEN, CLOSED, SUPERSEDED, EXPIRED, GROUP_CANCELLED, LOCKED_DOWN = range(6)


def owner_of(key):
    return address_of(PrivateKey(key).public_key)


@contextmanager
def reverts(name, *values):
    """The call fails with exactly this error and, when given, exactly these values."""
    with pytest.raises(Reverted) as caught:
        yield caught
    assert name == caught.value.name
    if values:
        assert values == caught.value.values


@dataclass
class OrderWorld:
    chain: ProcessChain
    engine: Contract
    verifier: Contract

    @property
    def now(self):
        return self.chain.block()[1]

    @property
    def domain(self):
        return Domain(self.verifier.address, self.chain.chain_id)

    @property
    def maker(self):
        return owner_of(MAKER)

    @property
    def taker(self):
        return self.chain.accounts[1]

    def put(self, name, *args):
        artifact = contracts.load()[name]
        receipt = self.chain.deploy(self.chain.accounts[0], artifact.creation(*args))
        return Contract(self.chain, receipt.contract_address, artifact)

    def order(self, **changes):
        """Three packages of a straddle, for an hour, in no group, for anyone."""
        plain = Order(cross(self.maker), (Leg(CALL, ONE), Leg(PUT, ONE)), 3 * ONE, 7 * 10**10, self.now + 3600, 0)
        return replace(plain, **changes)

    def sign(self, order, key=MAKER, domain=None):
        return OrderSigner(key, domain or self.domain).sign(order)

    def fill(self, order, size=None, *, signature=None, **options):
        """`size`: all of it by default. The taker sends the batch."""
        taken = order.size if size is None else size
        return self.send(order.values(), taken, self.sign(order) if signature is None else signature, **options)

    def send(self, values, size, signature, *, caller=None, counterparty=None, lockdown=0, gas=None):
        parties = (caller or self.taker, counterparty or self.taker, lockdown)
        data = self.verifier.encode("fill", values, signature, *parties, size)
        return self.engine.write("run", self.verifier.address, data, sender=self.taker, gas=gas)

    def by(self, who, name, *args):
        return self.verifier.write(name, *args, sender=who)

    def status(self, order):
        return tuple(self.verifier.read("statusOf", order.values()))

    def used(self, nonce=0, owner=None):
        return self.verifier.read("noncesOf", owner or self.maker, nonce >> 8) >> (nonce & 255) & 1

    def event(self, receipt, name):
        """The only event of a transaction, which has this name."""
        (event,) = contracts.events(receipt.logs)
        assert event.name == name
        return event.args


def build():
    desk = OrderWorld(ProcessChain(), None, None)
    desk.engine = desk.put("MockOrderEngine")
    desk.verifier = desk.put("OrderVerifier", desk.engine.address)
    return desk
