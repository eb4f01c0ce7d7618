"""Decimal text to the contracts' integers and back, exactly.

parse("1.5", 6, "amount")     1500000; more decimals than there are is an error, never a rounding
show(1500000, 6)              "1.5"
"""

from __future__ import annotations

import re

from plimsoll.errors import BadInput

SIZE_DECIMALS, PRICE_DECIMALS, WAD_DECIMALS = 8, 10, 18
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?")


def parse(text: str, decimals: int, what: str) -> int:
    """`text` in units of 10^-decimals. Raises BadInput naming `what`."""
    match = _NUMBER.fullmatch(text.replace("_", "").strip())
    if match is None:
        raise BadInput(what, text, "write a decimal number such as 12.5")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > decimals:
        raise BadInput(what, text, f"it has {decimals} decimals at most")
    value = int(whole) * 10**decimals + int(fraction.ljust(decimals, "0") or "0")
    return -value if sign == "-" else value


def show(value: int, decimals: int) -> str:
    whole, fraction = divmod(abs(value), 10**decimals)
    text = f"{whole}.{fraction:0{decimals}d}".rstrip("0").rstrip(".") if decimals else str(whole)
    return f"-{text}" if value < 0 else text


def quote(wad: int) -> str:
    """A WAD amount of quote."""
    return show(wad, WAD_DECIMALS)


def size(value: int) -> str:
    return show(value, SIZE_DECIMALS)


def price(value: int) -> str:
    return show(value, PRICE_DECIMALS)
