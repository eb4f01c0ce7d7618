"""Which exchange a deployment has: the addresses of one that exists, or what one of our own is seeded with.

Part of a deployment's parameters (plimsoll.deploy.parameters). Pools name assets by symbol. An exchange without
addresses is deployed together with the protocol, which only local chains accept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plimsoll.errors import BadInput

BPS = 10_000
PRICE = 10**10  # one quote per whole unit of the base

#: Millionths of the amount that goes in -> distance between usable ticks. The factory knows no others.
SPACING = {100: 1, 500: 10, 3000: 60, 10_000: 200}


@dataclass(frozen=True)
class Band:
    """`share` bps of a pool's depth between `lower` and `upper`, both bps of its first price."""

    lower: int
    upper: int
    share: int

    def __post_init__(self) -> None:
        if not 0 < self.lower < BPS < self.upper:
            raise BadInput("band", (self.lower, self.upper), f"it must hold the price: lower < {BPS} < upper, in bps")
        if not 0 < self.share <= BPS:
            raise BadInput("band share", self.share, f"from 1 to {BPS} bps of the pool's depth")


#: Most of it near the price, and a tail that a bad day does not leave.
BANDS = (Band(9_000, 11_000, 4_000), Band(5_000, 20_000, 4_000), Band(1_000, 100_000, 2_000))


@dataclass(frozen=True)
class PoolListing:
    """One pool. `depth`: what both sides together are worth, whole units of the quote. 0: the pool is not seeded."""

    base: str
    quote: str
    fee: int
    price: int = 0
    depth: int = 0
    bands: tuple[Band, ...] = BANDS

    def __post_init__(self) -> None:
        if self.fee not in SPACING:
            raise BadInput(f"fee of pool {self.name}", self.fee, f"one of {', '.join(map(str, SPACING))} millionths")
        if self.depth < 0 or self.price < 0 or (self.depth and not self.price):
            raise BadInput(f"pool {self.name}", (self.price, self.depth), "a seeded pool has a price and a depth")
        if self.depth and sum(band.share for band in self.bands) != BPS:
            shares = [band.share for band in self.bands]
            raise BadInput(f"bands of pool {self.name}", shares, f"their shares must add up to {BPS} bps")

    @property
    def name(self) -> str:
        return f"{self.base}/{self.quote}"


@dataclass(frozen=True)
class Addresses:
    """Where a Uniswap v3 is. `router` is SwapRouter (with deadlines), `quoter` QuoterV2."""

    factory: str
    router: str
    positions: str
    quoter: str
    multicall: str


@dataclass(frozen=True)
class ExchangeListing:
    """The exchange of a deployment. `addresses` None: deployed with it."""

    pools: tuple[PoolListing, ...]
    addresses: Addresses | None = None


def local_exchange(prices: Mapping[str, int], *, depth: int = 20_000_000) -> ExchangeListing:
    """An exchange of our own, with `depth` whole quote units per pool. `prices` by symbol in USDC, 1e-10.

    WETH/USDC at 0.05 %, WBTC/USDC at 0.3 %, and WETH/WBTC at 0.05 % when both have a price.
    """
    fees = {"WETH": 500, "WBTC": 3000}
    pools = [PoolListing(s, "USDC", fees[s], price, depth) for s, price in prices.items() if s in fees]
    if {"WETH", "WBTC"} <= prices.keys():
        cross, bitcoins = prices["WETH"] * PRICE // prices["WBTC"], depth * PRICE // prices["WBTC"]
        pools.append(PoolListing("WETH", "WBTC", 500, cross, max(1, bitcoins)))
    return ExchangeListing(tuple(pools))
