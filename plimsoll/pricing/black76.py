"""Black-76: prices and Greeks of European options on a forward. Everything broadcasts, and is float64.

    price(60_000, [50_000, 70_000], 0.55, 30 / 365, [True, False])
    greeks(60_000, 70_000, 0.55, 30 / 365, True, discount=0.99)

forward, strike   in quote, zero allowed           vol      a fraction per √year (0.55 is 55 %)
years             of 365 days                      call     True for calls, False for puts
discount          what one quote at expiry is worth now

The price is intrinsic value plus the value out of the money of the same strike, so parity holds to the last digit of
the larger leg, and the wings keep every digit that a float has. A volatility or time of zero gives intrinsic value, an
infinite one the largest price. NaN in gives NaN out; a negative input is an error that names it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from plimsoll.errors import BadInput
from plimsoll.pricing import normal
from plimsoll.pricing.normal import Floats

DAYS = 365.0


@dataclass(frozen=True, slots=True)
class Greeks:
    """Derivatives of the price, with the discount factor in them."""

    delta: Floats  # per quote of the forward
    gamma: Floats  # of delta, per quote of the forward
    vega: Floats  # per 1.00 of volatility (a hundred vol points)
    theta: Floats  # per year of 365 days that passes, at the same forward and the same rate −ln(discount)/years


@dataclass(frozen=True, slots=True)
class _Inputs:
    forward: Floats
    strike: Floats
    deviation: Floats  # σ√T
    vol: Floats
    years: Floats
    call: NDArray[np.bool_]
    discount: Floats


def price(
    forward: ArrayLike,
    strike: ArrayLike,
    vol: ArrayLike,
    years: ArrayLike,
    call: ArrayLike = True,
    discount: ArrayLike = 1.0,
) -> Floats:
    """Value in quote of one option."""
    i = _inputs(forward, strike, vol, years, call, discount)
    return i.discount * (intrinsic(i.forward, i.strike, i.call) + time_value(i.forward, i.strike, i.deviation))


def intrinsic(forward: Floats, strike: Floats, call: NDArray[np.bool_]) -> Floats:
    return np.maximum(np.where(call, forward - strike, strike - forward), 0.0)


def time_value(forward: Floats, strike: Floats, deviation: Floats) -> Floats:
    """Undiscounted value of whichever of call and put is out of the money."""
    most = np.minimum(forward, strike)
    inside = (most > 0) & (deviation > 0) & np.isfinite(deviation)
    x = -np.abs(log_moneyness(np.where(inside, forward, 1.0), np.where(inside, strike, 1.0)))
    s = np.where(inside, deviation, 1.0)
    scale = np.sqrt(np.where(inside, forward, 1.0)) * np.sqrt(np.where(inside, strike, 1.0))
    value = np.minimum(scale * normal.black(x, s), most)
    edge = np.where(np.isnan(deviation) | np.isnan(most), np.nan, np.where(deviation > 0, most, 0.0))
    return np.where(inside, value, edge)


def log_moneyness(forward: Floats, strike: Floats) -> Floats:
    """ln(F/K), exact to the last digit near the money too."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        near = np.abs(forward - strike) < 0.5 * strike
        return np.where(near, np.log1p((forward - strike) / strike), np.log(forward) - np.log(strike))


def greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    vol: ArrayLike,
    years: ArrayLike,
    call: ArrayLike = True,
    discount: ArrayLike = 1.0,
) -> Greeks:
    """Delta, gamma, vega, theta of one option; at zero volatility or time, those of intrinsic value."""
    i = _inputs(forward, strike, vol, years, call, discount)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        h = log_moneyness(i.forward, i.strike) / i.deviation
        d1 = np.where(np.isnan(h), np.where(i.forward == i.strike, 0.0, np.nan), h) + 0.5 * i.deviation
        sign = np.where(i.call, 1.0, -1.0)
        density = np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi)
        bump = i.discount * i.forward * density  # D·F·φ(d1)
        gamma = np.where(bump > 0, bump / (i.forward * i.forward * i.deviation), 0.0)
        vega = np.where(bump > 0, bump * np.sqrt(i.years), 0.0)
        decay = np.where(bump > 0, -0.5 * bump * i.vol / np.sqrt(i.years), 0.0)
        rate = np.where(i.discount == 1.0, 0.0, -np.log(i.discount) / i.years)
        value = i.discount * (intrinsic(i.forward, i.strike, i.call) + time_value(i.forward, i.strike, i.deviation))
    delta = sign * i.discount * ndtr(sign * d1)
    return Greeks(delta, _known(gamma, d1), _known(vega, d1), _known(decay, d1) + rate * value)


def _known(values: Floats, d1: Floats) -> Floats:
    return np.where(np.isnan(d1), np.nan, values)


def _inputs(
    forward: ArrayLike, strike: ArrayLike, vol: ArrayLike, years: ArrayLike, call: ArrayLike, discount: ArrayLike
) -> _Inputs:
    given = {"forward": forward, "strike": strike, "volatility": vol, "years": years, "discount": discount}
    floats = {name: np.asarray(value, dtype=np.float64) for name, value in given.items()}
    for name, value in floats.items():
        require_not_negative(name, value)
    f, k, v, t, d, c = np.broadcast_arrays(*floats.values(), np.asarray(call, dtype=np.bool_))
    with np.errstate(invalid="ignore"):
        deviation = np.where((v == 0) | (t == 0), np.where(np.isnan(v) | np.isnan(t), np.nan, 0.0), v * np.sqrt(t))
    return _Inputs(f, k, deviation, v, t, c, d)


def require_not_negative(name: str, value: Floats) -> None:
    wrong = value[value < 0]
    if wrong.size:
        raise BadInput(name, float(wrong.flat[0]), "it must be zero or more")
