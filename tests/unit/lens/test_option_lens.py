"""OptionLens: the engine's own marks, and Greeks that its marks confirm when spot, volatility and time really move."""

from __future__ import annotations

import math
from dataclasses import astuple

import pytest
from option_board import CARRY, VOL, WAD, YEAR, Board

from plimsoll import accounts, ledger
from plimsoll.actions import borrow, lend, withdraw
from plimsoll.deploy.defaults import SURFACES
from plimsoll.margin.option_series import expiry_of, pack
from plimsoll.margin.words import MarketClosing, Settlement
from plimsoll.prices import PRICE
from plimsoll.pricing import black76
from plimsoll.pricing.svi import Slice
from plimsoll.testing.world import SIZE


@pytest.fixture
def board():
    return Board.create().with_options()


@pytest.fixture
def series(board):
    return board.series()


def smile(board, expiry):
    found = board.feed.read("surface", 0, expiry)
    shape = [getattr(found, name) / WAD for name in ("a", "b", "rho", "m", "sigma")]
    return Slice(*shape, forward=found.forwardRef / PRICE, years=found.tau / WAD)


# ---------------------------------------------------------------- refusals


def test_what_is_no_series_is_refused(board, reverts):
    """A second name of a strike, and a market that is not listed."""
    twice = board.near << 29 | 8 << 25 | 300_000 << 1
    with reverts("StrikeNotCanonical"):
        board.quote(twice)
    with reverts("UnknownMarket", 60):
        board.quote(pack(60, board.near, 3000 * PRICE, put=False))


def test_an_option_without_a_surface_is_its_pay_off(board):
    """And says that the surface is missing."""
    found = board.quote(pack(1, board.near, 55_000 * PRICE, put=False))

    assert (found.mark, found.delta, found.vega, found.status) == (5_000 * PRICE, WAD, 0, 4)


# ---------------------------------------------------------------- marks


def test_marks_are_those_that_a_fill_is_compared_with(board, series):
    """To the unit, of calls and puts, near and far, in one call."""
    found = board.deployed.option_lens.read("quotes", series)

    assert [quote.mark for quote in found] == [board.model_mark(instrument) for instrument in series]


def test_marks_and_volatilities_agree_with_float_prices(board, series):
    """To 1e-9 of the forward, and to 1e-12 of a volatility."""
    spot = 3000.0
    for instrument, quote in zip(series, board.deployed.option_lens.read("quotes", series), strict=True):
        strike = (instrument >> 1 & 0xFFFFFF) * 10 ** (instrument >> 25 & 15) / PRICE
        years = (expiry_of(instrument) * 60 - board.now) / YEAR
        vol = float(smile(board, expiry_of(instrument)).vol(strike))
        price = float(black76.price(spot * CARRY, strike, quote.vol / WAD, years, not instrument & 1))
        assert abs(quote.mark / PRICE - price) < 1e-9 * spot * CARRY + 1e-10
        if abs(math.log(strike / 2950)) < 4 * VOL * math.sqrt(years) * 0.8:
            assert quote.vol / WAD == pytest.approx(vol, abs=1e-12)


def test_greeks_agree_with_float_greeks(board, series):
    """Those of the forward, times what it is of the index."""
    for instrument, quote in zip(series, board.deployed.option_lens.read("quotes", series), strict=True):
        strike = (instrument >> 1 & 0xFFFFFF) * 10 ** (instrument >> 25 & 15) / PRICE
        years = (expiry_of(instrument) * 60 - board.now) / YEAR
        twin = black76.greeks(3000 * CARRY, strike, quote.vol / WAD, years, not instrument & 1)
        assert quote.delta / WAD == pytest.approx(float(twin.delta) * CARRY, abs=1e-9)
        assert quote.gamma / WAD == pytest.approx(float(twin.gamma) * CARRY**2, rel=1e-6, abs=1e-12)
        assert quote.vega / WAD == pytest.approx(float(twin.vega), rel=1e-6, abs=1e-6)
        assert quote.theta / WAD == pytest.approx(float(twin.theta) / 365, rel=1e-6, abs=1e-6)


# ---------------------------------------------------------------- an account's


@pytest.fixture
def account(board):
    return board.book(board.account(board.actor("alice")))


def test_delta_and_gamma_are_what_the_engine_s_equity_does(board, account):
    """assessAt, a quote to either side: options, perp and collateral together."""
    found = board.greeks(account)[1]
    here, up, down = (
        board.engine.read("assessAt", account, [(1, 3000 * PRICE + step * PRICE)])[0].equity for step in (0, 1, -1)
    )

    assert (up - down) / 2 / WAD == pytest.approx(found.delta / WAD, abs=2e-5)
    assert (up - 2 * here + down) / WAD == pytest.approx(found.gamma / WAD, rel=2e-3)


