"""Prices of people and of pools, in both orders and with any decimals, against real numbers."""

from __future__ import annotations

import random

import pytest
from mpmath import mp, mpf, sqrt

from plimsoll.errors import BadInput
from plimsoll.exchange.listing import Band
from plimsoll.exchange.pair import Pair
from plimsoll.exchange.tick_math import sqrt_price_at

mp.dps = 80
PRICE = 10**10
LOW, HIGH = "0x" + "11" * 20, "0x" + "EE" * 20
DECIMALS = [(18, 6), (8, 6), (18, 8), (6, 18), (18, 18)]


def pair_of(decimals, base_first):
    base, quote = (LOW, HIGH) if base_first else (HIGH, LOW)
    return Pair(base, decimals[0], quote, decimals[1])


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize("decimals", DECIMALS)
def test_prices_and_back(decimals, base_first):
    """sqrt prices are those of the real formula, rounded down; prices come back to the last digit."""
    pair, draws = pair_of(decimals, base_first), random.Random(1)
    prices = [PRICE, 3000 * PRICE, 60_000 * PRICE, PRICE // 20, 12_345_678_901]
    for price in prices + [int(10 ** draws.uniform(8, 16)) for _ in range(200)]:
        raw = mpf(price) / PRICE * mpf(10) ** (decimals[1] - decimals[0])  # raw quote per raw base
        exact = sqrt(raw if base_first else 1 / raw) * 2**96
        found = pair.sqrt_price(price)
        assert 0 <= exact - found < 1
        assert pair.price(found) == price
        assert sqrt_price_at(pair.tick(price)) <= found < sqrt_price_at(pair.tick(price) + 1)


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize("decimals", DECIMALS)
def test_a_range_is_worth_what_was_asked(decimals, base_first):
    """Within a millionth, and a unit of each token; its ends hold those of the band."""
    pair, price, value = pair_of(decimals, base_first), 3000 * PRICE, 10**6 * 10 ** decimals[1]
    for band in (Band(9_000, 11_000, 10_000), Band(5_000, 15_000, 10_000), Band(1_000, 100_000, 10_000)):
        lower, upper, liquidity, *amounts = pair.range_for(band, price, value, 3000)
        base, quote = amounts if base_first else reversed(amounts)
        worth = base * price * 10 ** decimals[1] // (PRICE * 10 ** decimals[0]) + quote
        assert abs(worth - value) <= value // 10**6 + 10 ** max(0, decimals[1] - decimals[0]) * 3000 + 2
        assert lower % 60 == upper % 60 == 0
        ends = sorted(pair.tick(price * end // 10_000) for end in (band.lower, band.upper))
        assert ends[0] - 60 < lower <= ends[0] < ends[1] <= upper < ends[1] + 60
        assert liquidity > 0


def test_what_cannot_be():
    with pytest.raises(BadInput, match="two different tokens"):
        Pair(LOW, 18, LOW, 18)
    pair = pair_of((18, 6), True)
    for price in (0, -1, 10**62):
        with pytest.raises(BadInput, match="price"):
            pair.sqrt_price(price)


def test_base_of_a_value():
    """Rounded up."""
    pair = pair_of((8, 6), False)
    assert pair.base_for_up(3_000 * 10**6, 60_000 * PRICE) == 5_000_000
    assert pair.base_for_up(3_000 * 10**6 + 1, 60_000 * PRICE) == 5_000_001
