"""The two files of a deployment: the journal while it runs, the manifest when it is done.

deployments/<chain id>.partial.json     what has been sent, written before and after each transaction
deployments/<chain id>.json             addresses, code hashes, constructor arguments, parameters, block

Both are written to a temporary file first and then renamed, so a reader (and a crash) sees the old or the new one,
never half.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plimsoll.abi import checksum
from plimsoll.deploy import errors
from plimsoll.deploy.parameters import Parameters
from plimsoll.errors import BadInput, PlimsollError

FORMAT = 1
DIRECTORY = Path("deployments")


def write_json(path: Path, content: Any) -> None:
    """All or nothing, and on disk when it returns. A full or read-only disk is an error that names the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    except OSError as error:
        raise BadInput("file", str(path), f"it cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BadInput("file", str(path), f"it cannot be written ({error.strerror})") from None
        raise


@dataclass(frozen=True)
class Deployed:
    """One contract of a deployment. `args` are the constructor's, as JSON holds them."""

    contract: str
    address: str
    code_hash: str
    args: list[Any]


@dataclass(frozen=True)
class Manifest:
    """What was deployed where. `compiled` identifies the sources and settings."""

    chain_id: int
    deployer: str
    block: int
    compiled: str
    contracts: dict[str, Deployed]
    parameters: Parameters

    def address(self, name: str) -> str:
        return self.contracts[name].address

    def save(self, directory: Path) -> Path:
        path = manifest_path(directory, self.chain_id)
        write_json(path, {"format": FORMAT, **asdict(self)})
        return path

    @classmethod
    def load(cls, directory: Path, chain_id: int) -> Manifest:
        """The manifest of `chain_id`; one that speaks of another chain is refused."""
        path = manifest_path(directory, chain_id)
        manifest = cls.read(path)
        if manifest.chain_id != chain_id:
            raise errors.ManifestOfAnotherChain(path, manifest.chain_id, chain_id)
        return manifest

    @classmethod
    def read(cls, path: Path) -> Manifest:
        try:
            raw = json.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise errors.ManifestMissing(path) from None
        except (OSError, ValueError) as error:
            raise errors.ManifestDamaged(path, error) from None
        try:
            if raw.pop("format") != FORMAT:
                raise errors.ManifestDamaged(path, f"this version reads format {FORMAT}")
            contracts = {name: Deployed(**entry) for name, entry in raw.pop("contracts").items()}
            for entry in contracts.values():
                checksum(entry.address)
            return cls(contracts=contracts, parameters=Parameters.from_json(raw.pop("parameters")), **raw)
        except (KeyError, TypeError, ValueError, AttributeError, BadInput) as error:
            raise errors.ManifestDamaged(path, error) from None


def manifest_path(directory: Path, chain_id: int) -> Path:
    return directory / f"{chain_id}.json"


class Journal:
    """What a running deployment has done. Each change is on disk before the next transaction is sent."""

    def __init__(self, path: Path | None, chain_id: int, fingerprint: str) -> None:
        self.path = path
        self._content: dict[str, Any] = {"chain_id": chain_id, "plan": fingerprint, "steps": {}}

    @classmethod
    def open(cls, directory: Path | None, chain_id: int, fingerprint: str, *, fresh: bool = False) -> Journal:
        """A new journal, or the one a failed run left behind. None keeps it in memory."""
        journal = cls(directory and directory / f"{chain_id}.partial.json", chain_id, fingerprint)
        path = journal.path
        if path is None or fresh or not path.exists():
            return journal
        try:
            found = json.loads(path.read_text())
            same = (found["chain_id"], found["plan"]) == (chain_id, fingerprint)
            journal._content["steps"] = dict(found["steps"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise errors.ManifestDamaged(path, error) from None
        if not same:
            raise errors.JournalOfAnotherPlan(path, "parameters, code or deployer")
        return journal

    def entry(self, step: str) -> dict[str, Any]:
        """{} when nothing was sent; {nonce, tx} when it was; {…, done: true, address} when it is in a block."""
        return dict(self._content["steps"].get(step, {}))

    def record(self, step: str, entry: dict[str, Any]) -> None:
        self._content["steps"][step] = entry
        if self.path is not None:
            write_json(self.path, self._content)

    def close(self) -> None:
        """The deployment is complete; its manifest takes over."""
        if self.path is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                raise PlimsollError(f"cannot remove {self.path}: {error.strerror}; remove it by hand") from None
