"""Pools follow the market, paid for by somebody."""

from __future__ import annotations

import pytest
from bench import BASE, PRICE, QUOTE, bench

from plimsoll.actions import MAX_UINT256
from plimsoll.errors import BadInput
from plimsoll.exchange.arbitrage import worthwhile

USDC, WETH, WBTC = 0, 1, 2


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize(("decimals", "price"), [((18, 6), 3000), ((8, 6), 60_000), ((18, 8), 20)])
def test_a_pool_goes_exactly_where_it_is_sent(decimals, price, base_first):
    """Up, down, far and near; what it costs is what was foreseen."""
    made = bench(decimals=decimals, price=price * PRICE, base_first=base_first)
    person = made.rich()
    for percent in (101, 100, 60, 170, 99, 700, 100):
        target = price * PRICE * percent // 100
        (move,) = made.exchange.moves({made.pool: target}, person)
        before = {number: made.balance(number, person) for number in (BASE, QUOTE)}
        made.exchange.move_to(made.pool, target, sender=person)
        assert made.state().price == target
        assert made.state().tick == made.pool.pair.tick(target)
        assert move.short == 0
        bought = QUOTE if move.asset_in == BASE else BASE
        assert before[move.asset_in] - made.balance(move.asset_in, person) == move.amount_in
        assert made.balance(bought, person) - before[bought] == move.amount_out
    assert made.exchange.move_to(made.pool, price * PRICE, sender=person) is None


def test_beyond_the_last_liquidity_and_back():
    """The price runs on to where it was sent, and returns."""
    made = bench()
    person = made.rich()
    for price in (100, 90_000, 3000):
        made.exchange.move_to(made.pool, price * PRICE, sender=person)
        assert made.state().price == price * PRICE
        assert (made.state().liquidity == 0) == (price != 3000)
    made.exchange.move_to(made.pool, 100 * PRICE, sender=person)
    with pytest.raises(BadInput, match="refused"):
        made.exchange.move_to(made.pool, 90 * PRICE, sender=person)


def test_as_far_as_the_tokens_go(world):
    """What is lacking is said beforehand; without any there is nothing to send."""
    exchange, arbitrageur = world.exchange, world.actor("arbitrageur")
    pool = exchange.pool(WETH, USDC)
    assert exchange.moves({pool: 3_300 * PRICE}, arbitrageur) == []
    assert exchange.move_to(pool, 3_300 * PRICE, sender=arbitrageur) is None
    world.token(USDC).write("mint", arbitrageur, 10**12, sender=world.admin)
    (move,) = exchange.moves({pool: 3_300 * PRICE}, arbitrageur)
    assert move.amount_in == 10**12 and move.short > 10**12
    assert len(move.transactions) == 2  # the first of them an approval
    exchange.move_to(pool, 3_300 * PRICE, sender=arbitrageur)
    assert 3_000 * PRICE < exchange.states([pool])[0].price < 3_300 * PRICE
    assert world.token(USDC).read("balanceOf", arbitrageur) == 0


def test_several_pools_with_one_purse(world):
    """All are asked about together; the approval is given once."""
    exchange, arbitrageur = world.exchange, world.actor("arbitrageur")
    for asset in (USDC, WETH, WBTC):
        world.token(asset).write("mint", arbitrageur, 10**14 if asset != WETH else 10**23, sender=world.admin)
    prices = {exchange.pool(WETH, USDC): 3_100 * PRICE, exchange.pool(WBTC, USDC): 61_000 * PRICE}
    moves = exchange.moves(prices, arbitrageur)
    assert [move.asset_in for move in moves] == [USDC, USDC]
    assert [len(move.transactions) for move in moves] == [2, 1]
    world.chain.send_many([tx for move in moves for tx in move.transactions])
    assert [state.price for state in exchange.states(prices)] == list(prices.values())
    router = exchange.router.address
    assert world.token(USDC).read("allowance", arbitrageur, router) > MAX_UINT256 // 2


def test_what_is_worth_it():
    """Within the fee nobody moves; beyond it, to the edge of the fee."""
    assert worthwhile(3_001 * PRICE, 3_000 * PRICE, 500) is None
    assert worthwhile(2_999 * PRICE, 3_000 * PRICE, 500) is None
    down = worthwhile(3_100 * PRICE, 3_000 * PRICE, 500)
    up = worthwhile(2_900 * PRICE, 3_000 * PRICE, 500)
    assert up < 3_000 * PRICE < down
    assert down * (10**6 - 500) <= 3_000 * PRICE * 10**6
    assert up * 10**6 >= 3_000 * PRICE * (10**6 - 500)


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize("start", [2_900, 3_100])
def test_an_arbitrageur_earns(base_first, start):
    """Moving to the worthwhile price brings more than it costs at the market's price; moving on from there does not."""
    made = bench(price=start * PRICE, base_first=base_first)
    person = made.rich()

    def wealth():
        return made.balance(QUOTE, person) * 10**12 + made.balance(BASE, person) * 3_000

    before = wealth()
    edge = worthwhile(made.state().price, 3_000 * PRICE, 500)
    made.exchange.move_to(made.pool, edge, sender=person)
    best = wealth()
    assert best > before
    made.exchange.move_to(made.pool, 3_000 * PRICE, sender=person)
    assert wealth() < best
