"""A world with an exchange, lenders of every asset, and pairs to be isolated to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plimsoll.actions import lend
from plimsoll.deploy.parameters import Pair
from plimsoll.testing import World
from plimsoll.testing.deployment import parameters

USDC, WAD, BTC = 10**6, 10**18, 10**8
LENT = {0: 10_000_000 * USDC, 1: 2_000 * WAD, 2: 100 * BTC}


def lending_parameters():
    """Those of tests, and two pairs."""
    return replace(parameters(exchange=True), pairs=(Pair(1, 0, 1200, 800), Pair(1, 2, 1500, 1000)))


@pytest.fixture(scope="module")
def _world():
    world = World.create(parameters=lending_parameters())
    for asset, amount in LENT.items():
        lender = world.actor(f"lender {asset}")
        account = world.account(lender)
        world.fund(account, asset, amount)
        world.execute(lender, lend(account, asset, amount))
    return world


@pytest.fixture
def world(_world):
    """Fresh prices; what a test changes is undone."""
    snapshot = _world.chain.snapshot()
    prices = dict(_world.prices)
    _world._funded.clear()
    _world.post({})
    yield _world
    _world.prices = prices
    _world.chain.revert(snapshot)


@pytest.fixture
def alice(world):
    """10 WETH at 3,000."""
    account = world.account(world.actor("alice"))
    world.fund(account, 1, 10 * WAD)
    return account
