"""The stage of a replay: which markets, a fresh deployment of them, and the hands that sign its prices.

The markets are those of the local deployment (plimsoll.deploy.defaults), as far as there is a price file for them; a
symbol that it does not list gets a market like its most careful one. Sizes are scaled to the first price, so that the
limits are worth in quote what they were chosen to be. Prices are signed reports; no reference feed is set,
since a mock one would only repeat them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plimsoll.abi import checksum, keccak
from plimsoll.actions import MAX_UINT256, batch, deposit
from plimsoll.chain.base import LocalChain, Tx
from plimsoll.contracts import Contract
from plimsoll.deploy import Deployment, Parameters, local, local_signer_keys
from plimsoll.deploy.parameters import Asset, Feed, Market
from plimsoll.prices import MAX_VALUE, PRICE, Quote, ReportSigner
from plimsoll.sim.prices import PricePath

GAS = 6_000_000
SIZE = 10**8
LEAD = 7200  # seconds between genesis and the first step: LPs wait an hour for their shares
CONFIDENCE = 100


@dataclass(frozen=True)
class Listing:
    """Collateral that the local deployment does not list, priced by a symbol of the path; `market`: a perp as well.

    Symbols without a perp market come last in a path.
    """

    symbol: str
    haircut_im: int
    haircut_mm: int
    sigma: int
    decimals: int = 18
    market: bool = True


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
    keys = local_signer_keys()[: deployment.parameters.oracle.quorum]
    return ReportSigner(keys, deployment.feed.address, deployment.chain.chain_id)


# ---------------------------------------------------------------- parameters


<<<<<<< HEAD
def parameters(path: PricePath) -> Parameters:
    """The local deployment's, cut to the markets of `path` and begun at its first prices."""
    base = local(references=False, risk_delay=0, admin_delay=0, exchange=False)
    feeds = {feed.symbol: feed for feed in base.oracle.feeds}
    markets = {market.symbol: market for market in base.markets}
    chosen_feeds, chosen_markets = [], []
    for number, (symbol, first) in enumerate(zip(path.symbols, path.values[0], strict=True)):
        base_market = markets.get(symbol) or markets["LINK"]
        usual = next(feed.initial for feed in base.oracle.feeds if feed.number == base_market.feed)
        feed = feeds.get(symbol) or Feed(100 + number, symbol, 200, 10_000, 0)
        feed = replace(feed, initial=first * lot_of(path, number))
        chosen_feeds.append(feed)
        chosen_markets.append(_rescaled(replace(base_market, symbol=symbol, feed=feed.number), usual, feed.initial))
    numbers = {feed.number for feed in chosen_feeds}
    total = sum(market.allocation for market in chosen_markets)
=======
def parameters(path: PricePath, listings: Sequence[Listing] = ()) -> Parameters:
    """The local deployment's, cut to the symbols of `path` and begun at its first prices."""
    base = local(references=False, risk_delay=0, admin_delay=0)
    without = {listing.symbol for listing in listings if not listing.market}
    feeds = feeds_of(base, path)
    chosen = [
        _market(base, path, number, feed) for number, feed in enumerate(feeds) if path.symbols[number] not in without
    ]
    total = sum(market.allocation for market in chosen)
>>>>>>> ff3cdc9 (Replay: feed outages, quote prices, warm-up hours, listings of a scenario, a limit for the keeper)
    if total > 10_000:
        chosen = [replace(m, allocation=m.allocation * 10_000 // total) for m in chosen]
    numbers = {feed.number for feed in feeds}
    assets = [asset for asset in base.assets if asset.feed == 0 or asset.feed in numbers]
    if any(listing.symbol == assets[0].symbol for listing in listings):
        assets[0] = replace(assets[0], symbol="USD", name="a dollar that holds")
    assets += [_asset(listing, feeds[path.symbols.index(listing.symbol)]) for listing in listings]
    oracle = replace(base.oracle, feeds=tuple(feeds))
    return replace(base, assets=tuple(assets), markets=tuple(chosen), oracle=oracle)


def feeds_of(base: Parameters, path: PricePath) -> list[Feed]:
    """One per symbol of the path, in its order."""
    known = {feed.symbol: feed for feed in base.oracle.feeds}
    found = []
    for number, (symbol, first) in enumerate(zip(path.symbols, path.first, strict=True)):
        feed = known.get(symbol) or Feed(100 + number, symbol, 200, 10_000, 0)
        found.append(replace(feed, initial=first * lot_of(path, number)))
    return found


def _market(base: Parameters, path: PricePath, number: int, feed: Feed) -> Market:
    """The market of a symbol; one that is not listed gets the terms of the most careful one."""
    symbol = path.symbols[number]
    found = next((market for market in base.markets if market.symbol == symbol), None) or next(
        market for market in base.markets if market.symbol == "LINK"
    )
    usual = next(entry.initial for entry in base.oracle.feeds if entry.number == found.feed)
    market = replace(found, symbol=symbol, feed=feed.number)
    return _rescaled(market, usual, path.values[0][number] * lot_of(path, number))


def _asset(listing: Listing, feed: Feed) -> Asset:
    """A cap of 100 million quote at the first price."""
    cap = 10**8 * PRICE * 10**listing.decimals // feed.initial
    return Asset(
        listing.symbol,
        listing.symbol,
        listing.decimals,
        feed.number,
        listing.haircut_im,
        listing.haircut_mm,
        60,
        listing.sigma,
        cap,
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
