"""A real exchange beside the protocol: Uniswap v3, on a local chain from the artefacts that its authors publish on npm.

    from plimsoll.exchange import Exchange

    exchange = Exchange.of(deployment)                             its manifest or parameters say where it is
    best = exchange.best_in(QUOTE, 5_000 * 10**6, WETH)            amounts, price afterwards, impact
    sell = exchange.sell_action(account, QUOTE, best.amount_in, WETH, best.amount_out * 995 // 1000)
    engine.write("execute", batch([sell]), sender=owner)           a `Call` through Executor
    exchange.move_to(exchange.pool(WETH, QUOTE), 2_900 * PRICE, sender=arbitrageur)

`listing` (which pools), `artifacts` (the published code), `steps` (its part of the deployment plan), `check` (its part
of the verification), `tick_math` and `pair` (prices, exactly), `swaps` (call data), `market` (`Exchange`), `arbitrage`.
Prices are 1e-10 of the quote per whole unit of the base, amounts the tokens' own units, fees millionths.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plimsoll.exchange.market import Exchange, Pool, PoolState, Quote

__all__ = ["Exchange", "Pool", "PoolState", "Quote"]


def __getattr__(name: str) -> Any:  # the parameters of a deployment import `listing`, and `market` imports those
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from plimsoll.exchange import market

    return getattr(market, name)
