"""The account of a published portfolio case (PMRM_2) as it is written, and how much it is enlarged to be kept.

A portfolio a thousand times as large, in amounts or in money, needs a thousand times the margin. Contracts keep amounts
at 1e-8 and prices at 1e-10: an account that would lose by that is taken as one so much larger that it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from plimsoll.vectors.field import Field

MAX_SERIES, MAX_EXPIRIES, MAX_COLLATERALS = 128, 12, 60
UNIT_SIZE, UNIT_PRICE = 10**8, 10**10
#: Largest amounts of a series and of a perp, in units; of a position, a balance and a price, in quote.
MOST_OPTIONS, MOST_PERPS, MOST_POSITION, MOST_MONEY, MOST_PRICE = 9 * 10**10, 7 * 10**8, 10**10, 10**18, 10**11
#: What may be lost of gross notional before an account is enlarged, and to how much money it is at most.
LOSS, ENLARGED = Fraction(5, 10**10), 10**10
#: Of what a surface's words hold: forward over spot, and years; |ρ| and |m|; b and σ.
MOST_CARRY, MOST_RHO, MOST_SVI = 18, 9, 10**9
CONFIDENCES = ("ForwardConfidence", "RateConfidence", "OptionVolConfidences")


@dataclass(frozen=True, slots=True)
class Collateral:
    amount: Fraction
    price: Fraction
    confidence: Fraction
    cancels: bool
    mm: Fraction
    im: Fraction


@dataclass(frozen=True, slots=True)
class Leg:
    secs: int
    strike: Fraction
    put: bool
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Feed:
    """Of one expiry. svi: a, b, ρ, m, σ, forward, τ; confidences: of forward, rate and volatility."""

    forward: Fraction
    rate: Fraction
    svi: tuple[Fraction, ...]
    confidences: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """size, money: by how much amounts, and what is counted in quote, have been enlarged."""

    cash: Fraction
    spot: Fraction
    stable: Fraction
    confidence: Fraction
    perps: Fraction
    perp_price: Fraction
    perp_confidence: Fraction
    pnl: Fraction
    collaterals: tuple[Collateral, ...]
    legs: tuple[Leg, ...]
    feeds: dict[int, Feed]
    size: int = 1
    money: int = 1

    @property
    def gross(self) -> Fraction:
        """Gross notional, quote: options at spot, perps, collateral and cash."""
        total = abs(self.cash) + abs(self.perps) * self.perp_price
        total += sum(abs(c.amount) * c.price / self.stable for c in self.collaterals)
        return total + sum(abs(leg.amount) for leg in self.legs) * self.spot

    def enlarged(self) -> Account:
        """Itself where contracts keep enough of it."""
        gross = max(self.gross, Fraction(1))
        held = [(leg.amount * UNIT_SIZE, max(leg.strike, self.spot)) for leg in self.legs]
        held.append((self.perps * UNIT_SIZE, self.spot))
        lost = sum((abs(amount - round(amount)) * worth for amount, worth in held), Fraction(0)) / UNIT_SIZE / gross
        room = Fraction(ENLARGED) / gross
        most = Fraction(MOST_PERPS * UNIT_SIZE) / max(Fraction(1), *(abs(amount) for amount, _ in held))
        size = _power(lost / LOSS, min(room, most))
        return self.times(size, _power(1 / (2 * UNIT_PRICE * self.spot) / LOSS, room / size))

    def times(self, size: int, money: int) -> Account:
        """So much larger in amounts, and in the money that everything is counted in."""
        return replace(
            self,
            cash=self.cash * size * money,
            spot=self.spot * money,
            perps=self.perps * size,
            perp_price=self.perp_price * money,
            pnl=self.pnl * size * money,
            collaterals=tuple(replace(c, amount=c.amount * size, price=c.price * money) for c in self.collaterals),
            legs=tuple(replace(leg, amount=leg.amount * size, strike=leg.strike * money) for leg in self.legs),
            feeds={secs: _priced(feed, money) for secs, feed in self.feeds.items()},
            size=self.size * size,
            money=self.money * money,
        )


def _power(wanted: Fraction, room: Fraction) -> int:
    """The least power of ten that is as much as wanted, or the largest there is room for."""
    found = 1
    while found < wanted and found * 10 <= room:
        found *= 10
    return found


def _priced(feed: Feed, money: int) -> Feed:
    *smile, reference, tau = feed.svi
    return replace(feed, forward=feed.forward * money, svi=(*smile, reference * money, tau))


# ---------------------------------------------------------------- reading


def read_account(field: Field) -> Account:
    perps = _within(field["NumPerps"], MOST_PERPS)
    price = _price(field["PerpPrice"]) if perps else Fraction(0)
    if abs(perps) * price > MOST_POSITION:
        raise field["NumPerps"].refused(f"the engine keeps positions of up to {MOST_POSITION:.0e} quote")
    collaterals = field["Collaterals"].items()
    if len(collaterals) > MAX_COLLATERALS:
        raise field["Collaterals"].refused(f"there are {len(collaterals)}, an account holds up to {MAX_COLLATERALS}")
    spot = _price(field["SpotPrice"])
    feeds = _feeds(field["OptionFeeds"], spot)
    return Account(
        cash=_within(field["Cash"], MOST_MONEY),
        spot=spot,
        stable=field["StablePrice"].positive(),
        confidence=field["SpotConfidence"].between(0, 1),
        perps=perps,
        perp_price=price,
        perp_confidence=field["PerpConfidence"].between(0, 1) if perps else Fraction(1),
        pnl=_within(field["UnrealisedPerpPNL"], MOST_POSITION) + _within(field["UnrealisedFunding"], MOST_POSITION),
        collaterals=tuple(map(_collateral, collaterals)),
        legs=_legs(field["Options"], feeds),
        feeds=feeds,
    )


def _collateral(field: Field) -> Collateral:
    return Collateral(
        amount=field["Amount"].between(0, MOST_MONEY // MOST_PRICE, "from 0 on: what is owed is cash below zero"),
        price=_price(field["Price"]),
        confidence=field["Confidence"].between(0, 1),
        cancels=field["IsRiskCancelling"].flag(),
        mm=field["MMHaircut"].between(0, 1),
        im=field["IMHaircut"].between(0, 1),
    )


def _feeds(field: Field, spot: Fraction) -> dict[int, Feed]:
    found: dict[int, Feed] = {}
    for feed in field.items():
        secs = _secs(feed["FeedExpiry"])
        if secs in found:
            raise feed["FeedExpiry"].refused("there is an entry for it already: one feed for each expiry")
        forward = feed["Forward"].positive()
        if forward > MOST_CARRY * spot:
            raise feed["Forward"].refused(f"a surface keeps forwards of up to {MOST_CARRY} times the spot price")
        found[secs] = Feed(
            forward=forward,
            rate=feed["Rate"].between(-MOST_RHO, MOST_RHO),
            svi=_svi(feed["SVIparam"]),
            confidences=tuple(feed[name].between(0, 1) for name in CONFIDENCES),
        )
    return found


def _svi(field: Field) -> tuple[Fraction, ...]:
    if len(field.items()) != 7:
        raise field.refused("seven numbers are expected: a, b, rho, m, sigma, forward, tau")
    a, b, rho, m, sigma, forward, tau = field.items()
    return (
        a.number(),
        b.between(0, MOST_SVI),
        rho.between(-MOST_RHO, MOST_RHO),
        m.between(-MOST_RHO, MOST_RHO),
        sigma.between(0, MOST_SVI),
        forward.positive(),
        tau.between(0, MOST_CARRY) and tau.positive(),
    )


def _legs(field: Field, feeds: dict[int, Feed]) -> tuple[Leg, ...]:
    legs = []
    for option in field.items():
        secs = _secs(option["Expiry"])
        if secs not in feeds:
            raise option["Expiry"].refused("there is no entry of OptionFeeds for it")
        put = not option["IsCall"].flag()
        legs.append(Leg(secs, _price(option["Strike"]), put, _within(option["Amount"], MOST_OPTIONS)))
    series = {(leg.secs, leg.strike, leg.put) for leg in legs if leg.amount}
    if len(series) > MAX_SERIES:
        raise field.refused(f"there are {len(series)} series, an account holds up to {MAX_SERIES}")
    if len({secs for secs, _, _ in series}) > MAX_EXPIRIES:
        raise field.refused(f"there are {len({s for s, _, _ in series})} expiries, up to {MAX_EXPIRIES} fit an account")
    return tuple(legs)


def _secs(field: Field) -> int:
    """To expiry, from this second on."""
    secs = field.whole()
    if not 0 <= secs < 2**32:
        raise field.refused("seconds from now are expected, not below zero: what has expired is settled, leave it out")
    return secs


def _price(field: Field) -> Fraction:
    if field.positive() > MOST_PRICE:
        raise field.refused(f"contracts keep prices of up to {MOST_PRICE:.0e}")
    return field.number()


def _within(field: Field, most: int) -> Fraction:
    value = field.number()
    if abs(value) > most:
        raise field.refused(f"an account keeps up to {most:.0e}")
    return value
