"""O-04: self-trade into insolvency (Sigma Prime on Derive v2: DRV-23, closed unfixed).

Two accounts of one person trade with each other at a price of their choosing until one of them owes more than it has:
the loss is socialised, the gain is withdrawn. There margin was asked of neither side by the rule that counted.

Rule: a fill lies within half the market's MM rate of its mark; both sides hold their full initial margin after it, on
chain, by all scenarios; and what a loss may draw from insurance is capped by window. So value moves between the two
only down to IM, and past that only by the market, over the whole of its stress.
"""

from __future__ import annotations

import random

import pytest
from desk import ETH, PRICE, SIZE, UNIT, USDC, WAD, expect
from listed_desk import ListedDesk

from plimsoll.actions import liquidate, withdraw
from plimsoll.margin.option_series import strike_of

START = 20_000


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture(params=["portfolio", "cross"])
def pair(desk, request):
    """Two accounts of mallory: what one loses the other should get."""
    owner = desk.actor("mallory")
    if request.param == "portfolio":
        return desk.portfolio("mallory", START), desk.portfolio("mallory", START, 1)
    return [desk.trader("mallory", START, index=n) for n in (0, 1)] if owner else None


def band(desk):
    return 3_000 * PRICE * desk.market_words(ETH).risk.mm_rate1 // 20_000


def test_not_a_unit_outside_the_band(desk, pair):
    """Neither above nor below, for either side's account."""
    call = desk.call(2_800)
    mark = desk.mark(call)
    for price in (mark + band(desk) + 1, mark - band(desk) - 1):
        with expect("FillPriceOutOfBand", call, price, mark, band(desk)):
            desk.match(*pair, [(call, SIZE)], [price])
    assert desk.options(pair[0]) == {}


def test_value_moves_down_to_initial_margin_and_no_further(desk, pair):
    """Eighty random fills at the worse edge of the band for one: he is never below IM, the two never gain."""
    draw, (loser, winner) = random.Random(4), pair
    spare = desk.held(desk.insurance)
    done = 0
    for _ in range(80):
        strike, put = draw.randrange(2_400, 3_600, 50), draw.random() < 0.5
        series = desk.put_on(strike) if put else desk.call(strike)
        quantity = draw.choice([-1, 1]) * draw.randrange(1, 40) * SIZE
        mark = desk.mark(series)
        price = mark + band(desk) if quantity > 0 else max(mark - band(desk), 0)
        before = sum(desk.assess(one).equity for one in pair)
        try:
            desk.match(loser, winner, [(series, quantity)], [price])
            done += 1
        except Exception as error:
            assert error.name in ("BelowInitialMargin", "NegativeBalance"), error
        found = [desk.assess(one) for one in pair]
        assert all(one.equity >= one.im and desk.held(id) >= 0 for one, id in zip(found, pair, strict=True))
        assert sum(one.equity for one in found) <= before
    assert done > 5
    assert desk.assess(winner).equity > desk.assess(loser).equity
    assert desk.held(desk.insurance) >= spare, "fees on options are insurance's"


def test_the_loser_stands_the_market_s_stress(desk, pair):
    """Sold as much as margin lets him, at the worse edge: no deficit at any price of the stress, with volatility up."""
    loser, winner = pair
    call = desk.call(3_000)
    low, high = 0, 200 * SIZE
    mark = desk.chain.snapshot()
    while high - low > SIZE // 10:
        size = (low + high) // 2
        try:
            desk.match(winner, loser, [(call, size)], [desk.mark(call) - band(desk)])
            low = size
        except Exception as error:
            assert error.name == "BelowInitialMargin"
            high = size
        desk.chain.revert(mark)
        mark = desk.chain.snapshot()
    assert low > SIZE
    desk.match(winner, loser, [(call, low)], [desk.mark(call) - band(desk)])
    with expect("BelowInitialMargin"):
        desk.match(winner, loser, [(call, SIZE)], [desk.mark(call) - band(desk)])
    with expect("BelowInitialMargin"):
        desk.act(loser, withdraw(loser, 0, 100 * USDC, desk.owner(loser)))
    for move in (-0.12, -0.06, 0.06, 0.12):
        checkpoint = desk.chain.snapshot()
        desk.fresh({1: int(3_000 * PRICE * (1 + move))}, {(ETH, desk.expiry): 0.75})
        assert desk.assess(loser).equity >= 0, (move, strike_of(call))
        desk.chain.revert(checkpoint)


def test_past_the_stress_insurance_pays_no_more_than_its_window(desk):
    """A gap of two thirds: the accomplice takes the bankrupt account over, and both have gained the window."""
    desk.config.write("setDebtInsurance", 0, 3_000, sender=desk.admin)
    loser, winner = desk.portfolio("mallory", START), desk.portfolio("mallory", START, 1)
    taker = desk.portfolio("mallory", 500_000, 2)
    desk.match(winner, loser, [(desk.call(3_000), 25 * SIZE)])
    put_in = sum(desk.assess(one).equity for one in (loser, winner, taker))
    spare = desk.held(desk.insurance)
    desk.fresh({1: 5_000 * PRICE})
    gap = desk.assess(loser).equity
    assert gap < 0
    for account in (loser, loser):
        desk.act(taker, liquidate(taker, account, skip=True))
    after = sum(desk.assess(one).equity for one in (loser, winner, taker))
    drawn = (spare - desk.held(desk.insurance)) * UNIT
    assert 0 < drawn <= 3_000 * WAD
    assert after - put_in <= drawn
    assert -gap > drawn, "the rest stays with whoever took it"
