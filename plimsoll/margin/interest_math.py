"""Interest of one lent asset: utilisation moves the rate, the rate moves the two indices.

Twin of contracts/libraries/InterestMath.sol, where the model is described.
"""

from __future__ import annotations

from plimsoll.margin.fixed_math import BPS, WAD, YEAR, ceil_div, exp_wad, ln_wad, truncate_div

INDEX_ONE = 10**12
INDEX_MAX = 2**64 - 1
UTILISATION_ONE = 10**7
TARGET = 9 * 10**6
STEEPNESS = 4
SPEED = 50

RATE_START = 4 * 10**11
RATE_MIN = 10**10
RATE_MAX = 2 * 10**13

_ONE = 10**27
_SHARE_ONE = UTILISATION_ONE * BPS
_ELAPSED_MAX = 2**32 - 1
_DRIFT_MAX = 8 * WAD
_DRIFT_SMALL = 10**15
_AREA_SMALL = 10**24
_AREA_MAX = 64 * 10**27


def project(
    rate_at_target: int, utilisation: int, reserve_share: int, elapsed: int, debt_index: int, lent_index: int
) -> tuple[int, int, int]:
    """Rate at target (1e-13 per year), debt index (1e-12, up) and lent index (1e-12, down) after `elapsed` seconds.

    utilisation: 1e-7; reserve_share: basis points of the interest.
    """
    if elapsed == 0 or debt_index == 0:
        return rate_at_target, debt_index, lent_index
    new_rate, area = integral(rate_at_target, utilisation, elapsed)
    _, rise = compound(area)
    share = _lent_share(utilisation, reserve_share)
    new_debt_index = debt_index + ceil_div(debt_index * rise, _ONE)
    if new_debt_index > INDEX_MAX:
        new_debt_index = INDEX_MAX
        rise = (INDEX_MAX - debt_index) * _ONE // debt_index
    lent_rise = min(compound(area * share // _SHARE_ONE)[0], rise * share // _SHARE_ONE)
    return new_rate, new_debt_index, min(lent_index + lent_index * lent_rise // _ONE, INDEX_MAX)


def integral(rate_at_target: int, utilisation: int, elapsed: int) -> tuple[int, int]:
    """The rate at target after `elapsed` seconds, and the integral of the borrow rate over them (1e-27), both down."""
    rate_at_target = _clamp(rate_at_target)
    elapsed = min(elapsed, _ELAPSED_MAX)
    err = _error(utilisation)
    new_rate, mean = _drift(rate_at_target, truncate_div(err * SPEED * elapsed, YEAR))
    return new_rate, rate_at_target * _curve(err) * mean * elapsed // (10**22 * YEAR)


def compound(area: int) -> tuple[int, int]:
    """e^area − 1 in 1e-27, down and up."""
    if area < _AREA_SMALL:
        down = area + area**2 // (2 * _ONE) + area**3 // (6 * _ONE**2)
        return down, down + 1
    down = (exp_wad(min(area, _AREA_MAX) // 10**9) - WAD) * 10**9
    return down, down + 10**9


def borrow_rate(rate_at_target: int, utilisation: int) -> int:
    """What borrowers pay at this moment, 1e-13 per year, up."""
    return ceil_div(_clamp(rate_at_target) * _curve(_error(utilisation)), WAD)


def lend_rate(rate_at_target: int, utilisation: int, reserve_share: int) -> int:
    """What lenders get at this moment, 1e-13 per year, down."""
    rate = _clamp(rate_at_target) * _curve(_error(utilisation)) // WAD
    return rate * _lent_share(utilisation, reserve_share) // _SHARE_ONE


def utilisation_of(lent: int, debt: int) -> int:
    """debt / lent in 1e-7, down, at most one. Nothing lent is not utilised, unless something is owed."""
    if debt >= lent:
        return 0 if debt == 0 else UTILISATION_ONE
    return debt * UTILISATION_ONE // lent


def amount_down(shares: int, index: int) -> int:
    return shares * index // INDEX_ONE


def amount_up(shares: int, index: int) -> int:
    return ceil_div(shares * index, INDEX_ONE)


def shares_down(amount: int, index: int) -> int:
    return amount * INDEX_ONE // index


def shares_up(amount: int, index: int) -> int:
    return ceil_div(amount * INDEX_ONE, index)


def _clamp(rate: int) -> int:
    return min(max(rate, RATE_MIN), RATE_MAX)


def _error(utilisation: int) -> int:
    """The distance of the utilisation from its target over the room on that side, WAD, toward zero."""
    distance = min(utilisation, UTILISATION_ONE) - TARGET
    return truncate_div(distance * WAD, TARGET if distance < 0 else UTILISATION_ONE - TARGET)


def _lent_share(utilisation: int, reserve_share: int) -> int:
    """What lenders get per unit lent, over what borrowers pay per unit owed, in 1e-11."""
    return min(utilisation, UTILISATION_ONE) * (BPS - min(reserve_share, BPS))


def _curve(err: int) -> int:
    """The rate over the rate at target, WAD."""
    return WAD + (truncate_div(err * (STEEPNESS - 1), STEEPNESS) if err < 0 else err * (STEEPNESS - 1))


def _drift(rate: int, drift: int) -> tuple[int, int]:
    """The rate at target after it moved by e^drift within its bounds, and its mean on the way over its start (WAD)."""
    if drift == 0 or rate == (RATE_MAX if drift > 0 else RATE_MIN):
        return rate, WAD
    if abs(drift) < _DRIFT_SMALL:
        factor = WAD + drift + drift**2 // (2 * WAD) + truncate_div(drift**3, 6 * WAD**2)
        mean = WAD + truncate_div(drift, 2) + drift**2 // (6 * WAD)
    else:
        factor = exp_wad(min(max(drift, -_DRIFT_MAX), _DRIFT_MAX))
        mean = truncate_div((factor - WAD) * WAD, drift)
    new_rate = rate * factor // WAD
    bound = _clamp(new_rate)
    if bound == new_rate:
        return new_rate, mean
    factor = bound * WAD // rate
    area = factor - WAD + truncate_div(factor * (drift - ln_wad(factor)), WAD)
    return bound, truncate_div(area * WAD, drift)
