"""A world where options are traded by the real thing: signed surfaces, signed orders, both models of margin.

    world = OptionWorld.create().with_options()
    call = world.call(3000)                                     # 30 days from now, of market 0
    world.match(maker, taker, [(call, SIZE)])                   # `maker` buys one of `taker` at the mark
    world.show({(0, world.expiry): 0.9})                        # the market's volatility becomes 90 %

Actors have keys here, so that they can sign. Units as World's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from itertools import count
from typing import Any, Self

from coincurve import PrivateKey

from plimsoll import accounts, ledger
from plimsoll.abi import keccak
from plimsoll.actions import Action, match, settle_options
from plimsoll.chain import Receipt
from plimsoll.contracts import Contract, events
from plimsoll.deploy.defaults import SURFACES, local_signer_keys
from plimsoll.margin.fixed_math import YEAR
from plimsoll.margin.option_series import expiry_of, key_of, market_of, pack, payoff
from plimsoll.margin.settlement_math import known_of
from plimsoll.margin.volatility_math import ONE
from plimsoll.margin.words import Settlement
from plimsoll.orders import Domain, Leg, Order
from plimsoll.prices import PRICE, address_of, sign
from plimsoll.surfaces import Fit, Quoted, Smile, Surface, SurfaceSigner, Terms
from plimsoll.testing.world import SIZE, WAD, World

DAY = 1_440  # minutes
ANY_PRICE = 2**100
FOREVER = 2**32 - 1


def smile(tau: int, vol: float, forward: int = 3_000 * PRICE) -> Surface:
    """Skewed, centred left of the money; total variance at the money about vol²·tau. `tau` in years, WAD."""
    width = vol * math.sqrt(tau / WAD)
    level = width * width
    shape = Smile(int(level * 0.5 * WAD), int(width * 0.45 * WAD), -3 * WAD // 10, int(-0.2 * width * WAD))
    return Surface(shape, Fit(int(width * WAD), forward, tau), Terms(carry=WAD))


class OptionMixin(World):
    """What a World has besides, once `with_options` was called."""

    expiry: int

    def with_options(self, markets: Sequence[int] = (0, 1), vol: float = 0.6) -> Self:
        """Rules for `markets`, a signer of surfaces, and surfaces of an expiry in 30 days."""
        for market in markets:
            self.surfaces.write("setRules", market, astuple(SURFACES), sender=self.admin)
        self.surface_signer = SurfaceSigner(local_signer_keys(), self.surfaces.address, self.chain.chain_id)
        self._nonces = count()
        self.vols: dict[tuple[int, int], float] = {}
        self.expiry = (self.now // 60 // DAY + 30) * DAY
        self.post({})
        self.show({(market, self.expiry): vol for market in markets})
        return self

    # ---------------------------------------------------------------- contracts and people

    @property
    def surfaces(self) -> Contract:
        return self.deployed["VolatilityFeed"]

    @property
    def now(self) -> int:
        return self.chain.block()[1]

    def actor(self, name: str) -> str:
        """The address of a role's key."""
        if name not in self._actors:
            self._actors[name] = address_of(self._key(name).public_key)
        return self._actors[name]

    @staticmethod
    def _key(name: str) -> PrivateKey:
        return PrivateKey(keccak(b"key of " + name.encode()))

    @property
    def domain(self) -> Domain:
        return Domain(self.verifier.address, self.chain.chain_id)

    def portfolio(self, name: str, quote: int = 0, index: int = 0) -> bytes:
        """A portfolio account of `name` with `quote` whole units."""
        account = accounts.pack(self.actor(name), accounts.Mode.PORTFOLIO, 0, index)
        if quote:
            self.fund(account, 0, quote * 10**6)
        return account

    # ---------------------------------------------------------------- series and surfaces

    def call(self, strike: float, *, market: int = 0, expiry: int = 0) -> int:
        return pack(market, expiry or self.expiry, int(strike * PRICE), put=False)

    def put_on(self, strike: float, *, market: int = 0, expiry: int = 0) -> int:
        return pack(market, expiry or self.expiry, int(strike * PRICE), put=True)

    def quoted(self, market: int, expiry: int, vol: float) -> Quoted:
        tau = (expiry * 60 - self.now) * WAD // YEAR
        return Quoted(market, expiry, smile(tau, vol, self.prices[market + 1]))

    def surface_report(self, vols: Mapping[tuple[int, int], float] | None = None) -> bytes:
        """Of everything shown so far that has not expired, with `vols` by (market, expiry)."""
        self.vols = {at: vol for at, vol in (self.vols | dict(vols or {})).items() if at[1] * 60 > self.now}
        quoted = [self.quoted(*at, vol) for at, vol in self.vols.items()]
        return self.surface_signer.report(self.now, quoted)

    def show(self, vols: Mapping[tuple[int, int], float] | None = None, *, seconds: int = 0) -> Receipt:
        """A signed report of surfaces, `seconds` from now."""
        self.chain.advance(seconds or 1)
        receipt = self.surfaces.write("update", self.surface_report(vols), sender=self.admin)
        refused = [event.args for event in events(receipt.logs, "SurfaceRejected")]
        assert not refused, refused
        return receipt

    def fresh(
        self, prices: Mapping[int, int] | None = None, vols: Mapping[tuple[int, int], float] | None = None
    ) -> None:
        """New prices, and surfaces fitted to them."""
        self.post(prices or {})
        self.show(vols)

    def mark(self, instrument: int) -> int:
        """What a fill is compared with, 1e-10: what the rule model says that one unit is worth."""
        market, expiry = market_of(instrument), expiry_of(instrument)
        feed = self.feed_of(market)
        spot = self.router.read("read", [feed])[0] & (1 << 72) - 1
        first = market | feed << 8 | 1 << 16 | (expiry * 60 - self.now) << 32 | ONE << 72 | ONE << 96
        words = [first, spot, *self.surfaces.read("read", [key_of(market, expiry)])]
        known = known_of(self.settlement(market, expiry), expiry, self.now, failed=False)
        words = known.enter(words) if known else words
        one = [instrument << 64 | SIZE]
        return int(self.deployed["RuleMargin"].read("assessOptions", [], [], [], words, one, b"")[0]) // SIZE

    @staticmethod
    def feed_of(market: int) -> int:
        return market + 1

    # ---------------------------------------------------------------- trading

    def order(self, account: bytes, legs: Sequence[tuple[int, int]], size: int = SIZE, **changes: Any) -> Order:
        """Anything goes: no limit, no end, a nonce of its own."""
        listed = tuple(Leg(instrument, quantity) for instrument, quantity in sorted(legs))
        return replace(Order(account, listed, size, ANY_PRICE, FOREVER, next(self._nonces)), **changes)

    def signed(self, order: Order) -> tuple[Any, bytes]:
        """As a Match takes it, signed by the account's owner."""
        name = next(name for name, address in self._actors.items() if address == order.owner)
        return order.values(), self.seal(order, name)

    def seal(self, order: Order, name: str) -> bytes:
        """The signature of an actor's key under anybody's order."""
        return sign(self._key(name), self.domain.digest(order))

    def filling(
        self, maker: bytes, taker: bytes, legs: Sequence[tuple[int, int]], prices: Sequence[int] | None = None
    ) -> Action:
        """`maker` gets the legs, `taker` gives them; at the marks by default."""
        legs = sorted(legs)
        prices = [self.mark(instrument) for instrument, _ in legs] if prices is None else prices
        mirror = [(instrument, -quantity) for instrument, quantity in legs]
        return match(self.signed(self.order(maker, legs)), self.signed(self.order(taker, mirror)), SIZE, prices)

    def match(
        self, maker: bytes, taker: bytes, legs: Sequence[tuple[int, int]], prices: Sequence[int] | None = None
    ) -> Receipt:
        return self.execute(self.admin, self.filling(maker, taker, legs, prices))

    def options(self, account: bytes) -> dict[int, int]:
        instruments, quantities = self.engine.read("options", account)
        return dict(zip(instruments, quantities, strict=True))

    # ---------------------------------------------------------------- expiry

    def settlement(self, market: int, expiry: int) -> Settlement:
        """What was recorded of an expiry's price."""
        return Settlement.from_word(ledger.read(self.engine, [ledger.settlement(market, expiry)])[0])

    def settle(self, market: int, expiry: int, *holders: bytes) -> Receipt:
        return self.execute(self.admin, settle_options(market, expiry, holders))

    def clearing(self, market: int) -> bytes:
        return accounts.pack(self.engine.address, accounts.Mode.CROSS, 0, market + 1)


class OptionWorld(OptionMixin):
    """A World with options in it."""


__all__ = ["DAY", "OptionMixin", "OptionWorld", "payoff", "smile"]
