"""What a plan comes to: one transaction, the targets in it, and those that were left out with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from plimsoll import actions
from plimsoll.actions import Action
from plimsoll.contracts import Contract
from plimsoll.exchange.market import Exchange
from plimsoll.keeper.book import Trade
from plimsoll.keeper.sales import Order, Unwound
from plimsoll.keeper.select import Finding
from plimsoll.margin.account import DEBT, LENT, QUOTE, Account, Snapshot, bits, net_amount
from plimsoll.margin.asset_math import value_up
from plimsoll.margin.fixed_math import BPS, WAD

LIMIT_BPS = 500  # a closing trade's limit price, from index
ORDER_SECONDS = 900
OPTION_CALLS = 8  # to a batch: each looks at whole accounts of options


@dataclass(frozen=True, slots=True)
class Take:
    """A target in a batch. `gain`: what it adds to the keeper's account, closing included, WAD."""

    finding: Finding
    fraction: int
    bonus: int
    from_insurance: int
    gain: int
    most: int
    least: int

    @property
    def whole(self) -> bool:
        """The rule says the whole account or nothing."""
        return self.most == WAD

    @property
    def asked(self) -> int:
        """The largest slice is asked for as the whole, so that the target's call and clock end with it."""
        return WAD if self.fraction == self.most else self.fraction


@dataclass(frozen=True, slots=True)
class Deferred:
    """A liquidatable account that is left for later, and why."""

    finding: Finding
    reason: str
    gain: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction. `gain` is the expected change of the keeper's worth, WAD, before gas."""

    purpose: str
    actions: tuple[Action, ...]
    targets: tuple[bytes, ...] = ()
    takes: tuple[Take, ...] = ()
    trades: tuple[Trade, ...] = ()
    gain: int = 0
    withdrawn: int = 0
    orders: tuple[Order, ...] = ()
    reducing: bool = False
    #: whether it moves the keeper's portfolio account
    has_options: bool = False
    #: instead of actions: a function of the engine, and its arguments
    errand: tuple[Any, ...] = ()

    def data(self, engine: Contract) -> bytes:
        if self.errand:
            return engine.encode(*self.errand)
        return engine.encode("execute", actions.batch(self.actions, reducing=self.reducing))


@dataclass(frozen=True, slots=True)
class Composer:
    """Actions of the keeper's account at a block of `time`."""

    keeper: bytes
    time: int
    exchange: Exchange | None

    def takes(self, takes: Iterable[Take]) -> list[Action]:
        return [actions.liquidate(self.keeper, take.finding.id, take.asked, skip=True) for take in takes]

    def unwinding(self, unwound: Unwound, unsteady: Iterable[int], unsettled: Iterable[int]) -> list[Action]:
        return [
            *(actions.recall(self.keeper, asset, amount) for asset, amount in unwound.recalls),
            *(self._swap(order) for order in unwound.sales),
            *(self._close(trade) for trade in unwound.trades),
            *(actions.settle(market, [self.keeper]) for market in sorted(unsteady)),
            *(self._swap(order) for order in unwound.purchases),
            *(actions.repay(self.keeper, asset) for asset in unwound.repaid),
            *(actions.settle(market, [self.keeper]) for market in sorted(unsettled)),
        ]

    def _close(self, trade: Trade) -> Action:
        band = trade.price * LIMIT_BPS // BPS
        limit = trade.price + band if trade.size > 0 else trade.price - band
        return actions.trade_perp(self.keeper, trade.market, trade.size, limit, self.time + ORDER_SECONDS)

    def _swap(self, order: Order) -> Action:
        assert self.exchange is not None
        swap, ins, out = order.swap, order.asset_in, order.asset_out
        if order.exact_out:
            return self.exchange.buy_action(self.keeper, ins, order.bound, out, swap.amount_out, route=swap.route)
        return self.exchange.sell_action(self.keeper, ins, swap.amount_in, out, order.bound, route=swap.route)


def kinds_of(account: Account) -> dict[int, int]:
    """HELD_ONLY, LENT or DEBT, by asset."""
    return {asset: account.balances[asset].kind for asset in bits(account.header.assets)}


def is_spot(account: Account) -> bool:
    """Whether something of it has to be sold, bought, repaid or recalled: more than quote and positions."""
    return any(asset != QUOTE or kind for asset, kind in kinds_of(account).items())


def spot_size(account: Account, snapshot: Snapshot) -> int:
    """WAD value of what would be swapped if the whole account were taken."""
    size = 0
    for asset in kinds_of(account):
        params = snapshot.assets[asset]
        if asset != QUOTE:
            amount = abs(net_amount(account.balances[asset], asset, snapshot))
            size += value_up(amount, snapshot.price(params.feed).value, params.decimals)
    return size


def lenders_last(findings: Iterable[Finding], snapshot: Snapshot, lent_cash: Mapping[int, int]) -> list[Finding]:
    """Whoever lends what cannot be recalled now, after all who owe it: his shares would stay in the keeper's account,
    which could then not take any of them. Otherwise in the same order."""
    kinds = [(finding, kinds_of(finding.account)) for finding in findings]
    owed = {asset for _, held in kinds for asset, kind in held.items() if kind == DEBT}

    def stays(finding: Finding, asset: int) -> bool:
        lent = replace(finding.account.balances[asset], held=0)
        return net_amount(lent, asset, snapshot) > lent_cash.get(asset, 0)

    last, others = list[Finding](), list[Finding]()
    for finding, held in kinds:
        lent = [asset for asset, kind in held.items() if kind == LENT and asset in owed]
        (last if any(stays(finding, asset) for asset in lent) else others).append(finding)
    return others + last
