"""What margin by rule promises about options, whatever the account."""

from __future__ import annotations

from dataclasses import replace

import books
import option_books
import pytest
from option_books import DAY, FLAT, WAD, ask, holding, month

from plimsoll.margin.option_terms import OptionTerms
from plimsoll.margin.rule_options import Holding, assess_options, marks
from plimsoll.margin.volatility_math import ONE

TERMS = OptionTerms()


@pytest.fixture(scope="module")
def rule(artifacts):
    return option_books.rule_margin(artifacts, books.MODEL)


def test_initial_margin_is_never_below_maintenance(draw):
    """IM ≥ IM₀ ≥ MM ≥ 0, or a call could not be computed."""
    for _ in range(2_000):
        one = option_books.expiry(draw)
        one = one._replace(mult_im=max(one.mult_im, one.mult_mm))
        found = assess_options(option_books.terms(draw), [one])

        assert found.im >= found.im0 >= found.mm >= 0


def test_a_long_option_alone_is_worth_nothing_to_a_debt():
    """At the default share: mark in, requirement the same."""
    found = assess_options(TERMS, [month(holding(2_000, 3))])

    assert found.equity > 0
    assert found.im == found.im0 == found.mm == pytest.approx(found.equity, abs=1)


@pytest.mark.parametrize("share", [1, 2_500, 9_000])
def test_a_long_option_counts_at_its_share(share):
    """No more, in any requirement."""
    found = assess_options(replace(TERMS, long_share=share), [month(holding(2_000, 3))])

    assert found.equity - found.im == pytest.approx(found.equity * share / 10_000, rel=1e-12)
    assert found.im == found.im0 == found.mm


def test_the_share_credits_at_most_itself_and_never_lends(draw):
    """Against the same account at a share of zero; and mark less requirement stays within the mark."""
    for _ in range(1_000):
        terms = option_books.terms(draw)
        one = option_books.expiry(draw)
        without, found = (assess_options(replace(terms, long_share=share), [one]) for share in (0, terms.long_share))
        longs = sum(o.quantity * mark for o, mark in zip(one.holdings, marks(one), strict=True) if o.quantity > 0)
        credit = longs * terms.long_share // 10_000 // 10**8 + 1

        assert 0 <= without.im - found.im <= credit
        assert 0 <= without.mm - found.mm <= credit
        assert found.mm >= 0


def test_doubt_raises_initial_margin_only():
    """By (1 − confidence)·factor of the shorts' notional; and a long's mark is then no collateral."""
    terms = replace(TERMS, option_threshold=9_000, confidence_factor=4_000, long_share=5_000)
    sure = month(holding(2_000, -2), holding(3_000, 1))
    unsure = sure._replace(doubt=100_001)
    before, after = assess_options(terms, [sure]), assess_options(terms, [unsure])
    longs = marks(sure)[-1]

    assert (after.im0, after.mm, after.equity) == (before.im0, before.mm, before.equity)
    contingency = 2 * 2_000 * WAD * 4_000 * 100_001 // 10_000 // 10**6
    assert after.im - before.im == pytest.approx(contingency + longs // 2, abs=2)
    edge = assess_options(terms, [sure._replace(doubt=100_000)])
    assert edge == before


@pytest.mark.parametrize("which", ["forward", "volatility"])
def test_the_least_confidence_counts(which):
    """Of spot, forward and volatility."""
    word = FLAT[2] | 10**6 << (128 if which == "forward" else 176)
    doubted = month(holding(2_000, -1), surface=(FLAT[0], FLAT[1], word))

    assert assess_options(TERMS, [doubted]).im - assess_options(TERMS, [month(holding(2_000, -1))]).im == 2_000 * WAD


def test_a_box_is_what_it_pays():
    """Whatever the marks, a bought box needs its value back and a sold one its width."""
    legs = [(1_500, 1, False), (1_500, -1, True), (2_500, -1, False), (2_500, 1, True)]
    bought = assess_options(TERMS, [month(*(holding(k, q, put=put) for k, q, put in legs))])
    sold = assess_options(TERMS, [month(*(holding(k, -q, put=put) for k, q, put in legs))])

    assert (bought.equity, sold.equity) == (1_000 * WAD, -1_000 * WAD)
    assert bought.im == 1_000 * WAD
    assert sold.im == sold.mm == 0


def test_expiries_do_not_net():
    """A calendar spread is a short by itself and a long by itself."""
    sold, bought = month(holding(2_000, -1)), month(holding(2_000, 1))._replace(seconds=60 * DAY)
    both = assess_options(TERMS, [sold, bought])

    assert both.im == assess_options(TERMS, [sold]).im + assess_options(TERMS, [bought]).im


def test_a_multiplier_scales_what_is_asked_of_the_spot():
    """IM takes the one of now, IM₀ and MM the ramped one."""
    calm, wild = month(holding(2_000, -1)), month(holding(2_000, -1), mult_im=2 * ONE)
    before, after = assess_options(TERMS, [calm]), assess_options(TERMS, [wild])

    assert (before.im0, before.mm) == (300 * WAD, 180 * WAD)
    assert (after.im, after.im0, after.mm) == (600 * WAD, 300 * WAD, 180 * WAD)
    ramped = assess_options(TERMS, [month(holding(2_000, -1), mult_im=2 * ONE, mult_mm=2 * ONE)])
    assert (ramped.im0, ramped.mm) == (600 * WAD, 360 * WAD)


def test_an_expired_option_is_what_it_pays_and_keeps_its_margin_until_settled():
    """The spot still moves; once the price is final nothing is asked for but what is owed."""
    options = (holding(1_500, -1), holding(2_500, -2, put=True))
    expired = assess_options(TERMS, [month(*options, surface=(0, 0, 0))._replace(seconds=0)])
    settled = assess_options(TERMS, [month(*options, surface=(0, 0, 0), settled=True)._replace(seconds=0)])

    assert expired.equity == settled.equity == -1_500 * WAD
    assert expired.mm > 0
    assert settled == (-1_500 * WAD, 0, 0, 0, 0, True)


def test_what_clearing_still_owes_counts_as_a_long_does():
    """A winner of a settled expiry has no debt, and no cash yet."""
    winner = month(holding(1_500, 1), surface=(0, 0, 0), settled=True)._replace(seconds=0)

    assert assess_options(TERMS, [winner]) == (500 * WAD, 500 * WAD, 500 * WAD, 500 * WAD, 0, False)
    assert assess_options(replace(TERMS, long_share=9_000), [winner]).im == 50 * WAD


def test_an_account_with_longs_alone_is_healthy_and_one_with_a_short_has_the_floors(rule):
    """However small the short."""
    longs = ask(rule, [], [], [month(holding(2_000, 1))])
    short = ask(rule, [], [], [month(Holding(2_000_000, 7, False, -1))])

    assert longs[1:4] == [0, 0, 0]
    assert short[1:4] == [books.MODEL.im_floor, books.MODEL.im_floor, books.MODEL.mm_floor]


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_part_of_an_account_needs_its_part(draw, parts):
    """A slice cures what it is computed to cure: the requirement is homogeneous, up to the wei."""
    for _ in range(200):
        one = option_books.expiry(draw, extreme=0)
        whole = one._replace(holdings=tuple(o._replace(quantity=o.quantity * parts) for o in one.holdings))
        small, large = (assess_options(TERMS, [expiry]) for expiry in (one, whole))

        assert 0 <= small.im * parts - large.im <= 3 * parts
        assert 0 <= small.mm * parts - large.mm <= 3 * parts
