"""The packed words of docs/storage.md as frozen dataclasses: `from_word` decodes, `to_word` encodes."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.margin.market_words import (
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    Untouched,
)
from plimsoll.margin.word import FieldOverflow, Word, sint, uint

__all__ = [
    "AssetParams",
    "Balance",
    "Debts",
    "FieldOverflow",
    "Flow",
    "Globals",
    "Header",
    "Lending",
    "Limits",
    "MarketClosing",
    "MarketCosts",
    "MarketInsurance",
    "MarketLoss",
    "MarketRamp",
    "MarketRisk",
    "MarketState",
    "MarketTrade",
    "ModelRamp",
    "OperatorLimits",
    "OperatorSpent",
    "Pair",
    "Pool",
    "Position",
    "Price",
    "Settlement",
    "Terms",
    "Totals",
    "Untouched",
    "Word",
]

# ---------------------------------------------------------------- per account


@dataclass(frozen=True, slots=True)
class Header(Word):
    assets: int = uint(64)
    markets: int = uint(64)
    options: int = uint(16)
    call_deadline: int = uint(32)
    clock_start: int = uint(32)
    listed: int = uint(8)
    debts: int = uint(8)


@dataclass(frozen=True, slots=True)
class Balance(Word):
    """kind: HELD_ONLY, LENT or DEBT; shares are of the kind."""

    held: int = sint(128)
    shares: int = uint(120)
    kind: int = uint(8)


@dataclass(frozen=True, slots=True)
class Position(Word):
    size: int = sint(64)
    cost: int = sint(96)
    epoch: int = uint(16)


@dataclass(frozen=True, slots=True)
class OperatorLimits(Word):
    markets: int = uint(64)
    max_notional: int = uint(64)
    max_leverage: int = uint(16)
    reduce_only: int = uint(8)
    expiry: int = uint(32)
    max_cost_ppm: int = uint(32)
    lockdown_epoch: int = uint(32)


@dataclass(frozen=True, slots=True)
class OperatorSpent(Word):
    max_cost_daily: int = uint(64)
    day: int = uint(32)
    spent: int = uint(128)


# ---------------------------------------------------------------- per asset


@dataclass(frozen=True, slots=True)
class AssetParams(Word):
    decimals: int = uint(8)
    feed: int = uint(8)
    haircut_im: int = uint(16)
    haircut_mm: int = uint(16)
    max_age: int = uint(16)
    sigma: int = uint(16)
    from_im: int = uint(16)
    from_mm: int = uint(16)
    ramp_end: int = uint(32)


@dataclass(frozen=True, slots=True)
class Lending(Word):
    """Indices 1e-12, utilisation 1e-7, rate_at_target 1e-13 per year, reserve_share bps."""

    debt_index: int = uint(64)
    lent_index: int = uint(64)
    accrued_at: int = uint(32)
    utilisation: int = uint(24)
    rate_at_target: int = uint(48)
    reserve_share: int = uint(16)


@dataclass(frozen=True, slots=True)
class Totals(Word):
    held: int = uint(128)
    lent_shares: int = uint(128)


@dataclass(frozen=True, slots=True)
class Debts(Word):
    shares: int = uint(112)
    reserve: int = uint(112)


@dataclass(frozen=True, slots=True)
class Limits(Word):
    supply_cap: int = uint(104)
    borrow_cap: int = uint(104)
    cap_since: int = uint(32)
    borrow_velocity: int = uint(16)


@dataclass(frozen=True, slots=True)
class Flow(Word):
    window_start: int = uint(32)
    net_borrowed: int = sint(128)


@dataclass(frozen=True, slots=True)
class Pair(Word):
    """The haircuts of an isolated pair's collateral."""

    haircut_im: int = uint(16)
    haircut_mm: int = uint(16)
    from_im: int = uint(16)
    from_mm: int = uint(16)
    ramp_end: int = uint(32)
    listed: int = uint(8)


# ---------------------------------------------------------------- global


@dataclass(frozen=True, slots=True)
class Globals(Word):
    model: int = uint(160)
    lock: int = uint(8)
    paused_until: int = uint(32)
    block_time: int = uint(8)
    kappa: int = uint(8)
    quote_feed: int = uint(8)
    depeg_threshold: int = uint(16)
    depeg_factor: int = uint(8)
    flags: int = uint(8)


@dataclass(frozen=True, slots=True)
class ModelRamp(Word):
    model: int = uint(160)
    end: int = uint(32)


@dataclass(frozen=True, slots=True)
class Pool(Word):
    owner: int = uint(160)
    contribution_sum: int = sint(96)


@dataclass(frozen=True, slots=True)
class Terms(Word):
    lambda_: int = uint(16)
    beta: int = uint(16)
    bonus_start: int = uint(16)
    bonus_slope: int = uint(16)
    insurance_share: int = uint(16)
    min_slice: int = uint(16)
    bonus_ramp: int = uint(24)
    call_period: int = uint(24)
    insurance_window: int = uint(24)
    bounty: int = uint(16)
    dust: int = uint(24)
    lambda_from: int = uint(16)
    lambda_ramp_end: int = uint(32)


@dataclass(frozen=True, slots=True)
class Settlement(Word):
    """Of an expiry: price 1e-10 once it is final, until then weighted is Σ price × seconds."""

    price: int = uint(72)
    weighted: int = uint(96)
    covered: int = uint(24)
    observed_at: int = uint(32)


@dataclass(frozen=True, slots=True)
class Price(Word):
    """A price's word; interfaces/IOracleRouter.sol tells what each field means."""

    value: int = uint(72)
    confidence: int = uint(24)
    published_at: int = uint(32)
    seen_at: int = uint(32)
    written_block: int = uint(32)
    disputed_until: int = uint(32)
    status: int = uint(8)
    mm_from: int = uint(8)
    multiplier: int = uint(8)
    phase: int = uint(8)
