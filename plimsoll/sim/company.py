"""Everybody who takes part in a replay, brought onto the stage before the first step."""

from __future__ import annotations

from plimsoll.chain.base import Tx
from plimsoll.errors import BadInput
from plimsoll.keeper.shop import Shop
from plimsoll.sim import borrowers, stretched
from plimsoll.sim import scene as stage
from plimsoll.sim.agents import Agents
from plimsoll.sim.backends import Backend, ProcessBackend
from plimsoll.sim.borrowers import Borrowers
from plimsoll.sim.keeper import KEEPER
from plimsoll.sim.measure import Measures
from plimsoll.sim.population import populate
from plimsoll.sim.prices import PricePath
from plimsoll.sim.scene import Scene, must, person
from plimsoll.sim.setup import Setup
from plimsoll.sim.spot import Spot
from plimsoll.sim.spot_keeper import SpotHand
from plimsoll.sim.uniswap import Uniswap
from plimsoll.sim.venue import Venue
from plimsoll.sim.waterfall import Waterfall


class Company:
    """Traders, borrowers, lenders, LPs and a keeper; `agents` act, `measures` count."""

    def __init__(self, scene: Scene, path: PricePath, setup: Setup, backend: Backend) -> None:
        self.scene, self.path, self.setup, self.backend = scene, path, setup, backend
        self.start, self.end = path.times[0], path.times[-1] + 1
        parameters = scene.deployment.parameters
        population = populate(
            seed=setup.seed,
            traders=setup.traders,
            markets=len(parameters.markets),
            assets=list(range(1, len(parameters.assets))),
            start=self.start,
            end=self.end,
            liquidity=setup.liquidity,
        )
        self.agents = Agents(scene, population, crowd=self._crowd(), borrowers=self._borrowers())
        quiet = frozenset((scene.deployment.pool_account, scene.deployment.insurance_account))
        waterfall = Waterfall([market.symbol for market in parameters.markets], [a.symbol for a in parameters.assets])
        self.measures = Measures(quiet, waterfall)
        for one in self.agents.crowd.people:
            rate = parameters.markets[one.market].im_rates[one.tier - 1]
            self.measures.groups.join(one.account, self.agents.crowd.label(one, path.symbols), rate)
        for borrower in self.agents.borrowers.people:
            rate = borrowers.listed(borrower, parameters)
            self.measures.groups.join(borrower.account, borrowers.label(borrower, parameters), rate)

    def _crowd(self) -> stretched.Crowd:
        markets = self.scene.deployment.parameters.markets
        return stretched.gather(
            seed=self.setup.seed, markets=markets, per_tier=self.setup.stretched, start=self.start, end=self.end
        )

    def _borrowers(self) -> Borrowers:
        parameters, count = self.scene.deployment.parameters, self.setup.borrowers
        if count and not self.setup.exchange and not isinstance(self.backend, ProcessBackend):
            raise BadInput("number of borrowers", count, "without an exchange they are replayed in process only")
        return borrowers.gather(
            seed=self.setup.seed, parameters=parameters, count=count, start=self.start, end=self.end
        )

    # ---------------------------------------------------------------- before the first step

    def open(self, admin: str) -> None:
        """Lets the LPs in, funds insurance, brings lenders and a keeper, and tells the hours before the first step."""
        scene, chain, setup = self.scene, self.backend.chain, self.setup
        providers = [(who, amount * 10**6) for who, amount in self.agents.population.providers]
        stage.open_pool(scene, chain, admin, self.path, providers)
        must(chain, scene.deposited(person("sponsor"), scene.deployment.insurance_account, 0, setup.insurance * 10**6))
        if setup.keeper:
            self.agents.keeper = self.backend.start_keeper(scene, setup.keeper_float, setup.keeper_limit)
            self.measures.keepers.add(self.agents.keeper)
        self._warm_up(admin)
        if setup.borrowers:
            self._lend(admin)

    def _warm_up(self, admin: str) -> None:
        """Tells the hours before the first step, so that volatility is known when it comes."""
        for time, prices in self.path.before:
            self.backend.begin(time)
            for receipt in self.backend.send([self.scene.price_tx(admin, time, prices)]):
                if receipt.error is not None:
                    raise receipt.error

    def _lend(self, admin: str) -> None:
        """The exchange, the lenders, and the keeper's hand for what was borrowed."""
        scene, chain, clerk = self.scene, self.backend.chain, self.agents.clerk
        clerk.prices = self.path.values[0]
        orders = borrowers.lenders(clerk, range(len(scene.deployment.parameters.assets)), self.setup.lent)
        must(chain, [order.tx for order in orders])
        keeper = self.backend.keeper if isinstance(self.backend, ProcessBackend) else None
        if self.setup.exchange:
            self.agents.borrowers.venue = uniswap = Uniswap.open(scene, chain, clerk)
            self.measures.spot = Spot(uniswap.exchange.pools)
            if keeper is not None:
                keeper.shop = Shop(uniswap.exchange, scene.deployment.vaults)
            return
        self.agents.borrowers.venue = venue = Venue.open(scene, chain, admin, clerk)
        if keeper is None:
            return
        keeper.hand = SpotHand(scene, venue, clerk, KEEPER)
        must(chain, _funded(scene, keeper.hand.account, self.setup.spot_float))
        self.measures.keepers.add(keeper.hand.account)


def _funded(scene: Scene, account: bytes, amount: int) -> list[Tx]:
    return scene.deposited(KEEPER, account, 0, amount * 10**6)
