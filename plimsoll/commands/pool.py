"""plimsoll pool: liquidity goes in and out through the pool's own queue."""

from __future__ import annotations

from typing import Annotated

import typer

from plimsoll import units
from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, From, Json, Rpc, emit, handled, read_only
from plimsoll.commands.sending import Mint, Prices, Report, Session, Step, prologue

WAITS = ("NONE", "UNKNOWN", "DELAY", "PRICE", "MOVE", "VALUE", "CASH", "REQUIREMENT", "REFUSED")

pool_app = typer.Typer(help="Liquidity: request, wait, execute.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (enter, leave, execute, show):
        pool_app.command()(command)
    app.add_typer(pool_app, name="pool")


@handled
def enter(
    amount: Annotated[str, typer.Argument(help="Whole quote tokens.")],
    mint: Mint = False,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Request to enter: irrevocable, executed by anyone at the first price after the delay.

    Example: plimsoll pool enter 1000000 --mint --from 0x7099…79C8
    """
    session = Session.open(rpc, deployments, sender)
    deployment, owner = session.deployment, session.asker
    units_ = units.parse(amount, deployment.parameters.assets[0].decimals, "amount")
    steps = session.funded(owner, 0, units_, deployment.pool, mint=mint)
    session.send(owner, [*steps, (deployment.pool, "requestDeposit", (units_, owner))], as_json)


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
    session = Session.open(rpc, deployments, sender)
    deployment, owner = session.deployment, session.asker
    pool = deployment.pool
    amount = units.parse(shares, pool.read("decimals"), "shares")
    session.send(owner, [(pool, "requestRedeem", (amount, owner))], as_json)


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
    session = Session.open(rpc, deployments, sender)
    deployment, owner = session.deployment, session.asker
    update = prologue(deployment, report, price)
    steps: list[Step] = [(deployment.router, "update", (update,))] if update else []
    session.send(owner, [*steps, (deployment.pool, "execute", (requests,))], as_json)


@handled
def show(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """What the pool is worth, and every request that waits, with the reason.

    Example: plimsoll pool show --json
    """
    deployment = read_only(rpc, deployments)
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
