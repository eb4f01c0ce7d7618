"""Writes plimsoll/margin/normal_table.bin, the table of Φ that contracts/margin/NormalTable.sol stores.

    python scripts/normal_table.py            writes it and prints the hash that the contract must name
    python scripts/normal_table.py --check    exits with 1 if the file differs

One word per step of 1/56: the cubic through Φ at 0, 1 − 1/√2, 1/√2 and 1 of the step. These are the zeros of
the Chebyshev polynomial T4, stretched until the outer two meet the ends: the error is spread evenly, and neighbours
agree at their knot.
"""

from __future__ import annotations

import argparse
import sys

import mpmath
from eth_hash.auto import keccak

from plimsoll.margin.black76 import FIELD_BITS, FIRST_STEP, STEP_BITS, STEPS, STEPS_PER_UNIT, TABLE_FILE

DIGITS = 50


def fitted(low: int, knots: tuple[int, int]) -> tuple[int, int, int, int]:
    """The four coefficients on [low, low + 1] steps, which begins and ends at `knots`."""
    nodes = [mpmath.mpf(0), 1 - 1 / mpmath.sqrt(2), 1 / mpmath.sqrt(2), mpmath.mpf(1)]
    values = mpmath.matrix([scaled(low + node) for node in nodes])
    cubic = mpmath.lu_solve(mpmath.matrix([[node**power for power in range(4)] for node in nodes]), values)
    c2, c3 = (int(mpmath.nint(cubic[power])) for power in (2, 3))
    return knots[0], knots[1] - knots[0] - c2 - c3, c2, c3


def scaled(step: mpmath.mpf | int) -> mpmath.mpf:
    """Φ at a step, 2^46 for 1."""
    return mpmath.ncdf(mpmath.mpf(step) / STEPS_PER_UNIT) * 2**FIELD_BITS


def packed(coefficients: tuple[int, int, int, int]) -> bytes:
    """Four signed fields of 40 bits, the uppermost with more, a negative one borrowing from that above it."""
    total = 0
    for coefficient in coefficients:
        total = (total << STEP_BITS) + coefficient
    return total.to_bytes(32, "big")


def table() -> bytes:
    with mpmath.workdps(DIGITS):
        steps = range(FIRST_STEP, FIRST_STEP + STEPS + 1)
        knots = [int(mpmath.nint(scaled(step))) for step in steps]
        return b"".join(packed(fitted(steps[i], (knots[i], knots[i + 1]))) for i in range(STEPS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    content = table()
    print(f"{len(content)} bytes, keccak 0x{keccak(content).hex()}")
    if not parser.parse_args().check:
        TABLE_FILE.write_bytes(content)
    elif TABLE_FILE.read_bytes() != content:
        sys.exit(f"{TABLE_FILE} is not what this script makes; run it without --check")


if __name__ == "__main__":
    main()
