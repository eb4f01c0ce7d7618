"""Which portfolio accounts are worth an exact look: series valued once in every scenario, in floats, then accounts.

    suspects(accounts, snapshot)        those that may be below their call margin, or that floats cannot tell about

The exact twin decides afterwards. An account is left out only when its equity is above its call margin by more than the
floats may be wrong. Whatever is unusual (a price that failed, a model that is being replaced, a passed expiry, a
feed that is not its underlying's own) is not left out at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin import ramp_math
from plimsoll.margin.account import Account, NegativeBalance, PriceUse, Snapshot, lambda_now
from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.option_series import key_of, market_of
from plimsoll.margin.option_values import gather, is_portfolio
from plimsoll.margin.portfolio_book import Book
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_screen import Positions, assess, rows_of
from plimsoll.margin.portfolio_series import SeriesTable
from plimsoll.margin.portfolio_words import ONE, AccountView, ExpiryView

LEAST = 16  # accounts: fewer are sooner looked at than the table is made
WRONG = 1e-8  # of gross notional and equity: three times what the floats were ever found to be off by
CENT = 0.01
UNIT = 10**8


class _Prepared(NamedTuple):
    """An account, its options by their row in the table, and everything else of it."""

    account: Account
    quantities: dict[int, float]
    bare: Book


def suspects(accounts: Sequence[Account], snapshot: Snapshot, least: int = LEAST) -> list[Account]:
    """In the order in which they came. Accounts by rule are suspects always."""
    portfolios = [account for account in accounts if is_portfolio(account)]
    if len(portfolios) < least:
        return list(accounts)
    table = _Table.of(portfolios, snapshot)
    if table is None:
        return list(accounts)
    prepared = [found for account in portfolios if (found := table.prepare(account, snapshot))]
    fine = table.fine(prepared, snapshot) if prepared else set()
    return [account for account in accounts if account.id not in fine]


class _Table:
    """The series of all portfolio accounts that have not expired, at the snapshot's prices."""

    def __init__(self, model: PortfolioMargin, chains: Sequence[ExpiryView], instruments: Sequence[int]) -> None:
        self.model = model
        self.values = SeriesTable.build(model, chains)
        self.tables = [self.values]
        if any(view.known for view in chains):
            # What settles now needs the more of a whole move and of what it has left of it.
            self.tables.append(SeriesTable.build(model, [replace(view, fading=bool(view.known)) for view in chains]))
        self.place = {instrument: row for row, instrument in enumerate(instruments)}
        self.spot = np.array([view.spot / 10**10 for view in chains for _ in view.options])
        self.multiplier = [ONE * extra[1] for extra in self.values.extra]
        self.group = self.values.group_of[self.values.expiry_of]

    @classmethod
    def of(cls, accounts: Sequence[Account], snapshot: Snapshot) -> _Table | None:
        """None where every account has to be looked at."""
        model, replaced = snapshot.portfolio, snapshot.portfolio_replaced
        if not isinstance(model, PortfolioMargin):
            return None
        if replaced and ramp_math.old_share(replaced.end, snapshot.time):
            return None
        all_of_them = {instrument: UNIT for account in accounts for instrument in account.options}
        if not all_of_them:
            return None
        sheet = gather(_with(Account(accounts[0].id), all_of_them), snapshot, PriceUse.TARGET)
        if sheet.failed:
            return None
        chains = AccountView.of(sheet.assets, sheet.tags, sheet.perps, sheet.expiries, sheet.options).expiries
        alive = [view for view in chains if view.secs]
        if not alive or not _plain(model, alive):
            return None
        live = {key_of(view.market, view.minutes) for view in alive}
        return cls(model, alive, [i for i in sorted(all_of_them) if key_of(market_of(i), i >> 29 & 2**27 - 1) in live])

    def prepare(self, account: Account, snapshot: Snapshot) -> _Prepared | None:
        """None for one that floats cannot tell about."""
        if not all(instrument in self.place for instrument in account.options):
            return None
        try:
            sheet = gather(_with(account, {}), snapshot, PriceUse.TARGET)
        except (NegativeBalance, LookupError):
            return None
        view = AccountView.of(sheet.assets, sheet.tags, sheet.perps, [], [])
        bare = self.model.book(view)
        if not all(self._own(perp.feed) for perp in view.perps):
            return None
        traded = {int(self.group[self.place[instrument]]) for instrument in account.options}
        for number, group in bare.groups.items():
            known = number < len(self.multiplier)
            if not known or (group.mult_mm != self.multiplier[number] and number not in traded):
                return None
        quantities = {self.place[instrument]: quantity / UNIT for instrument, quantity in account.options.items()}
        return _Prepared(account, quantities, bare)

    def _own(self, feed: int) -> bool:
        """Whether a feed is its underlying's own, so that a perp on it has the underlying's spot."""
        claim = self.model.parameters.claim(feed)
        return claim is not None and self.model.parameters.underlyings[claim.underlying].feed == feed

    def fine(self, prepared: Sequence[_Prepared], snapshot: Snapshot) -> set[bytes]:
        """Who is above the call margin for certain."""
        positions = self._positions(prepared)
        all_of_them = [assess(table, positions) for table in self.tables]
        totals = all_of_them[0]
        mm, im0 = (np.max([getattr(t, name) for t in all_of_them], axis=0) for name in ("mm", "im0"))
        share = lambda_now(snapshot.terms, snapshot.time) / BPS
        level = mm + share * np.maximum(im0 - mm, 0)
        gross = positions.size.sum(axis=1)
        rows = np.repeat(np.arange(len(prepared)), np.diff(positions.starts))
        np.add.at(gross, rows, np.abs(positions.quantity) * self.spot[positions.series])
        slack = WRONG * (gross + np.abs(totals.equity)) + CENT
        return {one.account.id for one, above in zip(prepared, totals.equity > level + slack, strict=True) if above}

    def _positions(self, prepared: Sequence[_Prepared]) -> Positions:
        books = [one.bare for one in prepared]
        groups = range(len(self.multiplier))
        return Positions(
            *rows_of([one.quantities for one in prepared]),
            linear=_floats([[book.groups[g].linear if g in book.groups else 0 for g in groups] for book in books]),
            size=_floats([[book.groups[g].size if g in book.groups else 0 for g in groups] for book in books]),
            equity=_floats([book.equity for book in books]),
            im=_floats([book.im for book in books]),
            im0=_floats([book.im0 for book in books]),
            mm=_floats([book.mm for book in books]),
            profit=_floats([book.profit for book in books]),
            exposed=np.array([book.exposed for book in books]),
        )


def _plain(model: PortfolioMargin, chains: Sequence[ExpiryView]) -> bool:
    """Whether every expiry has an underlying, and all of one underlying the same multipliers."""
    multipliers: dict[int, tuple[int, int]] = {}
    for view in chains:
        claim = model.parameters.claim(view.feed)
        both = (view.mult_im, view.mult_mm)
        if claim is None or multipliers.setdefault(claim.underlying, both) != both:
            return False
    return True


def _with(account: Account, options: dict[int, int]) -> Account:
    """The account with other options."""
    return replace(account, options=options, header=replace(account.header, options=min(len(options), 1)))


def _floats(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64) / WAD
