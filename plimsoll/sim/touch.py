"""Positions that have missed an epoch of their side, as they will be when they are next touched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin.account import Snapshot
from plimsoll.margin.words import Position

Words = NDArray[np.uint8]
EPOCH = slice(10, 12)  # of a position's 32 bytes


def touched(words: Words, first: int, snapshot: Snapshot) -> tuple[Words, dict[int, int]]:
    """The words with every late position carried to its market's epoch, and how many were late, by market.

    `first`: the column of market 0. The words that came in are not changed.
    """
    late: dict[int, int] = {}
    for market, found in snapshot.markets.items():
        now: Any = found.state.epoch
        if not now:
            continue
        column = words[:, first + market]
        epochs = column[:, EPOCH].astype(np.int64) @ np.array([256, 1])
        rows = np.flatnonzero((epochs != now) & column[:, 24:32].any(axis=1))
        if not rows.size:
            continue
        late[market] = len(rows)
        words = words.copy()
        for row in rows.tolist():
            position = Position.from_word(int.from_bytes(words[row, first + market].tobytes(), "big"))
            word = snapshot.touched(position, market).to_word().to_bytes(32, "big")
            words[row, first + market] = np.frombuffer(word, np.uint8)
    return words, late
