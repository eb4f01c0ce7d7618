"""Black-76 cases: plimsoll.pricing against published prices, deltas and Greeks.

Files in the folder, told by their columns:

    *.csv     timeToExpirySec, volatility, forward, strike, discount, call, put, call_delta_undiscounted
    *.json    a table {"columns": [S, K, R, t, v, bs_call, bs_put, CD, CG, CT, CV, …], "data": [[…], …]} of options on a
              spot price S at rate R, with theta per year and vega per 1.00 of volatility
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.errors import BadInput
from plimsoll.pricing import black76
from plimsoll.vectors.report import Case, Report, Row, files, report, rows
from plimsoll.vectors.spot import SpotOption

COLUMNS = ("timeToExpirySec", "volatility", "forward", "strike", "discount", "call", "put", "call_delta_undiscounted")
TABLE = ("S", "K", "R", "t", "v", "bs_call", "bs_put", "CD", "CG", "CT", "CV", "PD", "PG", "PT", "PV")
EXPECTED = f"a .csv with the columns {', '.join(COLUMNS)}, or a .json table with {', '.join(TABLE)}"
YEAR = 365 * 86_400
EXACT = 1e-12  # of the larger of forward and strike
PRINTED = 1e-9  # of the larger of the value and one: the tables print ten digits


def run(folder: Path) -> Report:
    cases = [case for row in rows(folder, COLUMNS) for case in _forward(row)]
    cases += [case for path in files(folder, "*.json") for case in _table(path)]
    return report("black76", folder, cases, EXPECTED)


def _forward(row: Row) -> Iterator[Case]:
    seconds, vol, forward, strike, discount = (row.number(name, least=0) for name in COLUMNS[:5])
    inputs = forward, strike, vol, seconds / YEAR
    scale = max(forward, strike) * discount or 1.0
    for name, call in (("call", True), ("put", False)):
        got = float(black76.price(*inputs, call, discount))
        yield Case(f"{row.where} {name}", row.number(name), got, scale, EXACT)
    delta = float(black76.greeks(*inputs).delta)
    yield Case(f"{row.where} delta", row.number("call_delta_undiscounted"), delta, 1.0, EXACT)


def _table(path: Path) -> Iterator[Case]:
    try:
        table: Any = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput("file", str(path), f"it cannot be read as JSON ({error})") from None
    if not isinstance(table, dict) or not set(TABLE) <= set(table.get("columns", ())):
        return
    try:
        values = np.array(table["data"], dtype=np.float64)
        columns = dict(zip(table["columns"], values.T, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("file", str(path), f"its data are no table of numbers ({error})") from None
    for n in range(len(values)):
        yield from _spot_row({name: float(column[n]) for name, column in columns.items()}, f"{path.name}[{n}]")


def _spot_row(row: dict[str, float], where: str) -> Iterator[Case]:
    for prefix, price, call in (("C", "bs_call", True), ("P", "bs_put", False)):
        option = SpotOption(row["S"], row["K"], 0.0, row["R"], row["t"], row["v"], call)
        got = {price: option.price, f"{prefix}D": option.delta, f"{prefix}G": option.gamma}
        got |= {f"{prefix}T": option.theta, f"{prefix}V": option.vega}
        for name, value in got.items():
            yield Case(f"{where} {name}", row[name], value, max(1.0, abs(row[name])), PRINTED)
