"""Interest against its published figures, against mpmath, and under splitting (R-2)."""

from __future__ import annotations

import mpmath
import pytest

from plimsoll.margin import interest_math as im

YEAR = 365 * 86_400
DAY = 86_400
ONE = 10**12
PERCENT = 10**11  # of a rate, in 1e-13 per year


@pytest.mark.parametrize(
    ("utilisation", "percent"), [(0, 1), (4_500_000, 2.5), (9_000_000, 4), (9_500_000, 10), (10_000_000, 16)]
)
def test_published_points_of_the_curve_at_four_percent(utilisation, percent, exposed):
    assert exposed.borrowRate(im.RATE_START, utilisation) == percent * PERCENT


def test_rate_at_target_doubles_in_5_06_days_at_full_utilisation(exposed):
    doubled, _ = exposed.integral(im.RATE_START, 10**7, round(5.06 * DAY))

    assert doubled / im.RATE_START == pytest.approx(2, rel=1e-3)


def test_lenders_get_the_used_part_less_the_reserve(exposed):
    assert exposed.lendRate(im.RATE_START, 9_000_000, 1_000) == 324 * PERCENT // 100  # 4 % · 0.9 · 0.9
    assert exposed.lendRate(im.RATE_START, 0, 0) == 0
    assert exposed.lendRate(im.RATE_START, 10**7, 10_000) == 0


# ---------------------------------------------------------------------- the model, in 50 digits


def exact(rate: int, utilisation: int, elapsed: int):
    """Rate at target after `elapsed` seconds and e^{∫ rate} − 1, from the definition of the curve."""
    with mpmath.workdps(50):
        u, r0 = mpmath.mpf(utilisation) / 10**7, mpmath.mpf(rate) / 10**13
        err = (u - mpmath.mpf("0.9")) / (mpmath.mpf("0.9") if u < 0.9 else mpmath.mpf("0.1"))
        curve = 1 + err * (mpmath.mpf(3) / 4 if err < 0 else 3)
        time, speed = mpmath.mpf(elapsed) / YEAR, 50 * err
        if speed == 0:
            return r0, mpmath.expm1(curve * r0 * time)
        bound = mpmath.mpf(2) if speed > 0 else mpmath.mpf("0.001")
        moving = min(time, mpmath.log(bound / r0) / speed)
        end = r0 * mpmath.exp(speed * moving)
        area = (end - r0) / speed + end * (time - moving)
        return end, mpmath.expm1(curve * area)


@pytest.mark.parametrize("elapsed", [1, 12, 630, 631, 3_600, DAY, 7 * DAY, 30 * DAY, YEAR])
@pytest.mark.parametrize("utilisation", [0, 1, 4_500_000, 8_999_999, 9_000_000, 9_000_001, 9_500_000, 10_000_000])
def test_growth_is_that_of_the_model(elapsed, utilisation, exposed):
    """A third source, over the whole range of the rate; from a second to a year."""
    for percent in (0.1, 0.5, 4, 50, 200):
        rate = round(percent * PERCENT)
        new_rate, area = exposed.integral(rate, utilisation, elapsed)
        expected_rate, expected = exact(rate, utilisation, elapsed)

        assert abs(new_rate / expected_rate / 10**13 - 1) < 2e-10
        for rise in exposed.compound(area):
            assert abs(mpmath.mpf(rise) / 10**27 / expected - 1) < 1e-9


# ----------------------------------------------------------------------


def accrue(parts: int, rate: int, utilisation: int, reserve: int, days: int = 1):
    debt = lent = ONE
    for _ in range(days * parts):
        rate, debt, lent = im.project(rate, utilisation, reserve, DAY // parts, debt, lent)
    return rate, debt, lent


@pytest.mark.parametrize("parts", [2, 24, 1_440, 86_400])
@pytest.mark.parametrize("utilisation", [0, 5_000_000, 9_000_000, 9_000_001, 9_700_000, 10_000_000])
def test_r2_splitting_a_day_changes_an_index_by_less_than_1e6(parts, utilisation):
    """R-2, on the twin: up to the highest rate there is, 800 % a year, and where the rate meets its bounds."""
    for percent in (0.1, 4, 150, 190, 200):
        rate = round(percent * PERCENT)
        whole, split = accrue(1, rate, utilisation, 1_000), accrue(parts, rate, utilisation, 1_000)

        assert abs(split[0] / whole[0] - 1) < 2e-5  # the rate itself, whose unit is a ten-billionth of its least value
        assert abs(split[1] / whole[1] - 1) < 1e-6
        assert abs(split[2] / whole[2] - 1) < 1e-6


def test_r2_on_the_deployed_bytes(exposed):
    rate, debt, lent = im.RATE_START, ONE, ONE
    for _ in range(1_440):
        rate, debt, lent = exposed.accrue(rate, 9_500_000, 1_000, 60, debt, lent)
    _, whole_debt, whole_lent = exposed.accrue(im.RATE_START, 9_500_000, 1_000, DAY, ONE, ONE)

    assert abs(debt / whole_debt - 1) < 1e-6
    assert abs(lent / whole_lent - 1) < 1e-6
