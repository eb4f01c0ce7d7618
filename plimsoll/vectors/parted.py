"""What lies between two values that contracts keep, as parts held at each.

Contracts keep seven digits of a strike and whole basis points of a haircut. Of a strike, the two are a ten-millionth
apart: where a value bends evenly, the error is of the square of that. Margin is linear in a haircut: there is none.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor

from plimsoll.margin.portfolio_words import strike_code
from plimsoll.vectors.field import SLACK

UNIT = 10**10
MANTISSA = 10**7
BPS = 10**4


def strikes(strike: Fraction, *, parted: bool) -> list[tuple[int, Fraction]]:
    """Codes of strikes, and which share of what is left is held at each."""
    units, step = strike * UNIT, 1
    while units >= MANTISSA * step:
        step *= 10
    below = floor(units / step)
    share = units / step - below
    nearest = below + (share >= Fraction(1, 2))
    if not parted or abs(units / step - nearest) <= SLACK * nearest:
        return [(strike_code(nearest * step), Fraction(1))]
    return [(strike_code(below * step), 1 - share), (strike_code((below + 1) * step), Fraction(1))]


def haircuts(mm: Fraction, im: Fraction, *, parted: bool) -> list[tuple[Fraction, int, int]]:
    """Shares of a collateral with the haircuts, bps, that each is held at."""
    nearest = round(mm * BPS), round(im * BPS)
    near = max(abs(mm * BPS - nearest[0]), abs(im * BPS - nearest[1])) <= Fraction(1, 10**6)
    if near or not parted:
        return [(Fraction(1), *nearest)]
    low = [floor(value * BPS) for value in (mm, im)]
    rest = [value * BPS - bps for value, bps in zip((mm, im), low, strict=True)]
    cuts = sorted({Fraction(0), *rest, Fraction(1)})
    return [(end - start, low[0] + (start < rest[0]), low[1] + (start < rest[1])) for start, end in pairwise(cuts)]
