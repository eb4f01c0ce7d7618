"""Price files: OHLC or tick CSV, gzip too, as exact integers. Every defect is an error with file, line and value.

    series = read(Path("data/ETHUSDT_1h_2020-03.csv"), start=1583971200, end=1584144000)

Column names, in any order and case; other columns are ignored:
    time     ts, time, timestamp, date, datetime, hour_utc or open_time: unix seconds or milliseconds, or ISO 8601 (UTC)
    OHLC     open, high, low, close
    ticks    price (or close, value, last) without open, high and low
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NoReturn

from plimsoll.errors import BadInput
from plimsoll.prices import MAX_VALUE, PRICE

TIME_NAMES = ("ts", "time", "timestamp", "date", "datetime", "hour_utc", "open_time")
OHLC_NAMES = ("open", "high", "low", "close")
TICK_NAMES = ("price", "close", "value", "last")
#: A silence between ticks is a gap when it is longer than this, and than ten usual pauses.
TICK_SILENCE = 3600
#: What is done about a gap: refuse the file; let the last price stand; tell the chain nothing until prices come again.
GAPS = ("error", "hold", "outage")
#: In an outage ticks that are further apart than this are a silence: a price is fresh for about as long.
TICK_OUTAGE = 60


class PriceFileError(BadInput):
    """A price file cannot be used. `path` and `line` say where."""

    def __init__(self, path: Path, line: int, value: object, remedy: str) -> None:
        super().__init__(f"{path}:{line}:" if line else f"{path}:", value, remedy)
        self.path, self.line = path, line


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices at 1e-10 quote. A tick is a candle of one price."""

    line: int
    time: int
    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True, slots=True)
class Series:
    """One file. `interval` is the length of a candle, or 0 for ticks."""

    path: Path
    interval: int
    candles: tuple[Candle, ...]

    @property
    def start(self) -> int:
        return self.candles[0].time

    @property
    def end(self) -> int:
        return self.candles[-1].time + self.interval

    def silences(self) -> list[tuple[int, int]]:
        """From where to where (exclusive) there is no price."""
        longest = self.interval or TICK_OUTAGE
        pairs = pairwise(candle.time for candle in self.candles)
        return [(a + longest, b) for a, b in pairs if b - a > longest]


@dataclass(frozen=True, slots=True)
class _Columns:
    time: int
    prices: tuple[int, ...]


def read(path: Path, *, start: int | None = None, end: int | None = None, gaps: str = "error") -> Series:
    """The candles from `start` up to `end`. Gaps are an error unless `gaps` says that they are to be kept."""
    rows = _rows(path)
    columns = _columns(path, *next(rows, (1, [])))
    times: list[int] = []
    candles = list(_parse(path, columns, rows, times, start, end))
    if not candles:
        raise PriceFileError(path, 0, "no rows", "it has no prices in the window asked for; see --from and --to")
    interval = _interval(path, candles, times) if len(columns.prices) == 4 else 0
    if gaps == "error":
        _refuse_gaps(path, candles, interval)
    return Series(path, interval, tuple(candles))


# ---------------------------------------------------------------- text


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt", newline="") if packed else path.open(newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                if row and any(cell.strip() for cell in row):
                    yield reader.line_num, row
    except FileNotFoundError:
        raise PriceFileError(path, 0, "missing", "there is no such file; check the path") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise PriceFileError(path, 0, str(error), "it cannot be read as (gzipped) CSV text; check the file") from None


def _columns(path: Path, line: int, header: list[str]) -> _Columns:
    names = [name.strip().lower().lstrip("\ufeff") for name in header]
    time = next((names.index(name) for name in TIME_NAMES if name in names), None)
    if time is None:
        raise PriceFileError(path, line, header, f"its first row must name a time column: {', '.join(TIME_NAMES)}")
    if all(name in names for name in OHLC_NAMES):
        return _Columns(time, tuple(names.index(name) for name in OHLC_NAMES))
    if present := [name for name in OHLC_NAMES[:3] if name in names]:
        missing = [name for name in OHLC_NAMES if name not in names]
        raise PriceFileError(path, line, header, f"it has {', '.join(present)} and lacks {', '.join(missing)}")
    price = next((names.index(name) for name in TICK_NAMES if name in names), None)
    if price is None:
        raise PriceFileError(path, line, header, "it needs columns open, high, low, close, or one named price")
    return _Columns(time, (price,))


