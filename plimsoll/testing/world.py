"""A protocol on a local chain, with people in it.

    world = World.create()                                   # in process; World.create(chain) takes any local chain
    trader = world.actor("trader")
    account = world.account(trader)
    world.fund(account, 0, 10_000 * 10**6)                   # mints, approves, deposits
    world.post({1: 3000 * PRICE})                            # a signed price in a transaction of its own
    world.execute(trader, trade_perp(account, 0, 5 * SIZE), prices=world.report({1: 3010 * PRICE}))
    world.assess(account).equity

Units: sizes 1e-8, prices 1e-10 quote, amounts in the token's units, values WAD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from plimsoll import accounts, contracts
from plimsoll.abi import checksum, keccak
from plimsoll.actions import MAX_UINT256, Action, batch, deposit
from plimsoll.chain import LocalChain, ProcessChain, Receipt
from plimsoll.contracts import Contract
from plimsoll.deploy import Deployment
from plimsoll.deploy.defaults import local_signer_keys
from plimsoll.deploy.parameters import Parameters
from plimsoll.exchange import Exchange
from plimsoll.prices import PRICE, Quote, ReportSigner
from plimsoll.testing.deployment import deploy_local
from plimsoll.testing.deployment import parameters as standard

SIZE = 10**8
WAD = 10**18
START_PRICES = {1: 3000 * PRICE, 2: 60_000 * PRICE, 3: 150 * PRICE, 4: 20 * PRICE, 5: 15 * PRICE}


class Assessed(NamedTuple):
    """What `engine.assess` answers. Values WAD; state is an index of IMarginEngine.AccountState."""

    equity: int
    im: int
    im0: int
    mm: int
    notional: int
    state: int


@dataclass
class World:
    """One deployment and its actors. `prices` are the last ones posted."""

    chain: LocalChain
    deployed: Deployment
    signer: ReportSigner
    prices: dict[int, int] = field(default_factory=dict)
    _actors: dict[str, str] = field(default_factory=dict)
    _funded: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def create(
        cls,
        chain: LocalChain | None = None,
        *,
        parameters: Parameters | None = None,
        liquidity: int = 10_000_000,
        insurance: int = 100_000,
        exchange: bool = False,
    ) -> World:
        """Deploys (by default what tests deploy), posts first prices, funds pool and insurance (whole quote units).

        `exchange`: with a Uniswap v3 whose pools hold the first prices (`world.exchange`).
        """
        chain = chain or ProcessChain()
        deployed = deploy_local(chain, parameters or standard(exchange=exchange))
        signer = ReportSigner(local_signer_keys(), deployed.feed.address, chain.chain_id)
        world = cls(chain, deployed, signer)
        world.post(START_PRICES)
        quote_unit = 10 ** world.token(0).read("decimals")
        if liquidity:
            world.provide(world.actor("provider"), liquidity * quote_unit)
        if insurance:
            world.fund(world.insurance, 0, insurance * quote_unit, by=world.actor("sponsor"))
        return world

    # ---------------------------------------------------------------- contracts

    @property
    def engine(self) -> Contract:
        return self.deployed["MarginEngine"]

    @property
    def router(self) -> Contract:
        return self.deployed["OracleRouter"]

    @property
    def pool(self) -> Contract:
        return self.deployed["LiquidityPool"]

    @property
    def stake(self) -> Contract:
        return self.deployed["InsuranceStake"]

    @property
    def verifier(self) -> Contract:
        return self.deployed.verifier

    @property
    def lens(self) -> Contract:
        return self.deployed["Lens"]

    @property
    def config(self) -> Contract:
        return self.deployed["MarketConfig"]

    @cached_property
    def exchange(self) -> Exchange:
        return Exchange.of(self.deployed)

    @property
    def admin(self) -> str:
        return self.deployed.manifest.deployer

    def token(self, asset: int) -> Contract:
        return self.deployed.tokens[asset]

    def vault(self, asset: int) -> Contract:
        return self.deployed.vaults[asset]

    @property
    def insurance(self) -> bytes:
        return accounts.pack(self.engine.address, accounts.Mode.CROSS, 0, 0)

    @property
    def pool_account(self) -> bytes:
        return accounts.pack(self.pool.address, accounts.Mode.CROSS, 0, 0)

    # ---------------------------------------------------------------- people

    def actor(self, name: str) -> str:
        """The address of a role; the same name is always the same address."""
        if name not in self._actors:
            known = self.chain.accounts
            taken = len(self._actors) + 1
            local = isinstance(self.chain, ProcessChain) or taken >= len(known)
            self._actors[name] = checksum(keccak(b"actor " + name.encode())[12:]) if local else known[taken]
        return self._actors[name]

    def account(self, owner: str, index: int = 0, *, market: int | None = None) -> bytes:
        """A cross account of `owner`, or with `market` an isolated one."""
        mode = accounts.Mode.CROSS if market is None else accounts.Mode.ISOLATED
        return accounts.pack(owner, mode, market or 0, index)

    # ---------------------------------------------------------------- doing

    def execute(self, sender: str, *actions: Action, prices: bytes = b"", reducing: bool = False) -> Receipt:
        return self.engine.write("execute", batch(actions, prices, reducing), sender=sender)

    def fund(self, account: bytes, asset: int, amount: int, *, by: str | None = None) -> Receipt:
        """Mints `amount` to the account's owner (or `by`) and deposits it."""
        payer = by or checksum(account[:20])
        self.mint(payer, asset, amount)
        return self.execute(payer, deposit(account, asset, amount))

    def mint(self, owner: str, asset: int, amount: int) -> None:
        """Gives `owner` tokens, and the asset's vault an allowance over them."""
        self.token(asset).write("mint", owner, amount, sender=self.admin)
        if (owner, asset) not in self._funded:
            self.token(asset).write("approve", self.vault(asset).address, MAX_UINT256, sender=owner)
            self._funded.add((owner, asset))

    def provide(self, provider: str, amount: int) -> None:
        """Liquidity through the pool's own queue: request, delay, first price after it, execution."""
        self.token(0).write("mint", provider, amount, sender=self.admin)
        self.token(0).write("approve", self.pool.address, amount, sender=provider)
        receipt = self.pool.write("requestDeposit", amount, provider, sender=provider)
        request = next(e.args["id"] for e in contracts.events(receipt.logs) if "id" in e.args)
        self.chain.advance(self.pool.read("delay") + 1)
        self.post({})
        self.pool.write("execute", [request], sender=provider)

    def put(self, name: str, *args: object) -> Contract:
        """Deploys one more compiled contract: `world.put("MockExchange")`."""
        artifact = contracts.load()[name]
        receipt = self.chain.deploy(self.admin, artifact.creation(*args))
        assert receipt.contract_address is not None
        return Contract(self.chain, receipt.contract_address, artifact)

    # ---------------------------------------------------------------- prices

    def report(self, changes: Mapping[int, int], *, at: int | None = None, confidence: int = 100) -> bytes:
        """A report of all known feeds with `changes`, published now (or `at`)."""
        prices = {**self.prices, **changes}
        self.prices = prices
        published = self.chain.block()[1] if at is None else at
        return self.signer.report(published, [Quote(feed, value, confidence) for feed, value in sorted(prices.items())])

    def post(self, changes: Mapping[int, int], *, seconds: int = 2) -> Receipt:
        """Moves the chain `seconds` on, then stores a fresh report of all feeds with `changes`."""
        if seconds:
            self.chain.advance(seconds)
        return self.router.write("update", self.report(changes), sender=self.admin)

    # ---------------------------------------------------------------- seeing

    def assess(self, account: bytes) -> Assessed:
        numbers, state = self.engine.read("assess", account)
        return Assessed._make((*numbers, state))

    def held(self, account: bytes, asset: int = 0) -> int:
        return int(self.engine.read("held", account, asset))

    def position(self, account: bytes, market: int) -> tuple[int, int]:
        size, cost = self.engine.read("position", account, market)
        return size, cost

    def events(self, receipt: Receipt, name: str | None = None) -> list[Any]:
        return contracts.events(receipt.logs, name)
