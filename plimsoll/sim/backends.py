"""Where a replay runs: in this process, or on an Anvil node with the keeper as a process of its own.

A backend takes a step in three beats: `begin` opens a block at a time, `send` puts transactions into it, `keep` lets
the keeper answer. `logs` are the engine's and the pool's events since they were last asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from plimsoll.chain import ProcessChain
from plimsoll.chain.base import LocalChain, Log, Receipt, Tx
from plimsoll.sim.book import Page
from plimsoll.sim.keeper import SimKeeper
from plimsoll.sim.scene import Scene


class Backend(Protocol):
    """One way to run a replay. `sent` counts transactions."""

    name: str
    sent: int
    directory: Path | None  # where the manifest goes

    @property
    def chain(self) -> LocalChain: ...

    def start_keeper(self, scene: Scene) -> bytes:
        """Brings a keeper to life; its account."""

    def begin(self, time: int) -> None:
        """A new block at `time`."""

    def send(self, txs: Sequence[Tx]) -> list[Receipt]:
        """Puts all into the block that was begun."""

    def keep(self, page: Page, read: Callable[[], Page]) -> Page:
        """The keeper's turn; returns the page after it."""

    def logs(self) -> list[Log]:
        """Events since the last time, in order."""

    def close(self) -> None:
        """Ends what was started."""


class ProcessBackend:
    """Everything in this process. Memory grows by about 9 kB per transaction."""

    name = "process"
    directory = None

    def __init__(self, genesis: int) -> None:
        self.chain = ProcessChain(timestamp=genesis)
        self.keeper: SimKeeper | None = None
        self.sent = 0
        self._receipts: list[Receipt] = []

    def start_keeper(self, scene: Scene) -> bytes:
        self.keeper = SimKeeper.of(scene)
        return self.keeper.account

    def begin(self, time: int) -> None:
        self.chain.set_timestamp(time)

    def send(self, txs: Sequence[Tx]) -> list[Receipt]:
        receipts = self.chain.send_many(txs)
        self.sent += len(receipts)
        self._receipts += receipts
        return receipts

    def keep(self, page: Page, read: Callable[[], Page]) -> Page:
        return self.keeper.turn(page, self.send, read) if self.keeper else page

    def logs(self) -> list[Log]:
        found = [log for receipt in self._receipts if receipt.status for log in receipt.logs]
        self._receipts.clear()
        return found

    def close(self) -> None:
        self._receipts.clear()
