"""The words of all accounts as columns, and exact sums over them: what does not depend on prices or time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin.account import DEBT, LENT
from plimsoll.margin.columns import BITMAP, Mirror

WAD = 10**18
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """A row per account, columns header · balances · positions, 32 bytes each."""

    ids: list[bytes]
    pairs: dict[int, list[int]]  # rows by the code of their pair; 0: of no pair
    words: NDArray[np.uint8]  # (accounts, 1 + assets + markets, 32)
    assets: int

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
        return self.shares_high.astype(np.float64) * 2.0**64 + self.shares_low.astype(np.float64)

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

    def shares_exact(self, row: int, asset: int) -> int:
        return _exact(self.shares_high[row : row + 1, asset], self.shares_low[row : row + 1, asset])

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

    # ------------------------------------------------------------ the screen's columns

    @cached_property
    def mirror(self) -> Mirror:
        """All accounts as the screen's columns: every asset and every market of each."""
        rows, assets, markets = len(self.ids), self.assets, self.sizes.shape[1]
        places = np.tile(np.arange(assets), (rows, 1))
        codes = [code for code in self.pairs if code]
        for number, code in enumerate(codes):
            collateral, debt = code >> 6 & 63, code & 63
            places[self.pairs[code], collateral] = BITMAP + 2 * number
            places[self.pairs[code], debt] = BITMAP + 2 * number + 1
        signs = np.array((0.0, 1.0, -1.0))[self.kinds]
        mirror = Mirror()
        mirror.load(
            self.ids,
            {
                "count": np.full(rows, markets),
                "market": np.tile(np.arange(markets), rows),
                "size": self.sizes.astype(np.float64).ravel(),
                "cost": self.costs.ravel(),
                "epoch": _field(self.words[:, 1 + assets :], 10, 12, ">u2").ravel(),
            },
            {
                "count": np.full(rows, assets),
                "asset": places.ravel(),
                "held": self.held.ravel(),
                "shares": (signs * self.shares).ravel(),
            },
            codes,
        )
        return mirror


def _field(words: NDArray[np.uint8], first: int, last: int, kind: str) -> NDArray[Any]:
    """Bytes first…last of each word as native numbers."""
    part = np.ascontiguousarray(words[..., first:last])
    return part.view(kind)[..., 0].astype(np.dtype(kind).newbyteorder("="))


def _exact(high: NDArray[np.int64], low: NDArray[np.uint64]) -> int:
    """Σ high·2^64 + low without rounding, as far as a billion accounts."""
    halves = int((low >> np.uint64(32)).sum()) << 32
    return (int(high.sum()) << 64) + halves + int((low & np.uint64(0xFFFFFFFF)).sum())
