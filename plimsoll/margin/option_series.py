"""What an option is a claim on, in 64 bits. Twin of OptionSeries.sol.

Lowest first: kind (1: 0 call, 1 put) · strike (mantissa 24, exponent 4) · expiry in minutes since 1970 (27) · market
(8). Strikes are 1e-10 quote. The mantissa is in [10^6, 10^7) unless the exponent is zero: every strike has one name.
"""

from __future__ import annotations

from typing import NamedTuple

MARKET_BIT, EXPIRY_BIT, EXPONENT_BIT = 56, 29, 25
MINUTE = 60
MAX_MARKET = 63
MAX_EXPIRY = (1 << 27) - 1
MAX_STRIKE = (1 << 72) - 1
LEAST_MANTISSA, MANTISSAS = 10**6, 10**7


class SeriesInvalid(ValueError):
    """No series has these fields."""


class Series(NamedTuple):
    """`strike` in 1e-10 quote, `expiry` in minutes since 1970."""

    market: int
    expiry: int
    strike: int
    put: bool

    @property
    def instrument(self) -> int:
        return pack(self.market, self.expiry, self.strike, put=self.put)


def pack(market: int, expiry: int, strike: int, *, put: bool) -> int:
    """The number of a series; SeriesInvalid for a strike of more than seven digits, or fields that do not fit."""
    mantissa, exponent = strike, 0
    while mantissa >= MANTISSAS and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    if mantissa >= MANTISSAS or not 0 < strike <= MAX_STRIKE:
        raise SeriesInvalid(f"strike {strike}: at most seven digits, above zero and below 2^72 (1e-10 quote)")
    if not 0 <= market <= MAX_MARKET:
        raise SeriesInvalid(f"market {market}: from 0 to {MAX_MARKET}")
    if not 0 < expiry <= MAX_EXPIRY:
        raise SeriesInvalid(f"expiry {expiry}: minutes since 1970, from 1 to {MAX_EXPIRY}")
    return market << MARKET_BIT | expiry << EXPIRY_BIT | exponent << EXPONENT_BIT | mantissa << 1 | int(put)


def unpack(instrument: int) -> Series:
    """Its fields; SeriesInvalid for what is no series."""
    series = Series(market_of(instrument), expiry_of(instrument), strike_of(instrument), is_put(instrument))
    if series.instrument != instrument:
        raise SeriesInvalid(f"instrument {instrument}: a second name of {series.instrument}")
    return series


def perp(market: int) -> int:
    """A perp as a leg of an order."""
    return market << MARKET_BIT


def is_put(instrument: int) -> bool:
    return bool(instrument & 1)


def strike_of(instrument: int) -> int:
    return int((instrument >> 1 & 0xFFFFFF) * 10 ** (instrument >> EXPONENT_BIT & 0xF))


def expiry_of(instrument: int) -> int:
    """Minutes since 1970; zero for a perp."""
    return instrument >> EXPIRY_BIT & MAX_EXPIRY


def market_of(instrument: int) -> int:
    return instrument >> MARKET_BIT & 0xFF


def group_of(instrument: int) -> int:
    """Market and expiry in one number."""
    return instrument >> EXPIRY_BIT


def key_of(market: int, expiry: int) -> int:
    """The key of a surface, and of a settlement price."""
    return market << 32 | expiry


def payoff(instrument: int, price: int) -> int:
    """What one unit pays at `price`, 1e-10 quote."""
    gain = price - strike_of(instrument)
    return max(-gain if is_put(instrument) else gain, 0)
