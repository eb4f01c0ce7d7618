"""The float screen of portfolio accounts against the exact model, and its speed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from portfolios import DAY, PARAMETERS, WAD

from plimsoll.margin import portfolio_series
from plimsoll.margin.portfolio_benchmark import portfolio_screen_speed
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_screen import Positions, assess, rows_of
from plimsoll.margin.portfolio_series import SeriesTable
from plimsoll.margin.portfolio_words import AccountView, ExpiryView, Option, Perp, Smile, Tag, strike_code
from plimsoll.margin.rule_margin import AssetExposure

SPOTS = {1: 2_000, 2: 40_000}
#: Of gross notional: Φ comes from a table in the exact model.
BOUND = 3e-9


def chains() -> tuple[ExpiryView, ...]:
    """Five expiries of two underlyings, a call and a put per strike."""
    views = []
    for market, day in ((0, 2), (0, 30), (0, 200), (1, 7), (1, 90)):
        feed = market + 1
        spot = SPOTS[feed] * 10**10
        smile = Smile(
            *(WAD // 90, WAD // 12, -WAD // 3, WAD // 50, WAD // 8, spot, WAD // 8, 101 * WAD // 100, WAD // 20),
            *(0, 500_000 if day == 90 else 0, 0),
        )
        codes = sorted(strike_code(spot * x // 100) for x in (60, 95, 100, 130))
        options = tuple(Option(code, put, 0) for code in codes for put in (False, True))
        views.append(ExpiryView(market, feed, day * DAY, spot, smile, options, mult_im=3 << 13, minutes=10**7 + day))
    return tuple(views)


def accounts(draw, count: int) -> list[AccountView]:
    """Some of the series each, cash, and a perp of each underlying."""
    found = []
    for _ in range(count):
        expiries = []
        for view in chains():
            options = tuple(
                o._replace(quantity=draw.randint(-(10**10), 10**10)) for o in view.options if draw.random() < 0.4
            )
            if options:
                expiries.append(replace(view, options=options))
        perps = tuple(_perp(draw, feed) for feed in (1, 2) if draw.random() < 0.4)
        cash = AssetExposure(draw.randint(-(10**23), 10**24), 0, 0, 0)
        found.append(AccountView((cash,), (Tag(0, price=10**10),), perps, tuple(expiries)))
    return found


def _perp(draw, feed: int) -> Perp:
    size = draw.randint(1, 10**9)
    return Perp(size * SPOTS[feed] * 10**10, draw.randint(-(10**21), 10**21), feed, draw.random() < 0.5, size)


def screened(model: PortfolioMargin, views: list[AccountView]):
    """What a keeper's mirror would hold."""
    table = SeriesTable.build(model, chains())
    places = {(v.market, v.minutes, o.code, o.put): None for v in chains() for o in v.options}
    order = {key: i for i, key in enumerate(places)}
    rows = [
        {order[v.market, v.minutes, o.code, o.put]: o.quantity / 10**8 for v in view.expiries for o in v.options}
        for view in views
    ]
    bare = [model.book(replace(view, expiries=())) for view in views]
    linear = [[book.groups[g].linear / WAD if g in book.groups else 0.0 for g in (0, 1)] for book in bare]
    size = [[book.groups[g].size / WAD if g in book.groups else 0.0 for g in (0, 1)] for book in bare]
    columns = [
        np.array([getattr(book, name) / WAD for book in bare]) for name in ("equity", "im", "im0", "mm", "profit")
    ]
    exposed = np.array([book.exposed for book in bare])
    return assess(table, Positions(*rows_of(rows), np.array(linear), np.array(size), *columns, exposed))


@pytest.mark.parametrize("rho", [0, 400_000])
def test_scores_agree_with_the_exact_model(rho, draw):
    model = PortfolioMargin(replace(PARAMETERS, rho=rho))
    views = accounts(draw, 150)
    totals = screened(model, views)
    for row, view in enumerate(views):
        exact = model.assess(view)
        scale = BOUND * (exact.notional + abs(exact.equity)) / WAD

        for name in ("equity", "im", "im0", "mm"):
            assert abs(getattr(exact, name) / WAD - getattr(totals, name)[row]) <= scale


def test_the_worst_scenario_is_the_exact_models(draw):
    """Of the first underlying: what a keeper puts into a witness."""
    model = PortfolioMargin(PARAMETERS)
    views = accounts(draw, 100)
    totals = screened(model, views)
    agreed = [model.best_witness(view).scenarios.get(0, 0) == totals.worst[row] for row, view in enumerate(views)]

    assert sum(agreed) >= 97  # a tie may fall either way


def test_a_wrong_value_shows(draw, monkeypatch):
    """A thousandth of the price of one kind of series."""
    call = portfolio_series.black76_call
    monkeypatch.setattr(portfolio_series, "black76_call", lambda f, k, v: call(f, k, v) * 1.001)
    with pytest.raises(AssertionError):
        test_scores_agree_with_the_exact_model(0, draw)
    assert portfolio_series.black76_call(100.0, 100.0, 0.2) > call(100.0, 100.0, 0.2)


def test_a_hundred_thousand_accounts_in_a_second():
    """20 series each under 31 scenarios, on two cores; ten times that on a busy machine."""
    speed = portfolio_screen_speed(accounts=20_000)

    assert speed["accounts"] == 20_000
    assert speed["scenarios"] == 31
    assert speed["seconds"] < 2
