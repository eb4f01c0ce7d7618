"""Compiled contracts and light, typed handles to deployed ones.

    artifacts = load()                                     # build/plimsoll/artifacts.json, or PLIMSOLL_ARTIFACTS
    engine = Contract(chain, address, artifacts["MarginEngine"])
    engine.read("assess", account)                         # ((equity, im, im0, mm, notional), state)
    engine.read("held", account, 0, block=123)             # one output: the value itself; several: a tuple
    receipt = engine.write("execute", batch([...]), sender=owner)    # raises Reverted("BelowInitialMargin", …)
    for event in events(receipt.logs): event.name, event.address, event.args["account"]

Structs go in as tuples and come out as named tuples. Overloaded functions are named by signature, "f(uint256,address)".
Reverts and events are decoded against those of *all* artifacts: linked libraries emit and revert too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll.abi import checksum, encoder, keccak
from plimsoll.errors import ArtifactsMissing, BadInput
from plimsoll.signatures import ErrorType, EventType, Function, Parameters

if TYPE_CHECKING:
    from plimsoll.chain import Chain, Log, Receipt

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Artifact:
    """One compiled contract: ABI, creation code, and what must be linked into it."""

    name: str
    abi: list[dict[str, Any]] = field(repr=False)
    bytecode: str = field(repr=False)
    deployed_bytecode: str = field(repr=False)
    link_references: Mapping[str, Mapping[str, list[dict[str, int]]]] = field(repr=False)
    functions: Mapping[str, Function] = field(repr=False)
    constructor_type: str = "()"

    @classmethod
    def from_json(cls, name: str, raw: Mapping[str, Any]) -> Artifact:
        constructor: list[Any] = next((entry["inputs"] for entry in raw["abi"] if entry["type"] == "constructor"), [])
        return cls(
            name=name,
            abi=raw["abi"],
            bytecode=raw["bytecode"],
            deployed_bytecode=raw["deployedBytecode"],
            link_references=raw["linkReferences"],
            functions=Function.table(raw["abi"]),
            constructor_type=Parameters(constructor).kind,
        )

    @property
    def libraries(self) -> list[str]:
        """Names of the libraries that its creation code needs."""
        return sorted({library for names in self.link_references.values() for library in names})

    def link(self, libraries: Mapping[str, str]) -> bytes:
        """Creation code with the addresses of `libraries` filled in."""
        if missing := [name for name in self.libraries if name not in libraries]:
            raise BadInput("libraries", sorted(libraries), f"{self.name} also needs {', '.join(missing)}")
        code = self.bytecode
        for names in self.link_references.values():
            for name, places in names.items():
                address = libraries[name][2:].lower()
                for place in places:
                    start = 2 * place["start"]
                    code = code[:start] + address + code[start + 40 :]
        return bytes.fromhex(code)

    def creation(self, *args: Any, libraries: Mapping[str, str] | None = None) -> bytes:
        """Linked creation code followed by the constructor's arguments."""
        if not self.bytecode:
            raise BadInput("contract", self.name, "it is abstract or an interface and cannot be deployed")
        return self.link(libraries or {}) + encode_arguments(self.constructor_type, args, self.name)

    def function(self, name: str) -> Function:
        try:
            return self.functions[name]
        except KeyError:
            like = sorted(key for key in self.functions if key.startswith(name + "("))
            hint = f"it is overloaded: {', '.join(like)}" if like else f"{self.name} has no such function"
            raise BadInput("function", name, hint) from None


def encode_arguments(kind: str, args: tuple[Any, ...], what: str) -> bytes:
    try:
        return encoder(kind)(args)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"arguments of {what}{kind}", args, str(error)) from error


class Artifacts(Mapping[str, Artifact]):
    """Every compiled contract by name, with the events and errors of all of them together."""

    def __init__(self, contracts: Mapping[str, Any], key: str = "") -> None:
        self._raw, self._parsed = contracts, dict[str, Artifact]()
        self.key = key

    def __getitem__(self, name: str) -> Artifact:
        if name not in self._parsed:
            try:
                self._parsed[name] = Artifact.from_json(name, self._raw[name])
            except KeyError:
                raise ArtifactsMissing(f"no contract {name} among the compiled ones; run `make build`") from None
        return self._parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def storage(self, name: str) -> list[dict[str, Any]]:
        """The compiler's storage layout of a contract: label, slot, type …"""
        layout: list[dict[str, Any]] = self._raw[name]["storageLayout"]["storage"]
        return layout

    def entries(self, kind: str) -> Iterator[dict[str, Any]]:
        return (entry for raw in self._raw.values() for entry in raw["abi"] if entry["type"] == kind)


