"""plimsoll deploy, plimsoll verify."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.commands.common import (
    DIRECTORY,
    LOCAL_RPC,
    Deployments,
    From,
    Json,
    Rpc,
    Wallet,
    emit,
    handled,
    read_only,
)
from plimsoll.errors import BadInput

if TYPE_CHECKING:
    from plimsoll.deploy import Parameters

ParametersFile = Annotated[
    Path | None, typer.Option("--parameters", help="JSON file; without it the parameters of a local chain.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget a half-finished or earlier deployment on this chain.")]
Show = Annotated[bool, typer.Option("--show-parameters", help="Print the parameters as JSON and stop.")]


def register(app: typer.Typer) -> None:
    app.command()(deploy)
    app.command()(verify)


@handled
def deploy(
    rpc: Rpc = LOCAL_RPC,
    parameters: ParametersFile = None,
    deployments: Deployments = DIRECTORY,
    sender: From = None,
    fresh: Fresh = False,
    show_parameters: Show = False,
    as_json: Json = False,
) -> None:
    """Deploy the protocol, or go on where a deployment was cut off. Without a key: show what would be sent.

    Example: PLIMSOLL_KEY_FILE=deployer.key plimsoll deploy --rpc http://127.0.0.1:8545 --parameters mine.json
    """
    from plimsoll.deploy import deploy as run

    chosen = _parameters(parameters)
    if show_parameters:
        print(json.dumps(chosen.to_json(), indent=1))
        return
    wallet = Wallet(rpc, sender)
    if wallet.address is None:
        _dry_run(wallet, chosen, as_json)
        return
    progress = None if as_json else _progress
    deployment = run(wallet.chain, wallet.address, chosen, directory=deployments, fresh=fresh, progress=progress)
    manifest = deployment.manifest
    addresses = {name: entry.address for name, entry in manifest.contracts.items()}
    result: dict[str, Any] = {"dry_run": False, "chain_id": manifest.chain_id, "block": manifest.block}
    emit(as_json, result | {"contracts": addresses}, [f"engine {addresses['MarginEngine']}, block {manifest.block}"])


def _parameters(path: Path | None) -> Parameters:
    from plimsoll.deploy import Parameters, local

    if path is None:
        return local()
    try:
        return Parameters.from_json(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise BadInput("parameters file", str(path), f"it cannot be read: {error}") from None


def _dry_run(wallet: Wallet, parameters: Parameters, as_json: bool) -> None:
    from plimsoll.contracts import load
    from plimsoll.deploy.bounds import require_safe
    from plimsoll.deploy.protocol import ZERO, protocol_plan
    from plimsoll.deploy.runner import describe

    require_safe(parameters, wallet.chain.chain_id)
    steps = describe(protocol_plan(parameters, load(), ZERO))
    text = [
        *steps,
        f"{len(steps)} transactions would be sent; set PLIMSOLL_KEY, or --from on a local node, to send them",
    ]
    emit(as_json, {"dry_run": True, "chain_id": wallet.chain.chain_id, "steps": steps}, text)


def _progress(number: int, total: int, step: str, address: str) -> None:
    print(f"{number:3}/{total} {step} {address}".rstrip(), file=sys.stderr)


@handled
def verify(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
    """Compare the chain with its manifest: code, every parameter, every role. Exit code 6 when they differ.

    Example: plimsoll verify --rpc http://127.0.0.1:8545 --json
    """
    from plimsoll.deploy import verify as compare
    from plimsoll.deploy.errors import Differs

    deployment = read_only(rpc, deployments)
    if differences := compare(deployment):
        raise Differs(differences)
    count = len(deployment.manifest.contracts)
    text = f"chain {deployment.chain.chain_id} is what its manifest says: {count} contracts"
    emit(as_json, {"chain_id": deployment.chain.chain_id, "contracts": count, "differences": []}, [text])
