"""Third sources for the twins: mpmath, numpy, exact fractions, and numbers that others published."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import books
import mpmath
import numpy as np
import pytest

from plimsoll.margin import asset_math, fill_math, fixed_math, funding_math, liquidation_math, position_math, tier_math
from plimsoll.margin.account import Account, PriceUse, assess, moved

WAD = 10**18
VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors"


def _rows(name: str):
    path = VECTORS / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with path.open() as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------- arithmetic


def test_square_root_of_years_against_mpmath(draw):
    """Toward zero at 18 digits."""
    with mpmath.workdps(60):
        for _ in range(500):
            secs = draw.bits(40)
            expected = int(mpmath.floor(mpmath.sqrt(mpmath.mpf(secs) / (365 * 86_400)) * WAD))

            assert expected == fixed_math.sqrt_years(secs)


def test_exponential_against_mpmath(draw):
    """Within one unit of the last place or 2e-18 of the value, over all that a price can be moved by."""
    with mpmath.workdps(60):
        for _ in range(500):
            x = draw.randint(-5 * WAD, 5 * WAD)
            exact = mpmath.exp(mpmath.mpf(x) / WAD) * WAD

            assert abs(fixed_math.exp_wad(x) - exact) <= 1 + exact * mpmath.mpf("2e-18")


def test_rounding_of_divisions_against_fractions(draw):
    """ceil and floor of exact rationals."""
    for _ in range(1_000):
        x, y, d = draw.signed(200), draw.bits(60), max(draw.bits(150), 1)

        assert ceil(Fraction(x, d)) == fixed_math.ceil_div_signed(x, d)
        assert floor(Fraction(x, d)) == fixed_math.floor_div_signed(x, d)
        assert int(Fraction(x, d)) == fixed_math.truncate_div(x, d)
        assert ceil(Fraction(abs(x) * y, d)) == fixed_math.mul_div_up(abs(x), y, d)
        assert floor(Fraction(abs(x) * y, d)) == fixed_math.mul_div_down(abs(x), y, d)


def test_value_of_tokens_against_fractions(draw):
    """amount / 10^decimals · price, in quote."""
    for _ in range(500):
        amount, price, decimals = draw.bits(128), draw.bits(72), draw.randint(0, 18)
        quote = Fraction(amount, 10**decimals) * Fraction(price, 10**10)

        assert floor(quote * WAD) == asset_math.value_down(amount, price, decimals)


def test_pnl_from_average_entry_and_funding_paid(draw):
    """The funding-adjusted cost gives what entry price, exit price and funding between them give."""
    for _ in range(500):
        size, entry, price = draw.signed(55), draw.bits(72), draw.bits(72)
        index_in, index_out = draw.signed(60), draw.signed(60)
        units, quote = Fraction(size, 10**8), Fraction(1, 10**10)
        expected = units * (price - entry) * quote - units * (index_out - index_in) * quote
        cost = size * entry - size * index_in

        assert expected * WAD == position_math.pnl(size, cost, price, index_out)


# ---------------------------------------------------------------- tiers


def test_tiers_are_the_integral_of_the_marginal_rate(draw):
    """Deductions are bookkeeping: bracket by bracket the sum is the same."""
    for _ in range(1_000):
        rates = sorted(draw.randint(1, 10_000) for _ in range(3))
        bounds = sorted(draw.randint(1, 2**24 - 1) for _ in range(2))
        notional = draw.bits(100)
        edges = [0, *(bound * 1000 * WAD for bound in bounds), max(notional, 2**110)]
        widths = [max(min(notional, high) - low, 0) for low, high in itertools.pairwise(edges)]
        expected = ceil(sum(Fraction(width * rate, 10_000) for width, rate in zip(widths, rates, strict=True)))

        assert expected == tier_math.requirement(notional, tier_math.pack_rates(*rates), *bounds)


@pytest.mark.parametrize(
    ("millions", "expected"), [(100, 1_250_000), (150, 1_875_000), (200, 3_125_000), (1_000, 23_125_000)]
)
def test_hyperliquid_btc_maintenance(millions, expected):
    """40x up to 150M, 20x above, maintenance half of initial: golden numbers of their margin tiers."""
    rates = tier_math.pack_rates(125, 250, 250)

    assert expected * WAD == tier_math.requirement(millions * 10**6 * WAD, rates, 150_000, 2**24 - 1)


def test_dydx_initial_margin():
    """Rows without open-interest scaling whose rate is a whole number of bps, rounded up to a quantum (1e-6)."""
    tried = 0
    for row in _rows("dydx_v4/initial_margin_quote_quantums.csv"):
        ppm, quantums = int(row["initial_margin_ppm"]), int(row["quote_quantums"])
        scaled = int(row["oi_upper_cap"]) and int(row["open_interest_notional"]) > int(row["oi_lower_cap"])
        if ppm % 100 or scaled:
            continue
        rate = ppm // 100
        need = tier_math.requirement(quantums * 10**12, tier_math.pack_rates(rate, rate, rate), 1, 2)

        assert int(row["expected_im_quote_quantums(round up)"]) == fixed_math.ceil_div(need, 10**12)
        tried += 1
    assert tried >= 4


def test_dydx_maintenance_of_the_genesis_tiers():
    """Maintenance is a fraction of initial; ours is listed as a rate of its own and must say the same."""
    for row in _rows("dydx_v4/liquidity_tiers_genesis.csv"):
        im, fraction = int(row["im_ppm"]), int(row["mm_fraction_ppm"])
        mm = Fraction(im * fraction, 10**6)
        rate = int(mm / 100)
        need = tier_math.requirement(1_000_000 * WAD, tier_math.pack_rates(rate, rate, rate), 1, 2)

        assert mm % 100 == 0
        assert mm * WAD == need


@pytest.mark.parametrize(("price", "liquidatable"), [("3174.60", False), ("3174.61", True)])
def test_dydx_liquidation_price_of_a_short(price, liquidatable, draw):
    """Short 3 ETH at 3,000 with 1,000 of margin and MM 5 %: liquidation price 3,174.60."""
    snap = books.snapshot(draw, assets=1, markets=1, failing=0)
    risk = replace(
        snap.markets[0].risk,
        **{f"mm_rate{tier}": 500 for tier in (1, 2, 3)},
        **{f"im_rate{tier}": 1_000 for tier in (1, 2, 3)},
        feed=1,
    )
    state = replace(snap.markets[0].state, funding_index=0, accrued_at=snap.time)
    at = int(Fraction(price) * 10**10)
    snap = replace(
        snap,
        markets={0: replace(snap.markets[0], risk=risk, state=state)},
        prices={1: books.Price(value=at, published_at=snap.time)},
        assets={0: replace(snap.assets[0], decimals=6)},
    )
    account = Account.holding(bytes(32), {0: 1_000 * 10**6}, {0: (-3 * 10**8, -9_000 * WAD)})
    found = assess(account, snap, PriceUse.TARGET)

    assert liquidatable == (found.equity < found.mm)


# ---------------------------------------------------------------- fills and funding


def test_synthetix_fill_price():
    """Price 1,200, skew 0, size 100, scale 1e6: 1,200.06."""
    size, price = 100 * 10**8, 1_200 * 10**10
    premium = fill_math.premium(size, 0, price, 10**6 * 10**8)

    assert Fraction("1200.06") * 100 * WAD == size * price + premium


def test_synthetix_funding_velocity():
    """0.0025 a day, 29,000 seconds: the rate rises by 0.00083912, and what accrues is the mean rate times time."""
    velocity = 2_500_000  # 1e-12 per day² per unit: 0.0025 per day² at 1,000 units of skew
    rate, growth = funding_math.project(0, 1_000 * 10**8, velocity, 10_000, 29_000, 1_200 * 10**10)
    mean = Fraction("0.0025") * Fraction(29_000, 86_400) / 2

    assert abs(Fraction(rate, 10**9) - Fraction("0.00083912")) < Fraction(1, 10**8)
    assert abs(Fraction(growth, 10**10) - mean * Fraction(29_000, 86_400) * 1_200) < Fraction(1, 10**6)


def test_premium_is_the_mean_of_a_linear_one(draw):
    """∫ price·skew/scale over the fill, in exact fractions."""
    for _ in range(500):
        size, skew, price, scale = draw.signed(55), draw.signed(55), draw.bits(72), max(draw.bits(62), 1)
        expected = ceil(Fraction(price * ((skew + size) ** 2 - skew**2), 2 * scale))

        assert expected == fill_math.premium(size, skew, price, scale)


def test_spread_rate_against_mpmath(draw):
    """κ·σ·√(age/year), rounded up, at most one digit of √ below it."""
    with mpmath.workdps(50):
        for _ in range(500):
            kappa, sigma, age = draw.randint(20, 100), draw.randint(1, 50_000), draw.randint(1, 3_600)
            years = mpmath.mpf(age + 2) / (365 * 86_400)
            exact = mpmath.mpf(kappa) / 10 * sigma / 10_000 * mpmath.sqrt(years) * WAD
            found = fill_math.spread_rate(kappa, sigma, age, 2, 10**30)

            assert exact - kappa * sigma / 100_000 - 1 <= found <= exact + 1


def test_moved_price_against_mpmath(draw):
    """Within 1e-15 of price·e^{±κσ√age}."""
    with mpmath.workdps(50):
        for _ in range(300):
            price, sigma, kappa, secs = draw.randint(10**12, 10**20), draw.randint(100, 15_000), 20, draw.bits(25)
            exponent = mpmath.mpf(kappa) / 10 * sigma / 10_000 * mpmath.sqrt(mpmath.mpf(secs) / (365 * 86_400))
            for up in (True, False):
                exact = price * mpmath.exp(min(exponent, 5) * (1 if up else -1))

                assert abs(moved(price, sigma, kappa, secs, up=up) - exact) <= 1 + exact / 10**15


def test_funding_against_numpy_integration(draw):
    """The clamped line, integrated by the trapezoid over a fine grid."""
    for _ in range(200):
        cap, days = draw.randint(10, 1_000), draw.randint(1_000, 10**6) / 86_400
        rate, skew, velocity = draw.randint(-cap, cap) * 10**5, draw.signed(50), draw.randint(10**3, 10**8)
        price = draw.randint(10**10, 10**15)
        slope = velocity * 1e-12 * skew / 1e8
        grid = np.linspace(0, days, 20_001)
        line = np.clip(rate / 1e9 + slope * grid, -cap / 1e4, cap / 1e4)
        expected = float(np.sum((line[1:] + line[:-1]) / 2) * (grid[1] - grid[0])) * price
        new_rate, growth = funding_math.project(rate, skew, velocity, cap, round(days * 86_400), price)

        assert abs(new_rate / 1e9 - line[-1]) < 1.1e-9
        assert growth == pytest.approx(expected, rel=1e-5, abs=price * (2e-8 * days + cap * 1e-7 * days))


def test_funding_at_the_cap_is_exact_to_a_unit(draw):
    """Where the line meets the cap between two seconds, in exact fractions."""
    for _ in range(500):
        cap = draw.randint(1, 10_000)
        rate, skew, velocity = draw.randint(-cap, cap) * 10**5, draw.signed(55) or 1, max(draw.bits(32), 1)
        elapsed, price = max(draw.bits(24), 1), draw.bits(72)
        slope = Fraction(skew * velocity, 86_400 * 10**11)
        bound = cap * 10**5 * (1 if slope > 0 else -1)
        reach = (bound - rate) / slope
        if reach + 1 / abs(slope) > elapsed:
            continue
        area = (rate + bound) * reach / 2 + bound * (elapsed - reach)
        new_rate, growth = funding_math.project(rate, skew, velocity, cap, elapsed, price)

        assert bound == new_rate
        assert abs(growth - area * price / (86_400 * 10**9)) <= 1 + Fraction(price, 86_400 * 10**9)


# ---------------------------------------------------------------- liquidation


def test_largest_fraction_solves_the_equation(draw):
    """equity − f·(d+φ)·MM = target·(1 − f), in exact fractions, rounded up."""
    for _ in range(1_000):
        mm = max(draw.bits(100), 10**6)
        goal = liquidation_math.target(mm * draw.randint(100, 300) // 100, mm, draw.randint(1, 10_000))
        rate, equity = draw.randint(0, WAD), draw.randint(0, goal)
        keep = fixed_math.ceil_div(mm * rate, WAD)
        found = liquidation_math.max_fraction(equity, mm, goal, rate, 0)
        expected = 1 if equity <= keep else ceil(Fraction(goal - equity, goal - keep) * WAD) / Fraction(WAD)

        assert expected * WAD == found


def test_levels_against_fractions(draw):
    """MM + λ(IM₀ − MM) and max(MM + β(IM₀ − MM), 1.02 MM), rounded up."""
    for _ in range(500):
        mm, more, share = draw.bits(110), draw.bits(110), draw.randint(0, 10_000)
        level = ceil(mm + more * Fraction(share, 10_000))

        assert level == liquidation_math.call_margin(mm + more, mm, share)
        assert max(level, ceil(mm * Fraction("1.02"))) == liquidation_math.target(mm + more, mm, share)
