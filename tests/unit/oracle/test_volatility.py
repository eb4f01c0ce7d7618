"""OracleRouter: what is a volatility sample, what it makes of the multipliers, and what a reader sees."""

from __future__ import annotations

import csv
import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from oracle_world import BTC, ETH, POLLED, POLLED_ID, UNKNOWN, eth, reverts, stored

from plimsoll.contracts import events
from plimsoll.margin import volatility_math as vm
from plimsoll.prices import PRICE, Quote

HOUR, ONE = vm.INTERVAL, vm.ONE
SIGMA, CAP, HALF_LIFE = 8_000, 30_000, 12
BASIS, WEIGHT = vm.variance_of(SIGMA), vm.weight_of(HALF_LIFE)
OWN = Path(__file__).resolve().parents[3] / "data" / "ETHUSDT_1h_2020-03.csv"
LONG = Path(__file__).resolve().parents[4] / "shared/data/prices/binance_spot_ETHUSDT_1h_2017-08_2023-01.csv.gz"


@pytest.fixture
def scaled(world):
    """ETH at 3,000 in the first seconds of an hour, and its volatility seeded there."""
    configure(world)
    to_hour(world)
    world.update(eth(3_000))
    return world


def configure(world, feed=ETH, sigma=SIGMA, cap=CAP, half_life=HALF_LIFE, sender=None):
    return world.router.write("setVolatility", feed, sigma, cap, half_life, sender=sender or world.owner)


def to_hour(world, seconds=2):
    """On to the next hour, and so many seconds into it."""
    world.step(HOUR - world.now % HOUR + seconds)


def read(world, feed=ETH):
    return world.router.read("volatility", feed)


def sample(world, price):
    to_hour(world)
    return world.update(eth(price))


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("error", "change"),
    [
        ("SigmaRefOutOfRange", {"sigma": 99}),
        ("SigmaRefOutOfRange", {"sigma": 50_001}),
        ("SigmaRefOutOfRange", {"sigma": 2**200}),
        ("MaxMultiplierOutOfRange", {"cap": 9_999}),
        ("MaxMultiplierOutOfRange", {"cap": 49_844}),
        ("HalfLifeOutOfRange", {"half_life": 0}),
        ("HalfLifeOutOfRange", {"half_life": 721}),
    ],
)
def test_each_parameter_has_its_bounds(world, error, change):
    """Every bound with its own error, and the value in it."""
    with reverts(error):
        configure(world, **change)
    assert read(world).sigmaRef == 0


@pytest.mark.parametrize("feed", [0, UNKNOWN, 256])
def test_a_feed_that_nobody_configured_has_no_volatility(world, feed):
    with reverts("FeedUnknown", feed):
        configure(world, feed)
    with reverts("FeedUnknown", feed):
        read(world, feed)


def test_strangers_set_nothing(world):
    """A-1."""
    with reverts("AccessManagedUnauthorized", world.stranger):
        configure(world, sender=world.stranger)


def test_the_ends_of_the_bounds_are_allowed(world):
    for sigma, cap, half_life in ((100, 10_000, 1), (50_000, 49_843, 720)):
        receipt = configure(world, ETH, sigma, cap, half_life)
        found = read(world)
        assert (sigma, cap, half_life) == (found.sigmaRef, found.maxMultiplier, found.halfLife)
        assert events(receipt.logs, "VolatilityConfigured")[0].args["halfLife"] == half_life


# ---------------------------------------------------------------- samples


def test_the_first_price_of_an_hour_is_a_sample_and_no_other(scaled):
    """However many follow, in whatever blocks."""
    world = scaled
    receipt = sample(world, 3_030)
    expected = vm.next_variance(BASIS, BASIS, WEIGHT, 3_030 * PRICE, 3_000 * PRICE, HOUR)
    assert (expected, world.now) == (read(world).variance, read(world).sampledAt)
    assert [expected] == [entry.variance for entry in stored(receipt)]

    for price in range(2_000, 4_000, 100):
        world.step(3)
        receipt = world.update(eth(price))
        assert [entry.variance for entry in stored(receipt)] == [0]
    assert expected == read(world).variance