def test_vega_is_what_another_surface_does_to_the_marks(board):
    """A parallel move: a smile that is flat moves every strike alike."""
    board.show(VOL, slope=0.0)
    series = [pack(0, board.far, k * PRICE, put=False) for k in (2700, 3000, 3600)]
    account = board.account(board.actor("bob"))
    board.fund(account, 0, 10**9)
    board.give(account, [(instrument, (n + 1) * SIZE) for n, instrument in enumerate(series)])
    before = board.greeks(account)[1]
    vols = [quote.vol / WAD for quote in board.deployed.option_lens.read("quotes", series)]
    board.show(VOL * 1.001, slope=0.0)
    after = board.greeks(account)[1]
    moved = [quote.vol / WAD for quote in board.deployed.option_lens.read("quotes", series)]

    assert max(moved) - min(moved) < 1e-9
    gained = (after.marks - before.marks) / WAD - before.theta / WAD / 86_400
    assert gained == pytest.approx(before.vega / WAD * (moved[0] - vols[0]), rel=2e-3)


def test_theta_is_what_an_hour_takes(board, account):
    """Of options alone: the marks move with nothing but time."""
    before = board.greeks(account)[1]
    board.chain.advance(600)
    after = board.greeks(account)[1]

    assert (after.marks - before.marks) / WAD == pytest.approx(before.theta / WAD * 600 / 86_400, rel=5e-3)


def test_collateral_counts_what_is_held_lent_and_owed(board):
    """Of WETH and WBTC, and no underlying for the quote asset."""
    lender, owner = board.actor("lender"), board.actor("carol")
    given, account = board.account(lender), board.account(owner)
    board.fund(given, 1, 100 * WAD)
    board.fund(account, 0, 500_000 * 10**6)
    board.fund(account, 2, 2 * 10**8)
    board.execute(lender, lend(given, 1, 60 * WAD))
    board.execute(owner, borrow(account, 1, 4 * WAD), prices=board.report({}))
    board.execute(owner, withdraw(account, 1, WAD, owner), prices=board.report({}))

    assert board.greeks(given)[1].delta / WAD == pytest.approx(100, abs=1e-9)
    found = board.greeks(account)
    assert sorted(found) == [1, 2]
    assert found[1].delta / WAD == pytest.approx(-1, abs=1e-9)
    assert (found[2].delta, found[2].gamma) == (2 * WAD, 0)


def test_expired_options_have_the_delta_of_their_pay_off_until_their_price_is_final(board):
    """Then they are worth what they pay, and nothing moves them."""
    account = board.account(board.actor("dora"))
    board.fund(account, 0, 10**9)
    paying, worthless = (pack(0, board.near, k * PRICE, put=False) for k in (2500, 3500))
    board.give(account, [(paying, 2 * SIZE), (worthless, SIZE)])
    board.chain.advance(8 * 86_400)
    board.post({})
    assert board.greeks(account)[1].delta == 2 * WAD
    assert board.greeks(account)[1].marks == 1000 * WAD

    word = Settlement(price=2600 * PRICE).to_word()
    board.chain.set_storage(board.engine.address, ledger.settlement(0, board.near), word)
    found = board.greeks(account)[1]
    assert (found.marks, found.delta, found.gamma, found.vega, found.theta) == (200 * WAD, 0, 0, 0, 0)


def test_a_closed_market_moves_nothing(board, account):
    """At its final price options and perps stand still, whatever the feed says: collateral is left."""
    risk, closing = ledger.market(0, ledger.RISK), ledger.market(0, ledger.CLOSING)
    (word,) = ledger.read(board.engine, [risk])
    board.chain.set_storage(board.engine.address, risk, word | 4 << 232)
    board.chain.set_storage(board.engine.address, closing, MarketClosing(final_price=2800 * PRICE).to_word())
    found = board.greeks(account)[1]

    assert (found.delta, found.gamma) == (3 * WAD, 0)
    up = board.engine.read("assessAt", account, [(1, 3001 * PRICE)])[0].equity
    assert (up - board.engine.read("assessAt", account, [(1, 3000 * PRICE)])[0].equity) / WAD == pytest.approx(3)


def test_a_stale_surface_still_prices_and_says_so(board):
    """What is bad about it stops new risk and nothing else."""
    board.feed.write("setRules", 0, astuple(SURFACES), sender=board.admin)
    board.chain.advance(2 * SURFACES.max_age)
    found = board.quote(pack(0, board.far, 3000 * PRICE, put=False))

    assert found.status == 1
    assert found.mark > 100 * PRICE


def test_an_account_of_nothing_depends_on_nothing(board):
    assert board.greeks(accounts.cross(board.actor("nobody"))) == {}
