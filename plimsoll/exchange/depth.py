"""What pools hold at every price, and what any sequence of swaps would do to them: exact, and without asking again.

    depths = DepthReader(exchange).read(block=number)     one call of the chain, as long as nobody opens new ranges
    quote = depths.best_in(WETH, amount, USDC)            Swap(route, amount_in, amount_out); nothing has changed
    depths.apply(quote)                                   the next swap meets what this one leaves

Twin of UniswapV3Pool.swap. Half to twice the price is read; what would go beyond is `TooLarge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from plimsoll.errors import Reverted
from plimsoll.exchange.artifacts import load
from plimsoll.exchange.errors import NoRoute, TooLarge
from plimsoll.exchange.listing import SPACING
from plimsoll.exchange.market import Exchange
from plimsoll.exchange.quotes import slot0, state_queries
from plimsoll.exchange.swap_math import step_in, step_out
from plimsoll.exchange.swaps import Hop, Pool, Route
from plimsoll.exchange.tick_math import MAX_TICK, sqrt_price_at, tick_at

REACH = 6_932  # ticks each way: a factor of two
WORD = 256

Routes = Callable[[int, int], list[Route]]


class Level(NamedTuple):
    """Where a pool stands, and the liquidity that is in range there."""

    sqrt_price: int
    tick: int
    liquidity: int


UNOPENED = Level(0, 0, 0)


class Swap(NamedTuple):
    """What a swap takes and gives, raw, and where it leaves the pools it goes through."""

    route: Route
    amount_in: int
    amount_out: int
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Depth:
    """One pool's ticks: words of the bitmap by position, net liquidity by tick."""

    pool: Pool
    bitmaps: Mapping[int, int]
    nets: Mapping[int, int]

    @property
    def spacing(self) -> int:
        return SPACING[self.pool.fee]

    def swap(self, level: Level, amount: int, *, exact_in: bool, down: bool) -> tuple[int, Level]:
        """The other amount, and where the pool is afterwards. `down`: token0 goes in. Raises TooLarge."""
        (price, tick, liquidity), remaining, other = level, amount, 0
        if price == 0:
            raise TooLarge("amount", self.pool.name, "the pool has not been opened")
        while remaining:
            following, initialised = self._next(tick, down=down)
            goal = sqrt_price_at(following)
            advance = step_in if exact_in else step_out
            step = advance(price, goal, liquidity, remaining, self.pool.fee)
            paid = step.amount_in + step.fee
            remaining -= paid if exact_in else step.amount_out
            other += step.amount_out if exact_in else paid
            if step.sqrt_price == goal:
                if initialised:
                    liquidity += -self.nets[following] if down else self.nets[following]
                tick = following - 1 if down else following
            elif step.sqrt_price != price:
                tick = tick_at(step.sqrt_price)
            price = step.sqrt_price
        return other, Level(price, tick, liquidity)

    def _next(self, tick: int, *, down: bool) -> tuple[int, bool]:
        """The next initialised tick within the bitmap's word, or the end of that word."""
        compressed = tick // self.spacing + (0 if down else 1)
        word, bit = divmod(compressed, WORD)
        bitmap = self.bitmaps.get(word)
        if bitmap is None:
            raise TooLarge("amount", self.pool.name, "the pool holds less than that between half and twice its price")
        ahead = bitmap & (2 << bit) - 1 if down else bitmap >> bit
        if not ahead:
            end = compressed - bit if down else compressed + WORD - 1 - bit
            return max(-MAX_TICK, min(end * self.spacing, MAX_TICK)), False
        found = ahead.bit_length() - 1 if down else bit + (ahead & -ahead).bit_length() - 1
        return (word * WORD + found) * self.spacing, True


@dataclass
class Depths:
    """Several pools, as swaps go on. `clone` before trying something."""

    routes: Routes
    depths: Mapping[Pool, Depth] = field(repr=False)
    levels: dict[Pool, Level] = field(repr=False)

    def clone(self) -> Depths:
        return replace(self, levels=dict(self.levels))

    def sell(self, route: Route, amount: int) -> Swap:
        """Exactly `amount` in. Raises TooLarge."""
        levels, passed = [], amount
        for hop in route:
            passed, level = self._swap(hop, passed, exact_in=True)
            levels.append(level)
        return Swap(route, amount, passed, tuple(levels))

    def buy(self, route: Route, amount: int) -> Swap:
        """Exactly `amount` out. Raises TooLarge."""
        levels, wanted = [], amount
        for hop in reversed(route):
            wanted, level = self._swap(hop, wanted, exact_in=False)
            levels.append(level)
        return Swap(route, wanted, amount, tuple(reversed(levels)))

    def _swap(self, hop: Hop, amount: int, *, exact_in: bool) -> tuple[int, Level]:
        return self.depths[hop.pool].swap(self.levels[hop.pool], amount, exact_in=exact_in, down=hop.zero_for_one)

    def best_in(self, asset_in: int, amount: int, asset_out: int) -> Swap:
        """The route that brings most for `amount`. Raises NoRoute or TooLarge."""
        return max(self._each(asset_in, asset_out, amount, self.sell), key=lambda swap: swap.amount_out)

    def best_out(self, asset_in: int, asset_out: int, amount: int) -> Swap:
        """The route on which `amount` costs least. Raises NoRoute or TooLarge."""
        return min(self._each(asset_in, asset_out, amount, self.buy), key=lambda swap: swap.amount_in)

    def _each(self, asset_in: int, asset_out: int, amount: int, ask: Callable[[Route, int], Swap]) -> list[Swap]:
        found, refused = [], None
        for route in self.routes(asset_in, asset_out):
            try:
                found.append(ask(route, amount))
            except TooLarge as error:
                refused = error
        if not found:
            raise refused or NoRoute("assets", (asset_in, asset_out), "no pool leads from one to the other")
        return found

    def apply(self, swap: Swap) -> None:
        for hop, level in zip(swap.route, swap.levels, strict=True):
            self.levels[hop.pool] = level


