"""Pools opened by a deployment: at their price, with their liquidity, whichever token is first."""

from __future__ import annotations

import pytest
from bench import BASE, PRICE, QUOTE, asset, bench

from plimsoll import contracts
from plimsoll.deploy.plan import Plan
from plimsoll.errors import BadInput
from plimsoll.exchange.listing import Addresses, Band, ExchangeListing, PoolListing, local_exchange
from plimsoll.exchange.steps import exchange_steps, needed

TOKEN = "0x" + "11" * 20

CASES = [
    ((18, 6), 3000 * PRICE, 500),
    ((8, 6), 60_000 * PRICE, 3000),
    ((18, 8), PRICE // 20, 500),
    ((6, 18), PRICE * 3 // 2, 10_000),
]


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize(("decimals", "price", "fee"), CASES)
def test_price_depth_and_range(decimals, price, fee, base_first):
    """One band of half the price to one and a half: what the pool holds is worth the depth, to a millionth."""
    made = bench(
        decimals=decimals,
        price=price,
        fee=fee,
        depth=1_000_000,
        base_first=base_first,
        bands=(Band(5_000, 15_000, 10_000),),
    )
    state = made.state()
    assert state.price == price
    base, quote = (made.balance(number, made.pool.address) for number in (BASE, QUOTE))
    unit_in, unit_out = 10 ** decimals[0], 10 ** decimals[1]
    worth = base * price * unit_out // (PRICE * unit_in) + quote
    depth = 1_000_000 * unit_out
    assert abs(worth - depth) <= depth // 10**6 + price * unit_out // (PRICE * unit_in) + 1
    position = made.exchange.positions.read("positions", 1)
    lower, upper, liquidity = position[5], position[6], position[7]
    assert liquidity == state.liquidity
    spacing = {500: 10, 3000: 60, 10_000: 200}[fee]
    ends = sorted(made.pool.pair.tick(price * end // 10_000) for end in (5_000, 15_000))
    assert ends[0] - spacing < lower <= ends[0] < ends[1] <= upper < ends[1] + spacing
    assert made.exchange.positions.read("ownerOf", 1) == made.owner


def test_nested_bands_are_positions_of_their_own():
    """Three of them; all hold the price, so all their liquidity is there."""
    made = bench()
    positions = [made.exchange.positions.read("positions", number) for number in (1, 2, 3)]
    assert made.exchange.positions.read("balanceOf", made.owner) == 3
    assert made.state().liquidity == sum(position[7] for position in positions)
    widths = [position[6] - position[5] for position in positions]
    assert widths == sorted(widths)


def test_a_pool_without_depth_is_opened_empty():
    made = bench(depth=0)
    assert (made.state().price, made.state().liquidity) == (3000 * PRICE, 0)


def test_the_local_exchange(world):
    """Three pools at the first prices, each where the factory says it is."""
    exchange = world.exchange
    assert [pool.name for pool in exchange.pools] == ["WETH/USDC", "WBTC/USDC", "WETH/WBTC"]
    assert [state.price for state in exchange.states()] == [3000 * PRICE, 60_000 * PRICE, PRICE // 20]
    for pool in exchange.pools:
        assert exchange.factory.read("getPool", pool.pair.quote, pool.pair.base, pool.fee) == pool.address


def test_events_are_decoded(world):
    """Uniswap's beside our own."""
    pool = world.exchange.pool(1, 0)
    keeper = world.actor("arbitrageur")
    world.mint(keeper, 0, 10**12)
    receipt = world.exchange.move_to(pool, 3_001 * PRICE, sender=keeper)
    (swap,) = contracts.events(receipt.logs, "Swap", address=pool.address)
    assert swap.args["sqrtPriceX96"] == pool.pair.sqrt_price(3_001 * PRICE)


def test_what_is_needed_covers_both_orders():
    listing = local_exchange({"WETH": 3000 * PRICE, "WBTC": 60_000 * PRICE}, depth=1_200)
    found = needed(listing, {"USDC": 6, "WETH": 18, "WBTC": 8})
    assert found["USDC"] == 2 * (1_200 * 10**6 + 3)
    assert found["WETH"] == 4 * 10**17 + 3 + 20 * 10**18 + 3  # the third pool has at least one WBTC, 20 WETH
    assert found["WBTC"] == 2 * 10**6 + 3 + 10**8 + 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fee": 400}, "fee"),
        ({"depth": -1}, "depth"),
        ({"price": 0}, "price and a depth"),
        ({"bands": (Band(9_000, 11_000, 9_999),)}, "add up"),
    ],
)
def test_listings_that_make_no_sense(change, said):
    with pytest.raises(BadInput, match=said):
        PoolListing(**({"base": "WETH", "quote": "USDC", "fee": 500, "price": PRICE, "depth": 1} | change))


@pytest.mark.parametrize("band", [(10_000, 11_000, 1), (9_000, 10_000, 1), (0, 11_000, 1), (9_000, 11_000, 0)])
def test_bands_that_do_not_hold_the_price(band):
    with pytest.raises(BadInput, match="band"):
        Band(*band)


@pytest.mark.parametrize("where", [None, Addresses(*["0x" + "22" * 20] * 5)])
def test_assets_that_the_deployment_lacks(where):
    """Said when planning, whoever deploys the exchange."""
    listing = ExchangeListing((PoolListing("WETH", "USDC", 500, PRICE, 1),), where)
    with pytest.raises(BadInput, match="it is no asset; there are WETH"):
        exchange_steps(Plan(contracts.load()), listing, [asset("WETH", 18)], [TOKEN], TOKEN)


def test_tokens_that_are_not_ours_to_mint():
    """A fresh exchange needs mock tokens."""
    listing = ExchangeListing((PoolListing("WETH", "USDC", 500, PRICE, 1),))
    with pytest.raises(BadInput, match="not ours to mint"):
        exchange_steps(Plan(contracts.load()), listing, [asset("WETH", 18), asset("USDC", 6)], [TOKEN, TOKEN], TOKEN)
