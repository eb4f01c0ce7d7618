"""What assets and perps mean to an account's model. Twin of AssetValues.sol and PerpValues.sol in contracts/margin."""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.margin import fixed_math, funding_math, interest_math, position_math, ramp_math
from plimsoll.margin.asset_math import value_down, value_up
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div
from plimsoll.margin.rule_margin import AssetExposure, PerpExposure
from plimsoll.margin.snapshot import (
    DEBT,
    HELD_ONLY,
    PAIR,
    RAMPING,
    Account,
    NegativeBalance,
    PriceUnusable,
    PriceUse,
    Snapshot,
)
from plimsoll.margin.tier_math import interest_share
from plimsoll.margin.volatility_math import ONE, multipliers
from plimsoll.margin.words import AssetParams, Balance, Lending, MarketRisk, MarketState, Pair, Position, Price

MAX_EXPONENT = 5 * WAD


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
