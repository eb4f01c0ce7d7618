"""Lenders, an arbitrageur and borrowers by name, and pools at the oracle's prices."""

from __future__ import annotations

from plimsoll.actions import borrow, lend, trade_perp, withdraw
from plimsoll.keeper.select import look
from plimsoll.prices import PRICE

USDC, WETH, WBTC = 0, 1, 2
USD, ETHER, BTC = 10**6, 10**18, 10**8
SIZE, WAD = 10**8, 10**18
POOLS = {1: (WETH, USDC), 2: (WBTC, USDC)}


class Town:
    """Lenders of all assets, an arbitrageur who keeps the pools at the oracle's prices, and borrowers by name."""

    def __init__(self, world):
        self.world = world
        for asset, amount in ((USDC, 10_000_000 * USD), (WETH, 2_000 * ETHER), (WBTC, 100 * BTC)):
            owner = world.actor("lender")
            world.fund(world.account(owner), asset, amount)
            world.execute(owner, lend(world.account(owner), asset, amount))
        self.arbitrageur = world.actor("arbitrageur")
        for asset, amount in ((USDC, 10**9 * USD), (WETH, 10**6 * ETHER), (WBTC, 10**5 * BTC)):
            world.mint(self.arbitrageur, asset, amount)

    def join(self, name, held, owed=None, positions=(), *, market=None):
        """An account with `held`, that borrows `owed` and takes it out of the protocol."""
        owner = self.world.actor(name)
        account = self.world.account(owner, market=market)
        for asset, amount in held.items():
            self.world.fund(account, asset, amount)
        self.world.post({}, seconds=1)
        for asset, amount in (owed or {}).items():
            self.world.execute(owner, borrow(account, asset, amount), withdraw(account, asset, amount, owner))
        for number, size in positions:
            self.world.execute(owner, trade_perp(account, number, int(size * SIZE)))
        return account

    def move(self, prices, pools=None):
        """Oracle prices, and those of the pools (by default the same)."""
        for feed, price in (prices if pools is None else pools).items():
            pool = self.world.exchange.pool(*POOLS[feed])
            self.world.exchange.move_to(pool, int(price * PRICE), sender=self.arbitrageur)
        both = prices | (pools or {})
        eth, btc = both.get(1, 3_000), both.get(2, 60_000)
        cross = self.world.exchange.pool(WETH, WBTC)
        self.world.exchange.move_to(cross, int(eth * PRICE / btc), sender=self.arbitrageur)
        self.world.post({feed: int(price * PRICE) for feed, price in prices.items()})

    def debt(self, account, asset):
        return self.world.engine.read("debtOf", account, asset)


def planned(keeper):
    view = keeper.mirror.follow()
    planner = keeper.planner(view, look(view))
    return planner, planner.liquidations(look(view).liquidatable)


def assert_empty(town, keeper):
    """Nothing is left over, or owed, but what a late block would have cost."""
    world = town.world
    for asset in (WETH, WBTC):
        assert world.held(keeper.account, asset) < 10**-4 * (ETHER if asset == WETH else BTC)
    for asset in (USDC, WETH, WBTC):
        assert town.debt(keeper.account, asset) == 0
    for market in range(5):
        assert world.position(keeper.account, market) == (0, 0)
