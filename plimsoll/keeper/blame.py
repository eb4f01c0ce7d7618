"""Which targets of a batch an error is about, so that the others can go on without them (L-3)."""

from __future__ import annotations

from collections.abc import Callable

from plimsoll.errors import Reverted, TransactionFailed
from plimsoll.keeper.batch import Batch, Take, is_spot, spot_size
from plimsoll.keeper.plan import Planner
from plimsoll.keeper.select import Finding

MARKET_ERRORS = {
    "SkewCapExceeded",
    "OpenInterestCapExceeded",
    "AllocationExceeded",
    "GapLimitExceeded",
    "LimitPriceExceeded",
    "MarketNotAllowed",
    "UnknownMarket",
}
HEDGE_ERRORS = MARKET_ERRORS | {"PriceUnusable", "SurfaceUnusable", "NewRiskPaused", "MarketClosed"}
SWAP_ERRORS = {"CallReverted", "OutputBelowMinimum", "InsufficientBalance", "CallTargetForbidden", "BrakeReached"}
RECALL_ERRORS = {"LentCashMissing", "ExitWaits"}  # their first value is the asset


def name_of(error: TransactionFailed) -> str:
    return error.name if isinstance(error, Reverted) else ""


def named(batch: Batch, error: TransactionFailed) -> list[Finding]:
    """Targets that stand in the error itself."""
    values = error.values if isinstance(error, Reverted) else ()
    return [take.finding for take in batch.takes if take.finding.id in values]


def refused_recall(error: TransactionFailed) -> int | None:
    """The asset whose lenders have to wait."""
    if isinstance(error, Reverted) and error.name in RECALL_ERRORS and error.values:
        return int(error.values[0])
    return None


def suspects(batch: Batch, error: TransactionFailed, planner: Planner) -> list[Finding]:
    """Targets that have to do with what failed, those that weigh most first; none when it does not say."""
    name = name_of(error)
    values = error.values if isinstance(error, Reverted) else ()
    snapshot = planner.view.snapshot
    if name in SWAP_ERRORS and batch.orders:
        spot = [take for take in batch.takes if is_spot(take.finding.account)]
        return _by(spot, lambda take: spot_size(take.finding.account, snapshot) * take.fraction)
    if name == "PriceUnusable":
        feeds = {market: entry.risk.feed for market, entry in snapshot.markets.items()}
        guilty = [take for take in batch.takes if any(feeds[m] == values[0] for m in take.finding.account.positions)]
        return _by(guilty, lambda take: 0)
    if name in MARKET_ERRORS:
        return _by([take for take in batch.takes if _in(take, values)], lambda take: _in(take, values))
    return []


def _by(takes: list[Take], weight: Callable[[Take], int]) -> list[Finding]:
    return [take.finding for take in sorted(takes, key=lambda take: -weight(take))]


def _in(take: Take, values: tuple[object, ...]) -> int:
    """The size of its largest position in a market that the error names."""
    positions = take.finding.account.positions
    return max((abs(entry.size) for market, entry in positions.items() if market in values[:2]), default=0)
