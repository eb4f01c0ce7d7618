"""Carries out a plan on a chain, step by step, so that it can be cut off anywhere and run again.

Before a transaction leaves, its nonce (and, when we sign, its hash) is in the journal; when it is in a block, its
address is. A second run looks up what the first one sent: it waits for it, takes it as done, or, when it never
arrived, sends it again. A contract counts as deployed only if there is code at its address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plimsoll.abi import checksum, keccak
from plimsoll.chain.base import Chain, Receipt
from plimsoll.deploy.errors import JournalStale, StepFailed
from plimsoll.deploy.files import Journal
from plimsoll.deploy.plan import Create, Plan, Step
from plimsoll.errors import TransactionFailed

Progress = Callable[[int, int, str, str], None]  # number, of how many, step, address or ""


def run(plan: Plan, chain: Chain, deployer: str, journal: Journal, progress: Progress | None = None) -> dict[str, str]:
    """Addresses by step name. Raises StepFailed when the chain refuses a step, ChainError when it cannot be reached."""
    addresses: dict[str, str] = {}
    for number, step in enumerate(plan.steps, 1):
        address = _finished(step, chain, deployer, journal)
        if address is None:
            address = _perform(step, chain, deployer, journal, addresses)
        if isinstance(step, Create):
            addresses[step.name] = address
        if progress:
            progress(number, len(plan.steps), step.name, address)
    return addresses


def _perform(step: Step, chain: Chain, deployer: str, journal: Journal, addresses: dict[str, str]) -> str:
    creates = isinstance(step, Create)
    to = None if isinstance(step, Create) else addresses[step.target.step]
    data = step.initcode(addresses) if isinstance(step, Create) else step.calldata(addresses)

    def announce(tx_hash: str | None, nonce: int) -> None:
        journal.record(step.name, {"nonce": nonce, "tx": tx_hash})

    try:
        tx_hash = chain.submit(deployer, to, data, announce=announce)
        journal.record(step.name, journal.entry(step.name) | {"tx": tx_hash})
        receipt = chain.wait(tx_hash)
    except TransactionFailed as error:  # refused when estimated: nothing was sent
        journal.record(step.name, {})
        raise StepFailed(step.name, error) from error
    return _record(step, chain, journal, receipt, creates)


def _record(step: Step, chain: Chain, journal: Journal, receipt: Receipt, creates: bool) -> str:
    if receipt.status != 1:
        journal.record(step.name, {})
        raise StepFailed(step.name, receipt.error or f"transaction {receipt.tx_hash} failed on chain")
    address = receipt.contract_address or ""
    if creates and not chain.code(address):
        raise StepFailed(step.name, f"transaction {receipt.tx_hash} left no code at {address}")
    _done(step, journal, address)
    return address


def _done(step: Step, journal: Journal, address: str) -> None:
    journal.record(step.name, journal.entry(step.name) | {"done": True, "address": address})


def _finished(step: Step, chain: Chain, deployer: str, journal: Journal) -> str | None:
    """The address ("" for a call) if an earlier run has finished the step; None if it is to be done."""
    entry = journal.entry(step.name)
    if not entry:
        return None
    if entry.get("done"):
        address = str(entry["address"])
        if isinstance(step, Create) and not chain.code(address):
            raise JournalStale(journal.path, step.name, address)  # type: ignore[arg-type]
        return address
    return _recovered(step, entry, chain, deployer, journal)


def _recovered(step: Step, entry: dict[str, Any], chain: Chain, deployer: str, journal: Journal) -> str | None:
    """A step that was announced and not recorded as done: what became of it?"""
    creates = isinstance(step, Create)
    if entry.get("tx") and chain.knows(entry["tx"]):
        receipt = chain.wait(entry["tx"])
        return _record(step, chain, journal, receipt, creates) if receipt.status == 1 else None
    if chain.nonce(deployer) <= entry["nonce"]:
        return None  # it never left, or the node has forgotten it
    if not creates:
        if entry.get("tx"):
            return None  # the nonce went to another transaction of the same account
        _done(step, journal, "")
        return ""
    address = contract_address(deployer, entry["nonce"])
    if not chain.code(address):
        return None
    _done(step, journal, address)
    return address


def contract_address(sender: str, nonce: int) -> str:
    """Where the transaction number `nonce` of `sender` creates its contract."""
    raw = bytes.fromhex(sender[2:])
    number = b"" if nonce == 0 else nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    item = number if len(number) == 1 and nonce < 0x80 else bytes([0x80 + len(number)]) + number
    payload = b"\x94" + raw + item
    return checksum(keccak(bytes([0xC0 + len(payload)]) + payload)[12:])


def describe(plan: Plan) -> list[str]:
    """What a run would send, in order."""
    return [f"create {s.artifact.name} as {s.name}" if isinstance(s, Create) else f"call {s.name}" for s in plan.steps]
