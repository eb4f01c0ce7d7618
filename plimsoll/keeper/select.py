"""Who needs what: every account is screened in float64, and each candidate decided on by the exact twin. Pure.

    survey = look(view, skip={keeper})
    survey.liquidatable, survey.calls, survey.cures        findings with exact numbers and a reason

A float never decides: the screen only says whom to look at (its error margin is proven in plimsoll/margin/screen.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from plimsoll.keeper import option_screen
from plimsoll.keeper.mirror import View
from plimsoll.keeper.options import witness_of
from plimsoll.margin import account as accounts
from plimsoll.margin import option_values
from plimsoll.margin.account import Account, Assessment, NegativeBalance, PriceUse, Snapshot


@dataclass(frozen=True, slots=True)
class Finding:
    """One account that needs something, with the exact numbers that say so (WAD)."""

    account: Account
    assessment: Assessment
    call_margin: int
    reason: str
    #: of a portfolio account: the scenarios that prove it
    witness: bytes = b""

    @property
    def by_options(self) -> bool:
        """Whether it is judged, and taken over, as an account with options."""
        return option_values.applies(self.account)

    @property
    def id(self) -> bytes:
        return self.account.id

    @property
    def urgency(self) -> tuple[bool, int]:
        """Bankrupt ones first, then by health in tenths: what is near bankruptcy goes before what pays more."""
        found = self.assessment
        return found.equity >= 0, found.equity * 10 // found.mm if found.mm else 0


@dataclass(frozen=True, slots=True)
class Survey:
    """What one block asks for. `unassessable` are accounts that no exact answer exists for; they block nobody."""

    screened: int
    candidates: int
    liquidatable: tuple[Finding, ...]
    calls: tuple[Finding, ...]
    cures: tuple[Finding, ...]
    unassessable: tuple[bytes, ...] = ()


def look(view: View, skip: Collection[bytes] = ()) -> Survey:
    """Screens all accounts of the view and confirms the candidates exactly; `skip` are left alone."""
    optioned = view.rows.optioned
    scores = view.rows.scores(view.snapshot)
    chosen = option_screen.suspects([view.rows.account(row) for row in sorted(optioned)], view.snapshot)
    chosen += [view.rows.account(row) for row in map(int, scores.rows()) if row not in optioned]
    liquidatable: list[Finding] = []
    calls: list[Finding] = []
    broken: list[bytes] = []
    for account in chosen:
        if account.id in skip:
            continue
        try:
            found = accounts.assess(account, view.snapshot, PriceUse.TARGET)
        except (NegativeBalance, LookupError):
            broken.append(account.id)
            continue
        finding = judge(account, found, view.snapshot)
        if finding is None:
            continue
        if finding.by_options:
            finding = replace(finding, witness=witness_of(account, view.snapshot))
        (liquidatable if accounts.is_liquidatable(account, found, view.snapshot) else calls).append(finding)
    watched = view.rows.called | view.rows.clocked
    cures = [finding for row in sorted(watched) if (finding := _cured(view, row, skip))]
    liquidatable.sort(key=lambda finding: finding.urgency)
    return Survey(len(view.rows), len(chosen), tuple(liquidatable), tuple(calls), tuple(cures), tuple(broken))


def judge(account: Account, found: Assessment, snapshot: Snapshot) -> Finding | None:
    """Why an account is to be liquidated or called; None when it is neither (or called already)."""
    level = accounts.call_margin(found, snapshot.terms, snapshot.time)
    if found.equity < 0:
        return Finding(account, found, level, "bankrupt")
    if found.equity < found.mm:
        return Finding(account, found, level, "equity below maintenance margin")
    if accounts.is_liquidatable(account, found, snapshot):
        return Finding(account, found, level, "deadline passed below call margin")
    if found.equity < level and account.header.call_deadline == 0:
        return Finding(account, found, level, "equity below call margin")
    return None


def _cured(view: View, row: int, skip: Collection[bytes]) -> Finding | None:
    """An account with a call or a running clock that is back at IM₀ even with doubtful prices moved against it."""
    account = view.rows.account(row)
    if account.id in skip:
        return None
    try:
        found = accounts.assess(account, view.snapshot, PriceUse.ACQUIRE)
    except (NegativeBalance, LookupError):
        return None
    if found.equity < found.im0:
        return None
    level = accounts.call_margin(found, view.snapshot.terms, view.snapshot.time)
    return Finding(account, found, level, "back at initial margin")
