"""What a check raises."""

from __future__ import annotations


class Broken(AssertionError):
    """An invariant does not hold. `number` is its number in docs/invariants.md."""

    def __init__(self, number: str, text: str) -> None:
        super().__init__(f"{number}: {text}")
        self.number = number


def require(condition: bool, number: str, text: str, *values: object) -> None:
    if not condition:
        raise Broken(number, text.format(*values))
