"""Whether a smile admits arbitrage, in exact integers. Twin of contracts/libraries/SurfaceMath.sol."""

from __future__ import annotations

from itertools import count
from math import isqrt

from plimsoll.margin.fixed_math import WAD, truncate_div
from plimsoll.margin.surface_word import Smile

MAX_WING = 2 * WAD
GRID = 19
_GRID_STEP = 125 * WAD // 10_000
_REACH = 8 * WAD
_ROOT_2 = 1_414213562373095049
_HALF_LN_2 = 346573590279972655


def variance(smile: Smile, sigma: int, k: int) -> int:
    """Total variance at log-moneyness `k`."""
    x = k - smile.m
    root = isqrt(x * x + sigma * sigma)
    return smile.a + truncate_div(smile.b * (truncate_div(smile.rho * x, WAD) + root), WAD)


def minimum(smile: Smile, sigma: int) -> int:
    """The least total variance, a + bσ√(1 − ρ²)."""
    root = isqrt(WAD * WAD - smile.rho * smile.rho)
    return smile.a + truncate_div(truncate_div(smile.b * sigma, WAD) * root, WAD)


def wing(smile: Smile) -> int:
    """Slope of the steeper wing, b(1 + |ρ|), up."""
    return truncate_div(smile.b * (WAD + abs(smile.rho)) + WAD - 1, WAD)


def grid(smile: Smile, sigma: int) -> list[int]:
    """Total variance at each k of the calendar's grid."""
    return [variance(smile, sigma, grid_point(i)) for i in range(GRID)]


def grid_point(i: int) -> int:
    """0, 0.0125, −0.0125, 0.025, −0.025, …"""
    if i == 0:
        return 0
    k = _GRID_STEP << (i - 1) // 2
    return k if i % 2 else -k


def butterfly(smile: Smile, sigma: int) -> tuple[int, int]:
    """(g, k) of the first place of the grid where Durrleman's g is negative; g ≥ 0 when there is none."""
    last = _outermost(sigma)
    z = WAD * WAD // last
    before = middle = g = k = 0
    for i in count():
        if z > last:
            return g, k
        g, k = durrleman(smile, sigma, z)
        if g < 0:
            return g, k
        if i > 1 and middle < before and middle <= g:
            least, at = durrleman(smile, sigma, _vertex(before, middle, g, z))
            if least < 0:
                return least, at
        before, middle = middle, g
        z = z * _ROOT_2 // WAD
    raise AssertionError("unreachable")


def durrleman(smile: Smile, sigma: int, z: int) -> tuple[int, int]:
    """(g, k) at k = m + σ(z − 1/z)/2."""
    inverse = WAD * WAD // z
    cosh, sinh = (z + inverse) // 2, truncate_div(z - inverse, 2)
    x = truncate_div(sigma * sinh, WAD)
    k = smile.m + x
    distance = truncate_div(smile.rho * x, WAD) + sigma * cosh // WAD
    w = smile.a + truncate_div(smile.b * distance, WAD)
    slope = truncate_div(smile.b * (smile.rho + truncate_div(sinh * WAD, cosh)), WAD)
    sech = WAD * WAD // cosh
    bend = truncate_div(smile.b * (sech * sech // WAD * sech // WAD), sigma)
    h = WAD - truncate_div(k * slope, 2 * w)
    square = slope * slope
    return h * h // WAD - truncate_div(square, 4 * w) - square // (16 * WAD) + truncate_div(bend, 2), k


def _outermost(sigma: int) -> int:
    """The first z whose k lies farther than the reach from m."""
    z = _ROOT_2
    while sigma * (z - WAD * WAD // z) < 2 * _REACH * WAD:
        z = z * _ROOT_2 // WAD
    return z


def _vertex(before: int, middle: int, behind: int, z: int) -> int:
    """Where the parabola through three neighbours is least; the last of them is at z."""
    part = truncate_div((before - behind) * WAD, 2 * (before - 2 * middle + behind))
    x = truncate_div(part * _HALF_LN_2, WAD)
    factor = WAD + x + x * x // (2 * WAD)
    return truncate_div(z * WAD // _ROOT_2 * factor, WAD)
