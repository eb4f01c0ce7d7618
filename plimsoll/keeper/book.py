"""What a batch does to the keeper's account, computed before it is sent: exact twins of the engine's steps, no chain.

    book = Book.of(view, keeper)
    book.take(target, found, slice)      Liquidate: assets, loans, positions and insurance in, the price out
    book.close()                         everything sold, bought, repaid and closed until nothing is left
    book.quote                           what remains, in quote token units; below zero the batch would be refused

Twin of LiquidationLogic.liquidate, LossLogic.cover, PerpTrading.move/trade/closeOut. Integers only. What the exchange
does is plimsoll.keeper.sales.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from plimsoll.exchange.depth import Depths
from plimsoll.keeper.mirror import View
from plimsoll.margin import account as accounts
from plimsoll.margin import funding_math, interest_math, position_math, preview
from plimsoll.margin.account import DEBT, LENT, QUOTE, Account, Assessment, PriceUse, Snapshot
from plimsoll.margin.asset_math import to_units_down, to_units_up, value_down, value_up
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div, mul_div_down, positive
from plimsoll.margin.words import MarketState


class LendsAndOwes(ArithmeticError):
    """An account cannot lend and owe the same asset; LendingAndBorrowing in IMarginEngine."""

    def __init__(self, asset: int) -> None:
        super().__init__(f"the keeper would lend and owe asset {asset}")
        self.asset = asset


@dataclass(frozen=True, slots=True)
class Trade:
    """One closing trade: `cost` is what the fill costs over index, WAD (fee, premium and spread)."""

    market: int
    size: int
    price: int
    cost: int


@dataclass(slots=True)
class Book:
    """The keeper's account and what it touches, as a batch goes on. `clone` before trying something.

    `owed` and `lent` are shares by asset; `depths` the exchange's pools, None without an exchange.
    """

    snapshot: Snapshot
    held: dict[int, int]
    positions: dict[int, tuple[int, int]]
    pool_cash: int
    insurance_cash: int
    skew: dict[int, int]
    owed: dict[int, int] = field(default_factory=dict)
    lent: dict[int, int] = field(default_factory=dict)
    depths: Depths | None = None
    spent: dict[int, int] = field(default_factory=dict)
    unsettled: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, view: View, keeper: bytes, depths: Depths | None = None) -> Book:
        account = view.account(keeper) or Account(keeper)
        tables = view.tables
        balances = {asset: account.balances[asset] for asset in accounts.bits(account.header.assets)}
        return cls(
            snapshot=tables.snapshot,
            held={asset: balance.held for asset, balance in balances.items() if balance.held},
            owed={asset: balance.shares for asset, balance in balances.items() if balance.kind == DEBT},
            lent={asset: balance.shares for asset, balance in balances.items() if balance.kind == LENT},
            positions={
                market: (account.positions[market].size, account.positions[market].cost)
                for market in accounts.bits(account.header.markets)
            },
            pool_cash=tables.pool_cash,
            insurance_cash=tables.insurance_cash,
            skew={number: market.state.skew for number, market in tables.snapshot.markets.items()},
            depths=depths.clone() if depths else None,
        )

    def clone(self) -> Book:
        return replace(
            self,
            held=dict(self.held),
            owed=dict(self.owed),
            lent=dict(self.lent),
            positions=dict(self.positions),
            skew=dict(self.skew),
            spent=dict(self.spent),
            unsettled=set(self.unsettled),
            depths=self.depths.clone() if self.depths else None,
        )

    # ---------------------------------------------------------------- seeing

    @property
    def unit(self) -> int:
        return preview.quote_unit(self.snapshot)

    @property
    def quote(self) -> int:
        return self.held.get(QUOTE, 0)

    @property
    def flat(self) -> bool:
        return not self.positions and not self.owed

    @property
    def missing(self) -> int:
        """Quote units that the account would have to own besides, for the batch to end well."""
        unpaid = sum(to_units_up(cost, self.unit) for size, cost in self.positions.values() if size == 0 and cost > 0)
        return positive(unpaid + self.debt(QUOTE) - self.quote)

    def debt(self, asset: int, ahead: int = 0) -> int:
        """Token units owed, `ahead` seconds from now."""
        if asset not in self.owed:
            return 0
        index, _ = accounts.indices(self.snapshot.lending[asset], self.snapshot.time + ahead)
        return interest_math.amount_up(self.owed[asset], index)

    def claim(self, asset: int) -> int:
        """Token units lent."""
        if asset not in self.lent:
            return 0
        _, index = accounts.indices(self.snapshot.lending[asset], self.snapshot.time)
        return interest_math.amount_down(self.lent[asset], index)

    def collateral(self, discount: int) -> int:
        """WAD value of what is held or lent besides quote, and of lent quote, `discount` bps below the last prices."""
        amounts = {asset: positive(amount) for asset, amount in self.held.items() if asset != QUOTE}
        for asset in self.lent:
            amounts[asset] = amounts.get(asset, 0) + self.claim(asset)
        worth = sum(value_down(amount, *self._price(asset)) for asset, amount in amounts.items())
        return worth * (BPS - discount) // BPS

    def worth(self, discount: int) -> int:
        """WAD value of a flat account."""
        owed = sum(value_up(self.debt(asset), *self._price(asset)) for asset in self.owed)
        return self.quote * self.unit + self.collateral(discount) - owed

    def _price(self, asset: int) -> tuple[int, int]:
        params = self.snapshot.assets[asset]
        return self.snapshot.price(params.feed).value, params.decimals

    def value(self, asset: int, amount: int) -> int:
        """WAD, at the last price."""
        return value_down(amount, *self._price(asset))

    # ---------------------------------------------------------------- Liquidate

    def take(self, target: Account, found: Assessment, slice: preview.Slice) -> int:
        """Moves the slice into the account and pays for it; returns what insurance paid, WAD. Raises LendsAndOwes."""
        paid, costs = self._cover(target, found)
        for asset in accounts.bits(target.header.assets):
            balance = target.balances[asset]
            self.hold(asset, mul_div_down(positive(balance.held), slice.fraction, WAD))
            if balance.kind == DEBT:
                self._share(self.owed, self.lent, asset, ceil_div(balance.shares * slice.fraction, WAD))
            elif balance.kind == LENT:
                self._share(self.lent, self.owed, asset, mul_div_down(balance.shares, slice.fraction, WAD))
        for market in accounts.bits(target.header.markets):
            cost = target.positions[market].cost - costs.get(market, 0)
            size, cost = position_math.slice(target.positions[market].size, cost, slice.fraction)
            self._move(market, size, cost)
        to_insurance = to_units_up(slice.to_insurance, self.unit)
        self.hold(QUOTE, -to_units_up(slice.to_account, self.unit) - to_insurance)
        self.insurance_cash += to_insurance
        return paid

    @staticmethod
    def _share(side: dict[int, int], other: dict[int, int], asset: int, part: int) -> None:
        if part and asset in other:
            raise LendsAndOwes(asset)
        if part:
            side[asset] = side.get(asset, 0) + part

    def _cover(self, target: Account, found: Assessment) -> tuple[int, dict[int, int]]:
        """What insurance pays for a bankrupt account, and what is written off its positions' costs, by market."""
        if found.equity >= 0:
            return 0, {}
        deficit, terms = -found.equity, self.snapshot.terms
        wanted = min(deficit + mul_div_down(found.mm, terms.bonus_start, BPS), self.insurance_cash * self.unit)
        perps = accounts.perps(target, self.snapshot, PriceUse.TARGET)
        losses = {market: positive(-perp.pnl) for market, perp in perps.items()}
        total = sum(losses.values())
        paid = sum(self._draw(market, mul_div_down(wanted, loss, total)) for market, loss in losses.items() if loss)
        units = to_units_down(paid, self.unit)
        self.insurance_cash -= units
        self.hold(QUOTE, units)
        paid = units * self.unit
        if paid >= deficit:
            return paid, {}
        return paid, {market: mul_div_down(deficit - paid, loss, total) for market, loss in losses.items() if loss}

    def _draw(self, market: int, wanted: int) -> int:
        window, terms = self.snapshot.markets[market].insurance, self.snapshot.terms
        over = self.snapshot.time >= window.window_start + terms.insurance_window
        spent = self.spent.get(market, 0 if over else window.spent)
        drawn = min(wanted, positive(window.cap * WAD - spent))
        self.spent[market] = spent + drawn
        return drawn

    def _move(self, market: int, size: int, cost: int) -> None:
        old_size, old_cost = self.positions.get(market, (0, 0))
        size, cost = old_size + size, old_cost + cost
        self._write(market, size, self._close_out(cost) if size == 0 else cost)

    # ---------------------------------------------------------------- TradePerp, Settle

    def close(self) -> list[Trade]:
        """Closes every position, the most profitable first, so that there is cash for the losses."""
        worth = {market: self._pnl(market) for market, (size, _) in self.positions.items() if size}
        return [self.trade(market, -self.positions[market][0]) for market in sorted(worth, key=lambda m: -worth[m])]

    def settle(self) -> None:
        """A loss that had no cash when it was realised is taken now, and a profit that the pool could not pay."""
        for market, (size, cost) in list(self.positions.items()):
            if size == 0:
                self.unsettled.add(market)
                self._write(market, 0, self._close_out(cost))

    def trade(self, market: int, size: int) -> Trade:
        """A fill against the pool at the last price; funding accrues first."""
        entry, skew = self.snapshot.markets[market], self.skew[market]
        state = MarketState(long_size=positive(skew), short_size=positive(-skew))
        fill = preview.fill(replace(entry, state=state), self.snapshot, size)
        price = self.snapshot.price(entry.risk.feed).value
        old_size, old_cost = self.positions.get(market, (0, 0))
        new_size, new_cost = old_size + size, old_cost + fill.cost - size * self._index(market)
        self.skew[market] = skew + size
        self._write(market, new_size, self._close_out(new_cost) if new_size == 0 else new_cost)
        return Trade(market, size, price, fill.cost - size * price)

    def _index(self, market: int) -> int:
        """The funding index now; trades of this very second do not move it."""
        entry, now = self.snapshot.markets[market], self.snapshot.time
        price = self.snapshot.price(entry.risk.feed).value
        _, growth = funding_math.project(
            entry.state.funding_rate,
            entry.state.skew,
            entry.risk.funding_velocity,
            entry.risk.max_funding_rate,
            now - entry.state.accrued_at,
            price,
        )
        return entry.state.funding_index + growth

    def _pnl(self, market: int) -> int:
        size, cost = self.positions[market]
        price = self.snapshot.price(self.snapshot.markets[market].risk.feed).value
        return position_math.pnl(size, cost, price, self._index(market))

    def _close_out(self, cost: int) -> int:
        """Realises a position of size zero; returns the cost that could not be paid yet."""
        pnl = -cost
        if pnl < 0:
            pnl = -to_units_up(cost, self.unit) * self.unit
        cash = self.pool_cash if pnl > 0 else positive(self.quote)
        units = min(abs(pnl) // self.unit, cash)
        realised = units if pnl > 0 else -units
        self.hold(QUOTE, realised)
        self.pool_cash -= realised
        left = pnl - realised * self.unit
        if left == 0 or 0 < left < self.unit:
            return 0
        return cost + realised * self.unit

    # ---------------------------------------------------------------- entries

    def hold(self, asset: int, delta: int) -> None:
        held = self.held.get(asset, 0) + delta
        if held:
            self.held[asset] = held
        else:
            self.held.pop(asset, None)

    def _write(self, market: int, size: int, cost: int) -> None:
        if size or cost:
            self.positions[market] = (size, cost)
        else:
            self.positions.pop(market, None)