# ---------------------------------------------------------------- reading


class DepthReader:
    """Reads pools, and remembers where their ticks are: what is known is asked for again in the same call."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._words: dict[Pool, range] = {}
        self._ticks: dict[Pool, set[int]] = {}

    def read(self, *, block: int | None = None) -> Depths:
        """All pools at `block`."""
        pools, found = self.exchange.pools, _Answers()
        wanted = {pool: self._queries(pool) for pool in pools}
        while any(wanted.values()):
            self._ask(wanted, found, block)
            wanted = {pool: self._missing(pool, found) for pool in pools}
        depths = {pool: Depth(pool, self._bitmaps(pool, found), found.nets[pool]) for pool in pools}
        return Depths(self.exchange.routes, depths, {pool: found.levels[pool] for pool in pools})

    def _queries(self, pool: Pool) -> list[_Query]:
        """The state, and what was there the last time."""
        known = [_Query(pool, "tickBitmap", word) for word in self._words.get(pool, ())]
        return [_Query(pool, "state"), *known, *(_Query(pool, "ticks", tick) for tick in self._ticks.get(pool, ()))]

    def _missing(self, pool: Pool, found: _Answers) -> list[_Query]:
        """What the answers so far show to be needed besides."""
        spacing = SPACING[pool.fee]
        if found.levels[pool] == UNOPENED:
            self._words[pool], self._ticks[pool] = range(0), set()
            return []
        around = found.levels[pool].tick // spacing
        near = REACH // spacing
        words = self._words[pool] = range((around - near) // WORD, (around + 1 + near) // WORD + 1)
        asked = found.bitmaps[pool]
        if lacking := [_Query(pool, "tickBitmap", word) for word in words if word not in asked]:
            return lacking
        ticks = self._ticks[pool] = {t * spacing for word in words for t in _bits(word, asked[word])}
        return [_Query(pool, "ticks", tick) for tick in sorted(ticks) if tick not in found.nets[pool]]

    def _bitmaps(self, pool: Pool, found: _Answers) -> dict[int, int]:
        return {word: found.bitmaps[pool][word] for word in self._words[pool]}

    def _ask(self, wanted: Mapping[Pool, list[_Query]], found: _Answers, block: int | None) -> None:
        queries = [query for part in wanted.values() for query in part]
        calls = [call for query in queries for call in query.calls()]
        answers = iter(self.exchange.ask(calls, block=block))
        for query in queries:
            found.put(query, [next(answers) for _ in query.calls()])


class _Query(NamedTuple):
    pool: Pool
    what: str
    at: int = 0

    def calls(self) -> Iterable[tuple[str, bytes]]:
        if self.what == "state":
            return state_queries(self.pool)
        return ((self.pool.address, load()["UniswapV3Pool"].function(self.what).encode((self.at,))),)


class _Answers:
    def __init__(self) -> None:
        self.levels: dict[Pool, Level] = {}
        self.bitmaps: dict[Pool, dict[int, int]] = {}
        self.nets: dict[Pool, dict[int, int]] = {}

    def put(self, query: _Query, answers: list[bytes | Reverted]) -> None:
        for answer in answers:
            if isinstance(answer, Reverted):
                raise answer
        data = [bytes(answer) for answer in answers if not isinstance(answer, Reverted)]
        bitmaps, nets = self.bitmaps.setdefault(query.pool, {}), self.nets.setdefault(query.pool, {})
        if query.what == "state":
            there = slot0(data[0]) if data[0] else (0, 0)  # no answer: no contract
            self.levels[query.pool] = Level(*there, int.from_bytes(data[1], "big"))
        elif query.what == "tickBitmap":
            bitmaps[query.at] = int.from_bytes(data[0], "big")
        else:
            nets[query.at] = load()["UniswapV3Pool"].function("ticks").result(data[0])[1]


def _bits(word: int, bitmap: int) -> Iterable[int]:
    while bitmap:
        yield word * WORD + (bitmap & -bitmap).bit_length() - 1
        bitmap &= bitmap - 1
