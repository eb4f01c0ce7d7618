"""Signing and sending with explicit nonces, fees under a cap, and replacement of what got stuck.

`prepare` signs and knows the hash before anything leaves, so that the journal can be written first; `broadcast` sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from plimsoll.abi import checksum
from plimsoll.chain.base import Chain, Receipt
from plimsoll.chain.jsonrpc import RpcError
from plimsoll.chain.rpc import RpcChain, _receipt
from plimsoll.chain.signer import Signer
from plimsoll.errors import PlimsollError, RpcRefused

GAS_MARGIN = 130  # per cent of the estimate
BUMP = 125  # per cent of the fees that a replacement pays
KNOWN = ("already known", "known transaction", "already imported", "transaction already")

Fees = dict[str, int]


class GasTooExpensive(PlimsollError):
    """The chain asks more for gas than the cap allows. Nothing is sent; it is tried again with the next block."""

    def __init__(self, price: int, cap: int) -> None:
        super().__init__(f"gas costs {price} wei, the cap is {cap}; raise --max-gas-price to go on at this price")
        self.price, self.cap = price, cap


class GasBeyondCap(PlimsollError):
    """One transaction would take more gas than it may. Nothing is sent; a smaller one is."""

    def __init__(self, gas: int, cap: int) -> None:
        super().__init__(f"it takes {gas} gas, the cap is {cap}; raise --option-gas, or hold fewer series")
        self.gas, self.cap = gas, cap


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transaction ready to leave. `hash` is None when the node signs."""

    nonce: int
    hash: str | None
    request: Any


class Wallet(Protocol):
    """Who sends, and what became of what was sent."""

    address: str

    def mined_nonce(self) -> int: ...
    def pending_nonce(self) -> int: ...
    def fees(self, cap: int) -> Fees: ...
    def gas(self, to: str, data: bytes) -> int: ...
    def prepare(self, to: str, data: bytes, gas: int, nonce: int, fees: Fees) -> Prepared: ...
    def broadcast(self, prepared: Prepared) -> str: ...
    def receipt(self, tx_hash: str) -> Receipt | None: ...
    def knows(self, tx_hash: str) -> bool: ...


def price_of(fees: Fees) -> int:
    """The most that a unit of gas may cost, wei."""
    return fees.get("maxFeePerGas", fees.get("gasPrice", 0))


def bumped(fees: Fees, current: Fees, cap: int) -> Fees | None:
    """Fees that replace a stuck transaction's, at least a quarter more; None when the cap is in the way."""
    raised = {name: max(value * BUMP // 100 + 1, current.get(name, 0)) for name, value in fees.items()}
    return raised if price_of(raised) <= cap else None


class RpcWallet:
    """A key of our own, or an unlocked account of a local node."""

    def __init__(self, chain: RpcChain, *, signer: Signer | None = None, unlocked: str | None = None) -> None:
        self.chain, self._signer = chain, signer
        self.address = checksum(signer.address if signer else unlocked or "")

    def __repr__(self) -> str:
        return f"<RpcWallet {self.address}>"

    def mined_nonce(self) -> int:
        return int(self.chain.rpc.request("eth_getTransactionCount", self.address, "latest"), 16)

    def pending_nonce(self) -> int:
        return self.chain.nonce(self.address)

    def fees(self, cap: int) -> Fees:
        """EIP-1559 where the chain has it: twice the base fee and the node's tip, never above `cap`."""
        head = self.chain.rpc.request("eth_getBlockByNumber", "latest", False)
        if head.get("baseFeePerGas") is None:
            price = int(self.chain.rpc.request("eth_gasPrice"), 16)
            if price > cap:
                raise GasTooExpensive(price, cap)
            return {"gasPrice": price}
        base = int(head["baseFeePerGas"], 16)
        answer = self.chain.rpc.batch([("eth_maxPriorityFeePerGas", ())])[0]
        tip = min(10**9 if isinstance(answer, RpcError) else int(answer, 16), cap)
        if base > cap:
            raise GasTooExpensive(base, cap)
        return {"maxFeePerGas": min(2 * base + tip, cap), "maxPriorityFeePerGas": tip}

    def gas(self, to: str, data: bytes) -> int:
        query = {"from": self.address, "to": to, "data": "0x" + data.hex()}
        return int(self.chain.rpc.request("eth_estimateGas", query), 16) * GAS_MARGIN // 100

    def prepare(self, to: str, data: bytes, gas: int, nonce: int, fees: Fees) -> Prepared:
        fields: dict[str, Any] = {"to": checksum(to), "value": "0x0", "data": "0x" + data.hex(), "gas": hex(gas)}
        fields |= {"nonce": hex(nonce)} | {name: hex(value) for name, value in fees.items()}
        if self._signer is None:
            return Prepared(nonce, None, ("eth_sendTransaction", fields | {"from": self.address}))
        raw, tx_hash = self._signer.sign(fields | {"chainId": self.chain.chain_id})
        return Prepared(nonce, tx_hash, ("eth_sendRawTransaction", raw))

    def broadcast(self, prepared: Prepared) -> str:
        try:
            return str(self.chain.rpc.request(*prepared.request))
        except RpcRefused as error:
            if prepared.hash and any(sign in str(error).lower() for sign in KNOWN):
                return prepared.hash
            raise

    def receipt(self, tx_hash: str) -> Receipt | None:
        raw = self.chain.rpc.request("eth_getTransactionReceipt", tx_hash)
        return _receipt(raw) if raw and raw.get("blockNumber") else None

    def knows(self, tx_hash: str) -> bool:
        return self.chain.knows(tx_hash)


class ProcessWallet:
    """The same over a chain in process, where a transaction is mined as it is sent."""

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain, self.address = chain, checksum(address)

    def mined_nonce(self) -> int:
        return self.chain.nonce(self.address)

    pending_nonce = mined_nonce

    def fees(self, cap: int) -> Fees:
        return {"gasPrice": 0}

    def gas(self, to: str, data: bytes) -> int:
        """Nobody estimates in process, where gas figures are too low anyway: the chain's own limit holds."""
        return 0

    def prepare(self, to: str, data: bytes, gas: int, nonce: int, fees: Fees) -> Prepared:
        return Prepared(nonce, None, (to, data))

    def broadcast(self, prepared: Prepared) -> str:
        to, data = prepared.request
        return self.chain.submit(self.address, to, data)

    def receipt(self, tx_hash: str) -> Receipt | None:
        return self.chain.wait(tx_hash)

    def knows(self, tx_hash: str) -> bool:
        return self.chain.knows(tx_hash)
