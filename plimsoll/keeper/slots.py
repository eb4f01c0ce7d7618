"""The words that the lens's tables lack, read straight from the engine's slots, all in one call.

keys = Slots.keys(asset_mask, market_mask)      which; they depend on nothing but what is listed
slots = Slots.of(asset_mask, market_mask, words)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plimsoll import ledger
from plimsoll.margin.account import PAIR, bits
from plimsoll.margin.words import Debts, Lending, MarketRamp, ModelRamp, Pair


@dataclass(frozen=True, slots=True)
class Slots:
    """By asset, by a pair's code, by market."""

    model: ModelRamp = field(default_factory=ModelRamp)
    lending: Mapping[int, Lending] = field(default_factory=dict)
    debts: Mapping[int, Debts] = field(default_factory=dict)
    pairs: Mapping[int, Pair] = field(default_factory=dict)
    ramps: Mapping[int, MarketRamp] = field(default_factory=dict)

    @staticmethod
    def keys(assets: int, markets: int) -> list[int]:
        """Slots in the order in which `of` takes their words."""
        listed = list(bits(assets))
        keys = [ledger.MODEL_RAMP]
        keys += [ledger.lending(asset) for asset in listed]
        keys += [ledger.debts(asset) for asset in listed]
        keys += [ledger.pair(code) for code in _codes(listed)]
        return keys + [ledger.market(market, ledger.RAMP) for market in bits(markets)]

    @classmethod
    def of(cls, assets: int, markets: int, words: list[int]) -> Slots:
        rest, listed = iter(words), list(bits(assets))
        return cls(
            model=ModelRamp.from_word(next(rest)),
            lending={asset: Lending.from_word(next(rest)) for asset in listed},
            debts={asset: Debts.from_word(next(rest)) for asset in listed},
            pairs={code: pair for code in _codes(listed) if (pair := Pair.from_word(next(rest))).listed},
            ramps={market: MarketRamp.from_word(next(rest)) for market in bits(markets)},
        )


def _codes(assets: list[int]) -> list[int]:
    """Of every pair that there can be."""
    return [PAIR | collateral << 6 | debt for collateral in assets for debt in assets if collateral != debt]
