"""Whether options and quote add up over every account of a deployment, exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plimsoll.keeper.options import OptionReader
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.rows import Rows

if TYPE_CHECKING:
    from plimsoll.sim.option_desk import OptionDesk

QUOTE = 0
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Books:
    """`unmatched`: series whose quantities do not add up to zero. `rest`: quote tokens in the vault beyond what all
    accounts hold, in token units. `series` is how many are open."""

    series: int
    unmatched: tuple[int, ...]
    rest: int

    @property
    def balance(self) -> bool:
        return not self.unmatched and self.rest == 0


def books(desk: OptionDesk) -> Books:
    """At the newest block. Nobody lends here: all quote is held."""
    reader = Reader(desk.deployment)
    head = reader.head()
    tables = reader.tables(head)
    rows = Rows(tables.asset_mask, tables.market_mask)
    rows.load([reader.page(0, max(tables.count, PAGE), tables, head.number)])
    found = [rows.account(row) for row in range(len(rows))]
    held = sum(account.balances[QUOTE].held for account in found if QUOTE in account.balances)
    sums: Counter[int] = Counter()
    ids = [account.id for account in found if account.header.options]
    for series in OptionReader(reader.engine).held(ids, head.number):
        for instrument, quantity in series.items():
            sums[instrument] += quantity
    vault, token = desk.deployment.vaults[QUOTE], desk.deployment.tokens[QUOTE]
    rest = token.read("balanceOf", vault.address, block=head.number) - held
    return Books(len(sums), tuple(sorted(i for i, total in sums.items() if total)), rest)
