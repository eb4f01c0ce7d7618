"""How much a feed moves, and by how much margin is raised for it. Twin of contracts/libraries/VolatilityMath.sol."""

from __future__ import annotations

from math import isqrt

from plimsoll.margin import price_word
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div, exp_wad, ln_wad, truncate_div

INTERVAL = 3600
ONE = 2**14
STEP = 2**8
MAX_CODE = 255
WEIGHT_BITS = 24
MAX_VARIANCE = 2**72 - 1

_CODES_PER_ONE = ONE // STEP
_CAP = 16
_INTERVALS_PER_YEAR = 8760
_PHASES_PER_INTERVAL = 128
_MAX_PHASE = 255
_LN2 = 693147180559945309


def multipliers(word: int, time: int) -> tuple[int, int]:
    """What multiplies initial and maintenance margin at `time`; 2^14 is 1."""
    start, to = price_word.mm_from(word) * STEP, price_word.multiplier(word) * STEP
    if not start and not to:
        return ONE, ONE
    elapsed = min(max(time - ramp_start(word), 0), INTERVAL)
    if to > start:
        mm = ONE + start + (to - start) * elapsed // INTERVAL
    else:
        mm = ONE + start - (start - to) * elapsed // INTERVAL
    return max(ONE + to, mm), mm


def ramp_start(word: int) -> int:
    """When MM began to move from `mm_from` to `multiplier`."""
    published = price_word.published_at(word)
    return published - published % INTERVAL + ceil_div(price_word.phase(word) * INTERVAL, _PHASES_PER_INTERVAL)


def is_due(word: int, published_at: int) -> bool:
    """Whether a price published at `published_at` is the first of its interval."""
    return published_at // INTERVAL > price_word.published_at(word) // INTERVAL


def is_timely(published_at: int, time: int) -> bool:
    """Whether a ramp that starts at `time` can be told from the price word."""
    return time <= published_at - published_at % INTERVAL + _MAX_PHASE * INTERVAL // _PHASES_PER_INTERVAL


def sampled(word: int, code: int, published_at: int, time: int) -> int:
    """The volatility fields of the price word, in place, after a sample taken at `time`."""
    if not code and not price_word.volatility(word):
        return 0  # at rest, and stays there
    _, mm = multipliers(word, time)
    if not code and mm < ONE + STEP:
        return 0
    offset = max(time - (published_at - published_at % INTERVAL), 0)
    phase = ceil_div(offset * _PHASES_PER_INTERVAL, INTERVAL)
    return price_word.pack_volatility((mm - ONE) // STEP, code, phase)


def held(word: int, time: int) -> int:
    """The same for a price that opens an interval and is no sample."""
    _, mm = multipliers(word, time)
    code = (mm - ONE) // STEP
    return price_word.pack_volatility(code, code, 0)


def reported(word: int, value: int, time: int) -> int:
    """`word` as it would be if a good report of `value` came at `time` and moved neither multiplier."""
    fields = price_word.volatility(word)
    if is_due(word, time):
        fields = sampled(word, price_word.multiplier(word), time, time)
    return price_word.pack(value, 0, time, time, price_word.written_block(word), 0, 0) | fields


def next_variance(variance: int, basis: int, weight: int, price: int, last: int, elapsed: int) -> int:
    """The variance after a return from `last` to `price` over `elapsed` seconds, rounded up."""
    cap = _CAP * max(variance, basis)
    square = min(squared_return(price, last) * INTERVAL // elapsed, cap)
    share = weight * min(elapsed, INTERVAL) // INTERVAL
    total = variance * (2**WEIGHT_BITS - share) + square * share
    return min((total + 2**WEIGHT_BITS - 1) >> WEIGHT_BITS, MAX_VARIANCE)


def squared_return(price: int, last: int) -> int:
    """ln(price / last)² in WAD, rounded down."""
    log = ln_wad(max(price * WAD // last, 1))
    return log * log // WAD


def code_of(variance: int, basis: int, max_code: int) -> int:
    """clamp(σ / σ_ref, 1, cap) as a code, rounded up."""
    if variance <= basis:
        return 0
    square = ceil_div(variance * _CODES_PER_ONE**2, basis)
    root = isqrt(square)
    if root * root < square:
        root += 1
    return min(root - _CODES_PER_ONE, max_code)


def variance_of(sigma: int) -> int:
    """The variance per interval of `sigma` bps per √year, rounded down."""
    return sigma * sigma * (WAD // BPS**2) // _INTERVALS_PER_YEAR


def sigma_of(variance: int) -> int:
    """The σ of `variance`, bps per √year, rounded down."""
    return isqrt(variance * _INTERVALS_PER_YEAR // (WAD // BPS**2))


def weight_of(half_life: int) -> int:
    """The weight of one sample that halves what came before in `half_life` intervals, rounded up."""
    kept = exp_wad(truncate_div(-_LN2, half_life))
    return 2**WEIGHT_BITS - (kept << WEIGHT_BITS) // WAD
