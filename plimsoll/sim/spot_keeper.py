"""The other hand of an in-process keeper: takes what owes something, and what no batch without capital can close.

Each target is one batch, `Liquidate` into an account of the keeper's own that has a float, and then others in the same
block: what was taken is swapped for quote, what is owed is bought and repaid, perps are closed against the pool. What a
market or a vault's brake leaves no room for stays in the account until a later step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from plimsoll import ledger
from plimsoll.accounts import cross
from plimsoll.actions import Action, liquidate, repay, trade_perp
from plimsoll.chain.base import Receipt, Tx
from plimsoll.keeper.select import Finding
from plimsoll.margin.account import DEBT, indices
from plimsoll.margin.interest_math import amount_up
from plimsoll.margin.words import Balance, Position
from plimsoll.sim.clerk import Clerk
from plimsoll.sim.page import Page
from plimsoll.sim.scene import Scene
from plimsoll.sim.venue import Venue

QUOTE = 0
MARGIN_PPM = 1_012_000  # what is sold to buy what is owed, over the owed: fee, impact, rounding
LEAST = 1.0  # quote: less than this is left where it is
HALVES = 6

Send = Callable[[Sequence[Tx]], list[Receipt]]


@dataclass
class SpotHand:
    """`owner` acts for the account of index 1. `failed` counts refused batches; `acted`: the last turn sent some."""

    scene: Scene
    venue: Venue
    clerk: Clerk
    owner: str
    failed: int = 0
    acted: bool = False

    @property
    def account(self) -> bytes:
        return cross(self.owner, 1)

    def turn(self, findings: Sequence[Finding], page: Page, send: Send) -> int:
        """Takes each, and sells it. Returns how many were taken."""
        self.clerk.look(page.snapshot.time, self.clerk.prices, page)
        taken, left = 0, self._left(page)
        self.acted = left or bool(findings)
        if left:
            self.sell(page, send)
        for finding in findings:
            action = liquidate(self.account, finding.id, skip=True)
            receipt = send([self.scene.execute(self.owner, action)])[-1]
            if receipt.error is not None:
                self.failed += 1
                continue
            taken += 1
            self.sell(page, send)
        return taken

    def _left(self, page: Page) -> bool:
        """Whether something of an earlier step is still there."""
        row = page.row_of.get(self.account)
        if row is None:
            return False
        held = any(self._worth(asset, int(page.table.held[row, asset])) > LEAST for asset in range(1, page.assets))
        return bool(held or page.table.sizes[row].any() or page.table.kinds[row].any())

    def sell(self, page: Page, send: Send) -> None:
        """Turns what the account has into quote, step by step; each is refused alone."""
        for prices, actions in self._sales(page):
            receipts = send([*prices, self.scene.execute(self.owner, *actions)])
            self.failed += receipts[-1].error is not None
        for market in range(page.table.sizes.shape[1]):
            self._close(market, send)

    def _close(self, market: int, send: Send) -> None:
        """As much of a position as the market has room for, in halves."""
        size = part = self._size(market)
        for _ in range(HALVES):
            if not part:
                return
            receipt = send([self.scene.execute(self.owner, trade_perp(self.account, market, -part))])[-1]
            if receipt.error is None:
                size -= part
                part = min(part, size, key=abs)
            else:
                self.failed += 1
                part = int(part / 2)

    # ---------------------------------------------------------------- what there is to sell

    def _sales(self, page: Page) -> Iterator[tuple[list[Tx], list[Action]]]:
        for asset in range(1, page.assets):
            balance = self._balance(asset)
            if owed := self._owed(page, asset, balance):
                yield self._buy(asset, owed - balance.held)
            elif self._worth(asset, balance.held) > LEAST:
                prices, swap, _ = self.venue.swap(self.clerk, self.account, asset, balance.held, QUOTE)
                yield prices, [swap]
        if self._owed(page, QUOTE, self._balance(QUOTE)):
            yield [], [repay(self.account, QUOTE)]

    def _buy(self, asset: int, missing: int) -> tuple[list[Tx], list[Action]]:
        """What is owed beyond what is held, for quote, and the debt paid."""
        pay = repay(self.account, asset)
        if missing <= 0:
            return [], [pay]
        unit = 10 ** (self.clerk.decimals(asset) + 10 - self.clerk.decimals(QUOTE))
        quote = self.clerk.price_of_asset(asset) * missing * MARGIN_PPM // (10**6 * unit)
        prices, swap, _ = self.venue.swap(self.clerk, self.account, QUOTE, quote + 1, asset)
        return prices, [swap, pay]

    def _worth(self, asset: int, units: int) -> float:
        return units * self.clerk.price_of_asset(asset) / 10 ** (self.clerk.decimals(asset) + 10)

    def _owed(self, page: Page, asset: int, balance: Balance) -> int:
        if balance.kind != DEBT:
            return 0
        debt, _ = indices(page.snapshot.lending[asset], page.snapshot.time)
        return amount_up(balance.shares, debt)

    def _balance(self, asset: int) -> Balance:
        return Balance.from_word(ledger.read(self.scene.engine, [ledger.balance(self.account, asset)])[0])

    def _size(self, market: int) -> int:
        return Position.from_word(ledger.read(self.scene.engine, [ledger.position(self.account, market)])[0]).size
