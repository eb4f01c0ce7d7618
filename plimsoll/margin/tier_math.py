"""A convex, continuous table of at most three tiers in notional. Twin of contracts/libraries/TierMath.sol."""

from __future__ import annotations

from plimsoll.margin.fixed_math import BPS, WAD, ceil_div

BOUND_UNIT = 1000 * WAD


def requirement(notional: int, rates: int, bound1: int, bound2: int) -> int:
    """WAD, rounded up. `rates`: three of 16 bits, lowest first, in bps; bounds in thousands of quote."""
    rate = rates & 0xFFFF
    deduction = 0
    first = bound1 * BOUND_UNIT
    if notional > first:
        following = rates >> 16 & 0xFFFF
        deduction = first * (following - rate)
        rate = following
        second = bound2 * BOUND_UNIT
        if notional > second:
            following = rates >> 32 & 0xFFFF
            deduction += second * (following - rate)
            rate = following
    return ceil_div(notional * rate - deduction, BPS)


def pack_rates(rate1: int, rate2: int, rate3: int) -> int:
    """The `rates` argument of `requirement`."""
    return rate1 | rate2 << 16 | rate3 << 32
