"""A pair of tokens with its prices as people and as pools write them, and what a band of liquidity is made of.

pair = Pair(weth, 18, usdc, 6)                  base, quote
pair.sqrt_price(3000 * PRICE)                   as a pool has it, whichever of the two is its token0
pair.price(sqrt_price)                          and back, rounded to the nearest
"""

from __future__ import annotations

from functools import cached_property
from math import isqrt
from typing import NamedTuple

from plimsoll.errors import BadInput
from plimsoll.exchange.listing import BPS, PRICE, SPACING, Band
from plimsoll.exchange.tick_math import (
    MAX_SQRT_PRICE,
    MIN_SQRT_PRICE,
    Q96,
    sqrt_price_at,
    tick_at,
    usable_down,
    usable_up,
)


class Range(NamedTuple):
    """Liquidity between two ticks and what it takes at the current price, raw units rounded up."""

    lower: int
    upper: int
    liquidity: int
    amount0: int
    amount1: int


class Pair:
    """Prices are 1e-10 of the quote per whole unit of the base. Token addresses in any case."""

    def __init__(self, base: str, base_decimals: int, quote: str, quote_decimals: int) -> None:
        self.base, self.quote = base, quote
        self.base_is_token0 = int(base, 16) < int(quote, 16)
        self._base_unit, self._quote_unit = 10**base_decimals, 10**quote_decimals
        if int(base, 16) == int(quote, 16):
            raise BadInput("pair", base, "a pool needs two different tokens")

    @cached_property
    def tokens(self) -> tuple[str, str]:
        """token0, token1."""
        return (self.base, self.quote) if self.base_is_token0 else (self.quote, self.base)

    # ---------------------------------------------------------------- prices

    def sqrt_price(self, price: int) -> int:
        """Rounded down."""
        if price <= 0:
            raise BadInput("price", price, "above zero, 1e-10 of the quote")
        quote, base = price * self._quote_unit, PRICE * self._base_unit  # raw amounts of the same value
        one, zero = (quote, base) if self.base_is_token0 else (base, quote)
        found = isqrt((one << 192) // zero)
        if not MIN_SQRT_PRICE <= found < MAX_SQRT_PRICE:
            raise BadInput("price", price, "no pool can have it")
        return found

    def price(self, sqrt_price: int) -> int:
        """Rounded to the nearest."""
        square, unit = sqrt_price * sqrt_price, 1 << 192
        above, below = (square, unit) if self.base_is_token0 else (unit, square)
        above, below = above * PRICE * self._base_unit, below * self._quote_unit
        return (2 * above + below) // (2 * below)

    def tick(self, price: int) -> int:
        """The tick a pool at `price` is in. It falls when the price rises if the quote is token0."""
        return tick_at(self.sqrt_price(price))

    # ---------------------------------------------------------------- amounts

    def quote_units(self, whole: int) -> int:
        return whole * self._quote_unit

    def base_for_up(self, quote_amount: int, price: int) -> int:
        """Raw base of the same value as `quote_amount` raw quote at `price`."""
        return -(-quote_amount * PRICE * self._base_unit // (price * self._quote_unit))

    def range_for(self, band: Band, price: int, value: int, fee: int) -> Range:
        """Liquidity worth `value` (raw quote, at `price`) in `band`, its ends moved outwards to usable ticks."""
        ends = sorted(self.tick(max(1, price * end // BPS)) for end in (band.lower, band.upper))
        lower, upper = usable_down(ends[0], SPACING[fee]), usable_up(ends[1], SPACING[fee])
        now, low, high = self.sqrt_price(price), sqrt_price_at(lower), sqrt_price_at(upper)
        # A unit of liquidity holds (now − low) of token1 and 1/now − 1/high of token0; the latter is worth · now².
        worth = 2 * now - low - now * now // high
        liquidity = value * Q96 // worth if self.base_is_token0 else value * now * now // (Q96 * worth)
        amount0 = -(-liquidity * Q96 * (high - now) // (now * high))
        amount1 = -(-liquidity * (now - low) // Q96)
        return Range(lower, upper, liquidity, amount0, amount1)
