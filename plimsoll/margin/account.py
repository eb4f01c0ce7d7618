"""Accounts mirrored from chain, and what one is worth and must hold. Twin of contracts/MarginCheck.sol.

A `Snapshot` is everything of one block that a check reads besides the account: parameters, market states, prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from plimsoll.margin import fixed_math, funding_math, liquidation_math, position_math
from plimsoll.margin.asset_math import QUOTE_PRICE, value_down
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div
from plimsoll.margin.rule_margin import Assessment, AssetExposure, PerpExposure, RuleMargin
from plimsoll.margin.words import (
    AssetParams,
    Balance,
    Globals,
    Header,
    MarketCosts,
    MarketInsurance,
    MarketRisk,
    MarketState,
    MarketTrade,
    Pool,
    Position,
    Price,
    Terms,
    Totals,
)

__all__ = [
    "QUOTE",
    "Account",
    "AccountState",
    "Assessment",
    "AssetParams",
    "Balance",
    "Globals",
    "Header",
    "Market",
    "MarketCosts",
    "MarketInsurance",
    "MarketRisk",
    "MarketState",
    "MarketTrade",
    "NegativeBalance",
    "Pool",
    "Position",
    "Price",
    "PriceUnusable",
    "PriceUse",
    "Snapshot",
    "Terms",
    "Totals",
    "account_state",
    "assess",
    "call_margin",
    "index_now",
    "is_good",
    "is_liquidatable",
    "moved",
    "perps",
    "price_age",
    "removal_margin",
    "target",
    "used_price",
]

QUOTE = 0
MAX_EXPONENT = 5 * WAD
REMOVAL_BPS = 1000


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
        header = Header(
            assets=sum(1 << asset for asset, amount in held.items() if amount),
            markets=sum(1 << market for market, entry in positions.items() if entry != (0, 0)),
            call_deadline=call_deadline,
            clock_start=clock_start,
            listed=1,
        )
        return cls(
            id=id,
            header=header,
            balances={asset: Balance(held=amount) for asset, amount in held.items()},
            positions={market: Position(size=size, cost=cost) for market, (size, cost) in positions.items()},
        )


@dataclass(frozen=True, slots=True)
class Market:
    risk: MarketRisk
    state: MarketState = field(default_factory=MarketState)
    costs: MarketCosts = field(default_factory=MarketCosts)
    trade: MarketTrade = field(default_factory=MarketTrade)
    insurance: MarketInsurance = field(default_factory=MarketInsurance)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One block: `time` is its timestamp; prices are by feed, feed 0 (the quote asset) need not be there."""

    time: int
    model: RuleMargin
    globals: Globals
    terms: Terms
    assets: Mapping[int, AssetParams]
    markets: Mapping[int, Market]
    prices: Mapping[int, Price]
    block: int = 0

    def price(self, feed: int) -> Price:
        return Price(value=QUOTE_PRICE, published_at=self.time) if feed == 0 else self.prices[feed]


# ---------------------------------------------------------------- the check


def assess(account: Account, snapshot: Snapshot, use: PriceUse = PriceUse.OPEN) -> Assessment:
    """Equity, IM, IM₀, MM and notional as MarginCheck.assess would return them, or its errors."""
    assets = [_asset(account, asset, snapshot, use) for asset in bits(account.header.assets)]
    return snapshot.model.assess(assets, perps(account, snapshot, use).values())


def perps(account: Account, snapshot: Snapshot, use: PriceUse) -> dict[int, PerpExposure]:
    """What each position means to the model, by market."""
    return {market: _perp(account.positions[market], snapshot, market, use) for market in bits(account.header.markets)}


def bits(bitmap: int) -> Iterator[int]:
    """The set bits, lowest first."""
    while bitmap:
        yield (bitmap & -bitmap).bit_length() - 1
        bitmap &= bitmap - 1


def _asset(account: Account, asset: int, snapshot: Snapshot, use: PriceUse) -> AssetExposure:
    held = account.balances[asset].held
    if held < 0:
        raise NegativeBalance(asset, held)
    params = snapshot.assets[asset]
    price = snapshot.price(0 if asset == QUOTE else params.feed)
    good, value = used_price(snapshot, price, params.max_age, params.sigma, use, long=True)
    counts = good or use in (PriceUse.REDUCE, PriceUse.TARGET)
    worth = value_down(held, value, params.decimals) if counts else 0
    return AssetExposure(worth, params.haircut_im, params.haircut_mm)


