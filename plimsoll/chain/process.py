"""An EVM inside this process (pyrevm): thousands of transactions per second, deterministic, gone when the program ends.

    chain = ProcessChain(timestamp=1_583_971_200)
    chain.advance(12)                                  # one block, twelve seconds later

Transactions land in the current block; only `advance` and `set_timestamp` begin another. What differs from a real
chain: all calls are one EVM transaction, so storage stays warm and **gas figures are too low**; memory grows by about
9 kB for each transaction that is not reverted; opcodes newer than shanghai are not refused. The code size limit holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NoReturn

from pyrevm import EVM, BlockEnv, CfgEnv, Env

from plimsoll.abi import checksum, keccak
from plimsoll.chain.base import Announce, Log, Receipt, Tx
from plimsoll.errors import BadInput, ChainError, Halted, Reverted, Unsupported

GENESIS_TIME = 1_700_000_000
ETHER = 10**18
_PADDING = 33  # zero bytes pyrevm appends to analysed code
_REVERT = re.compile(r"Revert \{ gas_used: (\d+), output: 0x([0-9a-fA-F]*) \}")
_HALT = re.compile(r"Halt \{ reason: (.+), gas_used: (\d+) \}")


def dev_address(number: int) -> str:
    """The n-th funded account of a process chain."""
    return checksum(keccak(b"plimsoll dev account %d" % number)[12:])


class ProcessChain:
    """`Chain` and `LocalChain` over pyrevm. `gas_limit` bounds each single call."""

    def __init__(
        self,
        *,
        chain_id: int = 31337,
        timestamp: int = GENESIS_TIME,
        accounts: int = 10,
        gas_limit: int = 1_000_000_000,
    ) -> None:
        self.chain_id, self.gas_limit = chain_id, gas_limit
        self._evm: Any = EVM(env=Env(cfg=CfgEnv(chain_id=chain_id)))
        self._nonces: dict[str, int] = {}
        self._sent = 0
        self._receipts: dict[str, Receipt] = {}
        self._snapshots: list[tuple[Any, int, int, dict[str, int]]] = []
        self.accounts = [dev_address(number) for number in range(accounts)]
        for account in self.accounts:
            self._evm.set_balance(account, 10_000 * ETHER)
        self._mine(1, timestamp)

    def __repr__(self) -> str:  # pyrevm prints the whole state
        return f"<ProcessChain {self.chain_id} block {self._number} time {self._time}>"

    # ---------------------------------------------------------------- clock

    def block(self) -> tuple[int, int]:
        return self._number, self._time

    def advance(self, seconds: int, blocks: int = 1) -> None:
        if seconds < 0 or blocks < 1:
            raise BadInput("advance", (seconds, blocks), "time and blocks only go forward")
        self._mine(self._number + blocks, self._time + seconds)

    def set_timestamp(self, timestamp: int) -> None:
        if timestamp < self._time:
            raise BadInput("timestamp", timestamp, f"the chain is at {self._time} already")
        self._mine(self._number + 1, timestamp)

    def _mine(self, number: int, timestamp: int) -> None:
        self._number, self._time = number, timestamp
        self._evm.set_block_env(BlockEnv(number=number, timestamp=timestamp))

    # ---------------------------------------------------------------- calls

    def call(
        self, to: str, data: bytes, *, sender: str | None = None, block: int | None = None, gas: int | None = None
    ) -> bytes:
        if block is not None and block != self._number:
            raise Unsupported(f"a chain in process has no past: block {block} asked for, it is at {self._number}")
        evm = self._evm
        checkpoint = evm.snapshot()
        try:
            result: bytes = evm.message_call(sender or self.accounts[0], to, calldata=data, gas=gas or self.gas_limit)
        except RuntimeError as error:
            raise_typed(error)
        finally:
            evm.revert(checkpoint)
        return result

    # ---------------------------------------------------------------- transactions

    def send(self, sender: str, to: str | None, data: bytes, *, value: int = 0, gas: int | None = None) -> Receipt:
        if to is None:
            return self._create(sender, data, value, gas)
        try:
            self._evm.message_call(sender, to, calldata=data, value=value, gas=gas or self.gas_limit)
        except RuntimeError as error:
            self._nonces[sender] = self._nonces.get(sender, 0) + 1
            raise_typed(error)
        return self._done(sender, None)

    def deploy(self, sender: str, bytecode: bytes, *, gas: int | None = None) -> Receipt:
        return self._create(sender, bytecode, 0, gas)

    def _create(self, sender: str, bytecode: bytes, value: int, gas: int | None) -> Receipt:
        try:
            address = self._evm.deploy(sender, bytecode, value=value, gas=gas or self.gas_limit)
        except RuntimeError as error:
            self._nonces[sender] = self._nonces.get(sender, 0) + 1
            raise_typed(error)
        return self._done(sender, checksum(address))

    def _done(self, sender: str, created: str | None) -> Receipt:
        self._nonces[sender] = self._nonces.get(sender, 0) + 1
        self._sent += 1
        result = self._evm.result
        return Receipt(1, result.gas_used, lambda: _logs(result), self._number, created, f"0x{self._sent:064x}")

    def send_many(self, transactions: Iterable[Tx]) -> list[Receipt]:
        receipts = []
        for tx in transactions:
            try:
                receipts.append(self.send(tx.sender, tx.to, tx.data, value=tx.value, gas=tx.gas))
            except (Reverted, Halted) as error:
                self._sent += 1
                failed = Receipt(0, error.gas_used, (), self._number, None, f"0x{self._sent:064x}", error)
                receipts.append(failed)
        return receipts

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
        if announce:
            announce(None, self.nonce(sender))
        receipt = self.send_many([Tx(sender, to, data, value, gas)])[0]
        self._receipts[receipt.tx_hash] = receipt
        return receipt.tx_hash

    def wait(self, tx_hash: str) -> Receipt:
        try:
            return self._receipts[tx_hash]
        except KeyError:
            raise BadInput("transaction", tx_hash, "it was not submitted to this chain") from None

    def knows(self, tx_hash: str) -> bool:
        return tx_hash in self._receipts

    # ---------------------------------------------------------------- state

    def nonce(self, address: str) -> int:
        return self._nonces.get(address, 0)

    def balance(self, address: str) -> int:
        return int(self._evm.get_balance(address))

    def set_balance(self, address: str, wei: int) -> None:
        self._evm.set_balance(address, wei)

    def storage(self, address: str, slot: int) -> int:
        return int(self._evm.storage(address, slot))

    def set_storage(self, address: str, slot: int, word: int) -> None:
        self._evm.insert_account_storage(address, slot, word)

    def code(self, address: str) -> bytes:
        raw = self._evm.get_code(address)
        if not raw:
            return b""
        code = bytes(raw)[:-_PADDING]
        if keccak(code) != bytes(self._evm.basic(address).code_hash):
            raise ChainError(f"the code of {address} cannot be read exactly with this pyrevm; use pyrevm 0.3.7")
        return code

    def snapshot(self) -> int:
        self._snapshots.append((self._evm.snapshot(), self._number, self._time, dict(self._nonces)))
        return len(self._snapshots) - 1

    def revert(self, snapshot: int) -> None:
        if not 0 <= snapshot < len(self._snapshots):
            raise BadInput("snapshot", snapshot, "it was used already, or one outside it was")
        while len(self._snapshots) > snapshot:  # innermost first, or pyrevm corrupts its journal
            checkpoint, number, timestamp, self._nonces = self._snapshots.pop()
            self._evm.revert(checkpoint)
        self._mine(number, timestamp)


def _logs(result: Any) -> list[Log]:
    return [Log(log.address, tuple(map(bytes, log.data[0])), bytes(log.data[1])) for log in result.logs]


def raise_typed(error: RuntimeError) -> NoReturn:
    """Raises what pyrevm's text means."""
    text = str(error)
    if match := _REVERT.match(text):
        raise Reverted(bytes.fromhex(match[2]), int(match[1])) from None
    if match := _HALT.match(text):
        raise Halted(match[1], int(match[2])) from None
    if "LackOfFund" in text or "CallGasCostMoreThanGasLimit" in text:
        raise Halted(text) from None
    raise ChainError(f"the EVM refused the call: {text}") from None
