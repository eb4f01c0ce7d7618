"""European options on a forward, a whole expiry in one pass, exact. Twin of contracts/libraries/Black76.sol.

Units: prices and strikes 1e-10 quote, quantities 1e-8, logarithms and total volatility Q64 (2^64 = 1), Φ in 2^-62.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from plimsoll.margin.fixed_math import WAD, exp_wad, ln_wad, sqrt_years, truncate_div

ONE = 2**64
PHI_BITS = 62
#: A word of the table holds four fields of 40 bits; Φ is in 2^-46 in the topmost.
STEP_BITS = 40
FIELD_BITS = 46
STEPS_PER_UNIT = 56
STEPS = 767
#: The first step of the table, counted from d = 0.
FIRST_STEP = -384
TABLE_FILE = Path(__file__).with_name("normal_table.bin")
KINDS = 5
MIN_TOTAL_VOL = 2**16
MAX_TOTAL_VOL = 24 * ONE

_SPARE_BITS = 3 * STEP_BITS + FIELD_BITS - PHI_BITS
_MAX_LOG = 100 * ONE
_ORIGIN = -FIRST_STEP << STEP_BITS
_LAST = (STEPS << STEP_BITS) - 1
_FAR = 4 * ONE
_SQRT_2PI = 2506628274631000502
_LOW_MASK = 2**96 - 1
_P = (7359187717527469180, 49949502468208917301, 188564619317550513040, 382903330668409366908, 368098493808227068931)
_Q = (
    125205147247495711224,
    491097292089157027598,
    1085221330203428147602,
    1355554638900731081198,
    735452460396812972312,
)


class Record(NamedTuple):
    """One strike of a strip: ln(K/F), the strike, the net quantity of calls and puts, a volatility word per kind."""

    log: int
    strike: int
    quantity: int
    vols: Sequence[int]


@cache
def table() -> tuple[int, ...]:
    """The words of the table of Φ."""
    content = TABLE_FILE.read_bytes()
    return tuple(int.from_bytes(content[at : at + 32], "big") for at in range(0, len(content), 32))


def log_moneyness(strike: int, forward: int) -> int:
    """ln(K/F) in Q64."""
    if strike == forward:
        return 0
    if forward == 0:
        return _MAX_LOG
    if strike == 0:
        return -_MAX_LOG
    if strike < forward:
        return -_log(forward * WAD // strike)
    return _log(strike * WAD // forward)


def total_vol(sigma: int, sqrt_years: int) -> int:
    """v = σ√T in Q64 from σ and √T in WAD, rounded down."""
    return (sigma * sqrt_years << 64) // 10**36


def vol_word(v: int) -> int:
    """A record's volatility word of v in Q64."""
    v = min(max(v, MIN_TOTAL_VOL), MAX_TOTAL_VOL)
    return (STEPS_PER_UNIT * 2**128 // v << 96) | (v * (STEPS_PER_UNIT // 2) >> 24)


def strip(records: Iterable[Record], vol_kind: int, ln_shock: int, forward: int) -> int:
    """Σ quantity · call, WAD, rounded down once."""
    total = 0
    for record in records:
        total += record.quantity * _call(record.log, record.strike, record.vols[vol_kind], ln_shock, forward)
    return total >> PHI_BITS


def price(forward: int, strike: int, v: int) -> tuple[int, int]:
    """A call and the put of the same strike, 1e-10 quote: the call to the nearest unit, half a unit up."""
    log = log_moneyness(strike, forward)
    up, low = _steps(log, vol_word(v))
    call = _value(up, low, log, forward, strike) + 2 ** (PHI_BITS - 1) >> PHI_BITS
    return call, call + strike - forward


class Greeks(NamedTuple):
    """Of a call, WAD: delta, gamma per quote, vega per 1.00 of volatility and theta per day in quote."""

    delta: int
    gamma: int
    vega: int
    theta: int


def greeks(forward: int, strike: int, v: int, secs: int) -> Greeks:
    """What a call moves by; a put's delta is less by one."""
    v = min(max(v, MIN_TOTAL_VOL), MAX_TOTAL_VOL)
    up, _ = _steps(log_moneyness(strike, forward), vol_word(v))
    if up < 0:
        return Greeks(0, 0, 0, 0)
    if up > _LAST:
        return Greeks(WAD, 0, 0, 0)
    density = _density(up) * WAD // _SQRT_2PI
    scale = density * forward // 10**10
    return Greeks(
        delta=(_normal(up) >> _SPARE_BITS) * WAD >> PHI_BITS,
        gamma=(density * 10**10 << 64) // (forward * v) if forward else 0,
        vega=scale * sqrt_years(secs) // WAD,
        theta=-((scale * v >> 65) * 86_400 // secs) if secs else 0,
    )


def _steps(x: int, vol: int) -> tuple[int, int]:
    """d1 and d2 in steps, Q64, counted from the table's beginning."""
    middle = _ORIGIN - (x * (vol >> 96) >> 88)
    half = vol & _LOW_MASK
    return middle + half, middle - half


def _density(up: int) -> int:
    """e^(−d1²/2), WAD."""
    d = truncate_div(up - _ORIGIN << 24, STEPS_PER_UNIT)
    return exp_wad(-(d * d >> 64) * WAD >> 65)


def _call(log: int, strike: int, vol: int, ln_shock: int, forward: int) -> int:
    """One call in 2^-62, as in a strip."""
    x = log - ln_shock
    up, low = _steps(x, vol)
    if up > _LAST or low < 0 or x > _FAR:
        return _value(up, low, x, forward, strike)
    return _normal(up) * forward - _normal(low) * strike >> _SPARE_BITS


def _value(up: int, low: int, x: int, forward: int, strike: int) -> int:
    """One call in 2^-62 for every input: beyond the table's ends, and at a strike past e^4 forwards."""
    if up < 0:
        return 0
    intrinsic = max(forward - strike, 0) << PHI_BITS
    if low > _LAST:
        return intrinsic
    phi = 2**PHI_BITS if up > _LAST else _normal(up) >> _SPARE_BITS
    if x > _FAR:
        if up > _LAST:
            return forward << PHI_BITS
        return max(phi - _far_normal(up, low), 0) * forward
    cost = 0 if low < 0 else (_normal(low) >> _SPARE_BITS) * strike
    return max(phi * forward - cost, intrinsic)


def _far_normal(up: int, low: int) -> int:
    """K·Φ(d2)/F = φ(d1)·M(−d2) in 2^-62, with Mills' ratio M as a rational function."""
    z = (_ORIGIN - low << 24) // STEPS_PER_UNIT
    p, q = 0, ONE
    for coefficient in _P:
        p = (p * z >> 64) + coefficient
    for coefficient in _Q:
        q = (q * z >> 64) + coefficient
    return (_density(up) * p << PHI_BITS) // (q * WAD)


def _normal(u: int) -> int:
    """Φ in 2^-166 at `u` steps, Q40, counted from the table's beginning."""
    word, t = table()[u >> STEP_BITS], u % 2**STEP_BITS
    phi = (_signed(word, 40) * t + _signed(word, 80)) * t + _signed(word, 120)
    return phi * t + word


def _signed(word: int, bits: int) -> int:
    """The low bits as a signed number."""
    return (word + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def _log(ratio: int) -> int:
    return truncate_div(ln_wad(ratio) * ONE, WAD)
