"""A chain behind HTTP JSON-RPC: any node, with keys of our own or the unlocked accounts of a local one.

    chain = RpcChain("http://127.0.0.1:8545")                        unlocked accounts
    chain = RpcChain(url, signers=[Signer.from_env("PLIMSOLL_KEY")]) signs for that address

Nonces are counted here and explicit in each transaction, so `send_many` puts hundreds into one HTTP exchange. After any
error they are asked for again. A transaction that was sent and not seen in a block raises ReceiptMissing with its hash.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from plimsoll.abi import checksum
from plimsoll.chain.base import Announce, Log, Receipt, Tx
from plimsoll.chain.jsonrpc import JsonRpc, RpcError
from plimsoll.chain.signer import Signer
from plimsoll.errors import ChainUnreachable, Halted, PlimsollError, ReceiptMissing

GAS_MARGIN = 1.2  # over the estimate; state may move between estimate and block


class RpcChain:
    """`Chain` over JSON-RPC. `timeout`: seconds per exchange; `receipt_timeout`: seconds to wait for a receipt."""

    def __init__(
        self, url: str, *, signers: Sequence[Signer] = (), timeout: float = 30.0, receipt_timeout: float = 120.0
    ) -> None:
        self.rpc = JsonRpc(url, timeout=timeout)
        self.receipt_timeout = receipt_timeout
        self._signers = {signer.address: signer for signer in signers}
        self._nonces: dict[str, int] = {}
        self._lock = threading.Lock()
        self.chain_id = int(self.rpc.request("eth_chainId"), 16)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.chain_id} at {self.rpc.url}>"

    def close(self) -> None:
        self.rpc.close()

    # ---------------------------------------------------------------- reading

    def block(self) -> tuple[int, int]:
        head = self.rpc.request("eth_getBlockByNumber", "latest", False)
        return int(head["number"], 16), int(head["timestamp"], 16)

    def call(
        self, to: str, data: bytes, *, sender: str | None = None, block: int | None = None, gas: int | None = None
    ) -> bytes:
        return _bytes(self.rpc.request("eth_call", *_call(to, data, sender, block, gas)))

    def call_many(self, calls: Iterable[tuple[str, bytes]], *, block: int | None = None) -> list[bytes | PlimsollError]:
        """Many reads in one exchange; a failed one is its error."""
        results = self.rpc.batch(("eth_call", _call(to, data, None, block, None)) for to, data in calls)
        return [r.as_error() if isinstance(r, RpcError) else _bytes(r) for r in results]

    def balance(self, address: str) -> int:
        return int(self.rpc.request("eth_getBalance", address, "latest"), 16)

    def code(self, address: str) -> bytes:
        return _bytes(self.rpc.request("eth_getCode", address, "latest"))

    def storage(self, address: str, slot: int) -> int:
        return int(self.rpc.request("eth_getStorageAt", address, hex(slot), "latest"), 16)

    def logs(
        self, addresses: Sequence[str], first: int, last: int, topics: Sequence[Any] = ()
    ) -> list[tuple[int, int, Log]]:
        """(block, index in block, log) of all events of `addresses` in blocks `first` to `last`, in order."""
        query = {"address": list(addresses), "fromBlock": hex(first), "toBlock": hex(last), "topics": list(topics)}
        found = self.rpc.request("eth_getLogs", query)
        return [(int(log["blockNumber"], 16), int(log["logIndex"], 16), _log(log)) for log in found]

    # ---------------------------------------------------------------- sending

    def send(self, sender: str, to: str | None, data: bytes, *, value: int = 0, gas: int | None = None) -> Receipt:
        receipt = self.wait(self.submit(sender, to, data, value=value, gas=gas))
        if receipt.status == 0:
            raise self._failure(Tx(sender, to, data, value, gas), receipt)
        return receipt

    def deploy(self, sender: str, bytecode: bytes, *, gas: int | None = None) -> Receipt:
        return self.send(sender, None, bytecode, gas=gas)

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
        """Sends without waiting. Without `gas` it is estimated first, which raises Reverted before anything is sent."""
        tx = Tx(checksum(sender), to, data, value, gas or self._estimate(Tx(sender, to, data, value, None)))
        return self._submit([tx], announce)[0]

    def send_many(self, transactions: Iterable[Tx]) -> list[Receipt]:
        txs = [tx._replace(sender=checksum(tx.sender)) for tx in transactions]
        txs = [tx if tx.gas else tx._replace(gas=self._estimate(tx)) for tx in txs]
        receipts = self.wait_many(self._submit(txs, None))
        for tx, receipt in zip(txs, receipts, strict=True):
            if receipt.status == 0:
                receipt.error = self._failure(tx, receipt)
        return receipts

    def submit_many(self, transactions: Iterable[Tx]) -> list[str]:
        """Sends all in one exchange without waiting; each needs its `gas`."""
        return self._submit([tx._replace(sender=checksum(tx.sender)) for tx in transactions], None)

    def _submit(self, txs: Sequence[Tx], announce: Announce | None) -> list[str]:
        with self._lock:
            try:
                fees = self._fees() if any(tx.sender in self._signers for tx in txs) else {}
                requests = [self._request(tx, fees, announce) for tx in txs]
                results = self.rpc.batch(requests)
            except BaseException:
                self._nonces.clear()  # what reached the node is not known
                raise
            if refused := next((result for result in results if isinstance(result, RpcError)), None):
                self._nonces.clear()
                raise refused.as_error()
        return results

    def _request(self, tx: Tx, fees: dict[str, Any], announce: Announce | None) -> tuple[str, list[Any]]:
        nonce = self._next_nonce(tx.sender)
        fields: dict[str, Any] = {"value": hex(tx.value), "data": "0x" + tx.data.hex(), "nonce": hex(nonce)}
        if tx.gas:
            fields["gas"] = hex(tx.gas)
        if tx.to is not None:
            fields["to"] = checksum(tx.to)
        signer = self._signers.get(tx.sender)
        if signer is None:
            if announce:
                announce(None, nonce)
            return "eth_sendTransaction", [fields | {"from": tx.sender}]
        raw, tx_hash = signer.sign(fields | fees | {"chainId": self.chain_id})
        if announce:
            announce(tx_hash, nonce)
        return "eth_sendRawTransaction", [raw]

    def _next_nonce(self, sender: str) -> int:
        if sender not in self._nonces:
            self._nonces[sender] = self.nonce(sender)
        self._nonces[sender] += 1
        return self._nonces[sender] - 1

    def nonce(self, address: str) -> int:
        return int(self.rpc.request("eth_getTransactionCount", checksum(address), "pending"), 16)

    def _fees(self) -> dict[str, Any]:
        head = self.rpc.request("eth_getBlockByNumber", "latest", False)
        if head.get("baseFeePerGas") is None:
            return {"gasPrice": self.rpc.request("eth_gasPrice")}
        tip = self.rpc.batch([("eth_maxPriorityFeePerGas", ())])[0]
        tip = 10**9 if isinstance(tip, RpcError) else int(tip, 16)
        return {"maxPriorityFeePerGas": hex(tip), "maxFeePerGas": hex(2 * int(head["baseFeePerGas"], 16) + tip)}

    def _estimate(self, tx: Tx) -> int:
        query = {"from": tx.sender, "value": hex(tx.value), "data": "0x" + tx.data.hex()}
        if tx.to is not None:
            query["to"] = tx.to
        estimate = int(self.rpc.request("eth_estimateGas", query), 16)
        return int(estimate * GAS_MARGIN)

    # ---------------------------------------------------------------- receipts

    def wait(self, tx_hash: str) -> Receipt:
        return self.wait_many([tx_hash])[0]

    def wait_many(self, hashes: Sequence[str]) -> list[Receipt]:
        """All receipts, in order; they are asked for together."""
        found: dict[str, Receipt] = {}
        missing = list(dict.fromkeys(hashes))
        deadline, pause = time.monotonic() + self.receipt_timeout, 0.002
        while missing:
            answers = self.rpc.batch(("eth_getTransactionReceipt", [tx_hash]) for tx_hash in missing)
            for tx_hash, raw in zip(missing, answers, strict=True):
                if isinstance(raw, RpcError):
                    raise raw.as_error()
                if raw is not None and raw.get("blockNumber"):
                    found[tx_hash] = _receipt(raw)
            missing = [tx_hash for tx_hash in missing if tx_hash not in found]
            if missing and time.monotonic() > deadline:
                raise ReceiptMissing(missing[0], self.receipt_timeout)
            if missing:
                time.sleep(pause)
                pause = min(2 * pause, 1.0)
        return [found[tx_hash] for tx_hash in hashes]

    def knows(self, tx_hash: str) -> bool:
        return self.rpc.request("eth_getTransactionByHash", tx_hash) is not None

    def _failure(self, tx: Tx, receipt: Receipt) -> PlimsollError:
        """Why a transaction that is in a block failed: it is called again on the state before that block."""
        error: PlimsollError = Halted("the transaction failed on chain and succeeds when repeated", receipt.gas_used)
        answer = self.rpc.batch([("eth_call", _call(tx.to, tx.data, tx.sender, receipt.block - 1, tx.gas))])[0]
        if isinstance(answer, RpcError):
            error = answer.as_error()
        elif tx.gas and receipt.gas_used >= tx.gas * 63 // 64:
            error = Halted(f"out of gas: {receipt.gas_used:,} of {tx.gas:,} used", receipt.gas_used)
        error.receipt = receipt  # type: ignore[attr-defined]
        return error


def connect(url: str, *, signer: Signer | None = None) -> RpcChain:
    """The connection that command line tools use: unreachable is an error at once."""
    try:
        return RpcChain(url, signers=[signer] if signer else [])
    except (ValueError, TypeError, KeyError) as error:
        raise ChainUnreachable(url, f"it does not speak Ethereum JSON-RPC ({error})") from None


def _call(to: str | None, data: bytes, sender: str | None, block: int | None, gas: int | None) -> list[Any]:
    fields = {"data": "0x" + data.hex(), "to": to, "from": sender, "gas": hex(gas) if gas else None}
    return [{k: v for k, v in fields.items() if v is not None}, "latest" if block is None else hex(max(0, block))]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _log(raw: dict[str, Any]) -> Log:
    return Log(checksum(raw["address"]), tuple(_bytes(topic) for topic in raw["topics"]), _bytes(raw["data"]))


def _receipt(raw: dict[str, Any]) -> Receipt:
    created = raw.get("contractAddress")
    return Receipt(
        status=int(raw["status"], 16),
        gas_used=int(raw["gasUsed"], 16),
        logs=lambda: [_log(log) for log in raw["logs"]],
        block=int(raw["blockNumber"], 16),
        contract_address=checksum(created) if created else None,
        tx_hash=raw["transactionHash"],
    )
