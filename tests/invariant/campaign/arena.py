"""The arena of the campaign: one deployed protocol with people in it, from which every sequence starts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from campaign.book import Book
from campaign.cast import ASSETS, BOOKED, FEEDS, MARKETS, PAIR, PAIRS, PEOPLE, WAD
from campaign.parts import Outside, decode_epoch
from plimsoll import accounts as ids
from plimsoll import contracts, ledger
from plimsoll.abi import checksum, keccak
from plimsoll.actions import MAX_UINT256, borrow, deposit, lend
from plimsoll.chain import LocalChain
from plimsoll.contracts import Contract
from plimsoll.deploy.parameters import Pair, Parameters
from plimsoll.margin.epoch_math import Epoch
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.testing import World
from plimsoll.testing.deployment import parameters as standard
from plimsoll.testing.world import START_PRICES

ACCOUNTS_SLOT = 14
OPERATORS_SLOT = 11
MODEL_RAMP_SLOT = 20
PRICES_SLOT = 3  # OracleRouter
SUPPLY_SLOT, BALANCES_SLOT = 2, 0  # of every ERC-20 here
ESCROWED_SLOT, CLAIMABLE_SLOT = 9, 10  # LiquidityPool
QUEUE_SLOT, PAYMENTS_SLOT, ASIDE_SLOT = 6, 7, 8  # CollateralVault
HOOK_ASSET = (18, 3, 2000, 1000, 60, 10_000, 10**24, 10**23, 10_000, 2000)
#: What may leave a vault in an hour, bps and token units.
BRAKES = ((1000, 10**11), (2000, 10**18), (2000, 10**7), (2500, 10**18))
OTHER_MODEL = (12 * WAD, 18 * WAD, 8000)


def parameters() -> Parameters:
    """World's, with a pair, brakes, and volatility of two feeds."""
    plain = standard()
    assets = (
        replace(asset, brake_bps=bps, brake_floor=floor)
        for asset, (bps, floor) in zip(plain.assets, BRAKES, strict=False)
    )
    feeds = (replace(feed, sigma_ref=8000 if feed.number < 3 else 0) for feed in plain.oracle.feeds)
    oracle = replace(plain.oracle, feeds=tuple(feeds))
    return replace(plain, assets=tuple(assets), oracle=oracle, pairs=(Pair(PAIR >> 6 & 63, PAIR & 63, 2000, 1500),))


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
    models: dict[int, RuleMargin]  # by address
    tokens: list[Contract] = field(default_factory=list)
    vaults: list[Contract] = field(default_factory=list)

    @classmethod
    def build(cls, chain: LocalChain | None = None) -> Arena:
        world = World.create(chain, parameters=parameters())
        art = contracts.load()
        chain, admin = world.chain, world.admin

        def put(name: str, *args: object) -> Contract:
            address = chain.deploy(admin, art[name].creation(*args)).contract_address
            return Contract(chain, address, art[name])

        hook = put("HookERC20", "Hooked", "HOOK", 18)
        vault = put("CollateralVault", world.engine.address, 3, hook.address, "Lent Hooked", "lHOOK", *BRAKES[3])
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
            for spender in (world.pool, world.stake):
                tokens[0].write("approve", spender.address, MAX_UINT256, sender=address)
        for asset in ASSETS:
            tokens[asset].write("mint", exchange.address, purse[asset] * 10, sender=admin)
        cls._put_in_use(world, people, tokens, vaults)
        booked = {}
        for owner, index, market in BOOKED:
            booked[world.account(people[owner], index, market=market)] = owner
        table = world.deployed["NormalTable"].address
        other = put("RuleMargin", *OTHER_MODEL, OptionTerms().to_word(), table)
        models = {
            int(world.deployed["RuleMargin"].address, 16): RuleMargin(10 * WAD, 15 * WAD, 9000),
            int(other.address, 16): RuleMargin(*OTHER_MODEL),
        }
        arena = cls(world, people, booked, hook, exchange, models, tokens, vaults)
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
            ("lender", 0, 3 * 10**11),
            ("lender", 1, 5 * 10**19),
            ("lender", 2, 10**8),
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
        Arena._put_on_loan(world, people)

    @staticmethod
    def _put_on_loan(world: World, people: dict[str, str]) -> None:
        """Accounts that lend and accounts that borrow, and someone with a stake in insurance."""
        world.post({})
        carol, pair = world.account(people["carol"], 1), world.account(people["alice"], 3, market=PAIR)
        world.execute(people["carol"], deposit(carol, 0, 5 * 10**10), lend(carol, 0, 4 * 10**10))
        world.execute(people["carol"], deposit(carol, 1, 2 * 10**18), lend(carol, 1, 10**18))
        world.execute(people["bob"], borrow(world.account(people["bob"]), 1, 10**18))
        world.execute(people["alice"], deposit(pair, 1, 10**19), borrow(pair, 0, 10**10))
        world.stake.write("deposit", 20_000 * 10**6, people["carol"], sender=people["carol"])

    # ---------------------------------------------------------------- what to read

    def _plan(self) -> None:
        world = self.world
        self.names = {address: name for name, address in self.people.items()}
        self.insurance, self.pool_account = world.insurance, world.pool_account
        self.everything = [*self.accounts, self.insurance, self.pool_account]
        slots = [ledger.GLOBALS, ledger.POOL, ledger.TERMS, ledger.LISTED_MARKETS, ACCOUNTS_SLOT, MODEL_RAMP_SLOT]
        for market in MARKETS:
            slots += [ledger.market(market, word) for word in range(8)]
            slots += [ledger.untouched(market, long) for long in (True, False)]
        for asset in ASSETS:
            slots += [ledger.asset(asset), ledger.totals(asset), ledger.lending(asset), ledger.debts(asset)]
            slots += [ledger.limits(asset), ledger.flows(asset), ledger.entry(asset, ledger.DEBT_INSURANCE)]
        slots += [ledger.pair(code) for code in PAIRS]
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
            world.stake.address,
            self.exchange.address,
            world.admin,
            *(vault.address for vault in self.vaults),
        ]
        self.holder_slots = [holder_slot(address) for address in self.holders]
        self.claim_slots = {name: holder_slot(address, CLAIMABLE_SLOT) for name, address in self.people.items()}
        self.aside_slots = {address: holder_slot(address, ASIDE_SLOT) for address in self.people.values()}
        self.executor = executor

    def owner(self, account: bytes) -> str:
        return self.accounts.get(account, "")

    def of(self, *names: str) -> list[bytes]:
        """Their accounts, but for those of pairs."""
        return [account for account in self.all_of(*names) if not self.pair(account)]

    def all_of(self, *names: str) -> list[bytes]:
        return [account for account, owner in self.accounts.items() if owner in names]

    def pair(self, account: bytes) -> int:
        """The pair that the account is bound to, or zero."""
        market = int.from_bytes(account[21:23], "big")
        return market if account[20] == ids.Mode.ISOLATED and market >> 15 else 0

    def isolated_market(self, account: bytes) -> int | None:
        isolated = account[20] == ids.Mode.ISOLATED and not self.pair(account)
        return int.from_bytes(account[21:23], "big") if isolated else None

    def start_prices(self) -> dict[int, int]:
        return dict(START_PRICES)

    def read(self) -> Book:
        """Everything, now."""
        chain = self.world.chain
        storage = chain._evm.storage  # of one contract after another, without a call for each word
        engine = self.world.engine.address
        raw = [storage(engine, slot) for slot in self.engine_slots]
        router = self.world.router.address
        prices = {feed: storage(router, PRICES_SLOT + feed) for feed in FEEDS}
        holdings = [[storage(t.address, slot) for slot in self.holder_slots] for t in self.tokens]
        shares = [[storage(v.address, slot) for slot in self.holder_slots] for v in self.vaults]
        number, time = chain.block()
        return Book(self, number, time, raw, prices, self._outside(storage, holdings, shares))

    def _outside(self, storage, holdings: list[list[int]], shares: list[list[int]]) -> Outside:
        pool, stake = self.world.pool.address, self.world.stake.address
        queued, queues, aside = [], [], []
        for vault in self.vaults:
            word = storage(vault.address, QUEUE_SLOT)
            head, tail = word % 2**64, word >> 64 & 2**64 - 1
            queued.append(word >> 128)
            queues.append([self._payment(storage, vault.address, id) for id in range(head, tail)])
            found = {who: storage(vault.address, slot) for who, slot in self.aside_slots.items()} if word >> 128 else {}
            aside.append(found)
        return Outside(
            holdings=holdings,
            shares=shares,
            supplies=[storage(v.address, SUPPLY_SLOT) for v in self.vaults],
            lp=[storage(pool, slot) for slot in self.holder_slots],
            lp_supply=storage(pool, SUPPLY_SLOT),
            escrowed=storage(pool, ESCROWED_SLOT),
            claimable={name: storage(pool, slot) for name, slot in self.claim_slots.items()},
            stake=[storage(stake, slot) for slot in self.holder_slots],
            stake_supply=storage(stake, SUPPLY_SLOT),
            queued=queued,
            queues=queues,
            set_aside=aside,
        )

    @staticmethod
    def _payment(storage, vault: str, id: int) -> tuple[str, int]:
        slot = ledger.entry(id, PAYMENTS_SLOT)
        return checksum((storage(vault, slot) % 2**160).to_bytes(20, "big")), storage(vault, slot + 1)

    def epochs(self, market: int, number: int) -> dict[int, Epoch]:
        """The records of a market's epochs up to `number`."""
        engine, storage = self.world.engine.address, self.world.chain._evm.storage
        return {
            n: decode_epoch(*(storage(engine, slot) for slot in ledger.epoch(market, n))) for n in range(1, number + 1)
        }
