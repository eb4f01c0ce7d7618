"""A replay on an Anvil node of its own, with `plimsoll keeper run` as a process of its own.

A step is one block with the price and everybody's transactions, then, as long as the keeper has something under way,
one block a second later for what it sends. The step closes when the keeper has acknowledged a block and is idle.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from plimsoll.abi import keccak
from plimsoll.accounts import cross
from plimsoll.chain import Anvil, AnvilChain, Signer
from plimsoll.chain.base import Log, Receipt, Tx
from plimsoll.errors import BadInput, PlimsollError
from plimsoll.exchange import Exchange
from plimsoll.sim.agents import PROFIT
from plimsoll.sim.page import Page
from plimsoll.sim.scene import Scene, must

BLOCK_GAS = 50_000_000_000
ETHER = 10**18
ACK_SECONDS = 60.0
ROUNDS = 8  # blocks that a keeper may take for one step
KEY = keccak(b"plimsoll local keeper")  # of local chains; public knowledge


class KeeperSilent(PlimsollError):
    """The keeper process ended, or did not acknowledge a block in time. `output` is the end of its log."""

    exit_code = 9

    def __init__(self, what: str, output: str) -> None:
        shown = output.strip()[-1500:] or "(nothing)"
        super().__init__(f"the keeper {what}; the end of its log:\n{shown}")
        self.output = output


class _Impersonating(AnvilChain):
    """Sends for anybody. Newcomers get ether first, since the node asks for it even at a price of zero."""

    _funded: set[str]

    def send_many(self, transactions: Iterable[Tx]) -> list[Receipt]:
        txs = list(transactions)
        known = self.__dict__.setdefault("_funded", set(self.accounts))
        new = sorted({tx.sender for tx in txs} - known)
        if new:
            self.rpc.batch([("anvil_setBalance", (sender, hex(10**9 * ETHER))) for sender in new])
            known.update(new)
        return super().send_many(txs)


class Funding(Protocol):
    """A scene, or whoever else has tokens to give."""

    def deposited(self, owner: str, account: bytes, asset: int, amount: int) -> list[Tx]: ...


class AnvilBackend:
    """Node, manifest, keeper and its journal live as long as this; `folder` None is a temporary one."""

    name = "anvil"

    def __init__(self, genesis: int, *, folder: Path | None = None, ack_seconds: float = ACK_SECONDS) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="plimsoll-replay-") if folder is None else None
        self.folder = folder or Path(self._temporary.name if self._temporary else ".")
        self.directory = self.folder / "deployments"
        self.ack_seconds, self.sent, self._seen = ack_seconds, 0, 0
        self._node = Anvil(
            automine=False,
            gas_limit=BLOCK_GAS,
            timestamp=genesis,
            options=["--order", "fifo", "--no-request-size-limit"],
        )
        self._node.start().close()
        self.chain = _Impersonating(self._node.url, automine=False)
        self.chain.rpc.request("anvil_autoImpersonateAccount", True)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._reserve = 0
        self._scene: Scene | None = None

    # ---------------------------------------------------------------- keeper

    def start_keeper(self, scene: Funding, float_: int, limit: int | None = None) -> bytes:
        if limit is not None:
            raise BadInput("limit of liquidations per step", limit, "the keeper process has none; replay in process")
        signer = Signer(KEY)
        account = cross(signer.address)
        self.chain.set_balance(signer.address, 1000 * ETHER)
        must(self.chain, scene.deposited(signer.address, account, 0, float_ * 10**6))
        self._reserve = float_
        self.spawn_keeper()
        self._acknowledged(self.chain.block()[0])
        return account

    def spawn_keeper(self) -> None:
        """Starts the process; its journal and its log go on where an earlier one ended."""
        command = [sys.executable, "-m", "plimsoll.cli", "keeper", "run", "--rpc", self._node.url]
        command += ["--deployments", str(self.directory), "--state", str(self.folder / "keeper-state")]
        command += ["--profit-to", PROFIT, "--reserve", str(self._reserve), "--poll", "0.01"]
        command += ["--ack", str(self._ack_file)]
        with (self.folder / "keeper.log").open("ab") as log:
            self._keeper = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PLIMSOLL_KEEPER_KEY": "0x" + KEY.hex()},
            )

    def kill_keeper(self) -> None:
        """Ends the process without a word, as a power cut would. For tests."""
        assert self._keeper is not None
        self._keeper.kill()
        self._keeper.wait()

    @property
    def _ack_file(self) -> Path:
        return self.folder / "ack.json"

    def _acknowledged(self, block: int) -> dict[str, Any]:
        """Waits until the keeper has worked through `block`."""
        assert self._keeper is not None
        deadline = time.monotonic() + self.ack_seconds
        while True:
            with contextlib.suppress(OSError, ValueError):
                done: dict[str, Any] = json.loads(self._ack_file.read_text())
                if done["block"] >= block:
                    return done
            if self._keeper.poll() is not None:
                raise KeeperSilent(f"ended with exit code {self._keeper.returncode}", self.keeper_log())
            if time.monotonic() > deadline:
                raise KeeperSilent(f"has not acknowledged block {block} in {self.ack_seconds:g} s", self.keeper_log())
            time.sleep(0.003)

    def keeper_log(self) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / "keeper.log").read_text(errors="replace")
        return ""

    # ---------------------------------------------------------------- a step

    def begin(self, time: int) -> None:
        self.chain.next_timestamp(time)

    def send(self, txs: Sequence[Tx]) -> list[Receipt]:
        receipts = self.chain.send_many(txs)
        self.sent += len(receipts)
        return receipts

    def keep(self, page: Page, read: Callable[[], Page]) -> Page:
        return read() if self.turns(page.snapshot.block, page.snapshot.time) else page

    def turns(self, number: int, now: int) -> bool:
        """Blocks for what the keeper does about block `number`, until it is idle; whether it did anything."""
        if self._keeper is None:
            return False
        done = self._acknowledged(number)
        if done["idle"]:
            return False
        for _ in range(ROUNDS):
            self.sent += len(done["sent"])
            number, now = number + 1, now + 1
            self.chain.next_timestamp(now)
            self.chain.mine()
            done = self._acknowledged(number)
            if done["idle"]:
                break
        return True

    def receipts(self, block: int) -> list[Receipt]:
        """Of all transactions in a block."""
        raw = self.chain.rpc.request("eth_getBlockByNumber", hex(block), False)
        return self.chain.wait_many(raw["transactions"])

    def logs(self) -> list[Log]:
        first, last = self._seen + 1, self.chain.block()[0]
        if last < first:
            return []
        assert self._scene is not None
        self._seen = last
        deployment = self._scene.deployment
        addresses = [deployment.engine.address, deployment.pool.address]
        if deployment.parameters.exchange is not None:
            addresses += [pool.address for pool in Exchange.of(deployment).pools]
        found = self.chain.logs(addresses, first, last)
        return [log for _, _, log in sorted(found, key=lambda entry: entry[:2])]

    def attach(self, scene: Scene) -> None:
        """Events count from here on."""
        self._scene, self._seen = scene, self.chain.block()[0]

    # ---------------------------------------------------------------- end

    def close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.terminate()
            try:
                keeper.wait(timeout=10)
            except subprocess.TimeoutExpired:
                keeper.kill()
                keeper.wait()
        self.chain.close()
        self._node.stop()
        if self._temporary is not None:
            self._temporary.cleanup()
