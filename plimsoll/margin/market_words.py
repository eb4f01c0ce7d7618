"""The words of a perp market, docs/storage.md."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.margin.word import Word, sint, uint


@dataclass(frozen=True, slots=True)
class MarketState(Word):
    long_size: int = uint(56)
    short_size: int = uint(56)
    funding_index: int = sint(64)
    funding_rate: int = sint(32)
    accrued_at: int = uint(32)
    epoch: int = uint(16)

    @property
    def skew(self) -> int:
        return self.long_size - self.short_size

    @property
    def open_interest(self) -> int:
        return self.long_size + self.short_size


@dataclass(frozen=True, slots=True)
class MarketRisk(Word):
    """Bounds are decimal floats in thousands of quote."""

    mm_rate1: int = uint(16)
    mm_rate2: int = uint(16)
    mm_rate3: int = uint(16)
    im_rate1: int = uint(16)
    im_rate2: int = uint(16)
    im_rate3: int = uint(16)
    bound1: int = uint(16)
    bound2: int = uint(16)
    oi_lower: int = uint(16)
    feed: int = uint(8)
    max_age: int = uint(16)
    sigma: int = uint(16)
    funding_velocity: int = uint(32)
    max_funding_rate: int = uint(16)
    flags: int = uint(8)
    oi_upper: int = uint(16)


@dataclass(frozen=True, slots=True)
class MarketRamp(Word):
    """What rates and bounds were before their last change, and when the change has arrived in full."""

    mm_rate1: int = uint(16)
    mm_rate2: int = uint(16)
    mm_rate3: int = uint(16)
    im_rate1: int = uint(16)
    im_rate2: int = uint(16)
    im_rate3: int = uint(16)
    bound1: int = uint(16)
    bound2: int = uint(16)
    start: int = uint(32)
    end: int = uint(32)


@dataclass(frozen=True, slots=True)
class MarketCosts(Word):
    long_cost: int = sint(96)
    short_cost: int = sint(96)
    contribution: int = sint(64)


@dataclass(frozen=True, slots=True)
class MarketTrade(Word):
    skew_scale: int = uint(64)
    max_skew: int = uint(56)
    max_oi: int = uint(56)
    maker_fee: int = uint(16)
    taker_fee: int = uint(16)
    allocation: int = uint(16)
    move: int = uint(16)
    gap: int = uint(16)


@dataclass(frozen=True, slots=True)
class MarketInsurance(Word):
    cap: int = uint(64)
    window_start: int = uint(32)
    spent: int = uint(128)


@dataclass(frozen=True, slots=True)
class MarketLoss(Word):
    """flat_cost: of positions of size zero; pool_spent: what the pool paid of deficits since window_start, WAD."""

    flat_cost: int = sint(96)
    pool_spent: int = uint(96)
    window_start: int = uint(32)


@dataclass(frozen=True, slots=True)
class MarketClosing(Word):
    """weighted: Σ price × seconds until the price is final."""

    final_price: int = uint(72)
    weighted: int = uint(96)
    covered: int = uint(24)
    opened_at: int = uint(32)
    observed_at: int = uint(32)


@dataclass(frozen=True, slots=True)
class Untouched(Word):
    """What the positions of a side that have not met its last epoch have in the sums, as epoch_math.Share."""

    size: int = uint(120)
    cost: int = sint(136)
