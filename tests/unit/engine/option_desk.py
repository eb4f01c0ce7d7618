"""A desk where options are traded: a model that can be checked by hand, surfaces that say what they are told.

desk = OptionDesk.create().with_options()
desk.match(maker, taker, [(desk.call(3000), SIZE)], [120 * PRICE])       # maker buys one call of taker for 120

MockOptionModel: a mark is the pay-off at the spot, and ALIVE on top until the expiry; a short, and a perp, needs a
tenth of its notional.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from desk import PRICE, SIZE, WAD, Desk

from plimsoll import accounts, ledger
from plimsoll.actions import match, settle_options
from plimsoll.errors import Reverted
from plimsoll.margin.option_series import key_of, market_of, pack
from plimsoll.margin.option_values import PORTFOLIO
from plimsoll.margin.rule_margin import Assessment
from plimsoll.margin.snapshot import Snapshot
from plimsoll.margin.words import Globals, Settlement
from plimsoll.orders import Leg, Order
from plimsoll.testing.deployment import parameters

ALIVE = 50 * PRICE
RATE = 1000  # bps
MM_FLOOR, IM_FLOOR = 10 * WAD, 15 * WAD
DAY = 1440  # minutes
SIGNED = b"\x01" * 65


@contextmanager
def refused(name, *first):
    """The call fails with this error, whose first values are these."""
    with pytest.raises(Reverted) as caught:
        yield caught
    assert name == caught.value.name, str(caught.value)
    assert caught.value.values[: len(first)] == first, str(caught.value)


class HandModel:
    """Twin of MockOptionModel."""

    def __init__(self, alive=ALIVE, rate=RATE, percent=100):
        self.alive, self.rate = alive, rate

    def assess(self, assets, perps):
        words = [word for perp in perps for word in perp.to_words()]
        return self.assess_options([asset.to_word() for asset in assets], [], words, [], [])

    def assess_options(self, assets, tags, perps, expiries, options, witness=b""):
        values = [_signed(word, 256) >> 48 for word in assets]
        equity, notional = sum(values), 0
        mm = sum(-value // 10_000 for value in values if value < 0)
        for at in range(0, len(perps), 4):
            size = perps[at] % 2**136
            equity, notional = equity + _signed(perps[at + 1], 256), notional + size
            mm += size * self.rate // 10_000
        todo = iter(options)
        for at in range(0, len(expiries), 5):
            spot = expiries[at + 1] % 2**72
            extra = self.alive if expiries[at] >> 32 & 0xFFFFFFFF else 0
            for word in (next(todo) for _ in range(expiries[at] >> 16 & 0xFFFF)):
                quantity = _signed(word % 2**64, 64)
                equity += quantity * (pays(word >> 64, spot) + extra)
                notional += abs(quantity) * spot
                mm += abs(quantity) * spot * self.rate // 10_000 if quantity < 0 else 0
        if mm == 0:
            return Assessment(equity, 0, 0, 0, notional)
        percent = witness[0] if witness else 100
        im, mm = max(2 * mm, IM_FLOOR) * percent // 100, max(mm, MM_FLOOR) * percent // 100
        return Assessment(equity, im, im, mm, notional)


def pays(instrument, price):
    """The pay-off, written out again."""
    strike = (instrument >> 1 & 0xFFFFFF) * 10 ** (instrument >> 25 & 15)
    return max(strike - price if instrument & 1 else price - strike, 0)


def _signed(word, bits):
    return word - (1 << bits) if word >> (bits - 1) else word


class OptionDesk(Desk):
    @classmethod
    def create(cls, chain=None, **how):
        """Without the portfolio model that a deployment installs: another one would be ramped in beside it."""
        how.setdefault("parameters", replace(parameters(exchange=how.get("exchange", False)), portfolio=None))
        return super().create(chain, **how)

    def with_options(self, *, surfaces=True):
        """Puts the mocks in their places. The rule model's is written into its slot, past the ramp; the portfolio
        one comes after none, for the same reason."""
        self.model = self.put("MockOptionModel", MM_FLOOR, IM_FLOOR, ALIVE, RATE)
        self.surfaces = self.put("MockSurfaces")
        self.judge = self.put("MockVerifier", self.engine.address)
        word = Globals.from_word(ledger.read(self.engine, [ledger.GLOBALS])[0])
        word = replace(word, model=int(self.model.address, 16))
        self.chain.set_storage(self.engine.address, ledger.GLOBALS, word.to_word())
        self.without_portfolios()
        self.install("setPortfolioModel", self.model.address)
        self.install("setSurfaces", self.surfaces.address)
        self.install("setVerifier", self.judge.address)
        self.expiry = self.now // 60 + 30 * DAY
        if surfaces:
            for market in range(3):
                self.show(market, self.expiry)
        return self

    def without_portfolios(self):
        """As it is where no portfolio model was ever set."""
        self.chain.set_storage(self.engine.address, ledger.OPTION_SETUP, 0)
        return self

    def install(self, name, address):
        return self.deployed["OptionConfig"].write(name, address, sender=self.admin)

    def by_admin(self, name, *args):
        return self.config.write(name, *args, sender=self.admin)

    # ---------------------------------------------------------------- series and surfaces

    def call(self, strike, *, market=0, expiry=None):
        return pack(market, expiry or self.expiry, int(strike * PRICE), put=False)

    def put_on(self, strike, *, market=0, expiry=None):
        return pack(market, expiry or self.expiry, int(strike * PRICE), put=True)

    def show(self, market, expiry, *, status=0):
        """A surface published now."""
        words = (1, self.now << 200, status << 200)
        self.surfaces.write("set", key_of(market, expiry), words, sender=self.admin)

    # ---------------------------------------------------------------- people

    def portfolio(self, name, quote=0, index=0):
        account = accounts.pack(self.actor(name), PORTFOLIO, 0, index)
        if quote:
            self.fund(account, 0, int(quote * 10**6))
        return account

    # ---------------------------------------------------------------- trading

    def order(self, account, legs, size=SIZE, **changes):
        """Anything goes: no limit, no end."""
        legs = tuple(Leg(instrument, quantity) for instrument, quantity in sorted(legs))
        plain = Order(account, legs, size, 2**100, 2**32 - 1, 0)
        return replace(plain, **changes)

    def match(self, maker, taker, legs, prices, *, size=SIZE, sender=None, signatures=(SIGNED, SIGNED), **options):
        """`maker` gets the legs, `taker` gives them. Options: maker=…, taker=… change an order, reducing=…, prices_…"""
        return self.execute(sender or self.admin, self.filling(maker, taker, legs, prices, size, signatures, **options))

    def filling(self, maker, taker, legs, prices, size=SIZE, signatures=(SIGNED, SIGNED), first=None, second=None):
        mirror = [(instrument, -quantity) for instrument, quantity in legs]
        one = self.order(maker, legs, **{"size": size, **(first or {})}).values()
        two = self.order(taker, mirror, **{"size": size, **(second or {})}).values()
        return match((one, signatures[0]), (two, signatures[1]), size, prices)

    def open(self, long, short, instrument, quantity=SIZE, price=None):
        """`long` buys of `short`, at the mark by default."""
        if price is None:
            price = pays(instrument, self.prices[market_of(instrument) + 1]) + ALIVE
        return self.match(long, short, [(instrument, quantity)], [price])

    def options(self, account):
        instruments, quantities = self.engine.read("options", account)
        return dict(zip(instruments, quantities, strict=True))

    # ---------------------------------------------------------------- expiry

    def settle_price(self, market, expiry, price):
        """Writes a final settlement price."""
        self.chain.set_storage(
            self.engine.address, ledger.settlement(market, expiry), Settlement(price=price).to_word()
        )

    def observe(self, market, expiry):
        return self.engine.write("observeExpiry", market, expiry, sender=self.admin)

    def settle(self, market, expiry, *holders):
        return self.execute(self.admin, settle_options(market, expiry, holders))

    def clearing(self, market):
        return accounts.pack(self.engine.address, accounts.Mode.CROSS, 0, market + 1)

    # ---------------------------------------------------------------- twins

    def snapshot_words(self) -> Snapshot:
        plain = super().snapshot_words()
        model = HandModel(self.model.read("timeValue"), self.model.read("rate"))
        surfaces, settlements = {}, {}
        for market in range(3):
            for expiry in self.expiries(market):
                key = key_of(market, expiry)
                surfaces[key] = tuple(self.surfaces.read("read", [key]))
                (word,) = ledger.read(self.engine, [ledger.settlement(market, expiry)])
                settlements[key] = Settlement.from_word(word)
        return replace(plain, model=model, portfolio=model, surfaces=surfaces, settlements=settlements)

    def expiries(self, market):
        return [self.expiry + days * DAY for days in (-1, 0, 1, 2, 7)] + getattr(self, "extra_expiries", [])

    def mirror(self, account):
        return replace(super().mirror(account), options=self.options(account))
