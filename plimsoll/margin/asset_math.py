"""Between token units and quote value. Twin of contracts/libraries/AssetMath.sol."""

from __future__ import annotations

from plimsoll.margin.fixed_math import ceil_div

QUOTE_PRICE = 10**10


def value_down(amount: int, price: int, decimals: int) -> int:
    """Quote WAD of an amount of token units, toward zero."""
    return amount * price * 10**8 // 10**decimals


def value_up(amount: int, price: int, decimals: int) -> int:
    """Quote WAD of a debt, away from zero."""
    return ceil_div(amount * price * 10**8, 10**decimals)


def to_units_down(value: int, unit: int) -> int:
    """Quote WAD to token units of the quote asset, `unit` = 10^(18 − decimals)."""
    return value // unit


def to_units_up(value: int, unit: int) -> int:
    return (value + unit - 1) // unit
