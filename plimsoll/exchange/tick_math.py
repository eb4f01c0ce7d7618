"""Square roots of prices and ticks, exactly as Uniswap v3 has them (TickMath).

A sqrt price is √(raw token1 per raw token0) · 2^96; a tick t stands for the price 1.0001^t.
"""

from __future__ import annotations

from functools import lru_cache

from plimsoll.errors import BadInput

Q96 = 1 << 96
MAX_TICK = 887_272
MIN_SQRT_PRICE = 4295128739
MAX_SQRT_PRICE = 1461446703485210103287273052203988822378723970342

# √1.0001^(-2^n) · 2^128, n = 0 …, as the contract has them.
_FACTORS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


@lru_cache(maxsize=1 << 12)
def sqrt_price_at(tick: int) -> int:
    """getSqrtRatioAtTick: rounded up."""
    if abs(tick) > MAX_TICK:
        raise BadInput("tick", tick, f"from {-MAX_TICK} to {MAX_TICK}")
    ratio = 1 << 128
    for bit, factor in enumerate(_FACTORS):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return -(-ratio >> 32)


def tick_at(sqrt_price: int) -> int:
    """getTickAtSqrtRatio: the greatest tick whose sqrt price is not above."""
    if not MIN_SQRT_PRICE <= sqrt_price < MAX_SQRT_PRICE:
        raise BadInput("sqrt price", sqrt_price, f"from {MIN_SQRT_PRICE} to below {MAX_SQRT_PRICE}")
    low, high = -MAX_TICK, MAX_TICK
    while low < high:
        middle = (low + high + 1) // 2
        if sqrt_price_at(middle) <= sqrt_price:
            low = middle
        else:
            high = middle - 1
    return low


def usable_down(tick: int, spacing: int) -> int:
    """The nearest usable tick at or below; the lowest usable one at the end of the line."""
    return max(tick // spacing * spacing, -(MAX_TICK // spacing) * spacing)


def usable_up(tick: int, spacing: int) -> int:
    return min(-(-tick // spacing) * spacing, MAX_TICK // spacing * spacing)
