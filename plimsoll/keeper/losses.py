"""What a bankrupt account's taker is paid, and what of it is written off before it moves. Twin of LossLogic.cover.

Only what the taker sees: who pays what insurance does not (pool, winning side, lenders) is not followed here, but for
the cash that lenders of the quote asset add to an account whose options are a cause. That a side was charged in the
same batch is for the simulation to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plimsoll.margin import account as accounts
from plimsoll.margin import interest_math, preview
from plimsoll.margin.account import DEBT, QUOTE, Account, Assessment, MarketInsurance, PriceUse, Snapshot
from plimsoll.margin.asset_math import to_units_down, to_units_up
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div, mul_div_down, positive

NO_COVER = MarketInsurance()


@dataclass(frozen=True, slots=True)
class Cover:
    """`paid` WAD; `costs` taken off positions, WAD by market; `shares` off debts, by asset; what windows have spent;
    `levied`: quote units that lenders add to the account for its options."""

    paid: int = 0
    costs: Mapping[int, int] = field(default_factory=dict)
    shares: Mapping[int, int] = field(default_factory=dict)
    spent: Mapping[int, int] = field(default_factory=dict)
    levied: int = 0


@dataclass(frozen=True, slots=True)
class _Cause:
    """A market, a debt, or the options, which count as a debt in the quote asset: what the account lost there, WAD."""

    id: int
    loss: int
    debt: bool
    options: bool = False

    @property
    def key(self) -> int:
        return ~self.id if self.debt else self.id

    def window(self, snapshot: Snapshot) -> MarketInsurance:
        if self.debt:
            return snapshot.debt_insurance.get(self.id, NO_COVER)
        return snapshot.markets[self.id].insurance


def cover(
    target: Account, found: Assessment, snapshot: Snapshot, cash: int, spent: Mapping[int, int], lent: int = 0
) -> Cover:
    """`cash`: insurance's, token units; `spent`: what windows have paid, where this batch changed it; `lent`: the quote
    that its lenders have and nobody has borrowed, token units."""
    if found.equity >= 0:
        return Cover(spent=spent)
    unit = preview.quote_unit(snapshot)
    deficit = -found.equity
    causes = _causes(target, snapshot, deficit)
    total = sum(cause.loss for cause in causes)
    wanted = min(deficit + mul_div_down(found.mm, snapshot.terms.bonus_start, BPS), cash * unit)
    paid, drawn = 0, dict(spent)
    for cause in causes:
        share = mul_div_down(wanted, cause.loss, total)
        before = drawn.get(cause.key, _spent(cause.window(snapshot), snapshot))
        part = min(share, positive(cause.window(snapshot).cap * WAD - before))
        drawn[cause.key] = before + part
        paid += part
    paid = to_units_down(paid, unit) * unit
    return _written_off(target, snapshot, causes, positive(deficit - paid), Cover(paid, spent=drawn), lent)


def _causes(target: Account, snapshot: Snapshot, deficit: int) -> list[_Cause]:
    """What of the deficit assets and perps do not explain is the options'."""
    perps = accounts.perps(target, snapshot, PriceUse.TARGET)
    assets = accounts.assets(target, snapshot, PriceUse.TARGET)
    causes = [_Cause(market, -perp.pnl, debt=False) for market, perp in perps.items()]
    causes += [_Cause(asset, -exposure.value, debt=True) for asset, exposure in assets.items()]
    if target.header.options:
        causes.append(_Cause(QUOTE, deficit - sum(cause.loss for cause in causes), debt=True, options=True))
    return [cause for cause in causes if cause.loss > 0]


def _spent(window: MarketInsurance, snapshot: Snapshot) -> int:
    over = snapshot.time >= window.window_start + snapshot.terms.insurance_window
    return 0 if over else window.spent


def _written_off(target: Account, snapshot: Snapshot, causes: list[_Cause], left: int, paid: Cover, lent: int) -> Cover:
    """The last cause takes what the others rounded off."""
    losses, costs, shares, levied = sum(cause.loss for cause in causes), {}, {}, 0
    for cause in causes:
        if left == 0:
            break
        share = mul_div_down(left, cause.loss, losses)
        losses, left = losses - cause.loss, left - share
        if share and cause.options:
            levied = min(to_units_up(share, preview.quote_unit(snapshot)), lent)
        elif share and cause.debt:
            shares[cause.id] = _forgiven(target, snapshot, cause, share)
        elif share:
            costs[cause.id] = share
    return Cover(paid.paid, costs, shares, paid.spent, levied)


def _forgiven(target: Account, snapshot: Snapshot, cause: _Cause, amount: int) -> int:
    """Debt shares for `amount` (WAD) of the debt's loss; twin of LendingLogic.forgive."""
    balance = target.balances[cause.id]
    assert balance.kind == DEBT
    index, _ = accounts.indices(snapshot.lending[cause.id], snapshot.time)
    owed = interest_math.amount_up(balance.shares, index)
    units = ceil_div((owed - positive(balance.held)) * amount, cause.loss)
    return balance.shares if units >= owed else interest_math.shares_down(units, index)
