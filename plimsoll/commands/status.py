"""plimsoll status, plimsoll account show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import ledger, units
from plimsoll.accounts import AccountId
from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, Json, Rpc, emit, handled, read_only
from plimsoll.errors import TransactionFailed

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

account_app = typer.Typer(help="Accounts.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command()(status)
    account_app.command()(show)
    app.add_typer(account_app, name="account")


@handled
def status(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """Prices, markets, pool and insurance as they are now.

    Example: plimsoll status --json
    """
    deployment = read_only(rpc, deployments)
    number, time = deployment.chain.block()
    data = {
        "chain_id": deployment.chain.chain_id,
        "block": number,
        "time": time,
        "accounts": deployment.engine.read("accountCount", block=number),
        "risk_paused_until": _paused(deployment, number),
        "prices": _prices(deployment, number, time),
        "markets": _markets(deployment, number),
        "pool": _pool(deployment, number),
        "insurance": _quote_held(deployment, deployment.insurance_account, number),
    }
    emit(as_json, data, _status_lines(data))


def _status_lines(data: dict[str, Any]) -> list[str]:
    lines = [f"chain {data['chain_id']}, block {data['block']}, {data['accounts']} accounts"]
    lines += [f"price  {f['symbol']:8} {f['price'] or '-':>14}  {f['state']}" for f in data["prices"]]
    lines += [f"market {m['symbol']:8} long {m['long']}, short {m['short']}" for m in data["markets"]]
    pool = data["pool"]
    lines.append(f"pool   equity {pool['equity']}, close-out {pool['close_out']}, cash {pool['cash']}")
    return [*lines, f"insurance {data['insurance']}"]


def _paused(d: Deployment, block: int) -> int:
    from plimsoll.margin.words import Globals

    return Globals.from_word(ledger.read(d.engine, [ledger.GLOBALS], block=block)[0]).paused_until


def _prices(d: Deployment, block: int, time: int) -> list[dict[str, Any]]:
    from plimsoll.margin.words import Price

    feeds = d.parameters.oracle.feeds
    words = d.router.read("read", [feed.number for feed in feeds], block=block)
    found = []
    for feed, word in zip(feeds, words, strict=True):
        price = Price.from_word(word)
        age = time - price.published_at
        state = "never" if not price.published_at else "disputed" if price.disputed_until > time else f"{age} s old"
        shown = units.price(price.value) if price.published_at else None
        found.append(
            {"feed": feed.number, "symbol": feed.symbol, "price": shown, "state": state, "status": price.status}
        )
    return found


def _markets(d: Deployment, block: int) -> list[dict[str, Any]]:
    from plimsoll.margin.words import MarketState

    slots = [ledger.market(number, ledger.STATE) for number in range(len(d.parameters.markets))]
    words = map(MarketState.from_word, ledger.read(d.engine, slots, block=block))
    return [
        {
            "market": number,
            "symbol": market.symbol,
            "long": units.size(word.long_size),
            "short": units.size(word.short_size),
            "funding_per_day": units.show(word.funding_rate, 9),
        }
        for number, (market, word) in enumerate(zip(d.parameters.markets, words, strict=True))
    ]


def _pool(d: Deployment, block: int) -> dict[str, Any]:
    try:
        equity, close_out = d.engine.read("poolEquity", block=block)
        values: dict[str, Any] = {"equity": units.quote(equity), "close_out": units.quote(close_out)}
    except TransactionFailed as error:
        values = {"equity": str(error), "close_out": None}
    return values | {"cash": _quote_held(d, d.pool_account, block)}


def _quote_held(d: Deployment, account: bytes, block: int) -> str:
    return units.show(d.engine.read("held", account, 0, block=block), d.parameters.assets[0].decimals)


@handled
def show(
    account: Annotated[str, typer.Argument(metavar="ID", help="0xOWNER/cross/0, 0xOWNER/isolated:2/1, or 32 bytes.")],
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    as_json: Json = False,
) -> None:
    """Balances, debts, positions, options, margin, leverage, state and liquidation prices of one account.

    Example: plimsoll account show 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/cross/0
    """
    from plimsoll.commands.account_view import account_lines, holdings, liquidation_prices, margin, options
    from plimsoll.reading import read

    identity = AccountId.parse(account)
    deployment = read_only(rpc, deployments)
    found, snapshot = read(deployment, bytes(identity))
    data = {"account": str(identity), "id": "0x" + bytes(identity).hex(), "block": snapshot.block}
    data |= margin(deployment, bytes(identity), snapshot.block) | holdings(deployment, found, snapshot)
    data["options"] = options(deployment, found, snapshot)
    data["liquidation_prices"] = liquidation_prices(deployment, found, snapshot)
    emit(as_json, data, account_lines(data))
