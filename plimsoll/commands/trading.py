"""plimsoll deposit, withdraw, trade: plain batches of one action; and how commands send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    Wallet,
    asset_number,
    emit,
    handled,
    market_number,
    opened,
)
from plimsoll.errors import BadInput, TransactionFailed

if TYPE_CHECKING:
    from plimsoll.contracts import Contract
    from plimsoll.deploy import Deployment

Account = Annotated[str, typer.Argument(metavar="ID", help="0xOWNER/cross/0, 0xOWNER/isolated:2/1, or 32 bytes.")]
Asset = Annotated[str, typer.Argument(help="Symbol or number.")]
Amount = Annotated[str, typer.Argument(help="In whole tokens, such as 12.5.")]
Report = Annotated[Path | None, typer.Option("--report", help="File with a signed price report, as hex.")]
Prices = Annotated[
    list[str] | None,
    typer.Option("--price", help="Local chains only: SYMBOL=VALUE, signed with the local keys. Repeatable."),
]


def register(app: typer.Typer) -> None:
    for command in (deposit, withdraw, trade):
        app.command()(command)


@handled
def deposit(
    account: Account,
    asset: Asset,
    amount: Amount,
    mint: Annotated[bool, typer.Option("--mint", help="Mint mock tokens first (local chains).")] = False,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Deposit collateral; approves the vault for exactly the amount. Without a key: show what would be sent.

    Example: plimsoll deposit 0x70997970C51812dc3A010C7d01b50e0d17dc79C8/cross/0 USDC 1000 --mint --from 0x7099…79C8
    """
    wallet = Wallet(rpc, sender)
    deployment = opened(wallet.chain, deployments)
    identity, number = AccountId.parse(account), asset_number(deployment, asset)
    token, vault = deployment.tokens[number], deployment.vaults[number]
    units_ = units.parse(amount, deployment.parameters.assets[number].decimals, "amount")
    owner = wallet.address or identity.owner
    steps: list[tuple[Contract, str, tuple[Any, ...]]] = []
    if mint:
        steps.append((token, "mint", (owner, units_)))
    if token.read("allowance", owner, vault.address) < units_:
        steps.append((token, "approve", (vault.address, units_)))
    batch = actions.batch([actions.deposit(bytes(identity), number, units_)])
    send(wallet, owner, [*steps, (deployment.engine, "execute", (batch,))], as_json)


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
    wallet = Wallet(rpc, sender)
    deployment = opened(wallet.chain, deployments)
    identity, number = AccountId.parse(account), asset_number(deployment, asset)
    units_ = units.parse(amount, deployment.parameters.assets[number].decimals, "amount")
    action = actions.withdraw(bytes(identity), number, units_, to or identity.owner)
    batch = actions.batch([action], prologue(deployment, report, price))
    send(wallet, wallet.address or identity.owner, [(deployment.engine, "execute", (batch,))], as_json)


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
    wallet = Wallet(rpc, sender)
    deployment = opened(wallet.chain, deployments)
    identity, number = AccountId.parse(account), market_number(deployment, market)
    bound = None if limit is None else units.parse(limit, units.PRICE_DECIMALS, "limit price")
    deadline = deployment.chain.block()[1] + valid
    order = units.parse(size, units.SIZE_DECIMALS, "size")
    action = actions.trade_perp(bytes(identity), number, order, bound, deadline)
    batch = actions.batch([action], prologue(deployment, report, price), reducing)
    send(wallet, wallet.address or identity.owner, [(deployment.engine, "execute", (batch,))], as_json)


def prologue(deployment: Deployment, report: Path | None, prices: list[str] | None) -> bytes:
    if report is not None:
        try:
            return bytes.fromhex(report.read_text().strip().removeprefix("0x"))
        except (OSError, ValueError) as error:
            raise BadInput("report", str(report), f"it is not a readable file with hex: {error}") from None
    if not prices:
        return b""
    from plimsoll.deploy.local_prices import LocalPrices

    feeds = {feed.symbol.lower(): feed.number for feed in deployment.parameters.oracle.feeds}
    chosen = {}
    for item in prices:
        symbol, _, value = item.partition("=")
        if symbol.lower() not in feeds or not value:
            raise BadInput("price", item, f"write SYMBOL=VALUE; the feeds are {', '.join(feeds)}")
        chosen[feeds[symbol.lower()]] = units.parse(value, units.PRICE_DECIMALS, "price")
    return LocalPrices(deployment).report(chosen)


def send(wallet: Wallet, owner: str, steps: list[tuple[Contract, str, tuple[Any, ...]]], as_json: bool) -> None:
    """Sends the calls in order, or says what each would do."""
    if wallet.dry:
        _show(owner, steps, as_json)
        return
    receipts = [contract.write(name, *args, sender=owner) for contract, name, args in steps]
    last = receipts[-1]
    data = {"dry_run": False, "transactions": [r.tx_hash for r in receipts], "block": last.block, "gas": last.gas_used}
    emit(as_json, data, [f"done in block {last.block}: {last.tx_hash} ({last.gas_used:,} gas)"])


def _show(owner: str, steps: list[tuple[Contract, str, tuple[Any, ...]]], as_json: bool) -> None:
    shown: list[dict[str, Any]] = []
    lines = [f"dry run as {owner}: set PLIMSOLL_KEY, or --from on a local node, to send"]
    for position, (contract, name, args) in enumerate(steps):
        outcome = "depends on the transactions before it"
        if position == 0:
            outcome = _outcome(contract, name, args, owner)
        data = "0x" + contract.encode(name, *args).hex()
        shown.append({"to": contract.address, "call": name, "data": data, "outcome": outcome})
        lines.append(f"  {contract.artifact.name}.{name} at {contract.address}: {outcome}")
    emit(as_json, {"dry_run": True, "from": owner, "transactions": shown}, lines)


def _outcome(contract: Contract, name: str, args: tuple[Any, ...], owner: str) -> str:
    try:
        contract.read(name, *args, sender=owner)
    except TransactionFailed as error:
        return str(error)
    return "would succeed"