def _parse(
    path: Path,
    columns: _Columns,
    rows: Iterator[tuple[int, list[str]]],
    times: list[int],
    start: int | None,
    end: int | None,
) -> Iterator[Candle]:
    """The candles of the window; the times of all rows go into `times`."""
    previous = -1
    width = max(columns.time, *columns.prices) + 1
    for line, row in rows:
        if len(row) < width:
            raise PriceFileError(path, line, ",".join(row), f"the row has {len(row)} columns and needs {width}")
        time = _time(path, line, row[columns.time].strip())
        if time <= previous:
            raise PriceFileError(path, line, row[columns.time], "times must ascend and be unique; sort the file")
        previous = time
        times.append(time)
        if (start is not None and time < start) or (end is not None and time >= end):
            continue
        values = [_price(path, line, row[column].strip()) for column in columns.prices]
        yield _candle(path, line, time, values)


def _time(path: Path, line: int, text: str) -> int:
    try:
        if text.replace(".", "", 1).isdigit():
            number = int(Decimal(text))
            return number // 1000 if number > 10**11 else number
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, InvalidOperation, OverflowError):
        raise PriceFileError(path, line, text, "a time is unix seconds, milliseconds or ISO 8601") from None


def _price(path: Path, line: int, text: str) -> int:
    try:
        number = Decimal(text)
        value = int(number * PRICE)
    except (InvalidOperation, ValueError, OverflowError):
        raise PriceFileError(path, line, text, "a price is a decimal number; correct or remove the row") from None
    if number <= 0:
        raise PriceFileError(path, line, text, "a price is above zero; correct the row, or start after it with --from")
    if not 0 < value <= MAX_VALUE:
        raise PriceFileError(path, line, text, f"a price lies between 1e-10 and {MAX_VALUE // PRICE:,}")
    return value


def _candle(path: Path, line: int, time: int, values: list[int]) -> Candle:
    if len(values) == 1:
        return Candle(line, time, *values * 4)
    opened, high, low, close = values
    if high < max(opened, close) or low > min(opened, close):
        shown = ", ".join(f"{Decimal(value) / PRICE:f}" for value in values)
        raise PriceFileError(path, line, shown, "open and close must lie between low and high; are columns mixed up?")
    return Candle(line, time, opened, high, low, close)


# ---------------------------------------------------------------- spacing


def _interval(path: Path, candles: list[Candle], times: list[int]) -> int:
    """The least distance between two rows of the file."""
    if len(times) < 2:
        raise PriceFileError(path, candles[0].line, "one row", "the length of a candle needs two rows of the file")
    return min(b - a for a, b in pairwise(times))


def _refuse_gaps(path: Path, candles: list[Candle], interval: int) -> None:
    spaces = [b.time - a.time for a, b in pairwise(candles)]
    if not spaces:
        return
    longest = interval or max(TICK_SILENCE, 10 * int(median(spaces)))
    for candle, space in zip(candles[1:], spaces, strict=True):
        if space > longest:
            _gap(path, candle, space, interval)


def _gap(path: Path, candle: Candle, space: int, interval: int) -> NoReturn:
    usual = f"after candles of {interval} s" if interval else "between ticks"
    raise PriceFileError(
        path,
        candle.line,
        f"gap of {space} s before {datetime.fromtimestamp(candle.time, UTC):%Y-%m-%d %H:%M}",
        f"there is no price in it ({usual}); choose --from and --to, or see --gaps for what else can be done",
    )
