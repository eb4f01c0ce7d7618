"""ChainlinkAdapter, and a feed compared with it or polled from it."""

import pytest
from helpers import only, reverts, stored_prices
from world import DAY, ETH_FEED, HOUR, NOBODY

from plimsoll.prices import PRICE

ID = b"ETH".ljust(32, b"\0")
ANSWER = 3000 * 10**8


@pytest.fixture
def aggregator(world, deployer):
    """Answers 3,000 at 8 decimals, listed with an hour's heartbeat."""
    aggregator = world.put("MockAggregator", 8)
    aggregator.setAnswer(ANSWER, {"from": deployer})
    world.adapter.list(ID, (aggregator, HOUR, 5000, 0, 0), {"from": deployer})
    return aggregator


@pytest.fixture
def compared(world, deployer, aggregator):
    """The ETH feed is vetoed by the aggregator beyond 2 %."""
    world.router.setFeed(ETH_FEED, (world.adapter, 200, 20_000, NOBODY, ID, b"\0" * 32), {"from": deployer})
    return aggregator


@pytest.fixture
def polled(world, deployer, aggregator):
    """The ETH feed takes the aggregator's answers."""
    world.router.setFeed(ETH_FEED, (NOBODY, 0, 20_000, world.adapter, b"\0" * 32, ID), {"from": deployer})
    return aggregator


def usable(world):
    return world.adapter.latest(ID)[0]


@pytest.mark.parametrize("heartbeat", [0, 2 * DAY + 1])
def test_heartbeats(world, deployer, aggregator, heartbeat):
    """Between a second and two days."""
    with reverts("HeartbeatInvalid", heartbeat):
        world.adapter.list(ID, (aggregator, heartbeat, 0, 0, 0), {"from": deployer})


@pytest.mark.parametrize(("low", "high"), [(5, 5), (6, 5)])
def test_bands(world, deployer, aggregator, low, high):
    """A band has an inside."""
    with reverts("AnswerBandInvalid", low, high):
        world.adapter.list(ID, (aggregator, HOUR, 0, low, high), {"from": deployer})


def test_decimals(world, deployer):
    """Eighteen at most."""
    odd = world.put("MockAggregator", 19)
    with reverts("AggregatorDecimalsInvalid", odd, 19):
        world.adapter.list(ID, (odd, HOUR, 0, 0, 0), {"from": deployer})


def test_an_unknown_id(world):
    """Has no entry and no price."""
    with reverts("AggregatorUnknown", b"nobody".ljust(32, b"\0")):
        world.adapter.entry(b"nobody".ljust(32, b"\0"))
    assert tuple(world.adapter.latest(b"nobody".ljust(32, b"\0"))) == (False, 0, 0, 0)


def test_listing_is_told(world, deployer, aggregator):
    """With the decimals read at the time."""
    tx = world.adapter.list(ID, (aggregator, HOUR, 5000, 1, 2), {"from": deployer})
    assert tx.events["AggregatorListed"]["decimals"] == 8


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_an_answer_in_our_units(world, deployer, decimals):
    """Whatever the aggregator's decimals."""
    aggregator = world.put("MockAggregator", decimals)
    aggregator.setAnswer(3000 * 10**decimals, {"from": deployer})
    world.adapter.list(ID, (aggregator, HOUR, 5000, 0, 0), {"from": deployer})
    assert tuple(world.adapter.latest(ID))[:3] == (True, 3000 * PRICE, 5000)


@pytest.mark.parametrize("answer", [0, -1, -(2**255), 2**128])
def test_answers_that_are_no_price(world, deployer, aggregator, answer):
    """Zero, negative, absurd: not used, and nothing reverts."""
    aggregator.setAnswer(answer, {"from": deployer})
    assert not usable(world)


def test_a_stale_answer(world, aggregator):
    """After its heartbeat it is none."""
    assert usable(world)
    world.later(HOUR + 1)
    assert not usable(world)


def test_an_incomplete_round(world, deployer, aggregator):
    """A round without a time has no answer."""
    aggregator.setRound(5, ANSWER, 0, 0, 5, {"from": deployer})
    assert not usable(world)


