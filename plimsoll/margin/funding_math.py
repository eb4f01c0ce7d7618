"""Velocity funding: the skew moves the rate, the rate moves the index. Twin of contracts/libraries/FundingMath.sol."""

from __future__ import annotations

from plimsoll.margin.fixed_math import truncate_div

DAY = 86_400


def project(rate: int, skew: int, velocity: int, max_rate: int, elapsed: int, price: int) -> tuple[int, int]:
    """The rate after `elapsed` seconds and the growth of the index, both toward zero.

    rate: 1e-9 per day; skew: 1e-8 units; velocity: 1e-12 per day² per whole unit of skew; max_rate: 1e-4 per day.
    """
    if elapsed == 0:
        return rate, 0
    cap = max_rate * 10**5
    rate = min(max(rate, -cap), cap)
    slope = skew * velocity
    new_rate = rate + truncate_div(slope * elapsed, DAY * 10**11)
    if abs(new_rate) > cap:
        bound = cap if new_rate > cap else -cap
        area = 2 * bound * elapsed - truncate_div((bound - rate) ** 2 * DAY * 10**11, slope)
        new_rate = bound
    else:
        area = (rate + new_rate) * elapsed
    return new_rate, truncate_div(area * price, 2 * DAY * 10**9)
