"""The protocol on brownie's chain: contracts as brownie knows them, prices signed by the local keys.

    world.execute(trader, deposit(account, QUOTE, 10 * USDC))          a batch; returns brownie's transaction
    world.post({ETH_FEED: 2900 * PRICE})                               a signed report of all feeds
    world.fill(before, tx, ETH, SIZE).cost                             what the exact twins say
    world.lend_out(lender, QUOTE, 10**6 * USDC)                        somebody to borrow from

Units: sizes 1e-8, prices 1e-10 quote, amounts in the token's units, values WAD.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from brownie import chain, project

from plimsoll import accounts as ids
from plimsoll import ledger
from plimsoll.actions import MAX_UINT256, Action, batch, deposit, lend
from plimsoll.deploy import Deployment, local_signer_keys
from plimsoll.margin import account as twins
from plimsoll.margin import preview, words
from plimsoll.margin.account import Account, Snapshot
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.prices import PRICE, Quote, ReportSigner

QUOTE, WETH, WBTC = 0, 1, 2
ETH, BTC, SOL, XRP, LINK = range(5)
ETH_FEED, BTC_FEED, SOL_FEED, XRP_FEED, LINK_FEED = range(1, 6)
USDC, ETHER, BITCOIN = 10**6, 10**18, 10**8
SIZE, WAD = 10**8, 10**18
UNIT = 10**12  # quote WAD per unit of the quote token
HOUR, DAY = 3600, 86_400
NOBODY = "0x" + "00" * 20
HEALTHY, RESTRICTED, CALLED, LIQUIDATABLE, BANKRUPT = range(5)
START_PRICES = {1: 3000 * PRICE, 2: 60_000 * PRICE, 3: 150 * PRICE, 4: 20 * PRICE, 5: 15 * PRICE}


class Assessed(NamedTuple):
    """What `engine.assess` answers. Values WAD."""

    equity: int
    im: int
    im0: int
    mm: int
    notional: int
    state: int


class Loans(NamedTuple):
    """What `engine.lendingOf` answers, accrued to now. Amounts and shares in token units, indices 1e-12."""

    lent: int
    lent_shares: int
    lent_index: int
    borrowed: int
    debt_shares: int
    debt_index: int
    reserve: int
    cash: int
    room: int


class World:
    """One deployment, seen through brownie; `prices` are the last ones signed."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.project = project.get_loaded_projects()[0]
        self.engine = self.contract("MarginEngine")
        self.router = self.contract("OracleRouter")
        self.feed = self.contract("OracleRouter")
        self.adapter = self.contract("ChainlinkAdapter")
        self.config = self.contract("MarketConfig")
        self.pool = self.contract("LiquidityPool")
        self.stake = self.contract("InsuranceStake")
        self.lens = self.contract("Lens")
        self.executor = self.contract("Executor")
        self.authority = self.contract("Authority")
        self.tokens = [self.project.MockERC20.at(token.address) for token in deployment.tokens]
        self.vaults = [self.project.CollateralVault.at(vault.address) for vault in deployment.vaults]
        self.signer = ReportSigner(local_signer_keys(), self.feed.address, deployment.manifest.chain_id)
        self.prices = dict(START_PRICES)
        self._put: list[Any] = []

    def contract(self, name: str) -> Any:
        entry = self.deployment.manifest.contracts[name]
        return getattr(self.project, entry.contract).at(entry.address)

    def put(self, name: str, *args: Any) -> Any:
        """Deploys another contract of the project, until the end of the test."""
        contract = getattr(self.project, name).deploy(*args, {"from": self.admin})
        self._put.append(contract)
        return contract

    def forget(self) -> None:
        """What was put is gone with the chain's state; brownie must not find it at its address again."""
        for contract in self._put:
            getattr(self.project, contract._name).remove(contract)
        self._put.clear()

    # ---------------------------------------------------------------- accounts

    @staticmethod
    def account(owner: Any, index: int = 0, *, market: int | None = None) -> bytes:
        """A cross account of `owner`, or with `market` an isolated one."""
        mode = ids.Mode.CROSS if market is None else ids.Mode.ISOLATED
        return ids.pack(str(owner), mode, market or 0, index)

    @property
    def insurance(self) -> bytes:
        return self.account(self.engine.address)

    @property
    def pool_account(self) -> bytes:
        return self.account(self.pool.address)

    # ---------------------------------------------------------------- doing

    def execute(self, sender: Any, *actions: Action, prices: bytes = b"", reducing: bool = False) -> Any:
        return self.engine.execute(batch(actions, prices, reducing), {"from": sender})

    def equip(self, owner: Any, asset: int, amount: int) -> None:
        """Gives `owner` tokens, and the asset's vault an allowance over them."""
        self.tokens[asset].mint(owner, amount, {"from": owner})
        self.tokens[asset].approve(self.vaults[asset], MAX_UINT256, {"from": owner})

    def fund(self, owner: Any, account: bytes, amount: int, asset: int = QUOTE) -> Any:
        """`owner`, who is equipped, deposits into `account`."""
        return self.execute(owner, deposit(account, asset, amount))

    def lend_out(self, lender: Any, asset: int, amount: int) -> bytes:
        """A new account of `lender`, who is equipped here, lends `amount` to whoever borrows."""
        account = self.account(lender, 99)
        self.equip(lender, asset, amount)
        self.execute(lender, deposit(account, asset, amount), lend(account, asset, amount))
        return account

    def calm(self) -> None:
        """An hour without a move: what is lent may leave."""
        self.post()
        self.engine.observeExits({"from": self.admin})
        self.later(HOUR)
        self.post()

    def provide(self, provider: Any, amount: int) -> None:
        """Liquidity through the pool's own queue."""
        self.tokens[QUOTE].mint(provider, amount, {"from": provider})
        self.tokens[QUOTE].approve(self.pool, MAX_UINT256, {"from": provider})
        self.pool.requestDeposit(amount, provider, {"from": provider})
        self.later(self.pool.delay() + 1)
        self.post()
        self.pool.execute([self.pool.requestCount()], {"from": provider})

    # ---------------------------------------------------------------- time and prices

    @property
    def now(self) -> int:
        return chain[-1].timestamp

    @staticmethod
    def later(seconds: int) -> None:
        chain.sleep(seconds)
        chain.mine()

    def report(self, changes: dict[int, int] | None = None, *, at: int | None = None, **options: Any) -> bytes:
        """A report of every feed with `changes`, published now (or `at`). A second passes: prices only move forward."""
        self.prices = {**self.prices, **(changes or {})}
        return self.report_of(self.prices, at=at, **options)

    def report_of(self, prices: dict[int, int], *, at: int | None = None, confidence: int = 100, signers=None) -> bytes:
        """A report of these feeds only."""
        if at is None:
            self.later(1)
        quotes = [Quote(feed, value, confidence) for feed, value in sorted(prices.items())]
        return self.signer.report(self.now if at is None else at, quotes, signers)

    def post(self, changes: dict[int, int] | None = None, **options: Any) -> Any:
        return self.router.update(self.report(changes, **options), {"from": self.admin})

    @property
    def admin(self) -> str:
        return self.deployment.manifest.deployer

    # ---------------------------------------------------------------- seeing

    def assess(self, account: bytes) -> Assessed:
        numbers, state = self.engine.assess(account)
        return Assessed(*numbers, state)

    def held(self, account: bytes, asset: int = QUOTE) -> int:
        return self.engine.held(account, asset)

    def position(self, account: bytes, market: int = ETH) -> tuple[int, int]:
        return tuple(self.engine.position(account, market))

    def loans(self, asset: int) -> Loans:
        return Loans(*self.engine.lendingOf(asset))

    def debt(self, account: bytes, asset: int = QUOTE) -> int:
        return self.engine.debtOf(account, asset)

    def surplus(self, asset: int) -> int:
        """Token units in custody that nobody has a claim on: never below zero, by rounding a few."""
        vault, loans = self.vaults[asset], self.loans(asset)
        owed = self.engine.totals(asset)[0] + loans.lent - loans.borrowed + loans.reserve + vault.queued()
        return vault.balance() - owed

    def header(self, account: bytes) -> words.Header:
        return words.Header.from_word(self.words(ledger.header(account))[0])

    def words(self, *slots: int) -> list[int]:
        return ledger.read(self.deployment.engine, slots)

    # ---------------------------------------------------------------- the same in the exact twins

    def market_words(self, market: int) -> twins.Market:
        state, risk, costs, trade, insurance, ramp, loss, closing = self.words(
            *(ledger.market(market, word) for word in range(8))
        )
        return twins.Market(
            risk=words.MarketRisk.from_word(risk),
            state=words.MarketState.from_word(state),
            costs=words.MarketCosts.from_word(costs),
            trade=words.MarketTrade.from_word(trade),
            insurance=words.MarketInsurance.from_word(insurance),
            ramp=words.MarketRamp.from_word(ramp),
            loss=words.MarketLoss.from_word(loss),
            closing=words.MarketClosing.from_word(closing),
        )

    def snapshot(self, time: int | None = None) -> Snapshot:
        """Everything but the account, as the twins take it, at `time` (default: that of the latest block)."""
        globals_, terms = self.words(ledger.GLOBALS, ledger.TERMS)
        params = self.words(*(ledger.asset(asset) for asset in range(3)))
        lending = self.words(*(ledger.lending(asset) for asset in range(3)))
        model = self.deployment.parameters.model
        feeds = list(range(1, 6))
        return Snapshot(
            time=self.now if time is None else time,
            model=RuleMargin(model.mm_floor, model.im_floor, model.pnl_share, model.options),
            globals=words.Globals.from_word(globals_),
            terms=words.Terms.from_word(terms),
            assets={asset: words.AssetParams.from_word(word) for asset, word in enumerate(params)},
            lending={asset: words.Lending.from_word(word) for asset, word in enumerate(lending)},
            markets={market: self.market_words(market) for market in range(5)},
            prices={f: words.Price.from_word(w) for f, w in zip(feeds, self.router.read(feeds), strict=True)},
            block=chain.height,
        )

    def mirror(self, account: bytes) -> Account:
        balances = self.words(*(ledger.balance(account, asset) for asset in range(3)))
        positions = self.words(*(ledger.position(account, market) for market in range(5)))
        return Account(
            id=account,
            header=self.header(account),
            balances={asset: words.Balance.from_word(word) for asset, word in enumerate(balances)},
            positions={market: words.Position.from_word(word) for market, word in enumerate(positions)},
        )

    @staticmethod
    def fill(before: Snapshot, tx: Any, market: int, size: int) -> preview.Fill:
        """What an order filled in `tx` must have cost, given the snapshot taken before it."""
        return preview.fill(before.markets[market], replace(before, time=tx.timestamp), size)

    def price_for(self, account: bytes, market: int, equity: int) -> int:
        """The price at which the holder of one position has at most `equity` (WAD), funding aside."""
        size, _ = self.position(account, market)
        step = (self.assess(account).equity - equity) // abs(size) + 1
        return self.prices[market + 1] + (-step if size > 0 else step)

    def bring_to(self, account: bytes, equity: int, market: int = ETH) -> int:
        """Posts the price that leaves the account with (at most) this equity; returns the price."""
        price = self.price_for(account, market, equity)
        self.post({market + 1: price})
        return price

    # ---------------------------------------------------------------- parameters

    def set_trade(self, market: int, **changes: int) -> Any:
        trade = replace(self.market_words(market).trade, **changes)
        fields = (trade.skew_scale, trade.max_skew, trade.max_oi, trade.maker_fee, trade.taker_fee)
        return self.config.setMarketTrade(
            market, (*fields, trade.allocation, trade.move, trade.gap), {"from": self.admin}
        )
