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
from plimsoll.errors import BadInput
from plimsoll.sim.keeper import KEEPER, SimKeeper
from plimsoll.sim.page import Page
from plimsoll.sim.prices import PricePath
from plimsoll.sim.scene import LEAD, Scene, must

MAX_TRANSACTIONS = 1_000_000


class Backend(Protocol):
    """One way to run a replay. `sent` counts transactions."""

    name: str
    sent: int

    @property
    def directory(self) -> Path | None:
        """Where the manifest goes."""

    @property
    def chain(self) -> LocalChain: ...

    def start_keeper(self, scene: Scene, float_: int, limit: int | None = None) -> bytes:
        """Brings a keeper to life that has `float_` (whole quote) to work with; its account.

        `limit`: liquidations per step; only a keeper in process knows one.
        """

    def attach(self, scene: Scene) -> None:
        """The replay begins on this scene."""

    def begin(self, time: int) -> None:
        """A new block at `time`."""

    def send(self, txs: Sequence[Tx]) -> list[Receipt]:
        """Puts all into the block that was begun."""

    def keep(self, page: Page, read: Callable[[], Page]) -> Page:
        """The keeper's turn; returns the page after it."""

    def logs(self) -> list[Log]:
        """Events since the last time, in order."""

    def keeper_log(self) -> str:
        """What a keeper process has printed."""

    def close(self) -> None:
        """Ends what was started."""


class ProcessBackend:
    """Everything in this process. Memory grows by about 9 kB per transaction."""

    name = "process"
    directory: Path | None = None

    def __init__(self, genesis: int) -> None:
        self.chain = ProcessChain(timestamp=genesis)
        self.keeper: SimKeeper | None = None
        self.sent = 0
        self._receipts: list[Receipt] = []

    def start_keeper(self, scene: Scene, float_: int, limit: int | None = None) -> bytes:
        self.keeper = SimKeeper.of(scene, float_, limit)
        must(self.chain, scene.deposited(KEEPER, self.keeper.account, 0, float_ * 10**6))
        return self.keeper.account

    def attach(self, scene: Scene) -> None:
        self._receipts.clear()

    def begin(self, time: int) -> None:
        self.chain.set_timestamp(time)

    def send(self, txs: Sequence[Tx]) -> list[Receipt]:
        if self.sent > MAX_TRANSACTIONS:
            remedy = (
                "each takes 9 kB of memory that is never freed; replay fewer steps or traders, or with --chain anvil"
            )
            raise BadInput("number of transactions", self.sent, remedy)
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

    def keeper_log(self) -> str:
        return ""

    def close(self) -> None:
        self._receipts.clear()


def make(kind: str, path: PricePath) -> Backend:
    """The backend of that name, its clock as long before the first price as the stage takes."""
    genesis = path.begin - LEAD
    if genesis < 0 or path.times[-1] >= 1 << 32:
        remedy = "they lie between 1970-01-08 02:00 and 2106-02-07; are they seconds since 1970?"
        raise BadInput("times of the prices", f"{path.times[0]} to {path.times[-1]}", remedy)
    if kind == "process":
        return ProcessBackend(genesis)
    if kind == "anvil":
        from plimsoll.sim.anvil import AnvilBackend

        return AnvilBackend(genesis)
    raise BadInput("--chain", kind, "write process or anvil")
