"""OracleRouter on signed reports."""

import pytest
from coincurve import PrivateKey
from helpers import ANY, every, only, reverts, stored_prices
from world import DAY, ETH_FEED, HOUR, NOBODY

from plimsoll.deploy.defaults import local_signer_keys
from plimsoll.prices import PRICE, Quote, ReportSigner, StoredEntry, address_of, encode_report

EMPTY = b"\0" * 32


def stored(world, feed=ETH_FEED):
    return world.snapshot().prices[feed]


def send(world, sender, report):
    return world.router.update(report, {"from": sender})


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_signatures(world, stranger, count):
    """Two of three must sign."""
    with reverts("QuorumNotReached", count, 2):
        send(world, stranger, world.report(signers=world.signer.addresses[:count]))


@pytest.mark.parametrize("offline", [0, 1, 2])
def test_any_one_signer_may_be_offline(world, stranger, offline):
    """The other two suffice."""
    signers = [one for n, one in enumerate(world.signer.addresses) if n != offline]
    tx = send(world, stranger, world.report({ETH_FEED: 3005 * PRICE}, signers=signers))
    assert len(stored_prices(tx)) == 5
    assert stored(world).value == 3005 * PRICE


def test_a_signature_of_another_report(world, stranger):
    """A changed word is another report: whoever seems to have signed it is unknown."""
    world.later(1)
    words = [Quote(ETH_FEED, 1 * PRICE).word()]
    signatures = world.signer.signatures(world.now, [Quote(ETH_FEED, 3000 * PRICE).word()])
    with reverts("SignerUnknown", ANY):
        send(world, stranger, encode_report(world.now, words, signatures))


@pytest.mark.parametrize("order", ["descending", "repeated"])
def test_signers_out_of_order(world, stranger, order):
    """Strictly ascending: nobody counts twice."""
    world.later(1)
    words = [Quote(ETH_FEED, 3000 * PRICE).word()]
    one, two, _ = world.signer.signatures(world.now, words)
    first, second, _ = world.signer.addresses
    pair, named = ([two, one], (first, second)) if order == "descending" else ([one, one], (first, first))
    with reverts("SignersNotAscending", *named):
        send(world, stranger, encode_report(world.now, words, pair))


@pytest.mark.parametrize("length", [1, 64, 66, 129])
def test_half_a_signature(world, stranger, length):
    """65 bytes each."""
    words = [Quote(ETH_FEED, 3000 * PRICE).word()]
    with reverts("SignatureLengthInvalid", length):
        send(world, stranger, encode_report(world.now, words, [b"\1" * length]))


@pytest.mark.parametrize("lead", [30, HOUR])
def test_a_report_from_the_future(world, stranger, lead):
    """The signers' clocks run ahead by fifteen seconds at most."""
    at = world.now + lead
    with reverts("PriceFromFuture", 1, at, ANY):
        send(world, stranger, world.report(at=at))


@pytest.mark.parametrize("feed", [6, 99, 255])
def test_an_unknown_feed(world, stranger, feed):
    """Only configured feeds are priced."""
    with reverts("FeedUnknown", feed):
        send(world, stranger, world.report_of({feed: PRICE}))


@pytest.mark.parametrize("feed", [256, 1000, 2**200])
def test_reading_beyond_the_feeds(world, feed):
    """What lies behind the prices is no price."""
    with reverts("FeedUnknown", feed):
        world.router.read([feed])


def test_the_quote_is_one(world):
    """Feed 0 is constant, now, good."""
    word = world.router.read([0])[0]
    assert word & 2**72 - 1 == 10**10
    assert word >> 224 == 0


@pytest.mark.parametrize("value", [1, 2999 * PRICE, 2**72 - 1])
def test_a_price_is_stored_as_signed(world, stranger, value):
    """Value, confidence, time and block."""
    world.later(1)
    at = world.now
    tx = send(world, stranger, world.report_of({ETH_FEED: value}, at=at, confidence=77))
    assert [StoredEntry(ETH_FEED, 77, value, 0, 0, 0, at, 0)] == stored_prices(tx)
    price = stored(world)
    assert (value, 77, at, 0) == (price.value, price.confidence, price.published_at, price.status)


@pytest.mark.parametrize("age", [1, 600])
def test_an_older_report_is_passed_over(world, stranger, age):
    """Forward only, silently: two batches may carry the same report."""
    world.later(age)
    newer = world.report({ETH_FEED: 3010 * PRICE})
    older = world.report({ETH_FEED: 2000 * PRICE}, at=world.now - age)
    send(world, stranger, newer)
    tx = send(world, stranger, older)
    assert "PricesStored" not in tx.events
    assert stored(world).value == 3010 * PRICE


def test_the_same_report_twice(world, stranger):
    """A replay changes nothing."""
    report = world.report({ETH_FEED: 3010 * PRICE})
    send(world, stranger, report)
    assert "PricesStored" not in send(world, stranger, report).events


