"""How commands send: a session with one deployment, and calls that are sent in order or shown.

session = Session.open(rpc, deployments, sender)
session.send(session.asker, [(pool, "execute", (requests,))], as_json)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll import actions, units
from plimsoll.commands.common import Wallet, emit, opened
from plimsoll.errors import BadInput, TransactionFailed

if TYPE_CHECKING:
    from plimsoll.actions import Action
    from plimsoll.contracts import Contract
    from plimsoll.deploy import Deployment

Report = Annotated[Path | None, typer.Option("--report", help="File with a signed price report, as hex.")]
Prices = Annotated[
    list[str] | None,
    typer.Option("--price", help="Local chains only: SYMBOL=VALUE, signed with the local keys. Repeatable."),
]
Mint = Annotated[bool, typer.Option("--mint", help="Mint mock tokens first (local chains).")]

Step = tuple["Contract", str, tuple[Any, ...]]


@dataclass(frozen=True)
class Session:
    """Who sends, and to which deployment."""

    wallet: Wallet
    deployment: Deployment

    @classmethod
    def open(cls, rpc: str, deployments: Path, sender: str | None) -> Session:
        wallet = Wallet(rpc, sender)
        return cls(wallet, opened(wallet.chain, deployments))

    @property
    def asker(self) -> str:
        """Who asks where no account says it; a dry run shows what the deployer would."""
        return self.wallet.address or self.deployment.manifest.deployer

    def funded(self, owner: str, asset: int, amount: int, spender: Contract, *, mint: bool) -> list[Step]:
        """What goes before a call that pulls `amount` of an asset: the approval of exactly that."""
        token = self.deployment.tokens[asset]
        steps: list[Step] = [(token, "mint", (owner, amount))] if mint else []
        if token.read("allowance", owner, spender.address) < amount:
            steps.append((token, "approve", (spender.address, amount)))
        return steps

    def execute(self, owner: str, batch: list[Action], prices: bytes, as_json: bool, *, reducing: bool = False) -> None:
        """One batch, by our key or as the account's owner would."""
        steps: list[Step] = [(self.deployment.engine, "execute", (actions.batch(batch, prices, reducing),))]
        self.send(self.wallet.address or owner, steps, as_json)

    def send(self, owner: str, steps: list[Step], as_json: bool) -> None:
        """Sends the calls in order, or says what each would do."""
        if self.wallet.dry:
            _show(owner, steps, as_json)
            return
        receipts = [contract.write(name, *args, sender=owner) for contract, name, args in steps]
        last = receipts[-1]
        hashes = [receipt.tx_hash for receipt in receipts]
        data = {"dry_run": False, "transactions": hashes, "block": last.block, "gas": last.gas_used}
        emit(as_json, data, [f"done in block {last.block}: {last.tx_hash} ({last.gas_used:,} gas)"])


def prologue(deployment: Deployment, report: Path | None, prices: list[str] | None) -> bytes:
    if report is not None:
        try:
            return bytes.fromhex(report.read_text().strip().removeprefix("0x"))
        except (OSError, ValueError) as error:
            raise BadInput("report", str(report), f"it is not a readable file with hex: {error}") from None
    if not prices:
        return b""
    from plimsoll.deploy.local_prices import LocalPrices

    return LocalPrices(deployment).report(chosen_prices(deployment, prices))


def chosen_prices(deployment: Deployment, prices: list[str]) -> dict[int, int]:
    """SYMBOL=VALUE each, by feed number in 1e-10 quote."""
    feeds = {feed.symbol.lower(): feed.number for feed in deployment.parameters.oracle.feeds}
    chosen = {}
    for item in prices:
        symbol, _, value = item.partition("=")
        if symbol.lower() not in feeds or not value:
            raise BadInput("price", item, f"write SYMBOL=VALUE; the feeds are {', '.join(feeds)}")
        chosen[feeds[symbol.lower()]] = units.parse(value, units.PRICE_DECIMALS, "price")
    return chosen


def _show(owner: str, steps: list[Step], as_json: bool) -> None:
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
