"""An exchange outside the protocol that people in a replay swap on, through `Call`.

It sells and buys everything at the index less a fee, and less what the size of the swap moves the price by: a fixed
share per quote traded, gone with the next swap. Real ones are plimsoll.exchange; this one needs no liquidity to be
moved when a file says that the world's price has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plimsoll import contracts
from plimsoll.actions import Action, call
from plimsoll.chain.base import LocalChain, Tx
from plimsoll.contracts import Contract
from plimsoll.sim.clerk import Clerk, Order
from plimsoll.sim.scene import Scene, must

FEE_PPM = 3_000
DEPTH = 200_000_000  # quote: a swap of a hundredth of it moves the price by one per cent
STOCK = 10**12  # of each token, whole quote at its first price
PPM = 10**6


@dataclass
class Venue:
    """One exchange for all tokens of a deployment."""

    scene: Scene
    exchange: Contract
    admin: str

    @classmethod
    def open(cls, scene: Scene, chain: LocalChain, admin: str, clerk: Clerk) -> Venue:
        artifact = contracts.load()["MockExchange"]
        receipt = chain.deploy(admin, artifact.creation())
        assert receipt.contract_address is not None
        venue = cls(scene, Contract(chain, receipt.contract_address, artifact), admin)
        tokens = scene.deployment.tokens
        must(
            chain,
            [
                scene.call(admin, token, "mint", venue.exchange.address, clerk.units(asset, STOCK))
                for asset, token in enumerate(tokens)
            ],
        )
        return venue

    def orders(self, clerk: Clerk) -> Iterator[Order]:
        """Nothing has to be done for it to be at the index."""
        return iter(())

    def swap(self, clerk: Clerk, account: bytes, sold: int, units: int, bought: int) -> tuple[list[Tx], Action, int]:
        """What sets the price for a swap of this size, the action that makes it, and what it brings."""
        assets, tokens = self.scene.deployment.parameters.assets, self.scene.deployment.tokens
        notional = units * clerk.price_of_asset(sold) // 10 ** (assets[sold].decimals + 10)
        kept = PPM - FEE_PPM - min(notional * PPM // DEPTH, PPM // 2)
        numerator = clerk.price_of_asset(sold) * 10 ** assets[bought].decimals * kept // PPM
        denominator = clerk.price_of_asset(bought) * 10 ** assets[sold].decimals
        price = self.scene.call(
            self.admin, self.exchange, "setPrice", tokens[sold].address, tokens[bought].address, numerator, denominator
        )
        data = self.exchange.encode("swap", tokens[sold].address, tokens[bought].address, units)
        brought = units * numerator // denominator
        return [price], call(account, sold, units, bought, brought, self.exchange.address, data), brought
