"""OracleRouter: when a feed's fallback may speak, and when a replacement of its sources is refused."""

from __future__ import annotations

import pytest
from oracle_world import DEVIATES, ETH, ETH_ID, NOBODY, POLLED, POLLED_ID, UNKNOWN, WIDE, deploy, eth, reverts

from plimsoll.contracts import events
from plimsoll.prices import PRICE

AGE = 600
BACKUP_ID = b"BACKUP".ljust(32, b"\0")
OFF = (NOBODY, 0, bytes(32))


@pytest.fixture
def backup(world):
    """A second source, which says 3,000."""
    source = deploy(world.chain, "MockPriceSource")
    answer(world, source, 3_000)
    return source


def answer(world, source, price, *, ok=True, confidence=0, at=None):
    at = world.now if at is None else at
    source.write("set", BACKUP_ID, ok, int(price * PRICE), confidence, at, sender=world.owner)


def configure(world, source, feed=ETH, age=AGE, sender=None, id_=BACKUP_ID):
    config = (source.address, age, id_) if source else OFF
    return world.router.write("setFallback", feed, config, sender=sender or world.owner)


def poke(world, feed=ETH):
    return world.router.write("poke", feed, sender=world.stranger)


@pytest.fixture
def silent(world, backup):
    """ETH signed at 3,000, then nothing for more than the fallback's age."""
    world.update(eth(3_000))
    configure(world, backup)
    world.step(AGE + 1)
    return world


# ---------------------------------------------------------------- configuration


def test_strangers_set_nothing(world, backup):
    """A-1."""
    with reverts("AccessManagedUnauthorized", world.stranger):
        configure(world, backup, sender=world.stranger)


@pytest.mark.parametrize("age", [0, 59, 86_401, 2**32 - 1])
def test_the_age_has_bounds(world, backup, age):
    """At once, it would be a second source to choose from; after days, none."""
    with reverts("FallbackAgeOutOfRange", age, 60, 86_400):
        configure(world, backup, age=age)


@pytest.mark.parametrize("feed", [0, UNKNOWN, 256])
def test_an_unknown_feed_has_no_fallback(world, backup, feed):
    with reverts("FeedUnknown", feed):
        configure(world, backup, feed)
    with reverts("FeedUnknown", feed):
        world.router.read("fallbackOf", feed)


def test_what_failed_or_what_judges_is_no_fallback(world):
    """The feed's own source, and its reference: no second opinion."""
    world.refer()
    with reverts("FallbackIsItself", ETH, world.source.address):
        configure(world, world.source, id_=ETH_ID)
    with reverts("FallbackIsItself", POLLED, world.source.address):
        configure(world, world.source, POLLED, id_=POLLED_ID)


def test_a_fallback_reads_back_and_can_be_removed(world, backup):
    receipt = configure(world, backup)
    assert tuple(world.router.read("fallbackOf", ETH)) == (backup.address, AGE, BACKUP_ID)
    assert events(receipt.logs, "FallbackConfigured")[0].args["feed"] == ETH
    configure(world, None)
    assert tuple(world.router.read("fallbackOf", ETH)) == OFF
    with reverts("FeedNotPolled", ETH):
        poke(world)


# ---------------------------------------------------------------- in use


@pytest.mark.parametrize("age", [0, 1, AGE])
def test_while_the_price_is_young_the_fallback_is_silent(world, backup, age):
    """However different its answer: there is nothing to choose from."""
    world.update(eth(3_000))
    configure(world, backup)
    world.step(age)
    answer(world, backup, 3_100)
    with reverts("FallbackNotDue", ETH, age, AGE):
        poke(world)


def test_when_the_price_is_old_the_fallback_s_takes_its_place(silent, backup):
    """As it is: not the mean of the two."""
    world = silent
    answer(world, backup, 3_200, confidence=700)
    receipt = poke(world)
    assert world.price()[:3] == (3_200 * PRICE, 700, world.now)
    assert events(receipt.logs, "FallbackUsed")[0].args == {"feed": ETH, "active": True}
    assert world.router.read("isOnFallback", ETH)


def test_once_in_use_it_is_good_for_every_price_until_the_feed_is_back(silent, backup):
    """Else it would speak once in ten minutes. Then it has to wait again."""
    world = silent
    for price in (3_200, 3_210, 3_220):
        answer(world, backup, price)
        poke(world)
        assert world.price().value == price * PRICE
        world.step()
    receipt = world.update(eth(3_230))
    assert world.price().value == 3_230 * PRICE
    assert events(receipt.logs, "FallbackUsed")[0].args == {"feed": ETH, "active": False}
    assert not world.router.read("isOnFallback", ETH)
    world.step()
    with reverts("FallbackNotDue", ETH, 12, AGE):
        poke(world)


def test_a_feed_that_is_back_at_once_is_never_passed_over(silent, backup):
    """The newer of two is the newer of two, whoever says it."""
    world = silent
    answer(world, backup, 3_200, at=world.now - 30)
    poke(world)
    world.step(2)
    world.update(eth(3_100), at=world.now - 1)
    assert world.price().value == 3_100 * PRICE


