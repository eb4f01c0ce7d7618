"""Bringing pools to a price with tokens of one's own, and which price is worth it.

The router stops a swap at a sqrt price, so a pool ends exactly where it was to go if the tokens suffice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plimsoll.actions import MAX_UINT256
from plimsoll.chain.base import Tx
from plimsoll.contracts import load
from plimsoll.errors import BadInput, Reverted
from plimsoll.exchange import swaps
from plimsoll.exchange.swaps import Hop, Pool

if TYPE_CHECKING:
    from plimsoll.exchange.market import Exchange

GAS = 3_000_000
MILLION = 1_000_000


@dataclass(frozen=True)
class Move:
    """One swap towards a price. `short`: how much of `asset_in` the sender lacks to get there, raw."""

    pool: Pool
    asset_in: int
    amount_in: int
    amount_out: int
    short: int
    transactions: tuple[Tx, ...]


def worthwhile(pool_price: int, market_price: int, fee: int) -> int | None:
    """The price to which trading a pool pays when a base is worth `market_price` elsewhere; None within its fee.

    A trade pays as long as the pool's price, its fee added or taken off, is on the right side of the market's.
    """
    highest = market_price * MILLION // (MILLION - fee)
    lowest = -(-market_price * (MILLION - fee) // MILLION)
    if lowest <= pool_price <= highest:
        return None
    return lowest if pool_price < lowest else highest


def moves(exchange: Exchange, prices: Mapping[Pool, int], sender: str) -> list[Move]:
    """One Move per pool that is not at its price yet, in order; an approval first where the router has too little.

    Two chain calls, however many pools. With less than it takes, a Move goes as far as what is left; with none it is
    left out. Pools that share a token are served in the order of `prices`.
    """
    targets = {pool: pool.pair.sqrt_price(price) for pool, price in prices.items()}
    states = exchange.states(targets)
    hops = {
        pool: Hop(pool, _asset_in(pool, target < state.sqrt_price))
        for (pool, target), state in zip(targets.items(), states, strict=True)
        if target != state.sqrt_price
    }
    if not hops:
        return []
    left, allowed, asked = _read(exchange, hops, targets, sender)
    found = []
    for (pool, hop), (gives, takes) in zip(hops.items(), asked, strict=True):
        asset, token = hop.asset, hop.token_in
        amount = min(takes, left[token])
        if not amount:
            continue
        spare = min(1, left[token] - amount)  # not taken; a swap out of input ends where the liquidity does
        left[token] -= amount
        txs = []
        if allowed[token] < amount + spare:
            txs.append(Tx(sender, token, _erc20("approve", exchange.router.address, MAX_UINT256), 0, GAS))
            allowed[token] = MAX_UINT256
        txs.append(Tx(sender, exchange.router.address, _swap(hop, amount + spare, sender, targets[pool]), 0, GAS))
        out = gives if amount == takes else 0
        found.append(Move(pool, asset, amount, out, takes - amount, tuple(txs)))
    return found


def _asset_in(pool: Pool, down: bool) -> int:
    """What goes in to bring the sqrt price down (token0) or up (token1)."""
    return pool.base if pool.pair.base_is_token0 == down else pool.quote


def _swap(hop: Hop, amount: int, sender: str, limit: int) -> bytes:
    return swaps.exact_in((hop,), amount, sender, limit=limit)


def _read(
    exchange: Exchange, hops: Mapping[Pool, Hop], targets: Mapping[Pool, int], sender: str
) -> tuple[dict[str, int], dict[str, int], list[tuple[int, int]]]:
    """The sender's balances, the router's allowances, and (what comes out, what goes in) of each swap."""
    tokens = list(dict.fromkeys(hop.token_in for hop in hops.values()))
    router, quoter = exchange.router.address, exchange.quoter.address
    queries = [(token, _erc20("balanceOf", sender)) for token in tokens]
    queries += [(token, _erc20("allowance", sender, router)) for token in tokens]
    queries += [(quoter, data) for pool, hop in hops.items() for data in swaps.quote_to(hop, targets[pool])]
    words = []
    for (to, _), answer in zip(queries, exchange.ask(queries), strict=True):
        if isinstance(answer, Reverted):
            raise BadInput("price", list(targets.values()), f"{to} refused: {answer}") from answer
        words.append(int.from_bytes(answer[:32], "big"))
    count = len(tokens)
    left = dict(zip(tokens, words[:count], strict=True))
    allowed = dict(zip(tokens, words[count : 2 * count], strict=True))
    return left, allowed, list(zip(words[2 * count :: 2], words[2 * count + 1 :: 2], strict=True))


def _erc20(name: str, *args: object) -> bytes:
    return load()["MockERC20"].function(name).encode(args)
