"""One market's positions and side epochs, from its events alone. Twin of contracts/EpochLedger.sol.

    book = EpochBook()
    book.changed(account, size, cost)                          # PositionChanged
    book.charged(number, long, amount, net, mark)              # SideCharged
    book.shrunk(number, long, from_, to, mark)                 # SideShrunk
    book.position(account), book.sums()                        # as they stand now; the market's sums, to the wei

A position that its side's last epoch has not met yet is kept as it was written; `position` carries it there.
"""

from __future__ import annotations

from dataclasses import replace

from plimsoll.margin import epoch_math
from plimsoll.margin.epoch_math import COST_BITS, SIZE_BITS, Epoch, Share, latest, whole_cost, whole_size
from plimsoll.margin.words import Position

NOTHING = Share(0, 0)


class EpochBook:
    def __init__(self) -> None:
        self.epochs: dict[int, Epoch] = {}
        self.stored: dict[bytes, Position] = {}
        self.untouched = {True: NOTHING, False: NOTHING}

    @property
    def now(self) -> int:
        """The market's last epoch."""
        return len(self.epochs)

    def position(self, account: bytes) -> tuple[int, int]:
        """(size, cost) as a touch would write them."""
        p = self.stored.get(account, Position())
        return epoch_math.touched(self.epochs, p.size, p.cost, p.epoch, self.now)

    def flat_cost(self) -> int:
        """Of positions of size zero: they take no part in epochs."""
        return sum(p.cost for p in self.stored.values() if p.size == 0)

    def sums(self) -> tuple[int, int, int, int]:
        """longSize, shortSize, longCost, shortCost."""
        long, short = self._touched(True), self._touched(False)
        for side, part in ((long, self.untouched[True]), (short, self.untouched[False])):
            side[0] += whole_size(part.size)
            side[1] += whole_cost(part.cost)
        return long[0], short[0], long[1] + self.flat_cost(), short[1]

    # ---------------------------------------------------------------- events

    def changed(self, account: bytes, size: int, cost: int) -> None:
        """A position was written: if it was stale, as the touch that this was."""
        p = self.stored.get(account, Position())
        if self._is_stale(p):
            long = p.size > 0
            first, last = latest(self.epochs, p.epoch, long), latest(self.epochs, self.now, long)
            part = epoch_math.carry(self.epochs, Share.of(p.size, p.cost), first, last)
            left = self.untouched[long]
            self.untouched[long] = Share(max(left.size - part.size, 0), left.cost - part.cost)
        if size or cost:
            self.stored[account] = Position(size, cost, self.now)
        else:
            self.stored.pop(account, None)

    def charged(self, number: int, long: bool, amount: int, net: int, mark: int) -> None:
        record, everything, _ = self._next(long)
        self.untouched[long] = Share(everything.size, everything.cost + (amount << COST_BITS))
        self.epochs[number] = epoch_math.charge(record, mark, amount, net)

    def shrunk(self, number: int, long: bool, from_: int, to: int, mark: int) -> None:
        record, everything, last = self._next(long)
        record, kept, base = epoch_math.shrink(record, mark, to, from_, last)
        left = everything.size * kept // base
        closed = (everything.size - left) * (mark if long else -mark)
        self.untouched[long] = Share(left, everything.cost - (closed >> SIZE_BITS - COST_BITS))
        self.epochs[number] = record

    # ---------------------------------------------------------------- sides

    def _next(self, long: bool) -> tuple[Epoch, Share, int]:
        """What the side's next epoch continues, the exact sum of its open positions, and its last epoch."""
        last = latest(self.epochs, self.now, long)
        before = self.epochs[last] if last else Epoch()
        other = latest(self.epochs, self.now, not long)
        size, cost = self._touched(long)
        part = self.untouched[long]
        everything = Share((size << SIZE_BITS) + part.size, (cost << COST_BITS) + part.cost)
        return replace(before, long=long, other=other), everything, last

    def _touched(self, long: bool) -> list[int]:
        """Size and cost of the side's open positions that have met its last epoch."""
        own = [p for p in self.stored.values() if p.size and (p.size > 0) == long and not self._is_stale(p)]
        return [sum(abs(p.size) for p in own), sum(p.cost for p in own)]

    def _is_stale(self, p: Position) -> bool:
        long = p.size > 0
        return p.size != 0 and latest(self.epochs, p.epoch, long) != latest(self.epochs, self.now, long)
