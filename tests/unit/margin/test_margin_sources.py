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

from plimsoll.margin import (
    asset_math,
    decimal_float,
    fill_math,
    fixed_math,
    funding_math,
    liquidation_math,
    position_math,
    tier_math,
)
from plimsoll.margin.account import Account, PriceUse, assess, moved
from plimsoll.margin.rule_margin import PerpExposure, perp_requirements

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


def test_tiers_against_an_integral_of_marginal_rates(draw):
    """Each tier's rate on the part of the notional that lies in it, for MM and IM."""
    for _ in range(500):
        mm, im = (sorted(draw.randint(1, 10_000) for _ in range(3)) for _ in range(2))
        bounds = sorted(draw.randint(1, 4_095) * 10 ** draw.randint(0, 6) for _ in range(2))
        notional = draw.bits(100)
        edges = [0, *(bound * 1000 * WAD for bound in bounds), max(notional, 2**115)]
        widths = [max(min(notional, high) - low, 0) for low, high in itertools.pairwise(edges)]
        found = tier_math.requirements(notional, table(mm, im, *bounds))
        for rates, need in zip((mm, im), found, strict=True):
            assert need == ceil(sum(Fraction(width * rate, 10_000) for width, rate in zip(widths, rates, strict=True)))


def table(mm, im, bound1=1, bound2=4_095 * 10**15):
    """Rates in bps, bounds in thousands of quote."""
    return tier_math.pack_table(mm, im, decimal_float.exactly(bound1), decimal_float.exactly(bound2))


#: Largest leverage below and above a notional (millions): the margin tiers that Hyperliquid publishes. Maintenance is
#: half of the initial rate.
HYPERLIQUID = [
    ("BTC", 150, 40, 20),
    ("SOL", 70, 20, 10),
    ("XRP", 40, 20, 10),
    ("majors", 20, 10, 5),
    ("rest", 3, 10, 5),
]


