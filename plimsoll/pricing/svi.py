"""Raw SVI: the smile of one expiry as five numbers, and where a smile or a pair of them would allow arbitrage.

    w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)),    k = ln(K/F),    volatility = √(w/years)

No butterfly: Durrleman's g(k) = (1 − k·w'/2w)² − w'²/4·(1/w + 1/4) + w''/2 ≥ 0 and w > 0 everywhere, and wings that
Lee's bound allows, b·(1 + |ρ|) < 2 (a price that still falls to zero). No calendar spread: w never below that of an
earlier expiry at the same k, nor its wings less steep. g and the gap are looked at on a grid that follows the bends of
the smiles and reaches e^±15 of the forward; beyond it the slopes of the wings decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from plimsoll.errors import BadInput
from plimsoll.pricing.normal import Floats

LEE = 2.0
REACH = 15.0
ROUNDING = 1e-12  # of a smile's own scale: what the float arithmetic of the checks may get wrong


@dataclass(frozen=True, slots=True)
class Slice:
    """The smile of one expiry. `years` of 365 days, `forward` in quote; `sigma` is a width in ln K/F, no volatility."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float
    forward: float
    years: float

    def variance(self, k: ArrayLike) -> Floats:
        """Total variance at ln(K/F)."""
        y = np.asarray(k, np.float64) - self.m
        return self.a + self.b * (self.rho * y + np.hypot(y, self.sigma))

    def derivatives(self, k: ArrayLike) -> tuple[Floats, Floats]:
        """w' and w''."""
        y = np.asarray(k, np.float64) - self.m
        root = np.hypot(y, self.sigma)
        return self.b * (self.rho + y / root), self.b * (self.sigma / root) ** 2 / root

    def moneyness(self, strike: ArrayLike) -> Floats:
        return np.log(np.asarray(strike, np.float64) / self.forward)

    def vol(self, strike: ArrayLike) -> Floats:
        """Volatility at strikes; where the smile has no variance (it is not `butterfly_ok`), zero."""
        return np.sqrt(np.maximum(self.variance(self.moneyness(strike)), 0.0) / self.years)

    @property
    def left(self) -> float:
        """How steep the wing of puts is, dw/d|k|."""
        return self.b * (1 - self.rho)

    @property
    def right(self) -> float:
        return self.b * (1 + self.rho)

    @property
    def least(self) -> float:
        """The smallest total variance."""
        return self.a + self.b * self.sigma * float(np.sqrt(max(1 - self.rho**2, 0.0)))

    def check(self) -> None:
        """Refuses numbers that are no smile at all, by name."""
        for name in self.__slots__:
            if not np.isfinite(getattr(self, name)):
                raise BadInput(name, getattr(self, name), "it must be a finite number")
        for name in ("sigma", "forward", "years"):
            if getattr(self, name) <= 0:
                raise BadInput(name, getattr(self, name), "it must be positive")
        if self.b < 0:
            raise BadInput("b", self.b, "it must be zero or more")
        if not -1 <= self.rho <= 1:
            raise BadInput("rho", self.rho, "it must lie between -1 and 1")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether there is no arbitrage, and otherwise where (ln K/F; ±∞ for a wing), by how much and why."""

    ok: bool
    reason: str = ""
    k: float = float("nan")
    value: float = float("nan")

    def __bool__(self) -> bool:
        return self.ok


def durrleman(smile: Slice, k: ArrayLike) -> Floats:
    """g(k); the density of ln S_T has its sign."""
    k = np.asarray(k, np.float64)
    w = smile.variance(k)
    first, second = smile.derivatives(k)
    return (1 - 0.5 * k * first / w) ** 2 - 0.25 * first * first * (1 / w + 0.25) + 0.5 * second


def grid(*smiles: Slice) -> Floats:
    """Where to look: evenly near the money, geometrically outwards, and around each smile's bend."""
    out = np.geomspace(1e-3, REACH, 160)
    bend = np.sinh(np.linspace(-6.5, 6.5, 161))
    parts = [np.linspace(-1.5, 1.5, 301), out, -out]
    parts += [smile.m + smile.sigma * bend for smile in smiles]
    points = np.unique(np.concatenate(parts))
    return points[np.abs(points) <= REACH]


def butterfly_ok(smile: Slice, k: ArrayLike | None = None) -> Verdict:
    """No butterfly arbitrage, at all `k` or on `grid`."""
    smile.check()
    slope = max(smile.left, smile.right)
    if slope >= LEE:
        return Verdict(False, "the wing is steeper than Lee's bound of 2", np.copysign(np.inf, smile.rho), slope)
    points = grid(smile) if k is None else np.atleast_1d(np.asarray(k, np.float64))
    w = smile.variance(points)
    at = int(np.argmin(w))
    if w[at] <= 0:
        return Verdict(False, "total variance is not positive", float(points[at]), float(w[at]))
    g = durrleman(smile, points)
    at = int(np.argmin(g))
    if g[at] < -ROUNDING:
        return Verdict(False, "the density is negative", float(points[at]), float(g[at]))
    return Verdict(True, k=float(points[at]), value=float(g[at]))


def calendar_ok(near: Slice, far: Slice, k: ArrayLike | None = None) -> Verdict:
    """No calendar arbitrage between an earlier and a later expiry, at all `k` or on `grid`."""
    near.check()
    far.check()
    if near.years > far.years:
        raise BadInput("years", far.years, f"the later smile comes second, and {near.years} is later")
    points = grid(near, far) if k is None else np.atleast_1d(np.asarray(k, np.float64))
    gap = far.variance(points) - near.variance(points)
    at = int(np.argmin(gap))
    if gap[at] < -ROUNDING * max(1.0, near.b):
        return Verdict(False, "the later total variance is smaller", float(points[at]), float(gap[at]))
    for side, end in (("left", -np.inf), ("right", np.inf)):
        steeper = getattr(far, side) - getattr(near, side)
        if k is None and steeper < -ROUNDING:
            return Verdict(False, f"the {side} wings cross far out", end, steeper)
    return Verdict(True, k=float(points[at]), value=float(gap[at]))