def _perp(position: Position, snapshot: Snapshot, market: int, use: PriceUse) -> PerpExposure:
    risk, state = snapshot.markets[market].risk, snapshot.markets[market].state
    price = snapshot.price(risk.feed)
    good, value = used_price(snapshot, price, risk.max_age, risk.sigma, use, long=position.size > 0)
    # A position of size zero owes or is owed what it is, whatever the price.
    if not good and use == PriceUse.OPEN and position.size:
        raise PriceUnusable(risk.feed, price_age(price, snapshot.time), price.status)
    index = index_now(state, risk, price.value, snapshot.time)
    pnl = position_math.pnl(position.size, position.cost, value, index)
    return PerpExposure(position_math.notional(position.size, value), pnl, risk)


def index_now(state: MarketState, risk: MarketRisk, price: int, now: int) -> int:
    """The funding index as it stands at `now`, accrued at the last good price."""
    elapsed = now - state.accrued_at
    _, growth = funding_math.project(
        state.funding_rate, state.skew, risk.funding_velocity, risk.max_funding_rate, elapsed, price
    )
    return state.funding_index + growth


# ---------------------------------------------------------------- prices


def price_age(price: Price, now: int) -> int:
    return max(now - price.published_at, 0)


def is_good(price: Price, max_age: int, now: int) -> bool:
    """Whether the last report passed all tests and is young enough."""
    return price.status == 0 and price.disputed_until <= now and price_age(price, now) <= max_age


def used_price(
    snapshot: Snapshot, price: Price, max_age: int, sigma: int, use: PriceUse, *, long: bool
) -> tuple[bool, int]:
    """Whether the price passes, and the value to use; `long`: a higher price is in the account's favour."""
    good = is_good(price, max_age, snapshot.time)
    if good or use in (PriceUse.OPEN, PriceUse.REDUCE):
        return good, price.value
    up = long if use == PriceUse.TARGET else not long
    return good, moved(price.value, sigma, snapshot.globals.kappa, price_age(price, snapshot.time), up=up)


def moved(price: int, sigma: int, kappa: int, secs: int, *, up: bool) -> int:
    """price·e^{±κσ√age}; kappa in tenths, sigma in bps per √year."""
    exponent = min(kappa * sigma * fixed_math.sqrt_years(secs) // (10 * BPS), MAX_EXPONENT)
    return price * fixed_math.exp_wad(exponent if up else -exponent) // WAD


# ---------------------------------------------------------------- levels and state


def call_margin(assessment: Assessment, terms: Terms) -> int:
    return liquidation_math.call_margin(assessment.im0, assessment.mm, terms.lambda_)


def target(assessment: Assessment, terms: Terms) -> int:
    return liquidation_math.target(assessment.im0, assessment.mm, terms.beta)


def removal_margin(assessment: Assessment) -> int:
    """What must stay when margin is withdrawn or transferred."""
    return max(assessment.im, ceil_div(assessment.notional * REMOVAL_BPS, BPS))


def is_liquidatable(account: Account, assessment: Assessment, snapshot: Snapshot) -> bool:
    """Below MM; or below the call margin with the deadline passed."""
    if assessment.equity < assessment.mm:
        return True
    deadline = account.header.call_deadline
    if deadline == 0 or snapshot.time <= deadline:
        return False
    return assessment.equity < call_margin(assessment, snapshot.terms)


def account_state(account: Account, assessment: Assessment, snapshot: Snapshot) -> AccountState:
    """Twin of MarginCheck.stateOf."""
    if assessment.equity < 0:
        return AccountState.BANKRUPT
    if is_liquidatable(account, assessment, snapshot):
        return AccountState.LIQUIDATABLE
    if account.header.call_deadline != 0:
        return AccountState.CALLED
    return AccountState.RESTRICTED if assessment.equity < assessment.im else AccountState.HEALTHY
