"""One smile per expiry from a recorded chain: what a market can be opened with.

surfaces = fit_chain(load_chain(path, "BTC"))
write_json(out, surfaces.to_json())
surfaces = ChainSurfaces.from_json(json.loads(out.read_text()))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import BadInput
from plimsoll.pricing import black76
from plimsoll.pricing.chain import Chain, Expiry
from plimsoll.pricing.fit import MINIMUM, Quotes, fit_all
from plimsoll.pricing.normal import Floats
from plimsoll.pricing.svi import Slice

FORMAT = 1
FAINT = 0.02  # the least weight of a quote, beside that at the money: the wings are marked without trades


@dataclass(frozen=True, slots=True)
class Miss:
    """How far a smile is from the marks it was fitted to; volatilities in points of one percent."""

    quotes: int
    vol_rms: float  # weighted as the fit is, mostly by vega
    vol_rms_plain: float
    vol_max: float
    price_rms: float  # of the forward
    price_max: float


@dataclass(frozen=True, slots=True)
class Surface:
    expiry: int  # unix seconds
    rate: float
    smile: Slice
    miss: Miss


@dataclass(frozen=True, slots=True)
class ChainSurfaces:
    """A smile per expiry, earliest first, without arbitrage; `skipped` are expiries with too few quotes."""

    underlying: str
    time: float
    index: float
    surfaces: tuple[Surface, ...]
    skipped: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> ChainSurfaces:
        try:
            if raw["format"] != FORMAT:
                raise BadInput("format", raw["format"], f"this version reads format {FORMAT}")
            rows = tuple(_surface(row) for row in raw["surfaces"])
            head = str(raw["underlying"]), float(raw["time"]), float(raw["index"])
            return cls(*head, rows, tuple(int(time) for time in raw["skipped"]))
        except KeyError as error:
            raise BadInput("surfaces", error.args[0], "this field is missing") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInput("surfaces", str(error), "this is not what to_json writes") from None


def _surface(raw: Mapping[str, Any]) -> Surface:
    smile = Slice(**{name: float(value) for name, value in raw["smile"].items()})
    smile.check()
    miss = Miss(**raw["miss"])
    return Surface(int(raw["expiry"]), float(raw["rate"]), smile, miss)


def fit_chain(chain: Chain) -> ChainSurfaces:
    """A smile per expiry from the marks out of the money, weighted by vega; none crosses the one before."""
    quoted = {expiry.time: _quotes(expiry) for expiry in chain.expiries if _enough(expiry)}
    skipped = tuple(expiry.time for expiry in chain.expiries if expiry.time not in quoted)
    if not quoted:
        raise BadInput("chain", chain.underlying, f"no expiry has quotes at {MINIMUM} strikes")
    smiles = dict(zip(quoted, fit_all(list(quoted.values())), strict=True))
    surfaces = tuple(
        Surface(expiry.time, expiry.rate, smiles[expiry.time], _miss(smiles[expiry.time], quoted[expiry.time]))
        for expiry in chain.expiries
        if expiry.time in quoted
    )
    return ChainSurfaces(chain.underlying, chain.time, chain.index, surfaces, skipped)


def _enough(expiry: Expiry) -> bool:
    return len(np.unique(expiry.strike)) >= MINIMUM


def _quotes(expiry: Expiry) -> Quotes:
    rows = _out_of_the_money(expiry)
    # each mark belongs to the forward of its own row: what counts is the moneyness
    strike = expiry.strike[rows] * (expiry.forward / expiry.forwards[rows])
    weight = _weights(expiry.forward, strike, expiry.vol[rows], expiry.years)
    return Quotes.of(strike, expiry.vol[rows], expiry.forward, expiry.years, weight)


def _out_of_the_money(expiry: Expiry) -> NDArray[np.intp]:
    """One row per strike: the option out of the money, where it is quoted."""
    best: dict[float, int] = {}
    for row in range(len(expiry.strike)):
        strike = float(expiry.strike[row])
        if strike not in best or bool(expiry.call[row]) == (strike >= expiry.forward):
            best[strike] = row
    return np.array(sorted(best.values()), dtype=np.intp)


def _weights(forward: float, strike: Floats, vol: Floats, years: float) -> Floats:
    vega = black76.greeks(forward, strike, vol, years).vega
    return np.maximum(vega / np.max(vega), FAINT)


def _miss(smile: Slice, quotes: Quotes) -> Miss:
    strike = smile.forward * np.exp(quotes.k)
    model = smile.vol(strike)
    off = 100 * np.abs(model - quotes.vol)
    call = strike >= smile.forward
    prices = [black76.price(smile.forward, strike, vol, smile.years, call) for vol in (model, quotes.vol)]
    priced = np.abs(prices[0] - prices[1]) / smile.forward
    return Miss(
        quotes=len(off),
        vol_rms=float(np.sqrt(np.average(off**2, weights=quotes.weight))),
        vol_rms_plain=float(np.sqrt(np.mean(off**2))),
        vol_max=float(off.max()),
        price_rms=float(np.sqrt(np.mean(priced**2))),
        price_max=float(priced.max()),
    )
