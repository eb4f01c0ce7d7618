"""Actors, the deployed protocol, isolation. A fixture is a role or a deployment; its arguments are what it needs."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from brownie import history, web3
from web3.exceptions import TransactionNotFound
from world import BITCOIN, DAY, ETHER, HOUR, QUOTE, USDC, WBTC, WETH, World

from plimsoll.deploy import local
from plimsoll.deploy.parameters import Roles
from plimsoll.testing.deployment import parameters
from scripts.deploy import deploy_with


def pytest_configure(config):
    """Brownie's chain warns about its own use of rpc."""
    config.addinivalue_line("filterwarnings", r"ignore:rpc\..* should not be called directly:FutureWarning")
    config.addinivalue_line("filterwarnings", "ignore:'CollateralVault' defines a 'balance' function")


@pytest.fixture(autouse=True)
def fn_isolation(world):
    """Each test starts from the deployed world, clock included.

    Brownie's own goes back to an empty chain, and its chain.revert asks for the code of every contract each time.
    """
    prices = dict(world.prices)
    before = rpc("evm_snapshot")
    yield
    assert rpc("evm_revert", before)
    # A transaction whose receipt is out may still lie in the pool for a moment; it must not be mined again.
    rpc("anvil_dropAllTransactions")
    history.clear()  # brownie counts nonces in it
    world.forget()
    world.prices = prices


@pytest.fixture(scope="session")
def patient_node():
    """Anvil may not know for a moment a transaction that it has just taken; brownie would wait long, or give it up."""
    for name in ("get_transaction", "get_transaction_receipt"):
        setattr(web3.eth, name, _patient(getattr(web3.eth, name)))


def _patient(ask):
    def asked(tx_hash):
        deadline = time.monotonic() + 5
        while True:
            try:
                return ask(tx_hash)
            except TransactionNotFound:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)

    return asked


def rpc(method, *args):
    answer = web3.provider.make_request(method, list(args))
    assert "error" not in answer, answer
    return answer["result"]


# -------------------------------------------------------------------- actors


@pytest.fixture(scope="session")
def deployer(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def trader(accounts):
    return accounts[1]


@pytest.fixture(scope="session")
def counterparty(accounts):
    return accounts[2]


@pytest.fixture(scope="session")
def keeper(accounts):
    return accounts[3]


@pytest.fixture(scope="session")
def provider(accounts):
    return accounts[4]


@pytest.fixture(scope="session")
def sponsor(accounts):
    return accounts[5]


@pytest.fixture(scope="session")
def operator(accounts):
    return accounts[6]


@pytest.fixture(scope="session")
def stranger(accounts):
    return accounts[7]


@pytest.fixture(scope="session")
def guardian(accounts):
    return accounts[8]


@pytest.fixture(scope="session")
def risk_manager(accounts):
    return accounts[9]


# -------------------------------------------------------------------- deployments


@pytest.fixture(scope="session")
def governed(patient_node, deployer, guardian, risk_manager, provider):
    """A second deployment as it would be in earnest: roles apart from the deployer, two days' delay, references."""
    roles = Roles(
        admin=provider.address,
        risk=risk_manager.address,
        guardian=guardian.address,
        risk_delay=2 * DAY,
        admin_delay=5 * DAY,
    )
    return World(deploy_with(deployer, replace(local(), roles=roles)))


@pytest.fixture(scope="session")
def world(governed, deployer, trader, counterparty, keeper, provider, sponsor):
    """The protocol that most tests use: round numbers, no references, no delays, every role the deployer's.

    Pool 10,000,000; insurance 100,000; wallets of trader, counterparty and keeper full; prices as in START_PRICES.
    """
    world = World(deploy_with(deployer, parameters()))
    world.post()
    world.provide(provider, 10_000_000 * USDC)
    for actor in (trader, counterparty, keeper, sponsor):
        world.equip(actor, QUOTE, 10_000_000 * USDC)
    for actor in (trader, counterparty, keeper):
        world.equip(actor, WETH, 10_000 * ETHER)
        world.equip(actor, WBTC, 1000 * BITCOIN)
    world.fund(sponsor, world.insurance, 100_000 * USDC)
    world.fund(trader, world.account(trader), 10_000 * USDC)
    world.fund(counterparty, world.account(counterparty), 100_000 * USDC)
    world.fund(keeper, world.account(keeper), 100_000 * USDC)
    world.later(HOUR)
    world.post()
    return world


@pytest.fixture(scope="session")
def account(world, trader):
    """The trader's cross account, with 10,000."""
    return world.account(trader)


@pytest.fixture(scope="session")
def counter_account(world, counterparty):
    """The counterparty's, with 100,000."""
    return world.account(counterparty)


@pytest.fixture(scope="session")
def keeper_account(world, keeper):
    """The keeper's, with 100,000."""
    return world.account(keeper)
