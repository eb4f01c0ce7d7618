"""The keeper of an in-process replay: selection and plans of `plimsoll keeper`, on the page that was read anyway.

What it takes it closes in the same batch, and its profit goes to another address. Volatile collateral cannot be closed
in a perp market: the keeper pays for it out of a float of quote, and a desk outside the protocol sells it at the index
and refills the float.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from structlog.testing import capture_logs

from plimsoll.accounts import cross
from plimsoll.exchange.depth import Depths
from plimsoll.keeper.act import Result, Writer
from plimsoll.keeper.batch import is_spot
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.mirror import View
from plimsoll.keeper.plan import FULL, Batch, Planner
from plimsoll.keeper.reader import Head, Tables
from plimsoll.keeper.rows import Rows
from plimsoll.keeper.select import Finding, Survey, look
from plimsoll.keeper.settings import Settings
from plimsoll.keeper.shop import Shop
from plimsoll.margin.account import Account, Snapshot
from plimsoll.margin.screen import Scores
from plimsoll.margin.words import Pool
from plimsoll.sim.agents import PROFIT
from plimsoll.sim.page import Page
from plimsoll.sim.scene import Scene, person
from plimsoll.sim.spot_keeper import Send, SpotHand

WAD = 10**18
KEEPER = person("keeper")
ROUNDS = 6  # per step; each takes what the one before had no room or cash for


class PageRows:
    """A page as the keeper's rows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.called = set(page.table.deadlines.nonzero()[0].tolist())
        self.clocked = set(page.table.clocks.nonzero()[0].tolist())
        self.optioned: set[int] = set()  # nobody in a replay trades options

    def __len__(self) -> int:
        return len(self.page.ids)

    def scores(self, snapshot: Snapshot) -> Scores:
        assert snapshot is self.page.snapshot
        return self.page.scores

    def account(self, row: int) -> Account:
        return self.page.account(row)

    def find(self, id: bytes) -> Account | None:
        row = self.page.row_of.get(id)
        return None if row is None else self.page.account(row)


@dataclass
class SimKeeper:
    """`exempt` accounts (pool, insurance) cannot be liquidated. `per_step`: liquidations that it sends in one step."""

    scene: Scene
    exempt: frozenset[bytes]
    settings: Settings
    per_step: int | None = None
    hand: SpotHand | None = None
    shop: Shop = field(default_factory=lambda: Shop(None))
    failed: int = 0

    @classmethod
    def of(cls, scene: Scene, float_: int, per_step: int | None = None) -> SimKeeper:
        """`float_` in whole quote."""
        exempt = frozenset((scene.deployment.pool_account, scene.deployment.insurance_account))
        return cls(scene, exempt, Settings(profit_to=PROFIT, reserve=float_ * WAD), per_step)

    @property
    def owner(self) -> str:
        return KEEPER

    @property
    def account(self) -> bytes:
        return cross(self.owner)

    def turn(self, page: Page, send: Send, again: Callable[[], Page]) -> Page:
        """Does what the page asks for; returns the page after it."""
        left = self.per_step
        for _ in range(ROUNDS):
            view = self.view(page)
            survey = look(view, skip=self._skipped())
            batches = self._batches(view, survey, left)
            receipts = send([self.scene.execute(self.owner, *batch.actions) for batch in batches])
            self.failed += sum(receipt.error is not None for receipt in receipts)
            taken = sum(len(batch.takes) for batch in batches) + self._spot(survey, page, send, batches, left)
            if not batches and not (self.hand and self.hand.acted):
                return page
            page = again()
            left = None if left is None else left - taken
            if not survey.liquidatable or left == 0:
                return page
        return page

    def _skipped(self) -> frozenset[bytes]:
        return self.exempt | {self.account} | ({self.hand.account} if self.hand else set())

    def _spot(self, survey: Survey, page: Page, send: Send, batches: list[Batch], left: int | None) -> int:
        """Another hand takes what owes something, and what no batch could close, as far as the step's limit goes."""
        if self.hand is None:
            return 0
        taken = {target for batch in batches for target in batch.targets if batch.takes}
        rest = [finding for finding in survey.liquidatable if finding.id not in taken]
        room = len(rest) if left is None else left - sum(len(batch.takes) for batch in batches)
        return self.hand.turn(rest[:room], page, send)

    def view(self, page: Page) -> View:
        held = [page.table.held_exact(page.row_of[id]) for id in (self._pool, self._insurance)]
        tables = Tables(
            snapshot=page.snapshot,
            pool=Pool(),
            listed=0,
            count=len(page.ids),
            asset_mask=(1 << page.assets) - 1,
            market_mask=(1 << page.table.sizes.shape[1]) - 1,
            pool_cash=held[0],
            insurance_cash=held[1],
        )
        head = Head(page.snapshot.block, page.snapshot.time)
        return View(head, tables, cast(Rows, cast(Any, PageRows(page))))

    @property
    def _pool(self) -> bytes:
        return self.scene.deployment.pool_account

    @property
    def _insurance(self) -> bytes:
        return self.scene.deployment.insurance_account

    def _batches(self, view: View, survey: Survey, left: int | None) -> list[Batch]:
        """Calls and cures, then the liquidations that the keeper's own writer would send, each simulated first."""
        planner = Planner(view, self.settings, self.account, PROFIT)
        planner.exchange, planner.depths = self.shop.exchange, self._depths(view, survey)
        planner.room = self.shop.room(view.head.number) if planner.depths else {}
        taken, waiting = self._liquidations(planner, survey, left)
        batches = planner.calls([*survey.calls, *waiting]) + planner.calls(survey.cures, "cure")
        if not taken and self._collateral(view):
            tidy = planner.tidy()
            taken = [tidy] if tidy else []
        return batches + taken

    def _depths(self, view: View, survey: Survey) -> Depths | None:
        """The pools, in a block in which something has to be sold."""
        concerned = any(is_spot(finding.account) for finding in survey.liquidatable)
        return self.shop.depths(view.head.number) if concerned or self._collateral(view) else None

    def _liquidations(self, planner: Planner, survey: Survey, left: int | None) -> tuple[list[Batch], list[Finding]]:
        """And who has to wait, uncalled: his clock should start."""
        findings = [finding for finding in survey.liquidatable if self.hand is None or not owes(finding)]
        if left == 0 or not findings:
            return [], []
        settings = self.settings if left is None else replace(self.settings, max_batch=min(left, 40), max_batches=1)
        planner.settings = settings
        result = Result()
        with capture_logs():  # a replay counts; it does not tell
            writer = Writer(self.scene.engine, cast(Journal, None), settings, None)
            writer.liquidate(planner, findings, result)
        waiting = [one for one in findings if self._waits(one, result)] if self.shop.exchange else []
        return result.batches, waiting

    def _waits(self, found: Finding, result: Result) -> bool:
        deferred = result.deferred.get(found.id)
        return deferred is not None and deferred.reason != FULL and not found.account.header.call_deadline

    def _collateral(self, view: View) -> bool:
        account = view.account(self.account)
        return account is not None and any(asset and b.held > 0 for asset, b in account.balances.items())


def owes(finding: Finding) -> bool:
    """Whether there is a debt to be taken over."""
    return finding.account.header.debts > 0
