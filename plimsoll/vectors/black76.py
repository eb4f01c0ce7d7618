"""Black-76 cases: plimsoll.pricing against published prices, deltas and Greeks.

Files in the folder, told by their columns:

    *.csv     timeToExpirySec, volatility, forward, strike, discount, call, put, call_delta_undiscounted, and abs_tol
              where the numbers are good for less than we ask for
    *.json    a table {"columns": [S, K, R, t, v, bs_call, bs_put, CD, CG, CT, CV, …], "data": [[…], …]} of options on a
              spot price S at rate R, with theta per year and vega per 1.00 of volatility
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from plimsoll.errors import BadInput
from plimsoll.pricing import black76
from plimsoll.vectors.field import Field
from plimsoll.vectors.report import Case, Folder, Report, Row, report, rows
from plimsoll.vectors.spot import SpotOption

COLUMNS = ("timeToExpirySec", "volatility", "forward", "strike", "discount", "call", "put", "call_delta_undiscounted")
TABLE = ("S", "K", "R", "t", "v", "bs_call", "bs_put", "CD", "CG", "CT", "CV", "PD", "PG", "PT", "PV")
GIVEN = "abs_tol"
EXPECTED = f"a .csv with the columns {', '.join(COLUMNS)}, or a .json table with {', '.join(TABLE)}"
YEAR = 365 * 86_400
EXACT = 1e-12  # of the larger of forward and strike
PRINTED = 1e-9  # of the larger of the value and one: the tables print ten digits


def run(place: Path) -> Report:
    folder, cases = Folder(place, ".csv"), []
    for row in rows(folder, COLUMNS) if place.suffix != ".json" else ():
        with folder.keeping(row.where):
            cases += list(_forward(row))
    tables = replace(folder, suffix=".json")
    for path in tables.paths if place.suffix != ".csv" else ():
        with folder.keeping(folder.name(path)):
            cases += _table(path, folder)
    return report("black76", folder, cases, EXPECTED)


def _forward(row: Row) -> Iterator[Case]:
    seconds, vol, forward, strike, discount = (row.number(name, least=0) for name in COLUMNS[:5])
    inputs = forward, strike, vol, seconds / YEAR
    scale = max(forward, strike) * discount or 1.0
    given = row.number(GIVEN, least=0) if row.cells.get(GIVEN) else 0.0
    for name, call in (("call", True), ("put", False)):
        got = float(black76.price(*inputs, call, discount))
        yield Case(f"{row.where} {name}", row.number(name), got, scale, max(EXACT, given / scale))
    delta = float(black76.greeks(*inputs).delta)
    yield Case(f"{row.where} delta", row.number("call_delta_undiscounted"), delta, 1.0, max(EXACT, given))


def _table(path: Path, folder: Folder) -> list[Case]:
    name = folder.name(path)
    table = Field.read(path, name)
    if not (isinstance(table.value, dict) and set(TABLE) <= set(table.value.get("columns") or ())):
        folder.passed_over.append(name)
        return []
    columns, cases = [str(column.value) for column in table["columns"].items()], []
    for line in table["data"].items():
        with folder.keeping(line.where):
            values = [float(value) for value in line.numbers(len(columns))]
            cases += list(_spot_row(dict(zip(columns, values, strict=True)), f"{name}[{line.place}]"))
    return cases


def _spot_row(row: dict[str, float], where: str) -> Iterator[Case]:
    for name in ("S", "K", "t", "v"):
        if row[name] < 0:
            raise BadInput(f"{where} {name}", row[name], "it must be zero or more")
    for prefix, price, call in (("C", "bs_call", True), ("P", "bs_put", False)):
        option = SpotOption(row["S"], row["K"], 0.0, row["R"], row["t"], row["v"], call)
        got = {price: option.price, f"{prefix}D": option.delta, f"{prefix}G": option.gamma}
        got |= {f"{prefix}T": option.theta, f"{prefix}V": option.vega}
        for name, value in got.items():
            yield Case(f"{where} {name}", row[name], value, max(1.0, abs(row[name])), PRINTED)
