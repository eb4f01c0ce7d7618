"""One deployed protocol with people who trade options, from which every sequence of this machine starts."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll import accounts as ids
from plimsoll import ledger
from plimsoll.actions import lend
from plimsoll.chain import LocalChain
from plimsoll.margin import words
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.testing.options import DAY, OptionWorld

WAD, SIZE, UNIT = 10**18, 10**8, 10**12
ASSETS, MARKETS, FEEDS = (0, 1, 2), (0, 1), (1, 2, 3, 4, 5)
CROSS, ISOLATED, PORTFOLIO = ids.Mode.CROSS, ids.Mode.ISOLATED, ids.Mode.PORTFOLIO
#: owner, mode, market, index, whole units of the quote asset
BOOKED = (
    ("alice", CROSS, 0, 0, 40_000),
    ("alice", PORTFOLIO, 0, 0, 25_000),
    ("alice", ISOLATED, 0, 1, 15_000),
    ("bob", CROSS, 0, 0, 15_000),
    ("bob", PORTFOLIO, 0, 0, 20_000),
    ("carol", ISOLATED, 1, 0, 20_000),
    ("carol", PORTFOLIO, 0, 1, 30_000),
    ("mallory", CROSS, 0, 0, 10_000),
    ("mallory", PORTFOLIO, 0, 0, 10_000),
    ("mallory", PORTFOLIO, 0, 1, 10_000),
    ("maker", CROSS, 0, 0, 400_000),
    ("keeper", CROSS, 0, 0, 500_000),
    ("keeper", PORTFOLIO, 0, 1, 50_000),
)
PEOPLE = tuple(dict.fromkeys(entry[0] for entry in BOOKED))
PRICES_SLOT = 3  # OracleRouter
MARKET_WORDS = (
    words.MarketState,
    words.MarketRisk,
    words.MarketCosts,
    words.MarketTrade,
    words.MarketInsurance,
    words.MarketRamp,
    words.MarketLoss,
    words.MarketClosing,
)


@dataclass
class Arena:
    """Built once per process; every sequence is undone."""

    world: OptionWorld
    accounts: dict[bytes, str]  # id: name of its owner
    lender: bytes
    expiries: dict[int, tuple[int, ...]]
    rule: RuleMargin
    portfolio: PortfolioMargin

    @classmethod
    def build(cls, chain: LocalChain | None = None) -> Arena:
        world = OptionWorld.create(chain).with_options()
        booked = {}
        for owner, mode, market, index, quote in BOOKED:
            account = ids.pack(world.actor(owner), mode, market, index)
            world.fund(account, 0, quote * 10**6)
            booked[account] = owner
        for account in (one for one in booked if one[20] != ISOLATED and booked[one] in ("alice", "bob")):
            world.fund(account, 1, 3 * 10**18)
        lender = world.account(world.actor("lender"))
        world.fund(lender, 0, 300_000 * 10**6)
        world.execute(world.actor("lender"), lend(lender, 0, 200_000 * 10**6))
        world.config.write("setDebtInsurance", 0, 20_000, sender=world.admin)
        near = (world.now // 60 // DAY + 2) * DAY
        expiries = {0: (near, near + 7 * DAY), 1: (near,)}
        world.vols = {}
        world.post({})
        world.show({(market, expiry): 0.6 for market in MARKETS for expiry in expiries[market]}, seconds=1)
        rule = RuleMargin.of(world.deployed["RuleMargin"].read)
        model = PortfolioMargin(world.deployed.parameters.portfolio)
        return cls(world, booked, lender, expiries, rule, model)

    @property
    def everything(self) -> list[bytes]:
        world = self.world
        special = [self.lender, world.insurance, world.pool_account, *(world.clearing(market) for market in MARKETS)]
        return [*self.accounts, *special]

    def of(self, *names: str) -> list[bytes]:
        return [account for account, owner in self.accounts.items() if owner in names]

    def word(self, slot: int) -> int:
        return self.world.chain._evm.storage(self.world.engine.address, slot)

    def market(self, market: int) -> list[object]:
        return [kind.from_word(self.word(ledger.market(market, n))) for n, kind in enumerate(MARKET_WORDS)]
