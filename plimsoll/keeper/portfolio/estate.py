"""The keeper's portfolio account as a plan would leave it: a Book, the options beside it, what its model says. Pure.

    estate = Estate.of(planner.book(portfolio), view.account(portfolio))
    estate.take(finding, slice)          a slice with its options comes in and is paid for
    estate.trade(market, size)           a perp against the pool
    estate.assess(use)                   equity and requirements, to the wei

Twin of LiquidationLogic.liquidate with OptionBook.moveAll. Integers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from plimsoll.keeper.book import Book, Trade
from plimsoll.margin import account as accounts
from plimsoll.margin import preview
from plimsoll.margin.account import DEBT, LENT, QUOTE, Account, Assessment, Balance, Position, PriceUse, Snapshot
from plimsoll.margin.fixed_math import BPS, WAD

DUST = 10  # OptionBook.DUST


class Taken(NamedTuple):
    """What a slice brings at the marks, and what of it insurance pays, WAD."""

    gain: int
    insurance: int


@dataclass(slots=True)
class Estate:
    """`clone` before trying something."""

    book: Book
    id: bytes
    options: dict[int, int]
    call_deadline: int = 0

    @classmethod
    def of(cls, book: Book, account: Account | None, id: bytes) -> Estate:
        """`book` is that of the account, which may not be there yet."""
        known = account or Account(id)
        return cls(book, id, dict(known.options), known.header.call_deadline)

    def clone(self) -> Estate:
        return replace(self, book=self.book.clone(), options=dict(self.options))

    # ---------------------------------------------------------------- seeing

    @property
    def snapshot(self) -> Snapshot:
        return self.book.snapshot

    @property
    def is_idle(self) -> bool:
        """Without options and perps there is nothing to look after."""
        return not self.options and not self.book.positions

    def size(self, market: int) -> int:
        return self.book.positions.get(market, (0, 0))[0]

    def units(self, asset: int) -> int:
        """What it holds and lends less what it owes, token units."""
        return self.book.held.get(asset, 0) + self.book.claim(asset) - self.book.debt(asset)

    def equity(self, marks: Mapping[int, int]) -> int:
        """WAD, at marks of series (1e-10): as good as a model's, which may discount them, and at once."""
        options = sum(quantity * marks[instrument] for instrument, quantity in self.options.items())
        return self.book.worth(0) + sum(map(self.book.pnl, self.book.positions)) + options

    def account(self) -> Account:
        book = self.book
        balances = {asset: Balance(held=book.held.get(asset, 0)) for asset in {*book.held, *book.lent, *book.owed}}
        for side, kind in ((book.lent, LENT), (book.owed, DEBT)):
            balances |= {asset: replace(balances[asset], shares=shares, kind=kind) for asset, shares in side.items()}
        plain = Account.of(self.id, balances, book.positions, call_deadline=self.call_deadline)
        met = {
            market: Position(size, cost, self.snapshot.markets[market].state.epoch)
            for market, (size, cost) in book.positions.items()
        }
        header = replace(plain.header, options=len(self.options))
        return replace(plain, header=header, positions=met, options=dict(self.options))

    def assess(self, use: PriceUse) -> Assessment:
        """Raises PriceUnusable or SurfaceUnusable where `use` is OPEN and something is not good."""
        return accounts.assess(self.account(), self.snapshot, use)

    def carries(self, use: PriceUse, headroom: int) -> bool:
        """Whether a batch may end so, with `headroom` bps of the initial margin besides."""
        if any(amount < 0 for amount in self.book.held.values()):
            return False
        found = self.assess(use)
        return found.equity * BPS >= found.im * (BPS + headroom)

    # ---------------------------------------------------------------- changing

    def take(self, target: Account, found: Assessment, slice: preview.Slice) -> Taken:
        """The slice moves in and is paid for. Raises LendsAndOwes."""
        lent = self.book.lent_quote
        paid = self.book.take(target, found, slice)
        for instrument, part in parts(target.options, slice.fraction).items():
            self.add(instrument, part)
        if found.equity >= 0:
            return Taken(slice.gain, 0)
        return Taken(paid + (lent - self.book.lent_quote) * self.book.unit + found.equity, paid)

    def repay(self) -> bool:
        """Quote that is owed, as far as all of it can be paid."""
        owed = self.book.debt(QUOTE)
        if not owed or self.book.quote < owed:
            return False
        self.book.hold(QUOTE, -owed)
        del self.book.owed[QUOTE]
        return True

    def add(self, instrument: int, quantity: int) -> None:
        left = self.options.get(instrument, 0) + quantity
        if left:
            self.options[instrument] = left
        else:
            self.options.pop(instrument, None)

    def trade(self, market: int, size: int) -> Trade:
        return self.book.trade(market, size)


def parts(options: Mapping[int, int], fraction: int) -> dict[int, int]:
    """Longs rounded down and shorts up in size; of which next to nothing would be left, whole."""
    found = {instrument: _part(quantity, fraction) for instrument, quantity in options.items()}
    return {instrument: part for instrument, part in found.items() if part}


def _part(quantity: int, fraction: int) -> int:
    part = quantity * fraction // WAD
    return quantity if abs(quantity - part) < DUST else part


def slice_of(
    target: Account, found: Assessment, snapshot: Snapshot, fraction: int, *, proven: bool = False
) -> preview.Slice:
    """By witness nothing is taken whole because what it would leave is dust (LiquidationLogic)."""
    if proven:
        snapshot = replace(snapshot, terms=replace(snapshot.terms, dust=0))
    return preview.liquidation(target, snapshot, fraction, found)
