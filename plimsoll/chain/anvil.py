"""An Anvil node of our own, ended with the block that uses it, whatever happens to us.

    with Anvil() as chain:                            automine: each transaction its own block
        chain.send(chain.accounts[0], …)
    with Anvil(automine=False) as chain:              a block holds what one `send_many` sends
        chain.send_many([Tx(…), Tx(…)])

With `automine=False`, `send`, `send_many` and `deploy` mine one block after sending; `submit` and `submit_many` do not:
call `mine`. That is the fast way to do a lot: Anvil pays per block, for the size of the whole chain.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from plimsoll.abi import checksum
from plimsoll.chain.base import Receipt, Tx
from plimsoll.chain.rpc import RpcChain
from plimsoll.chain.signer import Signer
from plimsoll.contracts import ROOT
from plimsoll.errors import BadInput, ChainError, ChainUnreachable, NodeFailed

BLOCK_GAS = 1_000_000_000
START_SECONDS = 30.0


class AnvilChain(RpcChain):
    """`LocalChain` over the RPC of an Anvil node, ours or someone else's."""

    def __init__(self, url: str, *, signers: Sequence[Signer] = (), automine: bool = True, **options: Any) -> None:
        super().__init__(url, signers=signers, **options)
        self.automine = automine
        self.accounts = [checksum(account) for account in self.rpc.request("eth_accounts")]

    def mine(self, blocks: int = 1) -> None:
        """Puts what was submitted into a block."""
        if blocks == 1:
            self.rpc.request("evm_mine")
        else:
            self.rpc.request("anvil_mine", hex(blocks))

    def send(self, sender: str, to: str | None, data: bytes, *, value: int = 0, gas: int | None = None) -> Receipt:
        receipt = self.send_many([Tx(sender, to, data, value, gas)])[0]
        if receipt.error:
            raise receipt.error
        return receipt

    def send_many(self, transactions: Iterable[Tx]) -> list[Receipt]:
        if self.automine:
            return super().send_many(transactions)
        txs = [tx._replace(sender=checksum(tx.sender)) for tx in transactions]
        txs = [tx if tx.gas else tx._replace(gas=self._estimate(tx)) for tx in txs]
        hashes = self._submit(txs, None)
        self.mine()
        receipts = self.wait_many(hashes)
        for tx, receipt in zip(txs, receipts, strict=True):
            if receipt.status == 0:
                receipt.error = self._failure(tx, receipt)
        return receipts

    def wait(self, tx_hash: str) -> Receipt:
        if not self.automine and self.rpc.request("eth_getTransactionReceipt", tx_hash) is None:
            self.mine()
        return super().wait(tx_hash)

    def set_automine(self, automine: bool) -> None:
        self.rpc.request("evm_setAutomine", automine)
        self.automine = automine

    # ---------------------------------------------------------------- clock and state

    def advance(self, seconds: int, blocks: int = 1) -> None:
        if seconds < 0 or blocks < 1:
            raise BadInput("advance", (seconds, blocks), "time and blocks only go forward")
        if blocks > 1:
            self.rpc.request("anvil_mine", hex(blocks - 1), "0x0")
        self.set_timestamp(self.block()[1] + seconds)

    def set_timestamp(self, timestamp: int) -> None:
        """Mines one block with exactly this time."""
        self.next_timestamp(timestamp)
        self.mine()

    def next_timestamp(self, timestamp: int) -> None:
        """The time of the next block, which is not mined yet."""
        now = self.block()[1]
        if timestamp < now:
            raise BadInput("timestamp", timestamp, f"the chain is at {now} already")
        self.rpc.request("evm_setNextBlockTimestamp", hex(timestamp))

    def snapshot(self) -> str:
        return str(self.rpc.request("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        if not self.rpc.request("evm_revert", snapshot):
            raise BadInput("snapshot", snapshot, "it was used already, or one outside it was")
        # A transaction whose receipt is out may still lie in the pool for a moment; it must not be mined again.
        self.rpc.request("anvil_dropAllTransactions")
        self._nonces.clear()

    def set_balance(self, address: str, wei: int) -> None:
        self.rpc.request("anvil_setBalance", address, hex(wei))

    def set_storage_many(self, address: str, words: Iterable[tuple[int, int]]) -> None:
        """Writes (slot, word) pairs straight into storage, in batches: 90,000 per second."""
        requests = (("anvil_setStorageAt", (address, f"0x{s:064x}", f"0x{w:064x}")) for s, w in words)
        for answer in self.rpc.batch(requests):
            if isinstance(answer, Exception):
                raise ChainError(f"anvil_setStorageAt failed: {answer}")


class Anvil:
    """Starts a node on entry and ends it on exit. Also ended at interpreter exit and when this process is killed.

    `base_fee` 0 lets accounts send without ether. `timestamp` is that of the genesis block.
    """

    def __init__(
        self,
        *,
        automine: bool = True,
        gas_limit: int = BLOCK_GAS,
        accounts: int = 10,
        chain_id: int = 31337,
        timestamp: int | None = None,
        base_fee: int = 0,
        hardfork: str = "shanghai",
        port: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.automine, self.port = automine, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        flags = {
            "--host": "127.0.0.1",
            "--port": self.port,
            "--hardfork": hardfork,
            "--chain-id": chain_id,
            "--gas-limit": gas_limit,
            "--accounts": accounts,
            "--base-fee": base_fee,
        } | ({"--timestamp": timestamp} if timestamp is not None else {})
        self._command = [str(item) for pair in flags.items() for item in pair]
        self._command += ["--gas-price", "0"] if base_fee == 0 else []
        self._command += ([] if automine else ["--no-mining"]) + list(options)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> AnvilChain:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> AnvilChain:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115
        guard = Path(__file__).with_name("guard.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(guard), binary(), *self._command],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        atexit.register(self.stop)
        try:
            return self._connect()
        except BaseException:
            self.stop()
            raise

    def _connect(self) -> AnvilChain:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._process.poll() is not None:
                raise NodeFailed(
                    f"Anvil ended at once (exit {self._process.returncode}): {self.output()[-500:].strip()}"
                )
            try:
                return AnvilChain(self.url, automine=self.automine)
            except ChainUnreachable:
                if time.monotonic() > deadline:
                    raise NodeFailed(f"Anvil does not answer at {self.url} after {START_SECONDS:g} s") from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Ends the node. Safe to call again."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._output.close()

    def output(self) -> str:
        """What the node has printed so far."""
        self._output.seek(0)
        return self._output.read().decode("utf-8", "replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary() -> str:
    """The Anvil program: the platform package's own binary, else node_modules/.bin, else PATH."""
    system = platform.system().lower().replace("windows", "win32")
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    packages = ROOT / "node_modules"
    places = [packages / "@foundry-rs" / f"anvil-{system}-{machine}" / "bin" / "anvil", packages / ".bin" / "anvil"]
    for place in places:
        if place.is_file():
            return str(place)
    if found := shutil.which("anvil"):
        return found
    raise NodeFailed("Anvil is not installed; run `scripts/toolchain/bootstrap.sh runtime`, or put anvil on PATH")
