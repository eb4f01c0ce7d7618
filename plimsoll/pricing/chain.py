"""Recorded option chains, read from a file of quotes.

    chain = load_chain("deribit_chain_20260115T153452Z.csv.gz", "BTC")

CSV (gzip too), one row per option, with Deribit's columns: `timestamp` and `expiry_datetime` (ISO 8601), `currency`,
`underlying` (the forward), `index_price`, `option_type`, `strike`, `mark_price`, `bid_price`, `ask_price` (in units of
the underlying), `implied_volatility` (a fraction), `open_interest`. A bid or ask may be empty.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import BadInput
from plimsoll.pricing.normal import Floats

YEAR = 365 * 86_400
TIMES = ("timestamp", "expiry_datetime")
POSITIVE = ("underlying", "index_price", "strike", "implied_volatility")
NUMBERS = (*POSITIVE, "mark_price", "bid_price", "ask_price", "open_interest")
COLUMNS = (*TIMES, "currency", "option_type", *NUMBERS)
MAY_BE_EMPTY = ("bid_price", "ask_price")
KINDS = {"call": True, "put": False}


@dataclass(frozen=True, slots=True)
class Expiry:
    """The options of one expiry, by strike. Prices in quote, NaN where there is none."""

    time: int  # unix seconds
    years: float
    forward: float
    rate: float  # per year, continuously compounded: what makes the forward of the index
    strike: Floats
    call: NDArray[np.bool_]
    forwards: Floats  # that each row was marked with
    mark: Floats
    vol: Floats
    bid: Floats
    ask: Floats
    open_interest: Floats


@dataclass(frozen=True, slots=True)
class Chain:
    underlying: str
    time: float  # unix seconds
    index: float
    expiries: tuple[Expiry, ...]


def load_chain(path: Path | str, underlying: str | None = None) -> Chain:
    """The chain of `underlying`, which need not be named when the file has one only."""
    chains = load_chains(path)
    if underlying is None and len(chains) == 1:
        return next(iter(chains.values()))
    if underlying not in chains:
        raise BadInput("underlying", underlying, f"{path} has {', '.join(chains)}: name one of them")
    return chains[underlying]


def load_chains(path: Path | str) -> dict[str, Chain]:
    """Every underlying in the file, options that have expired left out."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(Path(path)):
        groups[row["currency"]].append(row)
    if not groups:
        raise BadInput("chain", str(path), "it has no rows")
    return {name: _chain(name, rows) for name, rows in sorted(groups.items())}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise BadInput("chain", str(path), f"it lacks the columns {', '.join(missing)}")
            for raw in reader:
                yield _row(raw, f"{path}:{reader.line_num}")
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput("chain", str(path), f"it cannot be read ({error})") from None


def _row(raw: Mapping[str, str | None], where: str) -> dict[str, Any]:
    row: dict[str, Any] = {"currency": raw["currency"]}
    for name in TIMES:
        try:
            moment = datetime.fromisoformat(raw[name] or "")
        except ValueError:
            raise BadInput(f"{where} {name}", raw[name], "write a time like 2026-01-15T08:00:00+00:00") from None
        if moment.tzinfo is None:
            raise BadInput(f"{where} {name}", raw[name], "say the time zone, like +00:00")
        row[name] = moment.timestamp()
    kind = raw["option_type"] or ""
    if kind not in KINDS:
        raise BadInput(f"{where} option_type", kind, "write call or put")
    row["call"] = KINDS[kind]
    for name in NUMBERS:
        row[name] = _number(raw[name], f"{where} {name}", name)
    return row


def _number(text: str | None, where: str, name: str) -> float:
    if not text and name in MAY_BE_EMPTY:
        return float("nan")
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    positive = name in POSITIVE
    if not np.isfinite(value) or value < 0 or (positive and value == 0):
        raise BadInput(where, text, "it must be a positive number" if positive else "it must be a number, not negative")
    return value


def _chain(name: str, rows: list[dict[str, Any]]) -> Chain:
    time = max(row["timestamp"] for row in rows)
    index = float(np.median([row["index_price"] for row in rows]))
    groups: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["expiry_datetime"] > time:
            groups[int(row["expiry_datetime"])].append(row)
    return Chain(name, time, index, tuple(_expiry(at, groups[at], time, index) for at in sorted(groups)))


def _expiry(at: int, rows: list[dict[str, Any]], time: float, index: float) -> Expiry:
    rows = sorted(rows, key=lambda row: (row["strike"], row["call"]))
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "currency"}
    forwards = columns["underlying"]
    forward, years = float(np.median(forwards)), (at - time) / YEAR
    return Expiry(
        time=at,
        years=years,
        forward=forward,
        rate=float(np.log(forward / index)) / years,
        strike=columns["strike"],
        call=columns["call"],
        forwards=forwards,
        mark=columns["mark_price"] * forwards,
        vol=columns["implied_volatility"],
        bid=columns["bid_price"] * forwards,
        ask=columns["ask_price"] * forwards,
        open_interest=columns["open_interest"],
    )
