"""O-09: value that is in the spot and not in the mean.

In the last half hour the settlement price is mostly known. After 28 minutes at 3,000 a jump by a tenth moves the mean
by a hundredth: marked at the spot, the holder of calls seems to have a tenth of their notional that he will never be
paid. If shocks faded with the half hour (a settlement window in the portfolio model), nothing would be held against it:
he borrows on it, loses the loan to his own other account at the edges of the band, and leaves lenders with the rest;
17,000 of 40,000, when it was measured.

Rule: what an option is written on is the mean (decision 042), so that the jump is in nobody's equity, and shocks do not
fade: a portfolio's scenarios move the mean as if all of it were open, and by rule a long option carries nothing.
Deployments have no settlement window. What a hedge makes of it: O-10.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, USDC, expect
from listed_desk import ListedDesk

from plimsoll.actions import borrow
from plimsoll.testing.options import DAY

WINDOW, STEP = 1_800, 120


@pytest.fixture
def desk():
    made = ListedDesk.create().with_options()
    made.lender("lender", 0, 500_000 * USDC)
    return made


def after_28_minutes_at_3000(desk, holder, seller, before=()):
    """A hundred calls between two accounts, what the holder does beside, a mean that is nearly done, and the jump."""
    end = desk.expiry * 60
    desk.chain.set_timestamp(end - WINDOW - 1)
    desk.fresh()
    desk.match(holder, seller, [(desk.call(3_000), 100 * SIZE)])
    desk.act(holder, *before)
    desk.show({(ETH, desk.expiry + 30 * DAY): 0.6})
    for time in range(end - WINDOW + STEP, end - STEP + 1, STEP):
        desk.chain.set_timestamp(time)
        desk.post({}, seconds=0)
        desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.admin)
    desk.post({1: 3_300 * PRICE}, seconds=20)
    desk.show()


def lose(desk, holder, friend, amount):
    """Borrows `amount` and loses it to `friend`: buys at the band's upper edge, sells at its lower, in one batch."""
    series = desk.call(3_300, expiry=desk.expiry + 30 * DAY)
    mark, band = desk.mark(series), 3_300 * PRICE * desk.market_words(ETH).risk.mm_rate1 // 20_000
    size = amount * PRICE // (2 * band) + 1
    there = desk.filling(holder, friend, [(series, size * SIZE)], [mark + band])
    back = desk.filling(holder, friend, [(series, -size * SIZE)], [mark - band])
    desk.execute(desk.owner(holder), borrow(holder, 0, amount * USDC), there, back)


def test_nobody_borrows_on_a_jump_that_the_mean_does_not_see(desk):
    """The jump's 30,000 are not in his equity but for two hundredths, and these are required of him."""
    holder, seller = desk.portfolio("mallory", 22_000), desk.portfolio("mallory", 200_000, 1)
    friend = desk.portfolio("mallory", 50_000, 2)
    after_28_minutes_at_3000(desk, holder, seller)
    with expect("BelowInitialMargin") as caught:
        lose(desk, holder, friend, 40_000)
    _, equity, required = caught.value.values
    assert equity < -16_000 * 10**18 and required >= 2_000 * 10**18, "the borrowed 40,000 were lost"
    lose(desk, holder, friend, 15_000)
    desk.chain.set_timestamp(desk.expiry * 60)
    desk.post({}, seconds=0)
    desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.admin)
    price, _ = desk.engine.read("settlementOf", ETH, desk.expiry)
    assert 3_000 * PRICE < price <= 3_030 * PRICE
    assert desk.assess(holder).equity >= 0


def test_what_he_seems_to_have_is_what_he_gets(desk):
    """The same equity before the last look and after it, on a hundred calls, but for two minutes' time value."""
    holder, seller = desk.portfolio("mallory", 22_000), desk.portfolio("mallory", 200_000, 1)
    after_28_minutes_at_3000(desk, holder, seller)
    seen = desk.assess(holder).equity
    desk.chain.set_timestamp(desk.expiry * 60)
    desk.post({}, seconds=0)
    desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.admin)
    missing = (seen - desk.assess(holder).equity) / 10**18
    assert 0 <= missing <= 20, "of thirty thousand when options were marked at the spot"
