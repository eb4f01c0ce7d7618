"""Functions, errors and events of an ABI, with their codecs compiled on first use."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from plimsoll.abi import Codec, checksum, compiled, keccak
from plimsoll.errors import BadInput

Entry = Mapping[str, Any]
Shape = Callable[[Any], Any]


def canonical(parameter: Entry) -> str:
    """The type as it stands in a signature: structs become tuples."""
    kind: str = parameter["type"]
    if kind.startswith("tuple"):
        inner = ",".join(canonical(part) for part in parameter["components"])
        return f"({inner}){kind[5:]}"
    return kind


def _shape(parameter: Entry) -> Shape | None:
    """Turns decoded tuples into named ones; None when there is nothing to name."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return None
    parts = parameter["components"]
    named = namedtuple(  # type: ignore[misc]
        (parameter.get("internalType") or "struct Tuple").split(" ")[-1].split(".")[-1].split("[")[0],
        [part["name"] or f"_{position}" for position, part in enumerate(parts)],
        rename=True,
    )
    shapes = [_shape(part) for part in parts]

    def one(value: Sequence[Any]) -> Any:
        return named(*[f(v) if f else v for f, v in zip(shapes, value, strict=True)])

    depth = kind.count("[")
    shape: Shape = one
    for _ in range(depth):
        shape = _each(shape)
    return shape


def _each(shape: Shape) -> Shape:
    return lambda values: [shape(value) for value in values]


class Parameters:
    """A parameter list: `encode` takes the values, `decode` returns them as a tuple, structs as named tuples."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.kind = "(" + ",".join(canonical(entry) for entry in entries) + ")"
        self.names = tuple(entry.get("name", "") for entry in entries)

    @cached_property
    def codec(self) -> Codec:
        return compiled(self.kind)

    @cached_property
    def _shapes(self) -> list[Shape | None] | None:
        shapes = [_shape(entry) for entry in self.entries]
        return shapes if any(shapes) else None

    def decode(self, data: bytes) -> tuple[Any, ...]:
        values: tuple[Any, ...] = self.codec.decode(data, 0)
        if self._shapes is None:
            return values
        return tuple([f(v) if f else v for f, v in zip(self._shapes, values, strict=True)])


class Function:
    """One function: call data from values, values from what it returned."""

    def __init__(self, entry: Entry) -> None:
        self.name: str = entry["name"]
        self.inputs, self.outputs = Parameters(entry["inputs"]), Parameters(entry["outputs"])
        self.signature = self.name + self.inputs.kind
        self.selector = keccak(self.signature.encode())[:4]
        self.changes_state = entry.get("stateMutability") not in ("view", "pure")
        self._single = len(self.outputs.names) == 1

    @staticmethod
    def table(abi: Sequence[Entry]) -> dict[str, Function]:
        """By signature, and by name where that is unique."""
        functions = [Function(entry) for entry in abi if entry["type"] == "function"]
        names = [function.name for function in functions]
        by_name = {function.name: function for function in functions if names.count(function.name) == 1}
        return {function.signature: function for function in functions} | by_name

    def encode(self, args: Sequence[Any]) -> bytes:
        try:
            return self.selector + self.inputs.codec.encode(args)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadInput(f"arguments of {self.signature}", args, str(error)) from error

    def result(self, data: bytes) -> Any:
        values = self.outputs.decode(data)
        if self._single:
            return values[0]
        return values or None


class ErrorType:
    """A custom error."""

    def __init__(self, entry: Entry) -> None:
        self.name: str = entry["name"]
        self.inputs = Parameters(entry["inputs"])
        self.selector = keccak((self.name + self.inputs.kind).encode())[:4]


class EventType:
    """An event. Indexed values of dynamic type are only known by their hash and stay bytes."""

    def __init__(self, entry: Entry) -> None:
        self.name: str = entry["name"]
        inputs = entry["inputs"]
        self.topic = keccak((self.name + Parameters(inputs).kind).encode())
        self._indexed = [(i["name"], _topic_decoder(canonical(i))) for i in inputs if i["indexed"]]
        self._data = Parameters([i for i in inputs if not i["indexed"]])
        self.indexed_count = len(self._indexed)

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        args = {name: decode(topics[position]) for position, (name, decode) in enumerate(self._indexed, 1)}
        if data:
            args.update(zip(self._data.names, self._data.decode(data), strict=True))
        return args


def _topic_decoder(kind: str) -> Callable[[bytes], Any]:
    if kind == "address":
        return lambda word: checksum(word[12:])
    if kind.startswith(("uint", "int")) and not kind.endswith("]"):
        signed = kind.startswith("int")
        return lambda word: int.from_bytes(word, "big", signed=signed)
    if kind == "bool":
        return lambda word: word[31] == 1
    if kind.startswith("bytes") and kind[5:].isdigit():
        length = int(kind[5:])
        return lambda word: word[:length]
    return lambda word: word
