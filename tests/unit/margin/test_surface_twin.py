"""SurfaceMath and SurfaceWord equal their twins to the digit; both agree with mpmath; the grid misses little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from exposed import Exposed
from mpmath import mp, mpf

from plimsoll.margin import surface_math as sm
from plimsoll.margin import surface_word
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.surface_word import Fit, Smile, Surface, Terms

CASES = 400


@pytest.fixture(scope="session")
def surfaces(artifacts):
    return Exposed(artifacts["ExposedSurfaces"])


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50):
        yield


def drawn(d):
    """A smile with a positive minimum, as any market or none has it: (a, b, ρ, m, σ) in WAD."""
    sigma = int(math.exp(d.uniform(math.log(1e-4), math.log(4))) * WAD)
    rho = int(d.uniform(-1, 1) * 0.999 * WAD)
    slope = d.uniform(0, 2) * d.uniform(0, 1) ** 2
    b = int(slope / (1 + abs(rho / WAD)) * WAD)
    m = int(d.gauss(0, 0.3) * min(1, 5 * sigma / WAD) * WAD)
    least = math.exp(d.uniform(math.log(1e-6), 0))
    a = int((least - b / WAD * sigma / WAD * math.sqrt(1 - (rho / WAD) ** 2)) * WAD)
    return Smile(a, b, rho, m), sigma


def exact(smile, sigma, k):
    """w, w′ and w″ at k."""
    a, b, rho, m = (mpf(x) / WAD for x in (smile.a, smile.b, smile.rho, smile.m))
    x, s = mpf(k) / WAD - m, mpf(sigma) / WAD
    root = mp.sqrt(x * x + s * s)
    return a + b * (rho * x + root), b * (rho + x / root), b * s * s / root**3


def exact_g(smile, sigma, k):
    w, slope, bend = exact(smile, sigma, k)
    k = mpf(k) / WAD
    return (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + mpf(1) / 4) + bend / 2


def fine_least_g(smile, sigma, points=6001):
    """The least g on a fine grid, in doubles."""
    a, b, rho, m, s = (x / WAD for x in (smile.a, smile.b, smile.rho, smile.m, sigma))
    u = math.asinh(8 / s)
    sinh = np.sinh(np.linspace(-u, u, points))
    cosh = np.sqrt(1 + sinh * sinh)
    w, slope = a + b * s * (rho * sinh + cosh), b * (rho + sinh / cosh)
    g = (1 - (m + s * sinh) * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + b / (s * cosh**3) / 2
    return float(g.min())


# ---------------------------------------------------------------- failures


def test_a_gap_of_the_smile_between_two_points_is_small(draw):
    """What the grid accepts has g above −0.01: a butterfly of less than a hundredth of the density at its strike."""
    missed = [fine_least_g(*case) for case in (drawn(draw) for _ in range(4_000)) if sm.butterfly(*case)[0] >= 0]

    assert len(missed) > 1_000
    assert min(missed) > -0.01


def test_what_is_refused_is_a_butterfly(draw):
    """g is negative at the very place that is named, by mpmath."""
    refused = 0
    for _ in range(1_000):
        smile, sigma = drawn(draw)
        g, k = sm.butterfly(smile, sigma)
        if g < -1_000:
            refused += 1
            assert exact_g(smile, sigma, k) < 0
    assert refused > 200


def test_a_smile_known_for_its_butterfly_is_refused():
    """Axel Vogt's parameters, in Gatheral and Jacquier's 'Arbitrage-free SVI volatility surfaces', example 3.1."""
    smile = Smile(-41_000_000_000_000_000, 133_100_000_000_000_000, 306_000_000_000_000_000, 358_600_000_000_000_000)
    g, k = sm.butterfly(smile, 415_300_000_000_000_000)

    assert g < 0
    assert 0.5 < k / WAD < 1.5


def test_a_wing_beyond_two_is_a_butterfly_somewhere():
    """(4 − s²)/16 is what g tends to; up to 2 it does not turn negative out there."""
    for slope, good in ((1.99, True), (2.01, False)):
        smile = Smile(WAD, int(slope * WAD), 0, 0)
        far = exact_g(smile, WAD, 10**6 * WAD)
        assert (far > 0) is good
        assert (sm.wing(smile) <= sm.MAX_WING) is good


# ---------------------------------------------------------------- twins


def test_twins_of_the_arithmetic(surfaces, draw):
    for _ in range(CASES):
        smile, sigma = drawn(draw)
        word, k = smile.to_word(), draw.randint(-8 * WAD, 8 * WAD)
        z = int(math.exp(draw.uniform(-9, 9)) * WAD)
        assert surfaces.variance(word, sigma, k) == sm.variance(smile, sigma, k)
        assert surfaces.minimum(word, sigma) == sm.minimum(smile, sigma)
        assert surfaces.wing(word) == sm.wing(smile)
        assert surfaces.durrleman(word, sigma, z) == sm.durrleman(smile, sigma, z)


def test_twins_of_the_butterfly(surfaces, draw):
    """Also where the vertex between two points decides."""
    found = []
    for _ in range(CASES):
        smile, sigma = drawn(draw)
        found.append(sm.butterfly(smile, sigma))
        assert surfaces.butterfly(smile.to_word(), sigma) == found[-1]
    assert 50 < sum(g < 0 for g, _ in found) < CASES - 50


def test_twins_of_the_grid(surfaces):
    points = [surfaces.gridPoint(i) for i in range(sm.GRID)]

    assert points == [sm.grid_point(i) for i in range(sm.GRID)]
    assert max(points) == 32 * WAD // 10 and min(points) == -max(points) and len(set(points)) == sm.GRID


def test_fields_of_the_words(surfaces, draw):
    """Every field at its place, for any 256 bits; and back."""
    for _ in range(CASES):
        words = [draw.bits(256), draw.bits(256), draw.bits(208)]
        surface = Surface.from_words(words)
        smile, fit, terms = surface
        assert surfaces.smile(words[0]) == (smile.a, smile.b, smile.rho, smile.m)
        assert surfaces.fit(words[1]) == (fit.sigma, fit.forward_ref, fit.tau, fit.published_at, fit.written_block)
        assert surfaces.terms(words[2]) == (
            terms.carry,
            terms.rate,
            terms.forward_confidence,
            terms.rate_confidence,
            terms.vol_confidence,
            terms.status,
        )
        assert surface.to_words() == tuple(words)


def test_extreme_words_keep_their_fields():
    """The largest and least value of every field, one by one."""
    for kind in (Smile, Fit, Terms):
        for word in (0, 2**208 - 1 if kind is Terms else 2**256 - 1):
            assert kind.from_word(word).to_word() == word


def test_a_key_orders_by_market_and_expiry(surfaces):
    assert surfaces.keyOf(3, 29_000_000) == surface_word.key(3, 29_000_000)
    assert surface_word.key(3, 29_000_000) < surface_word.key(3, 29_000_001) < surface_word.key(4, 0)


# ---------------------------------------------------------------- a third source


def test_variance_is_mpmath_s(draw):
    for _ in range(CASES):
        smile, sigma = drawn(draw)
        k = draw.randint(-4 * WAD, 4 * WAD)
        assert abs(sm.variance(smile, sigma, k) - exact(smile, sigma, k)[0] * WAD) <= 6


def test_the_least_variance_is_the_least(draw):
    """At k = m − σρ/√(1 − ρ²)."""
    for _ in range(CASES):
        smile, sigma = drawn(draw)
        rho = mpf(smile.rho) / WAD
        k = smile.m - sigma * rho / mp.sqrt(1 - rho * rho)
        assert abs(sm.minimum(smile, sigma) - exact(smile, sigma, k)[0] * WAD) <= 6


def test_g_is_mpmath_s(draw):
    """Relative to the terms it is the difference of."""
    for _ in range(CASES):
        smile, sigma = drawn(draw)
        g, k = sm.durrleman(smile, sigma, int(math.exp(draw.uniform(-6, 6)) * WAD))
        w, slope, bend = exact(smile, sigma, k)
        size = 1 + abs(mpf(k) / WAD * slope / w) ** 2 + slope**2 / w + bend
        assert abs(mpf(g) / WAD - exact_g(smile, sigma, k)) < size * mpf("1e-11"), (smile, sigma, k)


def test_g_is_the_sign_of_the_density():
    """Gatheral and Jacquier, lemma 2.2: d²C/dK² over the Black density is g, here by finite differences of prices."""
    smile, sigma = Smile(WAD // 50, WAD // 10, -WAD // 2, -WAD // 20), WAD // 5

    def call(strike):
        k = mp.log(strike)
        w = exact(smile, sigma, k * WAD)[0]
        v = mp.sqrt(w)
        return mp.ncdf(-k / v + v / 2) - strike * mp.ncdf(-k / v - v / 2)

    for k in (-0.6, -0.1, 0, 0.2, 0.5):
        strike, h = mp.exp(k), mpf("1e-12")
        density = (call(strike + h) - 2 * call(strike) + call(strike - h)) / h**2
        w = exact(smile, sigma, mpf(k) * WAD)[0]
        d2 = -mpf(k) / mp.sqrt(w) - mp.sqrt(w) / 2
        expected = mp.npdf(d2) / (strike * mp.sqrt(w)) * exact_g(smile, sigma, mpf(k) * WAD)
        assert abs(density / expected - 1) < 1e-9
