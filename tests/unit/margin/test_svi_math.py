"""SviMath: equal to its twin to the wei, to mpmath and to published smiles."""

from __future__ import annotations

import csv
from math import isqrt
from pathlib import Path

import mpmath
import pytest
from exposed import Exposed

from plimsoll.margin import black76, svi_math
from plimsoll.margin.svi_math import Smile

WAD = 10**18
VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "lyra_utils" / "svi.csv"


@pytest.fixture(scope="session")
def smiles(artifacts):
    return Exposed(artifacts["ExposedSvi"])


def _smile(d, bits: int) -> Smile:
    return Smile(*(d.signed(bits) for _ in range(5)))


def _usual(d) -> Smile:
    """A smile as it is fitted: a and b of some per cent, |ρ| < 1."""
    a, b, sigma = (d.randint(1, WAD // 10) for _ in range(3))
    return Smile(a, b, d.randint(-WAD, WAD), d.randint(-WAD // 5, WAD // 5), sigma)


def test_twin_equals_its_library(smiles, draw):
    """Whatever is stored, negative variances and no time included."""
    for _ in range(1_500):
        smile, k = draw.choice([_smile(draw, 63), _smile(draw, 80), _usual(draw)]), draw.signed(70)
        tau = draw.choice([0, draw.bits(63)])

        assert smiles.totalVariance(*smile, k) == svi_math.total_variance(smile, k), (smile, k)
        assert smiles.volatility(*smile, k, tau) == svi_math.volatility(smile, k, tau), (smile, k, tau)


def test_a_root_does_not_depend_on_where_it_is_looked_for(smiles, draw):
    """Squares, their neighbours and anything else, from zero, from the root itself, from near and from anywhere."""
    for bits in [1, 8, 64, 128, 202, 255] * 100:
        square = draw.bits(max(1, bits // 2)) ** 2
        x = max(0, draw.choice([square - 1, square, square + 1, draw.bits(bits)]))
        near = isqrt(x) + draw.signed(max(1, bits // 3))
        for start in (0, 1, isqrt(x), isqrt(x) + 1, max(0, near), draw.bits(128)):
            assert smiles.rootFrom(x, start) == isqrt(x), (x, start)


def test_variances_of_neighbours_are_those_of_each_alone(smiles, draw):
    for _ in range(100):
        smile, root = draw.choice([_smile(draw, 63), _usual(draw)]), 0
        for k in sorted(draw.signed(61) for _ in range(5)):
            w, root = smiles.varianceFrom(*smile, k, root)

            assert w == svi_math.total_variance(smile, k), (smile, k)


def test_no_parameters_revert(smiles, draw):
    """256 bits of anything: a number comes back, however senseless, and a variance stays within its bounds."""
    for _ in range(500):
        smile, k = _smile(draw, 255), draw.signed(255)

        assert 0 <= smiles.totalVariance(*smile, k) <= 144 * WAD
        assert smiles.volatility(*smile, k, draw.bits(256)) >= 0


def test_variance_against_mpmath(draw):
    """a + b(ρ(k − m) + √((k − m)² + σ²)) at k within ±4√(a + bσ), between 0 and 144."""
    with mpmath.workdps(40):
        for _ in range(1_000):
            smile, k = _usual(draw), draw.randint(-3 * WAD, 3 * WAD)
            a, b, rho, m, sigma = (mpmath.mpf(x) / WAD for x in smile)
            edge = 4 * mpmath.sqrt(a + b * sigma)
            z = min(max(mpmath.mpf(k) / WAD, -edge), edge) - m
            w = a + b * (rho * z + mpmath.sqrt(z * z + sigma * sigma))

            assert abs(svi_math.total_variance(smile, k) - min(max(w, 0), 144) * WAD) <= 3


def test_negative_variance_is_none_and_a_large_one_is_capped():
    assert svi_math.total_variance(Smile(-WAD, 0, 0, 0, 0), 0) == 0
    assert svi_math.total_variance(Smile(145 * WAD, 0, 0, 0, 0), 0) == 144 * WAD
    assert svi_math.volatility(Smile(4 * WAD, 0, 0, 0, 0), 0, WAD) == 2 * WAD


def test_published_smiles():
    """lyra-utils, which truncates to 16 digits."""
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS} is absent")
    with VECTORS.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        smile = Smile(*(int(mpmath.mpf(row[name]) * WAD) for name in ("a", "b", "rho", "m", "sigma")))
        log = black76.log_moneyness(int(row["strike"]) * 10**10, int(row["forward"]) * 10**10) * WAD >> 64
        found = svi_math.volatility(smile, log, int(mpmath.mpf(row["tau"]) * WAD))

        assert found / WAD == pytest.approx(float(row["vol"]), abs=1e-13)
    assert len(rows) == 12


@pytest.mark.parametrize(("k", "gas"), [(0, 1_000), (-WAD // 4, 1_000), (3 * WAD, 1_350)])
def test_a_volatility_costs_about_950_gas_and_1300_beyond_the_wings(k, gas, smiles):
    smile = Smile(27_616 * 10**12, 41_424 * 10**12, 3_452 * 10**12, 1_726 * 10**12, 345 * 10**12)

    assert smiles.used(*smile, k, 38_356 * 10**12)[1] <= gas
