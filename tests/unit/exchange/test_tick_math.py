"""Ticks and sqrt prices against logarithms of fifty digits."""

from __future__ import annotations

import random

import pytest
from bench import bench
from mpmath import floor, log, mp, mpf

from plimsoll.contracts import Contract, events
from plimsoll.errors import BadInput
from plimsoll.exchange.artifacts import load
from plimsoll.exchange.tick_math import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    sqrt_price_at,
    tick_at,
    usable_down,
    usable_up,
)

mp.dps = 80
DRAWS = random.Random(4)
TICKS = [-MAX_TICK, -MAX_TICK + 1, -1, 0, 1, MAX_TICK - 1, MAX_TICK] + [
    DRAWS.randint(-MAX_TICK, MAX_TICK) for _ in range(300)
]


def test_sqrt_prices_of_ticks():
    """Within what 128 bits lose in twenty products; a positive tick is one over a small number."""
    for tick in TICKS:
        exact = mpf("1.0001") ** (mpf(tick) / 2) * 2**96
        lost = exact * 21 * mpf(2) ** -128 * mpf("1.0001") ** (mpf(abs(tick)) / 2)
        assert abs(sqrt_price_at(tick) - exact) <= 1 + lost


def test_the_ends_are_the_contracts():
    assert (sqrt_price_at(-MAX_TICK), sqrt_price_at(MAX_TICK)) == (MIN_SQRT_PRICE, MAX_SQRT_PRICE)
    assert sqrt_price_at(0) == 1 << 96


def test_ticks_of_sqrt_prices():
    """The greatest tick that is not above: exactly on it, just below it, and anywhere between."""
    for tick in TICKS[:-300] + TICKS[7:150]:
        if tick < MAX_TICK:
            assert tick_at(sqrt_price_at(tick)) == tick
        if tick > -MAX_TICK:
            assert tick_at(sqrt_price_at(tick) - 1) == tick - 1
    for _ in range(200):
        price = int(mpf(2) ** mpf(DRAWS.uniform(33, 159)))
        exact = floor(2 * log(mpf(price) / 2**96) / log(mpf("1.0001")))
        assert tick_at(price) == exact


def test_the_chain_agrees():
    """A pool finds its tick itself: at the sqrt price of each of ours, and just below it."""
    made = bench(depth=0)
    tokens = [token.address for token in made.tokens.values()]
    receipt = made.exchange.factory.write("createPool", *tokens, 10_000, sender=made.owner)
    (created,) = events(receipt.logs, "PoolCreated")
    pool = Contract(made.chain, created.args["pool"], load()["UniswapV3Pool"])
    for tick in TICKS[1:6] + TICKS[7:60]:
        for price, expected in ((sqrt_price_at(tick), tick), (sqrt_price_at(tick) - 1, tick - 1)):
            snapshot = made.chain.snapshot()
            pool.write("initialize", price, sender=made.owner)
            assert pool.read("slot0")[1] == expected
            made.chain.revert(snapshot)


@pytest.mark.parametrize("tick", [-MAX_TICK - 1, MAX_TICK + 1])
def test_no_such_tick(tick):
    with pytest.raises(BadInput, match=str(tick)):
        sqrt_price_at(tick)


@pytest.mark.parametrize("price", [0, MIN_SQRT_PRICE - 1, MAX_SQRT_PRICE])
def test_no_such_sqrt_price(price):
    with pytest.raises(BadInput, match="sqrt price"):
        tick_at(price)


@pytest.mark.parametrize(
    ("tick", "spacing", "down", "up"),
    [
        (-7, 10, -10, 0),
        (60, 60, 60, 60),
        (61, 60, 60, 120),
        (MAX_TICK, 60, 887_220, 887_220),
        (-MAX_TICK, 10, -887_270, -887_270),
    ],
)
def test_usable_ticks(tick, spacing, down, up):
    assert (usable_down(tick, spacing), usable_up(tick, spacing)) == (down, up)
