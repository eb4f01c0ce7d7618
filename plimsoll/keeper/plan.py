"""From findings to batches, in the order of urgency, with no capital but the profit that is kept. Pure.

A batch is: Liquidate …, Recall and sales of what came with them, one TradePerp per market until the keeper holds no
position, purchases of what is owed, Repay, Settle where a loss found no cash, and Withdraw of the profit. Each target
is tried on the exact Book first and joins only if the batch can still pay for everything and the target is worth
taking; otherwise a smaller slice of it is, or it is deferred, with the reason.

**Sizes.** A closing trade has a fixed size, while the largest slice an account allows moves with time. Without a
cushion the keeper asks for a hair less than the largest slice (`SHAVE`), which mostly stands still. With the
reserve in place it asks for the whole slice, which ends the target's call and clock, and a drift of the size stays in
its account as a position too small to matter, closed with the next batch. Not of a target with assets or debts: what is
sold and bought is exact, and a slice that drifts holds less, or owes more, than that. Where a shave does not hold it
still, or the smallest slice is the largest, what it may drift by is left unsold (plimsoll.keeper.drift).

**Lenders and borrowers** of one asset cannot be in one batch, since nobody lends and owes the same. Where lenders may
leave, whoever comes first does, and the next batch of the same block takes the other; where they may not, borrowers do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from plimsoll import actions
from plimsoll.abi import checksum
from plimsoll.exchange.depth import Depths
from plimsoll.exchange.market import Exchange
from plimsoll.keeper import drift
from plimsoll.keeper.batch import OPTION_CALLS, Batch, Composer, Deferred, Take, is_spot, lenders_last
from plimsoll.keeper.book import Book, LendsAndOwes
from plimsoll.keeper.mirror import View
from plimsoll.keeper.sales import Unwinding, Unwound
from plimsoll.keeper.select import Finding
from plimsoll.keeper.settings import Settings
from plimsoll.margin import preview
from plimsoll.margin.account import QUOTE
from plimsoll.margin.asset_math import value_down
from plimsoll.margin.fixed_math import BPS, WAD, mul_div_down, positive

__all__ = ["Batch", "Deferred", "Planner", "Take"]

FULL = "the batch is full"
SHAVE = 1_000  # a thousandth less than the largest slice
DRIFT = 10  # no slice shrinks by a tenth while a batch is under way
CUSHIONS = 2  # a reserve of so many times the IM floor lets sizes drift
GAS_LIQUIDATE, GAS_SWAP, GAS_WITHDRAW = 200_000, 150_000, 60_000
HALVINGS = 5  # of a slice that costs more to sell than it brings


class _Wait(Exception):
    """A target does not join this batch. `short`: quote units that are missing."""

    def __init__(self, reason: str, gain: int = 0, short: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.gain, self.short = reason, gain, short


@dataclass(frozen=True, slots=True)
class _State:
    """The batch so far: its book, and what that comes to once it is unwound."""

    book: Book
    closed: Book
    unwound: Unwound
    worth: int


@dataclass(slots=True)
class Planner:
    """Plans for one view. `gas_price` is wei; it costs nothing when no feed prices the chain's coin.

    With an `exchange` and its `depths` at the view's block, what is taken is sold there. `lent_cash` is what may be
    recalled now, and `room` what may leave a vault through swaps, by asset.
    """

    view: View
    settings: Settings
    keeper: bytes
    profit_to: str
    gas_price: int = 0
    exchange: Exchange | None = None
    depths: Depths | None = None
    lent_cash: dict[int, int] = field(default_factory=dict)
    room: dict[int, int] = field(default_factory=dict)
    deferred: list[Deferred] = field(default_factory=list)
    _closed: Book | None = None
    _carried: Book | None = None
    _doubts: dict[tuple[bytes, int], drift.Doubt] = field(default_factory=dict)

    @property
    def sender(self) -> str:
        return checksum(self.keeper[:20])

    def carry(self) -> None:
        """The next batch meets markets, pools, insurance and loans as the last one leaves them."""
        self._carried = self._closed

    def book(self, account: bytes | None = None) -> Book:
        """Of the account that batches close, or of another one of the keeper's."""
        book, carried = Book.of(self.view, account or self.keeper, self.depths, self.room), self._carried
        if carried is not None:
            book.skew, book.spent, book.room = dict(carried.skew), dict(carried.spent), dict(carried.room)
            book.pool_cash, book.insurance_cash = carried.pool_cash, carried.insurance_cash
            book.lent_quote, book.depths = carried.lent_quote, carried.depths.clone() if carried.depths else None
        if carried is not None and account is None:
            book.lent, book.owed = dict(carried.lent), dict(carried.owed)
        return book

    # ---------------------------------------------------------------- liquidations

    def liquidations(self, findings: Iterable[Finding], *, fractions: dict[bytes, int] | None = None) -> Batch | None:
        """The first batch of `findings`; what cannot join it is in `deferred`."""
        book, self.deferred = self.book(), []
        roomy = book.quote * book.unit >= CUSHIONS * self.view.snapshot.model.im_floor
        start = state = self._state(book)
        takes: list[Take] = []
        for finding in lenders_last(findings, self.view.snapshot, self.lent_cash):
            if len(takes) == self.settings.max_batch:
                self._defer(finding, FULL)
                continue
            cap = (fractions or {}).get(finding.id)
            try:
                take, state = self._try(state, finding, roomy, cap)
            except _Wait as wait:
                self._defer(finding, wait.reason, wait.gain)
                continue
            takes.append(take)
        return self._finish("liquidate", state.book, takes, start.worth) if takes else None

    def _try(self, state: _State, finding: Finding, roomy: bool, cap: int | None) -> tuple[Take, _State]:
        """The batch with the target in it, whole slice or part. Raises _Wait with the reason against the whole."""
        slice = self._slice(finding, WAD, roomy, cap)
        if slice.fraction == 0:
            raise _Wait("the clock has not reached its slice")
        first: _Wait | None = None
        for _ in range(1 + HALVINGS):
            try:
                return self._weigh(state, finding, slice)
            except _Wait as wait:
                first = first or wait
                wanted = self._smaller(state.book, finding, slice, wait)
            if not wanted:
                break
            slice = self._slice(finding, wanted, roomy, cap)
        assert first is not None
        raise first

    def _smaller(self, book: Book, finding: Finding, slice: preview.Slice, wait: _Wait) -> int:
        """The part of the slice to try next; 0 when there is none, or none that could do better."""
        if slice.fraction == WAD:
            return 0
        fraction = self._affordable(book, wait.short, slice) if wait.short else 0
        if not fraction and self.depths is not None and is_spot(finding.account):  # a part moves the pool's price less
            fraction = slice.fraction // 2
        return fraction if slice.min_fraction <= fraction < slice.fraction else 0

    def _weigh(self, state: _State, finding: Finding, slice: preview.Slice) -> tuple[Take, _State]:
        """The batch with this slice in it, if all of it can be paid for and it is worth it. Raises _Wait."""
        after = state.book.clone()
        try:
            paid = after.take(finding.account, finding.assessment, slice)
        except LendsAndOwes as error:
            raise _Wait(f"{error}; the next batch may take it") from None
        after.distrust(self._doubt(finding, slice))
        late, unwound = self._unwound(after, self.view.snapshot.globals.block_time)
        if short := late.missing:
            why = f"; no pool takes {self._names(unwound.unsold)}" if unwound.unsold else ""
            why += self._braked(unwound)
            raise _Wait(f"needs {-(-short * late.unit // WAD)} more quote than the keeper has{why}", short=short)
        new = self._state(after)
        gain = new.worth - state.worth
        if new.closed.owed:
            why = self._braked(new.unwound) or ", which no pool sells"
            raise _Wait(f"owes {self._names(new.closed.owed)}{why}", gain)
        if not new.closed.flat:
            raise _Wait("the pool cannot pay its profit yet", gain)
        bonus = paid + finding.assessment.equity if finding.assessment.equity < 0 else slice.gain
        take = Take(finding, slice.fraction, max(bonus, 0), paid, gain, slice.max_fraction, slice.min_fraction)
        rescue = self.settings.rescue and finding.assessment.equity < 0
        gas = self.gas(GAS_LIQUIDATE + GAS_SWAP * positive(len(new.unwound.orders) - len(state.unwound.orders)))
        if gain - gas < self.settings.min_profit and not rescue:
            raise _Wait("bonus is below cost; it grows with shortfall and clock", gain)
        return take, new

    def _slice(self, finding: Finding, fraction: int, roomy: bool, cap: int | None) -> preview.Slice:
        snapshot, account, found = self.view.snapshot, finding.account, finding.assessment
        wanted = min(fraction, cap or WAD)
        slice = preview.liquidation(account, snapshot, wanted, found)
        exact = not roomy or is_spot(account)
        if slice.max_fraction < WAD and exact and slice.fraction == slice.max_fraction:
            wanted = max(slice.max_fraction - slice.max_fraction // SHAVE, slice.min_fraction)
            slice = preview.liquidation(account, snapshot, wanted, found)
        return slice

    def _doubt(self, finding: Finding, slice: preview.Slice) -> drift.Doubt:
        """What the slice may bring less of. A part that is far below the largest is as large as it is."""
        most, key = slice.max_fraction, (finding.id, slice.fraction)
        if most == WAD or slice.fraction < most - most // DRIFT or not is_spot(finding.account):
            return drift.Doubt()
        if key not in self._doubts:
            self._doubts[key] = drift.doubt(finding.account, slice, self.view.snapshot, self.settings.delay)
        return self._doubts[key]

    def _affordable(self, book: Book, short: int, slice: preview.Slice) -> int:
        """The part of the slice that the keeper's quote pays for."""
        before = max(self._unwound(book)[0].quote, 0)
        return mul_div_down(slice.fraction, before, before + short) * 99 // 100

    def _defer(self, finding: Finding, reason: str, gain: int = 0) -> None:
        self.deferred.append(Deferred(finding, reason, gain))

    def _braked(self, unwound: Unwound) -> str:
        braked = self._names(unwound.braked)
        return f"; the brake lets no more of {braked} leave this hour" if braked else ""

    def _names(self, assets: Iterable[int]) -> str:
        return ", ".join(f"asset {asset}" for asset in sorted(assets))

    # ---------------------------------------------------------------- closing and profit

    def tidy(self) -> Batch | None:
        """Closes what is left in the keeper's account, and takes out what lies above the reserve."""
        book = Book.of(self.view, self.keeper, self.depths, self.room)
        batch = self._finish("tidy", book, [], book.worth(0), sweep=True)
        return batch if batch.actions else None

    def _unwound(
        self, book: Book, delay: int = 0, *, sell: bool = True, slippage: int | None = None
    ) -> tuple[Book, Unwound]:
        """The book with everything sold, repaid and closed, `delay` seconds from now: prices older, spreads wider,
        funding and interest further."""
        closed = book.clone()
        if delay:
            closed.snapshot = replace(closed.snapshot, time=closed.snapshot.time + delay)
        slippage = self.settings.max_slippage if slippage is None else slippage
        how = Unwinding(slippage, max(self.settings.delay - delay, 0), self.lent_cash, sell)
        return closed, how.of(closed)

    def _state(self, book: Book) -> _State:
        closed, unwound = self._unwound(book)
        return _State(book, closed, unwound, closed.worth(self.settings.collateral_discount))

    def _finish(self, purpose: str, book: Book, takes: list[Take], start: int, *, sweep: bool = False) -> Batch:
        closed, unwound = self._unwound(book, sell=not sweep)
        gain = closed.worth(self.settings.collateral_discount) - start
        volume = sum(order.value(book.snapshot) for order in unwound.orders)
        slippage = self.settings.max_slippage
        if volume and 0 < gain * BPS < volume * slippage:  # whoever moves a pool's price takes the gain and no more
            slippage = gain * BPS // volume
            closed, unwound = self._unwound(book, sell=not sweep, slippage=slippage)
        self._closed = closed
        composer = Composer(self.keeper, self.view.snapshot.time, self.exchange)
        steps = composer.takes(takes) + composer.unwinding(unwound, closed.unsteady, closed.unsettled)
        late, _ = self._unwound(book, self.settings.delay, sell=not sweep, slippage=slippage)
        # A fiftieth of the gain stays or, at most half of it, what the swaps may turn out worse.
        cushion = max(gain // 50, min(volume * slippage // BPS, gain // 2))
        keep = self.settings.reserve if sweep else max(self.settings.reserve, cushion)
        withdrawn = self._profit(min(closed.sure, late.sure), closed.unit, keep) if closed.flat else 0
        if withdrawn:
            steps.append(actions.withdraw(self.keeper, QUOTE, withdrawn, self.profit_to))
        if sweep and closed.flat:
            steps += [actions.withdraw(self.keeper, *extra, self.profit_to) for extra in self._extra(closed)]
        targets = tuple(take.finding.id for take in takes)
        worth = withdrawn * book.unit
        return Batch(purpose, tuple(steps), targets, tuple(takes), unwound.trades, gain, worth, unwound.orders)

    def _extra(self, book: Book) -> list[tuple[int, int]]:
        """Collateral to take out, but for crumbs: the next sale of that asset takes them along."""
        held = [(asset, amount) for asset, amount in book.held.items() if asset != QUOTE and amount > 0]
        return [(asset, amount) for asset, amount in held if book.value(asset, amount) >= self._worthwhile]

    def _profit(self, quote: int, unit: int, keep: int) -> int:
        """Quote units to take out: what lies above `keep`."""
        spare = quote - (keep + unit - 1) // unit
        return spare if spare > 0 and spare * unit >= self._worthwhile else 0

    @property
    def _worthwhile(self) -> int:
        """The least that is taken out, WAD: more than taking it out costs."""
        return max(self.settings.min_withdrawal, self.gas(GAS_WITHDRAW))

    def gas(self, units: int) -> int:
        """WAD value of gas at the current price."""
        feed = self.settings.gas_feed
        if feed is None or feed not in self.view.snapshot.prices:
            return 0
        return value_down(units * self.gas_price, self.view.snapshot.price(feed).value, 18)

    # ---------------------------------------------------------------- calls

    def calls(self, findings: Iterable[Finding], purpose: str = "call") -> list[Batch]:
        """MarginCall for each, in batches. The bounty comes to the keeper's account; a call by witness pays none."""
        found = list(findings)
        plain, by_options = ([f for f in found if f.by_options == kind] for kind in (False, True))
        groups = ((plain, 2 * self.settings.max_batch), (by_options, OPTION_CALLS))
        parts = [some[at : at + size] for some, size in groups for at in range(0, len(some), size)]
        return [Batch(purpose, tuple(map(self._call, part)), tuple(f.id for f in part)) for part in parts]

    def _call(self, found: Finding) -> actions.Action:
        return actions.margin_call(self.keeper, found.id, skip=True, witness=found.witness)