@pytest.mark.parametrize("confidence", [20_001, 2**24 - 1])
def test_a_wide_report_is_kept_as_a_doubt(world, stranger, confidence):
    """The last good price stays; status says why it is not used."""
    before = stored(world)
    tx = send(world, stranger, world.report({ETH_FEED: 9 * PRICE}, confidence=confidence))
    after = stored(world)
    assert [event["status"] for event in every(tx, "PriceRejected")] == [1] * 5
    assert (before.value, before.published_at, 1) == (after.value, after.published_at, after.status)


def test_a_good_report_ends_the_doubt(world, stranger):
    """The next one that passes is stored."""
    send(world, stranger, world.report(confidence=30_000))
    send(world, stranger, world.report({ETH_FEED: 3001 * PRICE}))
    assert (stored(world).value, stored(world).status) == (3001 * PRICE, 0)


@pytest.mark.parametrize("feed", [1, 5])
def test_a_dispute(world, deployer, feed):
    """Until its time the feed counts as failed; zero ends it."""
    until = world.now + HOUR
    tx = world.router.dispute(feed, until, {"from": deployer})
    assert {"feed": feed, "until": until} == only(tx, "FeedDisputed")
    assert until == stored(world, feed).disputed_until
    world.router.dispute(feed, 0, {"from": deployer})
    assert stored(world, feed).disputed_until == 0


@pytest.mark.parametrize("days", [2, 30])
def test_no_dispute_beyond_a_day(world, deployer, days):
    """The guardian doubts for a day at most."""
    until = world.now + days * DAY
    with reverts("DisputeTooLong", until, ANY):
        world.router.dispute(ETH_FEED, until, {"from": deployer})


def test_a_signed_feed_is_not_polled(world, stranger):
    """One way in per feed."""
    with reverts("FeedNotPolled", ETH_FEED):
        world.router.poke(ETH_FEED, {"from": stranger})


@pytest.mark.parametrize("feed", [0, 256])
def test_no_configuration_outside_the_feeds(world, deployer, feed):
    """0 is the quote; there are 255."""
    with reverts("FeedUnknown", feed):
        world.router.setFeed(feed, (NOBODY, 100, 100, NOBODY, EMPTY, EMPTY), {"from": deployer})


@pytest.mark.parametrize(("compared", "deviation", "confidence"), [(True, 0, 1), (False, 10_001, 1), (False, 5, 0)])
def test_bounds_of_a_feed(world, deployer, compared, deviation, confidence):
    """A bound of nothing would switch the test off."""
    source = world.adapter.address if compared else NOBODY
    with reverts("FeedBoundsInvalid", 9, deviation, confidence):
        world.router.setFeed(9, (source, deviation, confidence, NOBODY, EMPTY, EMPTY), {"from": deployer})


# -------------------------------------------------------------------- signers


@pytest.mark.parametrize("quorum", [0, 1, 4])
def test_an_unsafe_quorum(world, deployer, quorum):
    """More than half of the signers, and no more than there are."""
    with reverts("QuorumUnsafe", quorum, 3):
        world.feed.setQuorum(quorum, {"from": deployer})


def test_a_quorum_of_all(world, deployer, stranger):
    """Then nobody may be offline."""
    tx = world.feed.setQuorum(3, {"from": deployer})
    assert only(tx, "QuorumSet")["quorum"] == 3
    with reverts("QuorumNotReached", 2, 3):
        send(world, stranger, world.report(signers=world.signer.addresses[:2]))


def test_a_signer_who_left(world, deployer, stranger):
    """His signature spoils a report."""
    gone = world.signer.addresses[0]
    tx = world.feed.setSigner(gone, False, {"from": deployer})
    assert {"signer": gone, "active": False} == only(tx, "SignerSet")
    with reverts("SignerUnknown", gone):
        send(world, stranger, world.report())
    keys = [key for key in local_signer_keys() if address_of(PrivateKey(key).public_key) != gone]
    rest = ReportSigner(keys, world.router.address, world.signer.chain_id)
    send(world, stranger, rest.report(world.now, [Quote(ETH_FEED, 3002 * PRICE, 100)]))
    assert stored(world).value == 3002 * PRICE


def test_a_signer_who_joins(world, deployer, stranger):
    """Four signers need three."""
    with reverts("QuorumUnsafe", 2, 4):
        world.feed.setSigner(stranger, True, {"from": deployer})
    world.feed.setQuorum(3, {"from": deployer})
    world.feed.setSigner(stranger, True, {"from": deployer})
    assert world.feed.signerCount() == 4
    assert world.feed.isSigner(stranger)


def test_nobody_is_no_signer(world, deployer):
    """Zero is what recovery answers to nonsense."""
    with reverts("SignerUnknown", NOBODY):
        world.feed.setSigner(NOBODY, True, {"from": deployer})
