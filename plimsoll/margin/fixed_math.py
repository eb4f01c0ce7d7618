"""FixedMath in integers: the rounding is in the name. Twin of contracts/libraries/FixedMath.sol.

Python's integers have no width, so what overflows in Solidity does not here; `to_word` of account.py holds the bounds.
"""

from __future__ import annotations

from math import isqrt

WAD = 10**18
BPS = 10**4
PPM = 10**6
YEAR = 365 * 86_400


def mul_div_down(x: int, y: int, d: int) -> int:
    return x * y // d


def mul_div_up(x: int, y: int, d: int) -> int:
    return -(-x * y // d)


def ceil_div(x: int, d: int) -> int:
    return -(-x // d)


def ceil_div_signed(x: int, d: int) -> int:
    """x / d toward +∞."""
    return -(-x // d)


def floor_div_signed(x: int, d: int) -> int:
    """x / d toward −∞."""
    return x // d


def truncate_div(x: int, d: int) -> int:
    """x / d toward zero: Solidity's `/` on signed integers, where Python's `//` would floor."""
    quotient = abs(x) // abs(d)
    return quotient if (x < 0) == (d < 0) else -quotient


def positive(x: int) -> int:
    return max(x, 0)


def sub(x: int, y: int) -> int:
    """x − y of unsigned numbers, which must not pass below zero."""
    if y > x:
        raise OverflowError(f"unsigned subtraction: {x} - {y}")
    return x - y


def sqrt_years(secs: int) -> int:
    """√(seconds / year) in WAD, toward zero."""
    return isqrt(secs * 10**36 // YEAR)
