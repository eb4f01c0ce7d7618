"""Options on a spot price with a rate and a yield, as published tables have them, by way of the forward."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plimsoll.pricing import black76


@dataclass(frozen=True, slots=True)
class SpotOption:
    spot: float
    strike: float
    dividend: float
    rate: float
    years: float
    vol: float
    call: bool

    @property
    def forward(self) -> float:
        return self.spot * self.growth

    @property
    def growth(self) -> float:
        return float(np.exp((self.rate - self.dividend) * self.years))

    @property
    def price(self) -> float:
        return float(black76.price(*self._inputs))

    @property
    def delta(self) -> float:
        return float(self._greeks.delta) * self.growth

    @property
    def gamma(self) -> float:
        return float(self._greeks.gamma) * self.growth**2

    @property
    def vega(self) -> float:
        return float(self._greeks.vega)

    @property
    def theta(self) -> float:
        """At the same spot: the forward falls toward it as time passes."""
        greeks = self._greeks
        return float(greeks.theta) - (self.rate - self.dividend) * self.forward * float(greeks.delta)

    @property
    def elasticity(self) -> float:
        """No number where the price is zero."""
        return self.delta * self.spot / self.price if self.price else math.nan

    @property
    def rho(self) -> float:
        return self.years * (self.forward * float(self._greeks.delta) - self.price)

    @property
    def dividend_rho(self) -> float:
        return -self.years * self.forward * float(self._greeks.delta)

    @property
    def _inputs(self) -> tuple[float, float, float, float, bool, float]:
        discount = float(np.exp(-self.rate * self.years))
        return self.forward, self.strike, self.vol, self.years, self.call, discount

    @property
    def _greeks(self) -> black76.Greeks:
        return black76.greeks(*self._inputs)
