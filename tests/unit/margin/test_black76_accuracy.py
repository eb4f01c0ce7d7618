"""Black-76 against mpmath and published prices: within 1e-9 of the forward, inside the bounds of no arbitrage."""

from __future__ import annotations

import csv
import importlib.util
import math
from pathlib import Path

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from options import FORWARD, call_of, exact_call, strike_at, volatile

from plimsoll.margin import black76, fixed_math
from plimsoll.margin.black76 import ONE

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT.parent / "shared" / "vectors" / "lyra_utils" / "black76.csv"
#: Of the forward.
BOUND = 1e-9
WAD = 10**18


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(30):
        yield


def errors(draw, cases: int, low: float, high: float) -> list[float]:
    """Errors of calls, in forwards, at strikes of e^low to e^high."""
    found = []
    for _ in range(cases):
        strike, v = strike_at(FORWARD, draw.uniform(low, high)), volatile(draw)
        found.append(float(abs(call_of(FORWARD, strike, v) - exact_call(FORWARD, strike, v)) / FORWARD))
    return found


# ---------------------------------------------------------------- what the tests notice


@pytest.mark.parametrize(("field", "step"), [(0, 1), (40, 1), (80, 1), (120, 1), (40, -20), (80, 15)])
def test_a_broken_coefficient_shows(field, step, draw, monkeypatch):
    """2^-26 of Φ more in one coefficient of one step."""
    words = list(black76.table())
    at = -black76.FIRST_STEP + step
    words[at] += 2**20 << field
    monkeypatch.setattr(black76, "table", lambda: tuple(words))
    d1 = (step + 0.7) / black76.STEPS_PER_UNIT
    strike, v = strike_at(FORWARD, -d1 * 0.5 + 0.125), ONE // 2

    assert abs(call_of(FORWARD, strike, v) - exact_call(FORWARD, strike, v)) / FORWARD > BOUND


# ---------------------------------------------------------------- the table


