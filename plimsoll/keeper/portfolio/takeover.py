"""Taking over accounts with options: who comes first, how much of each, and what it does to the keeper's own. Pure.

    queue = Queue(hedger, planner, estate, greeks)
    haul = queue.haul(findings)          one transaction: as many as its gas, and the keeper's margin, allow
    haul.actions                         slices, repayment, hedges

All targets go into the keeper's portfolio account, in the order of what they promise. Of each the largest slice is
taken that leaves the account above its initial margin and the headroom, once it is hedged, by the exact twin: found by
halving between all that may be taken and the least that the engine allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plimsoll import actions
from plimsoll.actions import Action
from plimsoll.keeper.batch import Deferred, Take
from plimsoll.keeper.book import LendsAndOwes
from plimsoll.keeper.plan import FULL, Planner
from plimsoll.keeper.portfolio.deltas import Greeks
from plimsoll.keeper.portfolio.estate import Estate, Taken, slice_of
from plimsoll.keeper.portfolio.hedge import Hedger, Hedging
from plimsoll.keeper.select import Finding
from plimsoll.margin.account import DEBT, QUOTE, PriceUnusable, PriceUse, SurfaceUnusable
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.preview import Slice

STEPS = 6  # of halving between the largest slice and the least
#: gas: of a transaction, a target, each series of it, each in the own account, a hedge (`plimsoll gas`)
BASE, TARGET, SERIES, CHECK, HEDGE = 60_000, 150_000, 30_000, 30_000, 150_000


@dataclass(frozen=True, slots=True)
class Fit:
    """A slice in the keeper's account. `estate` before its hedges, `hedged` after them."""

    slice: Slice
    taken: Taken
    estate: Estate
    hedged: Estate
    hedging: Hedging


@dataclass(frozen=True, slots=True)
class Haul:
    """One transaction's worth. `estate` is what the keeper's account would be after it."""

    takes: tuple[Take, ...]
    actions: tuple[Action, ...]
    estate: Estate
    hedging: Hedging

    @property
    def gain(self) -> int:
        return sum(take.gain for take in self.takes)


