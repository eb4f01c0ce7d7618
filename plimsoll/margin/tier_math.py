"""A convex, continuous table of at most three tiers in notional. Twin of contracts/libraries/TierMath.sol.

A table is the low half of a market's risk word: three MM rates, three IM rates (bps), two bounds (decimal floats in
thousands of quote), 16 bits each.
"""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.margin import decimal_float
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div

BOUND_UNIT = 1000 * WAD


def requirements(notional: int, table: int) -> tuple[int, int]:
    """Maintenance and initial requirement, WAD, rounded up."""
    bounds = bound1(table), bound2(table)
    return _requirement(notional, table, bounds), _requirement(notional, table >> 48, bounds)


def _requirement(notional: int, rates: int, bounds: tuple[int, int]) -> int:
    rate, deduction = rates & 0xFFFF, 0
    for bound in bounds:
        if notional <= bound:
            break
        rates >>= 16
        deduction += bound * ((rates & 0xFFFF) - rate)
        rate = rates & 0xFFFF
    return ceil_div(notional * rate - deduction, BPS)


def bound1(table: int) -> int:
    return decimal_float.decode(table >> 96 & 0xFFFF) * BOUND_UNIT


def bound2(table: int) -> int:
    return decimal_float.decode(table >> 112 & 0xFFFF) * BOUND_UNIT


def interest_share(interest: int, lower: int, upper: int) -> int:
    """How far open interest (quote WAD) is on its way to the upper bound: bps, up; bounds are decimal floats."""
    if upper == 0:
        return 0
    low, high = decimal_float.decode(lower) * BOUND_UNIT, decimal_float.decode(upper) * BOUND_UNIT
    if interest <= low:
        return 0
    return BPS if interest >= high else ceil_div((interest - low) * BPS, high - low)


def pack_table(mm_rates: Sequence[int], im_rates: Sequence[int], bound1: int, bound2: int) -> int:
    """The `table` argument of `requirements`; bounds as decimal floats."""
    fields = (*mm_rates, *im_rates, bound1, bound2)
    return sum(field << 16 * place for place, field in enumerate(fields))