def test_many_tiny_updates_in_one_block_are_one(scaled):
    """A feed moves once per block, and is sampled once per hour: neither can be fed small returns, nor large ones."""
    world = scaled
    to_hour(world)
    world.update(eth(3_030))
    expected = read(world).variance
    for price in range(3_031, 3_061):
        world.update(eth(price))
    assert (expected, 3_030 * PRICE) == (read(world).variance, world.price().value)


def test_a_missed_hour_is_made_up_for_by_scaling(scaled):
    """Three hours' move counts as an hour's: r²/3."""
    world = scaled
    world.step(2 * HOUR)
    sample(world, 3_090)
    expected = vm.next_variance(BASIS, BASIS, WEIGHT, 3_090 * PRICE, 3_000 * PRICE, 3 * HOUR)
    assert expected == read(world).variance
    assert expected < vm.next_variance(BASIS, BASIS, WEIGHT, 3_090 * PRICE, 3_000 * PRICE, HOUR)


def test_a_late_sample_does_not_make_the_next_one_louder(scaled):
    """Fifty minutes late, then ten minutes to the next hour: a ten-minute return, with a sixth of the weight."""
    world = scaled
    to_hour(world, 3_000)
    world.update(eth(3_000))
    late, variance = world.now, read(world).variance
    sample(world, 3_010)
    assert read(world).variance == vm.next_variance(
        variance, BASIS, WEIGHT, 3_010 * PRICE, 3_000 * PRICE, world.now - late
    )


@pytest.mark.parametrize("jump", [10, 1_000, 10**6])
def test_one_sample_counts_for_four_sigma_at_most(scaled, jump):
    """Whatever a fat finger prints: the multiplier after one sample is √(1 + 15w)."""
    world = scaled
    sample(world, 3_000 * jump)
    assert read(world).variance == pytest.approx(BASIS * (1 + 15 * WEIGHT / 2**24), rel=1e-9)
    assert read(world).imMultiplier / ONE == pytest.approx(1.36, abs=0.02)


def test_a_price_that_fails_its_tests_is_no_sample(scaled):
    """The first good one is."""
    world = scaled
    before = read(world)
    to_hour(world)
    world.update(eth(6_000, confidence=5_000))
    assert before.variance == read(world).variance
    world.step()
    world.update(eth(3_030))
    assert read(world).variance != before.variance
    assert read(world).sampledAt == world.now


def test_feeds_are_sampled_one_by_one(scaled):
    world = scaled
    configure(world, BTC, 6_500)
    to_hour(world)
    receipt = world.update(eth(3_030), Quote(BTC, 60_000 * PRICE))
    assert [entry.feed for entry in stored(receipt) if entry.variance] == [ETH, BTC]
    assert read(world, BTC).variance == vm.variance_of(6_500)


# ---------------------------------------------------------------- multipliers


def storm(world, hours=12):
    """So many hours of moves of 10 %, up and down."""
    for hour in range(hours):
        sample(world, 3_300 if hour % 2 == 0 else 3_000)


def test_calm_prices_leave_the_multipliers_at_one(scaled):
    """Also at σ_ref exactly: an hourly σ of 0.85 %."""
    world, price = scaled, 3_000.0
    for hour in range(60):
        price *= 1.008 if hour % 2 == 0 else 1 / 1.008
        sample(world, round(price))
        assert (read(world).imMultiplier, read(world).mmMultiplier) == (ONE, ONE)
    assert world.price()[7:] == (0, 0, 0)
    assert 7_300 < read(world).sigma < SIGMA


def test_im_rises_at_once_and_mm_along_an_hour(scaled):
    """Never ahead of the line between, and never in the block of the sample."""
    world = scaled
    sample(world, 3_300)
    start, peak = world.now, read(world).imMultiplier
    assert (read(world).mmMultiplier, peak > 1.3 * ONE) == (ONE, True)
    assert start + HOUR <= read(world).rampEnd <= start + HOUR + 30

    seen = [ONE]
    for _ in range(30):
        world.step(120)
        if world.now % HOUR > 120:
            world.update(eth(3_300))  # a later price of the hour changes nothing
        seen.append(read(world).mmMultiplier)
        assert seen[-1] <= ONE + (peak - ONE) * (world.now - start) // HOUR
        assert read(world).imMultiplier == peak
    assert seen == sorted(seen)
    world.step(60)
    assert (peak, peak) == (read(world).imMultiplier, read(world).mmMultiplier)


