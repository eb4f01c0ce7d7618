"""Lens: fixed-width words for many accounts."""

import pytest
from world import ETH, SIZE, WAD, WETH

from plimsoll.actions import deposit, trade_perp


def words(data):
    raw = bytes(data)
    return [int.from_bytes(raw[at : at + 32], "big") for at in range(0, len(raw), 32)]


@pytest.mark.parametrize(("assets", "markets"), [(0, 0), (0b1, 0), (0b111, 0b1), (0b111, 0b11111)])
def test_a_record_is_as_wide_as_its_masks(world, assets, markets):
    """Id, header, a word per asset and market asked for."""
    width = 2 + bin(assets).count("1") + bin(markets).count("1")
    assert 5 * width == len(words(world.lens.rawPage(0, 100, assets, markets)))


@pytest.mark.parametrize(("start", "count", "found"), [(0, 2, 2), (3, 10, 2), (5, 1, 0), (10**9, 10**9, 0)])
def test_pages(world, start, count, found):
    """Fewer at the end, none beyond it."""
    assert 2 * found == len(words(world.lens.rawPage(start, count, 0, 0)))
    assert 2 * found == len(words(world.lens.healthPage(start, count)))


def test_raw_words(world, trader, account):
    """Balances and positions as they are stored."""
    world.execute(trader, deposit(account, WETH, 5), trade_perp(account, ETH, -3 * SIZE))
    found = words(world.lens.rawAccounts([account], 0b111, 0b11))
    assert int.from_bytes(account, "big") == found[0]
    assert [world.held(account), 5, 0] == [word & 2**128 - 1 for word in found[2:5]]
    assert found[5] & 2**64 - 1 == 2**64 - 3 * SIZE
    assert found[6] == 0


@pytest.mark.parametrize("size", [SIZE, -5 * SIZE])
def test_health_is_what_the_engine_says(world, trader, account, size):
    """Equity, IM, IM₀, MM and state in two words."""
    world.execute(trader, trade_perp(account, ETH, size))
    first, second = words(world.lens.health([account]))
    a = world.assess(account)
    assert (a.equity, a.im) == (first >> 128, first & 2**128 - 1)
    assert (a.im0, a.mm, a.state) == (second >> 128, second >> 8 & 2**120 - 1, second & 0xFF)


@pytest.mark.parametrize("market", range(5))
def test_market_records(world, market):
    """Ten words each; the last is the price."""
    found = words(world.lens.markets())
    assert len(found) == 50
    assert (market, world.prices[market + 1]) == (found[10 * market], found[10 * market + 9] & 2**72 - 1)


@pytest.mark.parametrize("asset", range(3))
def test_asset_records(world, asset):
    """Five words each: parameters, totals, vault, price."""
    found = words(world.lens.assets())[5 * asset : 5 * asset + 5]
    assert asset == found[0]
    assert world.engine.totals(asset)[0] == found[2] & 2**128 - 1
    assert int(world.vaults[asset].address, 16) == found[3]


def test_globals(world):
    """Counts, and the pool's equity."""
    found = words(world.lens.globals())
    assert (found[3], found[4]) == (0b11111, 5)
    assert tuple(world.engine.poolEquity()) == (found[5], found[6])
    assert found[5] == 10_000_000 * WAD
