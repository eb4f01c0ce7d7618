"""plimsoll pool: liquidity goes in and out through the pool's own queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, From, Json, Rpc, Wallet, emit, handled, opened
from plimsoll.commands.trading import Prices, Report, prologue, send

if TYPE_CHECKING:
    from plimsoll.contracts import Contract
    from plimsoll.deploy import Deployment

WAITS = ("NONE", "UNKNOWN", "DELAY", "PRICE", "MOVE", "VALUE", "CASH", "REQUIREMENT", "REFUSED")

pool_app = typer.Typer(help="Liquidity: request, wait, execute.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (enter, leave, execute, show):
        pool_app.command()(command)
    app.add_typer(pool_app, name="pool")


@handled
def enter(
    amount: Annotated[str, typer.Argument(help="Whole quote tokens.")],
    mint: Annotated[bool, typer.Option("--mint", help="Mint mock tokens first (local chains).")] = False,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Request to enter: irrevocable, executed by anyone at the first price after the delay.

    Example: plimsoll pool enter 1000000 --mint --from 0x7099…79C8
    """
    wallet = Wallet(rpc, sender)
    deployment = opened(wallet.chain, deployments)
    token, pool = deployment.tokens[0], deployment.pool
    units_ = units.parse(amount, deployment.parameters.assets[0].decimals, "amount")
    owner = _owner(wallet, deployment)
    steps: list[tuple[Contract, str, tuple[Any, ...]]] = [(token, "mint", (owner, units_))] if mint else []
    steps += [(token, "approve", (pool.address, units_)), (pool, "requestDeposit", (units_, owner))]
    send(wallet, owner, steps, as_json)


@handled
def leave(
    shares: Annotated[str, typer.Argument(help="LP shares, whole.")],
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Request to leave with LP shares: irrevocable, executed at close-out value.

    Example: plimsoll pool leave 250000 --from 0x7099…79C8
    """
    wallet = Wallet(rpc, sender)
    deployment = opened(wallet.chain, deployments)
    pool, owner = deployment.pool, _owner(wallet, deployment)
    amount = units.parse(shares, pool.read("decimals"), "shares")
    send(wallet, owner, [(pool, "requestRedeem", (amount, owner))], as_json)


@handled
def execute(
    requests: Annotated[list[int], typer.Argument(metavar="ID...", help="Requests, in this order.")],
    report: Report = None,
    price: Prices = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Execute what is due; the others are passed over. Markets with a position need a price published after the delay.

    Example: plimsoll pool execute 1 2 --price ETH=3000 --from 0x7099…79C8
    """
    wallet = Wallet(rpc, sender)
    deployment = opened(wallet.chain, deployments)
    update = prologue(deployment, report, price)
    steps: list[tuple[Contract, str, tuple[Any, ...]]] = [(deployment.router, "update", (update,))] if update else []
    send(wallet, _owner(wallet, deployment), [*steps, (deployment.pool, "execute", (requests,))], as_json)


@handled
def show(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """What the pool is worth, and every request that waits, with the reason.

    Example: plimsoll pool show --json
    """
    wallet = Wallet(rpc, None)
    deployment = opened(wallet.chain, deployments)
    pool, decimals = deployment.pool, deployment.parameters.assets[0].decimals
    waiting = []
    for number in range(1, pool.read("requestCount") + 1):
        request = pool.read("request", number)
        if request.kind:
            reason = WAITS[pool.read("waitOf", number)]
            waiting.append({"id": number, "controller": request.controller, "due": request.dueAt, "waits_for": reason})
    assets = units.show(pool.read("totalAssets"), decimals)
    shares = units.show(pool.read("totalSupply"), pool.read("decimals"))
    lines = [f"worth {assets} at close-out, {shares} shares"]
    lines += [f"request {r['id']} of {r['controller']}, due {r['due']}: {r['waits_for']}" for r in waiting]
    emit(as_json, {"assets": assets, "shares": shares, "requests": waiting}, lines)


def _owner(wallet: Wallet, deployment: Deployment) -> str:
    """Who asks; a dry run shows what the deployer would."""
    return wallet.address or deployment.manifest.deployer