@pytest.mark.parametrize(
    ("bound", "low", "high"), [row[1:] for row in HYPERLIQUID], ids=[row[0] for row in HYPERLIQUID]
)
def test_hyperliquid_margin_tiers(bound, low, high):
    """notional·rate − deduction, deduction = bound·(rate₂ − rate₁): the same at the bound from both sides."""
    rates = [10_000 // low, 10_000 // high]
    ours = table([rate // 2 for rate in (rates[0], rates[1], rates[1])], [rates[0], *rates[1:] * 2], bound * 1_000)
    for millions in (1, bound - 1, bound, bound + 1, 2 * bound, 1_000):
        rate, deduction = (rates[0], 0) if millions <= bound else (rates[1], bound * (rates[1] - rates[0]))
        initial = (millions * rate - deduction) * 100 * WAD  # a million's bps

        assert (initial // 2, initial) == tier_math.requirements(millions * 10**6 * WAD, ours)


@pytest.mark.parametrize(
    ("millions", "expected"), [(100, 1_250_000), (150, 1_875_000), (200, 3_125_000), (1_000, 23_125_000)]
)
def test_hyperliquid_btc_maintenance(millions, expected):
    """40x up to 150M, 20x above: golden numbers."""
    ours = table([125, 250, 250], [250, 500, 500], 150_000)

    assert expected * WAD == tier_math.requirements(millions * 10**6 * WAD, ours)[0]


# ---------------------------------------------------------------- open interest


#: dYdX v4's `GetAdjustedInitialMarginPpm`: base, lower, upper, open interest, and what they say (all ppm or quote).
DYDX = [
    (200_000, 1_000_000, 2_000_000, 0, 200_000),
    (200_000, 1_000_000, 2_000_000, 1_000_000, 200_000),
    (200_000, 1_000_000, 2_000_000, 1_500_000, 600_000),
    (200_000, 1_000_000, 2_000_000, 1_234_567, 387_653),
    (200_000, 1_000_000, 2_000_000, 2_000_000, 1_000_000),
    (200_000, 1_000_000, 2_000_000, 2_500_000, 1_000_000),
    (200_000, 0, 0, 1_500_000, 200_000),
    (100_000, 20_000_000, 50_000_000, 35_000_000, 550_000),
]


def scaled_initial(base: int, lower: int, upper: int, interest: int, notional: int) -> int:
    """Our IM of a notional (WAD) at a base rate in ppm; caps and interest in quote."""
    bounds = [decimal_float.exactly(bound // 1_000) for bound in (lower, upper)]
    share = tier_math.interest_share(interest * WAD, *bounds)
    risk = books.MarketRisk.from_word(table([base // 200] * 3, [base // 100] * 3))
    return perp_requirements(PerpExposure(notional, 0, risk, oi_share=share)).im


@pytest.mark.parametrize(("base", "lower", "upper", "interest", "expected"), DYDX)
def test_open_interest_scales_initial_margin_as_dydx_does(base, lower, upper, interest, expected):
    """From the base rate to the whole notional, along a line. Ours counts in bps of the way, up: never less,
    and at most one of them more."""
    notional = 10**6 * WAD
    found = scaled_initial(base, lower, upper, interest, notional)

    assert 0 <= found - expected * WAD < notional // 10_000
    if expected % 100 == 0:
        assert found == expected * WAD


def test_the_published_rates_of_dydx_are_those_above():
    """Their unit test's own table."""
    names = ("initial_margin_ppm", "oi_lower_cap", "oi_upper_cap", "open_interest_notional", "expected_imf_ppm")
    rows = {tuple(int(row[name]) for name in names) for row in _rows("dydx_v4/adjusted_initial_margin_ppm.csv")}

    assert rows <= set(DYDX)


def test_dydx_initial_margin():
    """Rows whose rate is a whole number of bps, rounded up to a quantum (1e-6)."""
    tried = 0
    for row in _rows("dydx_v4/initial_margin_quote_quantums.csv"):
        ppm, quantums = int(row["initial_margin_ppm"]), int(row["quote_quantums"])
        if ppm % 100:
            continue
        caps = [int(row[name]) // 10**6 for name in ("oi_lower_cap", "oi_upper_cap", "open_interest_notional")]
        need = fixed_math.ceil_div(scaled_initial(ppm, *caps, quantums * 10**12), 10**12)
        expected = int(row["expected_im_quote_quantums(round up)"])

        assert 0 <= need - expected <= ceil(quantums / 10_000) * (expected % 10 != 0)
        tried += 1
    assert tried >= 8


def test_dydx_maintenance_of_the_genesis_tiers():
    """Maintenance is a fraction of initial; ours is listed as a rate of its own and must say the same."""
    for row in _rows("dydx_v4/liquidity_tiers_genesis.csv"):
        im, fraction = int(row["im_ppm"]), int(row["mm_fraction_ppm"])
        mm = Fraction(im * fraction, 10**6)
        need, _ = tier_math.requirements(1_000_000 * WAD, table([int(mm / 100)] * 3, [im // 100] * 3))

        assert mm % 100 == 0
        assert mm * WAD == need


# ---------------------------------------------------------------- size


def drift_ratio(base: float, factor: float, size: float) -> float:
    """Drift v2: max(base, 0.8·base + imf·√size)."""
    return max(base, 0.8 * base + factor * size**0.5)


def test_three_tiers_never_ask_less_than_a_rate_that_grows_with_the_root_of_size():
    """The chords of Drift's requirement (base 10 %, imf 0.0005) through its figures for 1,600, 10,000 and 100,000."""
    assert [round(drift_ratio(0.1, 0.0005, size), 3) for size in (100, 10_000, 100_000)] == [0.1, 0.13, 0.238]
    need = {size: size * drift_ratio(0.1, 0.0005, size) for size in (1_600, 10_000, 100_000)}
    rates = [1_000, *(ceil((need[high] - need[low]) / (high - low) * 10_000) for low, high in itertools.pairwise(need))]
    ours = table([rate // 2 for rate in rates], rates, 1_600, 10_000)
    for size in range(100, 100_001, 100):
        drift, initial = size * drift_ratio(0.1, 0.0005, size), tier_math.requirements(size * 1_000 * WAD, ours)[1]
        initial /= 1_000 * WAD

        assert drift <= initial * (1 + 1e-12)
        if size in need:
            assert initial <= drift + size / 10_000


def test_the_published_weights_of_drift_are_those_of_the_formula():
    """A liability's weight is its margin ratio plus one in form, with the same factor."""
    for row in _rows("drift_v2/size_weighted_margin.csv"):
        if row["kind"] == "liability":
            size, factor, base = (int(row[name]) for name in ("size_units", "imf_factor_1e6", "base_weight_1e4"))

            assert abs(drift_ratio(base / 1e4, factor / 1e6, size) * 1e4 - int(row["expected_weight_1e4"])) < 1.5


@pytest.mark.parametrize(("price", "liquidatable"), [("3174.60", False), ("3174.61", True)])
def test_dydx_liquidation_price_of_a_short(price, liquidatable, draw):
    """Short 3 ETH at 3,000 with 1,000 of margin and MM 5 %: liquidation price 3,174.60."""
    snap = books.snapshot(draw, assets=1, markets=1, failing=0)
    risk = replace(
        snap.markets[0].risk,
        flags=0,
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
