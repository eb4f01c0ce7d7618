"""Call margin, target, bonus and the size of a slice. Twin of contracts/libraries/LiquidationMath.sol.

Rates are bps unless said; equity, im0, mm, dust are quote WAD.
"""

from __future__ import annotations

from plimsoll.margin.fixed_math import BPS, WAD, ceil_div, mul_div_down, mul_div_up, sub

TARGET_FLOOR_BPS = 10_200
UNIT = WAD // BPS


def call_margin(im0: int, mm: int, lambda_: int) -> int:
    return mm + ceil_div(sub(im0, mm) * lambda_, BPS)


def target(im0: int, mm: int, beta: int) -> int:
    between = mm + ceil_div(sub(im0, mm) * beta, BPS)
    return max(between, ceil_div(mm * TARGET_FLOOR_BPS, BPS))


def bonus_rate(
    equity: int, mm: int, elapsed: int, bonus_start: int, bonus_slope: int, bonus_ramp: int, insurance_share: int
) -> int:
    """d in WAD: starts at bonus_start, grows with the shortfall and with the clock, at most 1 − insurance_share."""
    rate = bonus_start * UNIT
    if equity < mm:
        rate += mul_div_down(mm - equity, bonus_slope * UNIT, mm)
    rate += sub(BPS, bonus_start) * UNIT * min(elapsed, bonus_ramp) // bonus_ramp
    return min(rate, sub(BPS, insurance_share) * UNIT)


def max_fraction(equity: int, mm: int, target_margin: int, rate: int, dust: int) -> int:
    """The largest slice, WAD, rounded up; `rate` is d + φ in WAD, at most 1."""
    keep = mul_div_up(mm, rate, WAD)
    if equity <= keep:
        return WAD
    if equity >= target_margin:
        return 0
    fraction = mul_div_up(target_margin - equity, WAD, sub(target_margin, keep))
    if mm * (WAD - fraction) < dust * WAD:
        return WAD
    return fraction


def price(equity: int, mm: int, fraction: int, bonus: int, insurance_share: int) -> tuple[int, int]:
    """What the taker of the slice `fraction` pays to the account and to insurance, WAD, rounded up."""
    if equity <= 0:
        return 0, 0
    keep = mul_div_down(mm, bonus, WAD)
    if equity <= keep:
        return 0, 0
    share = min(ceil_div(mm * insurance_share, BPS), equity - keep)
    return mul_div_up(equity - keep - share, fraction, WAD), mul_div_up(share, fraction, WAD)
