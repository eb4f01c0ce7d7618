"""Sixteen bits for a round number: mantissa (12 bits, highest) · 10^exponent (4 bits). Twin of DecimalFloat.sol."""

from __future__ import annotations

MAX_MANTISSA = 4095
MAX_EXPONENT = 15


def decode(code: int) -> int:
    return (code >> 4) * 10 ** (code & 15)


def encode(value: int) -> tuple[bool, int]:
    """Whether there is a code, and the one with the smallest exponent: nothing is rounded."""
    exponent = 0
    while value > MAX_MANTISSA:
        if value % 10 or exponent == MAX_EXPONENT:
            return False, 0
        value //= 10
        exponent += 1
    return True, value << 4 | exponent


def exactly(value: int) -> int:
    """The code of a value that has one; OverflowError for others."""
    exact, code = encode(value)
    if not exact:
        raise OverflowError(f"{value} has more than 12 bits and no factor of ten to spare")
    return code
