"""Looks after the keeper's portfolio account: what comes into it, what goes out of it, and what it is exposed to.

    steward = Steward(deployment, writer, settings, account)
    steward.act(survey, planner, result, busy=steward.is_busy)

In this order: looks at prices that expiries settle at, slices of whoever is liquidatable (with their hedge, in one
transaction), payment of what has expired, sales, and, when the account was left alone in this block, its hedge.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import structlog

from plimsoll import units
from plimsoll.errors import ChainUnreachable, PlimsollError, TransactionFailed
from plimsoll.keeper import blame
from plimsoll.keeper.act import EXCLUSIVE, Result, Writer
from plimsoll.keeper.batch import Batch, Deferred, Take
from plimsoll.keeper.patience import Patience
from plimsoll.keeper.plan import Planner
from plimsoll.keeper.portfolio import deltas
from plimsoll.keeper.portfolio import expiry as expiring
from plimsoll.keeper.portfolio.deltas import Greeks, Lean
from plimsoll.keeper.portfolio.estate import Estate
from plimsoll.keeper.portfolio.hedge import Hedger, Hedging
from plimsoll.keeper.portfolio.seller import Seller
from plimsoll.keeper.portfolio.settler import Settler
from plimsoll.keeper.portfolio.takeover import Haul, Queue, smaller
from plimsoll.keeper.select import Finding, Survey
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import PriceUnusable, SurfaceUnusable

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

ATTEMPTS = 12
MOVING = (*EXCLUSIVE, "hedge", "sell")  # what may not be under way when the account is planned with


class Steward:
    """`protocol`: a Deployment, or a World of the tests."""

    def __init__(self, protocol: Any, writer: Writer, settings: Settings, account: bytes) -> None:
        deployment = getattr(protocol, "deployed", protocol)
        self.engine, self.lens = deployment.engine, deployment.option_lens
        self.writer, self.settings, self.account = writer, settings, account
        self.hedger = Hedger(settings)
        self.seller = Seller(deployment, writer, settings, self.hedger)
        self.settler = Settler(self.engine, writer, settings, account)
        self.patience = Patience()
        self.leans: list[Lean] = []  # as last looked at
        self.equity = 0
        self.waiting: set[int] = set()  # markets

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that the account cannot be planned with; asked before a block's first."""
        return self.writer.journal.awaits(*MOVING)

    def act(self, survey: Survey, planner: Planner, result: Result, *, busy: bool) -> None:
        view = planner.view
        expiries = expiring.read(view)
        self.settler.look(expiries, planner, result)
        findings = [found for found in survey.liquidatable if found.by_options]
        if not busy:
            self._take_over(findings, planner, result)
        if not self.writer.journal.awaits("settle own"):
            self.settler.pay(expiries, planner, result)
            if not busy and not any(batch.has_options for batch in result.batches):
                self._trade(planner, result)

    # ---------------------------------------------------------------- slices

    def _take_over(self, findings: Sequence[Finding], planner: Planner, result: Result) -> None:
        """As many transactions as the settings allow; each is what a simulation let pass."""
        if findings and planner.view.snapshot.portfolio is None:
            why = "there is no model for portfolio accounts, which is where it would go"
            result.deferred |= {finding.id: Deferred(finding, why) for finding in findings}
        if not findings or planner.view.snapshot.portfolio is None:
            return
        estate = self._estate(planner)
        series = {i for found in findings for i in found.account.options} | estate.options.keys()
        queue = Queue(self.hedger, planner, estate, self._greeks(series, planner))
        left = list(findings)
        for _ in range(self.settings.max_batches):
            haul, refused = self._passing(queue, left, planner)
            for deferred in (*queue.deferred, *refused):
                result.deferred[deferred.finding.id] = deferred
            if haul is None:
                return
            batch = Batch("liquidate", haul.actions, tuple(t.finding.id for t in haul.takes), haul.takes,
                          tuple(haul.hedging.trades), haul.gain, has_options=True)  # fmt: skip
            if not self.writer.post(batch, planner, result) and self.writer.wallet is not None:
                return
            self._tell(haul.hedging)
            for take in haul.takes:
                result.deferred.pop(take.finding.id, None)
            queue.estate = haul.estate
            gone = {finding.id for finding in (*(t.finding for t in haul.takes), *(d.finding for d in refused))}
            left = [finding for finding in left if finding.id not in gone]

    def _passing(
        self, queue: Queue, findings: Sequence[Finding], planner: Planner
    ) -> tuple[Haul | None, list[Deferred]]:
        """The first transaction that the chain would accept, and the targets that had to leave it."""
        refused, hedged, left = list[Deferred](), True, list(findings)
        for _ in range(ATTEMPTS):
            haul = queue.haul(left, hedged=hedged)
            if haul is None:
                return None, refused
            error = self.writer.simulate(Batch("liquidate", haul.actions), planner)
            if error is None:
                return haul, refused
            log.info("batch adjusted", error=str(error), targets=len(haul.takes))
            if haul.hedging.trades and blame.name_of(error) in blame.HEDGE_ERRORS:
                hedged = False
                continue
            take = _guilty(haul, error)
            if half := smaller(take):
                queue.caps[take.finding.id] = half
                continue
            refused.append(Deferred(take.finding, str(error)))
            left = [finding for finding in left if finding is not take.finding]
        return None, refused

    # ---------------------------------------------------------------- hedge

    def _trade(self, planner: Planner, result: Result) -> None:
        """A sale, or else the hedge."""
        if planner.view.account(self.account) is None:
            return
        estate = self._estate(planner)
        known = self._greeks(estate.options.keys(), planner)
        self.leans = deltas.leans(estate, known.deltas) if known is not None else self.leans
        if self.seller.sell(estate, known, planner, result) or estate.is_idle or not self.settings.hedge:
            return
        if known is not None:
            self._hedge(estate, known, planner, result)

    def _hedge(self, estate: Estate, known: Greeks, planner: Planner, result: Result) -> None:
        """All markets together; where that is refused, each alone, so that none waits for another."""
        now, self.equity = planner.view.head.time, estate.equity(known.marks)
        skip = {lean.market for lean in self.leans if not self.patience.ready(lean.market, now)}
        hedging, reason = self._attempt(estate, known, skip, planner, result)
        together = {trade.market for trade in hedging.trades}
        if not reason or len(together) < 2:
            self._note(hedging, reason, now)
            return
        for market in sorted(together):
            self._note(*self._attempt(estate, known, skip | together - {market}, planner, result), now)

    def _attempt(
        self, estate: Estate, known: Greeks, skip: Collection[int], planner: Planner, result: Result
    ) -> tuple[Hedging, str]:
        """What was planned, and why it was not sent."""
        trial = estate.clone()
        hedging = self.hedger.plan(trial, known, planner.view.tables, skip)
        if not hedging:
            return hedging, ""
        reason = self._why_not(trial, hedging)
        if reason and hedging.opening:
            return hedging, reason
        steps = tuple(self.hedger.actions(trial, hedging))
        batch = Batch("hedge", steps, trades=tuple(hedging.trades), reducing=bool(reason), has_options=True)
        if error := self.writer.simulate(batch, planner):
            return hedging, str(error)
        sent = self.writer.post(batch, planner, result) or self.writer.wallet is None
        return hedging, "" if sent else "it could not be sent"

    def _why_not(self, estate: Estate, hedging: Hedging) -> str:
        try:
            return "" if estate.carries(hedging.use, 0) else "the account's margin does not carry it"
        except (PriceUnusable, SurfaceUnusable) as error:
            return str(error)

    def _note(self, hedging: Hedging, reason: str, now: int) -> None:
        """What was traded, and what waits how long."""
        waits = dict(hedging.waits)
        if reason:
            waits |= {trade.market: reason for trade in hedging.trades}
        else:
            self._tell(hedging)
        for trade in hedging.trades if not reason else ():
            self.patience.well(trade.market)
            self.waiting.discard(trade.market)
        for market, why in sorted(waits.items()):
            retry = self.patience.failed(market, now)
            self.waiting.add(market)
            log.warning("hedge waits", market=market, reason=why, retry_in=retry)

    # ---------------------------------------------------------------- what there is

    def _estate(self, planner: Planner) -> Estate:
        return Estate.of(planner.book(self.account), planner.view.account(self.account), self.account)

    def _greeks(self, series: Collection[int], planner: Planner) -> Greeks | None:
        """None when the lens does not answer: then nothing is hedged in this block."""
        try:
            return deltas.read(self.lens, series, planner.view.head.number)
        except ChainUnreachable:
            raise
        except PlimsollError as error:
            log.warning("deltas not read", reason=str(error))
            return None

    def _tell(self, hedging: Hedging) -> None:
        leans = {lean.market: lean for lean in hedging.leans}
        for trade in hedging.trades:
            lean = leans[trade.market]
            log.info("hedge", market=trade.market, size=units.size(trade.size), delta=units.size(lean.delta),
                     cost=units.quote(trade.cost), dry_run=self.writer.wallet is None)  # fmt: skip


def _guilty(haul: Haul, error: TransactionFailed) -> Take:
    """The target that the error names, or the one that promises least."""
    values = getattr(error, "values", ())
    named = [take for take in haul.takes if take.finding.id in values]
    return named[0] if named else haul.takes[-1]
