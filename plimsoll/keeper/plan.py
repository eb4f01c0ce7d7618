"""From findings to batches, in the order of urgency, with no capital but the profit that is kept. Pure.

A batch is: Liquidate … , then one TradePerp per market until the keeper holds no position, Settle where a loss found no
cash, and Withdraw of the profit. Each target is tried on the exact Book first and joins only if the batch can still pay
for everything and the target is worth taking; otherwise it is deferred, with the reason.

**Sizes.** A closing trade has a fixed size, while the largest slice an account allows moves with time. Without a
cushion the keeper asks for a hair less than the largest slice (`SHAVE`), whose size no second can change. With the
reserve in place it asks for the whole slice, which ends the target's call and clock, and a drift of the size stays in
its account as a position too small to matter, closed with the next batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from plimsoll import actions
from plimsoll.abi import checksum
from plimsoll.actions import Action
from plimsoll.keeper.book import Book, Trade
from plimsoll.keeper.mirror import View
from plimsoll.keeper.select import Finding
from plimsoll.keeper.settings import Settings
from plimsoll.margin import preview
from plimsoll.margin.account import QUOTE
from plimsoll.margin.asset_math import value_down
from plimsoll.margin.fixed_math import BPS, WAD, mul_div_down

FULL = "the batch is full"
SHAVE = 1_000  # a thousandth less than the largest slice
LIMIT_BPS = 500  # a closing trade's limit price, from index
ORDER_SECONDS = 900
CUSHIONS = 2  # a reserve of so many times the IM floor lets sizes drift
GAS_LIQUIDATE, GAS_FIRST = 200_000, 150_000


@dataclass(frozen=True, slots=True)
class Take:
    """A target in a batch. `gain`: what it adds to the keeper's account, closing included, WAD."""

    finding: Finding
    fraction: int
    bonus: int
    from_insurance: int
    gain: int
    most: int
    least: int

    @property
    def whole(self) -> bool:
        """The rule says the whole account or nothing."""
        return self.most == WAD

    @property
    def asked(self) -> int:
        """The largest slice is asked for as the whole, so that the target's call and clock end with it."""
        return WAD if self.fraction == self.most else self.fraction


@dataclass(frozen=True, slots=True)
class Deferred:
    """A liquidatable account that is left for later, and why."""

    finding: Finding
    reason: str
    gain: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction. `gain` is the expected change of the keeper's worth, WAD, before gas."""

    purpose: str
    actions: tuple[Action, ...]
    targets: tuple[bytes, ...] = ()
    takes: tuple[Take, ...] = ()
    trades: tuple[Trade, ...] = ()
    gain: int = 0
    withdrawn: int = 0


