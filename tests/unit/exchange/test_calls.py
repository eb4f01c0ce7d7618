"""An account of the engine trades on the real exchange, through `Call` and Executor."""

from __future__ import annotations

import pytest

from plimsoll.actions import call
from plimsoll.errors import Reverted
from plimsoll.exchange import swaps

USDC, WETH, WBTC = 0, 1, 2
UNIT = 10**6


@pytest.fixture
def alice(world):
    account = world.account(world.actor("alice"))
    world.fund(account, USDC, 100_000 * UNIT)
    return account


def act(world, *actions):
    return world.execute(world.actor("alice"), *actions)


def untouched(world, account):
    return (world.held(account), world.held(account, WETH)) == (100_000 * UNIT, 0)


def test_sell_exactly(world, alice):
    """What is promised is what the quote says, to the unit; nothing stays with Executor."""
    quote = world.exchange.best_in(USDC, 30_000 * UNIT, WETH)
    receipt = act(world, world.exchange.sell_action(alice, USDC, 30_000 * UNIT, WETH, quote.amount_out))
    assert (world.held(alice), world.held(alice, WETH)) == (70_000 * UNIT, quote.amount_out)
    (told,) = world.events(receipt, "Called")
    assert told.args["target"] == world.exchange.router.address
    assert (told.args["spent"], told.args["received"]) == (30_000 * UNIT, quote.amount_out)
    executor = world.exchange.executor
    for asset in (USDC, WETH):
        assert world.token(asset).read("balanceOf", executor) == 0
    assert world.token(USDC).read("allowance", executor, world.exchange.router.address) == 0


def test_buy_exactly(world, alice):
    """What was not needed comes back into the account."""
    quote = world.exchange.best_out(USDC, WETH, 10**19)
    act(world, world.exchange.buy_action(alice, USDC, 40_000 * UNIT, WETH, 10**19))
    assert (world.held(alice), world.held(alice, WETH)) == (100_000 * UNIT - quote.amount_in, 10**19)


def test_through_two_pools(world, alice):
    two = world.exchange.quotes_in(USDC, 10_000 * UNIT, WETH)[1]
    act(world, world.exchange.sell_action(alice, USDC, 10_000 * UNIT, WETH, two.amount_out, route=two.route))
    assert world.held(alice, WETH) == two.amount_out


def test_there_and_back_costs_fees_and_impact(world, alice):
    """Selling moves the price for whoever comes next."""
    act(world, world.exchange.sell_action(alice, USDC, 90_000 * UNIT, WETH, 0))
    got = world.held(alice, WETH)
    assert world.exchange.states()[0].price > 3000 * 10**10
    act(world, world.exchange.sell_action(alice, WETH, got, USDC, 0))
    lost = 100_000 * UNIT - world.held(alice)
    assert 2 * 90_000 * UNIT * 5 // 10_000 - UNIT < lost < 120 * UNIT


def test_less_than_promised(world, alice, reverts):
    """Somebody came first: the engine refuses, with what arrived and what was promised; nothing is lost."""
    quote = world.exchange.best_in(USDC, 30_000 * UNIT, WETH)
    promised = quote.amount_out
    action = world.exchange.sell_action(alice, USDC, 30_000 * UNIT, WETH, promised, route=quote.route)
    front = world.actor("front")
    world.mint(front, USDC, 10**6 * UNIT)
    world.exchange.move_to(world.exchange.pool(WETH, USDC), 3_030 * 10**10, sender=front)
    arrives = world.exchange.quotes_in(USDC, 30_000 * UNIT, WETH)[0].amount_out
    with reverts("OutputBelowMinimum", WETH, arrives, promised):
        act(world, action)
    assert untouched(world, alice)


def router_call(world, account, amount, data, least=0):
    return call(account, USDC, amount, WETH, least, world.exchange.router.address, data)


def test_the_routers_refusal_is_told(world, alice):
    """Its own words come through, in the values, in `reason` and in the message."""
    route = world.exchange.best_in(USDC, 10_000 * UNIT, WETH).route
    data = swaps.exact_in(route, 10_000 * UNIT, world.exchange.executor, least=10**30)
    with pytest.raises(Reverted) as caught:
        act(world, router_call(world, alice, 10_000 * UNIT, data))
    assert caught.value.name == "CallReverted"
    assert caught.value.values[0] == world.exchange.router.address
    assert caught.value.reason.matches("Error", "Too little received")
    assert "Too little received" in str(caught.value)
    assert untouched(world, alice)


def test_the_router_gets_no_more_than_the_account_gave(world, alice):
    """Asked for more, it finds no allowance: STF, its word for a transfer that failed."""
    route = world.exchange.best_in(USDC, 10_000 * UNIT, WETH).route
    data = swaps.exact_in(route, 10_001 * UNIT, world.exchange.executor)
    with pytest.raises(Reverted) as caught:
        act(world, router_call(world, alice, 10_000 * UNIT, data))
    assert caught.value.reason.matches("Error", "STF")
    assert untouched(world, alice)


def test_too_dear(world, alice):
    """An exact purchase beyond its limit: the router may take no more than that."""
    action = world.exchange.buy_action(alice, USDC, 29_000 * UNIT, WETH, 10**19)
    with pytest.raises(Reverted) as caught:
        act(world, action)
    assert caught.value.reason.matches("Error", "STF")
    assert untouched(world, alice)


def test_proceeds_sent_elsewhere_do_not_count(world, alice, reverts):
    """The recipient is in the call data; whoever it is, the account must have what it was promised."""
    route = world.exchange.best_in(USDC, 10_000 * UNIT, WETH).route
    data = swaps.exact_in(route, 10_000 * UNIT, world.actor("thief"))
    with reverts("OutputBelowMinimum", WETH, 0, 1):
        act(world, router_call(world, alice, 10_000 * UNIT, data, 1))
    assert untouched(world, alice)


def test_a_pool_that_runs_empty_takes_a_part(world, alice):
    """The router then leaves the rest, and it returns to the account."""
    exchange = world.exchange
    pool, arbitrageur = exchange.pool(WETH, USDC), world.actor("arbitrageur")
    world.mint(arbitrageur, USDC, 10**15)
    exchange.move_to(pool, 29_950 * 10**10, sender=arbitrageur)
    route = next(route for route in exchange.routes(USDC, WETH) if len(route) == 1)
    act(world, exchange.sell_action(alice, USDC, 100_000 * UNIT, WETH, 1, route=route))
    assert 0 < world.held(alice) < 100_000 * UNIT
    assert world.token(USDC).read("allowance", exchange.executor, exchange.router.address) == 0
