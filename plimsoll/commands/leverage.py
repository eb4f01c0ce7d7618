"""plimsoll lever, delever, close: a preview, then one batch with its limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.accounts import AccountId
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
)
from plimsoll.commands.sending import Prices, Report, Session, prologue
from plimsoll.commands.trading import Account

if TYPE_CHECKING:
    from plimsoll.leverage import LeverPlan

To = Annotated[str, typer.Option("--to", help="Exposure / equity to arrive at, such as 3.5.")]
AssetName = Annotated[str | None, typer.Option("--asset", help="What is bought or sold; what the account has, if one.")]
DebtName = Annotated[str | None, typer.Option("--debt", help="What is borrowed or repaid; the quote asset by default.")]
Slippage = Annotated[int, typer.Option("--slippage", help="Bps that the swap may bring less than it is quoted now.")]
MaxLeverage = Annotated[
    str | None, typer.Option("--max-leverage", help="Hard limit at the end; by default what slippage may lead to.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only the preview, also with a key.")]


def register(app: typer.Typer) -> None:
    for command in (lever, delever, close):
        app.command()(command)


@handled
def lever(
    account: Account,
    to: To,
    asset: AssetName = None,
    debt: DebtName = None,
    slippage: Slippage = 50,
    max_leverage: MaxLeverage = None,
    dry_run: DryRun = False,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """More leverage: borrow, and swap into the asset. Shows what comes of it, then sends it; without a key only shows.

    Example: plimsoll lever 0x7099…79C8/cross/0 --to 3.5 --asset WETH --price ETH=3000 --from 0x7099…79C8
    """
    from plimsoll.leverage import plan_lever

    session, options = _prepare(rpc, deployments, sender, asset, debt, report, price)
    options |= {"slippage": slippage, "max_leverage": max_leverage}
    plan = plan_lever(session.deployment, bytes(AccountId.parse(account)), to, **options)
    _finish("lever", session, plan, dry_run=dry_run, as_json=as_json)


@handled
def delever(
    account: Account,
    to: To,
    asset: AssetName = None,
    debt: DebtName = None,
    slippage: Slippage = 50,
    max_leverage: MaxLeverage = None,
    dry_run: DryRun = False,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Less leverage: sell some of the asset, and repay. Shows what comes of it, then sends it.

    Example: plimsoll delever 0x7099…79C8/cross/0 --to 2 --price ETH=3000 --from 0x7099…79C8
    """
    from plimsoll.leverage import plan_delever

    session, options = _prepare(rpc, deployments, sender, asset, debt, report, price)
    options |= {"slippage": slippage, "max_leverage": max_leverage}
    plan = plan_delever(session.deployment, bytes(AccountId.parse(account)), to, **options)
    _finish("delever", session, plan, dry_run=dry_run, as_json=as_json)


@handled
def close(
    account: Account,
    asset: AssetName = None,
    debt: DebtName = None,
    slippage: Slippage = 50,
    max_leverage: MaxLeverage = None,
    dry_run: DryRun = False,
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """No debt: sell as much of the asset as it takes to repay all. Shows what comes of it, then sends it.

    Example: plimsoll close 0x7099…79C8/cross/0 --price ETH=3000 --from 0x7099…79C8
    """
    from plimsoll.leverage import plan_close

    session, options = _prepare(rpc, deployments, sender, asset, debt, report, price)
    options |= {"slippage": slippage, "max_leverage": max_leverage}
    plan = plan_close(session.deployment, bytes(AccountId.parse(account)), **options)
    _finish("close", session, plan, dry_run=dry_run, as_json=as_json)


def _prepare(
    rpc: str,
    deployments: Path,
    sender: str | None,
    asset: str | None,
    debt: str | None,
    report: Path | None,
    price: list[str] | None,
) -> tuple[Session, dict[str, Any]]:
    session = Session.open(rpc, deployments, sender)
    deployment = session.deployment
    return session, {
        "asset": None if asset is None else asset_number(deployment, asset),
        "debt_asset": None if debt is None else asset_number(deployment, debt),
        "prices": prologue(deployment, report, price),
    }


def _finish(what: str, session: Session, plan: LeverPlan, *, dry_run: bool, as_json: bool) -> None:
    from plimsoll.leverage.text import as_data, as_lines

    deployment, sender = session.deployment, session.wallet.address
    data = as_data(deployment, what, plan)
    lines = as_lines(data)
    if dry_run or sender is None:
        data |= {"dry_run": True, "data": "0x" + deployment.engine.encode("execute", plan.batch).hex()}
        hint = "" if dry_run else "; set PLIMSOLL_KEY, or --from on a local node, to send"
        outcome = str(plan.refusal) if plan.refusal else "would succeed"
        emit(as_json, data, [*lines, f"dry run: {outcome}{hint}"])
        return
    if plan.refusal:
        raise plan.refusal
    receipt = plan.execute(deployment, sender=sender)
    data |= {"dry_run": False, "transaction": receipt.tx_hash, "mined": receipt.block, "gas": receipt.gas_used}
    emit(as_json, data, [*lines, f"done in block {receipt.block}: {receipt.tx_hash} ({receipt.gas_used:,} gas)"])
