"""The Black function in normalised variables, to full precision from the deepest wing to the largest volatility.

x = ln(F/K) ≤ 0, s = σ√T, h = x/s, t = s/2. A call out of the money is worth D·√(F·K)·b(x, s) with

    b(x, s) = e^{x/2}·Φ(h + t) − e^{−x/2}·Φ(h − t) = φ(h)·e^{−t²/2}·(Y(h + t) − Y(h − t)),    Y = Φ/φ.

Y(h + t) − Y(h − t) cancels where t is small beside |h|, and e^{…} underflows, so b is handled by its logarithm and the
difference is computed in one of three ways (`_difference`). Φ(h + t) overflows nothing: where h + t > 0, b is a
plain difference of two numbers that are not close.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

Floats = NDArray[np.float64]

LN_ROOT_TWO_PI = 0.5 * np.log(2 * np.pi)
ROOT_HALF = np.sqrt(0.5)
ROOT_HALF_PI = np.sqrt(np.pi / 2)

FAR = -10.0  # below this h, Y's difference is an integral over a nearly exponential weight
SMALL = 0.25  # below this t, it is a Taylor series in t
TERMS = 9  # of that series: t^19/19! is below 2^-53 of the first term
NODES, WEIGHTS = np.polynomial.laguerre.laggauss(24)


def log_black(x: Floats, s: Floats) -> Floats:
    """ln b(x, s) for x ≤ 0 and s > 0, finite where b itself would underflow."""
    h, t = x / s, 0.5 * s
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        scaled = -0.5 * (h * h + t * t) - LN_ROOT_TWO_PI + np.log(_difference(h, t))
        return np.where(_in_front(h, t), np.log(_plain(x, h, t)), scaled)


def black(x: Floats, s: Floats) -> Floats:
    """b(x, s) for x ≤ 0 and s > 0."""
    h, t = x / s, 0.5 * s
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scaled = np.exp(-0.5 * (h * h + t * t) - LN_ROOT_TWO_PI) * _difference(h, t)
        return np.where(_in_front(h, t), _plain(x, h, t), scaled)


def log_complement(x: Floats, s: Floats) -> Floats:
    """ln(e^{x/2} − b(x, s)): what is missing to the largest price, as a sum of positive terms."""
    h, t = x / s, 0.5 * s
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        near = np.exp(0.5 * x) * ndtr(-h - t) + np.exp(-0.5 * x) * ndtr(h - t)
        parts = erfcx(ROOT_HALF * np.maximum(h + t, 0)) + erfcx(ROOT_HALF * (t - h))
        far = np.log(0.5 * parts) - 0.5 * (h * h + t * t)
        return np.where(h + t > 0, far, np.log(near))


def log_slope(x: Floats, s: Floats) -> Floats:
    """ln ∂b/∂s = −(h² + t²)/2 − ln √(2π)."""
    h, t = x / s, 0.5 * s
    return -0.5 * (h * h + t * t) - LN_ROOT_TWO_PI


def _in_front(h: Floats, t: Floats) -> NDArray[np.bool_]:
    return (h + t > 0) & (t >= SMALL)


def _plain(x: Floats, h: Floats, t: Floats) -> Floats:
    return np.exp(0.5 * x) * ndtr(h + t) - np.exp(-0.5 * x) * ndtr(h - t)


def _mills(z: Floats) -> Floats:
    """Y(z) = Φ(z)/φ(z), for z that are not large."""
    return ROOT_HALF_PI * erfcx(-ROOT_HALF * z)


def _difference(h: Floats, t: Floats) -> Floats:
    """Y(h + t) − Y(h − t)."""
    result = np.where(h + t <= 0, _mills(np.minimum(h + t, 0)) - _mills(h - t), np.nan)
    series = (t < SMALL) & (h >= FAR)
    result[series] = _by_series(h[series], t[series])
    far = (t < SMALL) & (h < FAR)
    result[far] = _by_quadrature(h[far], t[far])
    return result


def _by_series(h: Floats, t: Floats) -> Floats:
    """2·Σ Y^(n)(h)·t^n/n! over odd n; Y' = 1 + h·Y, Y^(n+1) = h·Y^(n) + n·Y^(n−1)."""
    before = _mills(h)
    derivative = 1 + h * before
    power = t.copy()
    total = derivative * power
    for n in range(1, 2 * TERMS, 2):
        before, derivative = derivative, h * derivative + n * before
        before, derivative = derivative, h * derivative + (n + 1) * before
        power = power * t * t / ((n + 1) * (n + 2))
        total = total + derivative * power
    return 2 * total


def _by_quadrature(h: Floats, t: Floats) -> Floats:
    """∫₀^∞ e^{h·u − u²/2}·2·sinh(t·u) du, by Gauss and Laguerre in v = −h·u."""
    u = NODES / -h[:, None]
    return 2 * (np.exp(-0.5 * u * u) * np.sinh(t[:, None] * u)) @ WEIGHTS / -h
