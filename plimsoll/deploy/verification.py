"""Compares a chain with its manifest: code, parameters as the contracts hold them, roles. Reports each difference.

Reads only. Nothing is taken from the manifest that the chain can answer: every parameter is read back from storage
words, getters of immutables, or the Authority, and compared field by field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from plimsoll import ledger
from plimsoll.abi import checksum, keccak
from plimsoll.deploy import protocol, roles
from plimsoll.deploy.deployment import Deployment
from plimsoll.deploy.parameters import Feed
from plimsoll.errors import TransactionFailed
from plimsoll.exchange.check import comparisons
from plimsoll.margin import option_strips, words
from plimsoll.margin.account import PAIR, RAMPING

#: Where a value comes from and when it arrives is no parameter: what it becomes is.
_RAMP = ("from_im", "from_mm", "ramp_end")


@dataclass(frozen=True)
class Difference:
    """`where` names contract and field; both values as text."""

    where: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.where}: the manifest says {self.expected}, the chain {self.actual}"


Found = Iterator[Difference]


def verify(deployment: Deployment) -> list[Difference]:
    """All differences; none when the chain is what the manifest says. Raises ChainError when it cannot be reached."""
    found = list(_chain(deployment)) + list(_code(deployment))
    if any(item.where.endswith(" code") and item.actual == "no code" for item in found):
        return found  # nothing else can be read
    listed = (_engine, _assets, _pairs, _markets, _model_and_pool, _options, _stake)
    for check in (*listed, _oracle, _surfaces, _wiring, _authority, _exchange):
        try:
            found += check(deployment)
        except TransactionFailed as error:
            found.append(Difference(f"reading {check.__name__[1:]}", "an answer", str(error)))
    return found


def _same(where: str, expected: Any, actual: Any) -> Found:
    if expected != actual:
        yield Difference(where, _text(expected), _text(actual))


def _text(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _chain(d: Deployment) -> Found:
    yield from _same("chain id", d.manifest.chain_id, d.chain.chain_id)


def _code(d: Deployment) -> Found:
    for name, entry in d.manifest.contracts.items():
        code = d.chain.code(entry.address)
        yield from _same(f"{name} code", entry.code_hash, "0x" + keccak(code).hex() if code else "no code")


def _word(where: str, expected: words.Word, actual: int, ignore: tuple[str, ...] = ()) -> Found:
    """Compares two packed words field by field."""
    now = asdict(type(expected).from_word(actual))
    for field, value in asdict(expected).items():
        if field not in ignore:
            yield from _same(f"{where} {field}", value, now[field])


def _engine(d: Deployment) -> Found:
    p, m = d.parameters, d.manifest
    globals_, pool, terms = ledger.read(d.engine, [ledger.GLOBALS, ledger.POOL, ledger.TERMS])
    model = int(m.address("RuleMargin"), 16)
    expected = words.Globals(model=model, block_time=p.block_time, kappa=p.kappa)
    if quote := p.quote_feed:
        expected = replace(expected, quote_feed=quote.feed, depeg_threshold=quote.threshold, depeg_factor=quote.factor)
    yield from _word("globals", expected, globals_, ("lock", "paused_until", "flags"))
    yield from _word("pool", words.Pool(owner=int(m.address("LiquidityPool"), 16)), pool, ("contribution_sum",))
    yield from _word("terms", words.Terms(**asdict(p.terms)), terms, ("lambda_from", "lambda_ramp_end"))


def _assets(d: Deployment) -> Found:
    assets = d.parameters.assets
    yield from _same("number of assets", len(assets), d.config.read("assetCount"))
    kinds = (ledger.asset, ledger.vault, ledger.limits, ledger.lending, ledger.debt_insurance)
    slots = [slot(number) for number in range(len(assets)) for slot in kinds]
    found = ledger.read(d.engine, slots)
    for number, asset in enumerate(assets):
        at = f"asset {asset.symbol}"
        params, place, limits, lending, insurance = found[5 * number : 5 * number + 5]
        yield from _word(at, words.AssetParams(*protocol.asset_tuple(asset)[:6]), params, _RAMP)
        caps = words.Limits(asset.supply_cap, asset.borrow_cap, borrow_velocity=asset.borrow_velocity)
        yield from _word(at, caps, limits, ("cap_since",))
        share = words.Lending.from_word(lending).reserve_share
        yield from _same(f"{at} reserve_share", asset.reserve_share, share)
        yield from _same(f"{at} insurance_cap", asset.insurance_cap, words.MarketInsurance.from_word(insurance).cap)
        vault = d.vaults[number]
        yield from _same(f"{at} vault", vault.address, checksum(place.to_bytes(20, "big")))
        yield from _same(f"{vault} engine", d.engine.address, vault.read("engine"))
        yield from _same(f"{vault} asset", d.tokens[number].address, vault.read("asset"))
        yield from _same(f"{vault} assetIndex", number, vault.read("assetIndex"))


def _pairs(d: Deployment) -> Found:
    pairs = d.parameters.pairs
    codes = [PAIR | pair.collateral << 6 | pair.debt for pair in pairs]
    for pair, word in zip(pairs, ledger.read(d.engine, [ledger.pair(code) for code in codes]), strict=True):
        at = f"pair {protocol.pair_name(d.parameters, pair)}"
        yield from _word(at, words.Pair(pair.haircut_im, pair.haircut_mm, listed=1), word, _RAMP)


def _markets(d: Deployment) -> Found:
    markets = d.parameters.markets
    yield from _same("number of markets", len(markets), d.config.read("marketCount"))
    kinds = (ledger.RISK, ledger.TRADE, ledger.INSURANCE)
    found = ledger.read(d.engine, [ledger.market(n, kind) for n in range(len(markets)) for kind in kinds])
    for number, market in enumerate(markets):
        at = f"market {market.symbol}"
        risk, trade, insurance = found[3 * number : 3 * number + 3]
        yield from _word(at, protocol.risk_word(market), risk & ~(RAMPING << 232))
        yield from _word(at, words.MarketTrade(*protocol.trade_tuple(market)), trade)
        cap = words.MarketInsurance.from_word(insurance).cap
        yield from _same(f"{at} insurance_cap", market.insurance_cap, cap)


def _model_and_pool(d: Deployment) -> Found:
    model, pool = d.parameters.model, d.parameters.pool
    for name, value in (("MM_FLOOR", model.mm_floor), ("IM_FLOOR", model.im_floor), ("PNL_SHARE", model.pnl_share)):
        yield from _same(f"RuleMargin {name}", value, d["RuleMargin"].read(name))
    yield from _word("RuleMargin", model.options, d["RuleMargin"].read("OPTION_TERMS"))
    yield from _same("RuleMargin TABLE", d.manifest.address("NormalTable"), d["RuleMargin"].read("TABLE"))
    yield from _same("OptionLens TABLE", d.manifest.address("NormalTable"), d.option_lens.read("TABLE"))
    yield from _same("LiquidityPool delay", pool.delay, d.pool.read("delay"))
    yield from _same("LiquidityPool window", pool.window, d.pool.read("window"))


def _options(d: Deployment) -> Found:
    surfaces, verifier, setup = ledger.read(d.engine, [ledger.SURFACES, ledger.VERIFIER, ledger.OPTION_SETUP])
    model = d.parameters.portfolio
    expected = d.portfolio_model.address if model else protocol.ZERO
    for name, address, word in (
        ("surfaces", d.surfaces.address, surfaces),
        ("verifier", d.verifier.address, verifier),
        ("portfolio model", expected, setup),
    ):
        yield from _same(name, address, checksum((word % 2**160).to_bytes(20, "big")))
    if model:
        yield from _same("PortfolioMargin TABLE", d.manifest.address("NormalTable"), d.portfolio_model.read("TABLE"))
        words = model.finished_words(option_strips.ln)
        yield from _same("PortfolioMargin parameters", words, list(d.portfolio_model.read("parameters")))


def _stake(d: Deployment) -> Found:
    terms, stake, held = d.parameters.stake, d.stake, d.parameters.roles
    (registered,) = ledger.read(d.engine, [ledger.STAKE])
    treasury = checksum(terms.treasury or held.admin or d.manifest.deployer)
    yield from _same("stake", stake.address, checksum(registered.to_bytes(20, "big")))
    yield from _same("InsuranceStake engine", d.engine.address, stake.read("engine"))
    yield from _same("InsuranceStake asset", d.tokens[0].address, stake.read("asset"))
    yield from _same("InsuranceStake period", terms.period, stake.read("period"))
    yield from _same("InsuranceStake window", terms.window, stake.read("window"))
    yield from _same("InsuranceStake treasury", treasury, stake.read("treasury"))


def _oracle(d: Deployment) -> Found:
    oracle = d.parameters.oracle
    yield from _signers("OracleRouter", d)
    adapter = d["ChainlinkAdapter"]
    yield from _same("sequencer", checksum(oracle.sequencer or protocol.ZERO), adapter.read("sequencer"))
    yield from _same("sequencer grace", oracle.sequencer_grace, adapter.read("sequencerGrace"))
    for feed in oracle.feeds:
        at = f"feed {feed.symbol}"
        source = adapter.address if feed.reference else protocol.ZERO
        expected = (
            source,
            feed.max_deviation,
            feed.max_confidence,
            protocol.ZERO,
            protocol.reference_id(feed),
            bytes(32),
        )
        actual = d.router.read("feedConfig", feed.number)
        names = ("reference", "max_deviation", "max_confidence", "source", "reference id", "source id")
        yield from _fields(at, names, expected, tuple(actual))
        yield from _volatility(at, feed, d)
        if feed.reference:
            r, entry = feed.reference, adapter.read("entry", protocol.reference_id(feed))
            aggregator = r.aggregator or d.manifest.address(f"aggregator {feed.symbol}")
            listed = (checksum(aggregator), r.heartbeat, r.confidence, r.decimals, r.min_answer, r.max_answer)
            names = ("aggregator", "heartbeat", "confidence", "decimals", "min_answer", "max_answer")
            yield from _fields(f"{at} reference", names, listed, tuple(entry))


def _signers(name: str, d: Deployment) -> Found:
    oracle, contract = d.parameters.oracle, d[name]
    yield from _same(f"{name} quorum", oracle.quorum, contract.read("quorum"))
    yield from _same(f"{name} signerCount", len(oracle.signers), contract.read("signerCount"))
    for signer in oracle.signers:
        yield from _same(f"{name} signer {signer}", True, contract.read("isSigner", signer))


def _surfaces(d: Deployment) -> Found:
    yield from _signers("VolatilityFeed", d)
    for number, market in enumerate(d.parameters.markets):
        if rules := market.surfaces:
            names = tuple(asdict(rules))
            yield from _fields(f"surfaces {market.symbol}", names, astuple(rules), d.surfaces.read("rules", number))


def _volatility(at: str, feed: Feed, d: Deployment) -> Found:
    actual = d.router.read("volatility", feed.number)
    names = ("sigma_ref", "max_multiplier", "half_life")
    if feed.sigma_ref:
        wanted = (feed.sigma_ref, feed.max_multiplier, feed.half_life)
        yield from _fields(at, names, wanted, (actual.sigmaRef, actual.maxMultiplier, actual.halfLife))
    else:
        yield from _same(f"{at} sigma_ref", 0, actual.sigmaRef)
    backup = protocol.fallback_tuple(feed.fallback) if feed.fallback else (protocol.ZERO, 0, bytes(32))
    yield from _fields(
        f"{at} fallback", ("source", "age", "id"), backup, tuple(d.router.read("fallbackOf", feed.number))
    )


def _fields(at: str, names: tuple[str, ...], expected: tuple[Any, ...], actual: tuple[Any, ...]) -> Found:
    for name, wanted, found in zip(names, expected, actual, strict=True):
        yield from _same(f"{at} {name}", wanted, found)


def _wiring(d: Deployment) -> Found:
    engine = d.engine
    pairs = [
        ("MarginEngine ROUTER", d.router.address, engine.read("ROUTER")),
        ("MarginEngine EXECUTOR", d["Executor"].address, engine.read("EXECUTOR")),
        ("MarginEngine QUOTE_UNIT", 10 ** (18 - d.parameters.assets[0].decimals), engine.read("QUOTE_UNIT")),
        ("Executor engine", engine.address, d["Executor"].read("engine")),
        ("OrderVerifier engine", engine.address, d.verifier.read("engine")),
        ("OptionLens engine", engine.address, d.option_lens.read("engine")),
        ("OptionLens router", d.router.address, d.option_lens.read("router")),
        ("LiquidityPool engine", engine.address, d.pool.read("engine")),
        ("MarketConfig engine", engine.address, d.config.read("engine")),
        ("OptionConfig engine", engine.address, d["OptionConfig"].read("engine")),
    ]
    for where, expected, actual in pairs:
        yield from _same(where, expected, actual)
    for name in {contract for contract, _ in roles.FUNCTIONS}:
        yield from _same(f"{name} authority", d.authority.address, d[name].read("authority"))


def _exchange(d: Deployment) -> Found:
    for where, expected, actual in comparisons(d):
        yield from _same(where, expected, actual)


def _authority(d: Deployment) -> Found:
    held, authority, deployer = d.parameters.roles, d.authority, d.manifest.deployer
    for contract, names in roles.FUNCTIONS.items():
        target, role = d[contract[0]], contract[1]
        for name in names:
            selector = target.artifact.function(name).selector
            actual = authority.read("getTargetFunctionRole", target.address, selector)
            yield from _same(f"role of {contract[0]}.{name}", role, actual)
    holders = [
        (roles.ADMIN, held.admin or deployer, held.admin_delay),
        (roles.RISK, held.risk or deployer, held.risk_delay),
        (roles.GUARDIAN, held.guardian or deployer, 0),
        (roles.CONFIG, d.config.address, 0),
        (roles.CONFIG, d["OptionConfig"].address, 0),
    ]
    for role, holder, delay in holders:
        name = roles.LABELS.get(role, "ADMIN")
        yield from _same(
            f"{name} of {holder} (member, delay)", (True, delay), tuple(authority.read("hasRole", role, holder))
        )
    for role in (roles.ADMIN, roles.RISK, roles.GUARDIAN):
        if not any(held_role == role and checksum(holder) == deployer for held_role, holder, _ in holders):
            member = authority.read("hasRole", role, deployer)[0]
            yield from _same(f"{roles.LABELS.get(role, 'ADMIN')} of the deployer", False, member)
