"""A volatility smile in five parameters, in exact integers, WAD. Twin of contracts/libraries/SviMath.sol."""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from plimsoll.margin.fixed_math import WAD, truncate_div

MAX_VARIANCE = 144 * WAD


class Smile(NamedTuple):
    """w(k) = a + b·(ρ(k − m) + √((k − m)² + σ²))."""

    a: int
    b: int
    rho: int
    m: int
    sigma: int


def volatility(smile: Smile, k: int, tau: int) -> int:
    """√(w/τ), the annual volatility, rounded down. No τ gives none."""
    return isqrt(total_variance(smile, k) * WAD**2 // tau) if tau else 0


def total_variance(smile: Smile, k: int) -> int:
    """w of a k that is first brought within ±4√(a + bσ)."""
    a, b, rho, m, sigma = smile
    k = _near_money(k, a * WAD + b * sigma) - m
    root = isqrt(k * k + sigma * sigma)
    return min(max(a + truncate_div(b * (rho * k + root * WAD), WAD**2), 0), MAX_VARIANCE)


def _near_money(k: int, variance: int) -> int:
    if variance <= 0:
        return 0
    if k * k <= 16 * variance:
        return k
    edge = isqrt(16 * variance)
    return edge if k > 0 else -edge
