"""What sets of published cases share: finding their files, one case, the report."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plimsoll.errors import BadInput, ChainError, PlimsollError, TransactionFailed

#: Shows how far it is while it goes through files.
Watch = Callable[[Sequence[Path]], Iterable[Path]]


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
    """The cases of one folder. refused: what could not be run, and why; passed_over: files that are something else."""

    name: str
    per_case: Sequence[Case] = field(default_factory=tuple)
    refused: Sequence[PlimsollError] = ()
    passed_over: Sequence[str] = ()

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
        return head | {"per_case": [case.to_json() for case in self.per_case]} | refusals(self.refused)


def refusals(refused: Sequence[PlimsollError]) -> dict[str, Any]:
    """What a report's JSON says of what could not be run; nothing where all could."""
    return {"refused": [{"message": str(error), **error.fields} for error in refused]} if refused else {}


@dataclass(slots=True)
class Folder:
    """The files of a kind under a folder, or one file; and what of them cannot be run, so that the rest is."""

    place: Path
    suffix: str
    refused: list[PlimsollError] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        if self.place.is_file():
            return [self.place]
        if not self.place.is_dir():
            raise BadInput("DIR", str(self.place), "name a folder, or one of its files")
        return sorted(path for path in self.place.rglob(f"*{self.suffix}") if path.is_file())

    def name(self, path: Path) -> str:
        """As it is told: from the folder on."""
        return path.name if path == self.place else str(path.relative_to(self.place))

    @contextmanager
    def keeping(self, what: str) -> Iterator[None]:
        """An error in it is kept, and the work goes on after it. `what`: file or case, where the error does not say."""
        try:
            yield
        except BadInput as error:
            self.refused.append(error)
        except (TransactionFailed, ChainError) as error:
            self.refused.append(BadInput(what, None, f"the contract refuses it: {error}"))
        except (ArithmeticError, ValueError) as error:
            self.refused.append(BadInput(what, None, f"it does not fit what contracts keep: {error}"))

    def checked(self, cases: int, expected: str) -> None:
        """An error when there was nothing to run, good or bad."""
        if not cases and not self.refused:
            found = f"; {', '.join(self.passed_over)} is something else" if self.passed_over else ""
            raise BadInput("DIR", str(self.place), f"there is no case in it; {expected} was expected{found}")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file, whose cells know where they are."""

    where: str
    cells: dict[str, str | None]

    def text(self, column: str) -> str:
        return (self.cells[column] or "").strip()

    def number(self, column: str, least: float = -math.inf, above: float = -math.inf) -> float:
        """A decimal number, or a fraction like 1/12, not below `least` and above `above`."""
        top, slash, bottom = self.text(column).partition("/")
        try:
            value = float(top) / float(bottom) if slash else float(top)
        except (ValueError, ZeroDivisionError):
            value = math.nan
        if not math.isfinite(value):
            raise BadInput(f"{self.where} {column}", self.text(column), "write a number like 0.25 or 1/12")
        if value < least:
            raise BadInput(f"{self.where} {column}", self.text(column), f"it must be at least {least:g}")
        if value <= above:
            raise BadInput(f"{self.where} {column}", self.text(column), f"it must be above {above:g}")
        return value


def rows(folder: Folder, columns: Sequence[str]) -> Iterator[Row]:
    """The lines of every CSV file in `folder` that has these columns."""
    for path in folder.paths:
        with folder.keeping(folder.name(path)):
            yield from _lines(path, folder, columns)


def _lines(path: Path, folder: Folder, columns: Sequence[str]) -> list[Row]:
    name = folder.name(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not set(columns) <= set(reader.fieldnames or ()):
                folder.passed_over.append(name)
                return []
            return [Row(f"{name}:{reader.line_num}", cells) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(name, None, f"it cannot be read as CSV: {error}") from None


def report(name: str, folder: Folder, cases: Sequence[Case], expected: str) -> Report:
    """The report, or an error when the folder had nothing to check."""
    folder.checked(len(cases), expected)
    return Report(name, tuple(cases), tuple(folder.refused), tuple(folder.passed_over))
