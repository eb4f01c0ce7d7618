"""Worlds with an exchange, and benches with one pool."""

from __future__ import annotations

import pytest

from plimsoll.testing import World


@pytest.fixture(scope="module")
def _world():
    return World.create(exchange=True)


@pytest.fixture
def world(_world):
    """Prices as they were when the pools were opened; what a test changes is undone."""
    snapshot = _world.chain.snapshot()
    prices = dict(_world.prices)
    _world._funded.clear()
    yield _world
    _world.prices = prices
    _world.chain.revert(snapshot)
