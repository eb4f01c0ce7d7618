"""A morning of 12 March 2020 with a few dozen traders: once with a keeper, once without."""

from __future__ import annotations

import pytest

from plimsoll.contracts import ROOT
from plimsoll.sim.prices import load, moment
from plimsoll.sim.replay import Setup, run

FILES = [str(ROOT / "data" / name) for name in ("ETHUSDT_1h_2020-03.csv", "BTCUSDT_1h_2020-03.csv")]


@pytest.fixture(scope="session")
def files():
    return FILES


@pytest.fixture(scope="session")
def path():
    return load(FILES, step=600, start=moment("2020-03-12T07:00", ""), end=moment("2020-03-12T15:00", ""))


@pytest.fixture(scope="session")
def setup():
    return Setup(traders=80, seed=3, liquidity=3_000_000, insurance=60_000, keeper_float=50_000)


@pytest.fixture(scope="session")
def kept(path, setup):
    return run(path, setup)


@pytest.fixture(scope="session")
def bare(path):
    return run(path, Setup(traders=80, seed=3, liquidity=3_000_000, insurance=60_000, keeper=False))
