"""One storage slot as a frozen dataclass: how fields are declared, decoded and encoded."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self


class FieldOverflow(OverflowError):
    """A value does not fit its field; casting it in Solidity would revert."""


class _Slot(NamedTuple):
    name: str
    shift: int
    bits: int
    signed: bool


def uint(bits: int) -> Any:
    return field(default=0, metadata={"bits": bits, "signed": False})


def sint(bits: int) -> Any:
    return field(default=0, metadata={"bits": bits, "signed": True})


_layouts: dict[type, tuple[_Slot, ...]] = {}


def _layout(kind: type[Word]) -> tuple[_Slot, ...]:
    if kind in _layouts:
        return _layouts[kind]
    slots, shift = [], 0
    for item in fields(kind):
        bits = item.metadata["bits"]
        slots.append(_Slot(item.name, shift, bits, item.metadata["signed"]))
        shift += bits
    if shift > 256:
        raise TypeError(f"{kind.__name__} takes {shift} bits")
    return _layouts.setdefault(kind, tuple(slots))


@dataclass(frozen=True, slots=True)
class Word:
    """One storage slot; fields are declared from the lowest bits upwards, as Solidity lays them out."""

    @classmethod
    def from_word(cls, word: int) -> Self:
        values = {}
        for name, shift, bits, signed in _layout(cls):
            value = word >> shift & (1 << bits) - 1
            values[name] = value - (1 << bits) if signed and value >> bits - 1 else value
        return cls(**values)

    def to_word(self) -> int:
        word = 0
        for name, shift, bits, signed in _layout(type(self)):
            value = getattr(self, name)
            low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
            if not low <= value <= high:
                raise FieldOverflow(f"{type(self).__name__}.{name} = {value} is outside [{low}, {high}]")
            word |= (value & (1 << bits) - 1) << shift
        return word
