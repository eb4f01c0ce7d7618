"""OracleRouter: which prices are stored, which are doubted, and what a reader sees."""

from __future__ import annotations

import pytest
from oracle_world import (
    ANSWER,
    BOMB,
    BTC,
    BURN_GAS,
    DEVIATES,
    ETH,
    GARBAGE,
    NOBODY,
    POLLED,
    POLLED_ID,
    QUORUM,
    REFERENCE_DOWN,
    REVERT,
    SHORT,
    UNKNOWN,
    WIDE,
    eth,
    reverts,
    stored,
)

from plimsoll.contracts import events
from plimsoll.prices import PRICE, Quote, StoredEntry, StoredPrice, encode_report

DAY = 86_400
FIRST_PRICE = 3  # the slot of feed 0; before it: authority, the signers' set, the signers


def raw_update(world, words, *, at=None):
    """A correctly signed report of words that no honest signer would sign."""
    at = world.now if at is None else at
    report = encode_report(at, words, world.signer.seals(at, words))
    return world.router.write("update", report, sender=world.stranger)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("signers", [0, QUORUM - 1])
def test_an_unsigned_or_underquorate_report_is_refused(world, signers):
    """Nothing of it is stored."""
    with reverts("QuorumNotReached", signers, QUORUM):
        world.update(eth(), signers=world.signer.addresses[:signers])

    assert world.price().value == 0


def test_a_feed_that_nobody_configured_is_refused(world):
    """Also when it stands beside a good one, which then is not stored either."""
    with reverts("FeedUnknown", UNKNOWN):
        world.update(eth(), Quote(UNKNOWN, PRICE))

    assert world.price().value == 0


def test_the_quote_asset_has_no_report(world):
    """Its price is a constant."""
    with reverts("FeedUnknown", 0):
        raw_update(world, [PRICE << 32])


def test_a_price_of_zero_is_refused(world):
    """A report cannot hold one beyond 72 bits; zero it can."""
    with reverts("PriceOutOfRange", ETH, 0):
        raw_update(world, [ETH])
    with pytest.raises(OverflowError):
        raw_update(world, [ETH | 2**72 << 32])


@pytest.mark.parametrize("value", [2**72, 2**224 - 1])
def test_a_polled_price_beyond_72_bits_is_refused(world, value):
    """Never silently cut off."""
    world.answer(value, source_id=POLLED_ID)
    with reverts("PriceOutOfRange", POLLED, value):
        world.router.write("poke", POLLED, sender=world.stranger)


def test_a_price_from_the_future_is_refused(world):
    """Beyond what clocks may differ by; else it would block every honest report until its time has come."""
    world.update(eth(), at=world.now + 15)
    world.step()
    with reverts("PriceFromFuture", ETH, world.now + 16, world.now):
        world.update(eth(), at=world.now + 16)


def test_a_polled_feed_takes_no_report_and_a_signed_one_no_poke(world):
    """One way in per feed."""
    with reverts("FeedNotSigned", POLLED):
        world.update(Quote(POLLED, PRICE))
    with reverts("FeedNotPolled", ETH):
        world.router.write("poke", ETH, sender=world.stranger)
    with reverts("FeedUnknown", UNKNOWN):
        world.router.write("poke", UNKNOWN, sender=world.stranger)


def test_strangers_neither_configure_nor_dispute(world):
    """A-1: every privileged selector rejects random callers."""
    config = (NOBODY, 0, 2_000, NOBODY, bytes(32), bytes(32))
    for call in (("setFeed", ETH, config), ("dispute", ETH, 0)):
        with reverts("AccessManagedUnauthorized", world.stranger):
            world.router.write(*call, sender=world.stranger)


@pytest.mark.parametrize("feed", [0, 256, 2**200])
def test_only_feeds_of_8_bits_are_configured_and_never_the_quote_asset(world, feed):
    """A word of a report has 8 bits for it."""
    with reverts("FeedUnknown", feed):
        world.configure(feed)


