"""MarketConfig: isolated collateral/debt pairs, and the feed of the quote asset."""

from __future__ import annotations

import pytest
from config_world import ETH, UNKNOWN, WETH, reverts, values

from plimsoll.contracts import events

PAIRS = 19
PAIR = 0x8000 | 1 << 6 | 0


def test_a_pair_is_listed_as_one_word(ready):
    """Under its code, which is also the market of its accounts."""
    receipt = ready.configure("listPair", 1, 0, 800, 400)

    assert ready.entry(PAIRS, PAIR) == 800 | 400 << 16 | 1 << 96
    (event,) = events(receipt.logs, "PairListed")
    assert event.args == {"collateral": 1, "debt": 0, "haircutIm": 800, "haircutMm": 400}


@pytest.mark.parametrize(
    ("pair", "error", "expected"),
    [
        ((1, 2, 800, 400), "AssetUnknown", (2,)),
        ((2, 1, 800, 400), "AssetUnknown", (2,)),
        ((1, 1, 800, 400), "PairInvalid", (1, 1)),
        ((1, 0, 800, 199), "HaircutTooLow", (199, 200)),
        ((1, 0, 800, 800), "HaircutsNotMonotone", (800, 800)),
        ((1, 0, 10_001, 800), "HaircutOutOfRange", (10_001, 10_000)),
    ],
)
def test_a_pair_out_of_bounds_is_refused(ready, pair, error, expected):
    """Each bound has its own error."""
    with reverts(error, *expected):
        ready.configure("listPair", *pair)


def test_a_pair_is_listed_once_and_set_only_when_listed(ready):
    """The other way round is another pair."""
    with reverts("PairUnknown", 1, 0):
        ready.configure("setPair", 1, 0, 800, 400)
    with reverts("PairUnknown", 64, 0):
        ready.configure("setPair", 64, 0, 800, 400)
    ready.configure("listPair", 1, 0, 800, 400)
    with reverts("PairAlreadyListed", 1, 0):
        ready.configure("listPair", 1, 0, 800, 400)
    ready.configure("listPair", 0, 1, 800, 400)
    ready.configure("setPair", 1, 0, 700, 300)

    assert ready.entry(PAIRS, PAIR) == 700 | 300 << 16 | 1 << 96
    with reverts("HaircutTooLow", 199, 200):
        ready.configure("setPair", 1, 0, 800, 199)


def test_a_haircut_that_rises_in_a_pair_is_ramped(ready):
    """As an asset's own."""
    ready.configure("listPair", 1, 0, 800, 400)
    receipt = ready.configure("setPair", 1, 0, 900, 500)
    end = ready.chain.block()[1] + 86_400

    assert ready.entry(PAIRS, PAIR) == 900 | 500 << 16 | 800 << 32 | 400 << 48 | end << 64 | 1 << 96
    (event,) = events(receipt.logs, "ParameterRamped")
    assert event.args == {"what": 12, "id": PAIR, "end": end}


@pytest.mark.parametrize(
    ("feed", "threshold", "factor", "error", "expected"),
    [
        (UNKNOWN, 9_900, 12, "FeedUnknown", (UNKNOWN,)),
        (ETH, 8_999, 12, "DepegThresholdOutOfRange", (8_999, 9_000, 10_000)),
        (ETH, 10_001, 12, "DepegThresholdOutOfRange", (10_001, 9_000, 10_000)),
        (ETH, 9_900, 0, "DepegFactorOutOfRange", (0, 100)),
        (ETH, 9_900, 101, "DepegFactorOutOfRange", (101, 100)),
    ],
)
def test_a_rule_for_the_peg_out_of_bounds_is_refused(ready, feed, threshold, factor, error, expected):
    """A threshold above one would raise IM at par."""
    with reverts(error, *expected):
        ready.configure("setQuoteFeed", feed, threshold, factor)


def test_the_quote_feed_lies_beside_the_globals_and_can_be_taken_away(ready):
    """What else is in the word stays."""
    before = ready.slot(0)
    ready.configure("setQuoteFeed", ETH, 9_900, 12)

    assert ready.slot(0) == before | ETH << 216 | 9_900 << 224 | 12 << 240
    ready.configure("setModel", ready["RuleMargin"].address, 12, 20)
    assert ready.slot(0) == before | ETH << 216 | 9_900 << 224 | 12 << 240
    ready.configure("setQuoteFeed", 0, 0, 0)
    assert ready.slot(0) == before


def test_the_reserve_share_and_the_caps_are_set_with_the_asset(ready):
    """Lower caps are there at once."""
    lower = WETH | {"supplyCap": 10**14, "borrowCap": 10**13, "borrowVelocity": 1, "reserveShare": 5_000}
    ready.configure("setAsset", 1, values(lower))

    assert ready.entry(17, 1) == 10**14 | 10**13 << 104 | 1 << 240
    assert ready.entry(15, 1) >> 232 == 5_000
