"""A slice that no shave can hold still: what it drifts by until its batch lands is neither sold nor counted on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from keeper_town import BTC, ETHER, USD, USDC, WAD, WBTC, WETH, planned

from plimsoll.actions import margin_call
from plimsoll.deploy.protocol import terms_tuple
from plimsoll.keeper import drift
from plimsoll.keeper.act import Result
from plimsoll.keeper.select import look

CALLED = 4 * 3600


def coarse(town, min_slice):
    """The smallest slice allowed is so large that slices are smallest and largest at once."""
    world = town.world
    terms = replace(world.deployed.parameters.terms, min_slice=min_slice)
    world.config.write("setTerms", terms_tuple(terms), sender=world.admin)


def overdue(town):
    """A borrower past his deadline and above MM, whose perp earns funding: his equity rises, his slice shrinks."""
    world, anyone = town.world, town.world.actor("anyone")
    coarse(town, 5_000)
    town.join("crowd", {USDC: 400_000 * USD}, positions=[(0, 300)])
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 22_500 * USD}, [(0, -1)])
    town.move({1: 2_460})
    world.execute(anyone, margin_call(world.account(anyone), target))
    world.chain.advance(CALLED)
    town.move({1: 2_460})
    return target


def test_without_it_the_sale_exceeds_the_slice(town, keeper_of, monkeypatch):
    """What was sold to the last unit is refused a second later, at every second again."""
    world = town.world
    overdue(town)
    monkeypatch.setattr(drift, "doubt", lambda *_: drift.Doubt())
    keeper = keeper_of(world, reserve=100 * WAD)
    world.fund(keeper.account, USDC, 100 * USD)
    planner, batch = planned(keeper)
    assert batch.takes[0].least == batch.takes[0].fraction == batch.takes[0].most < WAD
    assert keeper.writer.simulate(batch, planner) is None
    world.chain.advance(1)
    result = Result()
    keeper.writer.post(batch, planner, result)
    receipt = keeper.wallet.receipt(result.sent[0])
    assert receipt.error.name == "InsufficientBalance"


@pytest.mark.parametrize("seconds", [1, 2, 8, 15])
def test_a_slice_that_shrinks_passes_at_whichever_second(town, keeper_of, seconds):
    """At the last second that is allowed for, what was left unsold has just been used up; before it, less."""
    world = town.world
    overdue(town)
    keeper = keeper_of(world, reserve=100 * WAD)
    world.fund(keeper.account, USDC, 100 * USD)
    planner, batch = planned(keeper)
    (take,), hair = batch.takes, planner._closed.doubt[WETH]
    assert take.asked == WAD and take.least == take.fraction
    assert 0 < hair < 10 * ETHER * take.fraction // WAD // 10**6
    world.chain.advance(seconds)
    result = Result()
    keeper.writer.post(batch, planner, result)
    assert keeper.wallet.receipt(result.sent[0]).error is None
    left = world.held(keeper.account, WETH)
    assert left == 0 if seconds == 15 else abs(left - hair * (15 - seconds) // 15) < hair // 10


@pytest.mark.parametrize("seconds", [1, 15])
def test_it_takes_no_capital(town, keeper_of, cash_of, seconds):
    """A keeper that owns nothing takes it, and the profit is out in the same transaction."""
    world = town.world
    overdue(town)
    keeper = keeper_of(world, reserve=0)
    planner, batch = planned(keeper)
    assert world.held(keeper.account) == 0 and batch.takes[0].asked == WAD
    world.chain.advance(seconds)
    result = Result()
    keeper.writer.post(batch, planner, result)
    assert keeper.wallet.receipt(result.sent[0]).error is None
    assert cash_of(world, "cold") > 10 * USD


def test_what_is_left_goes_with_the_next_sale_and_costs_nothing(town, keeper_of):
    world = town.world
    overdue(town)
    keeper = keeper_of(world, reserve=100 * WAD)
    world.fund(keeper.account, USDC, 100 * USD)
    world.post({})
    assert keeper.cycle().liquidations == 1
    left = world.held(keeper.account, WETH)
    assert 0 < left < ETHER // 10**6
    keeper.cycle()  # what the swap might have turned out worse leaves now; the crumb stays
    assert world.held(keeper.account, WETH) == left
    world.post({})
    assert keeper.cycle().sent == []
    town.join("other", {WETH: 10 * ETHER}, {USDC: 19_500 * USD})
    town.move({1: 2_150})
    planner, batch = planned(keeper)
    (sale,) = batch.orders
    taken = sum(take.finding.account.balances[WETH].held * take.fraction // WAD for take in batch.takes)
    assert sale.swap.amount_in == taken + left - planner._closed.doubt.get(WETH, 0)


@pytest.mark.parametrize("seconds", [1, 2])
def test_a_slice_that_grows_with_the_clock_is_bought_back_in_full(town, keeper_of, seconds):
    """Its debt grows with it: so much more of it is bought as a block's time can add."""
    world, anyone = town.world, town.world.actor("anyone")
    coarse(town, 10_000)
    target = town.join("short", {USDC: 30_000 * USD}, {WBTC: BTC * 4 // 10})
    town.move({2: 69_000})
    world.execute(anyone, margin_call(world.account(anyone), target))
    world.chain.advance(60)
    town.move({2: 69_000})
    keeper = keeper_of(world, reserve=500 * WAD)
    world.fund(keeper.account, USDC, 500 * USD)
    planner, batch = planned(keeper)
    assert batch.takes[0].asked == WAD and planner._closed.doubt[WBTC] > 0
    world.chain.advance(seconds)
    result = Result()
    keeper.writer.post(batch, planner, result)
    assert keeper.wallet.receipt(result.sent[0]).status == 1
    assert town.debt(keeper.account, WBTC) == 0


def test_nothing_is_left_of_a_slice_that_was_shaved(town, keeper_of):
    world = town.world
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world, reserve=0)
    planner, batch = planned(keeper)
    assert look(planner.view).liquidatable
    assert batch.takes[0].asked < batch.takes[0].most
    assert planner._closed.doubt == {}


def test_crumbs_are_taken_out_only_when_worth_the_gas(town, keeper_of):
    """Half a quote of collateral stays; five leave for nothing where gas is free, and stay where it costs more."""
    world = town.world
    keeper = keeper_of(world, min_withdrawal=WAD, gas_feed=1)
    world.fund(keeper.account, WETH, ETHER // 600)
    world.post({})
    planner, _ = planned(keeper)
    assert len(planner.tidy().actions) == 1
    planner.gas_price = 50 * 10**9  # 60,000 gas at 3,000 a coin: 9
    assert planner.tidy() is None