def test_the_table_is_what_its_script_makes():
    spec = importlib.util.spec_from_file_location("normal_table", ROOT / "scripts" / "normal_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert script.table() == black76.TABLE_FILE.read_bytes()


def test_normal_distribution_is_within_3e_11_and_rises():
    """Over the whole table, five points a step and both sides of each knot."""
    points = []
    for step in range(black76.STEPS):
        points += [step * 2**40 + t for t in (0, 1, 2**38, 2**39, 3 * 2**38, 2**40 - 1)]
    found = [black76._normal(u) for u in points]
    exact = [mpmath.ncdf((mpmath.mpf(u) / 2**40 + black76.FIRST_STEP) / 56) for u in points]

    assert max(abs(mpmath.mpf(f) / 2**166 - e) for f, e in zip(found, exact, strict=True)) < 3e-11
    assert found == sorted(found)


# ---------------------------------------------------------------- prices


@pytest.mark.parametrize(("low", "high"), [(-3, 3), (-0.3, 0.3), (2, 3)])
def test_calls_are_within_1e_9_of_the_forward(low, high, draw):
    """Strikes of e^±3, 1 % to 400 %, a minute to three years: 1.5e-10 is the largest error measured."""
    assert max(errors(draw, 4_000, low, high)) < 2e-10


@pytest.mark.parametrize(("low", "high"), [(3, 4), (4, 12), (-12, -3), (12, 40), (-40, -12)])
def test_calls_far_from_the_forward_are_too(low, high, draw):
    """Past e^4 by Mills' ratio: 2.6e-10 is the largest error, just before."""
    assert max(errors(draw, 1_500, low, high)) < 3e-10


def test_no_volatility_is_the_intrinsic_value_and_any_amount_the_forward():
    for strike in (1, FORWARD // 7, FORWARD - 1, FORWARD, FORWARD + 1, 3 * FORWARD, 10**22):
        inner = max(FORWARD - strike, 0)

        assert black76.price(FORWARD, strike, 0) == (inner, inner + strike - FORWARD)
        assert black76.price(FORWARD, strike, 2**200) == (FORWARD, strike)


def test_published_prices():
    """lyra-utils: the same arguments, with its discount factor applied outside."""
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS} is absent")
    with VECTORS.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        secs, sigma = int(row["timeToExpirySec"]), int(mpmath.mpf(row["volatility"]) * WAD)
        forward, strike = (int(mpmath.mpf(row[name]) * 10**10) for name in ("forward", "strike"))
        v = black76.total_vol(sigma, fixed_math.sqrt_years(secs))
        for price, kind in zip(black76.price(forward, strike, v), ("call", "put"), strict=True):
            expected = mpmath.mpf(row[kind]) / mpmath.mpf(row["discount"])
            # A unit of price for the rounding, another for the forward of 1e-18.
            assert abs(mpmath.mpf(price) / 10**10 - expected) <= BOUND * float(row["forward"]) + 2e-10, row
    assert len(rows) == 9


# ---------------------------------------------------------------- shape

logs = st.floats(-12, 12)
vols = st.floats(0, 24)


@given(log=logs, v=vols, forward=st.integers(1, 2**80))
def test_prices_are_inside_the_bounds_of_no_arbitrage(log, v, forward):
    """max(F − K, 0) ≤ call ≤ F and put = call − F + K, exactly."""
    strike = strike_at(forward, log)
    call, put = black76.price(forward, strike, int(v * ONE))

    assert max(forward - strike, 0) <= call <= forward
    assert 0 <= put <= strike
    assert call - put == forward - strike


@given(log=logs, v=vols)
def test_a_strip_is_inside_them_to_1e_12_of_the_forward(log, v):
    """A strip does not clamp."""
    strike = strike_at(FORWARD, log)
    call = call_of(FORWARD, strike, int(v * ONE))

    assert max(FORWARD - strike, 0) - FORWARD * 1e-12 <= call <= FORWARD * (1 + 1e-12)


@given(log=logs, v=vols, by=st.floats(0, 1))
def test_calls_are_monotone_up_to_the_error(log, v, by):
    """Falling in the strike, rising in forward and volatility, but for two errors of 3e-10 at most."""
    strike, more = strike_at(FORWARD, log), FORWARD + int(by * FORWARD)
    slack = 6e-10 * FORWARD
    call = call_of(FORWARD, strike, int(v * ONE))

    assert call_of(FORWARD, strike + int(by * strike), int(v * ONE)) <= call + slack
    assert call_of(FORWARD, strike, int((v + by) * ONE)) >= call - slack
    assert call_of(more, strike, int(v * ONE)) >= call - slack * (more / FORWARD)


# ---------------------------------------------------------------- Greeks


def test_greeks_against_mpmath(draw):
    """In closed form: Φ(d1), φ(d1)/(F·v), F·φ(d1)·√T and −F·φ(d1)·v/2T a day."""
    for _ in range(500):
        secs = draw.randint(60, 3 * 31_536_000)
        v = int(draw.uniform(0.01, 4) * math.sqrt(secs / 31_536_000) * ONE)
        strike = strike_at(FORWARD, draw.uniform(-1, 1) * min(3 * v / ONE, 3))
        found, forward, years = (
            black76.greeks(FORWARD, strike, v, secs),
            mpmath.mpf(3000),
            mpmath.mpf(secs) / 31_536_000,
        )
        total = mpmath.mpf(v) / ONE
        d1 = mpmath.log(mpmath.mpf(FORWARD) / strike) / total + total / 2
        density = mpmath.npdf(d1)

        assert abs(found.delta / WAD - mpmath.ncdf(d1)) < 3e-11
        assert found.gamma / WAD == pytest.approx(float(density / (forward * total)), rel=1e-9)
        assert found.vega / WAD == pytest.approx(float(forward * density * mpmath.sqrt(years)), rel=1e-9)
        assert found.theta / WAD == pytest.approx(float(-forward * density * total / (2 * years * 365)), rel=1e-9)


def test_greeks_are_the_slopes_of_the_price():
    """Central differences of exact prices, in forward, volatility and time."""
    secs, sigma, strike = 30 * 86_400, mpmath.mpf("0.7"), 3_200 * 10**10

    def value(forward=FORWARD, vol=sigma, time=secs):
        return exact_call(forward, strike, int(vol * mpmath.sqrt(mpmath.mpf(time) / 31_536_000) * ONE)) / 10**10

    v = black76.total_vol(int(sigma * WAD), fixed_math.sqrt_years(secs))
    found, bump = black76.greeks(FORWARD, strike, v, secs), 10**9
    wide = [value(forward=FORWARD + k * 10**11) for k in (-1, 0, 1)]

    assert found.delta / WAD == pytest.approx(float((value(FORWARD + bump) - value(FORWARD - bump)) * 5), rel=1e-6)
    assert found.gamma / WAD == pytest.approx(float((wide[0] - 2 * wide[1] + wide[2]) / 100), rel=1e-3)
    assert found.vega / WAD == pytest.approx(
        float((value(vol=sigma + mpmath.mpf("1e-5")) - value(vol=sigma - mpmath.mpf("1e-5"))) / 2e-5), rel=1e-6
    )
    assert found.theta / WAD == pytest.approx(float((value(time=secs - 60) - value(time=secs + 60)) * 720), rel=1e-5)