@pytest.mark.parametrize(
    ("reference", "deviation", "confidence"), [(True, 0, 100), (True, 10_001, 100), (False, 0, 0), (False, 10_001, 1)]
)
def test_a_bound_that_bounds_nothing_is_refused(world, reference, deviation, confidence):
    """A reference with no distance, a distance above 100 %, a confidence of exactly zero."""
    source = world.source.address if reference else NOBODY
    with reverts("FeedBoundsInvalid", ETH, deviation, confidence):
        world.configure(ETH, reference=source, deviation=deviation, confidence=confidence)


def test_a_dispute_is_at_most_a_day_long_and_names_a_feed(world):
    """The guardian's word ends by itself."""
    with reverts("DisputeTooLong", world.now + DAY + 1, world.now + DAY):
        world.router.write("dispute", ETH, world.now + DAY + 1, sender=world.owner)
    with reverts("FeedUnknown", UNKNOWN):
        world.router.write("dispute", UNKNOWN, 0, sender=world.owner)


# ---------------------------------------------------------------- passed over


def test_a_feed_moves_once_per_block(world):
    """T-3: open at P₀, post P₁, close at P₁ in one block. The second report changes nothing, and nothing fails."""
    world.update(eth(3_000), at=world.now - 5)
    receipt = world.update(eth(3_030), at=world.now - 4)

    assert (world.price().value, stored(receipt)) == (3_000 * PRICE, [])

    world.step()
    world.update(eth(3_030), at=world.now - 4)

    assert world.price().value == 3_030 * PRICE


def test_a_feed_moves_forward_only(world):
    """An older report, and the same one again, in a later block."""
    world.update(eth(3_000), at=world.now)
    published = world.now
    for at in (published, published - 1, published - 3_600):
        world.step()
        world.update(eth(2_000), at=at)

    assert (3_000 * PRICE, published) == (world.price().value, world.price().published_at)


def test_a_rejected_report_too_is_not_followed_by_an_older_one(world):
    """What has been seen stays seen: the order of reports cannot be chosen around a doubt."""
    world.update(eth(3_000), at=world.now)
    world.step()
    world.update(eth(2_900, confidence=5_000), at=world.now)
    world.step()
    world.update(eth(2_950), at=world.now - 13)

    assert (world.price().value, world.price().status) == (3_000 * PRICE, WIDE)


def test_a_feed_named_twice_in_a_report_moves_once(world):
    """To the first of its prices."""
    world.update(eth(3_000), eth(3_100))

    assert world.price().value == 3_000 * PRICE


def test_one_old_feed_does_not_hold_up_another(world):
    """Each is judged by itself."""
    world.update(eth(3_000))
    receipt = world.update(eth(3_100), Quote(BTC, 50_000 * PRICE))

    assert [entry.feed for entry in stored(receipt)] == [BTC]


# ---------------------------------------------------------------- stored, and doubted


def test_a_good_report_is_stored_as_documented(world):
    """The word, bit by bit, in the slot that read() returns: interfaces/IOracleRouter.sol."""
    at = world.now - 3
    receipt = world.update(eth(3_000, 300), at=at)
    word = 3_000 * PRICE | 300 << 72 | at << 96 | at << 128 | world.number << 160

    assert word == world.chain.storage(world.router.address, FIRST_PRICE + ETH)
    assert word == world.router.read("read", [ETH])[0]
    assert StoredPrice(3_000 * PRICE, 300, at, at, world.number, 0, 0) == world.price()
    assert [StoredEntry(ETH, 300, 3_000 * PRICE, 0, 0, 0, at, 0)] == stored(receipt)


def test_a_wide_price_keeps_the_last_good_one(world):
    """Value, confidence and time stay; when and why it was doubted are new. The next good one clears it."""
    world.update(eth(3_000, 300))
    good = world.price()
    world.step()
    receipt = world.update(eth(2_900, 2_001))
    doubted = world.price()

    assert good._replace(seen_at=world.now, written_block=world.number, status=WIDE) == doubted
    (rejected,) = events(receipt.logs, "PriceRejected")
    assert tuple(rejected.args[key] for key in ("value", "confidence", "status")) == (2_900 * PRICE, 2_001, WIDE)

    world.step()
    world.update(eth(2_900, 2_000))

    assert (world.price().value, world.price().status) == (2_900 * PRICE, 0)


