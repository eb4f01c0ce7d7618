"""VolatilityFeed deployed in process, with a market of four expiries that could be anyone's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from oracle_world import KEYS, NOBODY, QUORUM, deploy

from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract, events
from plimsoll.margin.fixed_math import WAD, YEAR
from plimsoll.surfaces import Fit, Quoted, Reason, Rules, Smile, Surface, SurfaceSigner, Terms

ETH, BTC, UNLISTED = 0, 5, 9
DAYS = (2, 9, 30, 180)
RULES = Rules(
    max_age=1_200,
    max_expiry=3 * 365 * 1_440,
    min_vol=500,
    max_vol=40_000,
    max_basis=300,
    max_rate=5_000,
    max_confidence=50_000,
)


@dataclass
class World:
    chain: ProcessChain
    owner: str
    stranger: str
    manager: Contract
    feed: Contract
    signer: SurfaceSigner

    @property
    def now(self):
        return self.chain.block()[1]

    @property
    def number(self):
        return self.chain.block()[0]

    def step(self, seconds=12):
        self.chain.advance(seconds)

    def expiry(self, days):
        """Minutes since 1970; the same all day long."""
        return (self.now // 86_400 + days) * 1_440

    def quoted(self, days=30, vol=0.6, market=ETH, at=None, **changes):
        """A smile that is good, or what `changes` make of its fields."""
        expiry = self.expiry(days)
        tau = (expiry * 60 - (self.now if at is None else at)) * WAD // YEAR
        return Quoted(market, expiry, changed(surface(tau, vol), **changes))

    def term(self, *vols, market=ETH, **changes):
        """One surface per expiry of DAYS."""
        vols = vols or (0.7, 0.65, 0.6, 0.55)
        return [self.quoted(days, vol, market, **changes) for days, vol in zip(DAYS, vols, strict=True)]

    def update(self, *surfaces, at=None, signers=None):
        report = self.signer.report(self.now if at is None else at, surfaces, signers)
        return self.feed.write("update", report, sender=self.stranger)

    def read(self, quoted):
        return Surface.from_words(self.feed.read("read", [quoted.key]))

    def is_stored(self, quoted):
        """Whether what is stored is this surface."""
        found = self.read(quoted)
        fit = replace(found.fit, published_at=0, written_block=0)
        return Surface(found.smile, fit, replace(found.terms, status=0)) == quoted.surface


def surface(tau, vol):
    """Skewed, centred left of the money, its scale that of the time: w(0) is about vol²·tau."""
    width = vol * math.sqrt(tau / WAD)
    level = width * width
    smile = Smile(int(level * 0.5 * WAD), int(level / width * 0.45 * WAD), -3 * WAD // 10, int(-0.2 * width * WAD))
    return Surface(smile, Fit(int(width * WAD), 3_000 * 10**10, tau), Terms(WAD + tau // 50, WAD // 50, 100, 200, 300))


def changed(surface, **changes):
    """`surface` with other values in the fields of those names."""
    parts = []
    for part in surface:
        names = set(changes) & set(part.__slots__)
        parts.append(replace(part, **{name: changes[name] for name in names}))
    return Surface(*parts)


def build() -> World:
    chain = ProcessChain()
    owner, stranger = chain.accounts[0], chain.accounts[1]
    manager = deploy(chain, "Authority", owner)
    addresses = SurfaceSigner(KEYS, NOBODY, chain.chain_id).addresses
    feed = deploy(chain, "VolatilityFeed", manager.address, list(addresses), QUORUM)
    signer = SurfaceSigner(KEYS, feed.address, chain.chain_id)
    world = World(chain, owner, stranger, manager, feed, signer)
    for market in (ETH, BTC):
        feed.write("setRules", market, tuples(RULES), sender=owner)
    world.step(86_400 - world.now % 86_400 + 3_600)
    return world


def tuples(rules):
    return tuple(vars(rules).values())


def stored(receipt):
    """The keys that an update stored, in its order."""
    return [event.args["key"] for event in events(receipt.logs, "SurfaceStored")]


def rejected(receipt):
    """(key, reason, value, limit) of what it refused."""
    return [
        (event.args["key"], Reason(event.args["reason"]), event.args["value"], event.args["limit"])
        for event in events(receipt.logs, "SurfaceRejected")
    ]
