"""The mirror's memory: one row of raw words per account, as the lens gave them, kept current by events.

Words are the truth; the screen's float columns and the exact `Account` are both derived from them. All of it can be
thrown away and read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.keeper.reader import WORD, Words
from plimsoll.margin import screen
from plimsoll.margin.account import DEBT, PAIR, Account, Balance, Header, Position, bits
from plimsoll.margin.columns import BITMAP
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.option_values import PORTFOLIO

TWO_64 = 2.0**64


class Rows:
    """Raw state of all accounts in the order in which they were opened."""

    def __init__(self, asset_mask: int, market_mask: int) -> None:
        self.asset_mask, self.market_mask = asset_mask, market_mask
        assets, markets = list(bits(asset_mask)), list(bits(market_mask))
        self._asset_column = {asset: 2 + place for place, asset in enumerate(assets)}
        self._market_column = {market: 2 + len(assets) + place for place, market in enumerate(markets)}
        self.width = 2 + len(assets) + len(markets)
        self._words: Words = np.zeros((0, self.width, WORD), dtype=np.uint8)
        self._count = 0
        self.row_of: dict[bytes, int] = {}
        self.called: set[int] = set()
        self.clocked: set[int] = set()  # with a running liquidation clock
        self.options: dict[int, dict[int, int]] = {}  # series → quantity of those who have any
        self.optioned: set[int] = set()  # judged by options' models: they have options, or are portfolio accounts
        self.screen = screen.Mirror()
        self._changed: set[int] = set()
        self._epochs: dict[int, int] = {}
        self._screened: dict[int, int] = {}  # the epochs that the screen's columns have met

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id: bytes) -> bool:
        return id in self.row_of

    @property
    def words(self) -> Words:
        return self._words[: self._count]

    # ---------------------------------------------------------------- filling

    def load(self, pages: Iterable[Words]) -> None:
        """Replaces everything by the pages of an enumeration."""
        found = list(pages)
        self._words = np.concatenate(found) if found else self._words[:0]
        self._words = np.array(self._words)  # writable, ours
        self._count = len(self._words)
        ids = [bytes(row) for row in self._words[:, 0]]
        self.row_of = {id: row for row, id in enumerate(ids)}
        deadlines = _uint(self._words[:, 1], 10, 4)  # bits 144…175 of the header
        self.called = set(np.flatnonzero(deadlines).tolist())
        self.clocked = set(np.flatnonzero(_uint(self._words[:, 1], 6, 4)).tolist())  # bits 176…207
        options = _uint(self._words[:, 1], 14, 2)  # bits 128…143
        self.optioned = set(np.flatnonzero((options > 0) | (self._words[:, 0, 20] == PORTFOLIO)).tolist())
        self.options = {}
        self._screened = {}
        self.screen = screen.Mirror()
        self.screen.load(ids, self._perp_columns(), self._asset_columns(), self._pairs())
        self._changed.clear()

    def _append(self, id: bytes) -> int:
        if self._count == len(self._words):
            room = max(1024, 2 * self._count)
            grown = np.zeros((room, self.width, WORD), dtype=np.uint8)
            grown[: self._count] = self._words[: self._count]
            self._words = grown
        row = self._count
        self._words[row] = 0
        self._words[row, 0] = np.frombuffer(id, dtype=np.uint8)
        self.row_of[id] = row
        if id[20] == PORTFOLIO:
            self.optioned.add(row)
        self._count += 1
        self._changed.add(row)
        return row

    # ---------------------------------------------------------------- one account

    def account(self, row: int) -> Account:
        """The exact account of a row."""
        words = self._words[row]
        header = Header.from_word(_int(words[1]))
        return Account(
            id=bytes(words[0]),
            header=header,
            balances={
                asset: Balance.from_word(_int(words[self._asset_column[asset]])) for asset in bits(header.assets)
            },
            positions={
                market: Position.from_word(_int(words[self._market_column[market]])) for market in bits(header.markets)
            },
            options=dict(self.options.get(row, {})),
        )

    def find(self, id: bytes) -> Account | None:
        row = self.row_of.get(id)
        return None if row is None else self.account(row)

    # ---------------------------------------------------------------- events

    def opened(self, id: bytes, number: int) -> bool:
        """False when the number does not follow: an event was missed."""
        row = self.row_of.get(id)
        if row is None:
            if number != self._count:
                return False
            row = self._append(id)
        self._set_header(row, listed=1)
        return row == number

    def held(self, id: bytes, asset: int, held: int) -> bool:
        column, row = self._asset_column.get(asset), self._row(id)
        if column is None:
            return False
        old = Balance.from_word(_int(self._words[row, column]))
        self._put(row, column, replace(old, held=held).to_word())
        self._set_bit(row, "assets", asset, held != 0 or old.shares != 0)
        return True

    def shares(self, id: bytes, asset: int, kind: int, shares: int) -> bool:
        """What is lent or owed, in shares of `kind`."""
        column, row = self._asset_column.get(asset), self._row(id)
        if column is None:
            return False
        old = Balance.from_word(_int(self._words[row, column]))
        new = replace(old, shares=shares, kind=kind if shares else 0)
        self._put(row, column, new.to_word())
        self._set_bit(row, "assets", asset, new != Balance())
        more = (new.kind == DEBT) - (old.kind == DEBT)
        if more:
            debts = Header.from_word(_int(self._words[row, 1])).debts + more
            if debts < 0:
                return False
            self._set_header(row, debts=debts)
        return True

    def position(self, id: bytes, market: int, size: int, cost: int) -> bool:
        column, row = self._market_column.get(market), self._row(id)
        if column is None:
            return False
        epoch = self._epochs.get(market, 0)
        new = Position(size, cost, epoch) if size or cost else Position()
        self._put(row, column, new.to_word())
        self._set_bit(row, "markets", market, bool(size or cost))
        return True

    def option(self, id: bytes, instrument: int, quantity: int) -> bool:
        row = self._row(id)
        series = self.options.setdefault(row, {})
        series.pop(instrument, None)
        if quantity:
            series[instrument] = quantity
        self._set_header(row, options=len(series))
        if series or id[20] == PORTFOLIO:
            self.optioned.add(row)
        else:
            del self.options[row]
            self.optioned.discard(row)
        return True

    def epoch(self, market: int, number: int) -> bool:
        """A position that is written is of its market's last epoch."""
        self._epochs[market] = number
        return True

    def deadline(self, id: bytes, deadline: int) -> bool:
        row = self._row(id)
        self._set_header(row, call_deadline=deadline)
        (self.called.add if deadline else self.called.discard)(row)
        return True

    def clock(self, id: bytes, started: int) -> bool:
        row = self._row(id)
        self._set_header(row, clock_start=started)
        (self.clocked.add if started else self.clocked.discard)(row)
        return True

    def _row(self, id: bytes) -> int:
        """An account's first balance or position is told before its opening: it is appended when first heard of."""
        row = self.row_of.get(id)
        return self._append(id) if row is None else row

    def _set_bit(self, row: int, name: str, bit: int, on: bool) -> None:
        bitmap = getattr(Header.from_word(_int(self._words[row, 1])), name)
        self._set_header(row, **{name: bitmap | 1 << bit if on else bitmap & ~(1 << bit)})

    def _set_header(self, row: int, **changes: int) -> None:
        header = Header.from_word(_int(self._words[row, 1]))
        self._put(row, 1, replace(header, **changes).to_word())

    def _put(self, row: int, column: int, word: int) -> None:
        self._words[row, column] = np.frombuffer(word.to_bytes(WORD, "big"), dtype=np.uint8)
        self._changed.add(row)

    # ---------------------------------------------------------------- the screen's columns

    def scores(self, snapshot: Any) -> screen.Scores:
        """Scores of all rows; only what changed since the last time is converted again."""
        for number, market in snapshot.markets.items():
            if self._screened.get(number, 0) != market.state.epoch:
                self._screened[number] = market.state.epoch
                held = _uint(self.words[:, 1], 16, 8) >> np.uint64(number) & np.uint64(1)
                self._changed.update(np.flatnonzero(held).tolist())
        for row in sorted(self._changed):
            self.screen.put(self.account(row), snapshot)
        self._changed.clear()
        return screen.score(self.screen, snapshot)

    def _perp_columns(self) -> dict[str, NDArray[Any]]:
        place, market, words = self._entries(_uint(self.words[:, 1], 16, 8), self._market_column)
        cost = _float(_int32(words, 12), _uint(words, 16, 8)) / WAD  # 96 bits, signed
        size = words[:, 24:32].copy().view(">i8")[:, 0].astype(np.float64)
        return {"count": place, "market": market, "size": size, "cost": cost, "epoch": _uint(words, 10, 2)}

    def _asset_columns(self) -> dict[str, NDArray[Any]]:
        count, asset, words = self._entries(_uint(self.words[:, 1], 24, 8), self._asset_column)
        held = _float(words[:, 16:24].copy().view(">i8")[:, 0], _uint(words, 24, 8))
        high = _uint(words, 0, 8) & np.uint64(2**56 - 1)  # shares: 120 bits under the kind
        shares = _float(high, _uint(words, 8, 8)) * np.where(words[:, 0] == DEBT, -1.0, 1.0)
        return {"count": count, "asset": self._places(count, asset), "held": held, "shares": shares}

    def _places(self, count: NDArray[np.int64], asset: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Where the screen's table has each balance: accounts of a pair have places of their own."""
        market = _uint(self.words[:, 0], 21, 2)
        pair = np.where((self.words[:, 0, 20] == 1) & (market & np.uint64(PAIR) != 0), market, np.uint64(0))
        per_entry, places = np.repeat(pair, count), asset.astype(np.uint16)
        for number, code in enumerate(self._pairs()):
            own, first = per_entry == code, BITMAP + 2 * number
            places[own & (asset == (code >> 6 & 63))] = first
            places[own & (asset == (code & 63))] = first + 1
        return places

    def _pairs(self) -> list[int]:
        """The codes of the pairs that accounts are bound to."""
        market = _uint(self.words[:, 0], 21, 2)
        return sorted({int(code) for code in np.unique(market[self.words[:, 0, 20] == 1]) if int(code) & PAIR})

    def _entries(
        self, bitmaps: NDArray[np.uint64], columns: dict[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8], Words]:
        """(entries per row, their numbers, their words) for the set bits, row by row."""
        numbers = np.array(sorted(columns), dtype=np.uint64)
        present = (bitmaps[:, None] >> numbers[None, :] & np.uint64(1)).astype(bool)
        rows, places = np.nonzero(present)
        order = np.array([columns[int(number)] for number in numbers], dtype=np.int64)
        counts = present.sum(axis=1).astype(np.int64)
        return counts, numbers[places].astype(np.uint8), self.words[rows, order[places]]


def _int(word: Words) -> int:
    return int.from_bytes(word.tobytes(), "big")


def _float(high: NDArray[Any], low: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A number of which `high` is all above the lowest 64 bits."""
    return high.astype(np.float64) * TWO_64 + low.astype(np.float64)


def _uint(words: Words, first: int, length: int) -> NDArray[np.uint64]:
    """Bytes `first`… of each word as an unsigned number."""
    return words[:, first : first + length].copy().view(f">u{length}")[:, 0].astype(np.uint64)


def _int32(words: Words, first: int) -> NDArray[np.int64]:
    return words[:, first : first + 4].copy().view(">i4")[:, 0].astype(np.int64)
