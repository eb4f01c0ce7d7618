"""Borrowed spot in a replay: leverage loops and spot shorts at the listed maximum, and the lenders they borrow from.

    pair    collateral and quote debt in an isolated account of their own
    long    the same in a cross account
    short   a borrowed asset sold for quote, in a cross account
    mixed   a loop in a cross account, and a perp of the same market beside it

Each borrows as much as its initial margin allows, swaps through `Call` on an exchange outside the protocol, borrows
more when it has won, repays everything now and then, and comes back with new money after a liquidation. Every other one
answers a margin call, by paying back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from plimsoll.accounts import cross, isolated
from plimsoll.actions import Action, borrow, deposit, lend, repay
from plimsoll.deploy.parameters import Parameters
from plimsoll.exchange.errors import TooLarge
from plimsoll.margin.account import PAIR, haircuts
from plimsoll.sim.clerk import LOT, PRICE, Clerk, Order
from plimsoll.sim.scene import person
from plimsoll.sim.uniswap import Uniswap
from plimsoll.sim.venue import Venue

QUOTE = 0
ACT_SECONDS = 7200  # on average between two looks at one's account
CUSHION = 1.04  # over the initial margin
WON = 1.3  # equity / initial margin at which it borrows more
LEAST = 10  # quote: less than this is not borrowed
LEAVES = 0.06  # of its looks at which a borrower repays everything
PERP_SHARE = 0.3  # of a mixed account's equity


@dataclass(slots=True)
class Borrower:
    """One account. `asset` is what it is long or short of; `margin` in whole quote; `market` of the same feed."""

    owner: str
    account: bytes
    kind: str
    asset: int
    margin: int
    answers: bool
    market: int | None
    answered: int = 0

    @property
    def debt(self) -> int:
        return self.asset if self.kind == "short" else QUOTE


@dataclass
class Borrowers:
    """All of them, when each looks at its account, and with what luck."""

    venue: Venue | Uniswap | None = None
    people: list[Borrower] = field(default_factory=list)
    looks: list[tuple[int, int, float]] = field(default_factory=list)
    _at: int = 0

    def orders(self, clerk: Clerk) -> Iterator[Order]:
        if self.venue is not None:
            yield from self.venue.orders(clerk)
        for one in self.people:
            yield from answer(one, clerk)
        until = bisect_right(self.looks, clerk.time, key=lambda look: look[0])
        for _, number, luck in self.looks[self._at : until]:
            with suppress(TooLarge):  # another time
                yield from self._act(self.people[number], clerk, luck)
        self._at = until

    # ---------------------------------------------------------------- a look

    def _act(self, one: Borrower, clerk: Clerk, luck: float) -> Iterator[Order]:
        page, row = clerk.page, clerk.page.row_of.get(one.account)
        if row is None:
            yield from self._open(one, clerk, 0.0, 0.0)
        elif page.table.deadlines[row]:
            return
        elif page.owed(row, one.debt) == 0:
            yield from self._open(one, clerk, *_worth(one, clerk, row))
        elif luck < LEAVES:
            yield from self._leave(one, clerk, page.owed(row, one.debt))
        else:
            equity, exposed = _worth(one, clerk, row)
            if equity > WON * requirement(one, clerk) * exposed:
                yield from self._borrow(one, clerk, [], equity, exposed, 0.0)

    def _open(self, one: Borrower, clerk: Clerk, equity: float, exposed: float) -> Iterator[Order]:
        """New money where there is too little, and as much borrowed as the initial margin allows."""
        row, missing = clerk.page.row_of.get(one.account), max(0.0, one.margin - equity)
        brings: list[Action] = []
        if missing > 1:
            units = clerk.units(QUOTE, missing)
            yield from clerk.wallet(one, QUOTE, units)
            brings = [deposit(one.account, QUOTE, units)]
        held = float(clerk.page.table.held[row, QUOTE]) / 10 ** clerk.decimals(QUOTE) if row is not None else 0.0
        kept = PERP_SHARE * (equity + missing) if one.market is not None else 0.0
        cash = max(0.0, held + missing - kept) if one.kind != "short" else 0.0
        yield from self._borrow(one, clerk, brings, equity + missing - kept, exposed, cash * 0.999)
        if one.market is not None:
            yield from self._perp(one, clerk, kept)

    def _borrow(
        self, one: Borrower, clerk: Clerk, actions: list[Action], stake: float, exposed: float, cash: float
    ) -> Iterator[Order]:
        """Raises what it is long or short of to what `stake` is the initial margin of; `cash` buys the first part."""
        more = stake / (requirement(one, clerk) * CUSHION) - exposed
        if more <= cash + LEAST:
            return
        assert self.venue is not None
        borrowed = clerk.units(one.debt, more - cash)
        sold = borrowed + clerk.units(one.debt, cash) if one.debt == QUOTE else borrowed
        prices, swap, _ = self.venue.swap(clerk, one.account, one.debt, sold, QUOTE if one.debt else one.asset)
        yield from (Order("wallet", price) for price in prices)
        yield clerk.order("loop", one, *actions, borrow(one.account, one.debt, borrowed), swap)

    def _leave(self, one: Borrower, clerk: Clerk, owed: int) -> Iterator[Order]:
        """Sells what the debt costs, and a little more, and pays it back."""
        assert self.venue is not None
        sold, bought = (QUOTE, one.asset) if one.kind == "short" else (one.asset, QUOTE)
        owed_quote = owed * clerk.price_of_asset(bought) / 10 ** (clerk.decimals(bought) + 10)
        units = clerk.units(sold, owed_quote * 1.012 + 1)
        prices, swap, _ = self.venue.swap(clerk, one.account, sold, units, bought)
        yield from (Order("wallet", price) for price in prices)
        yield clerk.order("unloop", one, swap, repay(one.account, one.debt))

    def _perp(self, one: Borrower, clerk: Clerk, stake: float) -> Iterator[Order]:
        """A hedge or a bet, by the borrower's number; closed and opened anew with the loop."""
        assert one.market is not None
        row = clerk.page.row_of.get(one.account)
        for market, size in clerk.positions(row):
            yield clerk.order("trade", one, clerk.trade(one, market, -size))
        market_ = clerk.scene.deployment.parameters.markets[one.market]
        rate = market_.im_rates[0] / 10_000 * clerk.page.multiplier(market_.feed)
        size = clerk.size(one.market, stake / (rate * 1.2))
        size = size if one.answers else -size
        if abs(size) >= LOT:
            yield clerk.order("trade", one, clerk.trade(one, one.market, size))


