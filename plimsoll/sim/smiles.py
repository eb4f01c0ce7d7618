"""Surfaces between two recorded option chains: what a market quotes while it falls from the one to the other.

    fall = Fall.load(before, after, ("BTC", "ETH"))
    for moment in fall.moments(step=900): moment.index["BTC"], moment.quoted({"BTC": 1, "ETH": 0})

Index, carry and the five numbers of a smile are straight lines in time from the first chain's to the second's; an
expiry that the second chain has no more keeps its volatilities, so its variance shrinks with the time that is left. A
mixture of two smiles without arbitrage may have some: then every later expiry is lifted, by as little as helps, until
`require_good` agrees with what will be signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from plimsoll.errors import BadInput, PlimsollError
from plimsoll.margin.fixed_math import WAD, YEAR
from plimsoll.margin.surface_checks import Rules, crossing, examine
from plimsoll.prices import PRICE
from plimsoll.pricing.chain import Chain, load_chain
from plimsoll.pricing.surfaces import fit_chain
from plimsoll.pricing.svi import Slice
from plimsoll.surfaces import Fit, Quoted, Smile, Surface, Terms, require_good

CONFIDENCE = 300  # ppm, of forward, rate and volatility
LEAST = 900  # seconds: a surface is told as long as its expiry is farther than this
LIFT, MORE, LIFTS = 2e-5, 1.25, 32  # of total variance, each so many times the one before


class NoSurface(PlimsollError):
    """Between the two chains there is a moment without a surface that a feed would take."""


@dataclass(frozen=True, slots=True)
class Line:
    """One expiry of one underlying: smile and forward / index at the first chain, and at the second if it is there."""

    expiry: int
    first: Slice
    last: Slice | None
    carry: tuple[float, float]

    def at(self, share: float, index: float, years: float) -> Slice:
        """The smile when `share` of the way is gone."""
        forward = index * ((1 - share) * self.carry[0] + share * self.carry[1])
        if self.last is None:
            left = years / self.first.years
            smile = replace(self.first, a=self.first.a * left, b=self.first.b * left)
        else:
            smile = _between(self.first, self.last, share)
        return replace(smile, forward=forward, years=years)


def _between(one: Slice, other: Slice, share: float) -> Slice:
    """a, b, b·ρ, m and σ on straight lines."""
    a, b, m, sigma = (
        (1 - share) * getattr(one, name) + share * getattr(other, name) for name in ("a", "b", "m", "sigma")
    )
    rho = ((1 - share) * one.b * one.rho + share * other.b * other.rho) / b
    return replace(one, a=a, b=b, rho=rho, m=m, sigma=sigma)


@dataclass(frozen=True, slots=True)
class Moment:
    """One time: index and smiles by underlying."""

    time: int
    index: Mapping[str, float]
    smiles: Mapping[str, Mapping[int, Slice]]

    def price(self, underlying: str) -> int:
        """1e-10 quote."""
        return round(self.index[underlying] * PRICE)

    def smile(self, underlying: str, expiry: int) -> Slice:
        return self.smiles[underlying][expiry]

    def quoted(self, markets: Mapping[str, int], rules: Mapping[int, Rules], now: int | None = None) -> list[Quoted]:
        """What is signed, as the contract will take it at `now`; NoSurface when there is nothing it would take."""
        now = self.time if now is None else now
        found: list[Quoted] = []
        for underlying, market in markets.items():
            near: Surface | None = None
            for expiry, smile in self.smiles[underlying].items():
                quote = _good(market, expiry, smile, self.index[underlying], near, rules[market], self.time, now)
                near = quote.surface
                found.append(quote)
        require_good(found, rules, self.time, now)
        return found


def _good(
    market: int,
    expiry: int,
    smile: Slice,
    index: float,
    near: Surface | None,
    rules: Rules,
    at: int,
    now: int,
) -> Quoted:
    """The surface, lifted until nothing is wrong with it alone or beside the nearer one."""
    for lifts in range(LIFTS):
        raised = replace(smile, a=smile.a + (LIFT * MORE**lifts if lifts else 0.0))
        surface = surface_of(raised, index, expiry, at)
        refusal = examine(rules, surface, expiry, at, now)
        if refusal is None and (near is None or crossing(near, surface) is None):
            return Quoted(market, expiry // 60, surface)
    raise NoSurface(f"market {market}, expiry {expiry}, at {at}: {refusal or 'it crosses the expiry before it'}")


def surface_of(smile: Slice, index: float, expiry: int, at: int) -> Surface:
    """A smile in the feed's units. A rate of the quote asset is no part of a chain: a basis over hours is none."""
    a, b, rho, m, sigma = (round(getattr(smile, name) * WAD) for name in ("a", "b", "rho", "m", "sigma"))
    fit = Fit(sigma=sigma, forward_ref=round(smile.forward * PRICE), tau=(expiry - at) * WAD // YEAR)
    doubt = {f"{name}_confidence": CONFIDENCE for name in ("forward", "rate", "vol")}
    terms = Terms(carry=round(smile.forward / index * WAD), **doubt)
    return Surface(Smile(a=a, b=b, rho=rho, m=m), fit, terms)


@dataclass(frozen=True, slots=True)
class Fall:
    """From one recorded chain to another of the same underlyings."""

    begin: int
    end: int
    index: Mapping[str, tuple[float, float]]
    lines: Mapping[str, tuple[Line, ...]]
    first: Mapping[str, Chain]

    @classmethod
    def load(cls, before: Path, after: Path, underlyings: Sequence[str], horizon: int) -> Fall:
        """Expiries that the first chain has within `horizon` seconds."""
        index, lines, first = {}, {}, {}
        for name in underlyings:
            one, other = (_near(load_chain(path, name), horizon) for path in (before, after))
            first[name], index[name] = one, (one.index, other.index)
            lines[name] = _lines(one, other)
            begin, end = round(one.time), round(other.time)
        if not begin < end:
            raise BadInput("chains", str(after), f"it must be later than {before}")
        return cls(begin, end, index, lines, first)

    def moments(self, step: int) -> Iterator[Moment]:
        """The first chain's moment, then every `step` seconds, and the second's."""
        for time in (*range(self.begin, self.end, step), self.end):
            yield self.at(time)

    def at(self, time: int) -> Moment:
        share = (time - self.begin) / (self.end - self.begin)
        index = {name: (1 - share) * one + share * other for name, (one, other) in self.index.items()}
        smiles = {}
        for name, lines in self.lines.items():
            alive = [line for line in lines if line.expiry - time > LEAST]
            smiles[name] = {line.expiry: line.at(share, index[name], (line.expiry - time) / YEAR) for line in alive}
        return Moment(time, index, smiles)


def _near(chain: Chain, horizon: int) -> Chain:
    return replace(chain, expiries=tuple(e for e in chain.expiries if e.time - chain.time <= horizon))


def _lines(one: Chain, other: Chain) -> tuple[Line, ...]:
    before = {s.expiry: s for s in fit_chain(one).surfaces}
    after = {s.expiry: s for s in fit_chain(other).surfaces}
    lines = []
    for expiry, surface in before.items():
        last = after.get(expiry)
        if last is None and expiry > other.time:
            continue
        carry = surface.smile.forward / one.index
        then = last.smile.forward / other.index if last else carry
        lines.append(Line(expiry, surface.smile, last.smile if last else None, (carry, then)))
    return tuple(lines)
