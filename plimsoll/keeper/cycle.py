"""One block: read → reconcile → screen and confirm → plan → simulate and send → acknowledge.

keeper = Keeper(deployment, settings, wallet)       # wallet None: dry run
done = keeper.cycle()                               # None: there is no new block
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from plimsoll import accounts, units
from plimsoll.abi import checksum
from plimsoll.deploy.files import write_json
from plimsoll.errors import PlimsollError
from plimsoll.keeper import logs, tell
from plimsoll.keeper.act import EXCLUSIVE, Result, Writer
from plimsoll.keeper.batch import is_spot, kinds_of
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.metrics import Health, Metrics
from plimsoll.keeper.mirror import Diverged, Mirror, View
from plimsoll.keeper.plan import FULL, Planner
from plimsoll.keeper.portfolio.steward import Steward
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.select import Finding, Survey, look
from plimsoll.keeper.settings import Settings
from plimsoll.keeper.shop import Shop
from plimsoll.keeper.wallet import Wallet, price_of
from plimsoll.margin.account import LENT

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

NOBODY = "0x" + 17 * "00" + "6b6565"  # whose eyes a dry run looks through
STDOUT = Path("-")
SAMPLE = 16  # accounts per block whose mirrored words are compared with the chain's


@dataclass(frozen=True, slots=True)
class Done:
    """The acknowledgement of one block. `idle`: nothing was sent for it and nothing sent earlier is still under way."""

    block: int
    hash: str
    time: int
    accounts: int
    candidates: int
    liquidatable: int
    called: int
    calls: int
    cures: int
    liquidations: int
    observations: int
    settlements: int
    hedges: int
    sales: int
    deferred: int
    sent: list[str]
    mined: int
    failed: int
    pending: int
    idle: bool
    dry_run: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return {"event": "block_done", **asdict(self)}


class Keeper:
    """One reader, one writer, pure functions between. `wallet` None: dry run."""

    def __init__(
        self, protocol: Any, settings: Settings, wallet: Wallet | None = None, journal: Journal | None = None
    ) -> None:
        self.settings, self.wallet = settings, wallet
        self.reader = Reader(protocol)
        self.address = wallet.address if wallet else checksum(settings.profit_to or NOBODY)
        self.account = accounts.cross(self.address, settings.account_index)
        self.journal = journal or Journal()
        self.mirror = Mirror(self.reader, settings)
        self.shop = Shop.of(protocol, wanted=settings.exchange)
        self.writer = Writer(self.reader.engine, self.journal, settings, wallet)
        self.metrics, self.health = Metrics(), Health(settings.health_seconds)
        self.portfolio = accounts.pack(self.address, accounts.Mode.PORTFOLIO, 0, settings.account_index)
        self.steward = Steward(protocol, self.writer, settings, self.portfolio)
        self._own = {self.account, self.portfolio, self.reader.pool_account, self.reader.insurance_account}
        self._stopping = False
        self._sampled = 0

    # ---------------------------------------------------------------- one block

    def cycle(self) -> Done | None:
        """Works through the newest block; None when it was worked through already."""
        started = time.perf_counter()
        view = self.mirror.follow()
        if view is None:
            return None
        decided = self.writer.reconcile(view.head)
        self._compare()
        survey = look(view, self._own | self.journal.targets)
        tell.survey(survey)
        result = self._act(view, survey)
        receipts = [receipt for _, receipt in decided]
        done = Done(
            block=view.head.number,
            hash=view.head.hash,
            time=view.head.time,
            accounts=survey.screened,
            candidates=survey.candidates,
            liquidatable=len(survey.liquidatable),
            called=len(view.rows.called),
            calls=result.count("call"),
            cures=result.count("cure"),
            liquidations=result.count("liquidate"),
            observations=result.count("observe"),
            settlements=result.count("settle") + result.count("settle own"),
            hedges=sum(len(batch.trades) for batch in result.batches if batch.has_options),
            sales=result.count("sell"),
            deferred=len(result.deferred),
            sent=result.sent,
            mined=sum(1 for receipt in receipts if receipt is not None and receipt.status == 1),
            failed=sum(1 for receipt in receipts if receipt is None or receipt.status != 1),
            pending=len(self.journal.pending),
            idle=not result.sent and not self.journal.pending,
            dry_run=self.wallet is None,
            seconds=round(time.perf_counter() - started, 4),
        )
        tell.measure(self.metrics, view, survey, result, done, self.mirror.resyncs, self.account)
        tell.options(self.metrics, self.steward, view, decided, result)
        self.health.done({"block": done.block, "accounts": done.accounts, "pending": done.pending})
        log.info("block done", **{name: value for name, value in asdict(done).items() if name not in ("hash", "sent")})
        self._acknowledge(done)
        return done

    def _compare(self) -> None:
        """A rotating sample of the mirror against the chain; any difference means reading everything again."""
        view = self.mirror.view
        if view is None or not len(view.rows):
            return
        rows = [(self._sampled + step) % len(view.rows) for step in range(min(SAMPLE, len(view.rows)))]
        self._sampled = (self._sampled + SAMPLE) % len(view.rows)
        differing = self.mirror.differing(rows)
        if differing:
            self.metrics.divergences.inc(len(differing))
            log.error("mirror differs from the chain", accounts=[logs.name_of(id) for id in differing])
            self.mirror.view = self.mirror.enumerate(view.head, "the mirror differed from the chain")
            raise Diverged("the mirror differed from the chain; it was read again")

    # ---------------------------------------------------------------- acting

    def _act(self, view: View, survey: Survey) -> Result:
        result = Result(dry=self.wallet is None)
        planner, busy = self.planner(view, survey), self.steward.is_busy
        if not self.journal.awaits(*EXCLUSIVE):
            self.writer.liquidate(planner, [found for found in survey.liquidatable if not found.by_options], result)
            if not any(batch.purpose == "liquidate" for batch in result.batches) and (batch := planner.tidy()):
                self.writer.send(batch, planner, result)
        self.steward.act(survey, planner, result, busy=busy)
        for finding in survey.liquidatable:
            if deferred := result.deferred.get(finding.id):
                tell.finding(finding, "wait", deferred.reason, gain=units.quote(deferred.gain))
        waiting = [found for found in survey.liquidatable if self._to_be_called(found, result)]
        for purpose, findings in (("call", [*survey.calls, *waiting]), ("cure", survey.cures)):
            for batch in planner.calls(findings, purpose):
                self.writer.send(batch, planner, result)
        for batch in result.batches:
            for take in batch.takes:
                tell.take(take, dry=self.wallet is None)
            for order in batch.orders:
                tell.swap(order, view.snapshot, dry=self.wallet is None)
        return result

    def planner(self, view: View, survey: Survey) -> Planner:
        """Pools, brakes, and whether lenders may leave are read only where somebody's balances ask for it."""
        own = view.account(self.account)
        plain = [finding.account for finding in survey.liquidatable if not finding.by_options]
        concerned = [account for account in plain if is_spot(account)]
        concerned += [own] if own and is_spot(own) else []
        depths = self.shop.depths(view.head.number) if concerned else None
        lent = {asset for account in concerned for asset, kind in kinds_of(account).items() if kind == LENT}
        return Planner(
            view,
            self.settings,
            self.account,
            self.settings.profit_to or self.address,
            self._gas_price(),
            exchange=self.shop.exchange,
            depths=depths,
            lent_cash=self.reader.lent_cash(lent, view.tables, view.head.number),
            room=self.shop.room(view.head.number) if depths else {},
        )

    def _to_be_called(self, found: Finding, result: Result) -> bool:
        """A liquidatable account that has to wait is called, so that its clock starts and its bonus grows."""
        deferred = result.deferred.get(found.id)
        return deferred is not None and deferred.reason != FULL and not found.account.header.call_deadline

    def _acknowledge(self, done: Done) -> None:
        if self.settings.ack == STDOUT:
            print(json.dumps(done.to_json()), flush=True)
        elif self.settings.ack is not None:
            write_json(self.settings.ack, done.to_json())

    def _gas_price(self) -> int:
        if self.wallet is None or self.settings.gas_feed is None:
            return 0
        try:
            return price_of(self.wallet.fees(self.settings.max_gas_price))
        except PlimsollError:
            return self.settings.max_gas_price
