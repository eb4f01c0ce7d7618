"""All accounts of a chain after one block, as one matrix of words, and exact sums over it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin.account import (
    DEBT,
    LENT,
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
from plimsoll.margin.screen import Scores
from plimsoll.margin.volatility_math import ONE, multipliers
from plimsoll.margin.words import Balance, Debts, Header, Lending, Position, Totals
from plimsoll.sim.score import score

WAD = 10**18
INDEX_ONE = 10**12
LATE_WEI = 4
#: Properties that only the words decide.
OF_WORDS = (
    "held_high",
    "held_low",
    "held",
    "kinds",
    "shares_high",
    "shares_low",
    "shares",
    "sizes",
    "cost_high",
    "cost_low",
    "costs",
    "deadlines",
    "clocks",
    "sums",
)


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

    ids: list[bytes]
    row_of: dict[bytes, int]
    pairs: dict[int, list[int]]  # rows by the code of their pair; 0: of no pair
    words: NDArray[np.uint8]  # (accounts, 1 + assets + markets, 32)
    assets: int
    snapshot: Snapshot
    custody: tuple[Custody, ...]
    late: dict[int, int]  # positions that had missed an epoch, by market
    pool_equity: int
    close_out: int

    def inherit(self, page: Page) -> Page:
        """Takes over what an earlier page of the same words has worked out of them alone."""
        if self.words is page.words:
            self.__dict__.update({name: page.__dict__[name] for name in OF_WORDS if name in page.__dict__})
        return self

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
    def held_high(self) -> NDArray[np.int64]:
        return _field(self.words[:, 1 : 1 + self.assets], 16, 24, ">i8")

    @cached_property
    def held_low(self) -> NDArray[np.uint64]:
        return _field(self.words[:, 1 : 1 + self.assets], 24, 32, ">u8")

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        return _field(self.words[:, 1 : 1 + self.assets], 0, 1, "u1").astype(np.int64)

    @cached_property
    def shares_high(self) -> NDArray[np.int64]:
        """Bits 64 to 119."""
        return _field(self.words[:, 1 : 1 + self.assets], 0, 8, ">i8") & 0xFFFFFFFFFFFFFF

    @cached_property
    def shares_low(self) -> NDArray[np.uint64]:
        return _field(self.words[:, 1 : 1 + self.assets], 8, 16, ">u8")

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        return (self.shares_high * 2.0**64 + self.shares_low.astype(np.float64)) / INDEX_ONE

    @cached_property
    def loans(self) -> NDArray[np.float64]:
        """What is lent less what is owed, token units; accounts by assets."""
        shares = self.shares
        found = np.zeros_like(shares)
        for asset, lending in self.snapshot.lending.items():
            debt, lent = indices(lending, self.snapshot.time)
            factor = np.array((0.0, lent, -debt))
            found[:, asset] = shares[:, asset] * factor[self.kinds[:, asset]]
        return found

    def net(self, asset: int) -> NDArray[np.float64]:
        """Held and lent less owed, token units, rounded once each."""
        return self.held[:, asset] + self.loans[:, asset]

    def gross(self, asset: int) -> NDArray[np.float64]:
        return np.abs(self.held[:, asset]) + np.abs(self.loans[:, asset])

    def owed(self, row: int, asset: int) -> int:
        """Token units, exactly, up."""
        if self.kinds[row, asset] != DEBT:
            return 0
        debt, _ = indices(self.snapshot.lending[asset], self.snapshot.time)
        return amount_up(self.shares_exact(row, asset), debt)

    def shares_exact(self, row: int, asset: int) -> int:
        return _exact(self.shares_high[row : row + 1, asset], self.shares_low[row : row + 1, asset])

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

    @cached_property
    def sums(self) -> tuple[list[dict[str, int]], list[dict[bool, tuple[int, int]]]]:
        """Of each asset what accounts hold, have lent and owe (shares); of each market size and cost, short and not."""
        assets = []
        for a in range(self.assets):
            held = _exact(self.held_high[:, a], self.held_low[:, a])
            assets.append({"held": held, "lent": self._shares_of(a, LENT), "owed": self._shares_of(a, DEBT)})
        markets = []
        for m in range(self.sizes.shape[1]):
            sides = {short: (self.sizes[:, m] < 0) == short for short in (False, True)}
            markets.append(
                {
                    short: (int(self.sizes[rows, m].sum()), _exact(self.cost_high[rows, m], self.cost_low[rows, m]))
                    for short, rows in sides.items()
                }
            )
        return assets, markets

    def _shares_of(self, asset: int, kind: int) -> int:
        rows = self.kinds[:, asset] == kind
        return _exact(self.shares_high[rows, asset], self.shares_low[rows, asset])

    def conservation_error(self) -> int:
        """Quote WAD: I-1 and I-4 per asset at its price, I-2 and I-3 per market. Zero, or something is broken."""
        error = 0
        for asset, (custody, sums) in enumerate(zip(self.custody, self.sums[0], strict=True)):
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
            theirs, spent = self.sums[1][number][short]
            error += max(0, abs(theirs * mark - spent + cost - size * mark) - slack)
        return error

    # ------------------------------------------------------------ scores

    @cached_property
    def scores(self) -> Scores:
        """Every account at the prices a target is judged by."""
        return score(self)


def _field(words: NDArray[np.uint8], first: int, last: int, kind: str) -> NDArray[Any]:
    """Bytes first…last of each word as native numbers."""
    part = np.ascontiguousarray(words[..., first:last])
    return part.view(kind)[..., 0].astype(np.dtype(kind).newbyteorder("="))


def _exact(high: NDArray[np.int64], low: NDArray[np.uint64]) -> int:
    """Σ high·2^64 + low without rounding, as far as a billion accounts."""
    halves = int((low >> np.uint64(32)).sum()) << 32
    return (int(high.sum()) << 64) + halves + int((low & np.uint64(0xFFFFFFFF)).sum())