def test_mm_goes_on_from_where_its_ramp_has_come_to(scaled):
    """A sample after a storm: never up in its block, and down by less than a step."""
    world = scaled
    for hour in range(30):
        to_hour(world)
        before = read(world)
        world.update(eth(3_300 if hour % 2 == 0 else 3_000))
        after = read(world)
        assert before.mmMultiplier - vm.STEP < after.mmMultiplier <= before.mmMultiplier
        assert after.imMultiplier == max(ONE + world.price().multiplier * vm.STEP, after.mmMultiplier)
    assert after.imMultiplier == 3 * ONE


def test_the_multiplier_has_its_cap_and_comes_back_to_one(scaled):
    """After a week of quiet."""
    world = scaled
    storm(world, 30)
    assert read(world).imMultiplier == 3 * ONE
    falling = []
    for _ in range(7 * 24):
        sample(world, 3_000)
        falling.append((read(world).imMultiplier, read(world).mmMultiplier))
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == (ONE, ONE)
    assert world.price()[7:] == (0, 0, 0)


def test_the_view_is_the_word_and_the_twin(scaled):
    world = scaled
    storm(world, 3)
    for _ in range(20):
        world.step(301)
        (word,) = world.router.read("read", [ETH])
        found = read(world)
        assert (found.imMultiplier, found.mmMultiplier) == vm.multipliers(word, world.now)
        assert found.rampEnd == vm.ramp_start(word) + HOUR
        assert found.sigma == vm.sigma_of(found.variance)


def test_doubt_and_dispute_leave_the_multipliers_alone(scaled):
    world = scaled
    storm(world, 3)
    before = world.price()[7:]
    world.step()
    world.update(eth(3_000, confidence=9_999))
    world.router.write("dispute", ETH, world.now + 100, sender=world.owner)
    assert before == world.price()[7:]
    assert before[1] > 0


@pytest.mark.parametrize("into", [2, 1_799, 3_540, 3_585, 3_599])
def test_a_sample_at_any_second_of_the_hour_starts_its_ramp_then(scaled, into):
    """Half a minute late at most, never early: also when the report is a minute old and the hour is over."""
    world = scaled
    to_hour(world, into)
    published = world.now
    world.step(55)
    world.update(eth(3_300), at=published)
    assert read(world).mmMultiplier == ONE
    assert world.now <= read(world).rampEnd - HOUR <= world.now + 29


# ---------------------------------------------------------------- configuration in use


def test_without_a_sigma_nothing_is_kept(world):
    """Feeds that nobody scales pay for no second slot."""
    to_hour(world)
    world.update(eth(3_000))
    sample(world, 6_000)
    assert (
        read(world).variance,
        read(world).sampledAt,
        read(world).imMultiplier,
        read(world).mmMultiplier,
    ) == (0, 0, ONE, ONE)


