"""What every chain can do, wherever it runs. Back ends: process.ProcessChain, rpc.RpcChain, anvil.AnvilChain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

Announce = Callable[[str | None, int], None]  # hash, if known before sending; nonce


class Log(NamedTuple):
    """One event as the chain keeps it. `address` is checksummed."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


class Tx(NamedTuple):
    """One transaction to be sent. `to` None creates a contract; `gas` None lets the back end choose."""

    sender: str
    to: str | None
    data: bytes
    value: int = 0
    gas: int | None = None


class Receipt:
    """What became of a transaction. `status` is 1 when it took effect; `error` says why when it did not."""

    __slots__ = ("_logs", "block", "contract_address", "error", "gas_used", "status", "tx_hash")

    def __init__(
        self,
        status: int,
        gas_used: int,
        logs: Any,
        block: int,
        contract_address: str | None = None,
        tx_hash: str = "",
        error: Exception | None = None,
    ) -> None:
        self.status, self.gas_used, self.block = status, gas_used, block
        self._logs: Any = logs
        self.contract_address, self.tx_hash, self.error = contract_address, tx_hash, error

    @property
    def logs(self) -> Sequence[Log]:
        if callable(self._logs):  # decoded when first asked for
            self._logs = self._logs()
        logs: Sequence[Log] = self._logs
        return logs

    def __repr__(self) -> str:
        return f"<Receipt {self.tx_hash} status={self.status} gas={self.gas_used} block={self.block}>"


@runtime_checkable
class Chain(Protocol):
    """A connection to one chain.

    Failures of a contract are `Reverted` or `Halted` and change nothing. Failures of the connection are `ChainError`s.
    Units: seconds, wei, gas. `block` is a block number; None is the latest.
    """

    chain_id: int

    def block(self) -> tuple[int, int]:
        """(number, timestamp) of the latest block, as the next call sees it."""

    def call(
        self, to: str, data: bytes, *, sender: str | None = None, block: int | None = None, gas: int | None = None
    ) -> bytes:
        """What `to` returns; any change it makes is undone."""

    def send(self, sender: str, to: str | None, data: bytes, *, value: int = 0, gas: int | None = None) -> Receipt:
        """Sends one transaction and waits for it. Raises Reverted or Halted when it fails."""

    def send_many(self, transactions: Iterable[Tx]) -> list[Receipt]:
        """Sends all, in order, and waits for all. A failed one has status 0 and its `error`; the others stand."""

    def submit(
        self,
        sender: str,
        to: str | None,
        data: bytes,
        *,
        value: int = 0,
        gas: int | None = None,
        announce: Announce | None = None,
    ) -> str:
        """Sends without waiting; returns the transaction's hash for `wait`. Nothing is sent when estimating fails.

        `announce(hash or None, nonce)` is called just before sending; the hash is known beforehand when we sign.
        """

    def wait(self, tx_hash: str) -> Receipt:
        """The receipt of a submitted transaction. Does not raise when it failed on chain."""

    def knows(self, tx_hash: str) -> bool:
        """Whether the transaction is in a block or waits for one."""

    def deploy(self, sender: str, bytecode: bytes, *, gas: int | None = None) -> Receipt:
        """Creates a contract; its address is `receipt.contract_address`."""

    def nonce(self, address: str) -> int:
        """The number of transactions of `address`, pending ones included."""

    def balance(self, address: str) -> int:
        """Wei."""

    def code(self, address: str) -> bytes:
        """Runtime code, empty when there is none."""

    def storage(self, address: str, slot: int) -> int:
        """One storage word."""


@runtime_checkable
class LocalChain(Chain, Protocol):
    """A chain whose clock and state are ours to move: in process, or Anvil."""

    accounts: list[str]

    def advance(self, seconds: int, blocks: int = 1) -> None:
        """Mines `blocks`, the last of them `seconds` from now."""

    def set_timestamp(self, timestamp: int) -> None:
        """Mines one block with exactly this time, which must not be in the past."""

    def snapshot(self) -> Any:
        """Remembers state and clock. Revert inner snapshots before outer ones, or only the outer one."""

    def revert(self, snapshot: Any) -> None:
        """Back to `snapshot`, which is used up by it."""

    def set_balance(self, address: str, wei: int) -> None: ...
