"""The vaults' brakes: what may not be sold this hour waits for its hour, and nobody waits with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from keeper_town import ETHER, USD, USDC, WETH, Town, assert_empty, planned

from plimsoll.keeper.act import Result
from plimsoll.keeper.select import look
from plimsoll.margin.account import AccountState
from plimsoll.testing import World
from plimsoll.testing.spot import SpotScene

HOUR = 3600
LIQUIDATABLE = AccountState.LIQUIDATABLE
FLOOR = 2 * ETHER


def braked(asset, floor):
    plain = SpotScene.parameters()
    tight = replace(plain.assets[asset], brake_bps=1, brake_floor=floor)
    assets = tuple(tight if number == asset else other for number, other in enumerate(plain.assets))
    town = Town(World.create(parameters=replace(plain, assets=assets)))
    town.world.chain.advance(HOUR)
    return town


@pytest.fixture
def town():
    """Two WETH an hour may leave; the lender's two thousand do not make it more."""
    return braked(WETH, FLOOR)


def used(town, amount):
    """`amount` of this hour's room is spent."""
    world, owner = town.world, town.world.actor("spender")
    account = world.account(owner)
    world.fund(account, WETH, amount)
    world.chain.advance(HOUR)
    world.post({})
    world.execute(owner, world.exchange.sell_action(account, WETH, amount, USDC, 0))


def sold(batch):
    return sum(order.swap.amount_in for order in batch.orders if order.asset_in == WETH)


def test_the_room_is_what_the_vault_refuses_beyond(town, keeper_of):
    """One unit more than the keeper reads is refused, that much passes."""
    world = town.world
    town.join("long", {WETH: 10 * ETHER})
    used(town, ETHER // 2)
    keeper = keeper_of(world)
    room = keeper.shop.room(world.chain.block()[0])[WETH]
    assert room == FLOOR - ETHER // 2
    owner = world.actor("long")
    account = world.account(owner)
    before = world.chain.snapshot()
    with pytest.raises(Exception, match="BrakeReached"):
        world.execute(owner, world.exchange.sell_action(account, WETH, room + 1, USDC, 0))
    world.chain.revert(before)
    world.execute(owner, world.exchange.sell_action(account, WETH, room, USDC, 0))
    assert keeper.shop.room(world.chain.block()[0])[WETH] == 0


def test_a_smaller_slice_where_there_is_room_for_it(town, keeper_of):
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    world.chain.advance(HOUR)  # what came in gave room
    town.move({1: 2_650})
    keeper = keeper_of(world, reserve=0, max_batches=1)
    planner, batch = planned(keeper)
    (take,) = batch.takes
    assert take.least <= take.fraction < take.most // 2
    assert 0 < sold(batch) <= planner.room[WETH] == FLOOR
    assert keeper.cycle().liquidations == 1
    assert world.held(target, WETH) < 10 * ETHER
    assert_empty(town, keeper)


def test_without_room_the_rest_goes_on_and_nothing_is_tried_until_the_hour_is_over(town, keeper_of, monkeypatch):
    """No batch with the braked target is built, block after block; with the next hour it is taken."""
    world = town.world
    target = town.join("long", {WETH: ETHER}, {USDC: 2_390 * USD})
    plain = town.join("plain", {USDC: 1_000 * USD}, positions=[(0, 5)])
    used(town, FLOOR)
    town.move({1: 2_650})
    keeper, tried = keeper_of(world, reserve=0), []
    simulate = keeper.writer.simulate
    monkeypatch.setattr(keeper.writer, "simulate", lambda b, p: tried.append(b.targets) or simulate(b, p))
    done = keeper.cycle()
    assert (done.liquidations, done.deferred, done.calls) == (1, 1, 1)
    assert world.assess(plain).state < LIQUIDATABLE
    for _ in range(5):
        world.chain.advance(12)
        world.post({1: world.prices[1]})
        done = keeper.cycle()
        assert (done.liquidations, done.deferred, done.failed) == (0, 1, 0)
    assert all(target not in targets for targets in tried if targets != (target,))
    assert [targets for targets in tried if target in targets] == [(target,)]  # the call of its margin
    planner, _ = planned(keeper_of(world))
    assert "the brake lets no more of asset 1 leave this hour" in planner.deferred[0].reason
    world.chain.advance(HOUR)
    town.move({1: 2_650})
    assert keeper.cycle().liquidations == 1
    assert world.held(target, WETH) < ETHER


def test_a_brake_that_was_not_foreseen_blocks_nobody_else(town, keeper_of, monkeypatch):
    """Somebody uses the room up between read and simulation: the error leaves the sale out, and nobody else."""
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    plain = [town.join(f"plain {n}", {USDC: 1_000 * USD}, positions=[(0, 5)]) for n in range(2)]
    used(town, FLOOR)
    town.move({1: 2_650})
    keeper = keeper_of(world)
    monkeypatch.setattr(keeper.shop, "room", lambda _: {})
    view = keeper.mirror.follow()
    result = Result()
    keeper.writer.liquidate(keeper.planner(view, look(view)), look(view).liquidatable, result)
    assert "BrakeReached" in result.deferred[target].reason
    assert all(world.assess(account).state < LIQUIDATABLE for account in plain)


def test_vaults_that_do_not_answer_leave_it_to_the_simulation(town, keeper_of, monkeypatch):
    world = town.world
    keeper = keeper_of(world)
    monkeypatch.setattr(keeper.shop.exchange, "_multicall", world.engine)
    assert keeper.shop.room(world.chain.block()[0]) == {}


def test_purchases_are_braked_too(keeper_of):
    """Of ten million two thousand may leave: too little to buy back the smallest slice of a short."""
    town = braked(USDC, 100 * USD)
    town.join("short", {USDC: 30_000 * USD}, {WETH: 8 * ETHER})
    town.world.chain.advance(HOUR)
    town.move({1: 3_450})
    keeper = keeper_of(town.world)
    planner, batch = planned(keeper)
    assert batch is None
    assert planner.room[USDC] < 2_500 * USD
    (deferred,) = planner.deferred
    assert deferred.reason == "owes asset 1; the brake lets no more of asset 0 leave this hour"
    assert keeper.cycle().failed == 0
