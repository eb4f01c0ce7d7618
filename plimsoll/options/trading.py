"""Orders out of what people write, and fills of two of them.

terms = Terms.read(deployment, owner)                         lockdown, group epoch, a fresh nonce
order = order_of(account, legs, terms, limit=…, valid=…)
fill = Fill.of(deployment, maker, account, size)              the mirror, prices, and what both accounts would be
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plimsoll import ledger, units
from plimsoll.accounts import AccountId
from plimsoll.actions import Action, batch, match
from plimsoll.errors import BadInput
from plimsoll.margin import option_series
from plimsoll.options import board, series
from plimsoll.orders import ANYONE, ONE, Domain, Leg, Order
from plimsoll.previews import Preview, preview
from plimsoll.signed_orders import SignedOrder

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

LOCKDOWNS = 12  # Ledger.State.lockdowns, as LedgerSlots has it
#: IOrderVerifier.OrderStatus
ENDED = (
    "nothing of it is left",
    "its nonce was used or cancelled",
    "another order of its nonce was filled in part",
    "it has expired",
    "its group was cancelled",
    "a lockdown has ended it",
)
_LEG = "write SERIES:QUANTITY, such as ETH-20261225T0800-3000-C:2 or ETH-PERP:-0.5; negative sells"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order names of its owner's counters, and a nonce that nothing has used."""

    lockdown: int
    group: int
    group_epoch: int
    nonce: int

    @classmethod
    def read(cls, d: Deployment, owner: str, *, group: int = 0, nonce: int | None = None) -> Terms:
        """A nonce by the clock, unless one is given: orders of a few seconds share a word."""
        (lockdown,) = ledger.read(d.engine, [ledger.entry(int(owner, 16), LOCKDOWNS)])
        epoch = d.verifier.read("groupEpochOf", owner, group) if group else 0
        if nonce is None:
            nonce = (d.chain.block()[1] << 8) + secrets.randbelow(256)
        if d.verifier.read("noncesOf", owner, nonce >> 8) >> (nonce & 255) & 1:
            raise BadInput("nonce", nonce, "it was used or cancelled: choose another")
        return cls(lockdown, group, epoch, nonce)


def domain_of(d: Deployment) -> Domain:
    return Domain(d.verifier.address, d.manifest.chain_id)


def symbols_of(d: Deployment) -> list[str]:
    return [market.symbol for market in d.parameters.markets]


def parse_legs(d: Deployment, written: Sequence[str]) -> tuple[Leg, ...]:
    """`SERIES:QUANTITY` each, in any order."""
    legs = []
    for item in written:
        name, colon, quantity = item.rpartition(":")
        if not colon:
            raise BadInput("leg", item, _LEG)
        legs.append(Leg(series.parse(name, symbols_of(d)), units.parse(quantity, units.SIZE_DECIMALS, "quantity")))
    return tuple(sorted(legs, key=lambda leg: leg.instrument))


def marks(d: Deployment, legs: Sequence[Leg]) -> list[int]:
    """1e-10 per unit: an option's mark, a perp's index."""
    options = [leg.instrument for leg in legs if option_series.expiry_of(leg.instrument)]
    known = {quoted.instrument: quoted.mark for quoted in board.quotes(d, options)}
    for leg in legs:
        if leg.instrument not in known:
            feed = d.parameters.markets[option_series.market_of(leg.instrument)].feed
            known[leg.instrument] = d.router.read("read", [feed])[0] & (1 << 72) - 1
    return [known[leg.instrument] for leg in legs]


def package_price(legs: Sequence[Leg], prices: Sequence[int]) -> int:
    """What one package costs at `prices`, 1e-18 quote."""
    return sum(leg.quantity * price for leg, price in zip(legs, prices, strict=True))


def to_limit(price: int) -> int:
    """The least limit that takes a package price, 1e-10."""
    return -(-price // ONE)


def order_of(
    account: bytes,
    legs: tuple[Leg, ...],
    terms: Terms,
    *,
    size: int,
    limit: int,
    expiry: int,
    taker: str = ANYONE,
    reduce_only: bool = False,
) -> Order:
    counters = (terms.group, terms.group_epoch, terms.lockdown)
    return Order(account, legs, size, limit, expiry, terms.nonce, *counters, taker, reduce_only)


def leg_prices(maker: Order, at_mark: Sequence[int]) -> list[int]:
    """Prices per leg that come to the maker's limit: each as far from its mark, rounded for the maker."""
    off = maker.limit * ONE - package_price(maker.legs, at_mark)
    whole = sum(abs(leg.quantity) for leg in maker.legs)
    prices = []
    for leg, mark in zip(maker.legs, at_mark, strict=True):
        move = off // whole if leg.quantity > 0 else -(off // whole)
        prices.append(mark + move)
    if wrong := [price for price in prices if price < 0]:
        raise BadInput("prices", [units.price(p) for p in wrong], "a leg would be paid for below zero: give --prices")
    return prices


@dataclass(frozen=True)
class Fill:
    """One Match: prices per leg (1e-10), the premium the maker pays for it (WAD), both accounts before and after."""

    maker: SignedOrder
    taker: Order
    size: int
    prices: list[int]
    at_mark: list[int]
    before: Preview
    after: Preview
    action: Action = field(repr=False)

    @classmethod
    def of(
        cls,
        d: Deployment,
        maker: SignedOrder,
        account: bytes,
        *,
        size: int | None = None,
        prices: list[int] | None = None,
        limit: int | None = None,
        sender: str,
        report: bytes = b"",
    ) -> Fill:
        at_mark = marks(d, maker.order.legs)
        prices = prices or leg_prices(maker.order, at_mark)
        if len(prices) != len(maker.order.legs):
            raise BadInput("prices", len(prices), f"the order has {len(maker.order.legs)} legs, each needs one")
        size = left(d, maker) if size is None else size
        mirror = tuple(Leg(leg.instrument, -leg.quantity) for leg in maker.order.legs)
        if limit is None:
            limit = to_limit(package_price(mirror, prices))
        terms = Terms.read(d, AccountId.unpack(account).owner)
        taker = order_of(account, mirror, terms, size=size, limit=limit, expiry=d.chain.block()[1] + 3600)
        action = match(maker.values, (taker.values(), b""), size, prices)
        both = [maker.order.account, account]
        before = preview(d.engine, batch([], report), both, sender=sender)
        after = preview(d.engine, batch([action], report), both, sender=sender)
        return cls(maker, taker, size, prices, at_mark, before, after, action)

    @property
    def premium(self) -> int:
        """What the maker pays the taker, quote WAD; negative: is paid."""
        return package_price(self.maker.order.legs, self.prices) * self.size // ONE


def left(d: Deployment, maker: SignedOrder) -> int:
    """Packages that can still be filled; BadInput says what ended the order."""
    status, remaining = d.verifier.read("statusOf", maker.order.values())
    if not remaining:
        raise BadInput("order", "0x" + maker.digest.hex(), f"{ENDED[status]}: ask for another")
    return int(remaining)


def leg_data(d: Deployment, legs: Sequence[Leg], at_mark: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {"series": series.text(leg.instrument, symbols_of(d)), "instrument": str(leg.instrument)}
        | {"quantity": units.size(leg.quantity), "mark": units.price(mark)}
        for leg, mark in zip(legs, at_mark, strict=True)
    ]
