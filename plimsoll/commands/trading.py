"""plimsoll deposit, withdraw, trade: plain batches of one action."""

from __future__ import annotations

from typing import Annotated

import typer

from plimsoll import actions, units
from plimsoll.accounts import AccountId
from plimsoll.commands.common import (
    DIRECTORY,
    LOCAL_RPC,
    Deployments,
    From,
    Json,
    Rpc,
    asset_number,
    handled,
    market_number,
)
from plimsoll.commands.sending import Mint, Prices, Report, Session, prologue

Account = Annotated[str, typer.Argument(metavar="ID", help="0xOWNER/cross/0, 0xOWNER/isolated:2/1, or 32 bytes.")]
Asset = Annotated[str, typer.Argument(help="Symbol or number.")]
Amount = Annotated[str, typer.Argument(help="In whole tokens, such as 12.5.")]


def register(app: typer.Typer) -> None:
    for command in (deposit, withdraw, trade):
        app.command()(command)


@handled
def deposit(
    account: Account,
    asset: Asset,
    amount: Amount,
    mint: Mint = False,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Deposit collateral; approves the vault for exactly the amount. Without a key: show what would be sent.

    Example: plimsoll deposit 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/cross/0 USDC 1000 --mint --from 0x7099…79C8
    """
    session = Session.open(rpc, deployments, sender)
    deployment = session.deployment
    identity, number = AccountId.parse(account), asset_number(deployment, asset)
    units_ = units.parse(amount, deployment.parameters.assets[number].decimals, "amount")
    owner = session.wallet.address or identity.owner
    steps = session.funded(owner, number, units_, deployment.vaults[number], mint=mint)
    batch = actions.batch([actions.deposit(bytes(identity), number, units_)])
    session.send(owner, [*steps, (deployment.engine, "execute", (batch,))], as_json)


@handled
def withdraw(
    account: Account,
    asset: Asset,
    amount: Amount,
    to: Annotated[str | None, typer.Option("--to", help="Receiver; the account's owner by default.")] = None,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Withdraw a held balance. With a perp in the account it needs fresh prices. Without a key: dry run.

    Example: plimsoll withdraw 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/cross/0 USDC 100 --from 0x7099…79C8
    """
    session = Session.open(rpc, deployments, sender)
    deployment = session.deployment
    identity, number = AccountId.parse(account), asset_number(deployment, asset)
    units_ = units.parse(amount, deployment.parameters.assets[number].decimals, "amount")
    action = actions.withdraw(bytes(identity), number, units_, to or identity.owner)
    session.execute(identity.owner, [action], prologue(deployment, report, price), as_json)


@handled
def trade(
    account: Account,
    market: Annotated[str, typer.Argument(help="Symbol or number.")],
    size: Annotated[str, typer.Argument(help="In whole units; negative sells (put -- before it).")],
    limit: Annotated[str | None, typer.Option("--limit", help="Worst acceptable fill price.")] = None,
    valid: Annotated[int, typer.Option("--valid", help="Seconds for which the order is good.")] = 120,
    reducing: Annotated[bool, typer.Option("--reducing", help="Declare that the batch only reduces risk.")] = False,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Trade a perp against the pool. Without a key: dry run.

    Example: plimsoll trade --limit 3010 --price ETH=3000 --from 0x7099…79C8 -- 0x7099…79C8/cross/0 ETH -2.5
    """
    session = Session.open(rpc, deployments, sender)
    deployment = session.deployment
    identity, number = AccountId.parse(account), market_number(deployment, market)
    bound = None if limit is None else units.parse(limit, units.PRICE_DECIMALS, "limit price")
    deadline = deployment.chain.block()[1] + valid
    order = units.parse(size, units.SIZE_DECIMALS, "size")
    action = actions.trade_perp(bytes(identity), number, order, bound, deadline)
    session.execute(identity.owner, [action], prologue(deployment, report, price), as_json, reducing=reducing)
