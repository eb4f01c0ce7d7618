"""R-5: a feed moves once per block and only forward, so whoever is first in every block may hold it back.

The holder of a liquidatable account posts, first in each block, a genuine report that is one second newer than the
last one. The honest report of the block comes second and is passed over. Twelve seconds pass and the feed advances by
one: after 25 blocks it is 275 seconds behind, and once it is older than maxAge the price is even moved in his favour.
A report older than a minute is no news, so he is never further behind than that.
"""

from __future__ import annotations

import pytest
from desk import PRICE

FEED, BLOCK = 1, 12


def lag_after(desk, blocks, *, start):
    """Suppresses for `blocks` blocks with the oldest report that moves the feed; returns how far behind it is."""
    published, worst = start, 0
    for _ in range(blocks):
        desk.chain.advance(BLOCK)
        now = desk.chain.block()[1]
        genuine = {moment: (3_000 - moment + start) * PRICE for moment in range(start, now + 1)}
        for moment in range(published + 1, now + 1):
            desk.router.write("update", desk.report({FEED: genuine[moment]}, at=moment), sender=desk.admin)
            stored = desk.router_time(FEED)
            if stored == moment:
                published = moment
                break
        desk.router.write("update", desk.report({FEED: genuine[now]}, at=now), sender=desk.admin)
        worst = max(worst, now - desk.router_time(FEED))
    return worst


@pytest.mark.parametrize("blocks", [3, 10, 25])
def test_r05_a_feed_is_never_held_back_by_more_than_a_minute(desk, blocks):
    """Without the rule: eleven seconds more with every block."""
    start = desk.chain.block()[1]
    worst = lag_after(desk, blocks, start=start)
    assert worst <= min(60, 11 * blocks + 1)
    assert blocks != 25 or 11 * blocks > 60
