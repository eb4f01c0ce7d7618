"""VolatilityFeed: which surfaces become the market's, which do not and why."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from oracle_world import KEYS, QUORUM, deploy, reverts
from surface_world import BTC, DAYS, ETH, RULES, UNLISTED, changed, rejected, stored, tuples

from plimsoll.errors import Reverted
from plimsoll.margin.fixed_math import WAD, YEAR
from plimsoll.margin.surface_checks import MAX_CENTRE, MAX_SIGMA, MIN_SIGMA, crossing, examine
from plimsoll.margin.surface_word import DISPUTED, MISSING, STALE
from plimsoll.prices import ReportSigner
from plimsoll.surfaces import Quoted, Reason, SurfaceSigner, decode, encode_report

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MINUTE = 60 * WAD // YEAR


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


# ---------------------------------------------------------------- alone

#: Reason: what of a good 30-day surface must become what.
TAU_30 = 30 * WAD // 365
BAD = {
    "ρ is one": (Reason.RHO, {"rho": WAD}),
    "ρ is minus one": (Reason.RHO, {"rho": -WAD}),
    "b is negative": (Reason.SLOPE, {"b": -1}),
    "σ is zero": (Reason.SIGMA, {"sigma": 0}),
    "σ is tiny": (Reason.SIGMA, {"sigma": MIN_SIGMA - 1}),
    "σ is huge": (Reason.SIGMA, {"sigma": MAX_SIGMA + 1}),
    "m is far right": (Reason.CENTRE, {"m": MAX_CENTRE + 1}),
    "m is far left": (Reason.CENTRE, {"m": -MAX_CENTRE - 1}),
    "no forward": (Reason.FORWARD, {"forward_ref": 0}),
    "no time": (Reason.TAU, {"tau": 0}),
    "another expiry's time": (Reason.TAU, {"tau": TAU_30 // 2}),
    "rate too high": (Reason.RATE, {"rate": WAD // 2 + 1}),
    "rate too low": (Reason.RATE, {"rate": -WAD // 2 - 1}),
    "no carry": (Reason.CARRY, {"carry": 0}),
    "carry too high": (Reason.CARRY, {"carry": WAD + 3 * WAD // 100 + TAU_30 // 2 + MINUTE}),
    "carry too low": (Reason.CARRY, {"carry": WAD - 3 * WAD // 100 - TAU_30 // 2 - MINUTE}),
    "forward uncertain": (Reason.CONFIDENCE, {"forward_confidence": 50_001}),
    "rate uncertain": (Reason.CONFIDENCE, {"rate_confidence": 50_001}),
    "vol uncertain": (Reason.CONFIDENCE, {"vol_confidence": 50_001}),
    "variance below zero": (Reason.VARIANCE, {"a": -WAD // 10}),
    "vol too low": (Reason.VOL_TOO_LOW, {"a": 0, "b": 0}),
    "vol too high": (Reason.VOL_TOO_HIGH, {"a": 14 * WAD // 10}),
    "wings too steep": (Reason.WINGS, {"b": 16 * WAD // 10, "a": WAD // 2}),
    "butterfly": (Reason.BUTTERFLY, {"b": 5 * WAD // 10, "sigma": WAD // 50}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_surface_is_named_and_harms_nobody(surfaces, name):
    """Its reason and its numbers, those of the twin. The good ones are stored; its own last good one stays."""
    reason, fault = BAD[name]
    surfaces.update(*surfaces.term())
    last = surfaces.read(surfaces.quoted())
    surfaces.step()
    near, far, bad = surfaces.quoted(9), surfaces.quoted(180), surfaces.quoted(30, **fault)
    receipt = surfaces.update(near, bad, far)

    assert stored(receipt) == [near.key, far.key]
    assert [(key, why) for key, why, _, _ in rejected(receipt)] == [(bad.key, reason)]
    expected = examine(RULES, bad.surface, bad.expiry * 60, surfaces.now, surfaces.now)
    assert rejected(receipt)[0][1:] == tuple(expected)
    assert surfaces.read(bad) == last


def test_every_reason_that_a_surface_alone_can_have_is_tested():
    alone = set(Reason) - {Reason.NONE, Reason.MARKET_UNKNOWN, Reason.EXPIRY_PASSED, Reason.EXPIRY_TOO_FAR}
    alone -= {Reason.EXPIRIES_FULL, Reason.CALENDAR_NEARER, Reason.CALENDAR_FARTHER}

    assert {reason for reason, _ in BAD.values()} == alone


def test_an_expiry_that_has_passed_takes_no_surface(surfaces):
    """To the second: at it, it has."""
    surfaces.step(surfaces.expiry(1) * 60 - surfaces.now - 60)
    last = quoted = surfaces.quoted(1)
    assert stored(surfaces.update(last)) == [quoted.key]
    surfaces.step(60)
    receipt = surfaces.update(last)

    assert rejected(receipt) == [(quoted.key, Reason.EXPIRY_PASSED, quoted.expiry * 60, surfaces.now)]


def test_an_expiry_too_far_ahead_takes_no_surface(surfaces):
    latest = (surfaces.now + RULES.max_expiry * 60) // 60
    base = surfaces.quoted(3 * 365)
    for expiry, good in ((latest, True), (latest + 1, False)):
        tau = (expiry * 60 - surfaces.now) * WAD // YEAR
        surface = changed(base.surface, tau=tau)
        receipt = surfaces.update(Quoted(ETH, expiry, surface))
        assert bool(stored(receipt)) is good
        assert [reason for _, reason, _, _ in rejected(receipt)] == [Reason.EXPIRY_TOO_FAR] * (not good)


# ---------------------------------------------------------------- the edge


#: Field, and the two values next to each other of which only the first is good; `others` make room for it.
EDGES = {
    "least σ": ("sigma", MIN_SIGMA, MIN_SIGMA - 1, {"b": WAD // 1000}),
    "largest σ": ("sigma", MAX_SIGMA, MAX_SIGMA + 1, {"b": WAD // 1000}),
    "largest m": ("m", MAX_CENTRE, MAX_CENTRE + 1, {"b": WAD // 1000}),
    "largest ρ": ("rho", WAD - 1, WAD, {"b": WAD // 1000}),
    "largest rate": ("rate", WAD // 2, WAD // 2 + 1, {}),
    "largest confidence": ("vol_confidence", 50_000, 50_001, {}),
    "a flat smile": ("b", 0, -1, {}),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_bound_itself_is_good(surfaces, name):
    field, good, bad, others = EDGES[name]

    assert stored(surfaces.update(surfaces.quoted(**{field: good}, **others))) == [surfaces.quoted().key]
    surfaces.step()
    assert len(rejected(surfaces.update(surfaces.quoted(**{field: bad}, **others)))) == 1


LONG = {"days": 900, "a": 4 * WAD, "rho": 0, "m": 0, "sigma": WAD}


@pytest.mark.parametrize(
    ("field", "bad", "reason", "others"),
    [
        ("b", WAD, Reason.BUTTERFLY, {}),
        ("m", -WAD, Reason.BUTTERFLY, {}),
        ("a", -WAD // 10, Reason.BUTTERFLY, {}),
        ("sigma", MIN_SIGMA, Reason.BUTTERFLY, {"b": WAD // 4}),
        ("rho", 1 - WAD, Reason.BUTTERFLY, {"b": WAD // 2}),
        ("a", 2 * WAD, Reason.VOL_TOO_HIGH, {}),
        ("b", 3 * WAD, Reason.WINGS, LONG),
    ],
)
def test_at_the_edge_of_arbitrage_one_unit_decides(surfaces, field, bad, reason, others):
    """The last good value is stored, the next one is not; found with the twin by halving."""

    def refusal(value):
        quoted = surfaces.quoted(**others | {field: value})
        return examine(RULES, quoted.surface, quoted.expiry * 60, surfaces.now, surfaces.now)

    start = surfaces.quoted(**others)
    good = next(getattr(part, field) for part in start.surface if hasattr(part, field))
    assert refusal(good) is None and refusal(bad) is not None
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if refusal(middle) is None else (good, middle)
    refused = surfaces.update(surfaces.quoted(**others | {field: bad}))
    taken = surfaces.update(surfaces.quoted(**others | {field: good}))

    assert [why for _, why, _, _ in rejected(refused)] == [reason]
    assert stored(taken) == [start.key]


def test_the_least_variance_may_be_just_that_of_the_least_vol(surfaces):
    """Flat at 5 %: one unit below is refused."""
    flat = surfaces.quoted(b=0)
    least = RULES.min_vol**2 * flat.surface.fit.tau // 10**8
    low = surfaces.update(surfaces.quoted(b=0, a=least - 1))
    good = surfaces.update(surfaces.quoted(b=0, a=least))

    assert rejected(low) == [(flat.key, Reason.VOL_TOO_LOW, least - 1, least)]
    assert stored(good) == [flat.key]


def test_tau_may_be_ten_minutes_off(surfaces):
    tau = surfaces.quoted().surface.fit.tau
    bound = 600 * WAD // YEAR
    for offset in (bound + 1, -bound - 1):
        assert rejected(surfaces.update(surfaces.quoted(tau=tau + offset)))[0][1] == Reason.TAU
    assert rejected(surfaces.update(surfaces.quoted(tau=tau + bound))) == []
    assert surfaces.read(surfaces.quoted()).fit.tau == tau + bound


# ---------------------------------------------------------------- the calendar


def test_a_surface_below_its_nearer_neighbour_is_refused(surfaces):
    """Total variance falls with time: sell the near one, buy the far one."""
    surfaces.update(*surfaces.term())
    surfaces.step()
    low = surfaces.quoted(30, vol=0.2)
    receipt = surfaces.update(low)

    assert [(key, reason) for key, reason, _, _ in rejected(receipt)] == [(low.key, Reason.CALENDAR_NEARER)]
    near = surfaces.read(surfaces.quoted(9))
    assert rejected(receipt)[0][2:] == crossing(near, low.surface)[::-1]


def test_a_surface_above_its_farther_neighbour_is_refused(surfaces):
    surfaces.update(*surfaces.term())
    surfaces.step()
    high = surfaces.quoted(30, vol=1.5)
    receipt = surfaces.update(high)

    assert [(key, reason) for key, reason, _, _ in rejected(receipt)] == [(high.key, Reason.CALENDAR_FARTHER)]
    assert rejected(receipt)[0][2:] == crossing(high.surface, surfaces.read(surfaces.quoted(180)))


def test_a_new_expiry_is_held_to_both_of_its_neighbours(surfaces):
    """One that was not there before."""
    surfaces.update(*surfaces.term())
    surfaces.step()
    for vol, reason in ((0.3, Reason.CALENDAR_NEARER), (1.2, Reason.CALENDAR_FARTHER)):
        new = surfaces.quoted(15, vol=vol)
        receipt = surfaces.update(new)
        assert [(key, why) for key, why, _, _ in rejected(receipt)] == [(new.key, reason)]
        assert new.expiry not in surfaces.feed.read("expiries", ETH)
        assert surfaces.read(new).terms.status == MISSING
    assert stored(surfaces.update(surfaces.quoted(15, vol=0.62))) == [surfaces.quoted(15).key]


def test_a_surface_may_touch_its_neighbour(surfaces):
    """Equal variance at every strike is no arbitrage; one unit less is."""
    near = surfaces.quoted(9)
    smile, sigma = near.surface.smile, near.surface.fit.sigma
    same = {"a": smile.a, "b": smile.b, "m": smile.m, "sigma": sigma}
    surfaces.update(near)
    below = surfaces.update(surfaces.quoted(30, **same | {"a": smile.a - 1}))
    equal = surfaces.update(surfaces.quoted(30, **same))

    assert [reason for _, reason, _, _ in rejected(below)] == [Reason.CALENDAR_NEARER]
    assert stored(equal) == [surfaces.quoted(30).key]


def test_wings_that_cross_are_refused_though_the_middle_is_in_order(surfaces):
    """The nearer smile is lower at the money and higher at e^3.2."""
    near = surfaces.quoted(9, b=WAD // 5, sigma=WAD // 5, a=0)
    far = surfaces.quoted(30, b=0, a=WAD // 10)
    receipt = surfaces.update(near, far)

    assert {reason for _, reason, _, _ in rejected(receipt)} == {Reason.CALENDAR_NEARER, Reason.CALENDAR_FARTHER}


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_report_may_lift_or_lower_all_expiries_at_once(surfaces, factor):
    """Each would cross its old neighbours; together they do not."""
    vols = (0.7, 0.65, 0.6, 0.55)
    surfaces.update(*surfaces.term(*vols))
    surfaces.step()
    receipt = surfaces.update(*surfaces.term(*(vol * factor for vol in vols)))

    assert len(stored(receipt)) == len(DAYS) and rejected(receipt) == []


def test_of_two_new_ones_that_cross_neither_is_believed(surfaces):
    """The others are."""
    surfaces.update(*surfaces.term())
    surfaces.step()
    term = surfaces.term(0.7, 0.65, 1.9, 0.55)
    receipt = surfaces.update(*term)

    assert stored(receipt) == [term[0].key, term[1].key]
    assert [(key, reason) for key, reason, _, _ in rejected(receipt)] == [
        (term[2].key, Reason.CALENDAR_FARTHER),
        (term[3].key, Reason.CALENDAR_NEARER),
    ]


def test_whoever_leaned_on_a_refused_one_is_judged_by_the_stored_one(surfaces):
    """The second would fit the third of its report, which falls on its own: beside the stored third it is too high."""
    surfaces.update(*surfaces.term())
    surfaces.step()
    high = surfaces.quoted(30, vol=1.5)
    broken = surfaces.quoted(180, vol=1.5, b=16 * WAD // 10)
    receipt = surfaces.update(high, broken)

    assert stored(receipt) == []
    assert [(key, reason) for key, reason, _, _ in rejected(receipt)] == [
        (broken.key, Reason.WINGS),
        (high.key, Reason.CALENDAR_FARTHER),
    ]


def test_a_stale_neighbour_vetoes_nothing(surfaces):
    """An expiry that nobody quotes any more does not hold the others where it is."""
    surfaces.update(*surfaces.term())
    surfaces.step(RULES.max_age)
    low = surfaces.quoted(30, vol=0.2)
    assert len(rejected(surfaces.update(low))) == 1
    surfaces.step(1)

    assert stored(surfaces.update(surfaces.quoted(30, vol=0.2))) == [low.key]


def test_markets_are_no_neighbours(surfaces):
    """Of each other, in one report."""
    eth, btc = surfaces.term(), surfaces.term(0.2, 0.19, 0.18, 0.17, market=BTC)
    receipt = surfaces.update(*eth, *btc)

    assert stored(receipt) == [quoted.key for quoted in (*eth, *btc)]
    assert surfaces.feed.read("expiries", BTC) == [quoted.expiry for quoted in btc]


def test_passed_expiries_drop_out(surfaces):
    """Of the view at once, of the line with the next report; they hold no neighbour."""
    surfaces.update(*surfaces.term())
    left = [surfaces.expiry(days) for days in DAYS][1:]
    surfaces.step(surfaces.expiry(2) * 60 - surfaces.now)
    assert surfaces.feed.read("expiries", ETH) == left
    low = surfaces.quoted(7, vol=0.1)
    receipt = surfaces.update(low)

    assert stored(receipt) == [low.key]
    assert surfaces.feed.read("expiries", ETH) == left


def test_a_market_keeps_twenty_four_expiries(surfaces):
    """The next one waits until one of them has passed."""
    surfaces.update(*(surfaces.quoted(days, vol=0.6) for days in range(1, 13)))
    surfaces.update(*(surfaces.quoted(days, vol=0.6) for days in range(13, 25)))
    full = surfaces.update(surfaces.quoted(25, vol=0.6))
    assert [(reason, value) for _, reason, value, _ in rejected(full)] == [(Reason.EXPIRIES_FULL, 25)]
    assert len(surfaces.feed.read("expiries", ETH)) == 24
    surfaces.step(86_400)
    late = surfaces.quoted(30, vol=0.6)

    assert stored(surfaces.update(late)) == [late.key]
    assert surfaces.feed.read("expiries", ETH) == [surfaces.expiry(days) for days in (*range(1, 24), 30)]


def test_expiries_stay_in_order_whenever_they_come(surfaces):
    """In any order, one by one and together."""
    for days in (30, 2, 180, 9, 60, 5, 7, 6, 8, 10, 11):
        surfaces.update(surfaces.quoted(days, vol=0.6))
    expected = sorted(surfaces.expiry(days) for days in (30, 2, 180, 9, 60, 5, 7, 6, 8, 10, 11))

    assert surfaces.feed.read("expiries", ETH) == expected


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
