"""The exchange's part of a deployment plan: contracts, tokens to seed with, and per pool one transaction.

A pool's transaction creates it, sets its price and adds its liquidity, all through the position manager. Which of two
tokens is token0 is known only when both have an address, so its call data is `Derived` from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plimsoll.actions import MAX_UINT256
from plimsoll.errors import BadInput
from plimsoll.exchange.artifacts import load
from plimsoll.exchange.listing import BPS, ExchangeListing, PoolListing
from plimsoll.exchange.pair import Pair

if TYPE_CHECKING:
    from plimsoll.deploy.parameters import Asset
    from plimsoll.deploy.plan import Plan, Ref

NO_ETHER = "0x" + "00" * 20  # in place of WETH9 and of a descriptor: tokens only, and nobody asks for pictures
SLIPPAGE = 100  # of each amount: a pool that somebody else opened at another price is not seeded

FACTORY, ROUTER = "UniswapV3Factory", "SwapRouter"
POSITIONS, QUOTER, MULTICALL = "NonfungiblePositionManager", "QuoterV2", "UniswapInterfaceMulticall"


def exchange_steps(
    plan: Plan, listing: ExchangeListing, assets: Sequence[Asset], tokens: Sequence[Ref | str], deployer: str
) -> None:
    """Adds the steps, if there are any: nothing is deployed where an exchange exists."""
    _require_assets(listing, [asset.symbol for asset in assets])
    if listing.addresses is not None:
        return
    artifacts = load()
    factory = plan.create(FACTORY, artifacts[FACTORY])
    plan.create(ROUTER, artifacts[ROUTER], factory, NO_ETHER)
    positions = plan.create(POSITIONS, artifacts[POSITIONS], factory, NO_ETHER, NO_ETHER)
    plan.create(QUOTER, artifacts[QUOTER], factory, NO_ETHER)
    plan.create(MULTICALL, artifacts[MULTICALL])
    by_symbol = {asset.symbol: (asset, token) for asset, token in zip(assets, tokens, strict=True)}
    _mint(plan, listing, by_symbol, positions, deployer)
    for pool in listing.pools:
        (base, base_token), (quote, quote_token) = by_symbol[pool.base], by_symbol[pool.quote]
        args = (pool, base_token, base.decimals, quote_token, quote.decimals, deployer)
        plan.call(f"exchange: open {pool.name} {pool.fee}", positions, "multicall", plan.derived(opening, *args))


def _mint(
    plan: Plan,
    listing: ExchangeListing,
    by_symbol: dict[str, tuple[Asset, Ref | str]],
    positions: Ref,
    deployer: str,
) -> None:
    from plimsoll.deploy.plan import Ref

    for symbol, amount in needed(listing, {s: asset.decimals for s, (asset, _) in by_symbol.items()}).items():
        token = by_symbol[symbol][1]
        if not isinstance(token, Ref):
            raise BadInput("exchange", symbol, "its token is not ours to mint: give the addresses of an exchange")
        plan.call(f"exchange: mint {symbol}", token, "mint", deployer, amount)
        plan.call(f"exchange: approve {symbol}", token, "approve", positions, amount)


def _require_assets(listing: ExchangeListing, symbols: Sequence[str]) -> None:
    for pool in listing.pools:
        for symbol in (pool.base, pool.quote):
            if symbol not in symbols:
                raise BadInput(f"pool {pool.name}", symbol, f"it is no asset; there are {', '.join(symbols)}")


def needed(listing: ExchangeListing, decimals: dict[str, int]) -> dict[str, int]:
    """Raw amounts by symbol that are enough for all pools, whichever token comes first."""
    total: dict[str, int] = {}
    for pool in listing.pools:
        if not pool.depth:
            continue
        pair = Pair("0x1", decimals[pool.base], "0x2", decimals[pool.quote])
        quote = pair.quote_units(pool.depth)
        spare = len(pool.bands)  # each amount is rounded up
        total[pool.quote] = total.get(pool.quote, 0) + quote + spare
        total[pool.base] = total.get(pool.base, 0) + pair.base_for_up(quote, pool.price) + spare
    return total


def opening(pool: PoolListing, base: str, base_decimals: int, quote: str, quote_decimals: int, owner: str) -> list[Any]:
    """Call data for the position manager: create, set the price, add each band's liquidity for `owner`."""
    pair = Pair(base, base_decimals, quote, quote_decimals)
    positions = load()[POSITIONS]
    create = (*pair.tokens, pool.fee, pair.sqrt_price(pool.price))
    calls = [positions.function("createAndInitializePoolIfNecessary").encode(create)]
    depth = pair.quote_units(pool.depth)
    for band in pool.bands if depth else ():
        lower, upper, _, *amounts = pair.range_for(band, pool.price, depth * band.share // BPS, pool.fee)
        least = [amount - amount * SLIPPAGE // BPS for amount in amounts]
        mint = (*pair.tokens, pool.fee, lower, upper, *amounts, *least, owner, MAX_UINT256)
        calls.append(positions.function("mint").encode((mint,)))
    return calls