def test_two_disagreeing_feeds_are_never_averaged(world):
    """Synthetix sKRW (row 1): one of two feeds answered 1000x, and the mean was used. Here it vetoes."""
    world.update(eth(3_000))
    world.refer(deviation=100)
    world.step()
    world.answer(3_000_000 * PRICE)
    world.update(eth(3_001))

    assert (world.price().value, world.price().status) == (3_000 * PRICE, DEVIATES)

    world.step()
    world.answer(3_001 * PRICE)
    world.update(eth(3_002))

    assert (world.price().value, world.price().status) == (3_002 * PRICE, 0)


@pytest.mark.parametrize(("price", "status"), [(3_030, 0), (2_970, 0), (3_031, DEVIATES), (2_969, DEVIATES)])
def test_the_distance_is_measured_on_the_reference_both_ways(world, price, status):
    """1 % of 3,000 is 30; exactly that is still close."""
    world.refer(deviation=100)
    world.answer(3_000 * PRICE)
    world.update(eth(price))

    assert status == world.price().status


@pytest.mark.parametrize("mode", [REVERT, BURN_GAS, BOMB, SHORT, GARBAGE])
def test_a_reference_that_misbehaves_never_reverts_the_update(world, mode):
    """It reverts, loops, answers with 200 kB, with one word, with words that are no price: each time it is down."""
    world.update(eth(3_000))
    world.refer()
    world.source.write("setMode", mode, sender=world.owner)
    world.step()
    receipt = world.update(eth(3_001), Quote(BTC, 50_000 * PRICE))

    assert (world.price().value, world.price().status) == (3_000 * PRICE, REFERENCE_DOWN)
    assert world.price(BTC).value == 50_000 * PRICE
    assert receipt.gas_used < 600_000

    world.source.write("setMode", ANSWER, sender=world.owner)
    world.answer(3_001 * PRICE)
    world.step()
    world.update(eth(3_001))

    assert world.price().status == 0


@pytest.mark.parametrize(("value", "ok"), [(3_000 * PRICE, False), (0, True), (2**72, True), (2**255, True)])
def test_a_reference_without_a_usable_answer_counts_as_down(world, value, ok):
    """It disowns its answer, or the answer is no price."""
    world.refer()
    world.answer(value, ok=ok)
    world.update(eth(3_000))

    assert (world.price().value, world.price().status) == (0, REFERENCE_DOWN)


def test_a_reference_with_no_code_counts_as_down(world):
    """Solidity's own try/catch would revert here."""
    world.configure(ETH, reference=world.stranger, deviation=100)
    world.update(eth(3_000))

    assert world.price().status == REFERENCE_DOWN


def test_both_doubts_are_recorded(world):
    """Wide, and far from the reference."""
    world.refer()
    world.answer(2_000 * PRICE)
    world.update(eth(3_000, 9_999))

    assert world.price().status == WIDE | DEVIATES


def test_nobody_makes_a_reference_fail_by_sending_little_gas(world):
    """A 64th of the gas stays behind: enough to store a doubt after starving the reference, were it not demanded."""
    world.refer()
    world.answer(3_000 * PRICE)
    outcomes = set()
    for gas in range(40_000, 320_000, 4_000):
        snapshot = world.chain.snapshot()
        try:
            world.update(eth(3_000), gas=gas)
            outcomes.add(world.price().status)
        except Exception as error:
            outcomes.add(getattr(error, "name", "halted"))
        world.chain.revert(snapshot)

    assert {0, "GasShortage"} <= outcomes
    assert REFERENCE_DOWN not in outcomes


def test_a_dispute_outlives_new_prices_and_ends_when_told(world):
    """Its field is its own; prices keep coming."""
    until = world.now + DAY
    world.update(eth(3_000))
    receipt = world.router.write("dispute", ETH, until, sender=world.owner)
    world.step()
    world.update(eth(3_010))
    world.step()
    world.update(eth(3_020, 9_999))

    assert (3_010 * PRICE, until, WIDE) == (world.price().value, world.price().disputed_until, world.price().status)
    assert {"feed": ETH, "until": until} == events(receipt.logs, "FeedDisputed")[0].args

    world.router.write("dispute", ETH, 0, sender=world.owner)

    assert (world.price().value, world.price().disputed_until, world.price().status) == (3_010 * PRICE, 0, WIDE)


