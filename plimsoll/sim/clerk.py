"""How people in a replay put what they want into transactions: pieces that all of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from plimsoll.actions import Action, deposit, trade_perp
from plimsoll.chain.base import Tx
from plimsoll.sim.page import Page
from plimsoll.sim.scene import Scene

SIZE, PRICE = 10**8, 10**10
LOT = 10**4  # orders are multiples of 1e-4 units
SLIPPAGE = 100  # bps around index


class Person(Protocol):
    """Who owns an account."""

    @property
    def owner(self) -> str: ...
    @property
    def account(self) -> bytes: ...


@dataclass
class Order:
    """A transaction and whose it is; `kind` is what it is counted as."""

    kind: str
    tx: Tx
    account: bytes = b""


@dataclass
class Clerk:
    """What is known at a step, and how to act on it. Remembers which allowances exist, nothing else."""

    scene: Scene
    time: int = 0
    prices: tuple[int, ...] = ()
    _known: set[tuple[str, int]] = field(default_factory=set)
    _page: Page | None = None

    def look(self, time: int, prices: tuple[int, ...], page: Page) -> None:
        """The step that is beginning: its prices, and the page of the step before."""
        self.time, self.prices, self._page = time, prices, page

    @property
    def page(self) -> Page:
        assert self._page is not None
        return self._page

    def price(self, symbol: int) -> int:
        """1e-10 quote per unit as the chain counts it."""
        return self.prices[symbol] * self.scene.lots[symbol]

    def price_of_asset(self, asset: int) -> int:
        if asset == 0:
            return PRICE
        return self.price(self.scene.feeds.index(self.scene.deployment.parameters.assets[asset].feed))

    def decimals(self, asset: int) -> int:
        return self.scene.deployment.parameters.assets[asset].decimals

    def units(self, asset: int, amount: float) -> int:
        """What `amount` of quote is in units of an asset."""
        decimals = self.decimals(asset)
        return int(amount * 10**6) * PRICE * 10**decimals // (self.price_of_asset(asset) * 10**6)

    def size(self, market: int, notional: float) -> int:
        """What `notional` of quote is in whole lots of a market."""
        return int(notional) * SIZE * PRICE // self.price(market) // LOT * LOT

    def positions(self, row: int | None) -> list[tuple[int, int]]:
        if row is None:
            return []
        return [(market, int(size)) for market, size in enumerate(self.page.table.sizes[row]) if size]

    def trade(self, person: Person, market: int, size: int) -> Action:
        limit = self.price(market) * (10_000 + (SLIPPAGE if size > 0 else -SLIPPAGE)) // 10_000
        return trade_perp(person.account, market, size, limit, self.time + 60)

    def order(self, kind: str, person: Person, *actions: Action, reducing: bool = False) -> Order:
        return Order(kind, self.scene.execute(person.owner, *actions, reducing=reducing), person.account)

    def wallet(self, person: Person, asset: int, units: int) -> Iterator[Order]:
        """Puts tokens into somebody's wallet, and lets the vault take them."""
        mint, approve = self.scene.minted(person.owner, asset, units)
        yield Order("wallet", mint)
        if (person.owner, asset) not in self._known:
            self._known.add((person.owner, asset))
            yield Order("wallet", approve)

    def deposit(self, person: Person, asset: int, units: int, kind: str = "deposit") -> Iterator[Order]:
        if units > 0:
            yield from self.wallet(person, asset, units)
            yield self.order(kind, person, deposit(person.account, asset, units))


def cut(size: int, part: float) -> int:
    """`part` of a size, in whole lots; all of it for 1."""
    return size if part >= 1 else int(size * part) // LOT * LOT
