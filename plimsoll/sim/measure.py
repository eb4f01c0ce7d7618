"""What a replay counts: events as they come, states as pages show them. Money stays integer until it is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.chain.base import Log
from plimsoll.contracts import Event, decode_event, topic
from plimsoll.sim.groups import Groups
from plimsoll.sim.page import Page
from plimsoll.sim.spot import Spot
from plimsoll.sim.waterfall import Waterfall

WAD = 10**18
TOPICS = {
    topic(signature): signature.partition("(")[0]
    for signature in (
        "Traded(bytes32,uint256,int256,uint256,int256,uint256)",
        "MarginCalled(bytes32,uint256,int256,uint256,uint256)",
        "MarginCallCleared(bytes32)",
        "Liquidated(bytes32,bytes32,uint256,int256,uint256,uint256,uint256)",
        "InsurancePaid(bytes32,bytes32,uint256)",
        "LossRecognised(bytes32,uint256,uint256)",
        "PoolPaid(uint256,uint256,uint256)",
        "SideCharged(uint256,uint256,bool,uint256,uint256,int256)",
        "LendersLost(uint256,uint256,uint256)",
        "DebtForgiven(bytes32,uint256,uint256,uint256,uint256)",
        "DepositExecuted(uint256,address,uint256,uint256)",
        "RedeemExecuted(uint256,address,uint256,uint256)",
        "SharesChanged(bytes32,uint256,uint256,uint256)",
        "Called(bytes32,address,uint256,uint256)",
    )
}
#: Upper ends of the health histogram's bins; health is equity / MM.
BINS = (0.0, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)


@dataclass
class Series:
    """One number per step, for the report."""

    time: list[int] = field(default_factory=list)
    pool_equity: list[int] = field(default_factory=list)
    insurance: list[int] = field(default_factory=list)
    open_deficit: list[int] = field(default_factory=list)
    below_mm: list[int] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    called: list[int] = field(default_factory=list)
    liquidations: list[int] = field(default_factory=list)
    open_interest: list[int] = field(default_factory=list)
    lp_flow: list[int] = field(default_factory=list)
    leverage: list[list[float]] = field(default_factory=list)


@dataclass
class Measures:
    """Everything that is counted; `quiet` accounts (pool, insurance, keeper) are left out of health and deficit."""

    quiet: frozenset[bytes]
    waterfall: Waterfall
    keepers: set[bytes] = field(default_factory=set)
    groups: Groups = field(default_factory=Groups)
    spot: Spot = field(default_factory=Spot)
    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    liquidated: set[bytes] = field(default_factory=set)
    delays: list[int] = field(default_factory=list)
    insurance_paid: int = 0
    insurance_earned: int = 0
    lp_flow: int = 0
    conservation_error: int = 0
    rounding: int = 0
    min_health: float = float("inf")
    peak_deficit: int = 0
    peak_bad_debt: int = 0
    peak_bankrupt: int = 0
    series: Series = field(default_factory=Series)
    executed_requests: list[int] = field(default_factory=list)
    _since: dict[bytes, int] = field(default_factory=dict)
    _sliced: set[bytes] = field(default_factory=set)
    _cured_now: set[bytes] = field(default_factory=set)
    _step_counts: Counter[str] = field(default_factory=Counter)

    # ---------------------------------------------------------------- before the keeper

    def before_keeper(self, page: Page, step: int) -> None:
        """Notes since when each account has been liquidatable."""
        ids = {page.ids[row] for row in np.flatnonzero(self._liquidatable(page))}
        self._since = {id: self._since.get(id, step) for id in ids}

    def _liquidatable(self, page: Page) -> NDArray[np.bool_]:
        scores, deadlines = page.scores, page.table.deadlines
        expired = (deadlines > 0) & (deadlines < page.snapshot.time) & (scores.equity < scores.call_margin)
        found = (scores.mm > 0) & ((scores.equity < scores.mm) | expired)
        return found & self._counted(page)

    def _counted(self, page: Page) -> NDArray[np.bool_]:
        mask = np.ones(len(page.ids), dtype=bool)
        for id in self.quiet | self.keepers:
            if id in page.row_of:
                mask[page.row_of[id]] = False
        return mask

    # ---------------------------------------------------------------- events

    def events(self, logs: Iterable[Log], step: int, page: Page) -> None:
        """In order; amounts of an asset count at the prices of `page`."""
        self._cured_now.clear()
        self.spot.begin()
        for log in logs:
            self.spot.log(log, page)
            if log.topics and log.topics[0] in TOPICS and (event := decode_event(log)):
                handler = getattr(self, "_on_" + event.name, None)
                if handler is not None:
                    handler(event, step)
                self.groups.event(event)
                self.waterfall.event(event, page)
                self.spot.event(event, self.keepers)

    def _on_Traded(self, event: Event, step: int) -> None:
        self.counts["keeper_trades" if event.args["account"] in self.keepers else "trades"] += 1

    def _on_MarginCalled(self, event: Event, step: int) -> None:
        self._sliced.discard(event.args["account"])
        self.counts["margin_calls"] += 1
        self._step_counts["calls"] += 1

    def _on_MarginCallCleared(self, event: Event, step: int) -> None:
        """Cured, unless a slice was taken in the meantime."""
        account = event.args["account"]
        if account not in self._sliced:
            self.counts["margin_calls_cured"] += 1
            self._cured_now.add(account)
        self._sliced.discard(account)

    def _on_Liquidated(self, event: Event, step: int) -> None:
        target = event.args["target"]
        if target in self._cured_now:  # a liquidation to target clears the call before it says so itself
            self.counts["margin_calls_cured"] -= 1
            self._cured_now.discard(target)
        self.keepers.add(event.args["liquidator"])
        self.counts["liquidations"] += 1
        self._step_counts["liquidations"] += 1
        self.counts["partial_liquidations"] += event.args["fraction"] < WAD
        self.counts["bankrupt_liquidations"] += event.args["equity"] < 0
        self.insurance_earned += event.args["toInsurance"]
        self.liquidated.add(target)
        self._sliced.add(target)
        self.delays.append(step - self._since.get(target, step))

    def _on_InsurancePaid(self, event: Event, step: int) -> None:
        self.counts["insurance_payments"] += 1
        self.insurance_paid += event.args["amount"]

    def _on_DepositExecuted(self, event: Event, step: int) -> None:
        self.lp_flow += event.args["assets"]
        self.executed_requests.append(event.args["id"])

    def _on_RedeemExecuted(self, event: Event, step: int) -> None:
        self.lp_flow -= event.args["assets"]
        self.executed_requests.append(event.args["id"])

    # ---------------------------------------------------------------- after the keeper

    def after_keeper(self, page: Page, insurance: bytes) -> None:
        self.conservation_error = max(self.conservation_error, page.conservation_error())
        self.rounding = page.rounding()
        self.spot.close(page)
        counted = self._counted(page) & (page.scores.mm > 0)
        health = page.scores.health[counted]
        if health.size:
            self.min_health = min(self.min_health, float(health.min()))
        deficit = self.deficit(page)
        self.peak_deficit = max(self.peak_deficit, deficit)
        self.peak_bankrupt = max(self.peak_bankrupt, int((page.scores.equity < 0)[counted].sum()))
        fund = page.table.held_exact(page.row_of[insurance]) * page.quote_unit
        self.peak_bad_debt = max(self.peak_bad_debt, self.waterfall.uninsured + max(0, deficit - fund))
        series = self.series
        series.time.append(page.snapshot.time)
        series.pool_equity.append(page.pool_equity)
        series.insurance.append(fund)
        series.open_deficit.append(deficit)
        series.below_mm.append(int((page.scores.equity < page.scores.mm)[counted].sum()))
        series.called.append(int((page.table.deadlines > 0).sum()))
        series.calls.append(self._step_counts["calls"])
        series.liquidations.append(self._step_counts["liquidations"])
        series.open_interest.append(page.open_interest())
        series.lp_flow.append(self.lp_flow * page.quote_unit)
        series.leverage.append(page.leverage())
        self._step_counts.clear()

    def deficit(self, page: Page) -> int:
        """Σ −equity of bankrupt accounts, WAD, exactly."""
        rows = np.flatnonzero(self._counted(page) & (page.scores.mm > 0) & (page.scores.equity < page.scores.bound))
        return sum(max(0, -page.assess(int(row)).equity) for row in rows)

    def histogram(self, page: Page) -> list[int]:
        """Accounts with an exposure by health: below 0, then up to each bin's end, then above the last."""
        health = page.scores.health[self._counted(page) & (page.scores.mm > 0)]
        return np.bincount(np.searchsorted(np.array(BINS), health, side="right"), minlength=len(BINS) + 1).tolist()

    def delay(self) -> dict[str, int]:
        ordered = sorted(self.delays)
        if not ordered:
            return {"p50": 0, "p99": 0, "max": 0}
        pick = {"p50": (len(ordered) - 1) // 2, "p99": -(-99 * len(ordered) // 100) - 1, "max": -1}
        return {name: ordered[place] for name, place in pick.items()}

    def summary(self) -> dict[str, Any]:
        names = (
            "trades",
            "margin_calls",
            "margin_calls_cured",
            "liquidations",
            "partial_liquidations",
            "bankrupt_liquidations",
            "insurance_payments",
            "keeper_trades",
        )
        return {name: self.counts[name] for name in names}
