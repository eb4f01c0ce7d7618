"""A part of a JSON file that knows its own place: what is missing or cannot be used is told by file and field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD

#: Round numbers were written from floats.
SLACK = Fraction(1, 10**12)
#: Decimal digits before the point, and after it, beyond which nothing is meant.
DIGITS = 60


class Field:
    """`value` as it stands in `file` at `path`, in a list at `place`."""

    def __init__(self, file: str, path: str, value: Any, place: int = 0):
        self.file, self.path, self.value, self.place = file, path, value, place

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> Field:
        """The content of a JSON file."""
        file = name or path.name
        try:
            return cls(file, "", json.loads(path.read_text("utf-8-sig"), parse_float=Decimal))
        except OSError as error:
            raise BadInput(file, None, f"it cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise BadInput(file, None, f"it must be JSON: {error}") from None

    def __getitem__(self, name: str) -> Field:
        """The field of that name, which must be there."""
        place = f"{self.path}.{name}" if self.path else name
        if name not in self.names():
            raise BadInput(f"{self.file}: {place}", None, f"the field is missing; there are {self._shown_names()}")
        return Field(self.file, place, self.value[name])

    def __contains__(self, name: str) -> bool:
        return isinstance(self.value, Mapping) and name in self.value

    def names(self) -> list[str]:
        if not isinstance(self.value, Mapping):
            raise self.refused("it must be a JSON object")
        return list(self.value)

    def items(self, length: int | None = None) -> list[Field]:
        if not isinstance(self.value, list):
            raise self.refused("it must be a list")
        if length is not None and len(self.value) != length:
            raise self.refused(f"it must have {length} items, it has {len(self.value)}")
        return [Field(self.file, f"{self.path}[{i}]", value, i) for i, value in enumerate(self.value)]

    # ---------------------------------------------------------------- numbers

    def number(self, default: Fraction | None = None) -> Fraction:
        """Exactly what is written, as a number or as text; null is `default`, where there is one."""
        if self.value is None and default is not None:
            return default
        if isinstance(self.value, bool) or not isinstance(self.value, int | float | str | Decimal):
            raise self.refused("it must be a number")
        try:
            found = Decimal(str(self.value))
        except InvalidOperation:
            raise self.refused("it must be a number, written like 0.25") from None
        if not found.is_finite() or found.adjusted() > DIGITS:
            raise self.refused("it must be a finite number")
        return Fraction(found) if found.adjusted() >= -DIGITS else Fraction(0)

    def numbers(self, length: int | None = None) -> list[Fraction]:
        return [item.number() for item in self.items(length)]

    def positive(self) -> Fraction:
        value = self.number()
        if value <= 0:
            raise self.refused("it must be above zero")
        return value

    def between(self, least: int, most: int, remedy: str = "") -> Fraction:
        value = self.number()
        if not least <= value <= most:
            raise self.refused(remedy or f"it must be from {least} to {most}")
        return value

    def whole(self, unit: Fraction = Fraction(1), of: Fraction | None = None) -> int:
        """`of`, or what is written, in units, an integer but for what a float loses."""
        value = (self.number() if of is None else of) / unit
        found = round(value)
        if abs(value - found) > SLACK * max(abs(value), Fraction(1)):
            raise self.refused(f"it has more digits than our model keeps: units of {float(unit):g}")
        return found

    def scaled(self, unit: int, bits: int, *, signed: bool = False, of: Fraction | None = None) -> int:
        """`of`, or what is written, in units of 1/`unit`, to the nearest, which must fit a word's `bits`."""
        found = round((self.number() if of is None else of) * unit)
        if not (-(1 << bits - 1) <= found < 1 << bits - 1 if signed else 0 <= found < 1 << bits):
            raise self.refused(f"it does not fit {bits} bits in units of 1/{unit:.0e}")
        return found

    def flag(self) -> bool:
        """true or false, 1 or 0."""
        if self.value not in (0, 1):
            raise self.refused("it must be true or false, or 1 or 0")
        return bool(self.value)

    # ---------------------------------------------------------------- errors

    @property
    def where(self) -> str:
        return f"{self.file}: {self.path}" if self.path else self.file

    def refused(self, remedy: str) -> BadInput:
        return BadInput(self.where, self._shown(), remedy)

    def _shown(self) -> object:
        if isinstance(self.value, Decimal):
            return float(self.value)
        return self.value if isinstance(self.value, int | float | str | None) else _Shown(self.value)

    def _shown_names(self) -> str:
        return ", ".join(map(str, self.value)) or "none"


class _Shown:
    """A list or an object in a message: how much of it there is."""

    def __init__(self, value: Any):
        self._text = f"[{len(value)} items]" if isinstance(value, list) else f"{{{len(value)} fields}}"

    def __repr__(self) -> str:
        return self._text


def wad(value: Fraction) -> int:
    return round(value * WAD)
