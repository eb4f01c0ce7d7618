"""One sequence under way: what steps send, and the checks asked after each transaction."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

from campaign import checks
from campaign.actions import Act, Actions, shown
from campaign.arena import Arena
from campaign.book import Book
from campaign.broken import Broken
from campaign.cast import ASSETS
from campaign.transaction import Tx, classify
from plimsoll import actions as act
from plimsoll.errors import Halted, Reverted
from plimsoll.prices import Quote

#: Errors that no caller may ever meet: arithmetic, casts and library failures nobody documented.
FORBIDDEN = frozenset(
    ("", "Panic", "Error", "Overflow", "MulDivFailed", "FullMulDivFailed", "DivFailed", "ExpOverflow")
)


class Run(Actions):
    """One sequence under way. Steps call `batch`, `call`, `post` and `advance`; the checks run inside."""

    def __init__(
        self, arena: Arena, stats: Counter[str], observers: Iterable[Any] = (), enforced=checks.CHECKS, ignored=()
    ) -> None:
        self.arena, self.stats, self.world = arena, stats, arena.world
        self.chain, self.enforced, self.observers = arena.world.chain, enforced, tuple(observers)
        self.ignored = frozenset(ignored)
        self.prices = arena.start_prices()
        self.pending: dict[int, tuple[str, str, int]] = {}
        self.donated, self.known_gifts = [0, 0, 0, 0], [0, 0, 0, 0]
        self.donated_pool = self.donated_lp = 0
        self.grants: dict[tuple[bytes, str], tuple[int, ...]] = {}
        self.spent: dict[tuple[bytes, str, int], int] = {}
        self.rng = random.Random(0)
        self.trace: list[str] = []
        self.book = arena.read()

    # ---------------------------------------------------------------- sending

    def sampled(self) -> bytes:
        return self.rng.choice(list(self.arena.accounts))

    def note(self, text: str) -> None:
        self.trace.append(text)

    def failed(self, label: str, error: Exception, must: str, excused: tuple[str, ...] = ()) -> None:
        name = error.name if isinstance(error, Reverted) else "halted"
        self.note(f"    {label}: {error}")
        self.stats[f"reverted {label} {name}"] += 1
        if name in FORBIDDEN or name == "halted" or name.startswith("0x"):
            raise Broken("L-2", f"{label} failed with an undocumented error: {error!s}") from error
        if must and name not in excused:
            raise Broken(must, f"{label} was refused: {error}") from error

    def batch(
        self,
        sender: str,
        *actions: Act,
        label: str = "",
        prices: bytes = b"",
        reducing: bool = False,
        must: str = "",
        refused: str = "",
        excused: tuple[str, ...] = (),
    ) -> Tx | None:
        """Sends a batch. `must`: what a refusal breaks, save by `excused` errors. `refused`: what success breaks."""
        label = label or "+".join(dict.fromkeys(action.name for action in actions))
        start = before = self.book
        if prices:
            before = self._after_prologue(prices)
            if before is None:
                return None
        data = act.batch([action.raw for action in actions], prices, reducing)
        pending = dict(self.pending)
        try:
            receipt = self.world.engine.write("execute", data, sender=self.address(sender))
        except (Reverted, Halted) as error:
            self.failed(label, error, must, excused)
            return None
        self.note(f"    {label} by {sender}" + (" (reducing)" if reducing else "") + shown(self.arena, actions))
        self.stats[f"done {label}"] += 1
        if refused:
            raise Broken(refused, f"{label} by {sender} should have been refused")
        tx = self._tx(label, sender, start, before, receipt, pending)
        tx.is_batch, tx.reducing, tx.commons = True, reducing, self._commons(start, actions)
        for action in actions:
            classify(self.arena, tx, action)
        self.judge(tx)
        return tx

    def call(
        self, sender: str, contract: Any, name: str, *args: Any, must: str = "", refused: str = "", commons: int = 0
    ) -> Tx | None:
        """A transaction to any other contract."""
        start, pending = self.book, dict(self.pending)
        try:
            receipt = contract.write(name, *args, sender=self.address(sender))
        except (Reverted, Halted) as error:
            self.failed(name, error, must)
            return None
        self.note(f"    {contract.artifact.name}.{name} by {sender}")
        self.stats[f"done {name}"] += 1
        if refused:
            raise Broken(refused, f"{name} by {sender} should have been refused")
        tx = self._tx(name, sender, start, start, receipt, pending)
        tx.commons = commons
        self.judge(tx)
        return tx

    def _commons(self, book: Book, actions: tuple[Act, ...]) -> int:
        """What lies in Executor goes to whoever calls next."""
        place = self.arena.holders.index(self.arena.executor)
        lying = sum(book.value(asset, book.holdings[asset][place]) for asset in ASSETS)
        return lying if any(action.name == "exchange" for action in actions) else 0

    def _tx(self, label, sender, start, before, receipt, pending) -> Tx:
        self.book = self.arena.read()
        tx = Tx(label, sender, frozenset((sender,)), start, before, self.book, receipt.logs, pending)
        self._follow_requests(tx)
        return tx

    def judge(self, tx: Tx) -> None:
        for events in tx._events.values() if tx._events else ():
            self.stats[f"event {events[0].name}"] += len(events)
        for observer in self.observers:
            observer(self, tx.logs)
        for check in self.enforced:
            try:
                check(self, tx)
            except Broken as broken:
                if broken.number not in self.ignored:
                    raise

    def _follow_requests(self, tx: Tx) -> None:
        names = self.arena.names
        for event in tx.found("DepositRequested"):
            self.pending[event.args["id"]] = ("deposit", names[event.args["controller"]], event.args["assets"])
        for event in tx.found("RedeemRequested"):
            self.pending[event.args["id"]] = ("redeem", names[event.args["controller"]], event.args["shares"])
        for name in ("DepositExecuted", "RedeemExecuted", "RequestReclaimed"):
            for event in tx.found(name):
                self.pending.pop(event.args["id"])

    def _after_prologue(self, prices: bytes) -> Book | None:
        """The state between the prices of a batch and its first action."""
        checkpoint = self.chain.snapshot()
        try:
            self.world.router.write("update", prices, sender=self.world.admin)
            return self.arena.read()
        except Reverted as error:
            self.failed("prologue", error, "")
            return None
        finally:
            self.chain.revert(checkpoint)

    # ---------------------------------------------------------------- prices and time

    def report(self, changes: dict[int, int], *, at: int | None = None, confidence: int = 100, feeds=None) -> bytes:
        """A signed report of all feeds (or of `feeds`), published now unless said otherwise."""
        prices = {**self.prices, **changes}
        chosen = sorted(feeds or prices)
        return self.world.signer.report(
            self.chain.block()[1] if at is None else at, [Quote(feed, prices[feed], confidence) for feed in chosen]
        )

    def advance(self, seconds: int) -> None:
        self.chain.advance(seconds)
        self.book = self.arena.read()

    def post(self, changes: dict[int, int], *, seconds: int = 2, **how: Any) -> None:
        """Time passes, then anyone posts prices. Worth changes here and only here."""
        if seconds:
            self.advance(seconds)
        self.prices.update(changes)
        self.update(self.report(changes, **how))

    def update(self, report: bytes) -> None:
        before = self.book
        try:
            receipt = self.world.router.write("update", report, sender=self.address("mallory"))
        except (Reverted, Halted) as error:
            self.failed("update", error, "")
            return
        self.book = self.arena.read()
        moved = {f: p.value / 1e10 for f, p in self.book.prices.items() if p.value != before.prices[f].value}
        self.note(f"    prices at {self.book.time}: {moved}")
        for observer in self.observers:
            observer(self, receipt.logs)
        tx = Tx("update", "mallory", frozenset(), before, before, self.book, receipt.logs, dict(self.pending))
        checks.f2_a_feed_moves_once_per_block_and_forward(self, tx)
        checks.i2_perp_pnl_sums_to_zero(self, tx)
        checks.s2_configuration_calls_nobody(self, tx)