def artifacts_path() -> Path:
    return Path(os.environ.get("PLIMSOLL_ARTIFACTS") or ROOT / "build" / "plimsoll" / "artifacts.json")


def load(path: Path | None = None) -> Artifacts:
    """The compiled contracts; read once per version of the file."""
    path = path or artifacts_path()
    try:
        return _load(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ArtifactsMissing(f"no compiled contracts at {path} ({error.strerror}); run `make build`") from None
    except (ValueError, KeyError) as error:
        raise ArtifactsMissing(f"{path} is damaged ({error}); delete it and run `make build`") from None


@lru_cache(maxsize=4)
def _load(path: Path, _modified: int) -> Artifacts:
    content = json.loads(path.read_text())
    artifacts = Artifacts(content["contracts"], content.get("key", ""))
    register(artifacts)
    return artifacts


# ---------------------------------------------------------------------------------------------- events and errors

_errors: dict[bytes, ErrorType] = {}
_events: dict[tuple[bytes, int], EventType] = {}
for _name, _input in (("Error", {"name": "message", "type": "string"}), ("Panic", {"name": "code", "type": "uint256"})):
    _builtin = ErrorType({"name": _name, "inputs": [_input]})
    _errors[_builtin.selector] = _builtin


def register(artifacts: Artifacts) -> None:
    """Adds the errors and events of `artifacts` to those that can be decoded. `load` does it by itself."""
    for entry in artifacts.entries("error"):
        error = ErrorType(entry)
        _errors.setdefault(error.selector, error)
    for entry in artifacts.entries("event"):
        event = EventType(entry)
        _events.setdefault((event.topic, event.indexed_count), event)


def decode_error(data: bytes) -> tuple[str, tuple[Any, ...], tuple[str, ...]]:
    """Revert data as (error name, values, names of the values); an unknown error's name is its selector."""
    if not data:
        return "", (), ()
    error = _errors.get(data[:4])
    if error is None and len(_errors) <= 2:  # nothing has been loaded yet
        load()
        error = _errors.get(data[:4])
    if error is None:
        return "0x" + data[:4].hex(), (data[4:],), ("data",)
    return error.name, error.inputs.decode(data[4:]), error.inputs.names


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log. Bytes stay bytes, addresses are checksummed text, integers are int."""

    name: str
    address: str
    args: dict[str, Any]


def decode_event(log: Log) -> Event | None:
    """The event in `log`, or None when no contract of ours has it."""
    if not log.topics:
        return None
    kind = _events.get((log.topics[0], len(log.topics) - 1))
    return Event(kind.name, log.address, kind.decode(log.topics, log.data)) if kind else None


def events(logs: Iterable[Log], name: str | None = None, *, address: str | None = None) -> list[Event]:
    """The decodable events in `logs`, optionally only those of one name or emitter."""
    found = (decode_event(log) for log in logs if address is None or log.address == address)
    return [event for event in found if event and (name is None or event.name == name)]


def topic(signature: str) -> bytes:
    """Topic 0 of an event given as "Traded(bytes32,uint256,int256,uint256,int256,uint256)"."""
    return keccak(signature.encode())


# ---------------------------------------------------------------------------------------------- handles


class Contract:
    """A deployed contract: `read` calls a function, `write` sends a transaction to it."""

    __slots__ = ("address", "artifact", "chain")

    def __init__(self, chain: Chain, address: str, artifact: Artifact) -> None:
        self.chain, self.address, self.artifact = chain, checksum(address), artifact

    def __repr__(self) -> str:
        return f"<{self.artifact.name} {self.address}>"

    def encode(self, name: str, *args: Any) -> bytes:
        """Call data of a function."""
        return self.artifact.function(name).encode(args)

    def read(
        self, name: str, *args: Any, block: int | None = None, sender: str | None = None, gas: int | None = None
    ) -> Any:
        """The function's result at `block` (default: now). Whatever the function does is undone. Raises Reverted."""
        function = self.artifact.function(name)
        data = self.chain.call(self.address, function.encode(args), sender=sender, block=block, gas=gas)
        try:
            return function.result(data)
        except ValueError as error:
            raise BadInput(
                "contract address", self.address, f"its answer is not {self.artifact.name}'s: {error}"
            ) from None

    def write(self, name: str, *args: Any, sender: str, value: int = 0, gas: int | None = None) -> Receipt:
        """Sends a transaction and waits for its receipt. Raises Reverted or Halted, and then nothing has changed."""
        data = self.artifact.function(name).encode(args)
        return self.chain.send(sender, self.address, data, value=value, gas=gas)

    def at(self, chain: Chain) -> Contract:
        """The same contract seen through another connection."""
        return Contract(chain, self.address, self.artifact)
