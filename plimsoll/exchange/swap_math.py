"""One step of a swap within a range of constant liquidity: SwapMath and SqrtPriceMath of Uniswap v3, to the unit.

Fees are millionths. What goes in is rounded up, what comes out down, and a price never moves further than was paid for.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.exchange.tick_math import Q96

ONE = 10**6


class Step(NamedTuple):
    """`amount_in` without its `fee`."""

    sqrt_price: int
    amount_in: int
    amount_out: int
    fee: int


def step_in(sqrt_price: int, goal: int, liquidity: int, remaining: int, fee: int) -> Step:
    """At most `remaining` goes in, fee included, and the price goes no further than `goal`."""
    down = sqrt_price >= goal
    usable = remaining * (ONE - fee) // ONE
    whole = _amount_in(sqrt_price, goal, liquidity, down=down)
    if usable >= whole:
        paid = -(-whole * fee // (ONE - fee))
        return Step(goal, whole, _amount_out(sqrt_price, goal, liquidity, down=down), paid)
    reached = _after_input(sqrt_price, liquidity, usable, down=down)
    if reached == goal:
        return Step(goal, whole, _amount_out(sqrt_price, goal, liquidity, down=down), -(-whole * fee // (ONE - fee)))
    amount_in = _amount_in(sqrt_price, reached, liquidity, down=down)
    return Step(reached, amount_in, _amount_out(sqrt_price, reached, liquidity, down=down), remaining - amount_in)


def step_out(sqrt_price: int, goal: int, liquidity: int, remaining: int, fee: int) -> Step:
    """At most `remaining` comes out, and the price goes no further than `goal`."""
    down = sqrt_price >= goal
    whole = _amount_out(sqrt_price, goal, liquidity, down=down)
    reached = goal if remaining >= whole else _after_output(sqrt_price, liquidity, remaining, down=down)
    amount_in = _amount_in(sqrt_price, reached, liquidity, down=down)
    amount_out = min(_amount_out(sqrt_price, reached, liquidity, down=down), remaining)
    return Step(reached, amount_in, amount_out, -(-amount_in * fee // (ONE - fee)))


# ---------------------------------------------------------------- amounts between two prices


def _amount_in(sqrt_price: int, goal: int, liquidity: int, *, down: bool) -> int:
    if down:
        return -(-_ceil((liquidity << 96) * (sqrt_price - goal), sqrt_price) // goal)
    return _ceil(liquidity * (goal - sqrt_price), Q96)


def _amount_out(sqrt_price: int, goal: int, liquidity: int, *, down: bool) -> int:
    if down:
        return liquidity * (sqrt_price - goal) // Q96
    return (liquidity << 96) * (goal - sqrt_price) // goal // sqrt_price


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


# ---------------------------------------------------------------- prices after an amount


def _after_input(sqrt_price: int, liquidity: int, amount: int, *, down: bool) -> int:
    if not down:
        return sqrt_price + amount * Q96 // liquidity
    if amount == 0:
        return sqrt_price
    numerator = liquidity << 96
    return _ceil(numerator * sqrt_price, numerator + amount * sqrt_price)


def _after_output(sqrt_price: int, liquidity: int, amount: int, *, down: bool) -> int:
    """The amount is less than what the range holds, so the price stays above zero and below infinity."""
    if down:
        return sqrt_price - _ceil(amount << 96, liquidity)
    if amount == 0:
        return sqrt_price
    numerator = liquidity << 96
    return _ceil(numerator * sqrt_price, numerator - amount * sqrt_price)
