"""VolatilityMath and its twin agree to the wei; the estimate agrees with numpy; the ramp never jumps up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from exposed import Exposed

from plimsoll.margin import fixed_math, price_word
from plimsoll.margin import volatility_math as vm

CASES = 1_500
NOW = 1_700_000_000


@pytest.fixture(scope="session")
def volatility(artifacts):
    return Exposed(artifacts["ExposedVolatility"])


def _price(d):
    return max(d.bits(72), 1)


def _word(d):
    """Any volatility fields over a price published at any time."""
    return d.bits(24) << 232 | d.bits(32) << 96 | d.bits(96)


def _sampling(d):
    word = d.bits(24) << 232 | (NOW - d.randint(0, 20_000)) << 96
    return word, d.bits(8), NOW - d.randint(-15, 3_000), NOW


def _returns(d):
    last = _price(d)
    price = d.choice([_price(d), min(max(last + d.randint(-last // 50, last // 50), 1), 2**72 - 1)])
    return d.bits(72), max(d.bits(60), 1), d.randint(0, 2**24 - 1), price, last, d.choice([3600, d.randint(1, 10**6)])


TWINS = {
    "packVolatility": (price_word.pack_volatility, lambda d: (d.bits(8), d.bits(8), d.bits(8))),
    "multipliers": (vm.multipliers, lambda d: (_word(d), d.choice([d.bits(33), NOW]))),
    "rampStart": (vm.ramp_start, lambda d: (_word(d),)),
    "isDue": (vm.is_due, lambda d: (_word(d), d.bits(33))),
    "isTimely": (vm.is_timely, lambda d: (NOW, NOW + d.randint(-10, 10_000))),
    "sampled": (vm.sampled, _sampling),
    "held": (vm.held, lambda d: _sampling(d)[::3]),
    "next": (vm.next_variance, _returns),
    "squaredReturn": (vm.squared_return, lambda d: (_price(d), _price(d))),
    "codeOf": (vm.code_of, lambda d: (d.bits(72), max(d.bits(60), 1), d.bits(8))),
    "varianceOf": (vm.variance_of, lambda d: (d.bits(16),)),
    "sigmaOf": (vm.sigma_of, lambda d: (d.bits(72),)),
    "weightOf": (vm.weight_of, lambda d: (d.randint(1, 2**16 - 1),)),
}


@pytest.mark.parametrize("name", TWINS)
def test_twin_equals_its_library(name, volatility, draw):
    """One loop over all twins."""
    twin, generate = TWINS[name]
    library = getattr(volatility, name)
    for _ in range(CASES):
        arguments = generate(draw)
        assert library(*arguments) == twin(*arguments), arguments


def test_fields_of_the_word(exposed, draw):
    for _ in range(CASES):
        word = draw.bits(256)
        readers = (price_word.mm_from, price_word.multiplier, price_word.phase, price_word.volatility)
        assert exposed.unpackVolatility(word) == tuple(read(word) for read in readers)


def test_margin_is_continuous_over_a_sample(draw):
    """At the moment of a sample MM stays, or falls by less than a step; IM is the new one at once."""
    for _ in range(CASES):
        word, code, published, now = _sampling(draw)
        if not (vm.is_due(word, published) and vm.is_timely(published, now)):
            continue
        _, before = vm.multipliers(word, now)
        after = vm.sampled(word, code, published, now) | published << 96
        im, mm = vm.multipliers(after, now)

        assert before - vm.STEP < mm <= before
        assert im == max(mm, vm.ONE + code * vm.STEP)


def test_ramp_takes_one_interval_and_never_passes_its_ends(draw):
    for _ in range(200):
        word = _word(draw)
        start = vm.ramp_start(word)
        first, last = vm.ONE + price_word.mm_from(word) * vm.STEP, vm.ONE + price_word.multiplier(word) * vm.STEP
        points = [vm.multipliers(word, start + second)[1] for second in range(0, vm.INTERVAL + 1, 60)]

        assert (points[0], points[-1]) == (first, last)
        assert points == sorted(points, reverse=last < first)
        assert vm.multipliers(word, start + 10**6) == (last, last)


def test_logarithm_is_the_natural_one():
    for ratio in (0.25, 0.5, 0.9, 0.999, 1.0, 1.001, 1.5, 2.0, 1000.0):
        assert fixed_math.ln_wad(round(ratio * 10**18)) / 1e18 == pytest.approx(math.log(ratio), abs=2e-17 + 1e-15)


def test_constant_prices_let_the_estimate_fall_to_nothing_and_a_shock_raise_it_again():
    """The cap is measured by σ_ref at least: an estimate that has fallen to zero can rise."""
    basis, weight = vm.variance_of(8000), vm.weight_of(12)
    variance = basis
    for _ in range(2_000):
        variance = vm.next_variance(variance, basis, weight, 3000, 3000, vm.INTERVAL)
    assert variance < 20
    assert vm.next_variance(variance, basis, weight, 6000, 3000, vm.INTERVAL) == pytest.approx(
        16 * basis * weight / 2**24, rel=1e-6
    )


def test_half_life_is_one():
    """After `half_life` quiet intervals half of the variance is left."""
    for half_life in (1, 12, 24, 720):
        variance = start = 10**16
        for _ in range(half_life):
            variance = vm.next_variance(variance, start, vm.weight_of(half_life), 10**13, 10**13, vm.INTERVAL)
        assert variance == pytest.approx(start / 2, rel=1e-4)


def test_a_late_sample_leaves_the_mean_of_the_estimate_where_it_is():
    """Hours whose second sample comes late, and the next on time: σ on average as if each were on time."""
    rng = np.random.default_rng(7)
    basis, weight, sigma = vm.variance_of(8000), vm.weight_of(48), 0.8
    late = []
    variance, price = basis, 10**15
    for step in range(12_000):
        elapsed = 6_900 if step % 2 else 300  # 55 minutes late, then on the boundary
        move = rng.normal(0, sigma * math.sqrt(elapsed / (365 * 86_400)))
        last, price = price, round(price * math.exp(move))
        variance = vm.next_variance(variance, basis, weight, price, last, elapsed)
        price = min(max(price, 10**13), 10**17)
        late.append(variance)
    assert np.mean(late[500:]) == pytest.approx(basis, rel=0.06)