# ---------------------------------------------------------------- polled feeds


def poke(world):
    return world.router.write("poke", POLLED, sender=world.stranger)


def test_a_polled_price_is_stored(world):
    """With the source's own time and confidence."""
    world.answer(2 * PRICE, confidence=500, published_at=world.now - 30, source_id=POLLED_ID)
    poke(world)

    assert (2 * PRICE, 500, world.now - 30) == world.price(POLLED)[:3]


def test_a_polled_price_obeys_the_same_rules(world):
    """Out of range, from the future, once per block, forward only, confidence bound."""
    world.answer(0, source_id=POLLED_ID)
    with reverts("PriceOutOfRange", POLLED, 0):
        poke(world)
    world.answer(PRICE, published_at=world.now + 16, source_id=POLLED_ID)
    with reverts("PriceFromFuture", POLLED, world.now + 16, world.now):
        poke(world)

    world.answer(2 * PRICE, published_at=world.now - 2, source_id=POLLED_ID)
    poke(world)
    world.answer(3 * PRICE, published_at=world.now - 1, source_id=POLLED_ID)
    poke(world)
    assert world.price(POLLED).value == 2 * PRICE

    world.step()
    world.answer(4 * PRICE, published_at=world.now - 14, source_id=POLLED_ID)
    poke(world)
    assert world.price(POLLED).value == 2 * PRICE

    world.answer(5 * PRICE, confidence=2_001, source_id=POLLED_ID)
    poke(world)
    assert (world.price(POLLED).value, world.price(POLLED).status) == (2 * PRICE, WIDE)


def test_a_source_that_disowns_a_newer_answer_is_doubted(world):
    """Venus at LUNA's minAnswer (row 5): the old price does not go on as if nothing had happened."""
    world.answer(2 * PRICE, source_id=POLLED_ID)
    poke(world)
    world.step()
    world.answer(1 * PRICE, ok=False, source_id=POLLED_ID)
    poke(world)

    assert (world.price(POLLED).value, world.price(POLLED).status) == (2 * PRICE, REFERENCE_DOWN)


@pytest.mark.parametrize("mode", [REVERT, BURN_GAS, BOMB, SHORT, GARBAGE])
def test_a_source_without_an_answer_changes_nothing(world, mode):
    """The price just grows old."""
    world.answer(2 * PRICE, source_id=POLLED_ID)
    poke(world)
    before = world.price(POLLED)
    world.step()
    world.source.write("setMode", mode, sender=world.owner)
    poke(world)

    assert before == world.price(POLLED)


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("feed", [256, 257, 2**256 - 1])
def test_what_is_no_feed_is_not_read(world, feed):
    """Beyond the 256 prices lie slots that hold something else; -1 would be the authority."""
    with reverts("FeedUnknown"):
        world.router.read("read", [ETH, feed])


def test_nothing_asked_is_nothing_answered(world):
    """An account without assets or perps."""
    assert world.router.read("read", []) == []


def test_the_quote_asset_is_worth_one_now(world):
    """Always good, whatever anyone does."""
    assert StoredPrice(PRICE, 0, world.now, world.now, world.number, 0, 0) == world.price(0)


def test_prices_are_read_in_the_order_asked(world):
    """Repetitions and feeds without a price included."""
    world.update(eth(3_000), Quote(BTC, 50_000 * PRICE))
    words = world.router.read("read", [BTC, 0, ETH, UNKNOWN, BTC])

    assert [StoredPrice.from_word(word).value for word in words] == [
        50_000 * PRICE,
        PRICE,
        3_000 * PRICE,
        0,
        50_000 * PRICE,
    ]


def test_a_configuration_reads_back_as_it_was_set(world):
    """Every field; an unknown feed has none."""
    receipt = world.configure(ETH, reference=world.source.address, deviation=50, confidence=1_000)
    config = world.router.read("feedConfig", ETH)

    assert (world.source.address, 50, 1_000, NOBODY) == tuple(config)[:4]
    assert events(receipt.logs, "FeedConfigured")[0].args["feed"] == ETH
    with reverts("FeedUnknown", UNKNOWN):
        world.router.read("feedConfig", UNKNOWN)
