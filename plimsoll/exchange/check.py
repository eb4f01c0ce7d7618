"""The exchange's part of a verification: every pool is where it should be, and all contracts speak of one factory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plimsoll.exchange.market import Exchange
from plimsoll.exchange.steps import NO_ETHER

if TYPE_CHECKING:
    from plimsoll.deploy.deployment import Deployment


def comparisons(deployment: Deployment) -> Iterator[tuple[str, Any, Any]]:
    """(where, expected, actual). Prices and liquidity are the market's and are not compared."""
    if deployment.parameters.exchange is None:
        return
    exchange = Exchange.of(deployment)
    for name in ("router", "quoter", "positions"):
        yield f"exchange {name} factory", exchange.factory.address, getattr(exchange, name).read("factory")
    for pool in exchange.pools:
        found = exchange.factory.read("getPool", pool.pair.base, pool.pair.quote, pool.fee)
        yield f"exchange pool {pool.name} {pool.fee}", pool.address if found != NO_ETHER else "a pool", found
