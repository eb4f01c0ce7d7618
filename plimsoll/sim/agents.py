"""What traders and LPs send in a step, given the page of the step before and the new prices. They may be refused."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from plimsoll.actions import settle, withdraw
from plimsoll.sim.borrowers import Borrowers
from plimsoll.sim.clerk import Clerk, Order, cut
from plimsoll.sim.page import Page
from plimsoll.sim.population import Impulse, Population, Trader
from plimsoll.sim.scene import Scene, person
from plimsoll.sim.stretched import Crowd

DESK, PROFIT = person("desk"), person("keeper profit")
SETTLE_PAGE = 100


@dataclass
class Agents:
    """All of them."""

    scene: Scene
    population: Population
    keeper: bytes | None = None
    crowd: Crowd = field(default_factory=Crowd)
    borrowers: Borrowers = field(default_factory=Borrowers)
    settle_every: int = 3600
    _pending: dict[int, None] = field(default_factory=dict)
    _requests: int = 0
    _at: int = 0
    _lp_at: int = 0

    def __post_init__(self) -> None:
        self._times = [impulse.time for impulse in self.population.impulses]
        self._lp_times = [impulse.time for impulse in self.population.lp_impulses]
        self._requests = len(self.population.providers)
        self.clerk = Clerk(self.scene)

    def orders(self, time: int, step: int, prices: tuple[int, ...], page: Page) -> list[Order]:
        """Everything that is sent in the step that ends at `time`."""
        self._time, self._prices, self._page, self._rows = time, prices, page, page.row_of
        self.clerk.look(time, prices, page)
        found = [*self._reactions()]
        until = bisect_right(self._times, time)
        for impulse in self.population.impulses[self._at : until]:
            found += self._act(self.population.traders[impulse.trader], impulse)
        self._at = until
        found += [*self.crowd.orders(self.clerk), *self.borrowers.orders(self.clerk)]
        found += [*self._lps(), *self._desk()]
        if time % self.settle_every < step:
            found += self._settlements()
        return found

    def executed(self, requests: list[int]) -> None:
        """The pool has executed these; nobody asks for them again."""
        for request in requests:
            self._pending.pop(request, None)
        requests.clear()

    # ---------------------------------------------------------------- calls

    def _reactions(self) -> Iterator[Order]:
        deadlines = self._page.table.deadlines
        for trader in self.population.traders:
            row = self._rows.get(trader.account)
            if row is None or deadlines[row] == 0:
                trader.due = None
                continue
            if trader.due is None:
                trader.due = self._time + trader.delay
            elif self._time >= trader.due:
                trader.due = self._time + trader.delay
                yield from self._answer(trader, row)

    def _answer(self, trader: Trader, row: int) -> Iterator[Order]:
        scores = self._page.scores
        missing = float(scores.im0[row] * 1.25 - scores.equity[row])
        if missing <= 0 or trader.reaction == "ignore":
            return
        if trader.reaction == "top up" and trader.top_ups > 0:
            trader.top_ups -= 1
            yield from self.clerk.deposit(trader, 0, int((missing + 1) * 10**6), "top_up")
        elif scores.equity[row] > 0:
            part = min(1.0, 1.25 * float(1 - scores.equity[row] / (1.5 * scores.im0[row])))
            pieces = [(market, cut(size, part)) for market, size in self.clerk.positions(row)]
            if actions := [self.clerk.trade(trader, market, -size) for market, size in pieces if size]:
                yield self.clerk.order("reduce", trader, *actions, reducing=True)

    # ---------------------------------------------------------------- impulses

    def _act(self, trader: Trader, impulse: Impulse) -> Iterator[Order]:
        clerk, row = self.clerk, self._rows.get(trader.account)
        positions = clerk.positions(row)
        if impulse.first or row is None:
            yield from clerk.deposit(trader, trader.collateral, clerk.units(trader.collateral, trader.margin))
            yield from self._open(trader, impulse, float(trader.margin))
            return
        equity = float(self._page.scores.equity[row])
        if not positions:
            yield from self._return(trader, impulse, row, equity)
        elif impulse.draw < 0.35:
            yield from self._reduce(trader, row, positions, 0.2 + 0.4 * impulse.amount)
        elif impulse.draw < 0.55:
            market, size = positions[0]
            more = cut(size, 0.1 + 0.2 * impulse.amount)
            yield clerk.order("trade", trader, clerk.trade(trader, market, more))
        elif impulse.draw < 0.80:
            yield from self._reduce(trader, row, positions, 1.0)
        elif impulse.draw < 0.90:
            market, size = positions[0]
            yield self.clerk.order("trade", trader, self.clerk.trade(trader, market, -2 * size))

    def _return(self, trader: Trader, impulse: Impulse, row: int, equity: float) -> Iterator[Order]:
        """Nothing open: back into the market, with new money when too little is left; or out with some of it."""
        if equity < 0.4 * trader.margin:
            if impulse.draw < 0.5 and not trader.gambler:
                return
            yield from self.clerk.deposit(trader, 0, int(trader.margin * 10**6 - max(0.0, equity) * 10**6))
            equity = float(trader.margin)
        elif impulse.draw > 0.93:
            held = int(self._page.table.held[row, 0] * 0.3)
            if held:
                yield self.clerk.order("withdrawal", trader, withdraw(trader.account, 0, held, trader.owner))
            return
        yield from self._open(trader, impulse, equity)

    def _open(self, trader: Trader, impulse: Impulse, equity: float) -> Iterator[Order]:
        market = trader.markets[int(impulse.amount * 1e6) % len(trader.markets)]
        size = self.clerk.size(market, equity * trader.leverage * 0.97)
        if impulse.draw * 7 % 1 >= trader.long_share:
            size = -size
        if size:
            yield self.clerk.order("trade", trader, self.clerk.trade(trader, market, size))

    def _reduce(self, trader: Trader, row: int, positions: list[tuple[int, int]], part: float) -> Iterator[Order]:
        actions = [self.clerk.trade(trader, market, -cut(size, part)) for market, size in positions if cut(size, part)]
        scores = self._page.scores
        strained = bool(scores.equity[row] < 1.3 * scores.im0[row])
        if actions:
            yield self.clerk.order("reduce" if strained else "trade", trader, *actions, reducing=strained)

    # ---------------------------------------------------------------- LPs, desk and settlement

    def _desk(self) -> Iterator[Order]:
        """Buys the collateral that the keeper has taken over, half a per cent below index, and refills its float."""
        if self.keeper is None:
            return
        scene, quote = self.scene, 0
        for asset, params in enumerate(scene.deployment.parameters.assets):
            if asset == 0:
                continue
            token = scene.deployment.tokens[asset]
            units = int(token.read("balanceOf", PROFIT))
            if units:
                price = self.clerk.price_of_asset(asset)
                quote += units * price * 995 // 1000 // 10 ** (params.decimals + 4)
                yield Order("wallet", scene.call(PROFIT, token, "transfer", DESK, units))
        if quote:
            for tx in scene.deposited(DESK, self.keeper, 0, quote):
                yield Order("wallet", tx)

    def _lps(self) -> Iterator[Order]:
        pool, scene = self.scene.deployment.pool, self.scene
        until = bisect_right(self._lp_times, self._time)
        for impulse in self.population.lp_impulses[self._lp_at : until]:
            owner, brought = self.population.providers[impulse.provider]
            amount = int(brought * impulse.share)
            self._requests += 1
            self._pending[self._requests] = None
            if impulse.leave:
                yield Order("lp", scene.call(owner, pool, "requestRedeem", amount * 10**18, owner))
            else:
                token = scene.deployment.tokens[0]
                yield Order("lp", scene.call(owner, token, "mint", owner, amount * 10**6))
                yield Order("lp", scene.call(owner, pool, "requestDeposit", amount * 10**6, owner))
        self._lp_at = until
        if self._pending and self._time % 1800 == 0:
            caller = self.population.providers[0][0]
            yield Order("lp", scene.call(caller, pool, "execute", list(self._pending)))

    def _settlements(self) -> Iterator[Order]:
        """PnL into cash, so that losers' money is there when winners leave. Anyone may; here a passer-by does."""
        sizes = self._page.table.sizes
        for market in range(sizes.shape[1]):
            rows = sizes[:, market].nonzero()[0].tolist()
            for first in range(0, len(rows), SETTLE_PAGE):
                ids = [self._page.ids[row] for row in rows[first : first + SETTLE_PAGE]]
                yield Order("settle", self.scene.execute(self.scene.deployment.manifest.deployer, settle(market, ids)))
