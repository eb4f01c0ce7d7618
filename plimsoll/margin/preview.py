"""What a slice or a fill would cost if it were sent now, and what the pool is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from plimsoll.margin import account as accounts
from plimsoll.margin import fill_math, liquidation_math, position_math
from plimsoll.margin.account import (
    Account,
    Assessment,
    Balance,
    Market,
    MarketInsurance,
    Position,
    PriceUse,
    Snapshot,
    index_now,
    price_age,
)
from plimsoll.margin.asset_math import QUOTE_PRICE, to_units_up, value_down
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div, mul_div_down, mul_div_up, positive
from plimsoll.margin.volatility_math import multipliers

DUST_UNIT = WAD // 100
_NO_COVER = MarketInsurance()


@dataclass(frozen=True, slots=True)
class Slice:
    """The slice `fraction` of an account: `bonus` is the rate d, the rest quote WAD. No slice: max_fraction 0."""

    max_fraction: int
    min_fraction: int
    fraction: int
    bonus: int
    to_account: int
    to_insurance: int
    worth: int

    @property
    def paid(self) -> int:
        return self.to_account + self.to_insurance

    @property
    def gain(self) -> int:
        """Value over price to the liquidator; without what insurance adds for a bankrupt account."""
        return self.worth - self.paid


def liquidation(
    account: Account, snapshot: Snapshot, fraction: int = WAD, assessment: Assessment | None = None
) -> Slice:
    """The slice `fraction` (clipped to the largest allowed) at the prices a target is liquidated at."""
    found = assessment or accounts.assess(account, snapshot, PriceUse.TARGET)
    terms = snapshot.terms
    started = account.header.clock_start
    elapsed = snapshot.time - started if started else 0
    bonus = liquidation_math.bonus_rate(
        found.equity,
        found.mm,
        elapsed,
        terms.bonus_start,
        terms.bonus_slope,
        terms.bonus_ramp,
        terms.insurance_share,
    )
    most = 0
    if accounts.is_liquidatable(account, found, snapshot):
        rate = bonus + terms.insurance_share * liquidation_math.UNIT
        goal = accounts.target(found, terms)
        most = liquidation_math.max_fraction(found.equity, found.mm, goal, rate, terms.dust * DUST_UNIT)
    least = min(most, terms.min_slice * (WAD // BPS))
    taken = most if most == WAD else min(fraction, most)  # the rule may say: whole or not at all
    to_account, to_insurance = liquidation_math.price(found.equity, found.mm, taken, bonus, terms.insurance_share)
    return Slice(most, least, taken, bonus, to_account, to_insurance, found.equity * taken // WAD)


def insurance_cover(account: Account, snapshot: Snapshot, cash: int) -> int:
    """What insurance with `cash` quote token units pays a bankrupt account's taker; twin of LossLogic.cover."""
    found = accounts.assess(account, snapshot, PriceUse.TARGET)
    if found.equity >= 0:
        return 0
    unit = quote_unit(snapshot)
    wanted = min(-found.equity + mul_div_down(found.mm, snapshot.terms.bonus_start, BPS), cash * unit)
    perps = accounts.perps(account, snapshot, PriceUse.TARGET)
    assets = accounts.assets(account, snapshot, PriceUse.TARGET)
    causes = [(positive(-perp.pnl), snapshot.markets[market].insurance) for market, perp in perps.items()]
    causes += [(positive(-a.value), snapshot.debt_insurance.get(asset, _NO_COVER)) for asset, a in assets.items()]
    total = sum(loss for loss, _ in causes)
    paid = 0
    for loss, window in causes:
        over = snapshot.time >= window.window_start + snapshot.terms.insurance_window
        left = positive(window.cap * WAD - (0 if over else window.spent))
        paid += min(mul_div_down(wanted, loss, total), left)
    return paid // unit * unit


