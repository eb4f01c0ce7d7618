"""SVI smiles: what the checks refuse and where, and fits that never allow arbitrage."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from plimsoll.errors import BadInput
from plimsoll.pricing import svi
from plimsoll.pricing.fit import NoFit, Quotes, fit, fit_all
from plimsoll.pricing.svi import Slice
from plimsoll.vectors import svi as svi_cases

SMILE = Slice(a=0.01, b=0.06, rho=-0.3, m=-0.02, sigma=0.15, forward=60_000.0, years=0.1)
# Axel Vogt's smile, the standard example of a negative density (Gatheral and Jacquier 2014, example 3.1)
VOGT = Slice(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153, forward=1.0, years=1.0)
K = np.linspace(-0.7, 0.7, 29)


def quotes_of(smile, k=K, noise=0.0, **changes):
    smile = replace(smile, **changes)
    rng = np.random.default_rng(7)
    strike = smile.forward * np.exp(k)
    return Quotes.of(strike, smile.vol(strike) * (1 + noise * rng.standard_normal(len(k))), smile.forward, smile.years)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("field", "value"),
    [("sigma", 0.0), ("sigma", -0.1), ("b", -0.01), ("rho", 1.01), ("years", 0.0), ("forward", -1.0), ("a", np.nan)],
)
def test_numbers_that_are_no_smile_are_refused_by_name(field, value):
    """Before anything is computed from them."""
    with pytest.raises(BadInput, match=f"^{field} "):
        svi.butterfly_ok(replace(SMILE, **{field: value}))


def test_a_negative_density_is_found_where_it_is():
    """Near e^0.9 of the forward in the published example."""
    verdict = svi.butterfly_ok(VOGT)

    assert not verdict
    assert verdict.reason == "the density is negative"
    assert 0.7 < verdict.k < 1.1
    assert verdict.value < -0.01


def test_wings_and_variance_are_bounded():
    """Lee's bound of 2 on either side; no variance below zero."""
    steep = svi.butterfly_ok(replace(SMILE, b=1.6, rho=-0.3))
    negative = svi.butterfly_ok(replace(SMILE, a=-0.02))

    assert (bool(steep), steep.k, steep.value) == (False, -np.inf, pytest.approx(2.08))
    assert svi.butterfly_ok(replace(SMILE, b=1.6, rho=0.3)).k == np.inf
    assert (bool(negative), negative.reason) == (False, "total variance is not positive")


def test_smiles_that_cross_are_found_where_they_do():
    """Near the money, at one strike between two others, or only far out in a wing."""
    lower = svi.calendar_ok(SMILE, replace(SMILE, years=0.2, a=SMILE.a - 1e-6))
    narrow = svi.calendar_ok(SMILE, replace(SMILE, years=0.2, a=SMILE.a + 0.004, sigma=0.001))
    wing = svi.calendar_ok(SMILE, replace(SMILE, years=0.2, a=0.5, rho=-0.32))

    assert not lower
    assert not narrow
    assert narrow.k == pytest.approx(SMILE.m, abs=0.02)
    assert (bool(wing), wing.k) == (False, np.inf)
    assert svi.calendar_ok(SMILE, replace(SMILE, years=0.2, a=0.5))


def test_the_later_smile_comes_second():
    """Otherwise the answer would be the opposite."""
    with pytest.raises(BadInput, match="comes second"):
        svi.calendar_ok(SMILE, replace(SMILE, years=0.05))


@pytest.mark.parametrize(
    ("strike", "vol"), [([1, 2], [0.5, 0.5]), ([1, 1, 1], [0.5] * 3), ([1, 2, 3], [0.5, -0.5, 0.5]), ([1, 2, 3], [0.5])]
)
def test_quotes_that_cannot_be_fitted_are_refused(strike, vol):
    """Too few, all at one strike, not positive, not as many."""
    with pytest.raises(BadInput, match="quotes"):
        Quotes.of(strike, vol, 2.0, 0.1)


def test_expiries_come_in_order():
    """Fitting them otherwise would compare the wrong pairs."""
    with pytest.raises(BadInput, match="in order"):
        fit_all([quotes_of(SMILE, years=0.2), quotes_of(SMILE, years=0.1)])


