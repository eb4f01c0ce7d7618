"""A borrower to be liquidated, a lender, and pools at the oracle's price: for figures and tests of spot positions.

scene = SpotScene(World.create(chain, parameters=SpotScene.parameters()))
loan = scene.loan("borrower")                 10 WETH against 25,000 of quote, in an account of that pair
scene.fall(2_700)                             oracle and pools
"""

from __future__ import annotations

from dataclasses import replace

from plimsoll.actions import borrow, lend, withdraw
from plimsoll.deploy.parameters import Pair, Parameters
from plimsoll.prices import PRICE
from plimsoll.testing.deployment import parameters
from plimsoll.testing.world import World

QUOTE, WETH, WBTC = 0, 1, 2
USDC, ETHER, BITCOIN = 10**6, 10**18, 10**8
PAIR = 0x8000 | WETH << 6 | QUOTE


class SpotScene:
    """Somebody lends, somebody arbitrages."""

    def __init__(self, world: World) -> None:
        self.world = world
        lender, self.arbitrageur = world.actor("lender"), world.actor("arbitrageur")
        world.fund(world.account(lender), QUOTE, 1_000_000 * USDC)
        world.execute(lender, lend(world.account(lender), QUOTE, 1_000_000 * USDC))
        world.mint(self.arbitrageur, QUOTE, 10**9 * USDC)
        world.mint(self.arbitrageur, WETH, 10**6 * ETHER)
        world.mint(self.arbitrageur, WBTC, 10**5 * BITCOIN)

    @staticmethod
    def parameters() -> Parameters:
        """What tests deploy, with an exchange, and WETH/USDC as the one pair."""
        return replace(parameters(exchange=True), pairs=(Pair(WETH, QUOTE, 1_200, 800),))

    def loan(self, name: str, *, collateral: int = 10, debt: int = 25_000) -> bytes:
        """An isolated account of the pair, whose debt has left the protocol. Whole units."""
        owner = self.world.actor(name)
        account = self.world.account(owner, market=PAIR)
        self.world.fund(account, WETH, collateral * ETHER)
        self.world.post({})
        amount = debt * USDC
        self.world.execute(owner, borrow(account, QUOTE, amount), withdraw(account, QUOTE, amount, owner))
        return account

    def fall(self, price: int) -> None:
        """Pools and oracle, whole quote."""
        exchange, bitcoin = self.world.exchange, self.world.prices[2]
        exchange.move_to(exchange.pool(WETH, QUOTE), price * PRICE, sender=self.arbitrageur)
        exchange.move_to(exchange.pool(WETH, WBTC), price * PRICE * PRICE // bitcoin, sender=self.arbitrageur)
        self.world.post({1: price * PRICE})
