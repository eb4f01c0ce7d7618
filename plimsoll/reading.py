"""One account as the twins take it, and the snapshot of the block it was read in.

account, snapshot = read(deployment, id)
assess(account, snapshot)                               equal to the engine's, to the wei
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plimsoll import contracts, ledger
from plimsoll.accounts import Mode
from plimsoll.contracts import Contract
from plimsoll.margin import epoch_math
from plimsoll.margin.account import (
    Account,
    AssetParams,
    Balance,
    Globals,
    Header,
    Lending,
    Market,
    MarketClosing,
    MarketCosts,
    MarketInsurance,
    MarketLoss,
    MarketRamp,
    MarketRisk,
    MarketState,
    MarketTrade,
    ModelReplaced,
    Pair,
    Position,
    Price,
    Snapshot,
    Terms,
    pair_of,
)
from plimsoll.margin.option_series import expiry_of, key_of, market_of
from plimsoll.margin.portfolio_layout import parameters_of
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.words import ModelRamp, Settlement

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

MODEL_RAMPING = 1
_MARKET_WORDS = 8


def read(deployment: Deployment, account: bytes, *, block: int | None = None) -> tuple[Account, Snapshot]:
    """At `block` (default: now)."""
    engine, parameters = deployment.engine, deployment.parameters
    number, time = deployment.chain.block() if block is None else (block, _time(deployment, block))
    assets, markets, pair = range(len(parameters.assets)), range(len(parameters.markets)), pair_of(account)
    words = iter(ledger.read(engine, _slots(account, pair, assets, markets), block=number))
    settings, terms, ramp = Globals.from_word(next(words)), Terms.from_word(next(words)), next(words)
    pairs = {pair: Pair.from_word(next(words))}
    header = Header.from_word(next(words))
    params, lending = {}, {}
    for n in assets:
        params[n], lending[n] = AssetParams.from_word(next(words)), Lending.from_word(next(words))
    balances = {n: Balance.from_word(next(words)) for n in assets}
    positions = {n: Position.from_word(next(words)) for n in markets}
    states = {n: _with_epochs(engine, n, _market(words), positions[n], number) for n in markets}
    options = _options(engine, account, number) if header.options else {}
    held = account[20] == Mode.PORTFOLIO
    portfolio, portfolio_replaced = _portfolio(engine, number) if held else (None, None)
    feeds = {p.feed for p in params.values()} | {m.risk.feed for m in states.values()} | {settings.quote_feed}
    snapshot = Snapshot(
        time=time,
        block=number,
        model=_model(engine, settings.model, number),
        globals=settings,
        terms=terms,
        assets=params,
        markets=states,
        prices=_prices(deployment, sorted(feeds - {0}), number),
        lending=lending,
        pairs=pairs,
        replaced=_replaced(engine, ramp, number) if settings.flags & MODEL_RAMPING else None,
        portfolio=portfolio,
        portfolio_replaced=portfolio_replaced,
        surfaces=_surfaces(deployment, options, number),
        settlements=_settlements(engine, options, number),
    )
    return Account(account, header, balances, positions, options), snapshot


def _slots(account: bytes, pair: int, assets: range, markets: range) -> list[int]:
    """In the order in which `read` takes them apart."""
    slots = [ledger.GLOBALS, ledger.TERMS, ledger.MODEL_RAMP, ledger.pair(pair), ledger.header(account)]
    slots += [slot(n) for n in assets for slot in (ledger.asset, ledger.lending)]
    slots += [ledger.balance(account, n) for n in assets] + [ledger.position(account, n) for n in markets]
    return slots + [ledger.market(n, word) for n in markets for word in range(_MARKET_WORDS)]


def _time(deployment: Deployment, block: int) -> int:
    found = deployment.chain.block()
    if found[0] == block:
        return found[1]
    raw: Any = deployment.chain.rpc.request("eth_getBlockByNumber", hex(block), False)  # type: ignore[attr-defined]
    return int(raw["timestamp"], 16)


def _market(words: Iterator[int]) -> Market:
    return Market(
        state=MarketState.from_word(next(words)),
        risk=MarketRisk.from_word(next(words)),
        costs=MarketCosts.from_word(next(words)),
        trade=MarketTrade.from_word(next(words)),
        insurance=MarketInsurance.from_word(next(words)),
        ramp=MarketRamp.from_word(next(words)),
        loss=MarketLoss.from_word(next(words)),
        closing=MarketClosing.from_word(next(words)),
    )


def _options(engine: Contract, account: bytes, block: int) -> dict[int, int]:
    return dict(zip(*engine.read("options", account, block=block), strict=True))


def _groups(options: Iterable[int]) -> list[tuple[int, int]]:
    """(market, expiry) of every series, each once."""
    return list(dict.fromkeys((market_of(instrument), expiry_of(instrument)) for instrument in options))


def _surfaces(d: Deployment, options: Iterable[int], block: int) -> dict[int, tuple[int, int, int]]:
    keys = [key_of(*group) for group in _groups(options)]
    words = d.surfaces.read("read", keys, block=block) if keys else []
    return {key: (words[3 * n], words[3 * n + 1], words[3 * n + 2]) for n, key in enumerate(keys)}


def _settlements(engine: Contract, options: Iterable[int], block: int) -> dict[int, Settlement]:
    groups = _groups(options)
    words = ledger.read(engine, [ledger.settlement(*group) for group in groups], block=block)
    return {key_of(*group): Settlement.from_word(word) for group, word in zip(groups, words, strict=True)}


def portfolio_model(engine: Contract, address: int, block: int) -> PortfolioMargin:
    """A model by the parameters that its own contract names."""
    text = "0x" + address.to_bytes(20, "big").hex()
    model = Contract(engine.chain, text, contracts.load()["PortfolioMargin"])
    return PortfolioMargin(parameters_of(model.read("parameters", block=block)))


def _portfolio(engine: Contract, block: int) -> tuple[PortfolioMargin | None, ModelReplaced | None]:
    """The model of portfolio accounts, and while it is ramped to the one before."""
    setup, word = ledger.read(engine, [ledger.OPTION_SETUP, ledger.PORTFOLIO_RAMP], block=block)
    address, ramping = setup % 2**160, setup >> 160 & MODEL_RAMPING
    if address == 0:
        return None, None
    model, ramp = portfolio_model(engine, address, block), ModelRamp.from_word(word)
    if not ramping:
        return model, None
    return model, ModelReplaced(portfolio_model(engine, ramp.model, block), ramp.end)  # type: ignore[arg-type]


def _with_epochs(engine: Contract, number: int, market: Market, position: Position, block: int) -> Market:
    """Epochs only of a market whose last one the account's position has not met."""
    if position == Position() or position.epoch == market.state.epoch:
        return market
    numbers = range(1, market.state.epoch + 1)
    words = ledger.read(engine, [slot for n in numbers for slot in ledger.epoch(number, n)], block=block)
    return replace(market, epochs={n: epoch_math.unpack(words[2 * n - 2], words[2 * n - 1]) for n in numbers})


def _prices(deployment: Deployment, feeds: list[int], block: int) -> dict[int, Price]:
    words = deployment.router.read("read", feeds, block=block)
    return {feed: Price.from_word(word) for feed, word in zip(feeds, words, strict=True)}


def _model(engine: Contract, address: int, block: int) -> RuleMargin:
    text = "0x" + address.to_bytes(20, "big").hex()
    model = Contract(engine.chain, text, contracts.load()["RuleMargin"])
    return RuleMargin.of(lambda name: model.read(name, block=block))


def _replaced(engine: Contract, word: int, block: int) -> ModelReplaced:
    ramp = ModelRamp.from_word(word)
    return ModelReplaced(_model(engine, ramp.model, block), ramp.end)
