"""Signed orders that somebody left for the keeper, and what they are worth to it.

    bids = Bids(path, domain).read()                 those that can be read, of a file or a folder of *.json
    offer = offer_of(signed, left, options, quotes, terms)     how much of it reduces the position, and at which prices

An order is taken when it is of options alone, brings every series in it nearer to zero, and pays at least what
it takes away at the marks, less the discount; the taker's fee comes on top. All of it in integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any

import structlog

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import BPS, PPM, ceil_div
from plimsoll.margin.option_series import MINUTE, expiry_of, market_of
from plimsoll.margin.snapshot import RAMPING, Snapshot
from plimsoll.orders import ANYONE, ONE, Domain, Leg, Order
from plimsoll.signed_orders import SignedOrder

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

EDGE = 50  # a fiftieth of the band is left: marks move until the block
PREMIUM_SHARE = 8  # OptionLogic: a fee is at most an eighth of the premium


@dataclass
class Bids:
    """`path` None: there are none. A file is parsed again only when it has changed; one that cannot be is told once."""

    path: Path | None
    domain: Domain
    _known: dict[Path, tuple[int, SignedOrder | None]] = field(default_factory=dict)

    def read(self) -> list[SignedOrder]:
        found = [self._order(path) for path in self._files()]
        return [order for order in found if order is not None]

    def _files(self) -> list[Path]:
        if self.path is None or not self.path.exists():
            return []
        return sorted(self.path.glob("*.json")) if self.path.is_dir() else [self.path]

    def _order(self, path: Path) -> SignedOrder | None:
        try:
            changed = path.stat().st_mtime_ns
        except OSError:  # taken away since the folder was listed
            return None
        if path not in self._known or self._known[path][0] != changed:
            try:
                self._known[path] = changed, SignedOrder.read(path, self.domain)
            except BadInput as error:
                self._known[path] = changed, None
                log.warning("order not read", file=path.name, reason=str(error))
        return self._known[path][1]


@dataclass(frozen=True, slots=True)
class Offer:
    """A fill: packages (1e-8), prices per leg (1e-10); the rest WAD in all. `over_mark`: the fee is not in it."""

    signed: SignedOrder
    size: int
    prices: tuple[int, ...]
    premium: int
    fee: int
    over_mark: int
    given_up: int  # what the settings let it cost, WAD

    @property
    def is_good(self) -> bool:
        return self.over_mark >= -self.given_up

    def mirror(self) -> tuple[Leg, ...]:
        """The keeper's legs."""
        return tuple(Leg(leg.instrument, -leg.quantity) for leg in self.signed.order.legs)

    def changes(self) -> dict[int, int]:
        """What it does to the keeper's options, 1e-8."""
        return {leg.instrument: leg.quantity * self.size // ONE for leg in self.mirror()}


def why_not(order: Order, own: bytes, sender: str, now: int) -> str:
    """Why an order is nothing for this keeper, whatever it pays; empty when it may be something."""
    if order.account == own:
        return "it is the keeper's own"
    if order.taker not in (ANYONE, sender):
        return "it is for somebody else"
    if order.expiry <= now:
        return "it has expired"
    if any(expiry_of(leg.instrument) * MINUTE <= now for leg in order.legs):
        return "it has a leg that is a perp, or has expired"
    return ""


def reducing(order: Order, left: int, options: Mapping[int, int]) -> int:
    """The most packages that bring every series nearer to zero, and none beyond it; whole at 1e-8 in every leg."""
    size, step = left, 1
    for leg in order.legs:
        have = options.get(leg.instrument, 0)
        if have == 0 or (have > 0) != (leg.quantity > 0):
            return 0
        size = min(size, abs(have) * ONE // abs(leg.quantity))
        part = ONE // gcd(ONE, abs(leg.quantity))
        step = step * part // gcd(step, part)
    return size // step * step


def offer_of(
    signed: SignedOrder, size: int, quotes: Mapping[int, Any], snapshot: Snapshot, discount: int
) -> Offer | None:
    """`size` packages at the maker's limit, as far as the band lets him pay it; None when the band lets him not."""
    order = signed.order
    marks = [int(quotes[leg.instrument].mark) for leg in order.legs]
    at_mark = sum(leg.quantity * mark for leg, mark in zip(order.legs, marks, strict=True))
    whole = sum(abs(leg.quantity) for leg in order.legs)
    off = (order.limit * ONE - at_mark) // whole
    band = min(_band(leg, quotes, snapshot) for leg in order.legs)
    band -= band // EDGE
    if off < -band:
        return None
    off = min(off, band)
    prices = [mark + (off if leg.quantity > 0 else -off) for leg, mark in zip(order.legs, marks, strict=True)]
    if min(prices) < 0:
        return None
    changes = [abs(leg.quantity) * size // ONE for leg in order.legs]
    premium = sum(leg.quantity * price for leg, price in zip(order.legs, prices, strict=True)) * size // ONE
    fees = [
        _fee(amount, price, leg, quotes, snapshot)
        for amount, price, leg in zip(changes, prices, order.legs, strict=True)
    ]
    value = sum(amount * mark for amount, mark in zip(changes, marks, strict=True))
    over = premium - at_mark * size // ONE
    return Offer(signed, size, tuple(prices), premium, sum(fees), over, value * discount // BPS)


def _band(leg: Leg, quotes: Mapping[int, Any], snapshot: Snapshot) -> int:
    """OptionMarks.requireBand; while a rate ramps the lower one counts."""
    market = snapshot.markets[market_of(leg.instrument)]
    rates = [market.risk.mm_rate1] + ([market.ramp.mm_rate1] if market.risk.flags & RAMPING else [])
    return int(quotes[leg.instrument].spot) * min(rates) // (2 * BPS)


def _fee(amount: int, price: int, leg: Leg, quotes: Mapping[int, Any], snapshot: Snapshot) -> int:
    """The taker's, WAD."""
    rate = snapshot.markets[market_of(leg.instrument)].trade.taker_fee
    return min(ceil_div(amount * int(quotes[leg.instrument].spot) * rate, PPM), amount * price // PREMIUM_SHARE)
