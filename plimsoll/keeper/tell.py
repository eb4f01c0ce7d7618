"""What a cycle says about itself: a log line per decision, and the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from plimsoll import units
from plimsoll.chain.base import Receipt
from plimsoll.contracts import events
from plimsoll.keeper import logs
from plimsoll.keeper.act import Result
from plimsoll.keeper.journal import Entry
from plimsoll.keeper.metrics import Metrics
from plimsoll.keeper.mirror import View
from plimsoll.keeper.plan import Take
from plimsoll.keeper.sales import Order
from plimsoll.keeper.select import Finding, Survey
from plimsoll.margin.account import Snapshot
from plimsoll.margin.fixed_math import WAD

if TYPE_CHECKING:
    from plimsoll.keeper.cycle import Done
    from plimsoll.keeper.portfolio.steward import Steward

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")


def finding(what: Finding, event: str, reason: str, **facts: Any) -> None:
    found = what.assessment
    log.info(
        event,
        account=logs.name_of(what.id),
        equity=units.quote(found.equity),
        mm=units.quote(found.mm),
        call_margin=units.quote(what.call_margin),
        reason=reason,
        **facts,
    )


def survey(seen: Survey) -> None:
    for called in seen.calls:
        finding(called, "call margin", called.reason)
    for cured in seen.cures:
        finding(cured, "clear call", cured.reason)
    for id in seen.unassessable:
        log.error("account cannot be assessed", account=logs.name_of(id))


def take(taken: Take, *, dry: bool) -> None:
    facts = {"bonus": units.quote(taken.bonus), "gain": units.quote(taken.gain), "dry_run": dry}
    if taken.finding.witness:
        facts["witness"] = taken.finding.witness.hex()
    if taken.from_insurance:
        facts["insurance"] = units.quote(taken.from_insurance)
    finding(taken.finding, "liquidate", taken.finding.reason, fraction=units.quote(taken.fraction), **facts)


def swap(order: Order, snapshot: Snapshot, *, dry: bool) -> None:
    """`loss`: bps below the last prices, fee and price impact included."""
    log.info(
        "swap",
        asset_in=order.asset_in,
        asset_out=order.asset_out,
        amount_in=order.swap.amount_in,
        amount_out=order.swap.amount_out,
        bound=order.bound,
        pools=", ".join(hop.pool.name for hop in order.swap.route),
        value=units.quote(order.value(snapshot)),
        loss=order.loss(snapshot),
        dry_run=dry,
    )


def options(
    m: Metrics, steward: Steward, view: View, decided: Sequence[tuple[Entry, Receipt | None]], result: Result
) -> None:
    """What the keeper's portfolio account has, and what of its errands is in a block."""
    for entry, receipt in decided:
        if receipt is None or not receipt.status:
            continue
        m.observations.inc(entry.purpose == "observe")
        if entry.purpose in ("settle", "settle own"):
            gone = [e.args["account"] for e in events(receipt.logs, "OptionChanged") if not e.args["quantity"]]
            m.settled.labels("own").inc(gone.count(steward.account))
            m.settled.labels("others").inc(len(gone) - gone.count(steward.account))
    trades = [trade for batch in result.batches if batch.has_options and result.sent for trade in batch.trades]
    m.hedges.inc(len(trades))
    m.hedged.inc(sum(abs(trade.size) * trade.price for trade in trades) / WAD)
    own = view.account(steward.account)
    m.series.set(len(own.options) if own else 0)
    m.equity.set(steward.equity / WAD)
    m.waiting.set(len(steward.waiting))
    m.delta.clear()
    for lean in steward.leans:
        m.delta.labels(str(lean.market)).set(lean.value / WAD)


def measure(m: Metrics, view: View, seen: Survey, result: Result, done: Done, resyncs: int, account: bytes) -> None:
    m.block.set(done.block)
    m.block_time.set(done.time)
    m.heartbeat.set_to_current_time()
    m.accounts.set(done.accounts)
    m.liquidatable.set(done.liquidatable)
    m.bankrupt.set(sum(1 for found in seen.liquidatable if found.assessment.equity < 0))
    m.deferred.set(done.deferred)
    m.called.set(done.called)
    m.pending.set(done.pending)
    m.failures.set(0)
    m.resyncs.set(resyncs)
    m.cycle.observe(done.seconds)
    m.decided.labels("mined").inc(done.mined)
    m.decided.labels("failed").inc(done.failed)
    own = view.account(account)
    held = own.balances[0].held if own and 0 in own.balances else 0
    m.quote.set(held / 10 ** view.snapshot.assets[0].decimals)
    for batch in result.batches if result.sent else ():
        m.sent.labels(batch.purpose).inc()
        m.targets.labels(batch.purpose).inc(len(batch.targets))
        m.expected_gain.inc(max(0, batch.gain) / WAD)
        m.swaps.inc(len(batch.orders))
        m.swapped.inc(sum(order.value(view.snapshot) for order in batch.orders) / WAD)
        if batch.purpose == "liquidate":
            m.delay.observe(view.head.time - max(price.published_at for price in view.snapshot.prices.values()))
