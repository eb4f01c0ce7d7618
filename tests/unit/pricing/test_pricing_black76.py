"""Black-76 in float64, against mpmath, QuantLib where it is installed, and published tables."""

import mpmath
import numpy as np
import pytest

from plimsoll.errors import BadInput
from plimsoll.pricing import black76
from plimsoll.vectors import black76 as black76_cases
from plimsoll.vectors import haug as haug_cases

MINUTE = 1 / (365 * 24 * 60)
STRIKES = np.exp(np.array([-3, -1.7, -0.6, -0.1, -1e-3, -1e-9, 0, 1e-6, 0.02, 0.3, 1, 2.2, 3.0]))
VOLS = np.array([0.01, 0.2, 0.8, 1.5, 4.0])
YEARS = np.array([MINUTE, 1 / 365, 0.1, 1.0, 3.0])
GRID = [values.ravel() for values in np.meshgrid(STRIKES, VOLS, YEARS, indexing="ij")]


def normal(z):
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def exact(forward, strike, vol, years, call, discount=1):
    """The textbook formula at as many digits as it takes."""
    f, k, v, t = (mpmath.mpf(value) for value in (forward, strike, vol, years))
    s = v * mpmath.sqrt(t)
    d1 = mpmath.log(f / k) / s + s / 2
    sign = 1 if call else -1
    return mpmath.mpf(discount) * sign * (f * normal(sign * d1) - k * normal(sign * (d1 - s)))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("name", ["forward", "strike", "volatility", "years", "discount"])
def test_a_negative_input_is_an_error_that_names_it(name):
    """And its value."""
    inputs = {"forward": 1.0, "strike": 1.0, "volatility": 1.0, "years": 1.0, "discount": 1.0} | {name: -0.5}
    f, k, v, t, d = inputs.values()
    with pytest.raises(BadInput, match=rf"{name} -0\.5"):
        black76.price(f, k, v, t, True, d)


def test_no_number_in_gives_no_number_out():
    """In its own place only."""
    values = black76.price([1.0, np.nan, 1.0, 1.0], 1.0, [0.5, 0.5, np.nan, 0.5], [1.0, 1.0, 0.0, 1.0])
    greeks = black76.greeks([1.0, np.nan], 1.0, 0.5, 1.0)

    assert np.isnan(values).tolist() == [False, True, True, False]
    for value in (greeks.delta, greeks.gamma, greeks.vega, greeks.theta):
        assert np.isnan(value).tolist() == [False, True]


# ---------------------------------------------------------------- prices


@pytest.mark.parametrize("call", [True, False])
def test_prices_agree_with_mpmath_to_1e15_of_the_forward(call):
    """Strikes e^±3, volatilities 1 % to 400 %, one minute to three years; deeper digits out of the money below."""
    got = black76.price(1.0, *GRID, call)
    with mpmath.workdps(50):
        errors = [abs(mpmath.mpf(g) - exact(1, *row, call)) for g, *row in zip(got, *GRID, strict=True)]
        bound = [mpmath.mpf("1e-15") * max(1, row) for row in GRID[0]]

    assert len(errors) == len(STRIKES) * len(VOLS) * len(YEARS)
    assert all(error <= most for error, most in zip(errors, bound, strict=True))


def test_the_wings_keep_their_digits():
    """1e-12 of a price of 1e-280 too: nothing cancels out of the money."""
    checked = 0
    with mpmath.workdps(400):
        for strike, vol, years in zip(*GRID, strict=True):
            call = strike >= 1
            expected = exact(1, strike, vol, years, call)
            if expected > mpmath.mpf("1e-290"):
                got = mpmath.mpf(float(black76.price(1.0, strike, vol, years, call)))
                assert abs(got / expected - 1) < 1e-12
                checked += 1

    assert checked > 200


def test_call_less_put_is_the_forward_less_the_strike():
    """To the last digit of the larger."""
    strike, vol, years = GRID
    gap = black76.price(1.0, strike, vol, years, True, 0.9) - black76.price(1.0, strike, vol, years, False, 0.9)

    assert np.all(np.abs(gap - 0.9 * (1 - strike)) <= 4e-16 * np.maximum(1, strike))


def test_every_price_lies_between_intrinsic_value_and_the_largest():
    """Also for inputs hundreds of orders apart."""
    rng = np.random.default_rng(76)
    f, k, v, t = np.exp(rng.uniform(-300, 300, (4, 20_000)) * np.array([[1.0], [1.0], [0.1], [0.1]]))
    for call in (True, False):
        value = black76.price(f, k, v, t, call)
        low, high = black76.intrinsic(f, k, np.bool_(call)), f if call else k
        assert np.all((value >= low) & (value <= high * (1 + 1e-15)))


