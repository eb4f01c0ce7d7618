"""Smiles from quotes, without arbitrage in them or between them.

The unknowns are chosen so that most conditions are bounds of a box: the least variance, the slopes of both wings (Lee's
bound above, those of the earlier expiry below), the place and the width of the bend. Starting points are the best of a
lattice of (m, σ), where the rest is linear in total variance (De Marco and Martini's quasi-explicit fit). What is left,
g ≥ 0 and total variance above that of the earlier expiry, joins the least squares as a penalty on a grid, which grows
until `butterfly_ok` and `calendar_ok` agree. A smile that they never accept is an error, not a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares, minimize

from plimsoll.errors import BadInput, PlimsollError
from plimsoll.pricing import svi
from plimsoll.pricing.normal import Floats
from plimsoll.pricing.svi import Slice, Verdict

LEAST = 1e-7  # total variance
STEEPEST = svi.LEE * (1 - 1e-4)
G_MARGIN = 2e-4  # kept between g and zero, so that rounded parameters stay inside
GAP_MARGIN = 1e-7  # likewise of total variance, between two expiries
PENALTIES = (3.0, 30.0, 300.0)
CEILING = 100.0  # points of volatility per unit of what is over
RIDGE = 0.1  # points per slope/√w: of smiles that fit about as well, the one with the flatter wings
LIFT, MOST_LIFT = 1e-7, 0.05  # of the variance at the money
STARTS = 3
OUT = np.geomspace(2e-3, svi.REACH, 60)
AROUND = np.concatenate([-OUT, np.linspace(-1, 1, 81), OUT])  # of the same length at every step
BEND = np.sinh(np.linspace(-6.5, 6.5, 81))
MINIMUM = 3  # quotes


class NoFit(PlimsollError):
    """No smile without arbitrage was found near the quotes."""

    def __init__(self, years: float, verdict: Verdict) -> None:
        super().__init__(
            f"no smile without arbitrage fits the quotes {years * 365:.2f} days out: {verdict.reason} "
            f"at ln K/F = {verdict.k:.4f} ({verdict.value:.3g}); check these quotes, or leave them out"
        )
        self.years, self.verdict = years, verdict


@dataclass(frozen=True, slots=True)
class Quotes:
    """Volatilities at ln(K/F) of one expiry."""

    k: Floats
    vol: Floats
    weight: Floats
    forward: float
    years: float

    @classmethod
    def of(
        cls, strike: ArrayLike, vol: ArrayLike, forward: float, years: float, weight: ArrayLike | None = None
    ) -> Quotes:
        """Without `weight`, all count the same."""
        k = np.log(np.atleast_1d(np.asarray(strike, np.float64)) / forward)
        v = np.atleast_1d(np.asarray(vol, np.float64))
        w = np.broadcast_to(np.asarray(1.0 if weight is None else weight, np.float64), v.shape)
        if k.shape != v.shape or len(np.unique(k)) < MINIMUM:
            raise BadInput("quotes", len(k), f"give a volatility for each of at least {MINIMUM} different strikes")
        if not (np.isfinite(k).all() and np.isfinite(v).all() and (v > 0).all() and (w >= 0).all() and w.any()):
            raise BadInput("quotes", "strikes, volatilities, weights", "they must be finite, the first two positive")
        if not years > 0:
            raise BadInput("years", years, "it must be positive")
        return cls(k, v, w / w.mean(), forward, years)


def fit(quotes: Quotes, near: Slice | None = None, later: Sequence[Quotes] = ()) -> Slice:
    """The smile closest to the quotes' volatilities, above `near`, the smile of the expiry before it.

    `later` are the quotes of later expiries: where strikes are few, a smile should not bend above what they leave.
    """
    box = _Box.around(quotes, near)
    ceiling = _Ceiling.under(later)
    starts = [box.inside(start) for start in _starts(quotes)]
    for penalty in PENALTIES:
        problem = _Problem(quotes, near, ceiling, penalty)
        results = [least_squares(problem, x, bounds=(box.lower, box.upper), x_scale=box.scale) for x in starts]
        results.sort(key=lambda result: float(result.cost))
        if _verdict(_slice(results[0].x, quotes), near):
            return _slice(results[0].x, quotes)
        starts = [box.inside(results[0].x)]
    return _lifted(_polished(problem, box, starts[0]), near)


def fit_all(expiries: Sequence[Quotes]) -> list[Slice]:
    """One smile per expiry, earliest first, that do not cross."""
    if any(a.years >= b.years for a, b in pairwise(expiries)):
        raise BadInput("expiries", [q.years for q in expiries], "give them in order, each later than the one before")
    found: list[Slice] = []
    for n, quotes in enumerate(expiries):
        found.append(fit(quotes, found[-1] if found else None, expiries[n + 1 :]))
    return found


def _polished(problem: _Problem, box: _Box, start: Floats) -> Slice:
    """The conditions as constraints (SLSQP), from where the penalties led."""
    lower, upper = box.lower / box.scale, box.upper / box.scale
    result = minimize(
        lambda z: float(np.sum(problem.miss(_slice(z * box.scale, problem.quotes)) ** 2)),
        start / box.scale,
        method="SLSQP",
        bounds=list(zip(lower, upper, strict=True)),
        constraints={"type": "ineq", "fun": lambda z: problem.room(_slice(z * box.scale, problem.quotes))},
        options={"maxiter": 200, "ftol": 1e-10},
    )
    return _slice(np.clip(result.x, lower, upper) * box.scale, problem.quotes)


def _lifted(smile: Slice, near: Slice | None) -> Slice:
    """Raised by as little as makes the checks agree: more variance at the same slopes helps both."""
    verdict = _verdict(smile, near)
    lift = LIFT * float(smile.variance(0.0))
    while not verdict:
        if lift > MOST_LIFT * smile.variance(0.0):
            raise NoFit(smile.years, verdict)
        smile = replace(smile, a=smile.a + lift)
        verdict, lift = _verdict(smile, near), 2 * lift
    return smile


def _verdict(smile: Slice, near: Slice | None) -> Verdict:
    verdict = svi.butterfly_ok(smile)
    if verdict and near is not None:
        verdict = svi.calendar_ok(near, smile)
    return verdict


@dataclass(frozen=True, slots=True)
class _Box:
    """Bounds of (least variance, left slope, right slope, m, ln σ)."""

    lower: Floats
    upper: Floats
    scale: Floats

    @classmethod
    def around(cls, quotes: Quotes, near: Slice | None) -> _Box:
        width = max(float(np.ptp(quotes.k)), 0.05)
        most = float(np.max(quotes.vol)) ** 2 * quotes.years
        left, right = (1e-6, 1e-6) if near is None else (near.left + 1e-7, near.right + 1e-7)
        floor = LEAST if near is None else max(LEAST, near.least)
        low = [floor, left, right, float(np.min(quotes.k)) - width, np.log(1e-3 * width)]
        high = [max(most, 2 * floor), STEEPEST, STEEPEST, float(np.max(quotes.k)) + width, np.log(10 * width)]
        if left >= STEEPEST or right >= STEEPEST:
            raise NoFit(quotes.years, Verdict(False, "the earlier wing is at Lee's bound", np.inf, max(left, right)))
        return cls(np.array(low), np.array(high), np.array([most, 0.1, 0.1, 0.1 * width, 0.3]))

    def inside(self, x: Floats) -> Floats:
        edge = 1e-6 * (self.upper - self.lower)
        return np.clip(x, self.lower + edge, self.upper - edge)


@dataclass(frozen=True, slots=True)
class _Ceiling:
    """Total variances that later expiries are quoted at."""

    k: Floats
    w: Floats

    @classmethod
    def under(cls, later: Sequence[Quotes]) -> _Ceiling:
        k = np.concatenate([np.empty(0), *(quotes.k for quotes in later)])
        w = np.concatenate([np.empty(0), *(quotes.vol**2 * quotes.years for quotes in later)])
        return cls(k, w)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Residuals: volatility in points of one percent, then what the conditions lack."""

    quotes: Quotes
    near: Slice | None
    ceiling: _Ceiling
    penalty: float

    def __call__(self, x: Floats) -> Floats:
        smile = _slice(x, self.quotes)
        room = self.room(smile)
        return np.concatenate([self.miss(smile), self.penalty * np.minimum(room, 0)])

    def miss(self, smile: Slice) -> Floats:
        """From the quotes, above the ceiling, and for steep wings."""
        quotes, ceiling = self.quotes, self.ceiling
        model = np.sqrt(np.maximum(smile.variance(quotes.k), 1e-12) / quotes.years)
        miss = 100 * np.sqrt(quotes.weight / len(model)) * (model - quotes.vol)
        over = np.maximum(smile.variance(ceiling.k) / ceiling.w - 1, 0)
        wings = RIDGE * np.array([smile.left, smile.right]) / self.spread
        return np.concatenate([miss, CEILING * over / np.sqrt(max(len(over), 1)), wings])

    @property
    def spread(self) -> float:
        """√w at the money, the scale of slopes."""
        return float(self.quotes.vol[np.argmin(np.abs(self.quotes.k))]) * float(np.sqrt(self.quotes.years))

    def room(self, smile: Slice) -> Floats:
        """Positive where no condition is broken: g, and variance above that of the earlier expiry, of its own level."""
        points = np.clip(np.concatenate([AROUND, smile.m + smile.sigma * BEND]), -svi.REACH, svi.REACH)
        room = svi.durrleman(smile, points) - G_MARGIN
        if self.near is None:
            return room
        fixed = np.concatenate([AROUND, self.near.m + self.near.sigma * BEND])
        floor = self.near.variance(fixed)
        return np.concatenate([room, (smile.variance(fixed) - floor - GAP_MARGIN) / floor])


