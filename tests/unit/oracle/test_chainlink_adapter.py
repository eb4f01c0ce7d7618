"""ChainlinkAdapter: when an answer counts, and what it is then worth."""

from __future__ import annotations

import pytest
from oracle_world import ETH_ID, NOBODY, POLLED, POLLED_ID, REFERENCE_DOWN, deploy, reverts

from plimsoll.contracts import events
from plimsoll.prices import PRICE

HEARTBEAT = 3_600
GRACE = 1_800
ANSWER_UNIT = 10**8


@pytest.fixture
def aggregator(world):
    """ETH / USD at 8 decimals, at 3,000."""
    aggregator = deploy(world.chain, "MockAggregator", 8)
    aggregator.write("setAnswer", 3_000 * ANSWER_UNIT, sender=world.owner)
    return aggregator


@pytest.fixture
def adapter(world, aggregator):
    """Without a sequencer."""
    adapter = deploy(world.chain, "ChainlinkAdapter", world.manager.address, NOBODY, 0)
    list_as(world, adapter, aggregator)
    return adapter


def list_as(world, adapter, aggregator, *, heartbeat=HEARTBEAT, lowest=0, highest=0, sender=None):
    listing = (aggregator.address, heartbeat, 5_000, lowest, highest)
    return adapter.write("list", ETH_ID, listing, sender=sender or world.owner)


def usable(adapter):
    return adapter.read("latest", ETH_ID)[0]


# ---------------------------------------------------------------- listings refused


def test_strangers_list_nothing(world, adapter, aggregator):
    """A-1: every privileged selector rejects random callers."""
    with reverts("AccessManagedUnauthorized", world.stranger):
        list_as(world, adapter, aggregator, sender=world.stranger)


@pytest.mark.parametrize("heartbeat", [0, 2 * 86_400 + 1])
def test_a_heartbeat_that_never_or_always_is_stale_is_refused(world, adapter, aggregator, heartbeat):
    """Chainlink's slowest feeds answer daily."""
    with reverts("HeartbeatInvalid", heartbeat):
        list_as(world, adapter, aggregator, heartbeat=heartbeat)


@pytest.mark.parametrize("band", [(5, 5), (6, 5)])
def test_an_empty_band_is_refused(world, adapter, aggregator, band):
    """No answer would ever count."""
    with reverts("AnswerBandInvalid", *band):
        list_as(world, adapter, aggregator, lowest=band[0], highest=band[1])


def test_more_than_18_decimals_are_refused(world, adapter):
    """Nothing real has them."""
    odd = deploy(world.chain, "MockAggregator", 19)
    with reverts("AggregatorDecimalsInvalid", odd.address, 19):
        list_as(world, adapter, odd)


def test_what_is_not_listed_has_no_answer(adapter):
    """`latest` says so without reverting, `entry` reverts."""
    assert tuple(adapter.read("latest", POLLED_ID)) == (False, 0, 0, 0)
    with reverts("AggregatorUnknown", POLLED_ID):
        adapter.read("entry", POLLED_ID)


# ---------------------------------------------------------------- answers refused


@pytest.mark.parametrize("answer", [0, -1, -(2**255), 2**128])
def test_an_answer_that_is_no_price_does_not_count(world, adapter, aggregator, answer):
    """Zero, negative, absurd."""
    aggregator.write("setAnswer", answer, sender=world.owner)

    assert tuple(adapter.read("latest", ETH_ID))[:2] == (False, 0)


def test_an_answer_goes_stale_after_its_heartbeat(world, adapter):
    """To the second."""
    world.step(HEARTBEAT)
    assert usable(adapter)
    world.step(1)
    assert not usable(adapter)


@pytest.mark.parametrize(("updated", "round_id", "answered_in"), [(0, 2, 2), (1, 2, 2), (-1, 2, 1)])
def test_an_unfinished_future_or_carried_over_round_does_not_count(
    world, adapter, aggregator, updated, round_id, answered_in
):
    """updatedAt is zero; it is ahead of the chain; the answer is that of an earlier round."""
    at = world.now + updated if updated else 0
    aggregator.write("setRound", round_id, 3_000 * ANSWER_UNIT, at, at, answered_in, sender=world.owner)

    assert not usable(adapter)


