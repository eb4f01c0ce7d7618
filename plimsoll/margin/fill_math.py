"""What a trade against the pool costs. Twin of contracts/libraries/FillMath.sol."""

from __future__ import annotations

from plimsoll.margin.fixed_math import BPS, PPM, WAD, ceil_div, ceil_div_signed, mul_div_up, sqrt_years


def premium(size: int, skew: int, price: int, skew_scale: int) -> int:
    """The signed premium of moving the skew from `skew` by `size`, rounded up."""
    return ceil_div_signed(size * price * (2 * skew + size), 2 * skew_scale)


def spread_rate(kappa: int, sigma: int, age: int, block_time: int, cap: int) -> int:
    """κ·σ·√((age + block_time)/year) in WAD, at most `cap`; kappa in tenths, sigma in bps per √year."""
    return min(ceil_div(kappa * sigma * sqrt_years(age + block_time), 10 * BPS), cap)


def spread_cap(mm_rate_bps: int, max_skew: int, skew_scale: int, taker_fee_ppm: int) -> int:
    """The largest spread rate (WAD): half the first MM rate less the largest premium and the taker fee."""
    half = mm_rate_bps * (WAD // BPS) // 2
    used = mul_div_up(max_skew, WAD, skew_scale) + taker_fee_ppm * (WAD // PPM)
    return max(half - used, 0)


def spread(abs_size: int, price: int, rate: int) -> int:
    return mul_div_up(abs_size * price, rate, WAD)


def fee(size: int, skew: int, price: int, maker_fee_ppm: int, taker_fee_ppm: int) -> int:
    """Maker fee on the part that brings the skew toward zero, taker fee on the rest; rounded up."""
    reducing = min(abs(size), abs(skew)) if size != 0 and (size > 0) != (skew > 0) else 0
    return ceil_div(price * (reducing * maker_fee_ppm + (abs(size) - reducing) * taker_fee_ppm), PPM)
