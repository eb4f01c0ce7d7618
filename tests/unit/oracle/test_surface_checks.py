"""VolatilityFeed: what a surface is refused for on its own, and the edge of it."""

from __future__ import annotations

import pytest
from surface_world import ETH, RULES, changed, rejected, stored

from plimsoll.margin.fixed_math import WAD, YEAR
from plimsoll.margin.surface_checks import MAX_CENTRE, MAX_SIGMA, MIN_SIGMA, examine
from plimsoll.surfaces import Quoted, Reason

MINUTE = 60 * WAD // YEAR


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
