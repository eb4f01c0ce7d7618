"""Margin by rule, for cross and isolated accounts. Twin of contracts/margin/RuleMargin.sol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from plimsoll.margin import ramp_math
from plimsoll.margin.fixed_math import BPS, PPM, ceil_div, positive
from plimsoll.margin.option_terms import OptionTerms, broken_bounds, is_doubtful
from plimsoll.margin.rule_options import ExpiryExposure, assess_options
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
    """Net value in quote WAD, below zero for a debt; haircuts in bps, with ramps and volatility in them; doubt: 1 − the
    price's confidence, ppm."""

    value: int
    haircut_im: int
    haircut_mm: int
    haircut_im0: int
    doubt: int = 0

    def to_word(self) -> int:
        value = self.value % 2**208
        return value << 48 | self.haircut_im << 32 | self.haircut_mm << 16 | self.haircut_im0

    def to_tag(self, feed: int = 0, index: int = 0) -> int:
        return feed | self.doubt << 8 | index << 32


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
    short: bool = False
    doubt: int = 0

    def to_words(self) -> tuple[int, int, int, int]:
        first = self.notional | self.mult_im << 136 | self.mult_mm << 160 | self.oi_share << 184
        first |= int(self.short) << 200 | self.doubt << 201
        old = self.old | self.old_share << 128 if self.old_share else 0
        return first, self.pnl % 2**256, self.risk.to_word(), old


@dataclass(frozen=True, slots=True)
class RuleMargin:
    """mm_floor and im_floor in quote WAD, pnl_share in bps: the immutables of the contract."""

    mm_floor: int
    im_floor: int
    pnl_share: int
    options: OptionTerms = field(default_factory=OptionTerms)

    @classmethod
    def of(cls, read: Callable[[str], int]) -> RuleMargin:
        """The model whose immutables `read` returns by name."""
        mm_floor, im_floor, pnl_share, options = map(read, ("MM_FLOOR", "IM_FLOOR", "PNL_SHARE", "OPTION_TERMS"))
        return cls(mm_floor, im_floor, pnl_share, OptionTerms.from_word(options))

    def __post_init__(self) -> None:
        if not 0 < self.mm_floor < self.im_floor:
            raise ValueError(f"floors unordered: maintenance {self.mm_floor}, initial {self.im_floor}")
        if not 0 <= self.pnl_share <= BPS:
            raise ValueError(f"pnl_share {self.pnl_share} is outside [0, {BPS}]")
        for bound in broken_bounds(self.options):
            raise ValueError(f"options: {bound.error} {bound.values}: {bound.remedy}")

    def assess(self, assets: Iterable[AssetExposure], perps: Iterable[PerpExposure]) -> Assessment:
        return self._finished(*self._assets_and_perps(assets, perps))

    def assess_options(
        self,
        assets: Iterable[AssetExposure],
        perps: Iterable[PerpExposure],
        expiries: Iterable[ExpiryExposure],
    ) -> Assessment:
        """With options: also what initial margin rises by where a price is less sure than its threshold."""
        assets, perps, terms = list(assets), list(perps), self.options
        found, exposed = self._assets_and_perps(assets, perps)
        doubts = [(abs(asset.value), asset.doubt, terms.asset_threshold) for asset in assets]
        doubts += [(perp.notional, perp.doubt, terms.perp_threshold) for perp in perps]
        options = assess_options(terms, expiries)
        total = Assessment(
            equity=found.equity + options.equity,
            im=found.im + sum(_doubted(terms, *doubt) for doubt in doubts) + options.im,
            im0=found.im0 + options.im0,
            mm=found.mm + options.mm,
            notional=found.notional + options.notional,
        )
        return self._finished(total, exposed or options.exposed)

    def _assets_and_perps(
        self, assets: Iterable[AssetExposure], perps: Iterable[PerpExposure]
    ) -> tuple[Assessment, bool]:
        """What they need, and whether anything is to secure."""
        equity = im = im0 = mm = notional = pnl = 0
        owes = exposed = traded = False
        for asset in assets:
            equity += asset.value
            owes |= asset.value < 0
            im += ceil_div(abs(asset.value) * asset.haircut_im, BPS)
            im0 += ceil_div(abs(asset.value) * asset.haircut_im0, BPS)
            mm += ceil_div(abs(asset.value) * asset.haircut_mm, BPS)
        for perp in perps:
            traded = True
            pnl += perp.pnl
            exposed |= perp.notional > 0 or perp.pnl < 0
            notional += perp.notional
            one = perp_requirements(perp)
            im, im0, mm = im + one.im, im0 + one.im0, mm + one.mm
        if traded:
            # Nobody lends on what the pool may not have the cash to pay.
            share = 0 if owes else self.pnl_share
            im = max(im, self.im_floor) + ceil_div(positive(pnl) * (BPS - share), BPS)
        return Assessment(equity + pnl, im, im0, mm, notional), exposed or owes

    def _finished(self, a: Assessment, exposed: bool) -> Assessment:
        if not exposed:
            return Assessment(a.equity, 0, 0, 0, a.notional)
        return a._replace(im=max(a.im, self.im_floor), im0=max(a.im0, self.im_floor), mm=max(a.mm, self.mm_floor))


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


def _doubted(terms: OptionTerms, size: int, doubt: int, threshold: int) -> int:
    doubt = min(doubt, PPM)
    return terms.contingency(size, doubt) if threshold and is_doubtful(doubt, threshold) else 0