def answer(one: Borrower, clerk: Clerk) -> Iterator[Order]:
    """About a margin call: brings what it owes too much of, once per call, half an hour later."""
    row = clerk.page.row_of.get(one.account)
    if row is None or not one.answers or not clerk.page.table.deadlines[row]:
        return
    deadline = int(clerk.page.table.deadlines[row])
    if deadline == one.answered or clerk.time < deadline - 1800:
        return
    one.answered = deadline
    scores = clerk.page.scores
    missing = float(scores.im0[row] * 1.2 - scores.equity[row])
    units = clerk.units(one.debt, missing)
    if units > 0:
        yield from clerk.wallet(one, one.debt, units)
        actions = deposit(one.account, one.debt, units), repay(one.account, one.debt)
        yield clerk.order("top_up", one, *actions)


def _worth(one: Borrower, clerk: Clerk, row: int) -> tuple[float, float]:
    """Equity, and what it is long or short of, at the prices of the step that begins."""
    page, unit = clerk.page, 10 ** clerk.decimals(one.asset)
    before = page.snapshot.price(page.snapshot.assets[one.asset].feed).value
    net = float(page.net(one.asset)[row]) / unit
    now = clerk.price_of_asset(one.asset)
    return float(page.scores.equity[row]) + net * (now - before) / PRICE, abs(net) * now / PRICE


def requirement(one: Borrower, clerk: Clerk) -> float:
    """The initial margin of a unit of what it is long or short of."""
    pair = PAIR | one.asset << 6 | QUOTE if one.kind == "pair" else 0
    return haircuts(pair, one.asset, clerk.page.snapshot)[0] / 10_000


# ---------------------------------------------------------------- who


def gather(*, seed: int, parameters: Parameters, count: int, start: int, end: int) -> Borrowers:
    """`count` borrowers, spread over assets and kinds; a tenth of them with twenty times the usual margin."""
    rng, found = Random(f"borrowers {seed}"), Borrowers()
    choices = list(_choices(parameters))
    for number in range(count if choices else 0):
        kind, asset, market = choices[number % len(choices)]
        owner = person("borrower", number)
        account = isolated(owner, PAIR | asset << 6 | QUOTE) if kind == "pair" else cross(owner)
        margin = min(20_000, max(1_000, int(rng.lognormvariate(8.3, 0.8))))
        margin *= 20 if rng.random() < 0.1 else 1
        found.people.append(Borrower(owner, account, kind, asset, margin, rng.random() < 0.5, market))
    for who in range(len(found.people)):
        time = start + rng.randrange(min(3600, end - start))
        while time < end:
            found.looks.append((time, who, rng.random()))
            time += 1 + int(rng.expovariate(1 / ACT_SECONDS))
    found.looks.sort()
    return found


def _choices(parameters: Parameters) -> Iterator[tuple[str, int, int | None]]:
    markets = {market.feed: number for number, market in enumerate(parameters.markets)}
    paired = {pair.collateral for pair in parameters.pairs if pair.debt == QUOTE}
    for kind in ("pair", "long", "short", "mixed"):
        for asset, params in enumerate(parameters.assets):
            market = markets.get(params.feed)
            if asset == QUOTE or (kind == "pair" and asset not in paired) or (kind == "mixed" and market is None):
                continue
            yield kind, asset, market if kind == "mixed" else None


def label(one: Borrower, parameters: Parameters) -> str:
    """The group it is counted in."""
    symbol, quote = parameters.assets[one.asset].symbol, parameters.assets[QUOTE].symbol
    return f"{symbol}/{quote} pair" if one.kind == "pair" else f"{symbol} {one.kind}"


def listed(one: Borrower, parameters: Parameters) -> int:
    """Its initial margin without volatility, bps."""
    if one.kind == "pair":
        pair = next(pair for pair in parameters.pairs if (pair.collateral, pair.debt) == (one.asset, QUOTE))
        return pair.haircut_im
    return parameters.assets[one.asset].haircut_im


def lenders(clerk: Clerk, assets: Sequence[int], lent: tuple[int, int]) -> Iterator[Order]:
    """Who lends: one person per asset, before anybody borrows. `lent` as in Setup."""
    for asset in assets:
        owner = person("lender", asset)
        account = cross(owner)
        units = clerk.units(asset, lent[asset != QUOTE])
        yield from clerk.wallet(_Lender(owner, account), asset, units)
        yield clerk.order("lend", _Lender(owner, account), deposit(account, asset, units), lend(account, asset, units))


@dataclass(frozen=True)
class _Lender:
    owner: str
    account: bytes
