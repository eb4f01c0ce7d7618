"""PriceFeed, OracleRouter, ChainlinkAdapter and the sources they ask, deployed in process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract, events, load
from plimsoll.errors import Reverted
from plimsoll.prices import PRICE, Quote, ReportSigner, StoredEntry, StoredPrice

NOBODY = "0x0000000000000000000000000000000000000000"
KEYS = [bytes([n]) * 32 for n in range(1, 6)]
QUORUM = 3
ETH, BTC, POLLED, UNKNOWN = 1, 2, 7, 9
ETH_ID, POLLED_ID = b"ETH".ljust(32, b"\0"), b"POLLED".ljust(32, b"\0")
WIDE, DEVIATES, REFERENCE_DOWN = 1, 2, 4
ANSWER, REVERT, BURN_GAS, BOMB, SHORT, GARBAGE = range(6)


def deploy(chain, name, *args):
    artifact = load()[name]
    receipt = chain.deploy(chain.accounts[0], artifact.creation(*args))
    return Contract(chain, receipt.contract_address, artifact)


@contextmanager
def reverts(name, *values):
    """The call fails with exactly this error and, when given, exactly these values."""
    with pytest.raises(Reverted) as caught:
        yield
    assert name == caught.value.name
    if values:
        assert values == caught.value.values


@dataclass
class World:
    chain: ProcessChain
    owner: str
    stranger: str
    manager: Contract
    router: Contract
    source: Contract
    signer: ReportSigner

    @property
    def feed(self):
        """The router, as the one who verifies reports."""
        return self.router

    @property
    def now(self):
        return self.chain.block()[1]

    @property
    def number(self):
        return self.chain.block()[0]

    def configure(self, feed, *, reference=NOBODY, deviation=0, confidence=2_000, source=NOBODY):
        config = (reference, deviation, confidence, source, ETH_ID, POLLED_ID)
        return self.router.write("setFeed", feed, config, sender=self.owner)

    def refer(self, feed=ETH, deviation=100):
        """Gives a feed the mock source as its reference, which agrees with the price that there is."""
        if self.price(feed).value:
            self.answer(self.price(feed).value)
        self.configure(feed, reference=self.source.address, deviation=deviation)

    def answer(self, value, *, ok=True, confidence=0, published_at=None, source_id=ETH_ID):
        published_at = self.now if published_at is None else published_at
        self.source.write("set", source_id, ok, value, confidence, published_at, sender=self.owner)

    def update(self, *quotes, at=None, signers=None, gas=None):
        report = self.signer.report(self.now if at is None else at, quotes, signers)
        return self.router.write("update", report, sender=self.stranger, gas=gas)

    def price(self, feed=ETH):
        return StoredPrice.from_word(self.router.read("read", [feed])[0])

    def step(self, seconds=12):
        self.chain.advance(seconds)


def build() -> World:
    chain = ProcessChain()
    owner, stranger = chain.accounts[0], chain.accounts[1]
    manager = deploy(chain, "Authority", owner)
    addresses = ReportSigner(KEYS, NOBODY, chain.chain_id).addresses
    router = deploy(chain, "OracleRouter", manager.address, list(addresses), QUORUM)
    source = deploy(chain, "MockPriceSource")
    signer = ReportSigner(KEYS, router.address, chain.chain_id)
    world = World(chain, owner, stranger, manager, router, source, signer)
    world.configure(ETH)
    world.configure(BTC)
    world.configure(POLLED, source=source.address)
    world.step()
    return world


def stored(receipt):
    """What an update stored, feed by feed."""
    return [
        StoredEntry.from_word(word) for event in events(receipt.logs, "PricesStored") for word in event.args["entries"]
    ]


def eth(price=3_000, confidence=300):
    return Quote(ETH, price * PRICE, confidence)
