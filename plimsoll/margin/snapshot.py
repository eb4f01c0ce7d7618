"""What a check reads: an account, and everything of one block besides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from plimsoll.margin.asset_math import QUOTE_PRICE
from plimsoll.margin.epoch_math import Epoch, touched
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.words import (
    AssetParams,
    Balance,
    Globals,
    Header,
    Lending,
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    Pair,
    Position,
    Price,
    Settlement,
    Terms,
)

QUOTE = 0
HELD_ONLY, LENT, DEBT = 0, 1, 2
PAIR = 0x8000
REDUCE_ONLY, RAMPING, CLOSING = 1, 2, 4


class PriceUnusable(ArithmeticError):
    """A check that needs a good price met one that failed; the error of the same name in IMarginEngine."""

    def __init__(self, feed: int, age: int, status: int):
        super().__init__(f"price of feed {feed} is unusable: age {age} s, status {status}")
        self.feed, self.age, self.status = feed, age, status


class NegativeBalance(ArithmeticError):
    """An account ends a batch owing an asset; the error of the same name in IMarginEngine."""

    def __init__(self, asset: int, held: int):
        super().__init__(f"balance of asset {asset} is {held}")
        self.asset, self.held = asset, held


class SurfaceUnusable(ArithmeticError):
    """New risk on a surface that is stale, disputed, or not there; the error of the same name in IMarginEngine."""

    def __init__(self, market: int, expiry: int, age: int, status: int):
        super().__init__(f"surface of market {market} for expiry {expiry} is unusable: age {age} s, status {status}")
        self.market, self.expiry, self.age, self.status = market, expiry, age, status


class PriceUse(IntEnum):
    """The rows of DESIGN section 5, as MarginCheck.PriceUse."""

    OPEN = 0
    ACQUIRE = 1
    REDUCE = 2
    TARGET = 3


class AccountState(IntEnum):
    """As IMarginEngine.AccountState."""

    HEALTHY = 0
    RESTRICTED = 1
    CALLED = 2
    LIQUIDATABLE = 3
    BANKRUPT = 4


@dataclass(frozen=True, slots=True)
class Account:
    """One account; only balances and positions whose bit is set in the header count."""

    id: bytes
    header: Header = field(default_factory=Header)
    balances: Mapping[int, Balance] = field(default_factory=dict)
    positions: Mapping[int, Position] = field(default_factory=dict)
    #: series → quantity, 1e-8
    options: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def holding(
        cls,
        id: bytes,
        held: Mapping[int, int],
        positions: Mapping[int, tuple[int, int]],
        *,
        call_deadline: int = 0,
        clock_start: int = 0,
    ) -> Account:
        """An account from plain numbers: asset → token units, market → (size, cost)."""
        balances = {asset: Balance(held=amount) for asset, amount in held.items()}
        return cls.of(id, balances, positions, call_deadline=call_deadline, clock_start=clock_start)

    @classmethod
    def of(
        cls,
        id: bytes,
        balances: Mapping[int, Balance],
        positions: Mapping[int, tuple[int, int]],
        *,
        call_deadline: int = 0,
        clock_start: int = 0,
    ) -> Account:
        """An account from its balances, with what is lent and owed, and from market → (size, cost)."""
        header = Header(
            assets=sum(1 << asset for asset, balance in balances.items() if balance != Balance()),
            markets=sum(1 << market for market, entry in positions.items() if entry != (0, 0)),
            call_deadline=call_deadline,
            clock_start=clock_start,
            listed=1,
            debts=sum(balance.kind == DEBT for balance in balances.values()),
        )
        return cls(
            id=id,
            header=header,
            balances=balances,
            positions={market: Position(size=size, cost=cost) for market, (size, cost) in positions.items()},
        )


@dataclass(frozen=True, slots=True)
class Market:
    risk: MarketRisk
    state: MarketState = field(default_factory=MarketState)
    costs: MarketCosts = field(default_factory=MarketCosts)
    trade: MarketTrade = field(default_factory=MarketTrade)
    insurance: MarketInsurance = field(default_factory=MarketInsurance)
    ramp: MarketRamp = field(default_factory=MarketRamp)
    loss: MarketLoss = field(default_factory=MarketLoss)
    closing: MarketClosing = field(default_factory=MarketClosing)
    #: by number; those that a position has not met yet, their eras' ends, and what they point to
    epochs: Mapping[int, Epoch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Underlying:
    """A market whose options an account has, and the price that is used for them."""

    market: int
    price: Price


@dataclass(frozen=True, slots=True)
class ModelReplaced:
    """The model before the one that binds now, and when that one does so in full."""

    model: RuleMargin
    end: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One block: `time` is its timestamp; prices are by feed, feed 0 (the quote asset) need not be there.

    `lending` is by asset, `pairs` by the code of an isolated account's pair.
    """

    time: int
    model: RuleMargin
    globals: Globals
    terms: Terms
    assets: Mapping[int, AssetParams]
    markets: Mapping[int, Market]
    prices: Mapping[int, Price]
    block: int = 0
    lending: Mapping[int, Lending] = field(default_factory=dict)
    pairs: Mapping[int, Pair] = field(default_factory=dict)
    replaced: ModelReplaced | None = None
    debt_insurance: Mapping[int, MarketInsurance] = field(default_factory=dict)
    #: of portfolio accounts: an OptionModel (plimsoll.margin.option_values)
    portfolio: Any = None
    portfolio_replaced: ModelReplaced | None = None
    #: three words by market << 32 | expiry, as IVolatilityFeed.read answers; and settlement prices by the same
    surfaces: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    settlements: Mapping[int, Settlement] = field(default_factory=dict)

    def surface(self, market: int, expiry: int) -> tuple[int, int, int]:
        return self.surfaces.get(market << 32 | expiry, (0, 0, 0))

    def settlement(self, market: int, expiry: int) -> Settlement:
        """What was recorded of an expiry's price."""
        return self.settlements.get(market << 32 | expiry, Settlement())

    def price(self, feed: int) -> Price:
        return Price(value=QUOTE_PRICE, published_at=self.time) if feed == 0 else self.prices[feed]

    def price_in(self, market: Market) -> Price:
        """Its feed's, or the final one, which is always good."""
        if market.risk.flags & CLOSING and market.closing.final_price:
            return Price(value=market.closing.final_price, published_at=self.time, seen_at=self.time)
        return self.price(market.risk.feed)

    def touched(self, position: Position, market: int) -> Position:
        """The position as it will be when it is next touched."""
        found = self.markets[market]
        if position.epoch == found.state.epoch:
            return position
        size, cost = touched(found.epochs, position.size, position.cost, position.epoch, found.state.epoch)
        return Position(size, cost, found.state.epoch)
