"""Sends what an expiry asks for: looks at the price in its last half hour, then payment of the keeper and of others.

    settler.look(expiries, planner, result)      one transaction per expiry, all of a block's together
    settler.pay(expiries, planner, result)       the keeper's own first, then everybody's where the settings say so

What would be in vain is not tried: a price that is not good, an account without cash, a winner whose clearing account
is empty. What was, and is still there, is tried later and later again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import structlog

from plimsoll import accounts, actions
from plimsoll.contracts import Contract
from plimsoll.keeper import logs
from plimsoll.keeper.act import Result, Writer
from plimsoll.keeper.batch import Batch
from plimsoll.keeper.mirror import View
from plimsoll.keeper.patience import Patience
from plimsoll.keeper.plan import Planner
from plimsoll.keeper.portfolio import expiry as expiring
from plimsoll.keeper.portfolio.expiry import LOOK, PAYOUT, Expiry, Payout, tag
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import LENT, QUOTE, Account
from plimsoll.margin.option_series import expiry_of, key_of, market_of
from plimsoll.options.settling import Holder

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

#: gas: of a transaction, of an account that is paid and of each of its series
BASE, HOLDER, SERIES = 80_000, 80_000, 15_000
ISOLATED = int(accounts.Mode.ISOLATED)


class Settler:
    """`own`: the account whose options are the keeper's."""

    def __init__(self, engine: Contract, writer: Writer, settings: Settings, own: bytes) -> None:
        self.engine, self.writer, self.settings, self.own = engine, writer, settings, own
        self.patience = Patience()

    # ---------------------------------------------------------------- the price

    def look(self, expiries: Sequence[Expiry], planner: Planner, result: Result) -> None:
        view, under_way = planner.view, self.writer.journal.targets
        for expiry in self._concerned(expiries, view):
            name, now = tag(LOOK, expiry.key), view.head.time
            if name in under_way or not self.patience.ready(name, now):
                continue
            look = expiring.due(expiry, view, self.settings.observe_every)
            if look is None:
                continue
            errand = ("observeExpiry", expiry.market, expiry.expiry)
            reason = look.reason or self._sent(Batch("observe", (), (name,), errand=errand), planner, result)
            if reason:
                retry = self.patience.failed(name, now)
                facts = {"market": expiry.market, "expiry": expiry.expiry, "retry_in": retry}
                log.warning("observation waits", reason=reason, **facts)
                continue
            self.patience.well(name)
            log.info("observation", market=expiry.market, expiry=expiry.expiry, covered=expiry.seen.covered,
                     dry_run=self.writer.wallet is None)  # fmt: skip

    def _concerned(self, expiries: Iterable[Expiry], view: View) -> list[Expiry]:
        """All that anybody mirrored has, or those of the keeper's own options."""
        if self.settings.settle != "own":
            return list(expiries) if self.settings.settle == "all" else []
        mine = view.account(self.own)
        keys = {key_of(market_of(i), expiry_of(i)) for i in mine.options} if mine else set()
        return [expiry for expiry in expiries if expiry.key in keys]

    # ---------------------------------------------------------------- paying out

    def pay(self, expiries: Sequence[Expiry], planner: Planner, result: Result) -> None:
        """At most `max_batches` transactions of a block, each within its gas."""
        if self.settings.settle == "off":
            return
        sent = 0
        for payout, holders in self._jobs(expiries, planner.view):
            if sent == self.settings.max_batches:
                return
            sent += self._settle(payout, holders, planner, result)

    def _jobs(self, expiries: Sequence[Expiry], view: View) -> Iterator[tuple[Payout, list[Holder]]]:
        """What is worth a transaction: own ones first, with the losers that pay for them."""
        left, under_way = list[tuple[Payout, list[Holder]]](), self.writer.journal.targets
        for payout in expiring.payouts(expiries, view):
            if tag(PAYOUT, key_of(payout.market, payout.expiry)) in under_way:
                continue
            cash = self._clearing_cash(payout.market, view)
            ready = [holder for holder in payout.holders if self._ready(payout, holder, view)]
            payers = [holder for holder in ready if holder.worth < 0 and self._may_pay(holder, view)]
            payable = [holder for holder in ready if holder.worth >= 0 and (cash or payers or not holder.worth)]
            job = self._own_job(payers, payable, cash * unit_of(view))
            if job:
                yield payout, job
            others = [holder for holder in (*payers, *payable) if holder not in job and holder.account != self.own]
            if others and self.settings.settle == "all":
                left.append((payout, others))
        yield from left

    def _own_job(self, payers: Sequence[Holder], payable: Sequence[Holder], cash: int) -> list[Holder]:
        """The keeper, with the largest losers until what they owe pays it too."""
        own = next((holder for holder in (*payers, *payable) if holder.account == self.own), None)
        if own is None:
            return []
        found, room = [own], self.settings.option_gas - BASE - gas_of(own)
        for loser in payers:
            if cash >= own.worth or (room := room - gas_of(loser)) < 0:
                break
            if loser.account != own.account:
                cash -= loser.worth
                found.append(loser)
        return sorted(found, key=lambda holder: holder.worth)

    def _settle(self, payout: Payout, holders: Sequence[Holder], planner: Planner, result: Result) -> int:
        """In parts that the gas allows; returns how many were sent."""
        sent = 0
        for part in parts(holders, self.settings.option_gas):
            if sent == self.settings.max_batches:
                break
            sent += self._settle_part(payout, part, planner, result)
        return sent

    def _settle_part(self, payout: Payout, part: Sequence[Holder], planner: Planner, result: Result) -> int:
        """Halved where the chain, or the gas, refuses all of it."""
        accounts_ = [holder.account for holder in part]
        action = actions.settle_options(payout.market, payout.expiry, accounts_)
        name, own = tag(PAYOUT, key_of(payout.market, payout.expiry)), self.own in accounts_
        batch = Batch("settle own" if own else "settle", (action,), (name,), has_options=own)
        reason = self._sent(batch, planner, result)
        if reason and len(part) > 1:
            middle = len(part) // 2
            halves = part[:middle], part[middle:]
            return sum(self._settle_part(payout, half, planner, result) for half in halves)
        for holder in part:  # what is still there in the next block waits
            retry = self.patience.failed(self._key(payout, holder), planner.view.head.time)
            if reason:
                log.warning("settlement waits", account=logs.name_of(holder.account), market=payout.market,
                            expiry=payout.expiry, reason=reason, retry_in=retry)  # fmt: skip
        if not reason:
            log.info("settle", market=payout.market, expiry=payout.expiry, accounts=len(part), own=own,
                     series=sum(h.series for h in part), dry_run=self.writer.wallet is None)  # fmt: skip
        return 0 if reason else 1

    def _sent(self, batch: Batch, planner: Planner, result: Result) -> str:
        """Simulated, and sent; why not, or nothing."""
        error = self.writer.simulate(batch, planner)
        if error is not None:
            return str(error)
        if self.writer.post(batch, planner, result) or self.writer.wallet is None:
            return ""
        return "it could not be sent"

    # ---------------------------------------------------------------- who can

    def _key(self, payout: Payout, holder: Holder) -> tuple[int, int, bytes]:
        return payout.market, payout.expiry, holder.account

    def _ready(self, payout: Payout, holder: Holder, view: View) -> bool:
        return self.patience.ready(self._key(payout, holder), view.head.time)

    def _may_pay(self, holder: Holder, view: View) -> bool:
        """Out of what it holds or lends, or, unless it is isolated, what lenders have."""
        account = view.account(holder.account) or Account(holder.account)
        quote = account.balances.get(QUOTE) if account.header.assets & 1 else None
        if quote is not None and (quote.held > 0 or quote.kind == LENT):
            return True
        return holder.account[20] != ISOLATED and view.tables.lent_cash.get(QUOTE, 0) > 0

    def _clearing_cash(self, market: int, view: View) -> int:
        """Quote units that are there for winners."""
        clearing = accounts.pack(self.engine.address, accounts.Mode.CROSS, 0, market + 1)
        return int(self.engine.read("held", clearing, QUOTE, block=view.head.number))


def unit_of(view: View) -> int:
    """WAD per quote unit."""
    return int(10 ** (18 - view.snapshot.assets[QUOTE].decimals))


def gas_of(holder: Holder) -> int:
    return HOLDER + SERIES * holder.series


def parts(holders: Sequence[Holder], gas: int) -> Iterator[list[Holder]]:
    """In order, so that losers' cash is there for later winners; each within `gas`, but at least one account."""
    part, room = list[Holder](), gas - BASE
    for holder in holders:
        if part and room < gas_of(holder):
            yield part
            part, room = [], gas - BASE
        part.append(holder)
        room -= gas_of(holder)
    if part:
        yield part
