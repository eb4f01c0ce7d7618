"""What pools and the quoter answer, as numbers people use: mid prices, amounts, impact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from plimsoll.errors import Reverted
from plimsoll.exchange.artifacts import load
from plimsoll.exchange.swaps import Pool, Route
from plimsoll.exchange.tick_math import MAX_SQRT_PRICE, MIN_SQRT_PRICE

BPS = 10_000
EMPTY = (MIN_SQRT_PRICE + 1, MAX_SQRT_PRICE - 1)  # where a pool ends whose liquidity is used up


class PoolState(NamedTuple):
    """`price`: 1e-10 of the quote per base, the pool's mid. `liquidity`: what is in range."""

    price: int
    sqrt_price: int
    tick: int
    liquidity: int


class Quote(NamedTuple):
    """A swap as it would be now. `after`: each pool's price afterwards. `impact`: bps that it pays more than mid, up.

    The fee is part of the impact. Amounts are raw.
    """

    route: Route
    amount_in: int
    amount_out: int
    after: tuple[int, ...]
    impact: int


def state_queries(pool: Pool) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    kind = load()["UniswapV3Pool"]
    return (pool.address, kind.function("slot0").encode(())), (pool.address, kind.function("liquidity").encode(()))


def slot0(answer: bytes | Reverted) -> tuple[int, int]:
    if isinstance(answer, Reverted):
        raise answer
    sqrt_price, tick = load()["UniswapV3Pool"].function("slot0").result(answer)[:2]
    return sqrt_price, tick


def state(pool: Pool, slot: bytes | Reverted, liquidity: bytes | Reverted) -> PoolState:
    if isinstance(liquidity, Reverted):
        raise liquidity
    sqrt_price, tick = slot0(slot)
    return PoolState(pool.pair.price(sqrt_price), sqrt_price, tick, int.from_bytes(liquidity, "big"))


def quoted(function: str, answer: bytes) -> tuple[int, list[int]]:
    amount, after = load()["QuoterV2"].function(function).result(answer)[:2]
    return amount, after


def each(
    routes: Sequence[Route], answers: Sequence[bytes | Reverted], read: Callable[[Route, bytes], Quote | None]
) -> list[Quote | Reverted]:
    pairs = zip(routes, answers, strict=True)
    return [a if isinstance(a, Reverted) else read(route, a) or Reverted(b"") for route, a in pairs]


def quote(
    route: Route, amount_in: int, amount_out: int, after: Sequence[int], mids: Mapping[Pool, int]
) -> Quote | None:
    """None when a pool on the way is empty: the quoter then speaks of less than it was asked."""
    if any(sqrt_price in EMPTY for sqrt_price in after):
        return None
    above, below = amount_in, 1  # what would come out at mid
    for hop in route:
        square, unit = mids[hop.pool] ** 2, 1 << 192
        above, below = (above * square, below * unit) if hop.zero_for_one else (above * unit, below * square)
    impact = -(-(above - amount_out * below) * BPS // above) if above else 0
    prices = [hop.pool.pair.price(price) for hop, price in zip(route, after, strict=True)]
    return Quote(route, amount_in, amount_out, tuple(prices), max(0, impact))
