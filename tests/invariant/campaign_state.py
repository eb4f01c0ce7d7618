"""The arena of the campaign: one deployed protocol with people in it, and `Book`, everything it holds at one moment.

A book is read from raw storage, about 300 words, so that nothing in it is what the contracts' own views say. The exact
twins (plimsoll.margin) are then asked about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from plimsoll import accounts as ids
from plimsoll import contracts, ledger
from plimsoll.abi import keccak
from plimsoll.actions import MAX_UINT256, deposit
from plimsoll.chain import LocalChain
from plimsoll.contracts import Contract
from plimsoll.margin import account as twin
from plimsoll.margin import words
from plimsoll.margin.asset_math import QUOTE_PRICE
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.testing import World
from plimsoll.testing.world import START_PRICES

WAD, SIZE, BPS = 10**18, 10**8, 10**4
UNIT = 10**12  # WAD per unit of the quote token
ASSETS = (0, 1, 2, 3)  # USDC, WETH, WBTC, and a token with hooks
MARKETS = (0, 1, 2)
FEEDS = (1, 2, 3, 4, 5)
PEOPLE = ("alice", "bob", "carol", "keeper", "lender", "lp", "provider", "sponsor", "mallory", "mallet", "operator")
ATTACKERS = frozenset(("mallory", "mallet"))
#: owner, index, market (None: cross)
BOOKED = (
    ("alice", 0, None),
    ("alice", 1, None),
    ("alice", 0, 0),
    ("bob", 0, None),
    ("bob", 0, 1),
    ("carol", 0, None),
    ("keeper", 0, None),
    ("lender", 0, None),
    ("mallory", 0, None),
    ("mallory", 1, None),
    ("mallory", 2, 0),
    ("mallet", 0, None),
    ("mallet", 1, 2),
)
ACCOUNTS_SLOT = 14
OPERATORS_SLOT = 11
PRICES_SLOT = 1  # OracleRouter
SUPPLY_SLOT, BALANCES_SLOT = 2, 0  # of every ERC-20 here
ESCROWED_SLOT, CLAIMABLE_SLOT = 9, 10  # LiquidityPool
HOOK_ASSET = (18, 3, 2000, 1000, 60, 10_000, 10**24)


@lru_cache(maxsize=1 << 18)
def decode(kind: type, word: int):
    """A word taken apart; most words do not change from step to step."""
    return kind.from_word(word)


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
        vault = put("CollateralVault", world.engine.address, 3, hook.address, "Lent Hooked", "lHOOK")
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
        # A protocol in use: liquidity of several, lenders, balances, an operator.
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
        booked = {}
        for owner, index, market in BOOKED:
            booked[world.account(people[owner], index, market=market)] = owner
        model = RuleMargin(10 * WAD, 15 * WAD, 9000)
        arena = cls(world, people, booked, hook, exchange, model, tokens, vaults)
        arena._plan()
        return arena

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


class Book:
    """One moment. Values WAD unless said otherwise."""

    def __init__(
        self, arena, number, time, raw, prices, holdings, shares, supplies, lp, lp_supply, escrowed, claimable
    ) -> None:
        self.arena, self.number, self.time = arena, number, time
        self.raw, self.raw_prices = raw, prices
        self.holdings, self.shares, self.supplies = holdings, shares, supplies
        self.lp, self.lp_supply, self.escrowed, self.claimable = lp, lp_supply, escrowed, claimable
        self.globals = decode(words.Globals, raw[0])
        self.pool = decode(words.Pool, raw[1])
        self.terms = decode(words.Terms, raw[2])
        self.listed_markets, self.account_count = raw[3], raw[4]
        at = 5
        self.markets: dict[int, twin.Market] = {}
        for market in MARKETS:
            state, risk, costs, trade, insurance = raw[at : at + 5]
            at += 5
            self.markets[market] = twin.Market(
                risk=decode(words.MarketRisk, risk),
                state=decode(words.MarketState, state),
                costs=decode(words.MarketCosts, costs),
                trade=decode(words.MarketTrade, trade),
                insurance=decode(words.MarketInsurance, insurance),
            )
        self.assets: dict[int, words.AssetParams] = {}
        self.totals: dict[int, words.Totals] = {}
        for asset in ASSETS:
            self.assets[asset] = decode(words.AssetParams, raw[at])
            self.totals[asset] = decode(words.Totals, raw[at + 1])
            at += 2
        self.accounts: dict[bytes, twin.Account] = {}
        self.words: dict[bytes, tuple[int, ...]] = {}
        width = 1 + len(ASSETS) + len(MARKETS)
        for account in arena.everything:
            row = tuple(raw[at : at + width])
            at += width
            self.words[account] = row
            self.accounts[account] = account_of(account, row)
        self.prices = {feed: decode(words.Price, word) for feed, word in prices.items()}
        self.snapshot = twin.Snapshot(
            time=time,
            model=arena.model,
            globals=self.globals,
            terms=self.terms,
            assets=self.assets,
            markets=self.markets,
            prices=self.prices,
            block=number,
        )
        self.index = {
            market: twin.index_now(m.state, m.risk, self.prices[m.risk.feed].value, time)
            for market, m in self.markets.items()
        }
        self._assessed: dict[tuple[bytes, int], twin.Assessment] = {}

    # ---------------------------------------------------------------- parts

    def held(self, account: bytes, asset: int = 0) -> int:
        return self.accounts[account].balances[asset].held

    def size(self, account: bytes, market: int) -> int:
        return self.accounts[account].positions[market].size

    def price(self, market: int) -> int:
        return self.prices[self.markets[market].risk.feed].value

    def asset_price(self, asset: int) -> int:
        return QUOTE_PRICE if asset == 0 else self.prices[self.assets[asset].feed].value

    def value(self, asset: int, amount: int) -> int:
        return amount * self.asset_price(asset) * 10**8 // 10 ** self.assets[asset].decimals

    def good(self, market: int) -> bool:
        risk = self.markets[market].risk
        return twin.is_good(self.prices[risk.feed], risk.max_age, self.time)

    @property
    def all_good(self) -> bool:
        return all(twin.is_good(price, 60, self.time) for feed, price in self.prices.items() if feed <= 3)

    def assess(self, account: bytes, use: twin.PriceUse = twin.PriceUse.TARGET) -> twin.Assessment:
        key = (account, use)
        if key not in self._assessed:
            self._assessed[key] = twin.assess(self.accounts[account], self.snapshot, use)
        return self._assessed[key]

    def state(self, account: bytes) -> twin.AccountState:
        return twin.account_state(self.accounts[account], self.assess(account), self.snapshot)

    # ---------------------------------------------------------------- worth, at last prices whatever their age

    def pnl(self, account: bytes, market: int) -> int:
        position = self.accounts[account].positions[market]
        return position.size * (self.price(market) - self.index[market]) - position.cost

    def equity(self, account: bytes) -> int:
        entry = self.accounts[account]
        worth = sum(self.value(asset, balance.held) for asset, balance in entry.balances.items() if balance.held)
        for market in twin.bits(entry.header.markets):
            worth += self.pnl(account, market)
        return worth

    def potential(self) -> int:
        """Φ: what the traders would be paid in premium if all of them closed at index."""
        total = 0
        for market, m in self.markets.items():
            skew = m.state.skew
            total += -(-abs(skew) * self.price(market) * abs(skew) // (2 * m.trade.skew_scale))
        return total

    def pool_equity(self) -> int:
        """From the positions themselves, not from the market's sums."""
        worth = self.held(self.arena.pool_account) * UNIT
        for account in self.arena.accounts:
            for market in twin.bits(self.accounts[account].header.markets):
                worth -= self.pnl(account, market)
        return worth

    def close_out(self) -> int:
        return self.pool_equity() - self.potential()

    def wealth(self, name: str, close_out: int, pending: dict) -> int:
        """All that a person owns anywhere in and around the protocol."""
        arena = self.arena
        place = PEOPLE.index(name)
        worth = sum(self.equity(account) for account in arena.of(name))
        for asset in ASSETS:
            amount = self.holdings[asset][place]
            if own := self.shares[asset][place]:
                amount += own * (self.totals[asset].lent + 1) // (self.supplies[asset] + 10**6)
            worth += self.value(asset, amount)
        lp = self.lp[place]
        for kind, controller, amount in pending.values():
            if controller != name:
                continue
            if kind == "deposit":
                worth += amount * UNIT
            else:
                lp += amount
        worth += lp * (max(close_out, 0) + WAD) // (self.lp_supply + WAD)
        return worth + self.claimable[name] * UNIT


@lru_cache(maxsize=1 << 16)
def account_of(account: bytes, row: tuple[int, ...]) -> twin.Account:
    header = decode(words.Header, row[0])
    return twin.Account(
        account,
        header,
        {asset: decode(words.Balance, row[1 + n]) for n, asset in enumerate(ASSETS)},
        {market: decode(words.Position, row[1 + len(ASSETS) + n]) for n, market in enumerate(MARKETS)},
    )
