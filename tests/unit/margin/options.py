"""Draws of options and smiles, and what both are by mpmath."""

from __future__ import annotations

import math

import mpmath

from plimsoll.margin import black76
from plimsoll.margin.black76 import ONE, Record

YEAR = 365 * 86_400
FORWARD = 3_000 * 10**10


def exact_call(forward: int, strike: int, v: int) -> mpmath.mpf:
    """F·Φ(d1) − K·Φ(d2) at v in Q64."""
    v = mpmath.mpf(v) / ONE
    d1 = mpmath.log(mpmath.mpf(forward) / strike) / v + v / 2
    return forward * mpmath.ncdf(d1) - strike * mpmath.ncdf(d1 - v)


def call_of(forward: int, strike: int, v: int) -> mpmath.mpf:
    """A strip of one call of one unit, in units of price; its sum has 1e-8 of these."""
    record = Record(black76.log_moneyness(strike, forward), strike, 10**8, [black76.vol_word(v)])
    return mpmath.mpf(black76.strip([record], 0, 0, forward)) / 10**8


def strike_at(forward: int, log: float) -> int:
    return max(int(forward * math.exp(log)), 1)


def volatile(d) -> int:
    """A total volatility: 1 % to 400 % over a minute to three years, or any at all."""
    years = math.exp(d.uniform(math.log(60 / YEAR), math.log(3)))
    usual = math.exp(d.uniform(math.log(0.01), math.log(4))) * math.sqrt(years)
    return int(d.choice([usual, usual, d.uniform(0.01, 7)]) * ONE)


def any_volatility(d) -> int:
    """As whoever calls may have computed it."""
    return d.choice([volatile(d), d.bits(d.randint(1, 72)), 0])


def any_price(d, bits: int) -> int:
    return d.choice([d.bits(d.randint(1, bits)), FORWARD, 0])


def records(d, forward: int) -> list[Record]:
    """Up to eight strikes with five volatilities each."""
    return [_record(d, forward) for _ in range(d.randint(0, 8))]


def _record(d, forward: int) -> Record:
    strike = strike_at(forward, d.choice([d.uniform(-1, 1), d.uniform(-6, 6)]))
    vols = [black76.vol_word(any_volatility(d)) for _ in range(black76.KINDS)]
    return Record(black76.log_moneyness(strike, forward), strike, d.signed(63), vols)