def _slice(x: Floats, quotes: Quotes) -> Slice:
    least, left, right, m, width = (float(value) for value in x)
    sigma = float(np.exp(width))
    b = 0.5 * (left + right)
    return Slice(
        a=least - sigma * float(np.sqrt(left * right)),
        b=b,
        rho=(right - left) / (right + left),
        m=m,
        sigma=sigma,
        forward=quotes.forward,
        years=quotes.years,
    )


def _starts(quotes: Quotes) -> list[Floats]:
    ranked = sorted(_lattice(quotes), key=lambda pair: pair[0])
    return [x for _, x in ranked[:STARTS]]


def _lattice(quotes: Quotes) -> Iterator[tuple[float, Floats]]:
    """(error, unknowns) where w = α + δ·y + γ·√(y² + 1), y = (k − m)/σ, is solved for α, δ, γ."""
    w = quotes.vol**2 * quotes.years
    root = np.sqrt(quotes.weight) / (2 * quotes.vol * quotes.years)
    low, high = float(np.min(quotes.k)), float(np.max(quotes.k))
    for m in np.linspace(low, high, 9):
        for sigma in (high - low) * np.array([0.01, 0.03, 0.1, 0.25, 0.6, 1.5]):
            y = (quotes.k - m) / sigma
            columns = np.stack([np.ones_like(y), y, np.hypot(y, 1)], axis=1)
            alpha, delta, gamma = np.linalg.lstsq(columns * root[:, None], w * root, rcond=None)[0]
            gamma = float(np.clip(gamma, 1e-6, STEEPEST * sigma))
            delta = float(np.clip(delta, -gamma, gamma)) * (1 - 1e-9)
            error = float(np.sum((root * (columns @ [alpha, delta, gamma] - w)) ** 2))
            least = alpha + float(np.sqrt(gamma * gamma - delta * delta))
            yield error, np.array([least, (gamma - delta) / sigma, (gamma + delta) / sigma, m, np.log(sigma)])
