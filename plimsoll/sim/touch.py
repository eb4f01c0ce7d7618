"""Positions that have missed an epoch of their side, as they will be when they are next touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from plimsoll.margin.account import Snapshot
from plimsoll.margin.words import Position
from plimsoll.sim.table import Table

EPOCH, SIZE = slice(10, 12), slice(24, 32)  # of a position's 32 bytes


def touched(table: Table, snapshot: Snapshot) -> tuple[Table, dict[int, int]]:
    """The table with every late position carried to its market's epoch, and how many were late and open, by market."""
    late: dict[int, int] = {}
    words, first = table.words, 1 + table.assets
    for market, found in snapshot.markets.items():
        now: Any = found.state.epoch
        if not now:
            continue
        column = words[:, first + market]
        epochs = column[:, EPOCH].astype(np.int64) @ np.array([256, 1])
        rows = np.flatnonzero((epochs != now) & column.any(axis=1))
        if not rows.size:
            continue
        late[market] = int(column[rows, SIZE].any(axis=1).sum())
        words = words.copy()
        for row in rows.tolist():
            position = Position.from_word(int.from_bytes(words[row, first + market].tobytes(), "big"))
            word = snapshot.touched(position, market).to_word().to_bytes(32, "big")
            words[row, first + market] = np.frombuffer(word, np.uint8)
    return (table if words is table.words else replace(table, words=words)), late
