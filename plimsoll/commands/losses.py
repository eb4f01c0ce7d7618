"""plimsoll losses: what bankrupt accounts lacked, and who paid it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from plimsoll.commands.common import DIRECTORY, LOCAL_RPC, Deployments, Json, Rpc, emit, handled, read_only
from plimsoll.errors import BadInput


def register(app: typer.Typer) -> None:
    app.command()(losses)


@handled
def losses(
    first: Annotated[int | None, typer.Option("--from-block", help="First block; that of the deployment.")] = None,
    last: Annotated[int | None, typer.Option("--to-block", help="Last block; the newest.")] = None,
    rpc: Rpc = LOCAL_RPC,
    deployments: Deployments = DIRECTORY,
    as_json: Json = False,
) -> None:
    """Losses recognised so far: what each bankrupt account lacked, and who paid how much of it.

    Example: plimsoll losses --from-block 1200 --json
    """
    from plimsoll import losses as ledger

    deployment = read_only(rpc, deployments)
    newest = deployment.chain.block()[0]
    start, end = deployment.manifest.block if first is None else first, newest if last is None else min(last, newest)
    if not 0 <= start <= end:
        raise BadInput("from-block", str(start), f"choose a block from 0 to {end}")
    found = list(ledger.read(deployment, start, end))
    lines = [f"blocks {start} to {end}: {len(found)} losses"]
    for loss in found:
        lines.append(f"block {loss.block}: {loss.account} lacked {loss.deficit}, insurance paid {loss.insured}")
        lines += [f"  {step.amount} {step.asset} from {step.payer}" for step in loss.steps]
    emit(as_json, {"first": start, "last": end, "losses": [asdict(loss) for loss in found]}, lines)
