"""PythAdapter: when a price counts, and what it is then worth. And the sequencer's grace, which both adapters share."""

from __future__ import annotations

import pytest
from oracle_world import ETH_ID, NOBODY, POLLED, POLLED_ID, REFERENCE_DOWN, WIDE, deploy, reverts

from plimsoll.contracts import events
from plimsoll.prices import PRICE

PRICE_ID = b"\x11" * 32
MAX_AGE, MAX_CONFIDENCE, GRACE = 60, 10_000, 1_800


@pytest.fixture
def pyth(world):
    """ETH at 3,000 ± 3, with Pyth's usual eight decimals."""
    pyth = deploy(world.chain, "MockPyth")
    say(world, pyth, 3_000 * 10**8, 3 * 10**8)
    return pyth


@pytest.fixture
def adapter(world, pyth):
    adapter = deploy(world.chain, "PythAdapter", world.manager.address, pyth.address, NOBODY, 0)
    list_as(world, adapter)
    return adapter


def say(world, pyth, price, conf, *, expo=-8, at=None):
    pyth.write("set", PRICE_ID, price, conf, expo, world.now if at is None else at, sender=world.owner)


def list_as(world, adapter, *, price_id=PRICE_ID, age=MAX_AGE, confidence=MAX_CONFIDENCE, sender=None):
    return adapter.write("list", ETH_ID, (price_id, age, confidence), sender=sender or world.owner)


def latest(adapter):
    return tuple(adapter.read("latest", ETH_ID))


# ---------------------------------------------------------------- listings refused


def test_strangers_list_nothing(world, adapter):
    """A-1: every privileged selector rejects random callers."""
    with reverts("AccessManagedUnauthorized", world.stranger):
        list_as(world, adapter, sender=world.stranger)


@pytest.mark.parametrize(
    ("error", "values", "change"),
    [
        ("PriceIdMissing", (ETH_ID,), {"price_id": bytes(32)}),
        ("MaxAgeInvalid", (0,), {"age": 0}),
        ("MaxAgeInvalid", (3_601,), {"age": 3_601}),
        ("MaxConfidenceInvalid", (0,), {"confidence": 0}),
        ("MaxConfidenceInvalid", (10**6 + 1,), {"confidence": 10**6 + 1}),
    ],
)
def test_each_parameter_has_its_bounds(world, adapter, error, values, change):
    with reverts(error, *values):
        list_as(world, adapter, **change)


def test_what_was_not_listed_has_no_entry_and_no_answer(adapter):
    with reverts("PriceUnknown", POLLED_ID):
        adapter.read("entry", POLLED_ID)
    assert tuple(adapter.read("latest", POLLED_ID)) == (False, 0, 0, 0)


def test_a_listing_reads_back(world, adapter):
    receipt = list_as(world, adapter, age=30, confidence=500)
    assert tuple(adapter.read("entry", ETH_ID)) == (PRICE_ID, 30, 500)
    assert events(receipt.logs, "PriceListed")[0].args["id"] == ETH_ID


# ---------------------------------------------------------------- answers taken


@pytest.mark.parametrize(
    ("price", "expo", "value"),
    [
        (3_000 * 10**8, -8, 3_000 * PRICE),
        (3_000, 0, 3_000 * PRICE),
        (3, 3, 3_000 * PRICE),
        (3_000 * 10**12, -12, 3_000 * PRICE),
        (123_456_789_012, -12, 1_234_567_890),  # rounded down
        (2**63 - 1, -18, 92_233_720_368),
    ],
)
def test_a_price_is_scaled_by_its_exponent(world, pyth, adapter, price, expo, value):
    """To 1e-10 quote, whichever side of it the exponent lies."""
    say(world, pyth, price, 0, expo=expo)
    assert latest(adapter) == (True, value, 0, world.now)


@pytest.mark.parametrize(
    ("conf", "ppm"), [(0, 0), (1, 1), (3_000, 1), (3_001, 2), (3 * 10**7, 10_000), (3 * 10**7 + 1, 10_001)]
)
def test_the_confidence_is_the_interval_in_millionths_of_the_price(world, pyth, adapter, conf, ppm):
    """Rounded up; beyond the listing's bound the answer is none."""
    say(world, pyth, 3_000 * 10**6, conf)
    assert latest(adapter) == (ppm <= MAX_CONFIDENCE, 30 * PRICE, ppm, world.now)


@pytest.mark.parametrize(("age", "ok"), [(0, True), (MAX_AGE, True), (MAX_AGE + 1, False)])
def test_a_price_grows_stale(world, pyth, adapter, age, ok):
    say(world, pyth, 3_000 * 10**8, 0, at=world.now - age)
    assert latest(adapter) == (ok, 3_000 * PRICE, 0, world.now - age)


# ---------------------------------------------------------------- answers refused


@pytest.mark.parametrize("price", [0, -1, -3_000 * 10**8, -(2**63)])
def test_a_price_that_is_not_positive_does_not_count(world, pyth, adapter, price):
    """Oil was below zero once; here that is no price."""
    say(world, pyth, price, 1)
    assert latest(adapter) == (False, 0, 0, world.now)


