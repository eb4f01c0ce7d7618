"""What the options of an account are worth and must hold, by rule. Twin of contracts/margin/RuleOptions.sol.

Per expiry, with L and N the marks of its longs and of all its options, X what its shorts need above their marks one by
one, and W the worst payoff at expiry, at most zero:

    requirement = max(0, min((1 − long_share)·L + X, N − W))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.margin import black76, svi_math
from plimsoll.margin.fixed_math import BPS, PPM, WAD, ceil_div, positive, sqrt_years
from plimsoll.margin.option_terms import OptionTerms, is_doubtful
from plimsoll.margin.volatility_math import ONE

E8 = 10**8
SETTLED = 1


class Holding(NamedTuple):
    """Of one series. The strike is mantissa·10^exponent, 1e-10 quote; the quantity in 1e-8, below zero when sold."""

    mantissa: int
    exponent: int
    put: bool
    quantity: int

    @property
    def strike(self) -> int:
        return self.mantissa * 10**self.exponent

    def to_word(self, market: int, expiry: int) -> int:
        instrument = int(self.put) | self.mantissa << 1 | self.exponent << 25 | expiry << 29 | market << 56
        return instrument << 64 | self.quantity % 2**64


class ExpiryExposure(NamedTuple):
    """An account's options of one market and expiry, ascending by series. Spot in 1e-10 quote, once settled the
    settlement price; doubt = 1 − its confidence, ppm; the surface's words, zero when expired; multipliers in 2^14."""

    market: int
    expiry: int
    holdings: tuple[Holding, ...]
    spot: int
    seconds: int
    surface: tuple[int, int, int] = (0, 0, 0)
    doubt: int = 0
    settled: bool = False
    mult_im: int = ONE
    mult_mm: int = ONE
    feed: int = 0

    def to_words(self) -> tuple[int, ...]:
        head = self.market | self.feed << 8 | len(self.holdings) << 16 | self.seconds << 32
        head |= (SETTLED if self.settled else 0) << 64 | self.mult_im << 72 | self.mult_mm << 96
        return head, self.spot | self.doubt << 72, *self.surface

    @property
    def live(self) -> bool:
        """Whether there is a surface to price by; otherwise an option is what it would pay now."""
        return self.seconds > 0 and not self.settled and self.surface[2] % 2**64 > 0 and self.fitted > 0

    @property
    def fitted(self) -> int:
        """The forward that the smile is of."""
        return self.surface[1] >> 64 & 2**72 - 1

    @property
    def smile(self) -> svi_math.Smile:
        words = ((self.surface[0] >> shift) % 2**64 for shift in (0, 64, 128, 192))
        a, b, rho, m = (word - 2**64 if word >> 63 else word for word in words)
        return svi_math.Smile(a, b, rho, m, self.surface[1] % 2**64)

    @property
    def forward(self) -> int:
        return self.spot * (self.surface[2] % 2**64) // WAD if self.live else self.spot

    @property
    def worst_doubt(self) -> int:
        carry = self.surface[2]
        return min(max(self.doubt, carry >> 128 & 0xFFFFFF, carry >> 176 & 0xFFFFFF), PPM)


class OptionRequirement(NamedTuple):
    """Quote WAD. `exposed`: something is sold, or owed since it was settled."""

    equity: int
    im: int
    im0: int
    mm: int
    notional: int
    exposed: bool


class _Rates(NamedTuple):
    """What a short needs above its mark, per unit of the underlying, WAD."""

    most: int
    least: int
    call: int
    put: int

    @classmethod
    def at(cls, terms: OptionTerms, spot: int, multiplier: int) -> _Rates:
        rates = (terms.max_spot, terms.min_spot, terms.mm_call, terms.mm_put)
        return cls(*(ceil_div(spot * E8 * multiplier * rate, BPS * ONE) for rate in rates))

    def margins(self, terms: OptionTerms, spot: int, option: Holding, mark: int) -> tuple[int, int]:
        """(IM, MM) above the mark."""
        out = positive(spot - option.strike if option.put else option.strike - spot) * E8
        im = max(self.most - out, self.least)
        if not option.put:
            return im, self.call
        mm = max(self.put, ceil_div(mark * terms.mm_put_mark, BPS))
        return max(im, ceil_div((mark + mm) * terms.offset, BPS) - mark), mm


@dataclass(slots=True)
class _Sums:
    """Amounts in 1e-26, a quantity times a price in WAD; quantities in 1e-8."""

    longs: int = 0
    shorts: int = 0
    bought: int = 0
    sold: int = 0
    im: int = 0
    im0: int = 0
    mm: int = 0


