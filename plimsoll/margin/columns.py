"""Accounts as columns of floats, for the screen: one row each, and only what changed is written again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin.account import DEBT, Account, Balance, Snapshot, bits, pair_of
from plimsoll.margin.fixed_math import WAD

BITMAP = 64  # markets and assets are bits of a 64-bit word


class Slab:
    """Rows of varying length in shared columns; a row that outgrows its place moves to the end, with room to spare."""

    def __init__(self, columns: dict[str, Any], rows: int = 0, entries: int = 0):
        self.columns = {name: np.zeros(entries, dtype=kind) for name, kind in columns.items()}
        self.start = np.zeros(rows, dtype=np.int64)
        self.count = np.zeros(rows, dtype=np.int32)
        self.room = np.zeros(rows, dtype=np.int32)
        self.used = 0

    def grow(self, rows: int) -> None:
        if rows > len(self.start):
            size = max(rows, 2 * len(self.start), 1024)
            for name in ("start", "count", "room"):
                setattr(self, name, _resized(getattr(self, name), size))

    def put(self, row: int, values: dict[str, list[Any]]) -> None:
        length = len(next(iter(values.values())))
        if length > self.room[row]:
            self._move(row, length + length // 2 + 1)
        start = self.start[row]
        for name, entries in values.items():
            self.columns[name][start : start + length] = entries
        self.count[row] = length

    def _move(self, row: int, room: int) -> None:
        end = self.used + room
        capacity = len(next(iter(self.columns.values())))
        if end > capacity:
            for name, column in self.columns.items():
                self.columns[name] = _resized(column, max(end, 2 * capacity, 4096))
        self.start[row], self.room[row], self.used = self.used, room, end


class Mirror:
    """Accounts as columns. `asset` is an asset's number; for an account of a pair a place beyond those (`pairs`: the
    collateral's by the pair's code, the debt's after it). `shares` are lent, or below zero owed."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.row_of: dict[bytes, int] = {}
        self.perps = Slab({"market": np.uint8, "size": np.float64, "cost": np.float64, "epoch": np.uint16})
        self.assets = Slab({"asset": np.uint16, "held": np.float64, "shares": np.float64})
        self.pairs: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def put(self, account: Account, snapshot: Snapshot | None = None) -> int:
        """Adds an account or replaces what is known of it; returns its row. With a snapshot its positions are taken
        through the epochs that they have not met; without, the screen asks for such an account to be looked at."""
        row = self.row_of.get(account.id)
        if row is None:
            row = self._append(account.id)
        markets = list(bits(account.header.markets))
        positions = [account.positions[market] for market in markets]
        if snapshot is not None:
            positions = [snapshot.touched(held, market) for held, market in zip(positions, markets, strict=True)]
        self.perps.put(
            row,
            {
                "market": markets,
                "size": [float(position.size) for position in positions],
                "cost": [position.cost / WAD for position in positions],
                "epoch": [position.epoch for position in positions],
            },
        )
        assets = list(bits(account.header.assets))
        balances = [account.balances[asset] for asset in assets]
        self.assets.put(
            row,
            {
                "asset": self._places(account, assets),
                "held": [float(balance.held) for balance in balances],
                "shares": [_signed_shares(balance) for balance in balances],
            },
        )
        return row

    def _places(self, account: Account, assets: list[int]) -> list[int]:
        pair = pair_of(account.id)
        if not pair:
            return assets
        place = self.pairs.setdefault(pair, BITMAP + 2 * len(self.pairs))
        own = {pair >> 6 & 63: place, pair & 63: place + 1}
        return [own.get(asset, asset) for asset in assets]

    def put_all(self, accounts: Iterable[Account], snapshot: Snapshot | None = None) -> None:
        for account in accounts:
            self.put(account, snapshot)

    def load(
        self,
        ids: list[bytes],
        perps: dict[str, NDArray[Any]],
        assets: dict[str, NDArray[Any]],
        pairs: Iterable[int] = (),
    ) -> None:
        """Replaces everything by columns in row order, with `count`; units: 1e-8 (size), quote (cost), token units. A
        column that is not given is zero; `pairs` are the codes that places beyond the assets belong to, in order."""
        self.pairs = {pair: BITMAP + 2 * place for place, pair in enumerate(pairs)}
        self.ids = ids
        self.row_of = {id: row for row, id in enumerate(ids)}
        for slab, columns in ((self.perps, perps), (self.assets, assets)):
            counts = columns["count"].astype(np.int32)
            slab.count, slab.room = counts, counts.copy()
            slab.start = np.concatenate(([0], np.cumsum(counts[:-1], dtype=np.int64)))
            slab.used = int(counts.sum())
            for name in slab.columns:
                given = columns.get(name, np.zeros(slab.used))
                slab.columns[name] = np.ascontiguousarray(given, dtype=slab.columns[name].dtype)

    def _append(self, id: bytes) -> int:
        row = len(self.ids)
        self.ids.append(id)
        self.row_of[id] = row
        self.perps.grow(row + 1)
        self.assets.grow(row + 1)
        return row


def _signed_shares(balance: Balance) -> float:
    return float(-balance.shares if balance.kind == DEBT else balance.shares)


def _resized(column: NDArray[Any], size: int) -> NDArray[Any]:
    out = np.zeros(size, dtype=column.dtype)
    out[: len(column)] = column
    return out
