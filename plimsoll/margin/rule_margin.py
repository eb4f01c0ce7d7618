"""Margin by rule, for cross accounts; isolated is cross with one market. Twin of contracts/margin/RuleMargin.sol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.margin.fixed_math import BPS, ceil_div, positive
from plimsoll.margin.tier_math import pack_rates, requirement
from plimsoll.margin.words import MarketRisk


class Assessment(NamedTuple):
    """What an account is worth and must hold, quote WAD; the order of IMarginEngine.Assessment."""

    equity: int
    im: int
    im0: int
    mm: int
    notional: int


class AssetExposure(NamedTuple):
    """Quote WAD and bps."""

    value: int
    haircut_im: int
    haircut_mm: int

    def to_word(self) -> int:
        return self.value << 32 | self.haircut_mm << 16 | self.haircut_im


class PerpExposure(NamedTuple):
    """Quote WAD, funding included in pnl."""

    notional: int
    pnl: int
    risk: MarketRisk


@dataclass(frozen=True, slots=True)
class RuleMargin:
    """mm_floor and im_floor in quote WAD, pnl_share in bps: the immutables of the contract."""

    mm_floor: int
    im_floor: int
    pnl_share: int

    def __post_init__(self) -> None:
        if not 0 < self.mm_floor < self.im_floor:
            raise ValueError(f"floors unordered: maintenance {self.mm_floor}, initial {self.im_floor}")
        if not 0 <= self.pnl_share <= BPS:
            raise ValueError(f"pnl_share {self.pnl_share} is outside [0, {BPS}]")

    def assess(self, assets: Iterable[AssetExposure], perps: Iterable[PerpExposure]) -> Assessment:
        equity = im0 = mm = notional = pnl = 0
        exposed = False
        for asset in assets:
            equity += asset.value
            im0 += ceil_div(asset.value * asset.haircut_im, BPS)
            mm += ceil_div(asset.value * asset.haircut_mm, BPS)
        for perp in perps:
            pnl += perp.pnl
            exposed |= perp.notional > 0 or perp.pnl < 0
            notional += perp.notional
            mm += maintenance(perp.notional, perp.risk)
            im0 += initial(perp.notional, perp.risk)
        if not exposed:
            return Assessment(equity + pnl, 0, 0, 0, 0)
        mm = max(mm, self.mm_floor)
        im0 = max(im0, self.im_floor)
        im = im0 + ceil_div(positive(pnl) * (BPS - self.pnl_share), BPS)
        return Assessment(equity + pnl, im, im0, mm, notional)


def maintenance(notional: int, risk: MarketRisk) -> int:
    rates = pack_rates(risk.mm_rate1, risk.mm_rate2, risk.mm_rate3)
    return requirement(notional, rates, risk.bound1, risk.bound2)


def initial(notional: int, risk: MarketRisk) -> int:
    rates = pack_rates(risk.im_rate1, risk.im_rate2, risk.im_rate3)
    return requirement(notional, rates, risk.bound1, risk.bound2)
