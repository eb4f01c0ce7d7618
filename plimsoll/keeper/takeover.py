"""Taking over accounts with options.

A target's slice goes into the keeper's portfolio account, which has to hold it by its own margin: the largest that a
simulation lets it take, halved down to the least slice that the engine allows. What was taken is held, not sold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from plimsoll import actions
from plimsoll.keeper import tell
from plimsoll.keeper.batch import Batch, Deferred
from plimsoll.margin.account import Snapshot
from plimsoll.margin.fixed_math import BPS, WAD

if TYPE_CHECKING:
    from plimsoll.keeper.act import Result, Writer
    from plimsoll.keeper.plan import Planner
    from plimsoll.keeper.select import Finding


def fractions(snapshot: Snapshot) -> Iterator[int]:
    """Everything that may be taken, then halves of it down to the least slice, which comes last."""
    least, fraction = snapshot.terms.min_slice * WAD // BPS, WAD
    while fraction > least:
        yield fraction
        fraction //= 2
    yield least


def take(writer: Writer, planner: Planner, taker: bytes, findings: Sequence[Finding], result: Result) -> None:
    """At most one target per block, the most urgent that can be taken: what it leaves room for is known afterwards."""
    taken = False
    for finding in findings:
        if taken:
            result.deferred[finding.id] = Deferred(finding, "another account with options goes first")
            continue
        batch, reason = _passing(writer, planner, taker, finding)
        if batch is None:
            result.deferred[finding.id] = Deferred(finding, reason)
            continue
        taken = writer.send(batch, planner, result)


def _passing(writer: Writer, planner: Planner, taker: bytes, finding: Finding) -> tuple[Batch | None, str]:
    """The largest slice that the keeper's account can hold, or what the chain said to the smallest."""
    reason = ""
    for fraction in fractions(planner.view.snapshot):
        action = actions.liquidate(taker, finding.id, fraction, skip=True, witness=finding.witness)
        batch = Batch("liquidate", (action,), (finding.id,))
        error = writer.simulate(batch, planner)
        if error is None:
            facts = {"fraction": fraction / WAD, "witness": finding.witness.hex(), "dry_run": writer.wallet is None}
            tell.finding(finding, "liquidate", finding.reason, **facts)
            return batch, ""
        reason = str(error)
    return None, reason
