"""24 July 2026, Lien Finance: 542,000 dollars.

Anyone could register a bond with a pay-off of his own; the pricer on chain, fed by honest oracles, valued some of them
far above what they could ever pay. Worthless paper, sold to the exchange's liquidity.

Property: there are two pay-offs, the call's and the put's, and nobody adds one; a series exists where signers show its
surface, in a market that governance lists for options; and whatever the surface and the strike, a price lies within the
bounds that need no model: 0 ≤ call ≤ S, 0 ≤ put ≤ K, falling and rising in the strike, and convex.
"""

from __future__ import annotations

import random

import pytest
from desk import BTC, ETH, PRICE, SIZE, SOL, expect
from listed_desk import ListedDesk

from plimsoll.actions import match
from plimsoll.margin.option_series import expiry_of, market_of, pack
from plimsoll.surfaces import SurfaceSigner
from plimsoll.testing.options import DAY

#: Of the forward: what the arithmetic may be off by.
EPSILON = 2e-9


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture
def sides(desk):
    return desk.trader("maker", 100_000), desk.trader("taker", 100_000)


def test_nobody_adds_a_pay_off(desk, sides):
    """No bit of the 64 is left for one: another kind, strike, market or expiry is that, or is refused."""
    base = desk.call(3_000)
    refused = 0
    for bit in range(64):
        series = base ^ 1 << bit
        one, two = (desk.signed(desk.order(who, [(series, n)])) for who, n in zip(sides, (SIZE, -SIZE), strict=True))
        mark = desk.chain.snapshot()
        try:
            desk.execute(desk.admin, match(one, two, SIZE, [_mark(desk, series)]))
        except Exception as error:
            known = ("StrikeNotCanonical", "SurfaceUnusable", "SeriesExpired", "UnknownMarket", "ExpiryOutOfRange")
            assert error.name in (*known, "BelowInitialMargin", "NegativeBalance"), (bit, error)
            refused += 1
        else:
            assert bit < 29 or market_of(series) == BTC, f"bit {bit} made a series that nobody lists"
        desk.chain.revert(mark)
    assert refused >= 35


def _mark(desk, series):
    listed = market_of(series) in (ETH, BTC) and expiry_of(series) == desk.expiry
    return desk.mark(series) if listed else 0


def test_nobody_lists_a_series_of_his_own(desk, sides):
    """Not in a market without rules, not for an expiry without a surface, and a stranger's surface is no report."""
    later = desk.expiry + DAY
    for market, expiry in ((SOL, desk.expiry), (ETH, later), (BTC, later)):
        with expect("SurfaceUnusable") as caught:
            desk.match(*sides, [(pack(market, expiry, 3_000 * PRICE, put=False), SIZE)], [0])
        assert caught.value.values[:2] == (market, expiry)
    keys = [bytes([9]) * 31 + bytes([n + 1]) for n in range(3)]
    stranger = SurfaceSigner(keys, desk.surfaces.address, desk.chain.chain_id)
    with expect("SignerUnknown"):
        desk.surfaces.write("update", stranger.report(desk.now, [desk.quoted(ETH, later, 0.6)]), sender=desk.admin)
    with expect("SurfaceUnusable"):
        desk.match(*sides, [(pack(ETH, later, 3_000 * PRICE, put=False), SIZE)], [0])
    assert desk.options(sides[0]) == {}


@pytest.mark.parametrize("seed", range(6))
def test_a_price_is_within_the_bounds_that_need_no_model(desk, seed):
    """Random volatility, time and strikes, by the deployed model: bounds, monotone, convex, parity."""
    draw = random.Random(seed)
    expiry = desk.expiry + draw.choice([0, 7, 90, 365]) * DAY
    spot = draw.randrange(500, 20_000)
    desk.fresh({1: spot * PRICE}, {(ETH, expiry): draw.uniform(0.3, 2.0), (ETH, desk.expiry): 0.3})
    strikes = sorted({int(spot * draw.uniform(0.05, 8)) for _ in range(25)} | {1, spot, 100 * spot})
    strikes = [float(f"{strike:.6g}") for strike in strikes]
    calls = [desk.mark(desk.call(strike, expiry=expiry)) for strike in strikes]
    puts = [desk.mark(desk.put_on(strike, expiry=expiry)) for strike in strikes]
    slack = int(spot * PRICE * EPSILON) + 2
    for strike, call, put in zip(strikes, calls, puts, strict=True):
        assert 0 <= call <= spot * PRICE + slack and 0 <= put <= strike * PRICE + slack
        assert abs(call - put - (spot - strike) * PRICE) <= 3 * slack  # no rate, no carry
    for n in range(1, len(strikes)):
        assert calls[n] <= calls[n - 1] + slack and puts[n] >= puts[n - 1] - slack
    for a, b, c in zip(range(len(strikes)), range(1, len(strikes)), range(2, len(strikes)), strict=False):
        share = (strikes[c] - strikes[b]) / (strikes[c] - strikes[a])
        assert calls[b] <= share * calls[a] + (1 - share) * calls[c] + 3 * slack


@pytest.mark.parametrize("mode", ["portfolio", "cross"])
def test_worthless_paper_is_no_collateral(desk, mode):
    """A call at nine times the spot bought at the highest price that is allowed is worth its mark the moment after."""
    account = desk.portfolio("mallory", 50_000) if mode == "portfolio" else desk.trader("mallory", 50_000)
    friend = desk.trader("friend", 500_000)
    paper = desk.call(27_000)
    before = desk.assess(account).equity
    band = 3_000 * PRICE * desk.market_words(ETH).risk.mm_rate1 // 20_000
    mark = desk.mark(paper)
    with expect("FillPriceOutOfBand", paper, mark + band + 1, mark, band):
        desk.match(account, friend, [(paper, SIZE)], [mark + band + 1])
    desk.match(account, friend, [(paper, 100 * SIZE)], [mark + band])
    after = desk.assess(account)
    assert before - after.equity == pytest.approx(100 * band * 10**8, rel=0.1)
    assert after.equity <= 50_000 * 10**18 - 100 * band * 10**8