def test_a_change_counts_from_the_next_sample(scaled):
    """Half the σ_ref raises nothing in the block in which it lands; the estimate goes on."""
    world = scaled
    storm(world, 2)
    before = read(world)
    configure(world, ETH, SIGMA // 2)
    after = read(world)
    assert (before.imMultiplier, before.mmMultiplier, before.variance) == (
        after.imMultiplier,
        after.mmMultiplier,
        after.variance,
    )
    to_hour(world)
    mm = read(world).mmMultiplier
    world.update(eth(3_000))
    assert read(world).imMultiplier > before.imMultiplier
    assert read(world).mmMultiplier <= mm


def test_switched_off_the_multipliers_go_back_along_a_ramp(scaled):
    world = scaled
    storm(world, 6)
    world.step(HOUR - 100)
    configure(world, ETH, 0, 0, 0)
    to_hour(world)
    before = read(world)
    world.update(eth(3_000))
    assert before.mmMultiplier - vm.STEP < read(world).mmMultiplier <= before.mmMultiplier
    world.step(HOUR + 30)
    assert (read(world).imMultiplier, read(world).mmMultiplier) == (ONE, ONE)


def test_switched_on_again_it_starts_from_sigma_ref(scaled):
    """What was learned before is old."""
    world = scaled
    storm(world, 6)
    configure(world, ETH, 0, 0, 0)
    world.step(100 * HOUR)
    configure(world)
    assert (BASIS, world.price().published_at) == (read(world).variance, read(world).sampledAt)


def test_a_polled_answer_of_hours_ago_is_no_sample(world):
    """When its ramp would start could not be told from the word: both multipliers stay where MM is."""
    configure(world, POLLED)
    to_hour(world)
    value = 2 * PRICE
    for hours in range(4):
        world.answer(value * (1 + hours % 2), source_id=POLLED_ID)
        world.router.write("poke", POLLED, sender=world.stranger)
        world.step(HOUR)
    sampled = read(world, POLLED)
    assert sampled.imMultiplier > ONE
    world.step(5 * HOUR)
    before = read(world, POLLED)
    world.answer(9 * PRICE, published_at=world.now - 3 * HOUR, source_id=POLLED_ID)
    world.router.write("poke", POLLED, sender=world.stranger)
    after = read(world, POLLED)
    assert world.price(POLLED).value == 9 * PRICE
    assert (sampled.variance, sampled.sampledAt) == (after.variance, after.sampledAt)
    assert after.mmMultiplier == after.imMultiplier <= before.mmMultiplier


# ---------------------------------------------------------------- against numpy, on real hours


def closes(path):
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [float(row["close"]) for row in csv.DictReader(text.splitlines())]


def estimate(prices, half_life=HALF_LIFE):
    """The EWMA in floating point: σ in bps per √year after each hour."""
    weight, basis = 1 - 2 ** (-1 / half_life), (SIGMA / 1e4) ** 2 / 8760
    variance, found = basis, []
    for square in np.diff(np.log(prices)) ** 2:
        variance += weight * (min(square, 16 * max(variance, basis)) - variance)
        found.append(variance)
    return np.sqrt(np.array(found) * 8760) * 1e4


#: σ (bps per √year) of ETH over 12–14 March 2020 after so many hours, from `estimate` above.
GOLDEN = {11: 12911, 18: 16927, 24: 21451, 36: 33554, 48: 51519, 60: 41608, 71: 31720}


def test_the_estimate_on_real_hours_is_numpy_s(scaled):
    """March 2020, hour by hour on the contract."""
    world, prices = scaled, closes(OWN)
    expected = estimate([3_000, *(p * 3_000 / prices[0] for p in prices)])
    for hour, price in enumerate(prices):
        to_hour(world)
        world.update(Quote(ETH, round(price * 3_000 / prices[0] * PRICE), 0))
        assert read(world).sigma == pytest.approx(expected[hour], rel=1e-4, abs=1)
        multiplier, code = min(max(expected[hour] / SIGMA, 1), 3), world.price().multiplier
        assert multiplier - 1e-4 <= 1 + code / 64 <= max(multiplier + 1 / 64 + 1e-4, 1)
    assert {hour: read_at for hour, read_at in enumerate(expected) if hour in GOLDEN} == pytest.approx(GOLDEN, abs=1)


@pytest.mark.skipif(not LONG.exists(), reason="the long series is not part of the repository")
def test_the_estimate_on_five_years_of_hours_is_numpy_s():
    """Through the twin, which the contract equals to the wei."""
    prices = closes(LONG)
    expected = estimate(prices)
    variance, found = BASIS, []
    for last, price in pairwise(prices):
        variance = vm.next_variance(variance, BASIS, WEIGHT, round(price * PRICE), round(last * PRICE), HOUR)
        found.append(vm.sigma_of(variance))
    assert len(found) == len(prices) - 1 > 40_000
    assert np.allclose(found, expected, rtol=1e-4, atol=1.01)