def take(account: Account, snapshot: Snapshot, slice: Slice) -> tuple[Account, Account]:
    """The account after the slice was taken and paid for, and the slice in an empty account, before its payment."""
    assets = list(accounts.bits(account.header.assets))
    positions = {m: snapshot.touched(account.positions[m], m) for m in accounts.bits(account.header.markets)}
    parts = {asset: _part(account.balances[asset], slice.fraction) for asset in assets}
    cuts = {m: position_math.slice(held.size, held.cost, slice.fraction) for m, held in positions.items()}
    rest = {asset: _rest(account.balances[asset], part) for asset, part in parts.items()}
    quote = rest.get(accounts.QUOTE, Balance())
    paid = to_units_up(slice.to_account, quote_unit(snapshot))
    rest[accounts.QUOTE] = replace(quote, held=quote.held + paid)
    left = {m: (held.size - cuts[m][0], held.cost - cuts[m][1]) for m, held in positions.items()}
    header = account.header
    after = Account.of(account.id, rest, left, call_deadline=header.call_deadline, clock_start=header.clock_start)
    return _in_epochs(after, positions), _in_epochs(Account.of(bytes(32), parts, cuts), positions)


def _part(balance: Balance, fraction: int) -> Balance:
    """Held and lent down, debt up: twin of LiquidationLogic._moveAssets."""
    round_ = mul_div_up if balance.kind == accounts.DEBT else mul_div_down
    shares = round_(balance.shares, fraction, WAD)
    return Balance(mul_div_down(balance.held, fraction, WAD), shares, balance.kind if shares else 0)


def _rest(balance: Balance, part: Balance) -> Balance:
    shares = balance.shares - part.shares
    return Balance(balance.held - part.held, shares, balance.kind if shares else 0)


def _in_epochs(account: Account, positions: Mapping[int, Position]) -> Account:
    """`account` with its positions in the epochs that `positions` have met."""
    met = {m: replace(held, epoch=positions[m].epoch) for m, held in account.positions.items()}
    return replace(account, positions=met)


def quote_unit(snapshot: Snapshot) -> int:
    """WAD per token unit of the quote asset."""
    return 10 ** (18 - snapshot.assets[accounts.QUOTE].decimals)


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade against the pool, quote WAD; `limit_cost` is what the limit price bounds."""

    premium: int
    spread: int
    fee: int
    cost: int

    @property
    def limit_cost(self) -> int:
        return self.cost - self.fee


def fill(market: Market, snapshot: Snapshot, size: int) -> Fill:
    """What `size` (1e-8, positive buys) would cost at the market's last good price."""
    trade, risk, skew = market.trade, market.risk, market.state.skew
    price = snapshot.price_in(market)
    sigma = accounts.scaled_sigma(risk.sigma, multipliers(price.to_word(), snapshot.time)[0])
    cap = fill_math.spread_cap(risk.mm_rate1, trade.max_skew, trade.skew_scale, trade.taker_fee)
    rate = fill_math.spread_rate(
        snapshot.globals.kappa,
        sigma,
        price_age(price, snapshot.time),
        snapshot.globals.block_time,
        cap,
    )
    premium = fill_math.premium(size, skew, price.value, trade.skew_scale)
    spread = fill_math.spread(abs(size), price.value, rate)
    fee = fill_math.fee(size, skew, price.value, trade.maker_fee, trade.taker_fee)
    return Fill(premium, spread, fee, size * price.value + premium + spread + fee)


def market_contribution(market: Market, snapshot: Snapshot) -> int:
    """The pool's PnL in a market: C − skew·(p − F)."""
    price = snapshot.price_in(market).value
    index = index_now(market.state, market.risk, price, snapshot.time)
    return market.costs.long_cost + market.costs.short_cost - market.state.skew * (price - index)


def pool_equity(snapshot: Snapshot, cash: int) -> tuple[int, int]:
    """Equity, and what of it would be left if every trader closed at index; `cash` in quote token units."""
    equity = value_down(cash, QUOTE_PRICE, snapshot.assets[accounts.QUOTE].decimals)
    discount = 0
    for market in snapshot.markets.values():
        equity += market_contribution(market, snapshot)
        price = snapshot.price_in(market).value
        if market.trade.skew_scale:
            discount += ceil_div(price * market.state.skew**2, 2 * market.trade.skew_scale)
    return equity, equity - discount
