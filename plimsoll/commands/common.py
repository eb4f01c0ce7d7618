"""What commands share: options, connections, output, and errors as exit codes.

    @app.command()
    @handled
    def status(rpc: Rpc = LOCAL_RPC, deployments: Deployments = DIRECTORY, as_json: Json = False) -> None:
        emit(as_json, {"block": 5}, ["block 5"])

Exit codes are those of plimsoll.errors (docs/cli.md), 2 also for a wrong command line, 130 for Ctrl-C. With `--json`
an error is one JSON object on standard output: {"error": {"type", "message", …}}.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from plimsoll.errors import BadInput, PlimsollError

if TYPE_CHECKING:
    from plimsoll.chain import RpcChain
    from plimsoll.deploy import Deployment

LOCAL_RPC = "http://127.0.0.1:8545"
DIRECTORY = Path("deployments")

Rpc = Annotated[str, typer.Option("--rpc", envvar="PLIMSOLL_RPC", help="JSON-RPC address of the chain.")]
Deployments = Annotated[
    Path, typer.Option("--deployments", envvar="PLIMSOLL_DEPLOYMENTS", help="Folder with the manifests.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="Send from this unlocked account of a local node, instead of with PLIMSOLL_KEY."),
]

F = TypeVar("F", bound=Callable[..., Any])


def handled(command: F) -> F:
    """Ends the command with the error's exit code and a message, in JSON where that was asked for."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except PlimsollError as error:
            report_error(error, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:  # the reader of our output has gone: `plimsoll status | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None

    return wrapper  # type: ignore[return-value]


def report_error(error: PlimsollError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": {"type": type(error).__name__, "message": str(error), **error.fields}}))
    else:
        print(f"plimsoll: {error}", file=sys.stderr)


def emit(as_json: bool, data: Any, lines: Iterable[str]) -> None:
    """The result, once: as JSON or as text."""
    if as_json:
        print(json.dumps(data, indent=1))
        return
    for line in lines:
        print(line)


class Wallet:
    """Who sends: our key, an unlocked account of a local node, or nobody (dry run)."""

    def __init__(self, rpc: str, unlocked: str | None) -> None:
        from plimsoll.chain.rpc import connect
        from plimsoll.chain.signer import Signer

        signer = None if unlocked else Signer.find()
        self.unlocked = unlocked is not None
        self.chain: RpcChain = connect(rpc, signer=signer)
        self.address = signer.address if signer else self._unlocked(unlocked)

    @property
    def dry(self) -> bool:
        return self.address is None

    def _unlocked(self, address: str | None) -> str | None:
        from plimsoll.abi import checksum

        if address is None:
            return None
        known = [checksum(account) for account in self.chain.rpc.request("eth_accounts")]
        try:
            wanted = checksum(address)
        except ValueError:
            raise BadInput("--from", address, "it is not an address") from None
        if wanted not in known:
            raise BadInput(
                "--from", address, f"the node has no such unlocked account; it has {', '.join(known) or 'none'}"
            )
        return wanted


def opened(chain: RpcChain, deployments: Path) -> Deployment:
    from plimsoll.deploy import Deployment

    return Deployment.open(chain, deployments)


def read_only(rpc: str, deployments: Path) -> Deployment:
    """The deployment, connected without a key."""
    from plimsoll.chain.rpc import connect

    return opened(connect(rpc), deployments)


def asset_number(deployment: Deployment, text: str) -> int:
    return _number("asset", text, [asset.symbol for asset in deployment.parameters.assets])


def market_number(deployment: Deployment, text: str) -> int:
    return _number("market", text, [market.symbol for market in deployment.parameters.markets])


def _number(what: str, text: str, symbols: list[str]) -> int:
    if text.isdigit() and int(text) < len(symbols):
        return int(text)
    matching = [number for number, symbol in enumerate(symbols) if symbol.lower() == text.lower()]
    if not matching:
        raise BadInput(what, text, f"there are {', '.join(f'{n} {s}' for n, s in enumerate(symbols))}")
    return matching[0]
