"""VolatilityFeed: what is read, who may set what, and within which bounds."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from oracle_world import deploy, reverts
from surface_world import BTC, DAYS, ETH, RULES, UNLISTED, stored, tuples

from plimsoll.margin.surface_word import DISPUTED, MISSING, STALE
from plimsoll.surfaces import decode

# ---------------------------------------------------------------- reading


def test_what_was_signed_is_what_is_read(surfaces):
    """All fields, with the time and the block."""
    term = surfaces.term()
    receipt = surfaces.update(*term)
    for quoted in term:
        found = surfaces.read(quoted)
        fit = replace(quoted.surface.fit, published_at=surfaces.now, written_block=surfaces.number % 2**24)
        assert found == quoted.surface._replace(fit=fit)
        view = surfaces.feed.read("surface", quoted.market, quoted.expiry)
        decoded = [value for part in found for value in vars_of(part)]
        assert list(view) == decoded
    assert len(stored(receipt)) == len(term)


def vars_of(part):
    return [getattr(part, field.name) for field in fields(part)]


def test_status_tells_what_takes_no_new_risk(surfaces):
    """Missing, good, stale, disputed, both."""
    quoted = surfaces.quoted()
    seen = [surfaces.read(quoted).terms.status]
    surfaces.update(quoted)
    seen.append(surfaces.read(quoted).terms.status)
    surfaces.step(RULES.max_age)
    seen.append(surfaces.read(quoted).terms.status)
    surfaces.step(1)
    seen.append(surfaces.read(quoted).terms.status)
    surfaces.feed.write("dispute", ETH, surfaces.now + 60, sender=surfaces.owner)
    seen.append(surfaces.read(quoted).terms.status)
    surfaces.update(surfaces.quoted())
    seen.append(surfaces.read(quoted).terms.status)

    assert seen == [MISSING, 0, 0, STALE, STALE | DISPUTED, DISPUTED]
    assert surfaces.read(quoted).smile != (0, 0, 0, 0)


def test_many_are_read_in_the_order_asked_for(surfaces):
    """Also one that is not there."""
    term = surfaces.term()
    surfaces.update(*term)
    keys = [term[2].key, 5 << 32, term[0].key]
    words = surfaces.feed.read("read", keys)

    assert [words[0], words[6]] == [term[2].words()[0], term[0].words()[0]]
    assert words[3:6] == [0, 0, MISSING << 200]


def test_keys_of_no_market_are_refused(surfaces):
    with reverts("SurfaceKeyUnknown", 64 << 32):
        surfaces.feed.read("read", [64 << 32])
    with reverts("SurfaceKeyUnknown", 1 << 32):
        surfaces.feed.read("surface", 0, 1 << 32)
    for name in ("expiries", "rules", "disputedUntil"):
        for market in (UNLISTED, 64):
            with reverts("SurfaceMarketUnknown", market):
                surfaces.feed.read(name, market)


# ---------------------------------------------------------------- who may what


def test_strangers_set_nothing(surfaces):
    """A-1: every privileged selector rejects random callers."""
    calls = (
        ("setSigner", surfaces.stranger, True),
        ("setQuorum", 4),
        ("setRules", ETH, tuples(RULES)),
        ("dispute", ETH, surfaces.now + 1),
    )
    for call in calls:
        with reverts("AccessManagedUnauthorized", surfaces.stranger):
            surfaces.feed.write(*call, sender=surfaces.stranger)
    restricted = {call[0] for call in calls} | {"setAuthority"}
    with reverts("AccessManagedUnauthorized", surfaces.stranger):
        surfaces.feed.write("setAuthority", surfaces.stranger, sender=surfaces.stranger)
    writing = {
        entry["name"]
        for entry in surfaces.feed.artifact.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert writing == restricted | {"update"}


def test_a_dispute_is_bounded_in_time(surfaces):
    latest = surfaces.now + 86_400
    with reverts("SurfaceDisputeTooLong", latest + 1, latest):
        surfaces.feed.write("dispute", ETH, latest + 1, sender=surfaces.owner)
    with reverts("SurfaceMarketUnknown", UNLISTED):
        surfaces.feed.write("dispute", UNLISTED, latest, sender=surfaces.owner)
    surfaces.feed.write("dispute", ETH, latest, sender=surfaces.owner)

    assert surfaces.feed.read("disputedUntil", ETH) == latest


def test_a_dispute_is_its_market_s_and_can_be_ended(surfaces):
    eth, btc = surfaces.quoted(), surfaces.quoted(market=BTC)
    surfaces.update(eth, btc)
    surfaces.feed.write("dispute", ETH, surfaces.now + 60, sender=surfaces.owner)
    assert [surfaces.read(quoted).terms.status for quoted in (eth, btc)] == [DISPUTED, 0]
    surfaces.feed.write("dispute", ETH, 0, sender=surfaces.owner)

    assert surfaces.read(eth).terms.status == 0


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("max_age", 59, "MaxAgeOutOfRange"),
        ("max_age", 86_401, "MaxAgeOutOfRange"),
        ("max_expiry", 1_439, "MaxExpiryOutOfRange"),
        ("max_expiry", 5 * 365 * 1_440 + 1, "MaxExpiryOutOfRange"),
        ("min_vol", 99, "VolRangeInvalid"),
        ("min_vol", 40_000, "VolRangeInvalid"),
        ("max_vol", 100_001, "VolRangeInvalid"),
        ("max_basis", 5_001, "MaxBasisOutOfRange"),
        ("max_rate", 20_001, "MaxRateOutOfRange"),
        ("max_confidence", 0, "MaxConfidenceOutOfRange"),
        ("max_confidence", 1_000_001, "MaxConfidenceOutOfRange"),
    ],
)
def test_rules_beyond_reason_are_refused(surfaces, field, value, error):
    with reverts(error):
        surfaces.feed.write("setRules", ETH, tuples(replace(RULES, **{field: value})), sender=surfaces.owner)


def test_rules_change_and_surfaces_stay(surfaces):
    """Market 63 is the last one."""
    surfaces.update(*surfaces.term())
    new = replace(RULES, max_age=60, max_confidence=1_000_000)
    surfaces.feed.write("setRules", ETH, tuples(new), sender=surfaces.owner)
    with reverts("SurfaceMarketUnknown", 64):
        surfaces.feed.write("setRules", 64, tuples(new), sender=surfaces.owner)

    assert tuple(surfaces.feed.read("rules", ETH)) == tuples(new)
    assert surfaces.feed.read("expiries", ETH) == [surfaces.expiry(days) for days in DAYS]
    assert surfaces.read(surfaces.quoted()).terms.status == 0


def test_an_unsafe_set_of_signers_cannot_be_deployed(surfaces):
    with reverts("QuorumUnsafe", 2, 4):
        deploy(surfaces.chain, "VolatilityFeed", surfaces.manager.address, list(surfaces.signer.addresses[:4]), 2)


def test_a_report_can_be_verified_without_being_sent(surfaces):
    quoted = surfaces.quoted()
    report = surfaces.signer.report(surfaces.now, [quoted], surfaces.signer.addresses[1:4])

    assert surfaces.feed.read("verify", report) == (surfaces.now, list(quoted.words()))
    assert len(decode(report).absent) == 2