def assess_options(terms: OptionTerms, expiries: Iterable[ExpiryExposure]) -> OptionRequirement:
    equity = im = im0 = mm = notional = 0
    exposed = False
    for expiry in expiries:
        sums = _sums(terms, expiry)
        one = _settled(terms, sums) if expiry.settled else _open(terms, expiry, sums)
        equity, im, im0, mm = equity + one.equity, im + one.im, im0 + one.im0, mm + one.mm
        notional, exposed = notional + one.notional, exposed or one.exposed
    return OptionRequirement(equity, im, im0, mm, notional, exposed)


def marks(expiry: ExpiryExposure) -> list[int]:
    """Of each holding, per unit of the underlying, WAD."""
    return [_mark(expiry, option) for option in expiry.holdings]


def worst_loss(holdings: Sequence[Holding]) -> int:
    """−min(0, payoff) over zero and all strikes, WAD: the payoff is linear between them. Holdings ascend by strike."""
    payoff = least = sum(option.quantity * option.strike for option in holdings if option.put)
    slope, last = -sum(option.quantity for option in holdings if option.put), 0
    for option in holdings:
        payoff += slope * (option.strike - last)
        least = min(least, payoff)
        slope, last = slope + option.quantity, option.strike
    return positive(-least)


def _sums(terms: OptionTerms, expiry: ExpiryExposure) -> _Sums:
    sums = _Sums()
    ramped = _Rates.at(terms, expiry.spot, expiry.mult_mm)
    current = _Rates.at(terms, expiry.spot, expiry.mult_im)
    for option, mark in zip(expiry.holdings, marks(expiry), strict=True):
        if option.quantity > 0:
            sums.bought += option.quantity
            sums.longs += option.quantity * mark
            continue
        size = -option.quantity
        sums.sold += size
        sums.shorts += size * mark
        im0, mm = ramped.margins(terms, expiry.spot, option, mark)
        im, _ = current.margins(terms, expiry.spot, option, mark)
        sums.im, sums.im0, sums.mm = sums.im + size * im, sums.im0 + size * im0, sums.mm + size * mm
    return sums


def _settled(terms: OptionTerms, sums: _Sums) -> OptionRequirement:
    """Nothing is at risk any more, but what clearing owes is not paid yet."""
    net = sums.longs - sums.shorts
    held = ceil_div(_uncounted(terms, positive(net)), E8)
    return OptionRequirement(net // E8, held, held, held, 0, net < 0)


def _open(terms: OptionTerms, expiry: ExpiryExposure, sums: _Sums) -> OptionRequirement:
    net = sums.longs - sums.shorts
    worst = worst_loss(expiry.holdings)
    unpaired = positive(-sum(o.quantity for o in expiry.holdings if not o.put)) * expiry.forward
    alone = _uncounted(terms, sums.longs)
    loss_mm = worst + ceil_div(unpaired * terms.unpaired_mm, BPS)
    loss_im = worst + ceil_div(unpaired * terms.unpaired_im, BPS)
    mm = _requirement(alone + sums.mm, net, loss_mm)
    im0 = _requirement(alone + sums.im0, net, loss_im)
    doubtful = is_doubtful(expiry.worst_doubt, terms.option_threshold)
    im = _requirement((sums.longs if doubtful else alone) + sums.im, net, loss_im)
    if doubtful:
        im += terms.contingency(sums.sold * expiry.spot, expiry.worst_doubt)
    notional = (sums.bought + sums.sold) * expiry.spot
    return OptionRequirement(net // E8, im, im0, mm, notional, sums.sold > 0)


def _requirement(alone: int, net: int, loss: int) -> int:
    """WAD, up. `alone` and `net` in 1e-26, `loss` in WAD."""
    return ceil_div(min(alone, positive(net + loss * E8)), E8)


def _uncounted(terms: OptionTerms, longs: int) -> int:
    """The part of what is held that is no collateral."""
    return ceil_div(longs * (BPS - terms.long_share), BPS)


def _mark(expiry: ExpiryExposure, option: Holding) -> int:
    call = _call(expiry, option.strike)
    return positive(call + (option.strike - expiry.forward) * E8) if option.put else call


def _call(expiry: ExpiryExposure, strike: int) -> int:
    """WAD per unit."""
    forward = expiry.forward
    if not expiry.live:
        return positive(forward - strike) * E8
    log = black76.log_moneyness(strike, expiry.fitted)
    sigma = svi_math.volatility(expiry.smile, log * WAD >> 64, expiry.surface[1] >> 136 & 2**64 - 1)
    vol = black76.vol_word(black76.total_vol(sigma, sqrt_years(expiry.seconds)))
    record = black76.Record(log, strike, E8, (vol,))
    return black76.strip([record], 0, black76.log_moneyness(forward, expiry.fitted), forward)