@pytest.mark.parametrize("kind", ["wide", "far from the reference"])
def test_the_fallback_obeys_the_same_tests(silent, backup, kind):
    """Confidence and reference; the last good price then stays."""
    world = silent
    if kind == "wide":
        answer(world, backup, 3_200, confidence=2_001)
    else:
        world.refer(deviation=100)
        world.answer(3_000 * PRICE)
        answer(world, backup, 3_031)
    poke(world)
    assert (world.price().value, world.price().status) == (3_000 * PRICE, WIDE if kind == "wide" else DEVIATES)
    assert not world.router.read("isOnFallback", ETH)


def test_without_an_answer_or_with_an_old_one_nothing_changes(silent, backup):
    world = silent
    before = world.price()
    answer(world, backup, 3_200, ok=False)
    poke(world)
    answer(world, backup, 3_200, at=before.published_at)
    poke(world)
    assert before == world.price()


def test_a_polled_feed_asks_its_own_source_first(world, backup):
    """Also when the fallback is in use. What its source disowns is a doubt until the fallback is due."""
    world.answer(3_000 * PRICE, source_id=POLLED_ID)
    poke(world, POLLED)
    configure(world, backup, POLLED)
    world.step(60)
    world.answer(2_900 * PRICE, ok=False, source_id=POLLED_ID)
    poke(world, POLLED)
    assert (world.price(POLLED).value, world.price(POLLED).status) == (3_000 * PRICE, 4)

    world.step(AGE)
    answer(world, backup, 2_950)
    poke(world, POLLED)
    assert (world.price(POLLED).value, world.price(POLLED).status) == (2_950 * PRICE, 0)

    world.step()
    world.answer(2_960 * PRICE, source_id=POLLED_ID)
    answer(world, backup, 9_999)
    poke(world, POLLED)
    assert world.price(POLLED).value == 2_960 * PRICE
    assert not world.router.read("isOnFallback", POLLED)


def test_one_move_per_block_holds_for_both_together(silent, backup):
    world = silent
    answer(world, backup, 3_200)
    poke(world)
    world.update(eth(2_000), at=world.now)
    assert world.price().value == 3_200 * PRICE


# ---------------------------------------------------------------- replacements


@pytest.mark.parametrize(
    ("price", "ok"), [(3_600, True), (2_400, True), (3_600.01, False), (2_399.99, False), (1, False)]
)
@pytest.mark.parametrize("what", ["reference", "source", "fallback"])
def test_a_replacement_answers_near_the_price(world, backup, what, price, ok):
    """20 % of it, either way."""
    world.update(eth(3_000))
    answer(world, backup, price)
    if ok:
        replace(world, backup, what)
        return
    with reverts("ReplacementDeviates", ETH, 3_000 * PRICE, int(price * PRICE)):
        replace(world, backup, what)


def replace(world, source, what):
    if what == "fallback":
        return configure(world, source)
    judge, own = (source.address, NOBODY) if what == "reference" else (NOBODY, source.address)
    config = (judge, 100, 2_000, own, BACKUP_ID, BACKUP_ID)
    return world.router.write("setFeed", ETH, config, sender=world.owner)


@pytest.mark.parametrize("what", ["reference", "source", "fallback"])
def test_a_replacement_without_an_answer_is_refused(world, backup, what):
    """Silent, or disowning what it says: it is worth zero."""
    world.update(eth(3_000))
    answer(world, backup, 3_000, ok=False)
    with reverts("ReplacementDeviates", ETH, 3_000 * PRICE, 0):
        replace(world, backup, what)
    backup.write("setMode", 1, sender=world.owner)
    with reverts("ReplacementDeviates", ETH, 3_000 * PRICE, 0):
        replace(world, backup, what)


def test_a_change_of_bounds_alone_asks_nobody(world, backup):
    """Also while the reference is down."""
    world.update(eth(3_000))
    replace(world, backup, "reference")
    backup.write("setMode", 1, sender=world.owner)
    config = (backup.address, 150, 1_000, NOBODY, BACKUP_ID, BACKUP_ID)
    world.router.write("setFeed", ETH, config, sender=world.owner)
    assert world.router.read("feedConfig", ETH).maxDeviationBps == 150


def test_signed_again_the_feed_goes_on_from_its_price(world, backup):
    """And its volatility with it."""
    world.update(eth(3_000))
    replace(world, backup, "source")
    world.configure(ETH)
    assert world.price().value == 3_000 * PRICE
    world.step()
    world.update(eth(3_001))
    assert world.price().value == 3_001 * PRICE


def test_a_feed_without_a_price_or_under_dispute_can_be_repaired(world, backup):
    """A feed that went wrong has no price to be compared with: the guardian has said so, in public."""
    answer(world, backup, 2_200)
    replace(world, backup, "source")  # no price yet

    world.configure(ETH)
    world.update(eth(1))
    with reverts("ReplacementDeviates", ETH, PRICE, 2_200 * PRICE):
        replace(world, backup, "source")
    world.router.write("dispute", ETH, world.now + 60, sender=world.owner)
    replace(world, backup, "source")
    assert world.router.read("feedConfig", ETH).source == backup.address