@pytest.mark.parametrize(
    ("answer", "ok"), [(10, False), (9, False), (11, True), (99, True), (100, False), (101, False)]
)
@pytest.mark.parametrize("whose", ["aggregator", "ours"])
def test_an_answer_at_the_edge_of_the_band_does_not_count(world, adapter, aggregator, whose, answer, ok):
    """LUNA at minAnswer (row 5): the aggregator clamps there, so the answer says only "here or beyond"."""
    lowest, highest = 10 * ANSWER_UNIT, 100 * ANSWER_UNIT
    if whose == "aggregator":
        aggregator.write("setBand", lowest, highest, sender=world.owner)
    else:
        list_as(world, adapter, aggregator, lowest=lowest, highest=highest)
    aggregator.write("setAnswer", answer * ANSWER_UNIT, sender=world.owner)

    assert ok == usable(adapter)


def test_the_band_is_read_afresh(world, adapter, aggregator):
    """The aggregator behind a proxy changes without notice."""
    assert usable(adapter)
    aggregator.write("setBand", 3_000 * ANSWER_UNIT, 2**100, sender=world.owner)
    assert not usable(adapter)


def test_an_aggregator_without_a_round_does_not_count(world, adapter):
    """It is gone, or answers something else: no revert."""
    token = deploy(world.chain, "MockERC20", "No feed", "NOFEED", 8)
    list_as(world, adapter, token)

    assert tuple(adapter.read("latest", ETH_ID)) == (False, 0, 5_000, 0)


@pytest.mark.parametrize(
    ("down", "ago", "ok"),
    [(1, GRACE + 1, False), (0, GRACE, False), (0, 0, False), (0, GRACE + 1, True)],
)
def test_an_answer_waits_for_the_sequencer(world, aggregator, down, ago, ok):
    """Not while it is down, nor for a while after: those whom it kept out act first."""
    uptime = deploy(world.chain, "MockAggregator", 0)
    adapter = deploy(world.chain, "ChainlinkAdapter", world.manager.address, uptime.address, GRACE)
    list_as(world, adapter, aggregator)
    uptime.write("setRound", 1, down, world.now - ago, world.now, 1, sender=world.owner)

    assert ok == usable(adapter)


def test_a_sequencer_feed_that_fails_counts_as_down(world, aggregator):
    """Also one that has never answered."""
    silent = deploy(world.chain, "MockAggregator", 0)
    for address in (world.stranger, silent.address):
        adapter = deploy(world.chain, "ChainlinkAdapter", world.manager.address, address, GRACE)
        list_as(world, adapter, aggregator)

        assert not usable(adapter)


# ---------------------------------------------------------------- answers taken


@pytest.mark.parametrize("decimals", [0, 6, 8, 10, 18])
def test_an_answer_is_scaled_to_1e_10(world, adapter, decimals):
    """Whatever the decimals, cached when it was listed."""
    aggregator = deploy(world.chain, "MockAggregator", decimals)
    receipt = list_as(world, adapter, aggregator)
    aggregator.write("setAnswer", 1_234 * 10**decimals, sender=world.owner)
    aggregator.write("setDecimals", 3, sender=world.owner)

    assert (True, 1_234 * PRICE, 5_000, world.now) == tuple(adapter.read("latest", ETH_ID))
    assert decimals == events(receipt.logs, "AggregatorListed")[0].args["decimals"]
    assert (aggregator.address, decimals) == (adapter.read("entry", ETH_ID)[0], adapter.read("entry", ETH_ID)[3])


def test_an_answer_too_small_for_a_price_does_not_count(world, adapter):
    """1e-18 rounds to a price of zero, and a price is never zero."""
    aggregator = deploy(world.chain, "MockAggregator", 18)
    list_as(world, adapter, aggregator)
    aggregator.write("setAnswer", 1, sender=world.owner)

    assert not usable(adapter)


def test_the_router_takes_a_chainlink_price_and_doubts_it_at_min_answer(world, adapter, aggregator):
    """End to end: poke, clamp, poke."""
    config = (NOBODY, 0, 5_000, adapter.address, bytes(32), ETH_ID)
    world.router.write("setFeed", POLLED, config, sender=world.owner)
    world.router.write("poke", POLLED, sender=world.stranger)
    assert (*world.price(POLLED)[:2], world.price(POLLED).status) == (3_000 * PRICE, 5_000, 0)

    world.step()
    aggregator.write("setBand", 100 * ANSWER_UNIT, 2**100, sender=world.owner)
    aggregator.write("setAnswer", 100 * ANSWER_UNIT, sender=world.owner)
    world.router.write("poke", POLLED, sender=world.stranger)

    assert (world.price(POLLED).value, world.price(POLLED).status) == (3_000 * PRICE, REFERENCE_DOWN)
