"""Haug's tables of European options (The Complete Guide to Option Pricing Formulas, 1998), printed to four decimals.

*.csv     type, strike, spot, q, r, t, vol, value(tol 1e-4); with a column `greek` the value is that Greek
"""

from __future__ import annotations

from pathlib import Path

from plimsoll.errors import BadInput
from plimsoll.vectors.report import Case, Folder, Report, Row, report, rows
from plimsoll.vectors.spot import SpotOption

VALUE = "value(tol 1e-4)"
COLUMNS = ("type", "strike", "spot", "q", "r", "t", "vol", VALUE)
TOLERANCE = 1e-4
KINDS = {"call": True, "put": False}
PER_DAY = "thetaPerDay"
GREEKS = {"price": "price", "delta": "delta", "gamma": "gamma", "vega": "vega", "theta": "theta", "rho": "rho"}
GREEKS |= {"elasticity": "elasticity", "dividendRho": "dividend_rho", PER_DAY: "theta"}


def run(place: Path) -> Report:
    folder, cases = Folder(place, ".csv"), []
    for row in rows(folder, COLUMNS):
        with folder.keeping(row.where):
            cases.append(_case(row))
    return report("haug", folder, cases, f"a .csv with the columns {', '.join(COLUMNS)}")


def _case(row: Row) -> Case:
    kind, greek = row.text("type"), row.text("greek") if "greek" in row.cells else "price"
    if kind.lower() not in KINDS:
        raise BadInput(f"{row.where} type", kind, "write Call or Put")
    if greek not in GREEKS:
        raise BadInput(f"{row.where} greek", greek, f"write one of {', '.join(GREEKS)}")
    spot, strike, t, vol = (row.number(name, least=0) for name in ("spot", "strike", "t", "vol"))
    q, r = row.number("q"), row.number("r")
    got = getattr(SpotOption(spot, strike, q, r, t, vol, KINDS[kind.lower()]), GREEKS[greek])
    return Case(f"{row.where} {greek}", row.number(VALUE), got / 365 if greek == PER_DAY else got, 1.0, TOLERANCE)
