"""All accounts of a chain after one block, as one matrix of words, and exact sums over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import get_num_threads, set_num_threads
from numpy.typing import NDArray

from plimsoll.margin.account import (
    DEBT,
    Account,
    Assessment,
    PriceUse,
    Snapshot,
    assess,
    bits,
    indices,
)
from plimsoll.margin.interest_math import amount_up
from plimsoll.margin.preview import quote_unit
from plimsoll.margin.screen import Scores, score
from plimsoll.margin.volatility_math import ONE, multipliers
from plimsoll.margin.words import Balance, Debts, Header, Lending, Position, Totals
from plimsoll.sim.table import Table

WAD = 10**18
INDEX_ONE = 10**12
LATE_WEI = 4


@dataclass(frozen=True)
class Custody:
    """One asset's totals, and what its vault has: tokens, those that wait in its queue, and its own lenders' shares."""

    totals: Totals
    debts: Debts
    lending: Lending
    tokens: int
    queued: int
    outside: int

    @property
    def excess(self) -> int:
        """held + lent − owed + reserve + queued − tokens, 1e-12 token units; above zero there is too little."""
        lending = self.lending
        claims = self.totals.lent_shares * lending.lent_index - self.debts.shares * lending.debt_index
        return claims + (self.totals.held + self.debts.reserve + self.queued - self.tokens) * INDEX_ONE


@dataclass(frozen=True)
class Page:
    """The chain after one block: a row per account, columns header · balances · positions, 32 bytes each."""

    row_of: dict[bytes, int]
    table: Table
    snapshot: Snapshot
    custody: tuple[Custody, ...]
    late: dict[int, int]  # positions that had missed an epoch, by market
    pool_equity: int
    close_out: int

    @property
    def ids(self) -> list[bytes]:
        return self.table.ids

    @property
    def assets(self) -> int:
        return self.table.assets

    def account(self, row: int) -> Account:
        """One account, decoded exactly."""
        words = [int.from_bytes(word.tobytes(), "big") for word in self.table.words[row]]
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

    def multiplier(self, feed: int) -> float:
        """What volatility multiplies initial margins by."""
        return multipliers(self.snapshot.price(feed).to_word(), self.snapshot.time)[0] / ONE

    def leverage(self) -> list[float]:
        """The most leverage that each market gives now, in its first tier."""
        markets = self.snapshot.markets
        rates = [markets[m].risk.im_rate1 * self.multiplier(markets[m].risk.feed) for m in sorted(markets)]
        return [10_000 / rate for rate in rates]

    def open_interest(self) -> int:
        """Quote WAD of long and short together."""
        markets = self.snapshot.markets.values()
        return sum(market.state.open_interest * self.snapshot.price(market.risk.feed).value for market in markets)

    # ------------------------------------------------------------ columns

    @cached_property
    def loans(self) -> NDArray[np.float64]:
        """What is lent less what is owed, token units; accounts by assets."""
        shares = self.table.shares / INDEX_ONE
        found = np.zeros_like(shares)
        for asset, lending in self.snapshot.lending.items():
            debt, lent = indices(lending, self.snapshot.time)
            factor = np.array((0.0, lent, -debt))
            found[:, asset] = shares[:, asset] * factor[self.table.kinds[:, asset]]
        return found

    def net(self, asset: int) -> NDArray[np.float64]:
        """Held and lent less owed, token units, rounded once each."""
        return self.table.held[:, asset] + self.loans[:, asset]

    def owed(self, row: int, asset: int) -> int:
        """Token units, exactly, up."""
        if self.table.kinds[row, asset] != DEBT:
            return 0
        debt, _ = indices(self.snapshot.lending[asset], self.snapshot.time)
        return amount_up(self.table.shares_exact(row, asset), debt)

    # ------------------------------------------------------------ exact sums

    def conservation_error(self) -> int:
        """Quote WAD: I-1 and I-4 per asset at its price, I-2 and I-3 per market. Zero, or something is broken."""
        error = 0
        for asset, (custody, sums) in enumerate(zip(self.custody, self.table.sums[0], strict=True)):
            units = abs(sums["held"] - custody.totals.held) + max(0, -(-custody.excess // INDEX_ONE))
            units += abs(sums["lent"] + custody.outside - custody.totals.lent_shares)
            units += abs(sums["owed"] - custody.debts.shares)
            error += self.value(asset, units)
        return error + sum(self._market_error(number) for number in self.snapshot.markets)

    def rounding(self) -> int:
        """Quote WAD that is nobody's: what rounding against everybody has left in the vaults."""
        return sum(self.value(a, max(0, -custody.excess) // INDEX_ONE) for a, custody in enumerate(self.custody))

    def value(self, asset: int, units: int) -> int:
        """Quote WAD, at the asset's price."""
        params = self.snapshot.assets[asset]
        return units * self.snapshot.price(params.feed).value * 10 ** (8 - params.decimals + 18) // 10**18

    def _market_error(self, number: int) -> int:
        """Σ PnL of all accounts + PnL of the pool, long and short apart.

        A position that is late counts as it will be written: up to a unit of its size is rounded away by then.
        """
        market = self.snapshot.markets[number]
        price = self.snapshot.price_in(market).value
        mark = price - market.state.funding_index
        error, slack = 0, self.late.get(number, 0) * (price + LATE_WEI)
        for short, size, cost in (
            (False, market.state.long_size, market.costs.long_cost),
            (True, -market.state.short_size, market.costs.short_cost),
        ):
            theirs, spent = self.table.sums[1][number][short]
            error += max(0, abs(theirs * mark - spent + cost - size * mark) - slack)
        return error

    # ------------------------------------------------------------ scores

    @cached_property
    def scores(self) -> Scores:
        """Every account at the prices a target is judged by."""
        with _one_thread():
            return score(self.table.mirror, self.snapshot)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A few hundred rows take microseconds; waking other threads for them takes milliseconds on a busy machine."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)
