"""The same protocol on Ganache: brownie's other node, and another EVM than Anvil's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from brownie import network

from plimsoll.testing.deployment import parameters
from scripts.deploy import deploy_with

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from world import World


def pytest_configure(config):
    """Brownie's chain warns about its own use of rpc."""
    config.addinivalue_line("filterwarnings", r"ignore:rpc\..* should not be called directly:FutureWarning")
    config.addinivalue_line("filterwarnings", "ignore:'CollateralVault' defines a 'balance' function")


@pytest.fixture(scope="module")
def world(accounts):
    network.gas_price("2 gwei")  # Ganache has a base fee
    return World(deploy_with(accounts[0], parameters()))


@pytest.fixture(scope="module")
def provider(accounts):
    return accounts[1]


@pytest.fixture(scope="module")
def trader(accounts):
    return accounts[2]


@pytest.fixture(scope="module")
def keeper(accounts):
    return accounts[3]


@pytest.fixture(scope="module")
def account(world, trader):
    return world.account(trader)


@pytest.fixture(scope="module")
def keeper_account(world, keeper):
    return world.account(keeper)
