"""The stage of a replay: which markets, a fresh deployment of them, and the hands that sign its prices.

The markets are those of the local deployment (plimsoll.deploy.defaults), as far as there is a price file for them; a
symbol that it does not list gets a market like its most careful one. Sizes are scaled to the first price, so that the
limits are worth in quote what they were chosen to be. Prices are signed reports; no reference feed is set,
since a mock one would only repeat them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from plimsoll.abi import checksum, keccak
from plimsoll.actions import MAX_UINT256, batch, deposit
from plimsoll.chain.base import LocalChain, Tx
from plimsoll.contracts import Contract
from plimsoll.deploy import Deployment, Parameters, local, local_signer_keys
from plimsoll.deploy.parameters import Asset, Feed, Market, Pair, QuoteFeed
from plimsoll.exchange.listing import local_exchange
from plimsoll.prices import MAX_VALUE, PRICE, Quote, ReportSigner
from plimsoll.sim.prices import PricePath
from plimsoll.sim.setup import Listing, Setup

GAS = 6_000_000
SIZE = 10**8
CAPS_GROW = 7 * 86_400  # a new asset's supply cap does, from zero
LEAD = CAPS_GROW + 7200  # seconds between genesis and the first price: then LPs wait an hour for their shares
CONFIDENCE = 100
SIGMA_UNLISTED = 11_000  # σ_ref of a symbol that the local deployment does not list
PAIR_EXTRA = 500  # bps that an isolated pair keeps over the asset's own haircuts
QUOTE_THRESHOLD, QUOTE_FACTOR = 9_900, 10  # IM grows by what the quote asset trades below 0.99


@dataclass
class Scene:
    """A deployment, its signer, and feed numbers and lots by symbol of the price path; markets come first in it."""

    deployment: Deployment
    signer: ReportSigner
    feeds: tuple[int, ...]
    lots: tuple[int, ...]

    @property
    def engine(self) -> Contract:
        return self.deployment.engine

    def report(self, time: int, prices: Sequence[int | None]) -> bytes:
        """A signed report of all feeds that have a price."""
        entries = zip(self.feeds, prices, self.lots, strict=True)
        quotes = [Quote(feed, price * lot, CONFIDENCE) for feed, price, lot in entries if price is not None]
        return self.signer.report(time, sorted(quotes))

    def price_tx(self, sender: str, time: int, prices: Sequence[int | None]) -> Tx:
        return self.call(sender, self.deployment.router, "update", self.report(time, prices))

    def execute(self, sender: str, *actions: tuple[int, bytes, bytes], reducing: bool = False) -> Tx:
        return self.call(sender, self.engine, "execute", batch(actions, b"", reducing))

    def call(self, sender: str, contract: Contract, function: str, *args: object) -> Tx:
        return Tx(sender, contract.address, contract.encode(function, *args), 0, GAS)

    def minted(self, owner: str, asset: int, amount: int) -> list[Tx]:
        """Tokens out of nothing, and an allowance of the asset's vault over them."""
        token, vault = self.deployment.tokens[asset], self.deployment.vaults[asset]
        return [
            self.call(owner, token, "mint", owner, amount),
            self.call(owner, token, "approve", vault.address, MAX_UINT256),
        ]

    def deposited(self, owner: str, account: bytes, asset: int, amount: int) -> list[Tx]:
        return [*self.minted(owner, asset, amount), self.execute(owner, deposit(account, asset, amount))]


def person(role: str, number: int = 0) -> str:
    """The address of somebody in a replay; nobody holds its key."""
    return checksum(keccak(b"plimsoll sim %s %d" % (role.encode(), number))[12:])


def signer_for(deployment: Deployment) -> ReportSigner:
    return ReportSigner(local_signer_keys(), deployment.feed.address, deployment.chain.chain_id)


# ---------------------------------------------------------------- parameters


def parameters(path: PricePath, setup: Setup) -> Parameters:
    """The local deployment's, cut to the symbols of `path` and begun at its first prices, with what `setup` lists."""
    base = local(references=False, risk_delay=0, admin_delay=0, exchange=False)
    feeds = feeds_of(base, path, volatility=setup.volatility)
    found = replace(base, oracle=replace(base.oracle, feeds=tuple(feeds.values())), assets=(), pairs=(), markets=())
    if setup.quote_symbol:
        found = replace(found, quote_feed=QuoteFeed(feeds[setup.quote_symbol].number, QUOTE_THRESHOLD, QUOTE_FACTOR))
    found = replace(found, **_assets(base, path, setup, feeds))
    if setup.exchange:
        first = {feed.number: feed.initial for feed in feeds.values()}
        prices = {asset.symbol: first[asset.feed] for asset in found.assets if asset.feed}
        found = replace(found, exchange=local_exchange(prices))
    return replace(found, markets=tuple(_markets(base, path, setup, feeds)))


def feeds_of(base: Parameters, path: PricePath, *, volatility: bool) -> dict[str, Feed]:
    """One per symbol of the path, in its order. Without `volatility` no requirement follows it."""
    known = {feed.symbol: feed for feed in base.oracle.feeds}
    found = {}
    for number, (symbol, first) in enumerate(zip(path.symbols, path.first, strict=True)):
        feed = known.get(symbol) or Feed(100 + number, symbol, 200, 10_000, 0, sigma_ref=SIGMA_UNLISTED)
        feed = replace(feed, initial=first * lot_of(path, number))
        found[symbol] = feed if volatility else replace(feed, sigma_ref=0)
    return found


