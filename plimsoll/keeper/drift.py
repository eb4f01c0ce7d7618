"""How far a slice drifts until its batch is in a block: what it then holds less of, or owes more of. Pure.

Sales, purchases and repayments of a batch are exact, while the largest slice follows the clock, interest and funding,
and the margins' multipliers, which move in steps of 1e-5 or so: a slice asked for a thousandth below the largest mostly
stands still, one whose smallest is the largest cannot be shaved at all. What it may lose stays unsold, or is bought
besides: the difference to the exact twin's slice at every second in which the batch may land, at the last prices, and
so not a unit more than needed: 1e-9 of the slice a second, 1e-3 where a step falls into them. It goes with the next
sale of that asset. A price that changes in the batch's own block is covered by nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plimsoll.margin import account as accounts
from plimsoll.margin import interest_math, position_math, preview
from plimsoll.margin.account import DEBT, LENT, QUOTE, Account, Snapshot
from plimsoll.margin.asset_math import to_units_up
from plimsoll.margin.fixed_math import WAD, ceil_div, mul_div_down, positive


@dataclass(frozen=True, slots=True)
class Doubt:
    """`missing`: token units by asset that the slice may bring less. `markets`: where its position may differ, so that
    the closing trade leaves a crumb and the profit of what it closed unrealised, unless it is settled."""

    missing: Mapping[int, int] = field(default_factory=dict)
    markets: frozenset[int] = frozenset()


def doubt(account: Account, planned: preview.Slice, snapshot: Snapshot, seconds: int) -> Doubt:
    """Of a batch that lands within `seconds`.

    A slice that grows is followed for a block's time only: its growth with the clock has to be paid for by its gain,
    and a later landing is not worth refusing it.
    """
    asked = WAD if planned.fraction == planned.max_fraction else planned.fraction  # as Take.asked
    first, sizes = _amounts(account, planned, snapshot), _sizes(account, planned, snapshot)
    missing, markets = dict[int, int](), set[int]()
    for ahead in range(1, seconds + 1):
        slice = preview.liquidation(account, replace(snapshot, time=snapshot.time + ahead), asked)
        grows = slice.fraction > planned.fraction
        if slice.fraction in (0, WAD) or (grows and ahead > snapshot.globals.block_time):
            continue  # healthy again, or taken whole: what no amount left unsold makes good
        for asset, amount in _amounts(account, slice, snapshot).items():
            missing[asset] = max(missing.get(asset, 0), first[asset] - amount)
        markets |= {market for market, size in _sizes(account, slice, snapshot).items() if size != sizes[market]}
    return Doubt({asset: amount for asset, amount in missing.items() if amount}, frozenset(markets))


def _sizes(account: Account, slice: preview.Slice, snapshot: Snapshot) -> dict[int, int]:
    held = {market: snapshot.touched(entry, market) for market, entry in account.positions.items()}
    return {market: position_math.slice(old.size, old.cost, slice.fraction)[0] for market, old in held.items()}


def _amounts(account: Account, slice: preview.Slice, snapshot: Snapshot) -> dict[int, int]:
    """What the slice adds to its taker's account, by asset, the price deducted; debts are below zero."""
    unit = preview.quote_unit(snapshot)
    found = {QUOTE: -to_units_up(slice.to_account, unit) - to_units_up(slice.to_insurance, unit)}
    for asset in accounts.bits(account.header.assets):
        balance = account.balances[asset]
        amount = mul_div_down(positive(balance.held), slice.fraction, WAD)
        if balance.kind in (DEBT, LENT):
            debt_index, lent_index = accounts.indices(snapshot.lending[asset], snapshot.time)
            if balance.kind == DEBT:
                amount -= interest_math.amount_up(ceil_div(balance.shares * slice.fraction, WAD), debt_index)
            else:
                amount += interest_math.amount_down(mul_div_down(balance.shares, slice.fraction, WAD), lent_index)
        found[asset] = found.get(asset, 0) + amount
    return found
