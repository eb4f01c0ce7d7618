"""The search for the tick at which a state flips, on books of every kind: hedged, ramping, doubtful, owing."""

from __future__ import annotations

from itertools import pairwise

import books
import pytest

from plimsoll.margin import flip_search, price_word
from plimsoll.margin.account import PriceUse, assess, bits

TOP = price_word.MAX_VALUE


def grid(price, count=60):
    """Prices from one tick to the largest, closer near the present one."""
    shares = sorted({int(price * 1.02**step) for step in range(-count, count)} | {1, price, TOP, TOP // 3, price * 40})
    return [value for value in shares if 1 <= value <= TOP]


def feeds_of(account, snapshot):
    found = {snapshot.assets[n].feed for n in bits(account.header.assets)}
    return sorted((found | {snapshot.markets[n].risk.feed for n in bits(account.header.markets)}) - {0})


def cases(draw, count):
    """Accounts that can be assessed, each with one feed they depend on."""
    while count:
        snapshot = books.snapshot(draw)
        account = books.account(draw, snapshot, count, extreme=0.1)
        for feed in feeds_of(account, snapshot)[:1]:
            count -= 1
            yield account, snapshot, feed
            if not count:
                return


@pytest.mark.parametrize("part", range(4))
def test_it_finds_neighbouring_ticks_with_different_states(draw, part):
    for account, snapshot, feed in cases(draw, 60):
        price = snapshot.prices[feed].value
        flip = flip_search.nearest(account, snapshot, feed)
        for found, step in ((flip.below, 1), (flip.above, -1)):
            if found is not None:
                assert flip_search.at(account, snapshot, feed, found).lost != flip.liquidatable
                assert flip_search.at(account, snapshot, feed, found + step).lost == flip.liquidatable
        assert flip.below is None or flip.below < price
        assert flip.above is None or flip.above > price


@pytest.mark.parametrize("part", range(2))
def test_safe_is_one_interval_and_nothing_is_missed(draw, part):
    """Equity less requirement is concave in a price: on a grid no account is safe, lost and safe again."""
    for account, snapshot, feed in cases(draw, 25):
        flip = flip_search.nearest(account, snapshot, feed)
        price = snapshot.prices[feed].value
        points = [flip_search.at(account, snapshot, feed, value) for value in grid(price)]
        safe = [not point.lost for point in points]
        changes = sum(a != b for a, b in pairwise(safe))
        assert changes <= 2 and not (changes == 2 and safe[0])
        for point in points:
            if point.lost != flip.liquidatable:
                assert (flip.below or 0) >= point.price if point.price < price else (flip.above or TOP) <= point.price


def test_a_reported_price_moves_no_multiplier(draw):
    """As if the report had come: the value changes, volatility goes on from where it is."""
    for account, snapshot, feed in cases(draw, 40):
        value = snapshot.prices[feed].value
        again = flip_search.priced(snapshot, {feed: value})
        was, now = (one.prices[feed] for one in (snapshot, again))
        assert (now.value, now.status, now.published_at) == (value, 0, snapshot.time)
        assert now.multiplier == was.multiplier
        assert assess(account, again, PriceUse.REDUCE).equity is not None
