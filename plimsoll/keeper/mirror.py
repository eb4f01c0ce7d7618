"""The chain's accounts in memory: enumerated once, then followed block by block through events.

    mirror = Mirror(Reader(deployment), settings)
    view = mirror.follow()                  # at the newest block; None when there is no new one

Whatever is doubtful — another block where ours was, too many blocks missed, an event that does not fit, an asset or
market that was listed, a count that differs — ends in a fresh enumeration, never in a guess. A restart is one too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import structlog

from plimsoll.chain.base import Log
from plimsoll.contracts import decode_event
from plimsoll.errors import RpcRefused, TransactionFailed
from plimsoll.keeper.options import OptionReader
from plimsoll.keeper.reader import Head, Reader, Tables, Words
from plimsoll.keeper.rows import Rows
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import Account, Snapshot

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

Args = dict[str, Any]
Apply = Callable[[Rows, Args], bool]

#: What each event does to the rows; False means that it does not fit.
HANDLERS: dict[str, Apply] = {
    "AccountOpened": lambda rows, a: rows.opened(a["account"], a["number"]),
    "HeldChanged": lambda rows, a: rows.held(a["account"], a["asset"], a["held"]),
    "SharesChanged": lambda rows, a: rows.shares(a["account"], a["asset"], a["kind"], a["shares"]),
    "PositionChanged": lambda rows, a: rows.position(a["account"], a["market"], a["size"], a["cost"]),
    "OptionChanged": lambda rows, a: rows.option(a["account"], a["instrument"], a["quantity"]),
    "SideCharged": lambda rows, a: rows.epoch(a["market"], a["epoch"]),
    "SideShrunk": lambda rows, a: rows.epoch(a["market"], a["epoch"]),
    "MarginCalled": lambda rows, a: rows.deadline(a["account"], a["deadline"]),
    "MarginCallCleared": lambda rows, a: rows.deadline(a["account"], 0),
    "LiquidationClock": lambda rows, a: rows.clock(a["account"], a["startedAt"]),
}


class Diverged(Exception):
    """The rows cannot be brought to the block by events; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class View:
    """Everything of one block, as the pure functions take it."""

    head: Head
    tables: Tables
    rows: Rows
    changes: int = 0

    @property
    def snapshot(self) -> Snapshot:
        return self.tables.snapshot

    def account(self, id: bytes) -> Account | None:
        return self.rows.find(id)


