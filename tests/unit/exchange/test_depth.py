"""Pools in memory: what the quoter says, to the unit, for single swaps, chains of them and thin pools."""

import random

import pytest

from plimsoll.exchange import Exchange, Quote
from plimsoll.exchange.depth import DepthReader
from plimsoll.exchange.errors import TooLarge
from plimsoll.exchange.swaps import Hop, Pool, pool_address
from plimsoll.prices import PRICE

USDC, WETH, WBTC = 0, 1, 2
SIZES = {USDC: 10**6, WETH: 10**15, WBTC: 10**5}  # about a dollar, three, sixty


@pytest.mark.parametrize("seed", range(6))
def test_equal_to_the_quoter(world, seed):
    rng = random.Random(seed)
    reader = DepthReader(world.exchange)
    depths = reader.read()
    for _ in range(20):
        a, b = rng.sample(sorted(SIZES), 2)
        amount = int(SIZES[a] * 10 ** rng.uniform(-2, 6.3)) + 1
        for ask, quotes in ((depths.sell, world.exchange.quotes_in(a, amount, b)),):
            for route, quote in zip(world.exchange.routes(a, b), quotes, strict=True):
                if isinstance(quote, Quote):
                    try:
                        assert ask(route, amount).amount_out == quote.amount_out
                    except TooLarge:
                        assert max(quote.impact, 0) > 2_000
        wanted = int(SIZES[b] * 10 ** rng.uniform(-2, 6.3)) + 1
        for route, quote in zip(world.exchange.routes(a, b), world.exchange.quotes_out(a, b, wanted), strict=True):
            if isinstance(quote, Quote):
                try:
                    assert depths.buy(route, wanted).amount_in == quote.amount_in
                except TooLarge:
                    assert quote.impact > 2_000


@pytest.mark.parametrize("seed", range(3))
def test_one_swap_after_another(world, seed):
    """Applied in memory and on the chain, the pools end where they were said to: price, tick and liquidity."""
    rng = random.Random(seed)
    reader = DepthReader(world.exchange)
    depths = reader.read()
    owner = world.actor("trader")
    account = world.account(owner)
    for asset, size in SIZES.items():
        world.fund(account, asset, size * 10**7)
    for _ in range(12):
        a, b = rng.sample(sorted(SIZES), 2)
        amount = int(SIZES[a] * 10 ** rng.uniform(2, 5))
        swap = depths.best_in(a, amount, b)
        before = world.held(account, b)
        world.execute(owner, world.exchange.sell_action(account, a, amount, b, swap.amount_out, route=swap.route))
        assert world.held(account, b) - before == swap.amount_out
        depths.apply(swap)
    assert reader.read().levels == depths.levels


def test_the_second_reading_is_one_call(world, monkeypatch):
    reader = DepthReader(world.exchange)
    reader.read()
    world.exchange.move_to(world.exchange.pool(WETH, USDC), 3_050 * PRICE, sender=rich(world))
    calls = []
    ask = world.exchange.ask
    monkeypatch.setattr(world.exchange, "ask", lambda queries, **rest: calls.append(1) or ask(queries, **rest))
    depths = reader.read()
    assert len(calls) == 1
    assert depths.levels == DepthReader(world.exchange).read().levels


def rich(world):
    owner = world.actor("rich")
    for asset, size in SIZES.items():
        world.mint(owner, asset, size * 10**9)
    return owner


def test_more_than_a_pool_holds_is_too_large(world):
    depths = DepthReader(world.exchange).read()
    before = dict(depths.levels)
    with pytest.raises(TooLarge):
        depths.best_in(WETH, 10**30, USDC)
    with pytest.raises(TooLarge):
        depths.best_out(USDC, WETH, 10**24)
    assert depths.levels == before


def test_a_pool_that_nobody_opened_is_passed_over(world):
    here, listed = world.exchange, world.exchange.pool(WETH, USDC)
    absent = Pool("absent", WETH, USDC, 100, pool_address(here.where.factory, listed.pair, 100), listed.pair)
    depths = DepthReader(Exchange(here.chain, here.where, (absent, listed), here.executor)).read()
    assert depths.best_in(WETH, 10**18, USDC).route[0].pool == listed
    with pytest.raises(TooLarge):
        depths.sell((Hop(absent, WETH),), 1)
