"""What the keeper does with what it took over: recall, sell, close, buy, repay, in this order and on the totals. Pure.

    unwound = Unwinding(slippage=50).of(book)      the book is left as the batch leaves the account
    unwound.sales, unwound.trades, …               what the batch has to do for that

Nothing is sold for a target: what several of them bring is one amount, with one price impact. Collateral goes straight
into the asset that is owed where a route leads there. What no pool trades stays in the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plimsoll.actions import MAX_UINT256
from plimsoll.exchange.depth import Depths, Swap
from plimsoll.exchange.errors import NoRoute, TooLarge
from plimsoll.keeper.book import Book, Trade
from plimsoll.margin import interest_math
from plimsoll.margin.account import QUOTE, Snapshot, indices
from plimsoll.margin.asset_math import value_down
from plimsoll.margin.fixed_math import BPS, WAD, ceil_div, positive

DUST = WAD // 10  # what is worth less is not worth a swap


@dataclass(frozen=True, slots=True)
class Order:
    """One swap of the batch: `bound` is the least that it may bring, or, for an exact output, the most it may take."""

    asset_in: int
    asset_out: int
    swap: Swap
    bound: int
    exact_out: bool = False

    def value(self, snapshot: Snapshot) -> int:
        """What goes in, WAD at the last price."""
        return _worth(self.asset_in, self.swap.amount_in, snapshot)

    def loss(self, snapshot: Snapshot) -> int:
        """What comes out is worth so many bps less, up; below zero: more."""
        value = self.value(snapshot)
        return ceil_div((value - _worth(self.asset_out, self.swap.amount_out, snapshot)) * BPS, value) if value else 0


@dataclass(frozen=True, slots=True)
class Unwound:
    """What the batch does after its liquidations. Recalls are (asset, amount); `unsold` found no pool,
    and of `braked` the vault lets less go this hour than would be swapped."""

    recalls: tuple[tuple[int, int], ...] = ()
    sales: tuple[Order, ...] = ()
    trades: tuple[Trade, ...] = ()
    purchases: tuple[Order, ...] = ()
    repaid: tuple[int, ...] = ()
    unsold: tuple[int, ...] = ()
    braked: tuple[int, ...] = ()

    @property
    def orders(self) -> tuple[Order, ...]:
        return self.sales + self.purchases


@dataclass(frozen=True, slots=True)
class Unwinding:
    """How it is done: `slippage` in bps; `ahead`, seconds of interest that may accrue before the batch is in a block;
    `lent_cash`, what may be recalled by asset; `sell` False keeps what is not needed to repay."""

    slippage: int = 0
    ahead: int = 0
    lent_cash: Mapping[int, int] = field(default_factory=dict)
    sell: bool = True

    def of(self, book: Book) -> Unwound:
        """Unwinds the book, in place."""
        recalls = tuple(self._recalls(book))
        unsold: set[int] = set()
        braked: set[int] = set()
        sales = self._sales(book, unsold, braked) if book.depths else []
        trades = book.close()
        purchases = self._purchases(book, braked) if book.depths else []
        repaid = self._repay(book)
        book.settle()
        left = tuple(sorted(unsold - braked)), tuple(sorted(braked))
        return Unwound(recalls, tuple(sales), tuple(trades), tuple(purchases), repaid, *left)

    # ---------------------------------------------------------------- lent

    def _recalls(self, book: Book) -> list[tuple[int, int]]:
        """What is worth it, and all of whatever can be recalled in full: a single share left would keep every borrower
        of that asset out of the account."""
        found = []
        for asset, shares in sorted(book.lent.items()):
            claim = book.claim(asset)
            amount = min(claim, self.lent_cash.get(asset, 0))
            if asset not in self.lent_cash or (amount < claim and book.value(asset, amount) < DUST):
                continue
            _, index = indices(book.snapshot.lending[asset], book.snapshot.time)
            part = shares if amount == claim else interest_math.shares_up(amount, index)
            book.hold(asset, amount)
            book.lent[asset] = shares - part
            if part == shares:
                del book.lent[asset]
            found.append((asset, MAX_UINT256 if amount == claim else amount))
        return found

    # ---------------------------------------------------------------- swaps

    def _sales(self, book: Book, unsold: set[int], braked: set[int]) -> list[Order]:
        orders = []
        kept: dict[int, int] = {}  # what a purchase may take more than it should
        for owed in self._lacking(book):
            for asset in self._spare(book, kept):
                if self._lack(book, owed) and (order := self._into(book, asset, owed, kept.get(asset, 0), braked)):
                    kept[asset] = kept.get(asset, 0) + (order.bound - order.swap.amount_in if order.exact_out else 0)
                    orders.append(order)
        for asset in self._spare(book, kept) if self.sell or book.owed else ():
            amount = self._over(book, asset) - kept.get(asset, 0)
            if order := self._exact_in(book, asset, amount, QUOTE, braked):
                orders.append(order)
            else:
                unsold.add(asset)
        return orders

    def _into(self, book: Book, asset: int, owed: int, kept: int, braked: set[int]) -> Order | None:
        """Collateral into what is owed: exactly that much of it, or all the collateral."""
        spare = self._over(book, asset) - kept
        order = self._exact_out(book, asset, owed, self._lack(book, owed), spare, braked)
        return order or self._exact_in(book, asset, spare, owed, braked)

    def _purchases(self, book: Book, braked: set[int]) -> list[Order]:
        """What is still lacking, for quote. A quote balance below zero afterwards is what the keeper lacks."""
        lacking = [(owed, self._lack(book, owed)) for owed in self._lacking(book)]
        found = [self._exact_out(book, QUOTE, owed, amount, None, braked) for owed, amount in lacking]
        return [order for order in found if order]

    def _exact_in(self, book: Book, asset: int, amount: int, other: int, braked: set[int]) -> Order | None:
        """All of it, or what the brake of its vault has room for."""
        depths, room = _depths(book), book.room.get(asset, amount)
        if amount > room:
            braked.add(asset)
            amount = room
            if book.value(asset, amount) < DUST:
                return None
        try:
            swap = depths.best_in(asset, amount, other)
        except (NoRoute, TooLarge):
            return None
        order = Order(asset, other, swap, swap.amount_out * (BPS - self.slippage) // BPS)
        return _done(book, order) if swap.amount_out else None

    def _exact_out(
        self, book: Book, asset: int, other: int, amount: int, most: int | None, braked: set[int]
    ) -> Order | None:
        """`most` None: whatever it takes; the order's bound then leaves nothing below zero that is there."""
        depths = _depths(book)
        try:
            swap = depths.best_out(asset, other, amount)
        except (NoRoute, TooLarge):
            return None
        bound = ceil_div(swap.amount_in * (BPS + self.slippage), BPS)
        if most is None:
            there = (book.held.get(asset, 0) - book.doubt.get(asset, 0)) * (BPS - self.slippage) // BPS
            bound = max(swap.amount_in, min(bound, there))  # sales may have brought less
        elif bound > most:
            return None
        if bound > book.room.get(asset, bound):
            braked.add(asset)
            return None
        return _done(book, Order(asset, other, swap, bound, exact_out=True))

    def _over(self, book: Book, asset: int) -> int:
        """What is held for certain beyond what will be owed; below zero what is lacking."""
        return book.held.get(asset, 0) - book.doubt.get(asset, 0) - book.debt(asset, self.ahead)

    def _lack(self, book: Book, asset: int) -> int:
        return positive(-self._over(book, asset))

    def _lacking(self, book: Book) -> list[int]:
        """Assets that are owed and not held, but quote; the largest first."""
        lacking = [asset for asset in book.owed if asset != QUOTE and self._lack(book, asset)]
        return sorted(lacking, key=lambda asset: -book.value(asset, self._lack(book, asset)))

    def _spare(self, book: Book, kept: Mapping[int, int]) -> list[int]:
        spare = {asset: self._over(book, asset) - kept.get(asset, 0) for asset in book.held if asset != QUOTE}
        worth = {asset: book.value(asset, amount) for asset, amount in spare.items() if amount > 0}
        return sorted((asset for asset in worth if worth[asset] >= DUST), key=lambda asset: -worth[asset])

    # ---------------------------------------------------------------- debts

    def _repay(self, book: Book) -> tuple[int, ...]:
        """Every debt that can be paid back in full; of quote also one that cannot, since that is what is missing."""
        able = [asset for asset in sorted(book.owed) if asset == QUOTE or not self._lack(book, asset)]
        for asset in able:
            book.hold(asset, -book.debt(asset))
            del book.owed[asset]
        return tuple(able)


def _worth(asset: int, amount: int, snapshot: Snapshot) -> int:
    params = snapshot.assets[asset]
    return value_down(amount, snapshot.price(params.feed).value, params.decimals)


def _depths(book: Book) -> Depths:
    assert book.depths is not None
    return book.depths


def _done(book: Book, order: Order) -> Order:
    _depths(book).apply(order.swap)
    book.hold(order.asset_in, -order.swap.amount_in)
    book.hold(order.asset_out, order.swap.amount_out)
    most, least = (order.bound, order.swap.amount_out) if order.exact_out else (order.swap.amount_in, order.bound)
    for asset, change in ((order.asset_in, -most), (order.asset_out, least)):
        if asset in book.room:  # what comes into a vault gives room back
            book.room[asset] += change
    return order
