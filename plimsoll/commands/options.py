"""plimsoll option chain, settle, positions; quote and trade: option_orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.accounts import AccountId
from plimsoll.commands.common import (
    DIRECTORY,
    LOCAL_RPC,
    Deployments,
    From,
    Json,
    Rpc,
    emit,
    handled,
    market_number,
    read_only,
)
from plimsoll.commands.sending import Prices, Session, chosen_prices

if TYPE_CHECKING:
    pass

option_app = typer.Typer(help="Options: prices, orders, fills, settlement.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(metavar="ID", help="0xOWNER/cross/0, 0xOWNER/portfolio/0, or 32 bytes.")]
Market = Annotated[str, typer.Argument(help="Symbol or number.")]


def register(app: typer.Typer) -> None:
    for command in (chain, settle, positions):
        option_app.command()(command)
    app.add_typer(option_app, name="option")


@handled
def chain(
    market: Market,
    expiry: Annotated[str | None, typer.Option("--expiry", help="UTC; the nearest by default.")] = None,
    strikes: Annotated[str | None, typer.Option("--strikes", help="Such as 2800,3000,3200.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=101, help="Strikes to choose around the money.")] = 13,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    as_json: Json = False,
) -> None:
    """Marks, volatilities and Greeks by strike, of one expiry of a market, as the contracts have them now.

    Example: plimsoll option chain ETH --expiry 2026-12-25 --strikes 2800,3000,3200
    """
    from plimsoll.commands.option_views import chain_data, show_chain

    deployment = read_only(rpc, deployments)
    number = market_number(deployment, market)
    chosen = None
    if strikes is not None:
        chosen = [units.parse(strike, units.PRICE_DECIMALS, "strike") for strike in strikes.split(",")]
    data = chain_data(deployment, number, expiry, chosen, rows)
    show_chain(data, as_json)


@handled
def positions(
    account: Account, rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False
) -> None:
    """The options of an account with their marks, what they are worth and what moves them.

    Example: plimsoll option positions 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/portfolio/0
    """
    from plimsoll.commands.option_views import positions_data, positions_lines

    identity = AccountId.parse(account)
    deployment = read_only(rpc, deployments)
    data: dict[str, Any] = {"account": str(identity), "options": positions_data(deployment, bytes(identity))}
    emit(as_json, data, positions_lines(data["options"]) or ["no options"])


@handled
def settle(
    market: Market,
    expiry: Annotated[str, typer.Argument(help="UTC, such as 2026-12-25T08:00, or minutes since 1970.")],
    batch_size: Annotated[int, typer.Option("--batch", min=1, help="Accounts per transaction.")] = 20,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Observe an expiry's settlement price; when it is final, settle every account that has some of it, losers first.

    The price is a mean over the half hour before the expiry: call this every two minutes or so until it is final (20
    minutes must have been seen). Without a key: what there is to do.

    Example: plimsoll option settle ETH 2026-12-25T08:00 --price ETH=3000 --from 0xf39F…2266
    """
    from plimsoll.commands.option_views import settle_lines
    from plimsoll.options import series
    from plimsoll.options.rounds import Round

    session = Session.open(rpc, deployments, sender)
    number = market_number(session.deployment, market)
    found = Round(session.deployment, number, series.expiry(expiry), session.wallet.address)
    data = found.run(chosen_prices(session.deployment, price or []), batch_size)
    emit(as_json, data, settle_lines(data))
