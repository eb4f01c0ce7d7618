"""Published cases and recorded chains, beside the repository or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared"


def present(path):
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture
def vectors():
    """`vectors("quantlib_haug")`: the folder of a set."""
    return lambda name: present(SHARED / "vectors" / name)


@pytest.fixture(scope="session")
def recorded():
    """`recorded("20260115T153452Z")`: the file of a snapshot."""
    return lambda stamp: present(SHARED / "data" / "iv" / f"deribit_chain_{stamp}.csv.gz")
