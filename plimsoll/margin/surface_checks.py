"""What a surface is refused for, with the reasons of the contract. Twin of contracts/libraries/SurfaceChecks.sol.

examine(rules, surface, expiry, published_at, now)     alone
crossing(nearer, farther)                              against its neighbour
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from plimsoll.margin import surface_math
from plimsoll.margin.fixed_math import WAD, YEAR, truncate_div
from plimsoll.margin.surface_word import Surface

MIN_SIGMA, MAX_SIGMA = WAD // 1000, 16 * WAD
MAX_CENTRE = 4 * WAD
TAU_TOLERANCE = 600
MIN_TAU = 10**12
_WAD_PER_BPS = 10**14


class Reason(IntEnum):
    """IVolatilityFeed.Reason."""

    NONE = 0
    MARKET_UNKNOWN = 1
    EXPIRY_PASSED = 2
    EXPIRY_TOO_FAR = 3
    RHO = 4
    SLOPE = 5
    SIGMA = 6
    CENTRE = 7
    FORWARD = 8
    TAU = 9
    RATE = 10
    CARRY = 11
    CONFIDENCE = 12
    VARIANCE = 13
    VOL_TOO_LOW = 14
    VOL_TOO_HIGH = 15
    WINGS = 16
    BUTTERFLY = 17
    EXPIRIES_FULL = 18
    CALENDAR_NEARER = 19
    CALENDAR_FARTHER = 20


@dataclass(frozen=True)
class Rules:
    """IVolatilityFeed.Rules: seconds, minutes, bps, bps, bps, bps per year, ppm."""

    max_age: int
    max_expiry: int
    min_vol: int
    max_vol: int
    max_basis: int
    max_rate: int
    max_confidence: int


class Refusal(NamedTuple):
    """What was wrong, and what it was compared with."""

    reason: Reason
    value: int
    limit: int


def examine(rules: Rules, surface: Surface, expiry: int, published_at: int, now: int) -> Refusal | None:
    """The first reason in the contract's order; `expiry` in seconds. None: nothing is wrong with it alone."""
    latest = now + rules.max_expiry * 60
    if expiry <= now:
        return Refusal(Reason.EXPIRY_PASSED, expiry, now)
    if expiry > latest:
        return Refusal(Reason.EXPIRY_TOO_FAR, expiry, latest)
    return (
        _fields(surface)
        or _tau(surface.fit.tau, expiry, published_at)
        or _terms(rules, surface)
        or _level(rules, surface)
        or _shape(surface)
    )


def _fields(surface: Surface) -> Refusal | None:
    smile, sigma = surface.smile, surface.fit.sigma
    if abs(smile.rho) >= WAD:
        return Refusal(Reason.RHO, smile.rho, WAD)
    if smile.b < 0:
        return Refusal(Reason.SLOPE, smile.b, 0)
    if not MIN_SIGMA <= sigma <= MAX_SIGMA:
        return Refusal(Reason.SIGMA, sigma, MIN_SIGMA if sigma < MIN_SIGMA else MAX_SIGMA)
    if abs(smile.m) > MAX_CENTRE:
        return Refusal(Reason.CENTRE, smile.m, MAX_CENTRE)
    return None if surface.fit.forward_ref else Refusal(Reason.FORWARD, 0, 1)


def _tau(tau: int, expiry: int, published_at: int) -> Refusal | None:
    left = truncate_div((expiry - published_at) * WAD, YEAR)
    if tau < MIN_TAU or abs(tau - left) > TAU_TOLERANCE * WAD // YEAR:
        return Refusal(Reason.TAU, tau, left)
    return None


def _terms(rules: Rules, surface: Surface) -> Refusal | None:
    terms = surface.terms
    max_rate = rules.max_rate * _WAD_PER_BPS
    max_basis = rules.max_basis * _WAD_PER_BPS + max_rate * surface.fit.tau // WAD
    if abs(terms.rate) > max_rate:
        return Refusal(Reason.RATE, terms.rate, max_rate)
    if terms.carry == 0 or abs(terms.carry - WAD) > max_basis:
        return Refusal(Reason.CARRY, terms.carry, max_basis)
    confidence = max(terms.forward_confidence, terms.rate_confidence, terms.vol_confidence)
    if confidence > rules.max_confidence:
        return Refusal(Reason.CONFIDENCE, confidence, rules.max_confidence)
    return None


def _level(rules: Rules, surface: Surface) -> Refusal | None:
    smile, sigma, tau = surface.smile, surface.fit.sigma, surface.fit.tau
    least = surface_math.minimum(smile, sigma)
    if least < 0:
        return Refusal(Reason.VARIANCE, least, 0)
    floor = rules.min_vol * rules.min_vol * tau // 10**8
    if least < floor:
        return Refusal(Reason.VOL_TOO_LOW, least, floor)
    at_the_money = surface_math.variance(smile, sigma, 0)
    cap = rules.max_vol * rules.max_vol * tau // 10**8
    return Refusal(Reason.VOL_TOO_HIGH, at_the_money, cap) if at_the_money > cap else None


def _shape(surface: Surface) -> Refusal | None:
    smile, sigma = surface.smile, surface.fit.sigma
    wing = surface_math.wing(smile)
    if wing > surface_math.MAX_WING:
        return Refusal(Reason.WINGS, wing, surface_math.MAX_WING)
    g, k = surface_math.butterfly(smile, sigma)
    return Refusal(Reason.BUTTERFLY, g, k) if g < 0 else None


def crossing(nearer: Surface, farther: Surface) -> tuple[int, int] | None:
    """Both total variances where the nearer expiry's is the larger one, at the first such k of the grid."""
    lower = surface_math.grid(nearer.smile, nearer.fit.sigma)
    upper = surface_math.grid(farther.smile, farther.fit.sigma)
    return next(((low, high) for low, high in zip(lower, upper, strict=True) if low > high), None)