class _Wait(Exception):
    """A target does not join this batch."""

    def __init__(self, reason: str, gain: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.gain = reason, gain


@dataclass(slots=True)
class Planner:
    """Plans for one view. `gas_price` is wei; it costs nothing when no feed prices the chain's coin."""

    view: View
    settings: Settings
    keeper: bytes
    profit_to: str
    gas_price: int = 0
    deferred: list[Deferred] = field(default_factory=list)
    _closed: Book | None = None
    _carried: Book | None = None

    @property
    def sender(self) -> str:
        return checksum(self.keeper[:20])

    def carry(self) -> None:
        """The next batch meets the markets, the pool and insurance as the last one leaves them."""
        self._carried = self._closed

    def _book(self) -> Book:
        book, carried = Book.of(self.view, self.keeper), self._carried
        if carried is not None:
            book.skew, book.spent = dict(carried.skew), dict(carried.spent)
            book.pool_cash, book.insurance_cash = carried.pool_cash, carried.insurance_cash
        return book

    # ---------------------------------------------------------------- liquidations

    def liquidations(self, findings: Iterable[Finding], *, fractions: dict[bytes, int] | None = None) -> Batch | None:
        """The first batch of `findings`; what cannot join it is in `deferred`."""
        book, self.deferred = self._book(), []
        roomy = book.quote * book.unit >= CUSHIONS * self.view.snapshot.model.im_floor
        start = self._flat(book).worth(self.settings.collateral_discount)
        takes: list[Take] = []
        worth = start
        for finding in findings:
            if len(takes) == self.settings.max_batch:
                self._defer(finding, FULL)
                continue
            cap = (fractions or {}).get(finding.id)
            try:
                take, book = self._try(book, worth, finding, roomy, cap)
            except _Wait as wait:
                self._defer(finding, wait.reason, wait.gain)
                continue
            takes.append(take)
            worth += take.gain
        return self._finish("liquidate", book, takes, start) if takes else None

    def _try(self, book: Book, worth: int, finding: Finding, roomy: bool, cap: int | None) -> tuple[Take, Book]:
        """The book with the target in it. Raises _Wait."""
        slice = self._slice(finding, WAD, roomy, cap)
        if slice.fraction == 0:
            raise _Wait("the clock has not reached its slice")
        attempt = self._attempt(book, worth, finding, slice)
        if (short := self._missing(attempt[1])) and slice.fraction < WAD:
            affordable = self._affordable(book, short, slice)
            if affordable:
                attempt = self._attempt(book, worth, finding, self._slice(finding, affordable, roomy, cap))
                short = self._missing(attempt[1])
        if short:
            raise _Wait(f"needs {-(-short * book.unit // WAD)} more quote than the keeper has")
        if not self._flat(attempt[1]).flat:
            raise _Wait("the pool cannot pay its profit yet")
        take = attempt[0]
        rescue = self.settings.rescue and finding.assessment.equity < 0
        if take.gain - self._gas(GAS_LIQUIDATE) < self.settings.min_profit and not rescue:
            raise _Wait("bonus is below cost; it grows with shortfall and clock", take.gain)
        return attempt

    def _attempt(self, book: Book, worth: int, finding: Finding, slice: preview.Slice) -> tuple[Take, Book]:
        after = book.clone()
        paid = after.take(finding.account, finding.assessment, slice)
        gain = self._flat(after).worth(self.settings.collateral_discount) - worth
        bonus = paid + finding.assessment.equity if finding.assessment.equity < 0 else slice.gain
        return Take(finding, slice.fraction, max(bonus, 0), paid, gain, slice.max_fraction, slice.min_fraction), after

    def _slice(self, finding: Finding, fraction: int, roomy: bool, cap: int | None) -> preview.Slice:
        snapshot, account, found = self.view.snapshot, finding.account, finding.assessment
        wanted = min(fraction, cap or WAD)
        slice = preview.liquidation(account, snapshot, wanted, found)
        if slice.max_fraction < WAD and not roomy and slice.fraction == slice.max_fraction:
            wanted = max(slice.max_fraction - slice.max_fraction // SHAVE, slice.min_fraction)
            slice = preview.liquidation(account, snapshot, wanted, found)
        return slice

    def _missing(self, book: Book) -> int:
        """Quote units that the keeper would lack once everything is closed, a block from now."""
        return self._flat(book, self.view.snapshot.globals.block_time).missing

    def _affordable(self, book: Book, short: int, slice: preview.Slice) -> int:
        """The part of the slice that the keeper's quote pays for; 0 when it would be less than the smallest."""
        before = max(self._flat(book).quote, 0)
        fraction = mul_div_down(slice.fraction, before, before + short) * 99 // 100
        return fraction if fraction >= slice.min_fraction and fraction else 0

    def _defer(self, finding: Finding, reason: str, gain: int = 0) -> None:
        self.deferred.append(Deferred(finding, reason, gain))

    # ---------------------------------------------------------------- closing and profit

    def tidy(self) -> Batch | None:
        """Closes what is left in the keeper's account, and takes out what lies above the reserve."""
        book = Book.of(self.view, self.keeper)
        start = book.worth(0)
        batch = self._finish("tidy", book, [], start, sweep=True)
        return batch if batch.actions else None

    def _flat(self, book: Book, delay: int = 0) -> Book:
        """The book with everything closed, `delay` seconds from now: prices older, spreads wider, funding further."""
        closed = book.clone()
        if delay:
            closed.snapshot = replace(closed.snapshot, time=closed.snapshot.time + delay)
        closed.close()
        return closed

    def _finish(self, purpose: str, book: Book, takes: list[Take], start: int, *, sweep: bool = False) -> Batch:
        closed = self._closed = book.clone()
        trades = closed.close()
        steps = [actions.liquidate(self.keeper, take.finding.id, take.asked, skip=True) for take in takes]
        steps += [self._order(trade) for trade in trades]
        steps += [actions.settle(market, [self.keeper]) for market in sorted(closed.unsettled)]
        gain = closed.worth(self.settings.collateral_discount) - start
        late = self._flat(book, self.settings.delay)
        withdrawn = self._profit(min(closed.quote, late.quote), closed.unit, gain, sweep) if closed.flat else 0
        if withdrawn:
            steps.append(actions.withdraw(self.keeper, QUOTE, withdrawn, self.profit_to))
        if sweep and closed.flat:
            extra = {asset: held for asset, held in closed.held.items() if asset != QUOTE and held > 0}
            steps += [actions.withdraw(self.keeper, asset, held, self.profit_to) for asset, held in extra.items()]
        targets = tuple(take.finding.id for take in takes)
        return Batch(purpose, tuple(steps), targets, tuple(takes), tuple(trades), gain, withdrawn * book.unit)

    def _order(self, trade: Trade) -> Action:
        band = trade.price * LIMIT_BPS // BPS
        limit = trade.price + band if trade.size > 0 else trade.price - band
        return actions.trade_perp(self.keeper, trade.market, trade.size, limit, self.view.snapshot.time + ORDER_SECONDS)

    def _profit(self, quote: int, unit: int, gain: int, sweep: bool) -> int:
        """Quote units to take out: what lies above the reserve, or above a fiftieth of the gain where that is more."""
        keep = self.settings.reserve if sweep else max(self.settings.reserve, gain // 50)
        spare = quote - (keep + unit - 1) // unit
        return spare if spare > 0 and spare * unit >= self.settings.min_withdrawal else 0

    def _gas(self, units: int) -> int:
        """WAD value of gas at the current price."""
        feed = self.settings.gas_feed
        if feed is None or feed not in self.view.snapshot.prices:
            return 0
        return value_down(units * self.gas_price, self.view.snapshot.price(feed).value, 18)

    # ---------------------------------------------------------------- calls

    def calls(self, findings: Iterable[Finding], purpose: str = "call") -> list[Batch]:
        """MarginCall for each, in batches. The bounty comes to the keeper's account."""
        ids = [finding.id for finding in findings]
        size = 2 * self.settings.max_batch
        return [
            Batch(
                purpose,
                tuple(actions.margin_call(self.keeper, id, skip=True) for id in ids[at : at + size]),
                tuple(ids[at : at + size]),
            )
            for at in range(0, len(ids), size)
        ]
