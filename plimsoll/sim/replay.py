"""Real days on the real contracts, step by step: a price, the agents, the keeper, the books.

    path = prices.load(["data/ETHUSDT_1h_2020-03.csv", "data/BTCUSDT_1h_2020-03.csv"])
    result = run(path, Setup(traders=400, seed=7))
    result.data["bad_debt"]

In process a result is the same to the byte for the same prices and setup. Timings are not part of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from plimsoll.chain.base import Receipt, Tx
from plimsoll.deploy import deploy
from plimsoll.errors import Reverted
from plimsoll.sim import scene as stage
from plimsoll.sim.agents import Agents
from plimsoll.sim.backends import Backend, make
from plimsoll.sim.book import Book
from plimsoll.sim.clerk import Order
from plimsoll.sim.company import Company
from plimsoll.sim.measure import Measures
from plimsoll.sim.page import Page
from plimsoll.sim.prices import PricePath
from plimsoll.sim.result import Result, collect
from plimsoll.sim.scene import Scene
from plimsoll.sim.setup import Setup

Progress = Callable[[int, int], None]


@dataclass
class Replay:
    """One replay under way."""

    path: PricePath
    setup: Setup
    backend: Backend
    scene: Scene
    agents: Agents
    book: Book
    measures: Measures
    page: Page
    worst: tuple[int, int]  # steps between which the worst hour lies
    pool_start: int = 0
    insurance_start: int = 0
    histograms: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    # ---------------------------------------------------------------- the loop

    def run(self, progress: Progress | None = None) -> None:
        started = time.perf_counter()
        for step in range(len(self.path)):
            self._step(step)
            if progress:
                progress(step + 1, len(self.path))
        self.seconds["steps"] = time.perf_counter() - started

    def _step(self, step: int) -> None:
        now, prices = self.path.times[step], self.path.values[step]
        self.backend.begin(now)
        orders = self.agents.orders(now, self.path.step, prices, self.page)
        told = self._told(now, self.path.told(step))
        receipts = self.backend.send([*told, *(order.tx for order in orders)])
        if told and receipts[0].error is not None:
            raise receipts[0].error
        self._count(orders, receipts[len(told) :])
        page = self.book.read() if orders else self.book.repriced(self.page)
        self.measures.events(self.backend.logs(), step, page)
        self.measures.before_keeper(page, step)
        self.page = self.backend.keep(page, self.book.read)
        self.measures.events(self.backend.logs(), step, self.page)
        self.measures.after_keeper(self.page, self.scene.deployment.insurance_account)
        self.agents.executed(self.measures.executed_requests)
        self._remember(step)

    def _told(self, now: int, prices: tuple[int | None, ...]) -> list[Tx]:
        """The step's report, if there is anything to report."""
        if all(price is None for price in prices):
            return []
        return [self.scene.price_tx(self.scene.deployment.manifest.deployer, now, prices)]

    def _count(self, orders: list[Order], receipts: list[Receipt]) -> None:
        for order, receipt in zip(orders, receipts, strict=True):
            self.measures.counts["orders"] += 1
            if receipt.error is None:
                self.measures.counts[order.kind] += 1
            else:
                name = receipt.error.name if isinstance(receipt.error, Reverted) else type(receipt.error).__name__
                self.measures.refused[name] += 1

    def _remember(self, step: int) -> None:
        for name, at in zip(("before", "after"), self.worst, strict=True):
            if step == at:
                self.histograms[name] = self.measures.histogram(self.page)


def worst_hour(path: PricePath) -> tuple[int, int]:
    """The hour in which the first market moves most: steps at its begin and end."""
    width = max(1, 3600 // path.step)
    first = [row[0] for row in path.values]
    last = max(1, len(path) - width)
    start = max(range(last), key=lambda i: abs(first[min(i + width, len(first) - 1)] / first[i] - 1))
    return start, min(start + width, len(path) - 1)


def prepare(path: PricePath, setup: Setup, backend: Backend) -> Replay:
    """Deploys, lets the LPs in, funds insurance, tells the hours before; nobody has traded yet."""
    chain = backend.chain
    admin = chain.accounts[0]
    parameters = stage.parameters(path, setup)
    deployment = deploy(chain, admin, parameters, directory=backend.directory)
    lots = tuple(stage.lot_of(path, market) for market in range(len(path.symbols)))
    feeds = tuple(feed.number for feed in parameters.oracle.feeds)
    scene = Scene(deployment, stage.signer_for(deployment), feeds, lots)
    company = Company(scene, path, setup, backend)
    company.open(admin)
    backend.attach(scene)
    book = Book(deployment)
    page = book.read()
    replay = Replay(path, setup, backend, scene, company.agents, book, company.measures, page, worst_hour(path))
    replay.pool_start = page.pool_equity
    replay.insurance_start = page.table.held_exact(page.row_of[deployment.insurance_account]) * page.quote_unit
    return replay


def run(path: PricePath, setup: Setup, backend: Backend | None = None, progress: Progress | None = None) -> Result:
    """A whole replay, in process unless a backend is given."""
    backend = backend or make("process", path)
    started = time.perf_counter()
    try:
        replay = prepare(path, setup, backend)
        replay.seconds["setup"] = time.perf_counter() - started
        replay.run(progress)
        log = backend.keeper_log()
    finally:
        backend.close()
    return collect(replay, log)
