"""plimsoll lend, recall, borrow, repay: plain batches of one action; plimsoll lending show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from plimsoll import actions, units
from plimsoll.accounts import AccountId
from plimsoll.actions import MAX_UINT256, Action
from plimsoll.commands.common import (
    DIRECTORY,
    LOCAL_RPC,
    Deployments,
    From,
    Json,
    Rpc,
    asset_number,
    emit,
    handled,
    read_only,
)
from plimsoll.commands.sending import Prices, Report, Session, prologue
from plimsoll.commands.trading import Account, Amount, Asset

AmountOrAll = Annotated[str, typer.Argument(help="In whole tokens, or `all`.")]

lending_app = typer.Typer(help="Lent assets: utilisation, rates, indices, caps.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (lend, recall, borrow, repay):
        app.command()(command)
    lending_app.command()(show)
    app.add_typer(lending_app, name="lending")


@handled
def lend(
    account: Account,
    asset: Asset,
    amount: Amount,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Lend what the account holds: it earns, and bears the asset's losses. Without a key: dry run.

    Example: plimsoll lend 0x7099…79C8/cross/0 USDC 1000 --from 0x7099…79C8
    """
    _run("lend", account, asset, amount, report, price, rpc, deployments, sender, as_json=as_json)


@handled
def recall(
    account: Account,
    asset: Asset,
    amount: AmountOrAll,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Take back what is lent, as far as it is not borrowed. Without a key: dry run.

    Example: plimsoll recall 0x7099…79C8/cross/0 USDC all --from 0x7099…79C8
    """
    _run("recall", account, asset, amount, report, price, rpc, deployments, sender, as_json=as_json)


@handled
def borrow(
    account: Account,
    asset: Asset,
    amount: Amount,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Borrow into what the account holds; `plimsoll withdraw` takes it out. Needs fresh prices. Without a key: dry run.

    Example: plimsoll borrow 0x7099…79C8/cross/0 USDC 500 --price ETH=3000 --from 0x7099…79C8
    """
    _run("borrow", account, asset, amount, report, price, rpc, deployments, sender, as_json=as_json)


@handled
def repay(
    account: Account,
    asset: Asset,
    amount: AmountOrAll,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Repay from what the account holds. Needs no price. Without a key: dry run.

    Example: plimsoll repay 0x7099…79C8/cross/0 USDC all --from 0x7099…79C8
    """
    _run("repay", account, asset, amount, report, price, rpc, deployments, sender, as_json=as_json)


def _run(
    what: str,
    account: str,
    asset: str,
    amount: str,
    report: Path | None,
    price: list[str] | None,
    rpc: str,
    deployments: Path,
    sender: str | None,
    *,
    as_json: bool,
) -> None:
    session = Session.open(rpc, deployments, sender)
    deployment = session.deployment
    identity, number = AccountId.parse(account), asset_number(deployment, asset)
    whole = amount == "all" and what in ("recall", "repay")
    decimals = deployment.parameters.assets[number].decimals
    units_ = MAX_UINT256 if whole else units.parse(amount, decimals, "amount")
    action: Action = getattr(actions, what)(bytes(identity), number, units_)
    session.execute(identity.owner, [action], prologue(deployment, report, price), as_json)


@handled
def show(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """Per asset: what is lent, borrowed and available, utilisation, rates, indices, caps.

    Example: plimsoll lending show --json
    """
    from plimsoll.lending import table

    deployment = read_only(rpc, deployments)
    block = deployment.chain.block()[0]
    rows: list[dict[str, Any]] = []
    for row in table(deployment.lens, block=block):
        listed = deployment.parameters.assets[row.asset]
        amounts = {name: units.show(getattr(row, name), listed.decimals) for name in AMOUNTS}
        shares = {name: units.show(getattr(row, name), places) for name, places in SHARES.items()}
        rows.append({"asset": row.asset, "symbol": listed.symbol} | amounts | shares)
    emit(as_json, {"block": block, "assets": rows}, _table(rows))


AMOUNTS = ("lent", "borrowed", "cash", "reserve", "borrow_cap", "supply_cap")
SHARES = {"utilisation": 7, "borrow_rate": 13, "lend_rate": 13, "lent_index": 12, "debt_index": 12}


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"{'asset':8}{'lent':>18}{'borrowed':>18}{'available':>18}{'used':>9}{'borrow':>9}{'lend':>9}{'cap':>18}"]
    for row in rows:
        shares = [f"{float(row[name]) * 100:8.2f}%" for name in ("utilisation", "borrow_rate", "lend_rate")]
        amounts = [f"{float(row[name]):18,.2f}" for name in ("lent", "borrowed", "cash")]
        lines.append(f"{row['symbol']:8}{''.join(amounts)}{''.join(shares)}{float(row['borrow_cap']):18,.2f}")
    return lines
