"""SVI cases: volatilities of raw SVI smiles.

*.csv     strike, a, b, rho, m, sigma, forward, tau (years), vol
"""

from __future__ import annotations

from pathlib import Path

from plimsoll.pricing.svi import Slice
from plimsoll.vectors.report import Case, Report, Row, report, rows

SLICE = ("a", "b", "rho", "m", "sigma", "forward", "tau")
COLUMNS = ("strike", *SLICE, "vol")
TOLERANCE = 1e-12


def run(folder: Path) -> Report:
    cases = [_case(row) for row in rows(folder, COLUMNS)]
    return report("svi", folder, cases, f"a .csv with the columns {', '.join(COLUMNS)}")


def _case(row: Row) -> Case:
    smile = Slice(*(row.number(name) for name in SLICE))
    smile.check()
    expected = row.number("vol")
    return Case(f"{row.where} vol", expected, float(smile.vol(row.number("strike"))), abs(expected) or 1.0, TOLERANCE)
