"""The deployment's Uniswap as the place where people in a replay swap, and an arbitrageur who keeps it at the index.

At the start of a step he trades every pool to the price from which on it no longer pays him, fee included. Swaps are
then planned on what the step's own swaps leave, so that each knows its price impact; one that meets less than it was
promised is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from plimsoll.actions import Action
from plimsoll.chain.base import LocalChain, Tx
from plimsoll.exchange import Exchange
from plimsoll.exchange.arbitrage import Move, worthwhile
from plimsoll.exchange.depth import DepthReader, Depths
from plimsoll.exchange.swaps import Hop
from plimsoll.sim.clerk import PRICE, Clerk, Order
from plimsoll.sim.scene import Scene, must, person

SLIPPAGE = 30  # bps that a swap may bring less than planned
WALLET = 10**10  # of each token, whole quote at its first price
ARBITRAGEUR = person("arbitrageur")


@dataclass
class Uniswap:
    """Pools of the deployment. Like `plimsoll.sim.venue.Venue`, for those who swap."""

    scene: Scene
    exchange: Exchange
    reader: DepthReader
    _depths: Depths | None = None
    _moves: list[Move] = field(default_factory=list)

    @classmethod
    def open(cls, scene: Scene, chain: LocalChain, clerk: Clerk) -> Uniswap:
        exchange = Exchange.of(scene.deployment)
        tokens = enumerate(scene.deployment.tokens)
        mints = [scene.call(ARBITRAGEUR, t, "mint", ARBITRAGEUR, clerk.units(asset, WALLET)) for asset, t in tokens]
        must(chain, mints)
        return cls(scene, exchange, DepthReader(exchange))

    def orders(self, clerk: Clerk) -> Iterator[Order]:
        """What the arbitrageur does before anybody else."""
        self._depths, goals = None, {}
        for pool, state in zip(self.exchange.pools, self.exchange.states(), strict=True):
            index = clerk.price_of_asset(pool.base) * PRICE // clerk.price_of_asset(pool.quote)
            goal = worthwhile(state.price, index, pool.fee)
            if goal is not None:
                goals[pool] = goal
        self._moves = self.exchange.moves(goals, ARBITRAGEUR)
        for move in self._moves:
            for tx in move.transactions:
                yield Order("arbitrage", tx)

    def swap(self, clerk: Clerk, account: bytes, sold: int, units: int, bought: int) -> tuple[list[Tx], Action, int]:
        """The action that sells `units` on the best route, and what it brings. Raises TooLarge."""
        depths = self._now()
        best = depths.best_in(sold, units, bought)
        depths.apply(best)
        least = best.amount_out * (10_000 - SLIPPAGE) // 10_000
        action = self.exchange.sell_action(account, sold, units, bought, least, route=best.route)
        return [], action, best.amount_out

    def _now(self) -> Depths:
        """The pools as the arbitrageur and the step's swaps so far leave them; read when first asked for."""
        if self._depths is None:
            self._depths = self.reader.read()
            for move in self._moves:
                self._depths.apply(self._depths.sell((Hop(move.pool, move.asset_in),), move.amount_in))
        return self._depths
