"""SVI cases: volatilities of raw SVI smiles.

*.csv     strike, a, b, rho, m, sigma, forward, tau (years), vol
"""

from __future__ import annotations

from pathlib import Path

from plimsoll.errors import BadInput
from plimsoll.pricing.svi import Slice
from plimsoll.vectors.report import Case, Folder, Report, Row, report, rows

SLICE = ("a", "b", "rho", "m", "sigma", "forward", "tau")
COLUMNS = ("strike", *SLICE, "vol")
TOLERANCE = 1e-12


def run(place: Path) -> Report:
    folder, cases = Folder(place, ".csv"), []
    for row in rows(folder, COLUMNS):
        with folder.keeping(row.where):
            cases.append(_case(row))
    return report("svi", folder, cases, f"a .csv with the columns {', '.join(COLUMNS)}")


def _case(row: Row) -> Case:
    smile = Slice(*(row.number(name) for name in SLICE))
    try:
        smile.check()
    except BadInput as error:
        raise BadInput(f"{row.where} {error.what}", error.value, error.remedy) from None
    expected, strike = row.number("vol"), row.number("strike", above=0)
    return Case(f"{row.where} vol", expected, float(smile.vol(strike)), abs(expected) or 1.0, TOLERANCE)
