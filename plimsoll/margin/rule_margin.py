"""Margin by rule, for cross and isolated accounts. Twin of contracts/margin/RuleMargin.sol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.margin import ramp_math
from plimsoll.margin.fixed_math import BPS, ceil_div, positive
from plimsoll.margin.tier_math import requirements
from plimsoll.margin.volatility_math import ONE
from plimsoll.margin.words import MarketRisk


class Assessment(NamedTuple):
    """What an account is worth and must hold, quote WAD; the order of IMarginEngine.Assessment."""

    equity: int
    im: int
    im0: int
    mm: int
    notional: int


class AssetExposure(NamedTuple):
    """Net value in quote WAD, below zero for a debt; haircuts in bps, with ramps and volatility in them."""

    value: int
    haircut_im: int
    haircut_mm: int
    haircut_im0: int

    def to_word(self) -> int:
        value = self.value % 2**208
        return value << 48 | self.haircut_im << 32 | self.haircut_mm << 16 | self.haircut_im0


class PerpExposure(NamedTuple):
    """Quote WAD, funding included in pnl. Multipliers in 2^14, shares in bps; `old` the table that still stands."""

    notional: int
    pnl: int
    risk: MarketRisk
    mult_im: int = ONE
    mult_mm: int = ONE
    oi_share: int = 0
    old: int = 0
    old_share: int = 0

    def to_words(self) -> tuple[int, int, int, int]:
        first = self.notional | self.mult_im << 136 | self.mult_mm << 160 | self.oi_share << 184
        old = self.old | self.old_share << 128 if self.old_share else 0
        return first, self.pnl % 2**256, self.risk.to_word(), old


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
        equity = im = im0 = mm = notional = pnl = 0
        owes = exposed = False
        for asset in assets:
            equity += asset.value
            owes |= asset.value < 0
            im += ceil_div(abs(asset.value) * asset.haircut_im, BPS)
            im0 += ceil_div(abs(asset.value) * asset.haircut_im0, BPS)
            mm += ceil_div(abs(asset.value) * asset.haircut_mm, BPS)
        for perp in perps:
            pnl += perp.pnl
            exposed |= perp.notional > 0 or perp.pnl < 0
            notional += perp.notional
            one = perp_requirements(perp)
            im, im0, mm = im + one.im, im0 + one.im0, mm + one.mm
        if not exposed and not owes:
            return Assessment(equity + pnl, 0, 0, 0, 0)
        # Nobody lends on what the pool may not have the cash to pay.
        share = 0 if owes else self.pnl_share
        im = max(im, self.im_floor) + ceil_div(positive(pnl) * (BPS - share), BPS)
        return Assessment(equity + pnl, im, max(im0, self.im_floor), max(mm, self.mm_floor), notional)


class Requirements(NamedTuple):
    """Quote WAD."""

    im: int
    im0: int
    mm: int


def perp_requirements(perp: PerpExposure) -> Requirements:
    """IM of table, multiplier and open interest as they are now; IM₀ and MM of the ramped ones, without interest."""
    mm, im0 = requirements(perp.notional, perp.risk.to_word())
    im = _scaled(im0, perp.mult_im)
    im += ceil_div(positive(perp.notional - im) * perp.oi_share, BPS)
    if perp.old_share:
        old_mm, old_im = requirements(perp.notional, perp.old)
        mm = ramp_math.between(old_mm, mm, perp.old_share)
        im0 = ramp_math.between(old_im, im0, perp.old_share)
    return Requirements(im, _scaled(im0, perp.mult_mm), _scaled(mm, perp.mult_mm))


def _scaled(requirement: int, multiplier: int) -> int:
    return ceil_div(requirement * multiplier, ONE)
