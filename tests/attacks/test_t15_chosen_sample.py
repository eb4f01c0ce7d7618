"""T-15: volatility sampled at a chosen moment of the hour.

Whoever may choose which price of an hour is the sample makes σ 0.62 to 1.67 of what it is: each hour he takes the one
nearest to the last sample, or the one farthest from it. A low σ is leverage that the market does not allow; a high one
is everyone else's margin.

Rule: the first good price of an hour is its sample, whoever brings it, and a report is news for a minute. Honest prices
come within three minutes of the boundary (5 % of the hour), so what is left to choose from is the last minute's prices
until then: 0.91 to 1.05.
"""

from __future__ import annotations

import math
import random

import pytest
from desk import ETH, PRICE, SIZE, WAD

from plimsoll.margin import volatility_math as vm
from plimsoll.prices import Quote

HOUR, WINDOW, FEED = 3_600, 3, 1
SIGMA, HALF_LIFE = 10_000, 12
BASIS, WEIGHT = vm.variance_of(SIGMA), vm.weight_of(HALF_LIFE)
HOURS = 400
LEAST, MOST = 0.91, 1.05


def walk(hours, seed=15):
    """A price for each minute, whose σ is σ_ref."""
    draw, value, path = random.Random(seed), 3_000.0, []
    step = math.sqrt(BASIS / WAD / 60)
    for _ in range(60 * hours + WINDOW + 1):
        path.append(round(value * PRICE))
        value *= math.exp(draw.gauss(0, step))
    return path


def loudness(path, minute, last):
    """r² of the price at `minute` against the last sample, brought to one hour."""
    return vm.squared_return(path[minute], path[last]) * 60 / (minute - last)


def honest(path, hour, last):
    return 60 * hour


def quiet(path, hour, last):
    """Posts as soon as one of the last minute's prices is near to the last sample; after three minutes anyone has."""
    for minute in range(60 * hour, 60 * hour + WINDOW + 1):
        options = [minute] if minute == 60 * hour else [minute - 1, minute]
        best = min(options, key=lambda one: loudness(path, one, last))
        if loudness(path, best, last) < BASIS / 10 or minute == 60 * hour + WINDOW:
            return best
    raise AssertionError


def loud(path, hour, last):
    """Waits as long as he can, and takes the farther one of what is still news."""
    end = 60 * hour + WINDOW
    return max((end - 1, end), key=lambda one: loudness(path, one, last))


def free(pick):
    """Without the rule: any minute of the hour."""
    return lambda path, hour, last: pick(
        range(60 * hour, 60 * hour + 60), key=lambda one: vm.squared_return(path[one], path[last])
    )


def through_the_twin(path, hours, choose):
    """√ of the mean variance, over that of σ_ref."""
    variance, last, total = BASIS, 0, 0
    for hour in range(1, hours):
        minute = choose(path, hour, last)
        variance = vm.next_variance(variance, BASIS, WEIGHT, path[minute], path[last], 60 * (minute - last))
        last, total = minute, total + variance
    return math.sqrt(total / (hours - 1) / BASIS)


def through_the_contract(desk, path, hours, choose, *, later=None):
    """The same on the bytecode. `later` is one more price that the attacker posts in each hour."""
    start = desk.now - desk.now % HOUR + HOUR
    post(desk, start, path[0])
    desk.router.write("setVolatility", FEED, SIGMA, 30_000, HALF_LIFE, sender=desk.admin)
    last, total = 0, 0
    for hour in range(1, hours):
        minute = choose(path, hour, last)
        post(desk, start + 60 * minute, path[minute])
        if later:
            post(desk, start + 60 * (60 * hour + 40), path[minute] * later // 100)
        last, total = minute, total + desk.router.read("volatility", FEED).variance
    return math.sqrt(total / (hours - 1) / BASIS)


def post(desk, at, price):
    """At the earliest when the price has been published, at the latest a minute after."""
    desk.chain.advance(max(at - desk.now, 1))
    report = desk.signer.report(at, [Quote(FEED, price, 100)])
    desk.router.write("update", report, sender=desk.admin)


@pytest.mark.parametrize("choose", [quiet, loud])
def test_t15_within_the_rule_sigma_hardly_moves(desk, choose):
    """Against what honest sampling makes of the same path."""
    path = walk(HOURS)
    reached = through_the_contract(desk, path, HOURS, choose)
    fair = through_the_twin(path, HOURS, honest)
    assert LEAST < reached / fair < MOST
    assert reached == pytest.approx(through_the_twin(path, HOURS, choose), rel=1e-9)


@pytest.mark.parametrize(("choose", "low", "high"), [(quiet, 0.91, 1.0), (loud, 1.0, 1.05)])
def test_t15_the_same_over_years(choose, low, high):
    path = walk(10_000, seed=16)
    ratio = through_the_twin(path, 10_000, choose) / through_the_twin(path, 10_000, honest)
    assert low < ratio < high


@pytest.mark.parametrize(("pick", "low", "high"), [(min, 0.60, 0.66), (max, 1.50, 1.70)])
def test_t15_without_the_rule_sigma_is_what_one_likes(pick, low, high):
    """Any moment of the hour: a third less, or two thirds more."""
    path = walk(10_000, seed=16)
    ratio = through_the_twin(path, 9_999, free(pick)) / through_the_twin(path, 9_999, honest)
    assert low < ratio < high


@pytest.mark.parametrize("later", [50, 200])
def test_t15_later_prices_of_the_hour_are_no_samples(desk, later):
    """Half or twice the price, forty minutes past each hour: nothing of it is seen."""
    path = walk(40)
    reached = through_the_contract(desk, path, 40, honest, later=later)
    assert reached == pytest.approx(through_the_twin(path, 40, honest), rel=1e-9)


def test_t15_one_price_out_of_line_counts_for_four_sigma(desk):
    """A sample of ten times the price: 1.36 times the margin an hour later, and nobody's maintenance in its block."""
    alice = desk.trader("alice", 10_000)
    desk.trade(alice, ETH, SIZE)
    path = walk(4)
    through_the_contract(desk, path, 3, honest)
    before = desk.router.read("volatility", FEED)
    post(desk, desk.now - desk.now % HOUR + HOUR, 10 * path[-1])
    after = desk.router.read("volatility", FEED)
    cap = 16 * max(before.variance, BASIS)
    assert after.variance <= before.variance + (cap - before.variance) * WEIGHT // 2**24 + 1
    assert after.imMultiplier < 1.37 * vm.ONE
    assert after.mmMultiplier <= before.mmMultiplier
