"""Batches: no capital needed, predicted to the unit, and one target never blocks the others."""

import random

import pytest

from plimsoll.actions import deposit, trade_perp
from plimsoll.keeper.act import Result
from plimsoll.keeper.book import Book
from plimsoll.keeper.plan import Planner
from plimsoll.keeper.select import look
from plimsoll.margin.account import AccountState
from plimsoll.prices import PRICE
from plimsoll.testing import World

LIQUIDATABLE = AccountState.LIQUIDATABLE


def planned(keeper):
    view = keeper.mirror.follow()
    planner = Planner(view, keeper.settings, keeper.account, keeper.settings.profit_to)
    return view, planner, planner.liquidations(look(view).liquidatable)


def test_liquidates_with_nothing_and_takes_the_profit_out(world, crowd_of, keeper_of, cash_of):
    """A keeper that owns nothing takes a slice, closes it and ends with the bonus less the cost of closing."""
    crowd = crowd_of(world)
    target = crowd.join("sick", 1_000, [(0, 5)])
    crowd.join("other", 2_000, [(0, 3)])
    world.post({1: 2840 * PRICE})
    assert world.assess(target).state == LIQUIDATABLE
    keeper = keeper_of(world, reserve=0)
    done = keeper.cycle()
    assert (done.liquidations, done.deferred, done.failed) == (1, 0, 0)
    assert world.assess(target).state < LIQUIDATABLE
    assert world.position(keeper.account, 0) == (0, 0)
    assert cash_of(world, "cold") > 50 * 10**6
    assert 0 <= world.held(keeper.account) < 20 * 10**6  # what a late block would have cost
    keeper.cycle()
    assert world.held(keeper.account) == 0


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6, 8, 12, 13, 14, 15, 16])
def test_the_book_is_right_to_the_unit(world, crowd_of, keeper_of, cash_of, seed):
    """What the twin says the keeper holds after the batch is what it holds: longs and shorts, five markets."""
    rng, crowd = random.Random(seed), crowd_of(world)
    sizes = {0: 5, 1: 0.25, 2: 100, 3: 700, 4: 1000}
    for number in range(8):
        markets = rng.sample(sorted(sizes), rng.randrange(1, 4))
        positions = [(m, rng.choice([-1, 1]) * sizes[m] * rng.randrange(8, 15) / 10) for m in markets]
        crowd.join(f"t{number}", 1900 * len(markets), positions)
    moved = {f: world.prices[f] * rng.choice([840, 860, 1140, 1160]) // 1000 for f in (1, 2, 3, 4, 5)}
    world.post(moved)
    keeper = keeper_of(world, reserve=10**24)  # nothing is withdrawn, so the prediction can be compared
    _view, planner, batch = planned(keeper)
    assert batch is not None, [deferred.reason for deferred in planner.deferred]
    before = world.held(keeper.account)
    assert keeper.writer.post(batch, planner, Result())
    assert batch.gain == (world.held(keeper.account) - before) * 10**12
    assert planner._closed.quote == world.held(keeper.account)
    assert all(world.position(keeper.account, market) == (0, 0) for market in sizes)


def test_insurance_and_what_it_leaves_are_predicted(world, crowd_of, keeper_of):
    """A bankrupt account's taker is paid by insurance, as far as it reaches; the rest is written off, as predicted."""
    crowd = crowd_of(world)
    for number in range(3):
        crowd.join(f"deep {number}", 1_000, [(0, 5)])
    world.post({1: 2700 * PRICE})
    keeper = keeper_of(world, reserve=10**24)
    _view, planner, batch = planned(keeper)
    assert len(batch.takes) == 3
    assert all(take.from_insurance > 0 for take in batch.takes)
    assert keeper.writer.post(batch, planner, Result())
    assert planner._closed.quote == world.held(keeper.account)
    assert planner._closed.insurance_cash == world.held(world.insurance)


def test_bankruptcy_beyond_insurance_is_predicted(crowd_of, keeper_of):
    world = World.create(insurance=300)
    crowd = crowd_of(world)
    for number in range(3):
        crowd.join(f"deep {number}", 1_000, [(0, 5)])
    world.post({1: 2700 * PRICE})
    keeper = keeper_of(world, reserve=10**24, rescue=True)
    keeper.wallet.chain.advance(1)
    world.fund(keeper.account, 0, 100 * 10**6)
    world.post({1: 2700 * PRICE})
    _view, planner, batch = planned(keeper)
    assert len(batch.takes) == 3
    assert keeper.writer.post(batch, planner, Result())
    assert planner._closed.quote == world.held(keeper.account)
    assert 0 == planner._closed.insurance_cash == world.held(world.insurance)


def test_without_a_cushion_a_hair_less_than_the_slice_is_taken(world, crowd_of, keeper_of):
    """Its size cannot move with the clock; with the reserve in place the whole slice ends the target's call."""
    crowd = crowd_of(world)
    crowd.join("sick", 2_000, [(0, 10)])
    world.post({1: 2840 * PRICE})
    keeper = keeper_of(world)
    _, _, poor = planned(keeper)
    assert poor.takes[0].asked < poor.takes[0].most < 10**18
    world.fund(keeper.account, 0, 50 * 10**6)
    world.post({1: 2840 * PRICE})
    _, _, rich = planned(keeper)
    assert rich.takes[0].asked == 10**18


@pytest.mark.parametrize("seconds", [0, 2, 12, 15])
@pytest.mark.parametrize("reserve", [0, 50])
def test_a_batch_planned_now_passes_a_few_seconds_later(world, crowd_of, keeper_of, seconds, reserve):
    """Clock, funding and price age move between plan and block; the batch still goes through."""
    crowd = crowd_of(world)
    target = crowd.join("sick", 2_000, [(0, 10)])
    world.post({1: 2820 * PRICE})
    keeper = keeper_of(world)
    if reserve:
        world.fund(keeper.account, 0, reserve * 10**6)
    world.post({1: 2820 * PRICE})
    keeper.journal.totals["sent"] = 0
    _view, planner, batch = planned(keeper)
    world.chain.advance(seconds)
    result = Result()
    keeper.writer.post(batch, planner, result)
    assert keeper.wallet.receipt(result.sent[0]).status == 1
    assert world.assess(target).state < LIQUIDATABLE


def test_volatile_collateral_needs_quote_and_waits_for_it(world, crowd_of, keeper_of):
    """With no exchange, collateral must be paid for: the account is called at once, and taken when there is quote."""
    crowd = crowd_of(world)
    target = crowd.join("holder", 1, [(0, 4)], weth=4 * 10**17)
    crowd.join("plain", 1_000, [(0, 5)])
    world.post({1: 2650 * PRICE})
    keeper = keeper_of(world, max_batches=1)
    assert world.assess(target).state >= LIQUIDATABLE
    view = keeper.mirror.follow()
    planner = Planner(view, keeper.settings, keeper.account, keeper.settings.profit_to)
    only = [finding for finding in look(view).liquidatable if finding.id == target]
    batch = planner.liquidations(only)
    if batch is None:
        assert "more quote" in planner.deferred[0].reason
    world.fund(keeper.account, 0, 5_000 * 10**6)
    world.post({1: 2650 * PRICE})
    keeper.cycle()
    assert world.assess(target).state < LIQUIDATABLE
    assert world.held(keeper.account, 1) > 0 or world.token(1).read("balanceOf", world.actor("cold")) > 0
    keeper.cycle()
    assert world.held(keeper.account, 1) == 0
    assert world.token(1).read("balanceOf", world.actor("cold")) > 0


def test_an_unprofitable_slice_waits_and_its_clock_is_started(world, crowd_of, keeper_of):
    """Just below MM the bonus does not pay for closing: a margin call starts the clock, on which the bonus grows."""
    crowd = crowd_of(world)
    target = crowd.join("edge", 1_000, [(0, 5)])
    world.post({1: 2874 * PRICE})
    keeper = keeper_of(world, min_profit=10**21)
    done = keeper.cycle()
    assert (done.liquidations, done.deferred, done.calls) == (0, 1, 1)
    account = keeper.mirror.follow().account(target)
    assert account.header.clock_start > 0


def test_a_target_that_recovered_is_skipped_and_the_rest_go_through(world, crowd_of, keeper_of):
    """Planned on a stale view, simulated on the chain: the recovered one is dropped, the others are liquidated."""
    crowd = crowd_of(world)
    sick = [crowd.join(f"sick {number}", 1_000, [(0, 5)]) for number in range(6)]
    world.post({1: 2840 * PRICE})
    keeper = keeper_of(world)
    view = keeper.mirror.follow()
    findings = look(view).liquidatable
    assert len(findings) == 6
    world.fund(sick[2], 0, 5_000 * 10**6)
    planner = Planner(view, keeper.settings, keeper.account, keeper.settings.profit_to)
    result = Result()
    keeper.writer.liquidate(planner, findings, result)
    assert world.assess(sick[2]).state < LIQUIDATABLE
    assert all(world.assess(account).state < LIQUIDATABLE for account in sick)
    assert result.count("liquidate") == 5


def test_a_full_market_takes_smaller_slices(crowd_of, keeper_of):
    """Closing may not widen the skew beyond its cap: what fits is taken, the rest waits, nobody else is blocked."""
    world = World.create(liquidity=50_000_000)
    crowd = crowd_of(world)
    crowd.join("short whale", 3_000_000, [(0, -4_990)])
    target = crowd.join("long", 10_000, [(0, 50)])
    plain = crowd.join("plain", 1_300, [(2, 100)])
    crowd.join("short again", 100_000, [(0, -50)])
    world.post({1: 2840 * PRICE, 3: 142 * PRICE})
    keeper = keeper_of(world)
    done = keeper.cycle()
    assert done.liquidations >= 1
    assert world.assess(plain).state < LIQUIDATABLE
    assert world.position(target, 0)[0] <= 50 * 10**8


def test_a_position_left_over_is_closed_with_the_next_block(world, crowd_of, keeper_of):
    keeper = keeper_of(world)
    world.fund(keeper.account, 0, 200 * 10**6)
    world.post({})
    world.execute(keeper.address, trade_perp(keeper.account, 0, 10**5))
    keeper.cycle()
    assert world.position(keeper.account, 0) == (0, 0)
    assert 50 * 10**6 <= world.held(keeper.account) < 51 * 10**6


def test_book_clone_is_its_own(world, crowd_of, keeper_of):
    crowd_of(world).join("sick", 1_000, [(0, 5)])
    view = keeper_of(world).mirror.follow()
    book = Book.of(view, bytes(32))
    copy = book.clone()
    copy.held[0] = 5
    copy.skew[0] = 1
    assert book.held == {}
    assert book.skew[0] != 1


def test_dry_run_decides_everything_and_sends_nothing(world, crowd_of, keeper_of):
    crowd = crowd_of(world)
    target = crowd.join("sick", 1_000, [(0, 5)])
    world.post({1: 2840 * PRICE})
    keeper = keeper_of(world, wallet=None)
    before = world.held(target), world.position(target, 0)
    done = keeper.cycle()
    assert (done.liquidations, done.sent, done.dry_run, done.pending) == (1, [], True, 0)
    assert before == (world.held(target), world.position(target, 0))


def test_nobody_can_block_the_keepers_account(world, crowd_of, keeper_of):
    """A stranger may deposit into the keeper's account once it is open; it is profit, swept like any other."""
    crowd = crowd_of(world)
    crowd.join("sick", 1_000, [(0, 5)])
    world.post({1: 2840 * PRICE})
    keeper = keeper_of(world, reserve=10**19)
    keeper.cycle()
    stranger = world.actor("stranger")
    world.mint(stranger, 0, 500 * 10**6)
    world.execute(stranger, deposit(keeper.account, 0, 500 * 10**6))
    keeper.cycle()
    assert world.held(keeper.account) == 10 * 10**6
