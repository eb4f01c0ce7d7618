"""An account as net amounts: what a swap and a loan would make of it, in the twins' own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from plimsoll import prices, reading, units
from plimsoll.deploy import Deployment
from plimsoll.leverage.errors import CannotLever
from plimsoll.margin import interest_math
from plimsoll.margin.account import (
    DEBT,
    HELD_ONLY,
    LENT,
    QUOTE,
    Account,
    Balance,
    PriceUse,
    Snapshot,
    bits,
    indices,
    is_good,
    net_amount,
    pair_of,
    perps,
    price_age,
)
from plimsoll.margin.asset_math import value_down, value_up
from plimsoll.margin.flip_search import Flip, nearest, priced


@dataclass(frozen=True)
class Book:
    """One account and its block, at the prices that a batch would bring."""

    deployment: Deployment
    account: Account
    snapshot: Snapshot

    @classmethod
    def read(cls, deployment: Deployment, account: bytes, report: bytes) -> Book:
        found, snapshot = reading.read(deployment, account)
        if report:
            changes = {quote.feed: quote.value for quote in prices.decode(report).quotes}
            snapshot = priced(snapshot, {feed: v for feed, v in changes.items() if feed in snapshot.prices})
        return cls(deployment, found, snapshot)

    # ---------------------------------------------------------------- amounts

    def symbol(self, asset: int) -> str:
        return self.deployment.parameters.assets[asset].symbol

    def held(self, asset: int) -> int:
        return self.account.balances[asset].held

    def owed(self, asset: int) -> int:
        balance = self.account.balances[asset]
        return interest_math.amount_up(balance.shares, self._indices(asset)[0]) if balance.kind == DEBT else 0

    def lends(self, asset: int) -> bool:
        return self.account.balances[asset].kind == LENT

    def _indices(self, asset: int) -> tuple[int, int]:
        return indices(self.snapshot.lending[asset], self.snapshot.time)

    @cached_property
    def net(self) -> dict[int, int]:
        """Net token units by asset."""
        header = self.account.header.assets
        return {a: net_amount(self.account.balances[a], a, self.snapshot) for a in bits(header)}

    def value(self, asset: int, amount: int) -> int:
        """Quote WAD at index, rounded against the account."""
        params = self.snapshot.assets[asset]
        price = self.snapshot.price(params.feed).value
        if amount < 0:
            return -value_up(-amount, price, params.decimals)
        return value_down(amount, price, params.decimals)

    def units(self, asset: int, value: int) -> int:
        """Token units worth `value` WAD at index, down."""
        return value * 10 ** self.snapshot.assets[asset].decimals // self.value(asset, 10 ** self._decimals(asset))

    def _decimals(self, asset: int) -> int:
        return self.snapshot.assets[asset].decimals

    # ---------------------------------------------------------------- exposure and equity

    @cached_property
    def _perps(self) -> tuple[int, int]:
        """Notional and PnL."""
        found = perps(self.account, self.snapshot, PriceUse.REDUCE).values()
        return sum(perp.notional for perp in found), sum(perp.pnl for perp in found)

    def measure(self, changes: Mapping[int, int]) -> tuple[int, int]:
        """Exposure and equity after net amounts changed by so many units."""
        exposure, equity = self._perps
        for asset in self.net.keys() | changes.keys():
            value = self.value(asset, self.net.get(asset, 0) + changes.get(asset, 0))
            equity += value
            exposure += abs(value) if asset != QUOTE else 0
        return exposure, equity

    # ---------------------------------------------------------------- afterwards

    def moved(self, held: Mapping[int, int], debt_asset: int, borrowed: int) -> Account:
        """The account with `held` added to what it holds and `borrowed` (negative: repaid) to what it owes."""
        balances = {asset: self.account.balances[asset] for asset in self.account.balances}
        for asset, amount in held.items():
            balances[asset] = replace(balances[asset], held=balances[asset].held + amount)
        debt, index = balances[debt_asset], self._indices(debt_asset)[0]
        if borrowed > 0:
            shares = debt.shares + interest_math.shares_up(borrowed, index)
            balances[debt_asset] = replace(debt, kind=DEBT, shares=shares)
        elif borrowed < 0:
            left = debt.shares - interest_math.shares_down(-borrowed, index) if -borrowed < self.owed(debt_asset) else 0
            balances[debt_asset] = Balance(debt.held, left, DEBT if left else HELD_ONLY)
        header = self.account.header
        positions = {m: (p.size, p.cost) for m, p in self.account.positions.items()}
        return Account.of(
            self.account.id, balances, positions, call_deadline=header.call_deadline, clock_start=header.clock_start
        )

    def liquidation(self, asset: int, account: Account | None = None) -> Flip:
        feed = self.snapshot.assets[asset].feed
        return nearest(account or self.account, self.snapshot, feed)

    def require_fresh(self, *assets: int) -> None:
        """Refuses prices that the engine would take no risk on."""
        for asset in assets:
            params = self.snapshot.assets[asset]
            price = self.snapshot.price(params.feed)
            if not is_good(price, params.max_age, self.snapshot.time):
                age = price_age(price, self.snapshot.time)
                remedy = f"it is {age} s old, or doubted: send a fresh report along (--report, or --price locally)"
                raise CannotLever(f"price of {self.symbol(asset)}", units.price(price.value), remedy)

    # ---------------------------------------------------------------- which assets

    def pair(self) -> tuple[int, int] | None:
        """Collateral and debt of an account isolated to a pair."""
        code = pair_of(self.account.id)
        return (code >> 6 & 63, code & 63) if code else None

    def assets(self, asset: int | None, debt_asset: int | None) -> tuple[int, int]:
        """Which asset is levered, which is owed: as said, as the pair has it, or as the account already has it."""
        found = self.pair()
        if found is not None:
            if asset not in (None, found[0]) or debt_asset not in (None, found[1]):
                names = f"{self.symbol(found[0])} against {self.symbol(found[1])}"
                raise CannotLever("asset", asset, f"the account is isolated to {names}")
            return found
        owed = QUOTE if debt_asset is None else debt_asset
        if asset is None:
            held = [a for a, amount in self.net.items() if a != owed and amount > 0]
            if len(held) != 1:
                names = ", ".join(map(self.symbol, held)) or "nothing"
                raise CannotLever("asset", None, f"the account holds {names}: say which asset with --asset")
            asset = held[0]
        if asset == owed:
            raise CannotLever("asset", self.symbol(asset), "it would be bought with itself")
        return asset, owed
