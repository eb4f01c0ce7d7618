"""People on a chain that keeps its events, and a keeper among them."""

from __future__ import annotations

import pytest
from keeper_town import Town

from plimsoll.actions import trade_perp
from plimsoll.chain import ProcessChain
from plimsoll.keeper.cycle import Keeper
from plimsoll.keeper.settings import Settings
from plimsoll.keeper.wallet import ProcessWallet
from plimsoll.testing import World
from plimsoll.testing.spot import SpotScene

SIZE = 10**8


class LoggingChain(ProcessChain):
    """A chain in process that remembers its events and begins a block with each transaction, as automine does."""

    def __init__(self, **options):
        super().__init__(**options)
        self.kept, self.calldata, self.still = [], [], False

    def send(self, sender, to, data, **options):
        if not self.still:
            self.advance(1)
        self.calldata.append(data)
        receipt = super().send(sender, to, data, **options)
        block = self.block()[0]
        first = self.kept[-1][1] + 1 if self.kept and self.kept[-1][0] == block else 0
        self.kept += [(block, number, log) for number, log in enumerate(receipt.logs, first)]
        return receipt

    def logs(self, addresses, first, last, topics=()):
        return [entry for entry in self.kept if first <= entry[0] <= last and entry[2].address in addresses]


class Crowd:
    """Traders by name; each holds cash and positions in one cross account."""

    def __init__(self, world):
        self.world = world
        self.accounts = {}

    def join(self, name, cash, positions=(), *, weth=0, market=None):
        owner = self.world.actor(name)
        account = self.world.account(owner, market=market)
        self.world.fund(account, 0, cash * 10**6)
        if weth:
            self.world.fund(account, 1, weth)
        self.world.post({}, seconds=1)
        for number, size in positions:
            self.world.execute(owner, trade_perp(account, number, int(size * SIZE)))
        self.accounts[name] = account
        return account


@pytest.fixture
def logging_world():
    return World.create(LoggingChain())


@pytest.fixture(scope="session")
def logging_chain():
    return LoggingChain


@pytest.fixture
def crowd_of():
    return Crowd


@pytest.fixture
def keeper_of():
    """`keeper_of(world, reserve=0)`; `wallet=None` for a dry run."""

    def create(world, *, wallet="process", **options):
        options.setdefault("profit_to", world.actor("cold"))
        sender = ProcessWallet(world.chain, world.actor("keeper")) if wallet == "process" else wallet
        return Keeper(world, Settings(**options), sender)

    return create


@pytest.fixture
def cash_of():
    """What an address holds of the quote token."""
    return lambda world, name: world.token(0).read("balanceOf", world.actor(name))


@pytest.fixture(scope="module")
def _town():
    return Town(World.create(parameters=SpotScene.parameters()))


@pytest.fixture
def town(_town):
    world = _town.world
    snapshot, prices = world.chain.snapshot(), dict(world.prices)
    world._funded.clear()
    yield _town
    world.prices = prices
    world.chain.revert(snapshot)
