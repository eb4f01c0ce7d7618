"""The writer: simulates each batch on the chain's own state, takes out what stands in its way, sends, and keeps track.

One failing account never blocks the others: the target that an error names is dropped, a market that is full or a sale
that fails loses its largest contributors (a lone one is tried smaller), otherwise each is tried alone, and what fails
only together is bisected. What was sent is in the journal before it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from plimsoll.chain.base import Receipt
from plimsoll.contracts import Contract
from plimsoll.errors import ChainUnreachable, PlimsollError, RpcRefused, TransactionFailed
from plimsoll.keeper import blame
from plimsoll.keeper.journal import Entry, Journal
from plimsoll.keeper.plan import Batch, Deferred, Planner, Take
from plimsoll.keeper.reader import Head
from plimsoll.keeper.select import Finding
from plimsoll.keeper.settings import Settings
from plimsoll.keeper.wallet import GAS_MARGIN, Fees, GasBeyondCap, GasTooExpensive, Prepared, Wallet, bumped, price_of

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")

ATTEMPTS = 24
EXCLUSIVE = ("liquidate", "tidy")  # they move the keeper's own account: one generation at a time
OPTION_PURPOSES = ("hedge", "sell", "settle", "settle own")


@dataclass(slots=True)
class Result:
    """What one cycle's acting came to."""

    sent: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    deferred: dict[bytes, Deferred] = field(default_factory=dict)
    dry: bool = False

    def count(self, purpose: str) -> int:
        return sum(len(batch.targets) for batch in self.batches if batch.purpose == purpose)


