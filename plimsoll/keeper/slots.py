"""The words that the lens's tables lack, read straight from the engine's slots, all in one call.

keys = Slots.keys(asset_mask, market_mask)      which; they depend on nothing but what is listed
slots = Slots.of(asset_mask, market_mask, words)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plimsoll import ledger
from plimsoll.margin.account import PAIR, bits
from plimsoll.margin.words import Debts, Lending, MarketInsurance, ModelRamp, Pair


@dataclass(frozen=True, slots=True)
class Slots:
    """By asset, and by a pair's code."""

    model: ModelRamp = field(default_factory=ModelRamp)
    lending: Mapping[int, Lending] = field(default_factory=dict)
    debts: Mapping[int, Debts] = field(default_factory=dict)
    pairs: Mapping[int, Pair] = field(default_factory=dict)
    insurance: Mapping[int, MarketInsurance] = field(default_factory=dict)

    @staticmethod
    def keys(assets: int) -> list[int]:
        """Slots in the order in which `of` takes their words."""
        listed = list(bits(assets))
        keys = [ledger.MODEL_RAMP]
        keys += [ledger.lending(asset) for asset in listed]
        keys += [ledger.debts(asset) for asset in listed]
        keys += [ledger.debt_insurance(asset) for asset in listed]
        return keys + [ledger.pair(code) for code in _codes(listed)]

    @classmethod
    def of(cls, assets: int, words: list[int]) -> Slots:
        rest, listed = iter(words), list(bits(assets))
        return cls(
            model=ModelRamp.from_word(next(rest)),
            lending={asset: Lending.from_word(next(rest)) for asset in listed},
            debts={asset: Debts.from_word(next(rest)) for asset in listed},
            insurance={asset: MarketInsurance.from_word(next(rest)) for asset in listed},
            pairs={code: pair for code in _codes(listed) if (pair := Pair.from_word(next(rest))).listed},
        )


def _codes(assets: list[int]) -> list[int]:
    """Of every pair that there can be."""
    return [PAIR | collateral << 6 | debt for collateral in assets for debt in assets if collateral != debt]
