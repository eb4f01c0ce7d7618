"""What can be recalled of an asset's loans at a block. Twin of LendingBook.open and cash."""

from __future__ import annotations

from plimsoll.margin import interest_math
from plimsoll.margin.account import Snapshot, Totals, indices
from plimsoll.margin.fixed_math import positive
from plimsoll.margin.words import Debts


def cash(asset: int, totals: Totals, debts: Debts, snapshot: Snapshot) -> int:
    """Lent and not borrowed, and the reserve, token units."""
    word = snapshot.lending[asset]
    debt_index, lent_index = indices(word, snapshot.time)
    paid = debts.shares * (debt_index - word.debt_index)
    earned = totals.lent_shares * (lent_index - word.lent_index)
    reserve = debts.reserve + positive(paid - earned) // interest_math.INDEX_ONE
    lent = interest_math.amount_down(totals.lent_shares, lent_index)
    return positive(lent + reserve - interest_math.amount_up(debts.shares, debt_index))
