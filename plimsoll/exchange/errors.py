"""What an exchange cannot do for the caller."""

from __future__ import annotations

from plimsoll.errors import BadInput


class NoExchange(BadInput):
    """The deployment has none."""

    def __init__(self, chain_id: int) -> None:
        remedy = "deploy with `exchange` in the parameters: addresses of a Uniswap v3, or on a local chain pools alone"
        super().__init__("exchange on chain", chain_id, remedy)


class NoRoute(BadInput):
    """No pool, and no two pools, lead from one asset to the other."""


class TooLarge(BadInput):
    """The pools of every route are empty before the amount is through."""