def test_no_fit_is_an_error_not_a_result():
    """Over a smile whose wing is at Lee's bound, none fits."""
    with pytest.raises(NoFit, match=r"36\.50 days out: the earlier wing"):
        fit(quotes_of(SMILE), near=replace(SMILE, years=0.05, b=1.9999, rho=0.0001))


# ---------------------------------------------------------------- formulas


def test_variance_has_these_derivatives():
    """And is what the formula says, at every k at once."""
    with mpmath.workdps(40):
        for k in (-2.0, -0.02, 0.0, 0.4, 5.0):

            def w(x):
                y = x - mpmath.mpf(SMILE.m)
                return SMILE.a + SMILE.b * (SMILE.rho * y + mpmath.sqrt(y * y + mpmath.mpf(SMILE.sigma) ** 2))

            first, second = SMILE.derivatives(k)
            assert float(SMILE.variance(k)) == pytest.approx(float(w(k)), rel=1e-14)
            assert float(first) == pytest.approx(float(mpmath.diff(w, k)), rel=1e-12)
            assert float(second) == pytest.approx(float(mpmath.diff(w, k, 2)), rel=1e-12)


@pytest.mark.parametrize("smile", [SMILE, VOGT])
@pytest.mark.parametrize("k", [-0.6, -0.02, 0.3, 0.9])
def test_g_is_the_density_of_the_price(smile, k):
    """∂²C/∂K² = g(k)·φ(d2)/(K·√w), with mpmath differentiating the call over its strike."""
    with mpmath.workdps(40):

        def deviation(strike):
            y = mpmath.log(strike) - mpmath.mpf(smile.m)
            return mpmath.sqrt(smile.a + smile.b * (smile.rho * y + mpmath.sqrt(y * y + mpmath.mpf(smile.sigma) ** 2)))

        def call(strike):
            s = deviation(strike)
            d1 = -mpmath.log(strike) / s + s / 2
            return mpmath.ncdf(d1) - strike * mpmath.ncdf(d1 - s)

        strike = mpmath.exp(k)
        s = deviation(strike)
        density = mpmath.diff(call, strike, 2)
        expected = float(density * strike * s / mpmath.npdf(-mpmath.mpf(k) / s - s / 2))

    assert float(svi.durrleman(smile, k)) == pytest.approx(expected, rel=1e-9)


def test_published_volatilities(vectors):
    """Lyra's twelve."""
    report = svi_cases.run(vectors("lyra_utils"))

    assert (report.cases, report.passed) == (12, 12)
    assert report.worst_rel_error < 1e-15


# ---------------------------------------------------------------- fits


def test_a_smile_is_found_again():
    """From its own volatilities, to a thousandth of a vol point between the quotes too."""
    found = fit(quotes_of(SMILE))
    strike = SMILE.forward * np.exp(np.linspace(-0.7, 0.7, 501))

    assert np.max(np.abs(found.vol(strike) - SMILE.vol(strike))) < 5e-4
    assert svi.butterfly_ok(found)


def test_a_fit_to_quotes_with_arbitrage_has_none():
    """Vogt's smile itself as quotes: the closest smile without a negative density."""
    k = np.linspace(-1.5, 1.5, 31)
    found = fit(quotes_of(VOGT, k))

    assert svi.butterfly_ok(found)
    assert np.max(np.abs(found.vol(np.exp(k)) - VOGT.vol(np.exp(k)))) < 0.02


def test_fits_to_crossing_quotes_do_not_cross():
    """A crash's near smile above that of the next month: the later one is lifted over it."""
    near, later = quotes_of(SMILE, noise=0.01), quotes_of(SMILE, a=0.006, m=0.05, years=0.12, noise=0.01)
    first, second = fit_all([near, later])
    dense = np.linspace(-6, 6, 20_001)

    assert np.min(replace(SMILE, a=0.006, m=0.05).variance(dense) - SMILE.variance(dense)) < -1e-3
    assert svi.butterfly_ok(first)
    assert svi.butterfly_ok(second)
    assert np.all(second.variance(dense) >= first.variance(dense))


def test_few_flat_quotes_give_a_flat_smile():
    """Three strikes, one volatility."""
    found = fit(Quotes.of([0.9, 1.0, 1.1], 3 * [0.6], 1.0, 0.05))

    assert found.vol([0.9, 0.95, 1.0, 1.1]) == pytest.approx(0.6, abs=1e-3)
    assert svi.butterfly_ok(found)
