"""JSON objects read by field name: what is missing or of the wrong kind is a BadInput with file and field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import BPS, PPM, WAD

#: Round numbers were written from floats.
SLACK = Fraction(1, 10**12)


class Fields:
    """`raw` with the place it stands at, for errors."""

    def __init__(self, raw: Any, where: str) -> None:
        if not isinstance(raw, Mapping):
            raise BadInput(where, raw, "it must be a JSON object")
        self.raw, self.where = raw, where

    def at(self, name: str) -> str:
        return f"{self.where}.{name}"

    def value(self, name: str) -> Any:
        if name not in self.raw:
            raise BadInput(self.at(name), None, f"the field is missing; there are {', '.join(map(str, self.raw))}")
        return self.raw[name]

    def object(self, name: str) -> Fields:
        return Fields(self.value(name), self.at(name))

    def items(self, name: str, length: int | None = None) -> list[Any]:
        found = self.value(name)
        if not isinstance(found, list):
            raise BadInput(self.at(name), found, "it must be a list")
        if length is not None and len(found) != length:
            raise BadInput(self.at(name), found, f"it must have {length} items, it has {len(found)}")
        return found

    def number(self, name: str, default: Fraction | None = None) -> Fraction:
        """Exactly what is written, as a number or as text; null is `default`, where there is one."""
        found = self.value(name)
        if found is None and default is not None:
            return default
        return exact(found, self.at(name))

    def numbers(self, name: str, length: int | None = None) -> list[Fraction]:
        return [exact(item, f"{self.at(name)}[{place}]") for place, item in enumerate(self.items(name, length))]


def exact(value: Any, where: str) -> Fraction:
    """A finite number as written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadInput(where, value, "it must be a number")
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise BadInput(where, value, "it must be a finite number") from None


def read(path: Path) -> Fields:
    """The object in a JSON file."""
    try:
        return Fields(json.loads(path.read_text()), path.name)
    except OSError as error:
        raise BadInput("file", str(path), error.strerror or "it cannot be read") from None
    except ValueError as error:
        raise BadInput("file", str(path), f"it must be JSON: {error}") from None


def bps(fields: Fields, name: str) -> int:
    value = fields.number(name)
    if not 0 <= value < 2**16 // BPS:
        raise BadInput(fields.at(name), str(fields.value(name)), "it must be a share, from 0 to 6")
    return whole(value * BPS, fields.at(name))


def doubt(confidence: Fraction, where: str) -> int:
    """1 − confidence, ppm."""
    if not 0 <= confidence <= WAD:
        raise BadInput(where, float(confidence), "a confidence is from 0 to 1e18")
    return whole((1 - confidence / WAD) * PPM, where)


def positive(value: Fraction, where: str) -> Fraction:
    if value <= 0:
        raise BadInput(where, float(value), "it must be above zero")
    return value


def whole(value: Fraction, where: str) -> int:
    """An integer, but for what a float loses."""
    whole = round(value)
    if abs(value - whole) > SLACK * max(abs(value), Fraction(1)):
        raise BadInput(where, float(value), "it has more digits than our model keeps")
    return whole