def test_prices_rise_with_volatility():
    """Never a step down, over the seams between the formulas too."""
    s = np.geomspace(1e-4, 30, 20_001)
    for x in (-1e-6, -1e-3, -0.05, -0.8, -2.4, -5.0, -12.0):
        value = black76.price(1.0, np.exp(-x), s, 1.0)
        assert np.all(np.diff(value) >= -4e-16 * value[1:])


def test_at_the_edges():
    """No strike, no forward, no volatility, no time, endless volatility."""
    calls = black76.price([5, 0, 7, 7, 5], [0, 5, 5, 5, 7], [1, 1, 0, 1, np.inf], [1, 1, 1, 0, 1], True, 0.5)
    puts = black76.price([5, 0, 7, 5, 5], [0, 5, 5, 7, 7], [1, 1, 0, 1, np.inf], [1, 1, 1, 0, 1], False, 0.5)

    assert calls.tolist() == [2.5, 0, 1, 1, 2.5]
    assert puts.tolist() == [0, 2.5, 0, 1, 3.5]


# ---------------------------------------------------------------- Greeks


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize(
    ("strike", "vol", "years"), [(1, 0.5, 0.1), (1.4, 0.9, 0.02), (0.6, 0.7, 2.0), (1.1, 3.0, 1.0)]
)
def test_greeks_are_the_derivatives_of_the_price(call, strike, vol, years):
    """mpmath differentiates the textbook formula; the rate −ln D/T stays as time passes."""
    discount = 0.93
    got = black76.greeks(1.2, strike, vol, years, call, discount)
    with mpmath.workdps(40):
        rate = -mpmath.log(discount) / years

        def of(f=1.2, v=vol, t=years):
            return exact(f, strike, v, t, call, mpmath.exp(-rate * t))

        expected = {
            "delta": mpmath.diff(lambda f: of(f=f), 1.2),
            "gamma": mpmath.diff(lambda f: of(f=f), 1.2, 2),
            "vega": mpmath.diff(lambda v: of(v=v), vol),
            "theta": -mpmath.diff(lambda t: of(t=t), years),
        }

    for name, value in expected.items():
        assert float(getattr(got, name)) == pytest.approx(float(value), rel=1e-13, abs=1e-14)


def test_greeks_of_intrinsic_value():
    """At expiry delta is a step and the rest is zero; nothing divides by zero."""
    greeks = black76.greeks([2.0, 1.0, 0.5], 1.0, 0.8, 0.0)

    assert greeks.delta.tolist() == [1.0, 0.5, 0.0]
    assert greeks.gamma[[0, 2]].tolist() == greeks.vega[[0, 2]].tolist() == greeks.theta[[0, 2]].tolist() == [0, 0]


# ---------------------------------------------------------------- other sources


def test_quantlib_agrees():
    """Its Black formula, where the package is installed."""
    ql = pytest.importorskip("QuantLib")
    strike, vol, years = GRID
    for call, kind in ((True, ql.Option.Call), (False, ql.Option.Put)):
        got = black76.price(1.0, strike, vol, years, call, 0.95)
        deviations = vol * np.sqrt(years)
        expected = [ql.blackFormula(kind, k, 1.0, s, 0.95) for k, s in zip(strike, deviations, strict=True)]
        assert np.all(np.abs(got - expected) <= 1e-14 * np.maximum(1, strike))


def test_vollib_agrees():
    """Its Black formula over the same grid, at a rate of 5 %: to the digits of its own normal distribution."""
    vollib = pytest.importorskip("vollib.black")
    strike, vol, years = (values[::7] for values in GRID)
    for call, flag in ((True, "c"), (False, "p")):
        got = black76.price(1.0, strike, vol, years, call, np.exp(-0.05 * years))
        found = zip(strike, vol, years, strict=True)
        expected = [vollib.black(flag, 1.0, k, t, 0.05, s) for k, s, t in found]
        assert np.all(np.abs(got - expected) <= 1e-12 * np.maximum(1, strike))


@pytest.mark.parametrize(("name", "cases"), [("lyra_utils", 27), ("py_vollib", 1010)])
def test_published_prices_and_greeks(vectors, name, cases):
    """Nine of Lyra's at eighteen digits, 101 rows of py_vollib's table at ten."""
    report = black76_cases.run(vectors(name))

    assert (report.cases, report.passed) == (cases, cases)


def test_haug(vectors):
    """43 prices and 11 Greeks to the four decimals that are printed."""
    report = haug_cases.run(vectors("quantlib_haug"))

    assert (report.cases, report.passed) == (54, 54)
    assert report.worst_rel_error < 6e-5
