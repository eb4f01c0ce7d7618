"""What sets of published cases share: finding their files, one case, the report."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plimsoll.errors import BadInput


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Case:
    """One published number. It holds when it is off by no more than `tolerance` of `scale`."""

    name: str
    expected: float
    got: float
    scale: float
    tolerance: float

    @property
    def rel_error(self) -> float:
        return abs(self.got - self.expected) / self.scale

    @property
    def passed(self) -> bool:
        return self.rel_error <= self.tolerance  # False for NaN

    def to_json(self) -> dict[str, Any]:
        shown = {"name": self.name, "expected": self.expected, "got": finite(self.got), "scale": self.scale}
        return shown | {"rel_error": finite(self.rel_error), "tolerance": self.tolerance, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class Report:
    """The cases of one folder."""

    name: str
    per_case: Sequence[Case] = field(default_factory=tuple)

    @property
    def cases(self) -> int:
        return len(self.per_case)

    @property
    def passed(self) -> int:
        return sum(case.passed for case in self.per_case)

    @property
    def worst(self) -> list[Case]:
        """What failed first, then what is nearest to it."""

        def badness(case: Case) -> float:
            share = case.rel_error / case.tolerance
            return math.inf if math.isnan(share) else share

        return sorted(self.per_case, key=badness, reverse=True)

    @property
    def worst_rel_error(self) -> float:
        """Infinite when a case came out as no number."""
        errors = [case.rel_error for case in self.per_case]
        return max((math.inf if math.isnan(error) else error for error in errors), default=0.0)

    def to_json(self) -> dict[str, Any]:
        head: dict[str, Any] = {"set": self.name, "cases": self.cases, "passed": self.passed}
        head["worst_rel_error"] = finite(self.worst_rel_error)
        return head | {"per_case": [case.to_json() for case in self.per_case]}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file, whose cells know where they are."""

    where: str
    cells: dict[str, str | None]

    def text(self, column: str) -> str:
        return (self.cells[column] or "").strip()

    def number(self, column: str, least: float = -math.inf) -> float:
        """A decimal number, or a fraction like 1/12, not below `least`."""
        top, slash, bottom = self.text(column).partition("/")
        try:
            value = float(top) / float(bottom) if slash else float(top)
        except (ValueError, ZeroDivisionError):
            value = math.nan
        if not math.isfinite(value):
            raise BadInput(f"{self.where} {column}", self.text(column), "write a number like 0.25 or 1/12")
        if value < least:
            raise BadInput(f"{self.where} {column}", self.text(column), f"it must be at least {least:g}")
        return value


def files(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise BadInput("DIR", str(folder), "name a folder")
    return sorted(folder.glob(pattern))


def rows(folder: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The lines of every CSV file in `folder` that has these columns."""
    for path in files(folder, "*.csv"):
        try:
            with path.open(newline="") as file:
                reader = csv.DictReader(file)
                if not set(columns) <= set(reader.fieldnames or ()):
                    continue
                for cells in reader:
                    yield Row(f"{path.name}:{reader.line_num}", cells)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BadInput("file", str(path), f"it cannot be read ({error})") from None


def report(name: str, folder: Path, cases: Sequence[Case], expected: str) -> Report:
    """The report, or an error when the folder had nothing to check."""
    if not cases:
        raise BadInput("DIR", str(folder), f"there is no case in it; {expected} was expected")
    return Report(name, tuple(cases))
