"""LiquidityPool: anchors, and how a move within the recognition window is seen wherever it falls."""

from __future__ import annotations

import pytest
from lps import SHARE, UNIT, Wait, enter, fall_due, leave, lp, run

from plimsoll.actions import trade_perp
from plimsoll.contracts import events
from plimsoll.prices import PRICE
from plimsoll.testing.world import SIZE

HOUR = 3_600
START = 3_000


@pytest.fixture
def watched(world):
    """Market 0 (MM rate 2.5 %) has open interest, and an LP asks to leave."""
    trader = world.actor("trader")
    world.fund(world.account(trader), 0, 1_000_000 * UNIT)
    world.post({})
    world.execute(trader, trade_perp(world.account(trader), 0, 100 * SIZE))
    return world


def see(world, price, after=0):
    """Posts ETH at `price` `after` seconds from now, and lets anyone look."""
    world.chain.advance(after)
    world.post({1: int(price * PRICE)}, seconds=0 if after else 1)
    return world.pool.write("observe", sender=world.actor("anyone"))


def anchor(world):
    price, previous, at, moved_at = world.pool.read("anchor", 0)
    return price / PRICE, previous / PRICE, at, moved_at


def now(world):
    return world.chain.block()[1]


def test_a_move_beyond_the_mm_rate_starts_the_window_anew(watched):
    """In either direction, and only beyond."""
    for factor in (1.0251, 0.9749):
        base = anchor(watched)[0] or START
        see(watched, base * factor)
        price = pytest.approx(base * factor)
        assert anchor(watched) == (price, price, now(watched), now(watched))
    moved_at, base = anchor(watched)[3], anchor(watched)[0]
    see(watched, base * 1.0249)
    assert anchor(watched)[3] == moved_at


def test_small_steps_add_up(watched):
    """Four steps of 0.7 % within the window are a move of 2.8 %: the anchor does not follow them."""
    see(watched, START)
    see(watched, START, after=HOUR)
    quiet_since, price = anchor(watched)[3], START
    for step in range(4):
        price *= 1.007
        see(watched, price, after=60)
        moved = anchor(watched)[3] != quiet_since
        assert moved == (step == 3)


def test_a_move_across_two_anchors_is_seen(watched):
    """2 % just before the anchor is replaced and 2 % just after: each is small against its anchor, both are not."""
    see(watched, START)
    see(watched, START, after=HOUR)
    quiet_since = anchor(watched)[3]
    see(watched, START * 1.02, after=HOUR - 1)
    see(watched, START * 1.02, after=1)
    assert anchor(watched)[:2] == (START * 1.02, START)
    assert anchor(watched)[3] == quiet_since
    see(watched, START * 1.04, after=1)
    assert anchor(watched)[3] == now(watched)


def test_an_anchor_nobody_looked_at_says_nothing(watched):
    """After longer than delay and window together the market counts as moved, even at the same price."""
    see(watched, START, after=HOUR)
    assert anchor(watched)[2] == now(watched)
    see(watched, START, after=2 * HOUR)
    assert anchor(watched)[3] != now(watched)
    see(watched, START, after=2 * HOUR + 1)
    assert anchor(watched)[3] == now(watched)


def test_a_doubted_price_moves_no_anchor(watched):
    """Neither a stale price nor a disputed feed is looked at."""
    see(watched, START)
    before = anchor(watched)
    watched.chain.advance(HOUR)
    watched.pool.write("observe", sender=watched.actor("anyone"))
    assert anchor(watched) == before
    watched.router.write("dispute", 1, now(watched) + 100, sender=watched.admin)
    see(watched, START * 1.1)
    assert anchor(watched) == before


def test_a_run_that_executes_nothing_still_remembers_the_move(watched):
    """The anchor set by `execute` outlives it: the window runs from the first look at the move."""
    request = enter(watched, lp(watched, "lp", 10), 10 * UNIT)
    fall_due(watched, {1: 2_900 * PRICE})
    assert watched.pool.read("waitOf", request) == Wait.MOVE
    assert run(watched, request) == {request: Wait.MOVE}
    moved_at = now(watched)
    watched.chain.advance(HOUR - 2)
    watched.post({})
    assert (now(watched), run(watched, request)) == (moved_at + HOUR, {})


def test_requests_look_at_the_prices_themselves(watched):
    """A market with no keeper at all: the request sets the anchor that its execution is measured against."""
    watched.chain.advance(10 * HOUR)
    watched.post({})
    request = leave(watched, watched.actor("provider"), SHARE)
    assert anchor(watched)[2:] == (now(watched), now(watched))
    fall_due(watched)
    assert run(watched, request) == {}


def test_a_market_without_positions_holds_nobody_up(world):
    """Its price may jump, or be dead."""
    request = enter(world, lp(world, "lp", 10), 10 * UNIT)
    world.chain.advance(HOUR)
    assert run(world, request) == {}
    request = enter(world, lp(world, "lp", 10), 10 * UNIT)
    fall_due(world, {1: 6_000 * PRICE})
    assert run(world, request) == {}


def test_the_event_tells_a_move_from_a_look(watched):
    """AnchorSet for each market looked at, with whether it moved."""
    see(watched, START)
    receipt = see(watched, START * 1.01, after=HOUR)
    told = {e.args["market"]: (e.args["price"], e.args["moved"]) for e in events(receipt.logs, "AnchorSet")}
    assert sorted(told) == [0, 1, 2, 3, 4]
    assert told[0] == (int(START * 1.01 * PRICE), False)
