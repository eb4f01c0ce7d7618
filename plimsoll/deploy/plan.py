"""A deployment as data: ordered steps that create contracts and call them, later ones referring to earlier ones by
name.

    plan = Plan(artifacts)
    token = plan.create("USDC", "MockERC20", "USD Coin", "USDC", 6)
    engine = plan.create("MarginEngine", "MarginEngine", authority, router, …)   # its libraries become steps as well
    plan.call("Executor.setEngine", executor, "setEngine", engine)

`create` returns a Ref, which may stand wherever an address does, also inside lists and tuples; `derived` a value that
is computed once addresses are known. Nothing is sent here: plimsoll.deploy.runner carries a plan out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from plimsoll.abi import keccak
from plimsoll.contracts import Artifact, Artifacts
from plimsoll.errors import BadInput


@dataclass(frozen=True)
class Ref:
    """The address of what the step `step` creates."""

    step: str


@dataclass(frozen=True)
class Derived:
    """What `function(*args)` is once the addresses in `args` are known. It depends on nothing else."""

    function: Callable[..., Any]
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Create:
    """Deploys `artifact` with `args`; `libraries` are linked first."""

    name: str
    artifact: Artifact
    args: tuple[Any, ...]
    libraries: Mapping[str, Ref] = field(default_factory=dict)

    def initcode(self, addresses: Mapping[str, str]) -> bytes:
        libraries = {name: addresses[ref.step] for name, ref in self.libraries.items()}
        return self.artifact.creation(*resolve(self.args, addresses), libraries=libraries)


@dataclass(frozen=True)
class Call:
    """Calls `function` of what an earlier step created."""

    name: str
    target: Ref
    artifact: Artifact
    function: str
    args: tuple[Any, ...]

    def calldata(self, addresses: Mapping[str, str]) -> bytes:
        return self.artifact.function(self.function).encode(resolve(self.args, addresses))


Step = Create | Call


class Plan:
    """Steps in the order in which they are sent. Names are unique."""

    def __init__(self, artifacts: Artifacts) -> None:
        self.artifacts = artifacts
        self.steps: list[Step] = []
        self._created: dict[str, Create] = {}
        self._names: set[str] = set()

    def create(self, name: str, contract: str | Artifact, *args: Any) -> Ref:
        artifact = self.artifacts[contract] if isinstance(contract, str) else contract
        self._check(args)
        step = Create(name, artifact, args, {library: self._library(library) for library in artifact.libraries})
        self._add(step)
        self._created[name] = step
        return Ref(name)

    def call(self, name: str, target: Ref, function: str, *args: Any) -> None:
        self._check((target, *args))
        artifact = self._created[target.step].artifact
        artifact.function(function)
        self._add(Call(name, target, artifact, function, args))

    def derived(self, function: Callable[..., Any], *args: Any) -> Derived:
        self._check(args)
        return Derived(function, args)

    def _library(self, name: str) -> Ref:
        return Ref(name) if name in self._created else self.create(name, name)

    def _add(self, step: Step) -> None:
        if step.name in self._names:
            raise BadInput("step", step.name, "a plan has each name once")
        self._names.add(step.name)
        self.steps.append(step)

    def _check(self, value: Any) -> None:
        if isinstance(value, Ref) and value.step not in self._created:
            raise BadInput("reference", value.step, "a step refers only to contracts created before it")
        if isinstance(value, list | tuple):
            for item in value:
                self._check(item)

    def fingerprint(self, deployer: str) -> str:
        """Changes when the code, the arguments, the order or the deployer do."""
        digest = keccak(json.dumps([deployer, *map(_describe, self.steps)]).encode())
        return digest.hex()


def resolve(value: Any, addresses: Mapping[str, str]) -> Any:
    """`value` with each Ref replaced by its address, and each Derived by what it comes to."""
    if isinstance(value, Ref):
        return addresses[value.step]
    if isinstance(value, Derived):
        return value.function(*resolve(value.args, addresses))
    if isinstance(value, list | tuple):
        return type(value)(resolve(item, addresses) for item in value)
    return value


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: integers beyond 2^53 and bytes as text."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Ref):
        return {"ref": value.step}
    if isinstance(value, Derived):
        return {"derived": value.function.__qualname__, "args": plain(value.args)}
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [plain(item) for item in value]


def _describe(step: Step) -> list[Any]:
    if isinstance(step, Create):
        code = keccak(step.artifact.bytecode.encode()).hex()
        return ["create", step.name, step.artifact.name, code, plain(step.args)]
    return ["call", step.name, step.target.step, step.function, plain(step.args)]
