"""What was sent and is not in a block yet: the only thing a keeper cannot read back from the chain.

One small JSON file per chain and sender, replaced atomically and on disk *before* a transaction leaves. Every
transaction has an explicit nonce, so whatever is forgotten and sent again takes the same nonce: at most one of the two
can ever be mined, and nothing is paid twice. A lock beside it refuses a second keeper with the same key.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from plimsoll.deploy.files import write_json
from plimsoll.errors import BadInput, PlimsollError

FORMAT = 1


class AlreadyRunning(PlimsollError):
    """Another keeper works with the same key and journal."""

    exit_code = 2

    def __init__(self, path: Path) -> None:
        super().__init__(f"another keeper holds {path}; stop it, or give this one its own --state and key")
        self.path = path


@dataclass(frozen=True, slots=True)
class Entry:
    """One nonce under way. `hashes`: every version sent, newest last; empty when the node signs."""

    nonce: int
    purpose: str
    block: int
    data: str
    gas: int
    fees: dict[str, int]
    hashes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    gain: str = "0"

    def again(self, block: int, fees: dict[str, int], tx_hash: str | None) -> Entry:
        hashes = self.hashes + ((tx_hash,) if tx_hash else ())
        return replace(self, block=block, fees=fees, hashes=hashes)

    @property
    def payload(self) -> bytes:
        return bytes.fromhex(self.data)


@dataclass
class Journal:
    """`path` None keeps it in memory (dry runs, tests)."""

    path: Path | None = None
    pending: dict[int, Entry] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=lambda: {"sent": 0, "mined": 0, "failed": 0, "lost": 0})
    damaged: Path | None = None
    _lock: Any = None

    @classmethod
    def open(cls, directory: Path, chain_id: int, sender: str) -> Journal:
        path = directory / f"{chain_id}-{sender.lower()}.json"
        journal = cls(path)
        journal._acquire()
        if path.exists():
            journal._load()
        return journal

    def _acquire(self) -> None:
        assert self.path is not None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self.path.with_suffix(".lock").open("w")
        except OSError as error:
            raise BadInput("state", str(self.path.parent), f"it cannot be written ({error.strerror})") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(self.path.with_suffix(".lock")) from None

    def _load(self) -> None:
        """A file that cannot be read is put aside: what is under way is then found by the nonces of the chain."""
        assert self.path is not None
        try:
            raw = json.loads(self.path.read_text())
            if raw["format"] != FORMAT:
                raise ValueError("format")
            entries = [Entry(**_tuples(entry)) for entry in raw["pending"]]
            self.totals |= {name: int(value) for name, value in raw["totals"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.damaged = self.path.with_suffix(".damaged")
            self.path.replace(self.damaged)
            return
        self.pending = {entry.nonce: entry for entry in entries}

    # ---------------------------------------------------------------- changes, each on disk when it returns

    def record(self, entry: Entry) -> None:
        """Before sending: a transaction, or another version of one."""
        if entry.nonce not in self.pending:
            self.totals["sent"] += 1
        self.pending[entry.nonce] = entry
        self._save()

    def finish(self, nonce: int, outcome: str) -> None:
        """The nonce is decided; `outcome` is mined, failed or lost."""
        self.pending.pop(nonce, None)
        self.totals[outcome] = self.totals.get(outcome, 0) + 1
        self._save()

    def _save(self) -> None:
        if self.path is None:
            return
        entries = [asdict(entry) for _, entry in sorted(self.pending.items())]
        write_json(self.path, {"format": FORMAT, "pending": entries, "totals": self.totals})

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # ---------------------------------------------------------------- seeing

    @property
    def targets(self) -> set[bytes]:
        """Accounts that a transaction under way is about."""
        return {bytes.fromhex(target) for entry in self.pending.values() for target in entry.targets}

    def awaits(self, *purposes: str) -> bool:
        return any(entry.purpose in purposes for entry in self.pending.values())


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