@dataclass(slots=True)
class Queue:
    """`caps`: fractions that a simulation brought down, by target. `deferred`: who the last haul leaves out."""

    hedger: Hedger
    planner: Planner
    estate: Estate
    greeks: Greeks | None
    caps: dict[bytes, int] = field(default_factory=dict)
    deferred: list[Deferred] = field(default_factory=list)

    def haul(self, findings: Sequence[Finding], *, hedged: bool = True) -> Haul | None:
        """The next transaction of these; None when none of them can be taken."""
        self.deferred = []
        estate, last, takes = self.estate.clone(), None, list[Take]()
        cost, gas, cap = 0, BASE, self.planner.settings.option_gas
        for finding in self.ordered(findings):
            own = TARGET + SERIES * len(finding.account.options)
            after = len({*estate.options, *finding.account.options})
            if gas + own + CHECK * after + HEDGE > cap:
                self._defer(finding, FULL if takes else f"taking it over takes more than {cap} gas")
                continue
            fit, reason = self._largest(estate, finding, hedged=hedged)
            if fit is None:
                self._defer(finding, reason)
                continue
            gain = fit.taken.gain - (fit.hedging.cost - cost)
            if not self._worth_it(finding, gain, own):
                self._defer(finding, "bonus is below cost; it grows with shortfall and clock", gain)
                continue
            takes.append(_take(finding, fit, gain))
            estate, last, cost, gas = fit.estate, fit, fit.hedging.cost, gas + own
        return self._haul(takes, last) if last else None

    def ordered(self, findings: Sequence[Finding]) -> list[Finding]:
        """By what the largest slice of each would bring, most first; among equals the most urgent."""
        return sorted(findings, key=lambda finding: (-self._promise(finding), finding.urgency))

    def _promise(self, finding: Finding) -> int:
        slice = self._slice(finding, WAD)
        try:
            return self.estate.clone().take(finding.account, finding.assessment, slice).gain
        except LendsAndOwes:
            return 0

    def _slice(self, finding: Finding, fraction: int) -> Slice:
        proven = bool(finding.witness)
        return slice_of(finding.account, finding.assessment, self.estate.snapshot, fraction, proven=proven)

    # ---------------------------------------------------------------- how much

    def _largest(self, estate: Estate, finding: Finding, *, hedged: bool) -> tuple[Fit | None, str]:
        """The largest slice that the account carries, or why not even the least."""
        most = self._slice(finding, min(WAD, self.caps.get(finding.id, WAD)))
        if not most.fraction:
            return None, "the clock has not reached its slice"
        try:
            if found := self._fit(estate, finding, most, hedged=hedged):
                return found, ""
            if most.fraction == WAD or most.min_fraction >= most.fraction:
                return None, self._lack("all of it" if most.fraction == WAD else "its least slice")
            best = self._fit(estate, finding, self._slice(finding, most.min_fraction), hedged=hedged)
            if best is None:
                return None, self._lack("its least slice")
            low, high = most.min_fraction, most.fraction
            for _ in range(STEPS):
                middle = (low + high) // 2
                if found := self._fit(estate, finding, self._slice(finding, middle), hedged=hedged):
                    best, low = found, middle
                else:
                    high = middle
        except LendsAndOwes as error:
            return None, str(error)
        return best, ""

    def _lack(self, what: str) -> str:
        return f"{what} needs more margin than the keeper's portfolio account has; deposit quote into it"

    def _fit(self, estate: Estate, finding: Finding, slice: Slice, *, hedged: bool) -> Fit | None:
        """The slice in the account, hedged where that is possible; None when the account does not carry it."""
        after, headroom = estate.clone(), self.planner.settings.headroom
        taken = after.take(finding.account, finding.assessment, slice)
        after.repay()
        if hedged and self.greeks is not None and self.planner.settings.hedge:
            trial = after.clone()
            hedging = self.hedger.plan(trial, self.greeks, self.planner.view.tables)
            try:
                if hedging.trades and trial.carries(hedging.use, headroom):
                    return Fit(slice, taken, after, trial, hedging)
            except (PriceUnusable, SurfaceUnusable):
                pass  # nothing can be opened now: it is taken as it is, and hedged when that is possible
        return Fit(slice, taken, after, after, Hedging()) if after.carries(PriceUse.ACQUIRE, headroom) else None

    # ---------------------------------------------------------------- whether, and what then

    def _worth_it(self, finding: Finding, gain: int, gas: int) -> bool:
        settings = self.planner.settings
        rescue = settings.rescue and finding.assessment.equity < 0 and gain >= 0
        return rescue or gain - self.planner.gas(gas) >= settings.min_profit

    def _haul(self, takes: list[Take], last: Fit) -> Haul:
        own = self.estate.id
        steps = [
            actions.liquidate(own, take.finding.id, take.asked, skip=True, witness=take.finding.witness)
            for take in takes
        ]
        if QUOTE in {*self.estate.book.owed, *_debts(takes)} - last.estate.book.owed.keys():
            steps.append(actions.repay(own, QUOTE))
        steps += self.hedger.actions(last.hedged, last.hedging)
        return Haul(tuple(takes), tuple(steps), last.hedged, last.hedging)

    def _defer(self, finding: Finding, reason: str, gain: int = 0) -> None:
        self.deferred.append(Deferred(finding, reason, gain))


def _debts(takes: Sequence[Take]) -> set[int]:
    balances = [take.finding.account.balances for take in takes]
    return {asset for held in balances for asset, balance in held.items() if balance.kind == DEBT}


def _take(finding: Finding, fit: Fit, gain: int) -> Take:
    slice = fit.slice
    bonus = max(fit.taken.gain, 0)
    return Take(finding, slice.fraction, bonus, fit.taken.insurance, gain, slice.max_fraction, slice.min_fraction)


def smaller(take: Take) -> int:
    """Half the slice, or the least; 0 when there is no smaller one."""
    if take.whole or take.fraction <= take.least:
        return 0
    return max(take.fraction // 2, take.least)