@pytest.mark.parametrize("lead", [1, 3_600])
def test_a_price_from_the_future_does_not_count(world, pyth, adapter, lead):
    say(world, pyth, 3_000 * 10**8, 1, at=world.now + lead)
    assert latest(adapter) == (False, 0, 0, 0)


@pytest.mark.parametrize("expo", [-29, 9, -(2**31), 2**31 - 1])
def test_an_exponent_that_no_price_has_does_not_count(world, pyth, adapter, expo):
    """10^expo would overflow, or leave nothing."""
    say(world, pyth, 3_000, 1, expo=expo)
    assert latest(adapter)[:3] == (False, 0, 0)


def test_a_price_too_small_for_a_word_is_none(world, pyth, adapter):
    """1e-18 rounds to zero, and a price is never zero."""
    say(world, pyth, 1, 0, expo=-18)
    assert not latest(adapter)[0]


@pytest.mark.parametrize(
    "words",
    [(2**255, 1, 2**256 - 8), (2**64, 1, 2**256 - 8), (3_000, 2**255, 2**256 - 8), (3_000, 1, 2**255)],
)
def test_words_too_wide_for_pyth_s_types_do_not_count(world, pyth, adapter, words):
    """Nor do they revert the reader."""
    pyth.write("setWords", PRICE_ID, *words, world.now, sender=world.owner)
    assert not latest(adapter)[0]


def test_a_pyth_that_fails_has_no_answer(world, pyth, adapter):
    """One word, an id it does not know, no contract at all."""
    pyth.write("setShort", True, sender=world.owner)
    assert latest(adapter) == (False, 0, 0, 0)
    pyth.write("setShort", False, sender=world.owner)
    list_as(world, adapter, price_id=b"\x22" * 32)
    assert latest(adapter) == (False, 0, 0, 0)
    nowhere = deploy(world.chain, "PythAdapter", world.manager.address, world.stranger, NOBODY, 0)
    list_as(world, nowhere)
    assert latest(nowhere) == (False, 0, 0, 0)


# ---------------------------------------------------------------- through the router


def poke(world):
    return world.router.write("poke", POLLED, sender=world.stranger)


def test_the_router_takes_a_pyth_price_and_doubts_a_wide_one(world, pyth, adapter):
    """Wider than the feed allows, then wider than the adapter lists."""
    config = (NOBODY, 0, 5_000, adapter.address, bytes(32), ETH_ID)
    world.router.write("setFeed", POLLED, config, sender=world.owner)
    poke(world)
    assert (*world.price(POLLED)[:2], world.price(POLLED).status) == (3_000 * PRICE, 1_000, 0)
    for conf, status in ((20 * 10**8, WIDE), (40 * 10**8, REFERENCE_DOWN)):
        world.step()
        say(world, pyth, 3_010 * 10**8, conf)
        poke(world)
        assert (world.price(POLLED).value, world.price(POLLED).status) == (3_000 * PRICE, status)


# ---------------------------------------------------------------- the sequencer, and both adapters


@pytest.fixture(params=["ChainlinkAdapter", "PythAdapter"])
def guarded(request, world, pyth):
    """An adapter with a sequencer that has been up for a day, and the sequencer's feed."""
    uptime = deploy(world.chain, "MockAggregator", 0)
    status(world, uptime, 0, 86_400)
    arguments = (pyth.address,) if request.param == "PythAdapter" else ()
    adapter = deploy(world.chain, request.param, world.manager.address, *arguments, uptime.address, GRACE)
    if request.param == "PythAdapter":
        list_as(world, adapter)
    else:
        aggregator = deploy(world.chain, "MockAggregator", 8)
        aggregator.write("setAnswer", 3_000 * 10**8, sender=world.owner)
        adapter.write("list", ETH_ID, (aggregator.address, 3_600, 0, 0, 0), sender=world.owner)
    return adapter, uptime


def status(world, uptime, down, ago):
    uptime.write("setRound", 1, down, world.now - ago, world.now, 1, sender=world.owner)


@pytest.mark.parametrize(
    ("down", "ago", "ok"),
    [
        (0, GRACE + 1, True),
        (0, GRACE, False),
        (0, 0, False),
        (1, GRACE + 1, False),
        (1, 0, False),
        (2**200, GRACE + 1, False),
        (-1, GRACE + 1, False),
        (0, -1, False),
    ],
)
def test_no_answer_counts_while_the_sequencer_is_down_or_just_back(world, guarded, down, ago, ok):
    """The same second for the same reason in both adapters: what others could not act on, nobody uses first."""
    adapter, uptime = guarded
    assert latest(adapter)[0]
    status(world, uptime, down, ago)
    assert latest(adapter)[0] == ok
    assert (adapter.read("sequencer"), adapter.read("sequencerGrace")) == (uptime.address, GRACE)


def test_a_sequencer_feed_that_never_answered_counts_as_down(world, guarded):
    adapter, uptime = guarded
    uptime.write("setRound", 0, 0, 0, 0, 0, sender=world.owner)
    assert not latest(adapter)[0]
