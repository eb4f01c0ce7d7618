"""Surfaces on a local chain, where the signers' keys are known: signed, sent, and what became of each.

publish(deployment, imported, sender)          index price first, then the surfaces; key → verdict
signed(deployment, imported)                   the report's bytes, to be sent by somebody
unsigned(deployment, imported)                 what other signers have to sign
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plimsoll import contracts
from plimsoll.deploy.defaults import local_signer_keys
from plimsoll.deploy.local_prices import LocalPrices
from plimsoll.errors import BadInput
from plimsoll.options.snapshots import Imported
from plimsoll.surfaces import Reason, SurfaceSigner

if TYPE_CHECKING:
    from plimsoll.chain.base import Receipt
    from plimsoll.deploy import Deployment

PASSED_OVER = "passed over: what is stored was published as late, or the report is more than two minutes old"


@dataclass(frozen=True, slots=True)
class Published:
    """`verdicts`: key → None for a surface that was stored, else the contract's reason."""

    verdicts: dict[int, str | None]
    receipt: Receipt


def signer_of(deployment: Deployment) -> SurfaceSigner | None:
    """With the local keys, when the deployment's signers are those; else nobody here can sign."""
    found = SurfaceSigner(local_signer_keys(), deployment.surfaces.address, deployment.manifest.chain_id)
    known = {address.lower() for address in found.addresses}
    return found if {s.lower() for s in deployment.parameters.oracle.signers} <= known else None


def signed(deployment: Deployment, imported: Imported) -> bytes:
    signer = signer_of(deployment)
    if signer is None:
        raise BadInput("signers", deployment.parameters.oracle.signers, "their keys are not the local ones")
    return signer.report(imported.published_at, imported.quoted)


def unsigned(deployment: Deployment, imported: Imported) -> dict[str, Any]:
    """The fields of SurfaceReport and its domain, numbers as text."""
    words = [str(word) for quoted in sorted(imported.quoted, key=lambda item: item.key) for word in quoted.words()]
    domain = {"name": SurfaceSigner.name, "version": "1", "chainId": deployment.manifest.chain_id}
    domain["verifyingContract"] = deployment.surfaces.address
    return {"domain": domain, "publishedAt": imported.published_at, "words": words}


def publish(deployment: Deployment, report: bytes, keys: list[int], sender: str) -> Published:
    """Sends `report`; of the surfaces in it, by their keys, what the contract did with each."""
    receipt = deployment.surfaces.write("update", report, sender=sender)
    verdicts: dict[int, str | None] = dict.fromkeys(keys, PASSED_OVER)
    for event in contracts.events(receipt.logs, address=deployment.surfaces.address):
        if event.name == "SurfaceStored":
            verdicts[event.args["key"]] = None
        elif event.name == "SurfaceRejected":
            reason, value, limit = (event.args[name] for name in ("reason", "value", "limit"))
            verdicts[event.args["key"]] = f"{Reason(reason).name}: {value} against {limit}"
    return Published(verdicts, receipt)


def post_index(deployment: Deployment, feed: int, price: int, sender: str) -> None:
    """The index price with its mock reference. Raises BadInput when the feed holds another one after it."""
    LocalPrices(deployment).post({feed: price}, sender)
    stored = deployment.router.read("read", [feed])[0] & (1 << 72) - 1
    if stored != price:
        raise BadInput("index price", price, f"the feed holds {stored} (1e-10): wait a block, or look at its status")