def _markets(base: Parameters, path: PricePath, setup: Setup, feeds: dict[str, Feed]) -> list[Market]:
    """A market per symbol, but for those that are collateral only, or the quote asset's."""
    insured = {listing.symbol: listing.insured for listing in setup.listings}
    without = {listing.symbol for listing in setup.listings if not listing.market} | {setup.quote_symbol}
    chosen = [
        _market(base, path, number, feeds[symbol])
        for number, symbol in enumerate(path.symbols)
        if symbol not in without
    ]
    chosen = [replace(m, insurance_cap=insured.get(m.symbol, m.insurance_cap)) for m in chosen]
    total = sum(market.allocation for market in chosen)
    return chosen if total <= 10_000 else [replace(m, allocation=m.allocation * 10_000 // total) for m in chosen]


def _market(base: Parameters, path: PricePath, number: int, feed: Feed) -> Market:
    """The market of a symbol; one that is not listed gets the terms of the most careful one."""
    symbol = path.symbols[number]
    found = next((market for market in base.markets if market.symbol == symbol), None) or next(
        market for market in base.markets if market.symbol == "LINK"
    )
    usual = next(entry.initial for entry in base.oracle.feeds if entry.number == found.feed)
    market = replace(found, symbol=symbol, feed=feed.number)
    return _rescaled(market, usual, path.values[0][number] * lot_of(path, number))


def _assets(base: Parameters, path: PricePath, setup: Setup, feeds: dict[str, Feed]) -> dict[str, Any]:
    """Assets and pairs whose prices the path has, and those that are listed besides."""
    first = {feed.number: feed.initial for feed in feeds.values()}
    usual = {feed.number: feed.initial for feed in base.oracle.feeds}
    kept = {number: asset for number, asset in enumerate(base.assets) if asset.feed == 0 or asset.feed in first}
    assets = [_priced(a, usual[a.feed], first[a.feed]) if a.feed else a for a in kept.values()]
    if any(listing.symbol == assets[0].symbol for listing in setup.listings):
        assets[0] = replace(assets[0], symbol="USD", name="a dollar that holds")
    number_of = {number: place for place, number in enumerate(kept)}
    pairs = [
        replace(pair, collateral=number_of[pair.collateral], debt=number_of[pair.debt])
        for pair in base.pairs
        if pair.collateral in kept and pair.debt in kept
    ]
    for listing in setup.listings:
        pairs.append(Pair(len(assets), 0, listing.haircut_im + PAIR_EXTRA, listing.haircut_mm + PAIR_EXTRA))
        assets.append(_listed(listing, feeds[listing.symbol]))
    return {"assets": tuple(assets), "pairs": tuple(pairs)}


def _priced(asset: Asset, usual: int, first: int) -> Asset:
    """The asset with its limits worth in quote what they were chosen to be."""
    names = ("supply_cap", "borrow_cap", "brake_floor")
    return replace(asset, **{name: getattr(asset, name) * usual // first for name in names})


def _listed(listing: Listing, feed: Feed) -> Asset:
    """Up to 100 million quote at the first price, of which a hundredth may leave in any hour."""
    unit = PRICE * 10**listing.decimals
    cap = 10**8 * unit // feed.initial
    return Asset(
        symbol=listing.symbol,
        name=listing.symbol,
        decimals=listing.decimals,
        feed=feed.number,
        haircut_im=listing.haircut_im,
        haircut_mm=listing.haircut_mm,
        max_age=60,
        sigma=listing.sigma,
        supply_cap=cap,
        borrow_cap=listing.borrowed * unit // feed.initial,
        borrow_velocity=2000,
        brake_floor=cap // 100,
        insurance_cap=listing.insured,
    )


def lot_of(path: PricePath, market: int) -> int:
    """Units per lot: a lot is worth at least one quote when the replay begins (docs/storage.md), a power of ten."""
    lot, first = 1, path.values[0][market]
    while first * lot < PRICE and max(row[market] for row in path.values) * lot * 10 <= MAX_VALUE:
        lot *= 10
    return lot


def _rescaled(market: Market, usual: int, first: int) -> Market:
    """The market with sizes for a price of `first` where they were chosen for `usual`: its limits in quote stand."""
    scale = max(1, market.skew_scale * usual // first // SIZE)
    return replace(
        market,
        funding_velocity=max(1, 9 * 10**12 // scale),
        skew_scale=scale * SIZE,
        max_skew=market.max_skew * scale * SIZE // market.skew_scale,
        max_oi=scale * SIZE // 5,
    )


# ---------------------------------------------------------------- money that is there before the first step


def open_pool(
    scene: Scene, chain: LocalChain, admin: str, path: PricePath, providers: Sequence[tuple[str, int]]
) -> None:
    """LPs ask, wait, and are let in at the first price after their delay."""
    pool, first = scene.deployment.pool, path.first
    chain.advance(CAPS_GROW)
    txs = [scene.price_tx(admin, chain.block()[1], first)]
    for provider, amount in providers:
        token = scene.deployment.tokens[0]
        txs += [
            scene.call(provider, token, "mint", provider, amount),
            scene.call(provider, token, "approve", pool.address, MAX_UINT256),
            scene.call(provider, pool, "requestDeposit", amount, provider),
        ]
    must(chain, txs)
    delay = scene.deployment.parameters.pool.delay
    chain.advance(delay + 60)
    now = chain.block()[1]
    must(chain, [scene.price_tx(admin, now, first)])
    must(chain, [scene.call(admin, pool, "execute", list(range(1, len(providers) + 1)))])


def must(chain: LocalChain, txs: Sequence[Tx]) -> None:
    """Sends transactions of which none may fail."""
    for receipt in chain.send_many(txs):
        if receipt.error is not None:
            raise receipt.error