class Writer:
    """`wallet` None is a dry run: everything is decided and simulated, nothing is signed or sent."""

    def __init__(self, engine: Contract, journal: Journal, settings: Settings, wallet: Wallet | None) -> None:
        self.engine, self.journal, self.settings, self.wallet = engine, journal, settings, wallet

    # ---------------------------------------------------------------- what is under way

    def reconcile(self, head: Head) -> list[tuple[Entry, Receipt | None]]:
        """Learns what became of what was sent; returns the decided ones. A lost one is simply decided on anew."""
        if self.wallet is None or not self.journal.pending:
            return []
        mined, decided = self.wallet.mined_nonce(), []
        for entry in [self.journal.pending[nonce] for nonce in sorted(self.journal.pending)]:
            receipt = self._receipt(entry)
            if receipt is not None:
                self.journal.finish(entry.nonce, "mined" if receipt.status else "failed")
            elif self._waits(entry, mined):
                self._unstick(entry, head)
                continue
            else:
                self.journal.finish(entry.nonce, "lost")
            decided.append((entry, receipt))
            self._tell(entry, receipt, mined)
        return decided

    def _receipt(self, entry: Entry) -> Receipt | None:
        assert self.wallet is not None
        receipts = (self.wallet.receipt(tx_hash) for tx_hash in reversed(entry.hashes))
        return next((receipt for receipt in receipts if receipt is not None), None)

    def _waits(self, entry: Entry, mined: int) -> bool:
        """Still in the node's queue: its nonce is free in the chain, and the node knows it."""
        assert self.wallet is not None
        if mined > entry.nonce:
            return False
        if entry.hashes:
            return any(self.wallet.knows(tx_hash) for tx_hash in entry.hashes)
        return self.wallet.pending_nonce() > entry.nonce

    def _unstick(self, entry: Entry, head: Head) -> None:
        """Sends it again with higher fees, within the cap and the profit it is worth."""
        assert self.wallet is not None
        if head.number - entry.block < self.settings.stuck_blocks:
            return
        try:
            fees = bumped(entry.fees, self.wallet.fees(self.settings.max_gas_price), self.settings.max_gas_price)
        except GasTooExpensive:
            fees = None
        if fees is None:
            log.warning("transaction stuck", nonce=entry.nonce, purpose=entry.purpose, reason="gas cap reached")
            return
        prepared = self.wallet.prepare(self.engine.address, entry.payload, entry.gas, entry.nonce, fees)
        self.journal.record(entry.again(head.number, fees, prepared.hash))
        log.info("transaction replaced", nonce=entry.nonce, purpose=entry.purpose, max_gas_price=price_of(fees))
        self._broadcast(prepared)

    def _tell(self, entry: Entry, receipt: Receipt | None, mined: int) -> None:
        facts = {"nonce": entry.nonce, "purpose": entry.purpose, "targets": len(entry.targets)}
        if receipt is None:
            reason = "its nonce was used by another" if mined > entry.nonce else "the node does not know it"
            log.warning("transaction lost", reason=reason, **facts)
        elif receipt.status:
            log.info("transaction mined", block=receipt.block, gas=receipt.gas_used, hash=receipt.tx_hash, **facts)
        else:
            log.warning("transaction failed", block=receipt.block, hash=receipt.tx_hash, **facts)

    # ---------------------------------------------------------------- acting

    def liquidate(self, planner: Planner, findings: Sequence[Finding], result: Result) -> None:
        """As many batches as the settings allow; each is what a simulation let pass."""
        left = list(findings)
        for _ in range(self.settings.max_batches):
            if not left:
                break
            batch, refused = self._passing(planner, left)
            for deferred in (*planner.deferred, *refused):
                result.deferred[deferred.finding.id] = deferred
            if batch is None and not refused:
                break
            gone = {deferred.finding.id for deferred in refused}
            if batch is not None:
                gone |= set(batch.targets)
                for target in batch.targets:
                    result.deferred.pop(target, None)
                self.post(batch, planner, result)
                planner.carry()
            left = [finding for finding in left if finding.id not in gone]

    def _passing(self, planner: Planner, findings: Sequence[Finding]) -> tuple[Batch | None, list[Deferred]]:
        """The first batch that the chain would accept, and the targets that had to leave it."""
        chosen, refused, fractions = list(findings), list[Deferred](), dict[bytes, int]()
        for _ in range(ATTEMPTS):
            batch = planner.liquidations(chosen, fractions=fractions)
            if batch is None:
                return None, refused
            error = self.simulate(batch, planner)
            if error is None:
                return batch, refused
            dropped, kept = self._adjust(batch, error, planner, fractions)
            log.info("batch adjusted", error=str(error), dropped=len(dropped), targets=len(batch.targets))
            refused += [Deferred(finding, str(error)) for finding in dropped]
            gone = {finding.id for finding in dropped}
            chosen = [finding for finding in (kept or chosen) if finding.id not in gone]
        return None, refused

    def _adjust(
        self, batch: Batch, error: TransactionFailed, planner: Planner, fractions: dict[bytes, int]
    ) -> tuple[list[Finding], list[Finding] | None]:
        """(targets to leave out, targets to try now — None: all the others)."""
        takes = list(batch.takes)
        if named := blame.named(batch, error):
            return named, None
        refused = blame.refused_recall(error)
        if refused is not None and planner.lent_cash.pop(refused, None) is not None:
            return [], None  # what is lent of it stays lent
        if guilty := blame.suspects(batch, error, planner):
            alone = guilty[0] if len(guilty) == 1 and blame.name_of(error) != "PriceUnusable" else None
            if alone and self._halve(next(take for take in takes if take.finding is alone), fractions):
                return [], None
            return guilty[: max(1, len(guilty) // 2)], None
        if len(takes) == 1:
            return [takes[0].finding], None
        if failing := [take.finding for take in takes if self._fails_alone(take.finding, planner, fractions)]:
            return failing, None
        return [], [take.finding for take in takes[: len(takes) // 2]]

    def _fails_alone(self, finding: Finding, planner: Planner, fractions: dict[bytes, int]) -> bool:
        batch = planner.liquidations([finding], fractions=fractions)
        return batch is not None and self.simulate(batch, planner) is not None

    def _halve(self, take: Take, fractions: dict[bytes, int]) -> bool:
        """Half the slice of a lone target whose market or pool has not enough room, while half is still a slice."""
        half = take.fraction // 2
        if take.whole or half < take.least:
            return False
        fractions[take.finding.id] = half
        return True

    def simulate(self, batch: Batch, planner: Planner) -> TransactionFailed | None:
        """Runs the batch on the view's own block; None when it would pass."""
        data = batch.data(self.engine)
        try:
            block = planner.view.head.number
            self.engine.chain.call(self.engine.address, data, sender=planner.sender, block=block)
        except TransactionFailed as error:
            return error
        return None

    def send(self, batch: Batch, planner: Planner, result: Result) -> bool:
        """Simulates and sends a batch whose targets are all marked `skip`; halves it while it is refused."""
        error = self.simulate(batch, planner)
        if error is None:
            return self.post(batch, planner, result)
        log.info("batch refused", purpose=batch.purpose, error=str(error), targets=len(batch.targets))
        if len(batch.targets) < 2 or len(batch.targets) != len(batch.actions):
            return False
        middle = len(batch.targets) // 2
        halves = [
            Batch(batch.purpose, batch.actions[part], batch.targets[part])
            for part in (slice(0, middle), slice(middle, None))
        ]
        return any([self.send(half, planner, result) for half in halves])  # noqa: C419 (both are sent)

    def post(self, batch: Batch, planner: Planner, result: Result) -> bool:
        """Signs and sends what a simulation let pass; in a dry run it is only noted."""
        result.batches.append(batch)
        if self.wallet is None:
            result.dry = True
            return False
        data = batch.data(self.engine)
        try:
            fees = self.wallet.fees(self.settings.max_gas_price)
            gas = self.wallet.gas(self.engine.address, data)
            if (
                batch.has_options or batch.purpose in OPTION_PURPOSES
            ) and gas * 100 > self.settings.option_gas * GAS_MARGIN:
                raise GasBeyondCap(gas, self.settings.option_gas)
        except (GasBeyondCap, GasTooExpensive, TransactionFailed, RpcRefused) as error:
            log.warning("not sent", purpose=batch.purpose, reason=str(error))
            result.batches.pop()
            return False
        prepared = self.wallet.prepare(self.engine.address, data, gas, self._nonce(), fees)
        entry = self._entry(batch, prepared.nonce, planner.view.head, data, gas, fees, prepared.hash)
        self.journal.record(entry)
        tx_hash = self._broadcast(prepared)
        if tx_hash is None:
            return False
        if not entry.hashes:
            self.journal.record(entry.again(entry.block, fees, tx_hash))
        result.sent.append(tx_hash)
        log.info(
            "transaction sent", purpose=batch.purpose, nonce=prepared.nonce, hash=tx_hash, targets=len(batch.targets)
        )
        return True

    def _broadcast(self, prepared: Prepared) -> str | None:
        """None when the node refused it. When it does not answer, the journal keeps it until its fate is known."""
        assert self.wallet is not None
        try:
            return self.wallet.broadcast(prepared)
        except ChainUnreachable:
            raise
        except PlimsollError as error:
            log.warning("transaction refused", nonce=prepared.nonce, reason=str(error))
            if not (prepared.hash and self.wallet.knows(prepared.hash)):
                self.journal.finish(prepared.nonce, "lost")
            return None

    def _nonce(self) -> int:
        """After what is under way, ours or (a damaged journal) not known to be."""
        assert self.wallet is not None
        return max([self.wallet.mined_nonce(), *(nonce + 1 for nonce in self.journal.pending)])

    def _entry(
        self, batch: Batch, nonce: int, head: Head, data: bytes, gas: int, fees: Fees, tx_hash: str | None
    ) -> Entry:
        return Entry(
            nonce=nonce,
            purpose=batch.purpose,
            block=head.number,
            data=data.hex(),
            gas=gas,
            fees=fees,
            hashes=(tx_hash,) if tx_hash else (),
            targets=tuple(target.hex() for target in batch.targets),
            gain=str(batch.gain),
        )
