"""Quotes are what swaps do, to the unit, and cost more the larger they are."""

from __future__ import annotations

import pytest
from bench import BASE, QUOTE, bench

from plimsoll.errors import Reverted
from plimsoll.exchange import Quote, swaps
from plimsoll.exchange.errors import NoRoute, TooLarge

USDC, WETH, WBTC = 0, 1, 2


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize("decimals", [(18, 6), (8, 6), (18, 8)])
@pytest.mark.parametrize("selling", [BASE, QUOTE])
def test_a_quote_is_the_swap(selling, decimals, base_first):
    """Exactly in, exactly out: amounts and the price afterwards."""
    made = bench(decimals=decimals, base_first=base_first)
    exchange, person = made.exchange, made.rich()
    buying = QUOTE if selling == BASE else BASE
    amount = 100 * 10 ** decimals[0] if selling == BASE else 300_000 * 10 ** decimals[1]

    quote = exchange.best_in(selling, amount, buying)
    before = [made.balance(number, person) for number in (selling, buying)]
    made.chain.send(person, exchange.router.address, swaps.exact_in(quote.route, amount, person, quote.amount_out))
    after = [made.balance(number, person) for number in (selling, buying)]
    assert [b - a for b, a in zip(before, after, strict=True)] == [amount, -quote.amount_out]
    assert made.state().price == quote.after[0]

    back = exchange.best_out(selling, buying, quote.amount_out)
    made.chain.send(
        person, exchange.router.address, swaps.exact_out(back.route, back.amount_out, person, back.amount_in)
    )
    spent, got = (made.balance(number, person) - was for number, was in zip((selling, buying), after, strict=True))
    assert (-spent, got) == (back.amount_in, back.amount_out)
    assert made.state().price == back.after[0]


@pytest.mark.parametrize("selling", [BASE, QUOTE])
def test_impact_grows_with_size(selling):
    """From little more than the fee to a fifth; a round trip loses twice."""
    made = bench()
    amounts = [10**18 * n for n in (1, 10, 100, 1000)] if selling == BASE else [10**9 * n for n in (3, 30, 300, 3000)]
    buying = QUOTE if selling == BASE else BASE
    impacts = [made.exchange.best_in(selling, amount, buying).impact for amount in amounts]
    assert impacts == sorted(set(impacts))
    assert 5 < impacts[0] <= 7
    assert 100 < impacts[-1] < 2000
    assert [made.exchange.best_out(selling, buying, 10**k).impact >= 5 for k in (6, 7, 8)] == [True] * 3


def test_the_best_of_several_routes(world):
    """Small: straight through one pool. Large: what is left of it decides."""
    exchange = world.exchange
    quotes = exchange.quotes_in(USDC, 10**10, WETH)
    assert [len(quote.route) for quote in quotes] == [1, 2]
    assert exchange.best_in(USDC, 10**10, WETH) == quotes[0]
    large = exchange.quotes_in(USDC, 15 * 10**12, WETH)
    assert all(isinstance(quote, Quote) for quote in large)
    assert exchange.best_in(USDC, 15 * 10**12, WETH).amount_out == max(quote.amount_out for quote in large)
    asked = exchange.quotes_out(USDC, WETH, 10**18)
    assert exchange.best_out(USDC, WETH, 10**18).amount_in == min(quote.amount_in for quote in asked)


def test_two_hops_are_quoted_exactly(world):
    """In both directions: the encoded path is read from either end."""
    exchange, person = world.exchange, world.actor("taker")
    world.mint(person, USDC, 10**12)
    world.token(USDC).write("approve", exchange.router.address, 10**12, sender=person)
    two = exchange.quotes_in(USDC, 10**10, WETH)[1]
    world.chain.send(person, exchange.router.address, swaps.exact_in(two.route, 10**10, person, two.amount_out))
    assert world.token(WETH).read("balanceOf", person) == two.amount_out
    assert tuple(state.price for state in exchange.states([hop.pool for hop in two.route])) == two.after
    out = exchange.quotes_out(USDC, WETH, 10**18)[1]
    data = swaps.exact_out(out.route, 10**18, person, out.amount_in)
    world.chain.send(person, exchange.router.address, data)
    assert world.token(WETH).read("balanceOf", person) == two.amount_out + 10**18
    assert world.token(USDC).read("balanceOf", person) == 10**12 - 10**10 - out.amount_in
    assert tuple(state.price for state in exchange.states([hop.pool for hop in out.route])) == out.after


def test_more_than_there_is():
    """The quoter would speak of a part of it."""
    exchange = bench(depth=1000).exchange
    with pytest.raises(TooLarge, match="to sell"):
        exchange.best_in(QUOTE, 10**15, BASE)
    with pytest.raises(TooLarge, match="to buy"):
        exchange.best_out(QUOTE, BASE, 10**21)
    assert all(isinstance(found, Reverted) for found in exchange.quotes_out(QUOTE, BASE, 10**21))


def test_no_way_from_here_to_there():
    exchange = bench().exchange
    with pytest.raises(NoRoute, match="BASE/QUOTE"):
        exchange.pool(BASE, 7)
    with pytest.raises(NoRoute):
        exchange.routes(QUOTE, 7)


def test_many_pools_in_one_call(world, monkeypatch):
    """However many there are, the chain is asked once."""
    calls = []
    real = world.chain.call
    monkeypatch.setattr(world.chain, "call", lambda *args, **options: calls.append(1) or real(*args, **options))
    assert len(world.exchange.states()) == 3
    world.exchange.quotes_in(USDC, 10**9, WETH)
    assert len(calls) == 2
    assert world.exchange.ask([]) == []
