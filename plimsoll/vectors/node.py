"""A part of a JSON file that knows its own place, so that what is wrong is told by file and field."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD


class Node:
    """A part of a file that knows its own place: what is missing or no number is told by file and field."""

    def __init__(self, file: str, path: str, value: Any):
        self.file, self.path, self.value = file, path, value

    def get(self, key: str) -> Node:
        if not isinstance(self.value, Mapping) or key not in self.value:
            raise BadInput(f"{self.file}: {self.path}{key}", None, "the field is missing")
        return Node(self.file, f"{self.path}{key}.", self.value[key])

    def items(self) -> list[Node]:
        if not isinstance(self.value, list):
            raise self.bad("a list is expected")
        return [Node(self.file, f"{self.path[:-1]}[{i}].", value) for i, value in enumerate(self.value)]

    def number(self, key: str) -> Decimal:
        node = self.get(key)
        try:
            value = Decimal(str(node.value))
        except InvalidOperation:
            raise node.bad("a number is expected") from None
        if isinstance(node.value, bool) or not value.is_finite():
            raise node.bad("a finite number is expected")
        return value

    def positive(self, key: str) -> Decimal:
        value = self.number(key)
        if value <= 0:
            raise self.get(key).bad("it must be above zero")
        return value

    def wad(self, key: str) -> int:
        return round(self.number(key) * WAD)

    def bad(self, why: str) -> BadInput:
        return BadInput(f"{self.file}: {self.path.rstrip('.')}", self.value, why)
