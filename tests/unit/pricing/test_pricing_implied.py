"""Implied volatility: refusals, and round trips to the last digits that a price holds."""

import mpmath
import numpy as np
import pytest

from plimsoll.errors import BadInput
from plimsoll.pricing import black76, implied, normal
from plimsoll.pricing.implied import Reason

EPS = np.finfo(np.float64).eps


def exact(x, s):
    """b(x, s) in normalised variables."""
    x, s = mpmath.mpf(x), mpmath.mpf(s)

    def phi(z):
        return mpmath.erfc(-z / mpmath.sqrt(2)) / 2

    return mpmath.exp(x / 2) * phi(x / s + s / 2) - mpmath.exp(-x / 2) * phi(x / s - s / 2)


def sensitivity(x, s, beta):
    """By how much of itself s changes per relative change of β."""
    return beta / (np.exp(normal.log_slope(x, s)) * s)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("price", "call", "remedy"),
    [(0.1999, True, "below intrinsic"), (1.2001, True, "above the discounted"), (np.nan, True, "must be positive")]
    + [(-0.01, False, "below intrinsic"), (1.001, False, "above the discounted")],
)
def test_a_price_that_no_volatility_gives_is_an_error(price, call, remedy):
    """It names which of the prices, its value and why."""
    with pytest.raises(BadInput, match=r"price \[1\].*" + remedy):
        implied.implied_volatility([0.25, price], 1.2, 1.0, 1.0, call)


def test_or_no_number_with_a_reason():
    """For a whole chain at once; zero and infinite volatility are answers."""
    price = [0.3, 0.2, 1.2, 0.1, 1.3, 0.3, 0.3, np.inf]
    years = [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, np.nan, 1.0]
    found = implied.implied(price, 1.2, 1.0, years)

    assert found.reason.tolist() == [
        Reason.FOUND,
        Reason.NO_TIME_VALUE,
        Reason.LARGEST,
        Reason.BELOW_INTRINSIC,
        Reason.ABOVE_LARGEST,
        Reason.BAD_INPUT,
        Reason.BAD_INPUT,
        Reason.BAD_INPUT,
    ]
    assert found.vol[1:3].tolist() == [0.0, np.inf]
    assert np.isnan(found.vol[3:]).all()
    assert found.vol[0] > 0


# ---------------------------------------------------------------- round trips


def test_round_trip_to_1e12_over_all_that_a_price_determines():
    """60,000 draws: |ln F/K| from 1e-10 to 90, σ√T from 1e-5 to 30, prices from 1e-300 on."""
    rng = np.random.default_rng(2015)
    x = -np.exp(rng.uniform(np.log(1e-10), np.log(90), 90_000))
    s = np.exp(rng.uniform(np.log(1e-5), np.log(30), 90_000))
    log_b = normal.log_black(x, s)
    inside = (log_b > -690) & (log_b < 0.5 * x)
    x, s = x[inside], s[inside]
    beta = normal.black(x, s)
    inside = beta < np.exp(0.5 * x)
    x, s, beta = x[inside], s[inside], beta[inside]
    off = np.abs(implied.deviation(x, beta) / s - 1)
    lost = sensitivity(x, s, beta)

    assert len(x) > 60_000
    assert np.all(off <= 4e-15 + 8 * EPS * lost)
    assert np.all(off[lost < 500] <= 1e-12)
    assert np.mean(lost < 500) > 0.9


def test_prices_that_mpmath_made():
    """The price is not ours: the textbook formula at hundreds of digits, rounded once."""
    checked = 0
    with mpmath.workdps(350):
        for x in (-1e-9, -1e-5, -0.01, -0.2, -1.0, -3.0, -12.0, -40.0):
            for s in (1e-7, 1e-4, 0.01, 0.1, 0.24, 0.26, 0.7, 1.5, 3.0, 6.0, 10.0):
                if abs(x / s) > 35:
                    continue
                beta = float(exact(x, s))
                lost = sensitivity(x, s, beta)
                if beta < np.exp(x / 2) and lost < 1e3:
                    off = abs(implied.deviation(np.array([x]), np.array([beta]))[0] / s - 1)
                    assert off <= 1e-15 + 6 * EPS * lost
                    checked += 1

    assert checked >= 40


@pytest.mark.parametrize("call", [True, False])
def test_a_chain_there_and_back(call):
    """Strikes e^±2 on a forward of 60,000, calls and puts, discounted: out of the money to 1e-12."""
    strike = 60_000 * np.exp(np.linspace(-2, 2, 81))[:, None, None]
    vol = np.array([0.05, 0.3, 0.9, 2.5])[None, :, None]
    years = np.array([1 / 365, 0.1, 1.0, 3.0])[None, None, :]
    price = black76.price(60_000, strike, vol, years, call, 0.97)
    found = implied.implied(price, 60_000, strike, years, call, 0.97)
    real = np.broadcast_to(vol, price.shape)
    wing = (np.broadcast_to(strike, price.shape) >= 60_000) == call
    told = wing & (price > 1e-300) & (real * np.sqrt(years) < 5)

    assert np.all(found.reason[told] == Reason.FOUND)
    assert np.max(np.abs(found.vol[told] / real[told] - 1)) < 1e-12
    # in the money, the price has only what its last digits hold of time value
    inside = ~wing & (found.reason == Reason.FOUND)
    again = black76.price(60_000, strike, np.where(inside, found.vol, real), years, call, 0.97)
    assert np.max(np.abs(again - price)[inside] / np.maximum(price, 60_000 * 0.97)[inside]) < 1e-15


def test_at_the_money_from_nothing_to_everything():
    """σ√T from 1e-15 to 15, in closed form."""
    s = np.geomspace(1e-15, 15, 200)
    price = black76.price(1.0, 1.0, s, 1.0)
    lost = sensitivity(np.zeros_like(s), s, price)

    assert np.all(np.abs(implied.implied_volatility(price, 1.0, 1.0, 1.0) / s - 1) <= 4e-15 + 8 * EPS * lost)


def test_few_steps_are_enough(monkeypatch):
    """Never more than eight, three on average: the guesses are good in all four regions."""
    sizes = []
    step = implied._householder
    monkeypatch.setattr(implied, "_householder", lambda part, s: sizes.append(len(s)) or step(part, s))
    rng = np.random.default_rng(5)
    x = -np.exp(rng.uniform(np.log(1e-6), np.log(20), 20_000))
    beta = np.exp(0.5 * x) * np.exp(-np.exp(rng.uniform(np.log(1e-3), np.log(600), 20_000)))
    implied.deviation(x, beta)

    assert len(sizes) <= 8
    assert sum(sizes) < 3.5 * sizes[0]


def test_quantlib_agrees():
    """Its own solver on its own prices, where the package is installed."""
    ql = pytest.importorskip("QuantLib")
    for strike in (0.4, 0.8, 1.0, 1.3, 2.5):
        for s in (0.1, 0.4, 1.2):
            price = ql.blackFormula(ql.Option.Call, strike, 1.0, s)
            if price - max(1 - strike, 0) > 1e-12:
                assert float(implied.implied_volatility(price, 1.0, strike, 1.0)) == pytest.approx(s, rel=1e-9)
