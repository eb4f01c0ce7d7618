"""Accounts mirrored from chain, and what one is worth and must hold. Twin of contracts/MarginCheck.sol.

A `Snapshot` is everything of one block that a check reads besides the account: parameters, market states, prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from plimsoll.margin import fixed_math, funding_math, interest_math, liquidation_math, position_math, ramp_math
from plimsoll.margin.asset_math import QUOTE_PRICE, value_down, value_up
from plimsoll.margin.epoch_math import Epoch, touched
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div
from plimsoll.margin.rule_margin import Assessment, AssetExposure, PerpExposure, RuleMargin
from plimsoll.margin.tier_math import interest_share
from plimsoll.margin.volatility_math import ONE, multipliers
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
    "Epoch",
    "Globals",
    "Header",
    "Lending",
    "Market",
    "MarketClosing",
    "MarketCosts",
    "MarketInsurance",
    "MarketLoss",
    "MarketRamp",
    "MarketRisk",
    "MarketState",
    "MarketTrade",
    "ModelReplaced",
    "NegativeBalance",
    "Pair",
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
HELD_ONLY, LENT, DEBT = 0, 1, 2
PAIR = 0x8000
MAX_EXPONENT = 5 * WAD
REMOVAL_BPS = 1000
QUOTE_BPS = 10**6
DEPEG_UNIT = 10**11
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


# ---------------------------------------------------------------- the check


def assess(account: Account, snapshot: Snapshot, use: PriceUse = PriceUse.OPEN) -> Assessment:
    """Equity, IM, IM₀, MM and notional as MarginCheck.assess would return them, or its errors."""
    found = list(assets(account, snapshot, use).values())
    traded = list(perps(account, snapshot, use).values())
    result = snapshot.model.assess(found, traded)
    if snapshot.replaced and (share := ramp_math.old_share(snapshot.replaced.end, snapshot.time)):
        was = snapshot.replaced.model.assess(found, traded)
        im0 = ramp_math.between(was.im0, result.im0, share)
        result = result._replace(im0=im0, mm=ramp_math.between(was.mm, result.mm, share))
    owed = sum(-asset.value for asset in found if asset.value < 0)
    if gap := _depeg(account, snapshot, owed, use):
        result = result._replace(im=result.im + ceil_div((result.notional + owed) * gap, DEPEG_UNIT))
    return result


def assets(account: Account, snapshot: Snapshot, use: PriceUse) -> dict[int, AssetExposure]:
    """What each asset means to the model, by asset."""
    numbers = list(bits(account.header.assets))
    net = {asset: net_amount(account.balances[asset], asset, snapshot) for asset in numbers}
    return {asset: _asset(account, asset, net[asset], snapshot, use) for asset in numbers}


def perps(account: Account, snapshot: Snapshot, use: PriceUse) -> dict[int, PerpExposure]:
    """What each position means to the model, by market."""
    return {market: _perp(account.positions[market], snapshot, market, use) for market in bits(account.header.markets)}


def bits(bitmap: int) -> Iterator[int]:
    """The set bits, lowest first."""
    while bitmap:
        yield (bitmap & -bitmap).bit_length() - 1
        bitmap &= bitmap - 1


def pair_of(id: bytes) -> int:
    """The code of the collateral/debt pair that an isolated account is bound to; zero for other accounts."""
    market = int.from_bytes(id[21:23], "big")
    return market if id[20] == 1 and market & PAIR else 0


def indices(lending: Lending, time: int) -> tuple[int, int]:
    """The debt and the lent index as they stand at `time`."""
    w = lending
    elapsed = time - w.accrued_at
    _, debt, lent = interest_math.project(
        w.rate_at_target, w.utilisation, w.reserve_share, elapsed, w.debt_index, w.lent_index
    )
    return debt, lent


def net_amount(balance: Balance, asset: int, snapshot: Snapshot) -> int:
    """Held + ⌊lent⌋ − ⌈owed⌉, token units."""
    if balance.held < 0:
        raise NegativeBalance(asset, balance.held)
    if balance.kind == HELD_ONLY:
        return balance.held
    debt, lent = indices(snapshot.lending[asset], snapshot.time)
    if balance.kind == DEBT:
        return balance.held - interest_math.amount_up(balance.shares, debt)
    return balance.held + interest_math.amount_down(balance.shares, lent)


def _asset(account: Account, asset: int, amount: int, snapshot: Snapshot, use: PriceUse) -> AssetExposure:
    params = snapshot.assets[asset]
    price = snapshot.price(params.feed)
    value = asset_price(snapshot, price, params, use, owed=amount < 0) if amount else 0
    worth = -value_up(-amount, value, params.decimals) if amount < 0 else value_down(amount, value, params.decimals)
    return AssetExposure(worth, *haircuts(pair_of(account.id), asset, snapshot))


def asset_price(snapshot: Snapshot, price: Price, params: AssetParams, use: PriceUse, *, owed: bool) -> int:
    """What an amount that is held, or owed, counts at: zero for a failed price where risk is taken."""
    good, value = used_price(snapshot, price, params.max_age, params.sigma, use, long=not owed)
    if good or use in (PriceUse.REDUCE, PriceUse.TARGET):
        return value
    if owed and use == PriceUse.OPEN:
        raise PriceUnusable(params.feed, price_age(price, snapshot.time), price.status)
    return value if owed else 0


def haircuts(pair: int, asset: int, snapshot: Snapshot) -> tuple[int, int, int]:
    """IM, MM and IM₀ haircut of an asset in an account of `pair` (zero: of no pair), bps."""
    params: AssetParams | Pair = snapshot.assets[asset]
    if pair and asset == pair & 63:
        return 0, 0, 0
    if pair and asset == pair >> 6 & 63:
        params = snapshot.pairs[pair]
    mult_im, mult_mm = multipliers(snapshot.price(snapshot.assets[asset].feed).to_word(), snapshot.time)
    im0 = ramp_math.value_at(params.from_im, params.haircut_im, params.ramp_end, snapshot.time)
    mm = ramp_math.value_at(params.from_mm, params.haircut_mm, params.ramp_end, snapshot.time)
    scaled = ((params.haircut_im, mult_im), (mm, mult_mm), (im0, mult_mm))
    im, mm, im0 = (min(ceil_div(haircut * multiplier, ONE), BPS) for haircut, multiplier in scaled)
    return im, mm, im0


def _depeg(account: Account, snapshot: Snapshot, owed: int, use: PriceUse) -> int:
    """What the quote asset trades below its threshold, times the factor, 1e-11; zero without a feed for it."""
    g = snapshot.globals
    if not g.quote_feed:
        return 0
    price = snapshot.price(g.quote_feed)
    good = is_good(price, snapshot.assets[QUOTE].max_age, snapshot.time)
    if use == PriceUse.OPEN and not good and (account.header.markets or owed):
        raise PriceUnusable(g.quote_feed, price_age(price, snapshot.time), price.status)
    return fixed_math.positive(g.depeg_threshold * QUOTE_BPS - price.value) * g.depeg_factor


def _perp(position: Position, snapshot: Snapshot, market: int, use: PriceUse) -> PerpExposure:
    risk, state = snapshot.markets[market].risk, snapshot.markets[market].state
    position, price = snapshot.touched(position, market), snapshot.price_in(snapshot.markets[market])
    good, value = used_price(snapshot, price, risk.max_age, risk.sigma, use, long=position.size > 0)
    if position.size == 0:
        value = price.value  # it owes or is owed what it is, whatever the price
    elif not good and use == PriceUse.OPEN:
        raise PriceUnusable(risk.feed, price_age(price, snapshot.time), price.status)
    index = index_now(state, risk, price.value, snapshot.time)
    pnl = position_math.pnl(position.size, position.cost, value, index)
    return PerpExposure(position_math.notional(position.size, value), pnl, risk, *market_terms(snapshot, market))


def market_terms(snapshot: Snapshot, market: int) -> tuple[int, int, int, int, int]:
    """What all positions of a market share: multipliers, interest share, old table and what of it still stands."""
    found = snapshot.markets[market]
    risk, price = found.risk, snapshot.price_in(found)
    mult_im, mult_mm = multipliers(price.to_word(), snapshot.time)
    interest = interest_share(found.state.open_interest * price.value, risk.oi_lower, risk.oi_upper)
    share = ramp_math.old_share(found.ramp.end, snapshot.time) if risk.flags & RAMPING else 0
    return mult_im, mult_mm, interest, found.ramp.to_word() % 2**128 if share else 0, share


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
    sigma = scaled_sigma(sigma, multipliers(price.to_word(), snapshot.time)[0])
    return good, moved(price.value, sigma, snapshot.globals.kappa, price_age(price, snapshot.time), up=up)


def scaled_sigma(sigma: int, multiplier: int) -> int:
    """A listed σ at the volatility that the feed has now, rounded up."""
    return ceil_div(sigma * multiplier, ONE)


def moved(price: int, sigma: int, kappa: int, secs: int, *, up: bool) -> int:
    """price·e^{±κσ√age}; kappa in tenths, sigma in bps per √year."""
    exponent = min(kappa * sigma * fixed_math.sqrt_years(secs) // (10 * BPS), MAX_EXPONENT)
    return price * fixed_math.exp_wad(exponent if up else -exponent) // WAD


# ---------------------------------------------------------------- levels and state


def lambda_now(terms: Terms, time: int) -> int:
    """λ on its ramp, bps."""
    return ramp_math.value_at(terms.lambda_from, terms.lambda_, terms.lambda_ramp_end, time)


def call_margin(assessment: Assessment, terms: Terms, time: int) -> int:
    return liquidation_math.call_margin(assessment.im0, assessment.mm, lambda_now(terms, time))


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
    return assessment.equity < call_margin(assessment, snapshot.terms, snapshot.time)


def account_state(account: Account, assessment: Assessment, snapshot: Snapshot) -> AccountState:
    """Twin of MarginCheck.stateOf."""
    if assessment.equity < 0:
        return AccountState.BANKRUPT
    if is_liquidatable(account, assessment, snapshot):
        return AccountState.LIQUIDATABLE
    if account.header.call_deadline != 0:
        return AccountState.CALLED
    return AccountState.RESTRICTED if assessment.equity < assessment.im else AccountState.HEALTHY
