"""The arena of the campaign: one deployed protocol with people in it, from which every sequence starts."""

from __future__ import annotations

from dataclasses import dataclass, field

from campaign.book import Book
from campaign.cast import ASSETS, BOOKED, FEEDS, MARKETS, PEOPLE, WAD
from plimsoll import accounts as ids
from plimsoll import contracts, ledger
from plimsoll.abi import keccak
from plimsoll.actions import MAX_UINT256, deposit
from plimsoll.chain import LocalChain
from plimsoll.contracts import Contract
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.testing import World
from plimsoll.testing.world import START_PRICES

ACCOUNTS_SLOT = 14
OPERATORS_SLOT = 11
PRICES_SLOT = 1  # OracleRouter
SUPPLY_SLOT, BALANCES_SLOT = 2, 0  # of every ERC-20 here
ESCROWED_SLOT, CLAIMABLE_SLOT = 9, 10  # LiquidityPool
HOOK_ASSET = (18, 3, 2000, 1000, 60, 10_000, 10**24, 0, 0, 1000)


def holder_slot(address: str, slot: int = BALANCES_SLOT) -> int:
    return int.from_bytes(keccak(bytes(12) + bytes.fromhex(address[2:]) + slot.to_bytes(32, "big")), "big")


@dataclass
class Arena:
    """Built once per process; every sequence starts from it and is undone afterwards."""

    world: World
    people: dict[str, str]
    accounts: dict[bytes, str]  # id: name of its owner
    hook: Contract
    exchange: Contract
    model: RuleMargin
    tokens: list[Contract] = field(default_factory=list)
    vaults: list[Contract] = field(default_factory=list)

    @classmethod
    def build(cls, chain: LocalChain | None = None) -> Arena:
        world = World.create(chain)
        art = contracts.load()
        chain, admin = world.chain, world.admin

        def put(name: str, *args: object) -> Contract:
            address = chain.deploy(admin, art[name].creation(*args)).contract_address
            return Contract(chain, address, art[name])

        hook = put("HookERC20", "Hooked", "HOOK", 18)
        vault = put("CollateralVault", world.engine.address, 3, hook.address, "Lent Hooked", "lHOOK", 2500, 10**30)
        world.config.write("listAsset", hook.address, vault.address, HOOK_ASSET, sender=admin)
        world.post({})
        exchange = put("MockExchange")
        tokens = [*world.deployed.tokens, hook]
        vaults = [*world.deployed.vaults, vault]
        people = {name: world.actor(name) for name in PEOPLE}
        purse = (2_000_000 * 10**6, 300 * 10**18, 20 * 10**8, 5_000 * 10**18)
        for name, address in people.items():
            if name in ("provider", "sponsor"):
                continue
            for asset in ASSETS:
                tokens[asset].write("mint", address, purse[asset], sender=admin)
                tokens[asset].write("approve", vaults[asset].address, MAX_UINT256, sender=address)
            tokens[0].write("approve", world.pool.address, MAX_UINT256, sender=address)
        for asset in ASSETS:
            tokens[asset].write("mint", exchange.address, purse[asset] * 10, sender=admin)
        cls._put_in_use(world, people, tokens, vaults)
        booked = {}
        for owner, index, market in BOOKED:
            booked[world.account(people[owner], index, market=market)] = owner
        model = RuleMargin(10 * WAD, 15 * WAD, 9000)
        arena = cls(world, people, booked, hook, exchange, model, tokens, vaults)
        arena._plan()
        return arena

    @staticmethod
    def _put_in_use(world: World, people: dict[str, str], tokens: list[Contract], vaults: list[Contract]) -> None:
        """A protocol in use: liquidity of several, lenders, balances, an operator."""
        for name in ("lp", "mallory"):
            world.provide(people[name], 200_000 * 10**6)
        tokens[0].write("approve", world.pool.address, MAX_UINT256, sender=people["lp"])
        tokens[0].write("approve", world.pool.address, MAX_UINT256, sender=people["mallory"])
        for name, asset, amount in (
            ("lender", 0, 10**11),
            ("lender", 1, 10**19),
            ("lender", 3, 10**19),
            ("mallory", 0, 10**9),
        ):
            vaults[asset].write("deposit", amount, people[name], sender=people[name])
        for owner, asset, amount in (
            ("alice", 0, 2 * 10**10),
            ("alice", 1, 5 * 10**18),
            ("bob", 0, 10**10),
            ("bob", 3, 10**20),
        ):
            world.execute(people[owner], deposit(world.account(people[owner]), asset, amount))
        for owner, asset, amount in (("carol", 2, 10**8), ("mallory", 0, 5 * 10**9), ("mallory", 3, 10**19)):
            world.execute(people[owner], deposit(world.account(people[owner]), asset, amount))

    # ---------------------------------------------------------------- what to read

    def _plan(self) -> None:
        world = self.world
        self.names = {address: name for name, address in self.people.items()}
        self.insurance, self.pool_account = world.insurance, world.pool_account
        self.everything = [*self.accounts, self.insurance, self.pool_account]
        slots = [ledger.GLOBALS, ledger.POOL, ledger.TERMS, ledger.LISTED_MARKETS, ACCOUNTS_SLOT]
        for market in MARKETS:
            slots += [ledger.market(market, word) for word in range(5)]
        for asset in ASSETS:
            slots += [ledger.asset(asset), ledger.totals(asset)]
        for account in self.everything:
            slots.append(ledger.header(account))
            slots += [ledger.balance(account, asset) for asset in ASSETS]
            slots += [ledger.position(account, market) for market in MARKETS]
        self.engine_slots = slots
        engine, executor = world.engine.address, world.deployed["Executor"].address
        self.holders = [
            *self.people.values(),
            engine,
            executor,
            world.pool.address,
            self.exchange.address,
            *(vault.address for vault in self.vaults),
        ]
        self.holder_slots = [holder_slot(address) for address in self.holders]
        self.claim_slots = {name: holder_slot(address, CLAIMABLE_SLOT) for name, address in self.people.items()}
        self.executor = executor

    def owner(self, account: bytes) -> str:
        return self.accounts.get(account, "")

    def of(self, *names: str) -> list[bytes]:
        return [account for account, owner in self.accounts.items() if owner in names]

    def isolated_market(self, account: bytes) -> int | None:
        return int.from_bytes(account[21:23], "big") if account[20] == ids.Mode.ISOLATED else None

    def start_prices(self) -> dict[int, int]:
        return dict(START_PRICES)

    def read(self) -> Book:
        """Everything, now."""
        chain = self.world.chain
        evm = chain._evm  # the storage of one contract after another, without a call for each word
        storage = evm.storage
        engine = self.world.engine.address
        raw = [storage(engine, slot) for slot in self.engine_slots]
        router = self.world.router.address
        prices = {feed: storage(router, PRICES_SLOT + feed) for feed in FEEDS}
        holdings = [[storage(t.address, slot) for slot in self.holder_slots] for t in self.tokens]
        shares = [[storage(v.address, slot) for slot in self.holder_slots] for v in self.vaults]
        supplies = [storage(v.address, SUPPLY_SLOT) for v in self.vaults]
        pool = self.world.pool.address
        lp = [storage(pool, slot) for slot in self.holder_slots]
        lp_supply, escrowed = storage(pool, SUPPLY_SLOT), storage(pool, ESCROWED_SLOT)
        claimable = {name: storage(pool, slot) for name, slot in self.claim_slots.items()}
        number, time = chain.block()
        return Book(self, number, time, raw, prices, holdings, shares, supplies, lp, lp_supply, escrowed, claimable)
