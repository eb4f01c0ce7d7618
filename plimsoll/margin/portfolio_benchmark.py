"""How fast portfolio accounts are screened: `plimsoll bench portfolio` prints this."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba import get_num_threads

from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_parameters import Claim, Kind, Parameters, Scenario, Underlying
from plimsoll.margin.portfolio_screen import Positions, assess
from plimsoll.margin.portfolio_series import SeriesTable
from plimsoll.margin.portfolio_words import ExpiryView, Option, Smile, strike_code

DAY = 86_400
SPOT = 2_000 * 10**10
EXPIRIES = (2, 9, 30, 90, 180)  # days
STRIKES = range(50, 210, 10)  # percent of the spot
GRID = (82, 86, 91, 95, 100, 105, 109, 114, 118)  # percent of the spot


def portfolio_screen_speed(
    *, accounts: int = 100_000, series: int = 20, rounds: int = 5, seed: int = 1
) -> dict[str, Any]:
    """Seconds for all accounts (compilation not counted), and for the values of all series, once per tick."""
    model = PortfolioMargin(_parameters())
    chains = tuple(_chain(day) for day in EXPIRIES)
    started = time.perf_counter()
    table = SeriesTable.build(model, chains)
    tick = time.perf_counter() - started
    positions = _positions(np.random.default_rng(seed), accounts, series, len(table.values))
    assess(table, positions)  # compiles, or loads what was compiled before
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        assess(table, positions)
        times.append(time.perf_counter() - started)
    best = min(times)
    return {
        "accounts": accounts,
        "series_per_account": series,
        "series": len(table.values),
        "scenarios": model.parameters.scenario_count,
        "threads": get_num_threads(),
        "tick_seconds": round(tick, 6),
        "seconds": round(best, 6),
        "accounts_per_second": int(accounts / best),
    }


def _positions(rng: np.random.Generator, accounts: int, series: int, count: int) -> Positions:
    chosen = np.sort(rng.random((accounts, count)).argpartition(series, axis=1)[:, :series], axis=1)
    total, zero = accounts * series, np.zeros(accounts)
    return Positions(
        starts=np.arange(0, total + 1, series, dtype=np.int64),
        series=chosen.ravel().astype(np.int64),
        quantity=rng.normal(0, 3, total),
        linear=rng.normal(0, 5_000, (accounts, 1)),
        size=np.zeros((accounts, 1)),
        equity=rng.uniform(0, 30_000, accounts),
        im=zero,
        im0=zero,
        mm=zero,
        profit=zero,
        exposed=np.ones(accounts, bool),
    )


def _chain(day: int) -> ExpiryView:
    smile = Smile(WAD // 90, WAD // 12, -WAD // 3, 0, WAD // 8, SPOT, WAD // 8, WAD, WAD // 20)
    codes = sorted(strike_code(SPOT * percent // 100) for percent in STRIKES)
    options = tuple(Option(code, put, 0) for code in codes for put in (False, True))
    return ExpiryView(0, 1, day * DAY, SPOT, smile, options, minutes=28_000_000 + 1_440 * day)


def _scenarios() -> tuple[Scenario, ...]:
    """31, as many as the published cases have."""
    inner = [Scenario(x * WAD // 100, kind) for x in GRID[1:-1] for kind in (Kind.UP, Kind.NONE, Kind.DOWN)]
    ends = [Scenario(x * WAD // 100, Kind.UP) for x in (GRID[0], GRID[-1])]
    tails = [Scenario(x * WAD // 100, Kind.UP, d * WAD // 100) for x, d in ((34, 20), (67, 40), (150, 27), (200, 14))]
    skews = [Scenario(WAD, kind) for kind in (Kind.LINEAR, Kind.ABSOLUTE)]
    return (*inner, *ends, *tails, *skews, Scenario(3 * WAD, Kind.UP, 7 * WAD // 100), Scenario(4 * WAD, Kind.UP, 0))


def _parameters() -> Parameters:
    percent = WAD // 100
    underlying = Underlying(
        1,
        _scenarios(),
        *(50 * percent, 30 * percent, 40 * percent, 30 * percent, 13 * percent, DAY),
        *(percent, 4 * WAD, 60 * percent, -10 * percent, 25 * percent, -10 * percent, 25 * percent, -10 * percent),
        *(95 * percent, WAD, 8 * percent, 105 * percent, 50 * percent, 8 * percent),
        *(105 * percent, 95 * percent, 50 * percent, 2 * WAD),
        *(3 * percent, percent, percent // 2, percent // 4),
    )
    return Parameters((underlying,), 125 * percent, WAD, mm_floor=50 * WAD, im_floor=75 * WAD, feeds={1: Claim(0)})