class Mirror:
    """One reader. `resyncs` counts enumerations, the first one included."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self.reader, self.settings = reader, settings
        self.options = OptionReader(reader.engine)
        self.view: View | None = None
        self.resyncs = 0

    def follow(self) -> View | None:
        """The view at the newest block, or None when that is the one we have."""
        head = self.reader.head()
        known = self.view.head if self.view else None
        if known and (head.number, head.hash) == (known.number, known.hash) and self.reader.has_logs:
            return None
        self.view = self._advance(head)
        return self.view

    def _advance(self, head: Head) -> View:
        if self.view is None:
            return self.enumerate(head, "start")
        try:
            tables = self.reader.tables(head)
            return self._by_events(self.view, head, tables)
        except Diverged as error:
            return self.enumerate(head, error.reason)

    # ---------------------------------------------------------------- pages

    def enumerate(self, head: Head, reason: str) -> View:
        """All accounts at `head`, page by page, every page pinned to that block."""
        started = time.perf_counter()
        self.reader.forget()
        tables = self.reader.tables(head)
        rows = Rows(tables.asset_mask, tables.market_mask)
        for number, market in tables.snapshot.markets.items():
            rows.epoch(number, market.state.epoch)
        rows.load(self.read_all(tables, head.number))
        if len(rows) != tables.count:
            raise Diverged(f"{len(rows)} accounts were read, the engine has {tables.count}")
        self.resyncs += 1
        seconds = round(time.perf_counter() - started, 4)
        log.info("accounts enumerated", reason=reason, block=head.number, accounts=len(rows), seconds=seconds)
        with_any = [row for row in sorted(rows.optioned) if rows.account(row).header.options]
        ids = [bytes(rows.words[row, 0]) for row in with_any]
        rows.options = dict(zip(with_any, self.options.held(ids, head.number), strict=True))
        return View(head, self._with_options(tables, rows), rows, len(rows))

    def _with_options(self, tables: Tables, rows: Rows) -> Tables:
        """With what options are valued by, where anybody is judged by it."""
        if not rows.optioned:
            return tables
        held = {instrument for series in rows.options.values() for instrument in series}
        return replace(tables, snapshot=self.options.snapshot(tables.snapshot, held, tables.snapshot.block))

    def read_all(self, tables: Tables, block: int) -> list[Words]:
        """All pages in order, a few of them under way at a time: nodes answer calls side by side."""
        size = self.settings.page
        starts = range(0, tables.count, size)
        workers = self.settings.readers if self.reader.parallel else 1
        with ThreadPoolExecutor(workers) as pool:
            parts = pool.map(lambda start: self._pages(start, min(size, tables.count - start), tables, block), starts)
            return [page for part in parts for page in part]

    def _pages(self, start: int, count: int, tables: Tables, block: int) -> list[Words]:
        """One page; in halves where the node has not the gas, or the patience, for all of it."""
        try:
            return [self.reader.page(start, count, tables, block)]
        except (TransactionFailed, RpcRefused) as error:
            if count == 1:
                raise
            log.info("page halved", start=start, count=count, error=str(error))
            half = count // 2
            return self._pages(start, half, tables, block) + self._pages(start + half, count - half, tables, block)

    # ---------------------------------------------------------------- events

    def _by_events(self, view: View, head: Head, tables: Tables) -> View:
        rows, last = view.rows, view.head
        if (tables.asset_mask, tables.market_mask) != (rows.asset_mask, rows.market_mask):
            raise Diverged("an asset or a market was listed")
        if not self.reader.has_logs:
            raise Diverged("this chain keeps no logs")
        if head.number <= last.number:
            raise Diverged(f"the chain went back from block {last.number} to {head.number}")
        if head.number - last.number > self.settings.max_range:
            raise Diverged(f"{head.number - last.number} blocks were missed")
        base = self.reader.header(last.number)
        if base is None or base.hash != last.hash:
            raise Diverged(f"block {last.number} was replaced")
        try:
            logs = self.reader.logs(last.number + 1, head.number)
        except RpcRefused as error:  # nodes limit ranges and answers
            raise Diverged(f"the node refused the events: {error.message}") from None
        top = self.reader.header(head.number)
        if top is None or top.hash != head.hash:
            raise Diverged(f"block {head.number} was replaced while its events were read")
        changes = apply(rows, logs)
        if len(rows) != tables.count:
            raise Diverged(f"events lead to {len(rows)} accounts, the engine has {tables.count}")
        return View(head, self._with_options(tables, rows), rows, changes)

    # ---------------------------------------------------------------- self-check

    def differing(self, sample: Iterable[int]) -> list[bytes]:
        """Accounts among the rows of `sample` whose words differ from the chain's at the view's block."""
        view = self.view
        if view is None:
            return []
        chosen = [row for row in sample if row < len(view.rows)]
        ids = [bytes(view.rows.words[row, 0]) for row in chosen]
        if not ids:
            return []
        truth = self.reader.accounts(ids, view.tables, view.head.number)
        wrong = [id for id, row, words in zip(ids, chosen, truth, strict=True) if not _same(view.rows, row, words)]
        return wrong + [id for id in self._wrong_series(view, chosen) if id not in wrong]

    def _wrong_series(self, view: View, rows: Iterable[int]) -> list[bytes]:
        known = {bytes(view.rows.words[row, 0]): view.rows.options[row] for row in rows if view.rows.options.get(row)}
        found = self.options.held(list(known), view.head.number)
        return [id for id, series in zip(known, found, strict=True) if series != known[id]]


def _same(rows: Rows, row: int, words: Any) -> bool:
    return bool((rows.words[row] == words).all())


def apply(rows: Rows, logs: Iterable[Log]) -> int:
    """Brings the rows forward; returns how many events changed something. Raises Diverged for one that does not fit."""
    changes = 0
    for entry in logs:
        event = decode_event(entry)
        handler = HANDLERS.get(event.name) if event else None
        if event is None or handler is None:
            continue
        if not handler(rows, event.args):
            raise Diverged(f"the event {event.name} does not fit: {_text(event.args)}")
        changes += 1
    return changes


def _text(args: Args) -> str:
    return ", ".join(f"{name}={'0x' + v.hex() if isinstance(v, bytes) else v}" for name, v in args.items())
