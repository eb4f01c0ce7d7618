"""VolatilityFeed: which reports count as signed, and when they are news."""

from __future__ import annotations

import pytest
from oracle_world import KEYS, QUORUM, reverts
from surface_world import DAYS, UNLISTED, changed, rejected, stored

from plimsoll.errors import Reverted
from plimsoll.prices import ReportSigner
from plimsoll.surfaces import Quoted, Reason, SurfaceSigner, encode_report

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def send(world, seals, *, at=None, quoted=None):
    """A report of `quoted` under any seals."""
    words = (quoted or world.quoted()).words()
    report = encode_report(world.now if at is None else at, words, seals)
    return world.feed.write("update", report, sender=world.stranger)


def seals(world, signer=None, **options):
    return (signer or world.signer).seals(world.now, world.quoted().words(), **options)


# ---------------------------------------------------------------- signatures


@pytest.mark.parametrize("count", range(QUORUM))
def test_fewer_signers_than_the_quorum_are_refused(surfaces, count):
    with reverts("QuorumNotReached", count, QUORUM):
        send(surfaces, seals(surfaces, signers=surfaces.signer.addresses[:count]))


def test_a_stranger_s_signature_is_refused(surfaces):
    strangers = SurfaceSigner([bytes([n]) * 32 for n in range(21, 26)], surfaces.feed.address, surfaces.chain.chain_id)

    with reverts("SignerUnknown", strangers.addresses[0]):
        send(surfaces, seals(surfaces, strangers))


@pytest.mark.parametrize("other", ["chain", "contract"])
def test_a_signature_for_another_chain_or_contract_is_refused(surfaces, other):
    chain_id = surfaces.chain.chain_id + (other == "chain")
    address = surfaces.manager.address if other == "contract" else surfaces.feed.address

    with reverts("SignerUnknown"):
        send(surfaces, seals(surfaces, SurfaceSigner(KEYS, address, chain_id)))


def test_a_signature_of_a_price_report_is_refused(surfaces):
    """Another domain and another type: what was signed as prices can never be read as surfaces."""
    signer = ReportSigner(KEYS, surfaces.feed.address, surfaces.chain.chain_id)
    with reverts("SignerUnknown"):
        send(surfaces, signer.seals(surfaces.now, surfaces.quoted().words()))


def test_the_other_signature_of_the_same_message_is_refused(surfaces):
    whole = seals(surfaces)
    s = ORDER - int.from_bytes(whole[1][32:64], "big")
    whole[1] = whole[1][:32] + s.to_bytes(32, "big") + bytes((27 + 28 - whole[1][64],))

    with reverts("SignatureMalleable", s):
        send(surfaces, whole)


@pytest.mark.parametrize(
    "change", ["a", "b", "rho", "m", "sigma", "forward_ref", "tau", "carry", "rate", "vol_confidence", "expiry", "time"]
)
def test_a_signed_report_cannot_be_changed(surfaces, change):
    """One more in any field, and the signatures are somebody else's."""
    quoted, signed = surfaces.quoted(), seals(surfaces)
    if change == "expiry":
        quoted = quoted._replace(expiry=quoted.expiry + 1)
    elif change != "time":
        value = next(getattr(part, change) for part in quoted.surface if hasattr(part, change))
        quoted = quoted._replace(surface=changed(quoted.surface, **{change: value + 1}))
    with reverts("SignerUnknown"):
        send(surfaces, signed, at=surfaces.now + (change == "time"), quoted=quoted)


def test_bytes_that_are_no_report_are_refused(surfaces):
    good = surfaces.signer.report(surfaces.now, [surfaces.quoted()])
    for data in (b"", b"\xff" * 200, good[:60], good[:-1], good + b"\0"):
        with pytest.raises(Reverted):
            surfaces.feed.write("update", data, sender=surfaces.stranger)


# ---------------------------------------------------------------- when


def test_a_report_from_the_future_is_refused(surfaces):
    """Clocks may differ by fifteen seconds, not by more."""
    with reverts("SurfacesFromFuture", surfaces.now + 16, surfaces.now):
        surfaces.update(surfaces.quoted(), at=surfaces.now + 16)
    assert stored(surfaces.update(surfaces.quoted(), at=surfaces.now + 15)) == [surfaces.quoted().key]


def test_a_report_of_two_minutes_ago_is_no_news(surfaces):
    """Else whoever is first in each block posts the oldest that is newer than the last."""
    old = surfaces.quoted()
    assert stored(surfaces.update(old, at=surfaces.now - 121)) == []
    assert stored(surfaces.update(old, at=surfaces.now - 120)) == [old.key]


def test_a_report_is_taken_once(surfaces):
    """Sent again, in a later block, it says nothing new."""
    report = surfaces.signer.report(surfaces.now, surfaces.term())
    first = surfaces.feed.write("update", report, sender=surfaces.stranger)
    surfaces.step()
    again = surfaces.feed.write("update", report, sender=surfaces.stranger)

    assert len(stored(first)) == len(DAYS)
    assert stored(again) == [] and rejected(again) == []


def test_an_older_surface_does_not_come_after_a_newer_one(surfaces):
    newer = surfaces.quoted(vol=0.6)
    surfaces.update(newer)
    surfaces.step(12)
    for at in (surfaces.now - 13, surfaces.now - 12):
        assert stored(surfaces.update(surfaces.quoted(vol=0.7), at=at)) == []

    assert surfaces.is_stored(newer)


def test_a_key_changes_once_per_block(surfaces):
    """The second report of a block is passed over, newer though it is; another expiry's is not."""
    one, same, other = surfaces.quoted(vol=0.6), surfaces.quoted(vol=0.61), surfaces.quoted(9, vol=0.6)
    reports = [
        surfaces.signer.report(surfaces.now - 1, [one]),
        surfaces.signer.report(surfaces.now, [same, other]),
    ]
    receipts = [surfaces.feed.write("update", report, sender=surfaces.stranger) for report in reports]

    assert [stored(receipt) for receipt in receipts] == [[one.key], [other.key]]
    assert surfaces.is_stored(one)


# ---------------------------------------------------------------- the form of a report


def test_keys_out_of_order_are_refused(surfaces):
    """A repetition would be two answers to one question."""
    nearer, farther = surfaces.quoted(9), surfaces.quoted(30)
    for pair in ((farther, nearer), (nearer, nearer)):
        words = [word for quoted in pair for word in quoted.words()]
        report = encode_report(surfaces.now, words, surfaces.signer.seals(surfaces.now, words))
        with reverts("SurfacesNotAscending", pair[1].key, pair[0].key):
            surfaces.feed.write("update", report, sender=surfaces.stranger)


@pytest.mark.parametrize("market", [UNLISTED, 63, 64, 255])
def test_a_market_without_rules_takes_none_and_harms_nobody(surfaces, market):
    """Beside a good one of another market, in one report."""
    good, lost = surfaces.quoted(), Quoted(market, surfaces.expiry(30), surfaces.quoted().surface)
    word0, word1, word2 = lost._replace(market=0).words()  # the package signs for 64 markets only
    words = [*good.words(), word0, word1, word2 | market << 232]
    report = encode_report(surfaces.now, words, surfaces.signer.seals(surfaces.now, words))
    receipt = surfaces.feed.write("update", report, sender=surfaces.stranger)

    assert stored(receipt) == [good.key]
    assert rejected(receipt) == [(market << 32 | lost.expiry, Reason.MARKET_UNKNOWN, 0, 0)]
