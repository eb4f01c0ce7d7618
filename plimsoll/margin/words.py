"""The packed words of docs/storage.md as frozen dataclasses: `from_word` decodes, `to_word` encodes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self


class FieldOverflow(OverflowError):
    """A value does not fit its field; casting it in Solidity would revert."""


class _Slot(NamedTuple):
    name: str
    shift: int
    bits: int
    signed: bool


def uint(bits: int) -> Any:
    return field(default=0, metadata={"bits": bits, "signed": False})


def sint(bits: int) -> Any:
    return field(default=0, metadata={"bits": bits, "signed": True})


_layouts: dict[type, tuple[_Slot, ...]] = {}


def _layout(kind: type[Word]) -> tuple[_Slot, ...]:
    if kind in _layouts:
        return _layouts[kind]
    slots, shift = [], 0
    for item in fields(kind):
        bits = item.metadata["bits"]
        slots.append(_Slot(item.name, shift, bits, item.metadata["signed"]))
        shift += bits
    if shift > 256:
        raise TypeError(f"{kind.__name__} takes {shift} bits")
    return _layouts.setdefault(kind, tuple(slots))


@dataclass(frozen=True, slots=True)
class Word:
    """One storage slot; fields are declared from the lowest bits upwards, as Solidity lays them out."""

    @classmethod
    def from_word(cls, word: int) -> Self:
        values = {}
        for name, shift, bits, signed in _layout(cls):
            value = word >> shift & (1 << bits) - 1
            values[name] = value - (1 << bits) if signed and value >> bits - 1 else value
        return cls(**values)

    def to_word(self) -> int:
        word = 0
        for name, shift, bits, signed in _layout(type(self)):
            value = getattr(self, name)
            low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
            if not low <= value <= high:
                raise FieldOverflow(f"{type(self).__name__}.{name} = {value} is outside [{low}, {high}]")
            word |= (value & (1 << bits) - 1) << shift
        return word


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


# ---------------------------------------------------------------- per perp market


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
