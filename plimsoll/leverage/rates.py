"""What borrowing an asset costs now, and after one more loan."""

from __future__ import annotations

from typing import NamedTuple

from plimsoll import ledger
from plimsoll.leverage.book import Book
from plimsoll.leverage.errors import CannotLever
from plimsoll.margin import interest_math
from plimsoll.margin.fixed_math import BPS, positive
from plimsoll.margin.words import Debts, Flow, Limits, Totals

WINDOW = 3600


class Loans(NamedTuple):
    """One asset's lenders and borrowers now, token units; `rate_at_target` 1e-13 per year."""

    rate_at_target: int
    lent: int
    borrowed: int
    cash: int
    room: int

    def rate(self, more: int = 0) -> int:
        """The borrow rate after `more` (negative: less) is borrowed, 1e-13 per year."""
        owed = positive(self.borrowed + more)
        return interest_math.borrow_rate(self.rate_at_target, interest_math.utilisation_of(self.lent, owed))


def loans(book: Book, asset: int) -> Loans:
    """`cash`: what is there to be borrowed; `room`: what the borrow cap and its velocity leave."""
    word, engine = book.snapshot.lending[asset], book.deployment.engine
    if not word.accrued_at:
        raise CannotLever("asset", book.symbol(asset), "it is not lent here: there is nothing to borrow")
    slots = [ledger.totals(asset), ledger.debts(asset), ledger.limits(asset), ledger.flows(asset)]
    words = ledger.read(engine, slots, block=book.snapshot.block)
    totals, debts = Totals.from_word(words[0]), Debts.from_word(words[1])
    limits, flow = Limits.from_word(words[2]), Flow.from_word(words[3])
    elapsed = book.snapshot.time - word.accrued_at
    rate, debt_index, lent_index = interest_math.project(
        word.rate_at_target, word.utilisation, word.reserve_share, elapsed, word.debt_index, word.lent_index
    )
    lent = interest_math.amount_down(totals.lent_shares, lent_index)
    borrowed = interest_math.amount_up(debts.shares, debt_index)
    spent = flow.net_borrowed if book.snapshot.time < flow.window_start + WINDOW else 0
    velocity = limits.borrow_cap * limits.borrow_velocity // BPS
    room = min(limits.borrow_cap - borrowed, velocity - spent)
    return Loans(rate, lent, borrowed, positive(lent + debts.reserve - borrowed), positive(room))


def require_room(book: Book, asset: int, found: Loans, amount: int) -> None:
    """Refuses what the engine would refuse, with what it would allow."""
    if book.lends(asset):
        raise CannotLever("debt asset", book.symbol(asset), "the account lends it: recall it first, or borrow another")
    for limit, name in ((found.cash, "is lent and not borrowed"), (found.room, "is left of the borrow cap")):
        if amount > limit:
            raise CannotLever(f"{book.symbol(asset)} to borrow", amount, f"{limit} {name} now; ask for less leverage")