def test_an_answer_carried_over(world, deployer, aggregator):
    """From an earlier round it is old news."""
    aggregator.setRound(5, ANSWER, world.now, world.now, 4, {"from": deployer})
    assert not usable(world)


def test_an_answer_from_the_future(world, deployer, aggregator):
    """Nobody knows it yet."""
    aggregator.setRound(5, ANSWER, world.now, world.now + HOUR, 5, {"from": deployer})
    assert not usable(world)


@pytest.mark.parametrize("answer", [100, 10**13])
def test_at_the_edge_of_the_aggregators_band(world, deployer, aggregator, answer):
    """There the true price is at the edge or beyond it (LUNA)."""
    aggregator.setBand(100, 10**13, {"from": deployer})
    aggregator.setAnswer(answer, {"from": deployer})
    assert not usable(world)
    aggregator.setAnswer(ANSWER, {"from": deployer})
    assert usable(world)


@pytest.mark.parametrize("bounds", [(ANSWER, 0), (0, ANSWER), (ANSWER + 1, ANSWER + 2)])
def test_our_own_band(world, deployer, aggregator, bounds):
    """The listing's, where the aggregator has none."""
    world.adapter.list(ID, (aggregator, HOUR, 0, *bounds), {"from": deployer})
    assert not usable(world)


# -------------------------------------------------------------------- compared


@pytest.mark.parametrize("value", [2939, 3061])
def test_a_price_that_deviates_is_not_believed(world, compared, stranger, value):
    """Beyond 2 % neither is."""
    tx = world.post({ETH_FEED: value * PRICE})
    assert (only(tx, "PriceRejected")["feed"], only(tx, "PriceRejected")["status"]) == (ETH_FEED, 2)
    assert world.snapshot().prices[ETH_FEED].value == 3000 * PRICE


@pytest.mark.parametrize("value", [2940, 3000, 3060])
def test_a_price_within_the_deviation_is_stored(world, compared, value):
    """As signed: the reference only vetoes."""
    world.post({ETH_FEED: value * PRICE})
    price = world.snapshot().prices[ETH_FEED]
    assert (value * PRICE, 0) == (price.value, price.status)


def test_a_dead_reference_is_a_doubt(world, compared):
    """REFERENCE_DOWN, whatever the price."""
    world.later(HOUR + 1)
    tx = world.post()
    assert only(tx, "PriceRejected")["status"] == 4
    assert len(stored_prices(tx)) == 4


# -------------------------------------------------------------------- polled


def test_a_polled_feed_is_not_signed(world, polled, stranger):
    """One way in per feed."""
    with reverts("FeedNotSigned", ETH_FEED):
        world.router.update(world.report(), {"from": stranger})


@pytest.mark.parametrize("answer", [2900, 3100])
def test_a_poke_takes_the_answer(world, deployer, polled, stranger, answer):
    """Anyone pokes; the time is the aggregator's."""
    world.later(5)
    polled.setAnswer(answer * 10**8, {"from": deployer})
    tx = world.router.poke(ETH_FEED, {"from": stranger})
    assert [answer * PRICE] == [entry.value for entry in stored_prices(tx)]
    assert answer * PRICE == world.snapshot().prices[ETH_FEED].value


def test_a_poke_without_news(world, deployer, polled, stranger):
    """Changes nothing."""
    world.later(5)
    polled.setAnswer(ANSWER, {"from": deployer})
    world.router.poke(ETH_FEED, {"from": stranger})
    assert "PricesStored" not in world.router.poke(ETH_FEED, {"from": stranger}).events


def test_a_poke_of_a_disowned_answer(world, deployer, polled, stranger):
    """Out of band is a doubt about the price that stands."""
    world.later(5)
    polled.setBand(ANSWER, 10**13, {"from": deployer})
    polled.setAnswer(ANSWER, {"from": deployer})
    tx = world.router.poke(ETH_FEED, {"from": stranger})
    assert only(tx, "PriceRejected")["status"] == 4
