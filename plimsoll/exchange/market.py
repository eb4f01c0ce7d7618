"""`Exchange`: what its pools hold and cost, and swaps as actions of the engine. Assets go by number, as in the engine.

Whatever is asked of several pools or routes is one call of the chain, through Uniswap's own multicall contract, and so
of one block. Each `block` argument is a block number; None is the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from plimsoll.actions import Action, call
from plimsoll.chain.base import Chain, Receipt, Tx
from plimsoll.contracts import Contract
from plimsoll.errors import Reverted
from plimsoll.exchange import arbitrage, swaps
from plimsoll.exchange.artifacts import load
from plimsoll.exchange.errors import NoExchange, NoRoute, TooLarge
from plimsoll.exchange.listing import Addresses
from plimsoll.exchange.pair import Pair
from plimsoll.exchange.quotes import PoolState, Quote, each, quote, quoted, slot0, state, state_queries
from plimsoll.exchange.steps import FACTORY, MULTICALL, POSITIONS, QUOTER, ROUTER
from plimsoll.exchange.swaps import Hop, Pool, Route

if TYPE_CHECKING:
    from plimsoll.deploy.deployment import Deployment

__all__ = ["Exchange", "Pool", "PoolState", "Quote"]

GAS = 20_000_000  # for each of the calls that are made together


class Exchange:
    """Handles to a Uniswap v3 and its pools; `executor` is who makes the engine's calls."""

    def __init__(self, chain: Chain, where: Addresses, pools: Sequence[Pool], executor: str) -> None:
        artifacts = load()
        self.chain, self.where, self.executor = chain, where, executor
        self.pools = tuple(pools)
        self.router = Contract(chain, where.router, artifacts[ROUTER])
        self.quoter = Contract(chain, where.quoter, artifacts[QUOTER])
        self.positions = Contract(chain, where.positions, artifacts[POSITIONS])
        self.factory = Contract(chain, where.factory, artifacts[FACTORY])
        self._multicall = Contract(chain, where.multicall, artifacts[MULTICALL])

    @classmethod
    def of(cls, deployment: Deployment) -> Exchange:
        """The exchange of a deployment, on the connection it is seen through. Raises NoExchange. Reads nothing."""
        listing = deployment.parameters.exchange
        if listing is None:
            raise NoExchange(deployment.chain.chain_id)
        where = listing.addresses or _deployed(deployment)
        number = {asset.symbol: number for number, asset in enumerate(deployment.parameters.assets)}
        pools = [_pool(deployment, where, p.name, number[p.base], number[p.quote], p.fee) for p in listing.pools]
        return cls(deployment.chain, where, pools, deployment["Executor"].address)

    def at(self, chain: Chain) -> Exchange:
        """The same exchange seen through another connection."""
        return Exchange(chain, self.where, self.pools, self.executor)

    def __repr__(self) -> str:
        return f"<Exchange {', '.join(f'{pool.name} {pool.fee}' for pool in self.pools)}>"

    # ---------------------------------------------------------------- pools and routes

    def pool(self, asset: int, other: int) -> Pool:
        """The pool of two assets, in either order; of several the one that was listed first."""
        for pool in self.pools:
            if {pool.base, pool.quote} == {asset, other}:
                return pool
        raise NoRoute("assets", (asset, other), f"the pools are {', '.join(pool.name for pool in self.pools)}")

    def routes(self, asset_in: int, asset_out: int) -> list[Route]:
        """Every way through one pool or two."""
        first = [Hop(pool, asset_in) for pool in self.pools if asset_in in (pool.base, pool.quote)]
        found: list[Route] = [(hop,) for hop in first if hop.pool.other(asset_in) == asset_out]
        for hop in first:
            middle = hop.pool.other(asset_in)
            if middle != asset_out:
                found += [(hop, Hop(p, middle)) for p in self.pools if {p.base, p.quote} == {middle, asset_out}]
        if not found:
            raise NoRoute("assets", (asset_in, asset_out), "no pool, and no two, lead from one to the other")
        return found

    def states(self, pools: Iterable[Pool] | None = None, *, block: int | None = None) -> list[PoolState]:
        """Of all pools, or of `pools`, in one call."""
        chosen = list(self.pools if pools is None else pools)
        answers = self.ask([query for pool in chosen for query in state_queries(pool)], block=block)
        return [state(*found) for found in zip(chosen, answers[::2], answers[1::2], strict=True)]

    # ---------------------------------------------------------------- quotes

    def quotes_in(
        self, asset_in: int, amount: int, asset_out: int, *, block: int | None = None
    ) -> list[Quote | Reverted]:
        """For each route: selling exactly `amount`, or why that cannot be."""
        routes = self.routes(asset_in, asset_out)
        answers, mids = self._ask_routes(routes, [swaps.quote_in(route, amount) for route in routes], block)

        def read(route: Route, answer: bytes) -> Quote | None:
            amount_out, after = quoted("quoteExactInput", answer)
            return quote(route, amount, amount_out, after, mids)

        return each(routes, answers, read)

    def quotes_out(
        self, asset_in: int, asset_out: int, amount: int, *, block: int | None = None
    ) -> list[Quote | Reverted]:
        """For each route: buying exactly `amount`, or why that cannot be."""
        routes = self.routes(asset_in, asset_out)
        answers, mids = self._ask_routes(routes, [swaps.quote_out(route, amount) for route in routes], block)

        def read(route: Route, answer: bytes) -> Quote | None:
            amount_in, after = quoted("quoteExactOutput", answer)
            return quote(route, amount_in, amount, after[::-1], mids)

        return each(routes, answers, read)

    def best_in(self, asset_in: int, amount: int, asset_out: int, *, block: int | None = None) -> Quote:
        """The route that brings most for `amount`. Raises NoRoute or TooLarge."""
        quotes = [q for q in self.quotes_in(asset_in, amount, asset_out, block=block) if isinstance(q, Quote)]
        if not quotes:
            raise TooLarge("amount to sell", amount, f"no pool takes that much of asset {asset_in}")
        return max(quotes, key=lambda quote: quote.amount_out)

    def best_out(self, asset_in: int, asset_out: int, amount: int, *, block: int | None = None) -> Quote:
        """The route on which `amount` costs least. Raises NoRoute or TooLarge."""
        quotes = [q for q in self.quotes_out(asset_in, asset_out, amount, block=block) if isinstance(q, Quote)]
        if not quotes:
            raise TooLarge("amount to buy", amount, f"no pool holds that much of asset {asset_out}")
        return min(quotes, key=lambda quote: quote.amount_in)

    # ---------------------------------------------------------------- swaps out of an account

    def sell_action(
        self, account: bytes, asset_in: int, amount: int, asset_out: int, least: int, *, route: Route | None = None
    ) -> Action:
        """A `Call` that sells exactly `amount`. Without `route`: the best one now."""
        route = route or self.best_in(asset_in, amount, asset_out).route
        data = swaps.exact_in(route, amount, self.executor)
        return call(account, asset_in, amount, asset_out, least, self.router.address, data)

    def buy_action(
        self, account: bytes, asset_in: int, most: int, asset_out: int, amount: int, *, route: Route | None = None
    ) -> Action:
        """A `Call` that buys exactly `amount` for at most `most`; what is not needed stays in the account."""
        route = route or self.best_out(asset_in, asset_out, amount).route
        data = swaps.exact_out(route, amount, self.executor, most)
        return call(account, asset_in, most, asset_out, amount, self.router.address, data)

    # ---------------------------------------------------------------- arbitrage

    def moves(self, prices: Mapping[Pool, int], sender: str) -> list[arbitrage.Move]:
        """The swaps that bring pools to `prices` out of the tokens that `sender` has; see `arbitrage`."""
        return arbitrage.moves(self, prices, sender)

    def move_to(self, pool: Pool, price: int, *, sender: str) -> Receipt | None:
        """Brings `pool` to `price` with the sender's own tokens, as far as they go. None: it is there."""
        transactions: list[Tx] = [tx for move in self.moves({pool: price}, sender) for tx in move.transactions]
        receipts = self.chain.send_many(transactions)
        for receipt in receipts:
            if receipt.error:
                raise receipt.error
        return receipts[-1] if receipts else None

    # ---------------------------------------------------------------- asking

    def ask(self, queries: Sequence[tuple[str, bytes]], *, block: int | None = None) -> list[bytes | Reverted]:
        """Many calls as one, each answered or refused by itself."""
        if not queries:
            return []
        _, answers = self._multicall.read("multicall", [(to, GAS, data) for to, data in queries], block=block)
        return [bytes(data) if success else Reverted(bytes(data)) for success, _, data in answers]

    def _ask_routes(
        self, routes: Sequence[Route], queries: Sequence[bytes], block: int | None
    ) -> tuple[list[bytes | Reverted], dict[Pool, int]]:
        """Answers to one query of the quoter per route, and the sqrt prices of all their pools before."""
        pools = list(dict.fromkeys(hop.pool for route in routes for hop in route))
        asked = [(self.quoter.address, query) for query in queries]
        answers = self.ask(asked + [state_queries(pool)[0] for pool in pools], block=block)
        slots = answers[len(queries) :]
        return answers[: len(queries)], {p: slot0(slot)[0] for p, slot in zip(pools, slots, strict=True)}


def _deployed(deployment: Deployment) -> Addresses:
    names = (FACTORY, ROUTER, POSITIONS, QUOTER, MULTICALL)
    return Addresses(*[deployment.manifest.address(name) for name in names])


def _pool(d: Deployment, where: Addresses, name: str, base: int, quote: int, fee: int) -> Pool:
    assets, tokens = d.parameters.assets, d.tokens
    pair = Pair(tokens[base].address, assets[base].decimals, tokens[quote].address, assets[quote].decimals)
    return Pool(name, base, quote, fee, swaps.pool_address(where.factory, pair, fee), pair)
