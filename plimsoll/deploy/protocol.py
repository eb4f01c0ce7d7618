"""The deployment plan of Plimsoll: every contract, every parameter, every role, in the order in which they are sent.

The deployer is admin of Authority while the plan runs and so may call what is restricted; its last steps give the
roles away, with their delays, and leave the deployer with nothing unless the parameters name it.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from plimsoll.contracts import Artifacts
from plimsoll.deploy import roles
from plimsoll.deploy.parameters import Asset, Fallback, Feed, Market, Pair, Parameters, Reference, Terms
from plimsoll.deploy.plan import Plan, Ref
from plimsoll.exchange.steps import exchange_steps
from plimsoll.margin.black76 import TABLE_FILE
from plimsoll.margin.decimal_float import exactly
from plimsoll.margin.words import MarketRisk

ZERO = "0x" + "00" * 20
Address = Ref | str


def protocol_plan(p: Parameters, artifacts: Artifacts, deployer: str) -> Plan:
    """The whole plan. Check the parameters first: plimsoll.deploy.bounds.require_safe."""
    return _Protocol(p, Plan(artifacts), deployer).build()


class _Protocol:
    def __init__(self, parameters: Parameters, plan: Plan, deployer: str) -> None:
        self.p, self.plan, self.deployer = parameters, plan, deployer

    def build(self) -> Plan:
        self.authority = self.plan.create("Authority", "Authority", self.deployer)
        self._prices()
        self._engine()
        self._custody()
        self._configure()
        if self.p.exchange:
            exchange_steps(self.plan, self.p.exchange, self.p.assets, self.tokens, self.deployer)
        self._hand_over()
        return self.plan

    def _prices(self) -> None:
        create, oracle = self.plan.create, self.p.oracle
        sequencer = oracle.sequencer or ZERO
        self.adapter = create("ChainlinkAdapter", "ChainlinkAdapter", self.authority, sequencer, oracle.sequencer_grace)
        self.router = create("OracleRouter", "OracleRouter", self.authority, list(oracle.signers), oracle.quorum)
        self.surfaces = create("VolatilityFeed", "VolatilityFeed", self.authority, list(oracle.signers), oracle.quorum)
        for number, market in enumerate(self.p.markets):
            if market.surfaces:
                name = f"VolatilityFeed.setRules {market.symbol}"
                self.plan.call(name, self.surfaces, "setRules", number, astuple(market.surfaces))
        for feed in oracle.feeds:
            if feed.reference:
                self._reference(feed, feed.reference)
            self.plan.call(f"OracleRouter.setFeed {feed.symbol}", self.router, "setFeed", feed.number, self._feed(feed))
            if feed.sigma_ref:
                volatility = (feed.sigma_ref, feed.max_multiplier, feed.half_life)
                name = f"OracleRouter.setVolatility {feed.symbol}"
                self.plan.call(name, self.router, "setVolatility", feed.number, *volatility)
            if feed.fallback:
                name = f"OracleRouter.setFallback {feed.symbol}"
                self.plan.call(name, self.router, "setFallback", feed.number, fallback_tuple(feed.fallback))

    def _reference(self, feed: Feed, reference: Reference) -> None:
        aggregator: Address | None = reference.aggregator
        if aggregator is None:
            aggregator = self.plan.create(f"aggregator {feed.symbol}", "MockAggregator", reference.decimals)
            answer = feed.initial * 10**reference.decimals // 10**10
            self.plan.call(f"aggregator {feed.symbol}.setAnswer", aggregator, "setAnswer", answer)
        listing = (
            aggregator,
            reference.heartbeat,
            reference.confidence,
            reference.min_answer,
            reference.max_answer,
        )
        self.plan.call(f"ChainlinkAdapter.list {feed.symbol}", self.adapter, "list", reference_id(feed), listing)

    def _feed(self, feed: Feed) -> tuple[Any, ...]:
        source: Address = self.adapter if feed.reference else ZERO
        return (source, feed.max_deviation, feed.max_confidence, ZERO, reference_id(feed), bytes(32))

    def _engine(self) -> None:
        create = self.plan.create
        self.executor = create("Executor", "Executor")
        decimals = self.p.assets[0].decimals
        self.engine = create("MarginEngine", "MarginEngine", self.authority, self.router, self.executor, decimals)
        self.plan.call("Executor.setEngine", self.executor, "setEngine", self.engine)
        self.verifier = create("OrderVerifier", "OrderVerifier", self.engine)
        self.lens = create("Lens", "Lens", self.engine, self.router)
        model = self.p.model
        self.normal = create("NormalTable", "NormalTable", TABLE_FILE.read_bytes())
        self.option_lens = create("OptionLens", "OptionLens", self.engine, self.router, self.normal)
        rule = (model.mm_floor, model.im_floor, model.pnl_share, model.options.to_word(), self.normal)
        self.model = create("RuleMargin", "RuleMargin", *rule)
        if self.p.portfolio:
            words = self.p.portfolio.to_words()
            self.portfolio = create("PortfolioMargin", "PortfolioMargin", self.normal, words)
        self.config = create("MarketConfig", "MarketConfig", self.authority, self.engine, self.router, self.executor)
        self.options = create("OptionConfig", "OptionConfig", self.authority, self.engine)

    def _custody(self) -> None:
        self.tokens: list[Address] = []
        self.vaults: list[Ref] = []
        for number, asset in enumerate(self.p.assets):
            token = asset.token or self.plan.create(
                token_name(asset), "MockERC20", asset.name, asset.symbol, asset.decimals
            )
            label = (f"Plimsoll lent {asset.name}", f"plim{asset.symbol}")
            brake = (asset.brake_bps, asset.brake_floor)
            vault = self.plan.create(vault_name(asset), "CollateralVault", self.engine, number, token, *label, *brake)
            self.tokens.append(token)
            self.vaults.append(vault)
        pool = (self.engine, self.router, self.vaults[0], self.authority, self.p.pool.delay, self.p.pool.window)
        self.pool = self.plan.create("LiquidityPool", "LiquidityPool", *pool)
        terms = self.p.stake
        stake = (
            self.engine,
            self.vaults[0],
            terms.treasury or self.p.roles.admin or self.deployer,
            terms.period,
            terms.window,
        )
        self.stake = self.plan.create("InsuranceStake", "InsuranceStake", *stake)

    def _configure(self) -> None:
        call = self.plan.call
        selector = [self.plan.artifacts["MarginEngine"].function("configure").selector]
        grant = "Authority: MarginEngine.configure is CONFIG's"
        call(grant, self.authority, "setTargetFunctionRole", self.engine, selector, roles.CONFIG)
        call("Authority: MarketConfig is CONFIG", self.authority, "grantRole", roles.CONFIG, self.config, 0)
        call("Authority: OptionConfig is CONFIG", self.authority, "grantRole", roles.CONFIG, self.options, 0)
        call("MarketConfig.setModel", self.config, "setModel", self.model, self.p.block_time, self.p.kappa)
        call("MarketConfig.setTerms", self.config, "setTerms", terms_tuple(self.p.terms))
        call("OptionConfig.setSurfaces", self.options, "setSurfaces", self.surfaces)
        call("OptionConfig.setVerifier", self.options, "setVerifier", self.verifier)
        if self.p.portfolio:
            call("OptionConfig.setPortfolioModel", self.options, "setPortfolioModel", self.portfolio)
        for asset, token, vault in zip(self.p.assets, self.tokens, self.vaults, strict=True):
            name = f"MarketConfig.listAsset {asset.symbol}"
            call(name, self.config, "listAsset", token, vault, asset_tuple(asset))
        for number, asset in enumerate(self.p.assets):
            if asset.insurance_cap:
                name = f"MarketConfig.setDebtInsurance {asset.symbol}"
                call(name, self.config, "setDebtInsurance", number, asset.insurance_cap)
        for number, pair in enumerate(self.p.pairs):
            name = f"MarketConfig.listPair {number} {pair_name(self.p, pair)}"
            call(name, self.config, "listPair", pair.collateral, pair.debt, pair.haircut_im, pair.haircut_mm)
        if quote := self.p.quote_feed:
            rule = (quote.feed, quote.threshold, quote.factor)
            call("MarketConfig.setQuoteFeed", self.config, "setQuoteFeed", *rule)
        call("MarketConfig.setPool", self.config, "setPool", self.pool)
        call("MarketConfig.setStake", self.config, "setStake", self.stake)
        call("MarketConfig.forbidCallTarget OptionConfig", self.config, "forbidCallTarget", self.options)
        for market in self.p.markets:
            risk, trade = risk_tuple(market), trade_tuple(market)
            name = f"MarketConfig.listMarket {market.symbol}"
            call(name, self.config, "listMarket", risk, trade, market.insurance_cap)

    def _hand_over(self) -> None:
        held = self.p.roles
        targets = {
            "MarginEngine": self.engine,
            "OracleRouter": self.router,
            "VolatilityFeed": self.surfaces,
            "ChainlinkAdapter": self.adapter,
            "LiquidityPool": self.pool,
            "MarketConfig": self.config,
            "OptionConfig": self.options,
        }
        for contract, role, found in roles.selectors(self.plan.artifacts):
            if role == roles.CONFIG:
                continue  # done before the parameters were set
            label = f"Authority: {contract} obeys {roles.LABELS[role]}"
            self.plan.call(label, self.authority, "setTargetFunctionRole", targets[contract], found, role)
        for role, name in roles.LABELS.items():
            self.plan.call(f"Authority: label {name}", self.authority, "labelRole", role, name)
        self.plan.call("Authority: GUARDIAN cancels", self.authority, "setRoleGuardian", roles.RISK, roles.GUARDIAN)
        self._grant(roles.GUARDIAN, held.guardian, 0)
        self._grant(roles.RISK, held.risk, held.risk_delay)
        self._grant(roles.ADMIN, held.admin, held.admin_delay)
        if held.admin not in (None, self.deployer):
            name = "Authority: the deployer leaves"
            self.plan.call(name, self.authority, "renounceRole", roles.ADMIN, self.deployer)

    def _grant(self, role: int, holder: str | None, delay: int) -> None:
        name = f"Authority: grant {roles.LABELS.get(role, 'ADMIN')}"
        self.plan.call(name, self.authority, "grantRole", role, holder or self.deployer, delay)


def token_name(asset: Asset) -> str:
    return f"token {asset.symbol}"


def vault_name(asset: Asset) -> str:
    return f"vault {asset.symbol}"


def reference_id(feed: Feed) -> bytes:
    """The id of a feed inside ChainlinkAdapter: its symbol."""
    return feed.symbol.encode()[:32].ljust(32, b"\0") if feed.reference else bytes(32)


def fallback_tuple(f: Fallback) -> tuple[str, int, bytes]:
    return (f.source, f.age, f.id.encode()[:32].ljust(32, b"\0"))


def asset_tuple(a: Asset) -> tuple[int, ...]:
    lending = (a.supply_cap, a.borrow_cap, a.borrow_velocity, a.reserve_share)
    return (a.decimals, a.feed, a.haircut_im, a.haircut_mm, a.max_age, a.sigma, *lending)


def risk_tuple(m: Market) -> tuple[Any, ...]:
    tiers = (tuple(m.mm_rates), tuple(m.im_rates), m.bound1, m.bound2)
    rest = (m.feed, m.max_age, m.sigma, m.funding_velocity, m.max_funding_rate, m.reduce_only)
    return (*tiers, *rest, m.oi_lower, m.oi_upper)


def risk_word(m: Market) -> MarketRisk:
    """The word that `risk_tuple` becomes; bounds that do not fit it are an OverflowError."""
    bound1, bound2, lower, upper = map(exactly, (m.bound1, m.bound2, m.oi_lower, m.oi_upper))
    rest = (m.feed, m.max_age, m.sigma, m.funding_velocity, m.max_funding_rate, int(m.reduce_only))
    return MarketRisk(*m.mm_rates, *m.im_rates, bound1, bound2, lower, *rest, upper)


def pair_name(p: Parameters, pair: Pair) -> str:
    return f"{p.assets[pair.collateral].symbol}/{p.assets[pair.debt].symbol}"


def trade_tuple(m: Market) -> tuple[int, ...]:
    return (m.skew_scale, m.max_skew, m.max_oi, m.maker_fee, m.taker_fee, m.allocation, m.move, m.gap)


def terms_tuple(t: Terms) -> tuple[int, ...]:
    bonus = (t.bonus_start, t.bonus_slope, t.insurance_share, t.min_slice, t.bonus_ramp)
    return (t.lambda_, t.beta, *bonus, t.call_period, t.insurance_window, t.bounty, t.dust)
