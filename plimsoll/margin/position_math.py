"""What a position is worth, and what a part of it is. Twin of contracts/libraries/PositionMath.sol."""

from __future__ import annotations

from plimsoll.margin.fixed_math import WAD, ceil_div_signed


def pnl(size: int, cost: int, price: int, index: int) -> int:
    """size·(price − index) − cost, exact: 1e-8 units times 1e-10 quote is WAD."""
    return size * (price - index) - cost


def notional(size: int, price: int) -> int:
    return abs(size) * price


def slice(size: int, cost: int, fraction: int) -> tuple[int, int]:
    """The part `fraction` (WAD) as its taker gets it: size down, cost up, against long and short; the whole at 1."""
    if fraction >= WAD:
        return size, cost
    return size * fraction // WAD, ceil_div_signed(cost * fraction, WAD)


def cost_of(part: int, size: int, cost: int) -> int:
    """The cost that goes with `part` of `size`, rounded up for whoever receives it."""
    return ceil_div_signed(cost * abs(part), abs(size))
