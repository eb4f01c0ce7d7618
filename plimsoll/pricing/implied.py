"""Volatility from prices, to the last digits that the price determines, at every strike and maturity.

The idea is Jäckel's ("Let's be rational", 2015): in normalised variables the price as a function of s = σ√T has one
inflection, at s_c = √(2|x|). The tangent there meets zero at s_l and the largest price at s_h: four regions,

    up to b(s_l)      1/ln b is nearly linear in s²: solved for 1/ln b
    to b(s_c), to b(s_h)                             solved for b
    above b(s_h)      the rest e^{x/2} − b decays like e^{−s²/8}: solved for its logarithm

In each a guess is interpolated between the ends with their slopes, and Householder steps of third order finish it, kept
inside a bracket. Two to four steps are usual; what has converged takes part in no further one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcinv, erfinv, ndtr, ndtri

from plimsoll.errors import BadInput
from plimsoll.pricing import normal
from plimsoll.pricing.black76 import intrinsic, log_moneyness
from plimsoll.pricing.normal import Floats

STEPS = 60
TOLERANCE = 4 * np.finfo(np.float64).eps
SLACK = 4 * np.finfo(np.float64).eps  # of the larger of F and K: rounding of a price that is all intrinsic value
HALF_MOST = 0.5


class Reason(IntEnum):
    """Why a volatility is what it is."""

    FOUND = 0
    NO_TIME_VALUE = 1  # the price is intrinsic value: 0
    LARGEST = 2  # the price is the largest possible: infinite
    BELOW_INTRINSIC = 3  # NaN
    ABOVE_LARGEST = 4  # NaN
    BAD_INPUT = 5  # NaN: forward, strike, years or discount is not positive, or something is NaN


REMEDY = {
    Reason.BELOW_INTRINSIC: "the price is below intrinsic value, which no volatility gives",
    Reason.ABOVE_LARGEST: "the price is above the discounted forward (call) or strike (put), which no volatility gives",
    Reason.BAD_INPUT: "forward, strike, years and discount must be positive numbers and the price a number",
}


@dataclass(frozen=True, slots=True)
class Implied:
    """`vol` as a fraction per √year; `reason` holds a Reason for each."""

    vol: Floats
    reason: NDArray[np.int8]


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    call: ArrayLike = True,
    discount: ArrayLike = 1.0,
) -> Floats:
    """As `implied`, but a price that no volatility gives is an error that names the first of them."""
    found = implied(price, forward, strike, years, call, discount)
    wrong = np.flatnonzero(found.reason >= Reason.BELOW_INTRINSIC)
    if wrong.size:
        value = np.broadcast_to(np.asarray(price, np.float64), found.vol.shape).flat[wrong[0]]
        raise BadInput(f"price [{wrong[0]}]", float(value), REMEDY[Reason(found.reason.flat[wrong[0]])])
    return found.vol


def implied(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    call: ArrayLike = True,
    discount: ArrayLike = 1.0,
) -> Implied:
    """Volatilities, NaN with a reason where there is none."""
    given = [np.asarray(value, np.float64) for value in (price, forward, strike, years, discount)]
    p, f, k, t, d, c = np.broadcast_arrays(*given, np.asarray(call, np.bool_))
    positive = (f > 0) & (k > 0) & (t > 0) & (d > 0) & np.isfinite(f) & np.isfinite(k) & np.isfinite(t * d)
    good = positive & np.isfinite(p)
    f, k, t, d = (np.where(good, value, 1.0) for value in (f, k, t, d))
    value = np.where(good, p, 0.0) / d - intrinsic(f, k, c)
    value = np.where(np.abs(value) <= np.where(intrinsic(f, k, c) > 0, SLACK * np.maximum(f, k), 0.0), 0.0, value)
    most = np.minimum(f, k)
    reason = np.select(
        [~good, value < 0, value == 0, value > most * (1 + SLACK), value >= most],
        [Reason.BAD_INPUT, Reason.BELOW_INTRINSIC, Reason.NO_TIME_VALUE, Reason.ABOVE_LARGEST, Reason.LARGEST],
        Reason.FOUND,
    ).astype(np.int8)
    vol = np.full(reason.shape, np.nan)
    vol[reason == Reason.NO_TIME_VALUE] = 0.0
    vol[reason == Reason.LARGEST] = np.inf
    at = reason == Reason.FOUND
    if at.any():
        x = -np.abs(log_moneyness(f[at], k[at]))
        vol[at] = deviation(x, value[at] / (np.sqrt(f[at]) * np.sqrt(k[at]))) / np.sqrt(t[at])
    return Implied(vol, reason)


def deviation(x: Floats, beta: Floats) -> Floats:
    """s with b(x, s) = β, for x ≤ 0 and 0 < β < e^{x/2}."""
    s = np.empty_like(x)
    level = x == 0
    b = beta[level]  # b(0, s) = erf(s/√8)
    s[level] = np.sqrt(8) * np.where(b < HALF_MOST, erfinv(b), erfcinv(1 - b))
    rest = ~level
    if rest.any():
        s[rest] = _solve(_Regions.of(x[rest], beta[rest]))
    return s


@dataclass(slots=True)
class _Regions:
    """What is solved, where, and from which guess on."""

    x: Floats
    beta: Floats
    most: Floats
    low: NDArray[np.bool_]
    high: NDArray[np.bool_]
    guess: Floats

    @classmethod
    def of(cls, x: Floats, beta: Floats) -> _Regions:
        most = np.exp(0.5 * x)
        centre = np.sqrt(-2 * x)
        b_centre, slope = normal.black(x, centre), np.exp(normal.log_slope(x, centre))
        left, right = centre - b_centre / slope, centre + (most - b_centre) / slope
        left = np.maximum(left, 1e-3 * centre)
        b_left, b_right = normal.black(x, left), normal.black(x, right)
        low, high = beta < b_left, beta > b_right
        flat_left, flat_right = np.exp(-normal.log_slope(x, left)), np.exp(-normal.log_slope(x, right))
        below = _hermite(beta, b_left, b_centre, left, centre, flat_left, 1 / slope)
        above = _hermite(beta, b_centre, b_right, centre, right, 1 / slope, flat_right)
        guess = np.where(beta < b_centre, below, above)
        guess = np.where(low, _low_guess(x, beta, left, normal.log_black(x, left)), guess)
        guess = np.where(high, _high_guess(most - beta, most - b_right, right), guess)
        return cls(x, beta, most, low, high | (beta > HALF_MOST * most) & ~low, guess)

    def part(self, rows: NDArray[np.bool_]) -> _Regions:
        return _Regions(*(getattr(self, name)[rows] for name in self.__slots__))


def _hermite(y: Floats, y0: Floats, y1: Floats, s0: Floats, s1: Floats, d0: Floats, d1: Floats) -> Floats:
    """The rational cubic of Delbourgo and Gregory that keeps monotonicity, between two ends and their slopes."""
    width = np.maximum(y1 - y0, np.finfo(np.float64).tiny)
    u = np.clip((y - y0) / width, 0.0, 1.0)
    chord = (s1 - s0) / width
    v = 1 - u
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        r = (d0 + d1) / chord - 3
        top = s1 * u**3 + (r * s1 + 3 * s1 - width * d1) * u * u * v
        top = top + (r * s0 + 3 * s0 + width * d0) * u * v * v + s0 * v**3
        result = top / (1 + r * u * v)
    inside = np.isfinite(result) & (result >= s0) & (result <= s1)
    return np.where(inside, result, s0 + u * (s1 - s0))


def _low_guess(x: Floats, beta: Floats, left: Floats, log_left: Floats) -> Floats:
    """ln b ≈ −x²/(2s²) + 3·ln s + a constant that fits at `left`: a few fixed-point steps in s."""
    constant = log_left + 0.5 * (x / left) ** 2 - 3 * np.log(left)
    target = np.log(beta)
    s = left
    for _ in range(4):
        room = np.maximum(constant + 3 * np.log(s) - target, 0.5 * (x / left) ** 2)
        s = np.abs(x) / np.sqrt(2 * room)
    return np.minimum(s, left)


def _high_guess(rest: Floats, rest_right: Floats, right: Floats) -> Floats:
    """The rest is close to a multiple of Φ(−s/2), fitted at `right`."""
    tail = np.exp(-0.125 * right * right)
    ratio = np.clip(rest / np.maximum(rest_right, np.finfo(np.float64).tiny), 1e-320, 1.0)
    scaled = np.maximum(ratio * np.maximum(ndtr(-0.5 * right), 1e-300 * tail), 1e-320)
    return np.maximum(-2 * ndtri(scaled), right)


def _solve(regions: _Regions) -> Floats:
    s = regions.guess.copy()
    least, most = np.zeros_like(s), np.full_like(s, np.inf)
    moving = np.ones(s.shape, np.bool_)
    for _ in range(STEPS):
        part, now = regions.part(moving), s[moving]
        step, too_high = _householder(part, now)
        low, high = least[moving], most[moving]
        low, high = np.where(too_high, low, now), np.where(too_high, now, high)
        after = now + step
        outside = ~((after > low) & (after < high))
        middle = np.where(np.isfinite(high), 0.5 * (low + high), 2 * now)
        settled = np.abs(step) <= TOLERANCE * now
        after = np.where(outside, np.where(settled, now, middle), after)
        s[moving], least[moving], most[moving] = after, low, high
        narrow = high - low <= TOLERANCE * now
        moving[moving] = ~(settled | narrow)
        if not moving.any():
            break
    return s


def _householder(part: _Regions, s: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """A step of third order for f(s) = 0, and whether b(s) is above β."""
    x = part.x
    curve = x * x / s**3 - 0.25 * s  # b''/b'
    third = curve * curve - 3 * x * x / s**4 - 0.25  # b'''/b'
    f, second, rest, above = (np.empty_like(s) for _ in range(4))
    for rows, objective in ((part.low, _at_low), (part.high, _at_high), (~(part.low | part.high), _in_the_middle)):
        if rows.any():
            p = part.part(rows)
            f[rows], second[rows], rest[rows], above[rows] = objective(p, s[rows], curve[rows], third[rows])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        step = f * (1 + 0.5 * second * f) / (1 + f * (second + rest * f / 6))
        step = np.where(np.isfinite(step) & (np.sign(step) == np.sign(f)), step, f)
    return step, above > 0


def _in_the_middle(p: _Regions, s: Floats, curve: Floats, third: Floats) -> tuple[Floats, ...]:
    """f = b − β. Returns the Newton step −f/f', f''/f', f'''/f', b − β."""
    error = normal.black(p.x, s) - p.beta
    return -error * np.exp(-normal.log_slope(p.x, s)), curve, third, error


def _at_low(p: _Regions, s: Floats, curve: Floats, third: Floats) -> tuple[Floats, ...]:
    """f = 1/L − 1/ln β with L = ln b."""
    log_b, target = normal.log_black(p.x, s), np.log(p.beta)
    q = np.exp(normal.log_slope(p.x, s) - log_b)  # L'
    two, three = curve - q, third - 3 * curve * q + 2 * q * q  # L''/L', L'''/L'
    newton = (target - log_b) * log_b / target / q
    by_log = q / log_b
    return newton, two - 2 * by_log, three - 6 * by_log * two + 6 * by_log**2, log_b - target


def _at_high(p: _Regions, s: Floats, curve: Floats, third: Floats) -> tuple[Floats, ...]:
    """f = ln(e^{x/2} − b) − ln(e^{x/2} − β)."""
    log_rest, target = normal.log_complement(p.x, s), np.log(p.most - p.beta)
    q = np.exp(normal.log_slope(p.x, s) - log_rest)
    newton = (log_rest - target) / q
    return newton, curve + q, third + 3 * curve * q + 2 * q * q, target - log_rest
