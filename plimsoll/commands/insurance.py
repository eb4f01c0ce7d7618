"""plimsoll insurance: staking behind bankrupt accounts, and the wait that leaving takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import units
from plimsoll.commands.common import (
    DIRECTORY,
    LOCAL_RPC,
    Deployments,
    From,
    Json,
    Rpc,
    emit,
    handled,
    read_only,
)
from plimsoll.commands.sending import Mint, Session
from plimsoll.errors import BadInput

if TYPE_CHECKING:
    from plimsoll.contracts import Contract

insurance_app = typer.Typer(help="Insurance: stake, cool down, unstake.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (stake, cooldown, unstake, status):
        insurance_app.command()(command)
    app.add_typer(insurance_app, name="insurance")


@handled
def stake(
    amount: Annotated[str, typer.Argument(help="Whole quote tokens.")],
    mint: Mint = False,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Stake quote tokens: they pay for bankrupt accounts, and earn insurance's share of liquidations and interest.

    Example: plimsoll insurance stake 50000 --mint --from 0x7099…79C8
    """
    session = Session.open(rpc, deployments, sender)
    deployment, owner = session.deployment, session.asker
    units_ = units.parse(amount, deployment.parameters.assets[0].decimals, "amount")
    steps = session.funded(owner, 0, units_, deployment.stake, mint=mint)
    session.send(owner, [*steps, (deployment.stake, "deposit", (units_, owner))], as_json)


@handled
def cooldown(
    shares: Annotated[str, typer.Argument(help="Shares, whole; 0 takes the request back.")],
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Begin to leave: so many shares (in all) can be unstaked in the window after the wait, and bear losses until then.

    Example: plimsoll insurance cooldown 50000 --from 0x7099…79C8
    """
    session = Session.open(rpc, deployments, sender)
    deployment, owner = session.deployment, session.asker
    contract = deployment.stake
    amount = units.parse(shares, contract.read("decimals"), "shares")
    session.send(owner, [(contract, "cooldown", (amount,))], as_json)


@handled
def unstake(
    shares: Annotated[str, typer.Argument(help="Shares, whole.")],
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    as_json: Json = False,
) -> None:
    """Redeem shares in their window, at what they are worth now.

    Example: plimsoll insurance unstake 50000 --from 0x7099…79C8
    """
    session = Session.open(rpc, deployments, sender)
    deployment, owner = session.deployment, session.asker
    contract = deployment.stake
    amount = units.parse(shares, contract.read("decimals"), "shares")
    session.send(owner, [(contract, "redeem", (amount, owner, owner))], as_json)


@handled
def status(
    staker: Annotated[str | None, typer.Argument(help="An address, for what it has at stake.")] = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    as_json: Json = False,
) -> None:
    """What insurance holds, what a share is worth, and when a staker may leave.

    Example: plimsoll insurance status 0x7099…79C8 --json
    """
    deployment = read_only(rpc, deployments)
    contract, decimals = deployment.stake, deployment.parameters.assets[0].decimals
    share = contract.read("decimals")
    data: dict[str, Any] = {
        "assets": units.show(contract.read("totalAssets"), decimals),
        "shares": units.show(contract.read("totalSupply"), share),
        "share_price": units.show(contract.read("convertToAssets", 10**share), decimals),
        "period": contract.read("period"),
        "window": contract.read("window"),
    }
    lines = [f"insurance holds {data['assets']}, {data['shares']} shares of {data['share_price']}"]
    if staker is not None:
        data["staker"] = found = _staker(contract, _address(staker), share, decimals)
        lines.append(f"{staker} has {found['shares']} shares worth {found['worth']}")
        if found["redeemable_at"]:
            lines.append(f"{found['cooling']} from {found['redeemable_at']} to {found['expires_at']}")
    emit(as_json, data, lines)


def _staker(contract: Contract, owner: str, share: int, decimals: int) -> dict[str, Any]:
    balance = contract.read("balanceOf", owner)
    cooling, redeemable_at, expires_at = contract.read("cooling", owner)
    return {
        "shares": units.show(balance, share),
        "worth": units.show(contract.read("convertToAssets", balance), decimals),
        "cooling": units.show(cooling, share),
        "redeemable_at": redeemable_at,
        "expires_at": expires_at,
        "redeemable_now": units.show(contract.read("maxRedeem", owner), share),
    }


def _address(text: str) -> str:
    from plimsoll.abi import checksum

    try:
        return checksum(text)
    except ValueError:
        raise BadInput("staker", text, "it is not an address") from None
