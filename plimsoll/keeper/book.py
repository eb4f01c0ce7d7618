"""What a batch does to the keeper's account, computed before it is sent: exact twins of the engine's steps, no chain.

    book = Book.of(view, keeper)
    book.take(target, found, slice)      Liquidate: assets, loans, positions and insurance in, the price out
    book.close()                         everything sold, bought, repaid and closed until nothing is left
    book.quote                           what remains, in quote token units; below zero the batch would be refused

Twin of LiquidationLogic.liquidate and PerpTrading.move/trade/closeOut; LossLogic.cover is plimsoll.keeper.losses, what
the exchange does plimsoll.keeper.sales. Integers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plimsoll.exchange.depth import Depths
from plimsoll.keeper import losses
from plimsoll.keeper.drift import Doubt
from plimsoll.keeper.mirror import View
from plimsoll.margin import account as accounts
from plimsoll.margin import interest_math, position_math, preview
from plimsoll.margin.account import CLOSING, DEBT, LENT, QUOTE, Account, Assessment, Snapshot
from plimsoll.margin.asset_math import to_units_up, value_down, value_up
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

    `owed` and `lent` are shares by asset; `depths` the exchange's pools, None without an exchange. `room` is what may
    leave a vault through a swap before its brake refuses, by asset; what is not in it is unlimited. `doubt` is what may
    be missing of an asset when the batch is in a block, `unsteady` the markets it may leave a crumb in (Doubt).
    `lent_quote`: what lenders of the quote asset may have to pay for options.
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
    room: dict[int, int] = field(default_factory=dict)
    doubt: dict[int, int] = field(default_factory=dict)
    unsteady: set[int] = field(default_factory=set)
    lent_quote: int = 0

    @classmethod
    def of(cls, view: View, keeper: bytes, depths: Depths | None = None, room: Mapping[int, int] | None = None) -> Book:
        account = view.account(keeper) or Account(keeper)
        tables = view.tables
        balances = {asset: account.balances[asset] for asset in accounts.bits(account.header.assets)}
        snapshot, listed = tables.snapshot, accounts.bits(account.header.markets)
        positions = {market: snapshot.touched(account.positions[market], market) for market in listed}
        return cls(
            snapshot=tables.snapshot,
            held={asset: balance.held for asset, balance in balances.items() if balance.held},
            owed={asset: balance.shares for asset, balance in balances.items() if balance.kind == DEBT},
            lent={asset: balance.shares for asset, balance in balances.items() if balance.kind == LENT},
            positions={market: (entry.size, entry.cost) for market, entry in positions.items()},
            pool_cash=tables.pool_cash,
            insurance_cash=tables.insurance_cash,
            skew={number: market.state.skew for number, market in tables.snapshot.markets.items()},
            depths=depths.clone() if depths else None,
            room=dict(room or {}),
            lent_quote=tables.lent_cash.get(QUOTE, 0),
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
            room=dict(self.room),
            doubt=dict(self.doubt),
            unsteady=set(self.unsteady),
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
    def sure(self) -> int:
        """The quote that is there whenever the batch lands."""
        return self.quote - self.doubt.get(QUOTE, 0)

    @property
    def flat(self) -> bool:
        return not self.positions and not self.owed

    @property
    def missing(self) -> int:
        """Quote units that the account would have to own besides, for the batch to end well."""
        unpaid = sum(to_units_up(cost, self.unit) for size, cost in self.positions.values() if size == 0 and cost > 0)
        return positive(unpaid + self.debt(QUOTE) - self.sure)

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
        cover = losses.cover(target, found, self.snapshot, self.insurance_cash, self.spent, self.lent_quote)
        self.spent = dict(cover.spent)
        self.lent_quote -= cover.levied
        self.hold(QUOTE, mul_div_down(cover.levied, slice.fraction, WAD))
        self.insurance_cash -= cover.paid // self.unit
        self.hold(QUOTE, cover.paid // self.unit)
        for asset in accounts.bits(target.header.assets):
            balance = target.balances[asset]
            self.hold(asset, mul_div_down(positive(balance.held), slice.fraction, WAD))
            if balance.kind == DEBT:
                shares = balance.shares - cover.shares.get(asset, 0)
                self._share(self.owed, self.lent, asset, shares, ceil_div(shares * slice.fraction, WAD))
            elif balance.kind == LENT:
                part = mul_div_down(balance.shares, slice.fraction, WAD)
                self._share(self.lent, self.owed, asset, balance.shares, part)
        for market in accounts.bits(target.header.markets):
            position = self.snapshot.touched(target.positions[market], market)
            cost = position.cost - cover.costs.get(market, 0)
            self._move(market, *position_math.slice(position.size, cost, slice.fraction))
        to_insurance = to_units_up(slice.to_insurance, self.unit)
        self.hold(QUOTE, -to_units_up(slice.to_account, self.unit) - to_insurance)
        self.insurance_cash += to_insurance
        return cover.paid

    def distrust(self, doubt: Doubt) -> None:
        for asset, amount in doubt.missing.items():
            self.doubt[asset] = self.doubt.get(asset, 0) + amount
        self.unsteady |= doubt.markets

    @staticmethod
    def _share(side: dict[int, int], other: dict[int, int], asset: int, shares: int, part: int) -> None:
        """The engine refuses also a part that rounds down to nothing, as long as there are `shares`."""
        if shares and asset in other:
            raise LendsAndOwes(asset)
        if part:
            side[asset] = side.get(asset, 0) + part

    def _move(self, market: int, size: int, cost: int) -> None:
        old_size, old_cost = self.positions.get(market, (0, 0))
        size, cost = old_size + size, old_cost + cost
        self._write(market, size, self._close_out(cost) if size == 0 else cost)

    # ---------------------------------------------------------------- TradePerp, Settle

    def close(self) -> list[Trade]:
        """Closes every position, the most profitable first, so that there is cash for the losses."""
        worth = {m: self.pnl(m) for m, (size, _) in self.positions.items() if size and not self._final(m)}
        return [self.trade(market, -self.positions[market][0]) for market in sorted(worth, key=lambda m: -worth[m])]

    def settle(self) -> None:
        """A loss that had no cash when it was realised is taken now, a profit that the pool could not pay, and what is
        left in markets that were closed, at their final price."""
        for market, (size, cost) in list(self.positions.items()):
            if size == 0 or self._final(market):
                self.unsettled.add(market)
                self._write(market, 0, self._close_out(-self.pnl(market) if size else cost))

    def trade(self, market: int, size: int) -> Trade:
        """A fill against the pool at the last price; funding accrues first."""
        entry, skew = self.snapshot.markets[market], self.skew[market]
        state = MarketState(long_size=positive(skew), short_size=positive(-skew))
        fill = preview.fill(replace(entry, state=state), self.snapshot, size)
        old_size, old_cost = self.positions.get(market, (0, 0))
        price, index = self._mark(market)
        new_size, new_cost = old_size + size, old_cost + fill.cost - size * index
        self.skew[market] = skew + size
        self._write(market, new_size, self._close_out(new_cost) if new_size == 0 else new_cost)
        return Trade(market, size, price, fill.cost - size * price)

    def _mark(self, market: int) -> tuple[int, int]:
        """Price, and the funding index now; trades of this very second do not move it."""
        entry = self.snapshot.markets[market]
        price = self.snapshot.price_in(entry).value
        return price, accounts.index_now(entry.state, entry.risk, price, self.snapshot.time)

    def _final(self, market: int) -> bool:
        """Closed, and at its final price."""
        entry = self.snapshot.markets[market]
        return bool(entry.risk.flags & CLOSING and entry.closing.final_price)

    def pnl(self, market: int) -> int:
        size, cost = self.positions[market]
        return position_math.pnl(size, cost, *self._mark(market))

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
