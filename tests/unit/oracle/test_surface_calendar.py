"""VolatilityFeed: the line of expiries that a surface has to fit."""

from __future__ import annotations

import pytest
from surface_world import BTC, DAYS, ETH, RULES, rejected, stored

from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.surface_checks import crossing
from plimsoll.margin.surface_word import MISSING
from plimsoll.surfaces import Reason

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
