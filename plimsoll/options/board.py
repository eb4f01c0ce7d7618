"""What a market's options are worth now, as the deployment's OptionLens says it.

quotes(deployment, instruments)        a `Quoted` per instrument: mark, volatility, Greeks, in floats and integers
expiries(deployment, market)           those that have a surface, minutes since 1970
strikes(spot, vol, years)              round strikes around the money, 1e-10
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plimsoll import units
from plimsoll.margin.option_series import is_put, strike_of
from plimsoll.prices import PRICE

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

STEPS = (1, 2, 2.5, 5)
REACH = 2.0  # standard deviations to either side
ROWS = 13
STATUS = {0: "good", 1: "stale", 2: "disputed", 3: "stale and disputed", 4: "missing"}


@dataclass(frozen=True, slots=True)
class Quoted:
    """One series. Prices 1e-10; the rest WAD, as IOptionLens.Quote has it."""

    instrument: int
    spot: int
    forward: int
    mark: int
    vol: int
    delta: int
    gamma: int
    vega: int
    theta: int
    status: int

    @property
    def put(self) -> bool:
        return is_put(self.instrument)

    @property
    def strike(self) -> int:
        return strike_of(self.instrument)

    def data(self) -> dict[str, Any]:
        """Exact decimal text."""
        prices = {name: units.price(getattr(self, name)) for name in ("strike", "spot", "forward", "mark")}
        rest = {name: units.quote(getattr(self, name)) for name in ("vol", "delta", "gamma", "vega", "theta")}
        return {"kind": "put" if self.put else "call"} | prices | rest | {"surface": STATUS[self.status]}


def quotes(deployment: Deployment, instruments: Sequence[int], *, block: int | None = None) -> list[Quoted]:
    found = deployment.option_lens.read("quotes", list(instruments), block=block)
    return [Quoted(instrument, *raw) for instrument, raw in zip(instruments, found, strict=True)]


def expiries(deployment: Deployment, market: int, *, block: int | None = None) -> list[int]:
    return list(deployment.surfaces.read("expiries", market, block=block))


def strikes(forward: int, vol: float, years: float, rows: int = ROWS) -> list[int]:
    """Round strikes that reach REACH standard deviations from the forward, at most `rows` of them."""
    deviation = REACH * vol * math.sqrt(years)
    low, high = (forward / PRICE * math.exp(side * deviation) for side in (-1, 1))
    step = _step((high - low) / max(rows - 1, 1))
    first = max(math.ceil(low / step), 1)
    return [round(n * step * PRICE) for n in range(first, max(math.floor(high / step), first) + 1)][:rows]


def _step(least: float) -> float:
    """The next of 1, 2, 2.5, 5 · 10^n."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (*STEPS, 10) if step * power >= least * (1 - 1e-9))
