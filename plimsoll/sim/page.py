"""All accounts of a chain after one block, as one matrix of words, and exact sums over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import get_num_threads, set_num_threads
from numpy.typing import NDArray

from plimsoll.margin.account import Account, Assessment, PriceUse, Snapshot, assess, bits
from plimsoll.margin.preview import quote_unit
from plimsoll.margin.screen import Mirror, Scores, score
from plimsoll.margin.words import Balance, Header, Position, Totals

WAD = 10**18


@dataclass(frozen=True)
class Page:
    """The chain after one block: a row per account, columns header · balances · positions, 32 bytes each."""

    ids: list[bytes]
    row_of: dict[bytes, int]
    words: NDArray[np.uint8]  # (accounts, 1 + assets + markets, 32)
    assets: int
    snapshot: Snapshot
    totals: tuple[Totals, ...]
    tokens: tuple[int, ...]
    pool_equity: int
    close_out: int

    def account(self, row: int) -> Account:
        """One account, decoded exactly."""
        words = [int.from_bytes(word.tobytes(), "big") for word in self.words[row]]
        header = Header.from_word(words[0])
        return Account(
            self.ids[row],
            header,
            {a: Balance.from_word(words[1 + a]) for a in bits(header.assets)},
            {m: Position.from_word(words[1 + self.assets + m]) for m in bits(header.markets)},
        )

    def assess(self, row: int) -> Assessment:
        """An account's exact numbers, at the prices a target is judged by."""
        return assess(self.account(row), self.snapshot, PriceUse.TARGET)

    @property
    def quote_unit(self) -> int:
        """WAD per token unit of the quote asset."""
        return quote_unit(self.snapshot)

    def multiplier(self, market: int) -> float:
        """What volatility multiplies a market's initial margin by."""
        return 1.0

    def leverage(self) -> list[float]:
        """The most leverage that each market gives now, in its first tier."""
        markets = self.snapshot.markets
        return [10_000 / (markets[m].risk.im_rate1 * self.multiplier(m)) for m in sorted(markets)]

    def open_interest(self) -> int:
        """Quote WAD of long and short together."""
        markets = self.snapshot.markets.values()
        return sum(market.state.open_interest * self.snapshot.price(market.risk.feed).value for market in markets)

    # ------------------------------------------------------------ columns

    @cached_property
    def held_high(self) -> NDArray[np.int64]:
        return _field(self.words[:, 1 : 1 + self.assets], 16, 24, ">i8")

    @cached_property
    def held_low(self) -> NDArray[np.uint64]:
        return _field(self.words[:, 1 : 1 + self.assets], 24, 32, ">u8")

    @cached_property
    def held(self) -> NDArray[np.float64]:
        """Token units, rounded once; accounts by assets."""
        return self.held_high.astype(np.float64) * 2.0**64 + self.held_low.astype(np.float64)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """1e-8 of a unit; accounts by markets."""
        return _field(self.words[:, 1 + self.assets :], 24, 32, ">i8")

    @cached_property
    def cost_high(self) -> NDArray[np.int64]:
        return _field(self.words[:, 1 + self.assets :], 12, 16, ">i4").astype(np.int64)

    @cached_property
    def cost_low(self) -> NDArray[np.uint64]:
        return _field(self.words[:, 1 + self.assets :], 16, 24, ">u8")

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """Quote, rounded once."""
        return (self.cost_high.astype(np.float64) * 2.0**64 + self.cost_low.astype(np.float64)) / WAD

    @cached_property
    def deadlines(self) -> NDArray[np.int64]:
        return _field(self.words[:, :1], 10, 14, ">u4").astype(np.int64)[:, 0]

    @cached_property
    def clocks(self) -> NDArray[np.int64]:
        return _field(self.words[:, :1], 6, 10, ">u4").astype(np.int64)[:, 0]

    # ------------------------------------------------------------ exact sums

    def held_exact(self, row: int, asset: int = 0) -> int:
        return _exact(self.held_high[row : row + 1, asset], self.held_low[row : row + 1, asset])

    def sum_held(self, asset: int) -> int:
        return _exact(self.held_high[:, asset], self.held_low[:, asset])

    def sum_cost(self, market: int, side: NDArray[np.bool_]) -> int:
        return _exact(self.cost_high[side, market], self.cost_low[side, market])

    def conservation_error(self) -> int:
        """Quote WAD: I-1 per asset at its price, I-2 and I-3 per market. Zero, or something is broken."""
        error = 0
        for asset, (totals, tokens) in enumerate(zip(self.totals, self.tokens, strict=True)):
            units = abs(self.sum_held(asset) + totals.lent_shares - tokens) + abs(self.sum_held(asset) - totals.held)
            params = self.snapshot.assets[asset]
            price = self.snapshot.price(params.feed if asset else 0).value
            error += units * price * 10 ** (8 - params.decimals + 18) // 10**18 if units else 0
        return error + sum(self._market_error(number) for number in self.snapshot.markets)

    def _market_error(self, number: int) -> int:
        """Σ PnL of all accounts + PnL of the pool, long and short apart, plus sizes that do not add up."""
        market = self.snapshot.markets[number]
        sizes = self.sizes[:, number]
        price = self.snapshot.price(market.risk.feed).value - market.state.funding_index
        short = sizes < 0
        error = 0
        for side, size, cost in (
            (~short, market.state.long_size, market.costs.long_cost),
            (short, -market.state.short_size, market.costs.short_cost),
        ):
            accounts = int(sizes[side].sum()) * price - self.sum_cost(number, side)
            pool = cost - size * price
            error += abs(accounts + pool)
        return error

    # ------------------------------------------------------------ scores

    @cached_property
    def scores(self) -> Scores:
        """Every account at the prices a target is judged by."""
        mirror = Mirror()
        rows, assets, markets = len(self.ids), self.assets, self.sizes.shape[1]
        mirror.load(
            self.ids,
            {
                "count": np.full(rows, markets),
                "market": np.tile(np.arange(markets, dtype=np.uint8), rows),
                "size": self.sizes.astype(np.float64).ravel(),
                "cost": self.costs.ravel(),
            },
            {
                "count": np.full(rows, assets),
                "asset": np.tile(np.arange(assets, dtype=np.uint8), rows),
                "held": self.held.ravel(),
            },
        )
        with _one_thread():
            return score(mirror, self.snapshot)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A few hundred rows take microseconds; waking other threads for them takes milliseconds on a busy machine."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)


def _field(words: NDArray[np.uint8], first: int, last: int, kind: str) -> NDArray[Any]:
    """Bytes first…last of each word as native numbers."""
    part = np.ascontiguousarray(words[..., first:last])
    return part.view(kind)[..., 0].astype(np.dtype(kind).newbyteorder("="))


def _exact(high: NDArray[np.int64], low: NDArray[np.uint64]) -> int:
    """Σ high·2^64 + low without rounding, as far as a billion accounts."""
    halves = int((low >> np.uint64(32)).sum()) << 32
    return (int(high.sum()) << 64) + halves + int((low & np.uint64(0xFFFFFFFF)).sum())
