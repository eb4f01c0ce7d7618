"""brownie run deploy [--network NAME]: the package's one deployment plan, sent from a brownie account.

The sender is the account named by PLIMSOLL_ACCOUNT (`brownie accounts list`), or the first one of a local network.
Parameters come from the file named by PLIMSOLL_PARAMETERS, or are those of a local chain. The manifest goes to
deployments/<chain id>.json, and what was deployed is registered with brownie, so `MarginEngine[-1]` works in its
console. A second run goes on where one stopped.

From tests:  deployment = deploy_with(accounts[0], local(risk_delay=0))       keeps no files
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brownie import accounts, chain, network, project, web3

from plimsoll.chain.base import Announce, Tx
from plimsoll.chain.rpc import RpcChain
from plimsoll.deploy import Deployment, Parameters, deploy, local


class BrownieChain(RpcChain):
    """Reads over the node's RPC, sends through brownie's accounts, which know keystores and hardware keys."""

    def __init__(self, senders: Sequence[Any]) -> None:
        super().__init__(web3.provider.endpoint_uri)
        self._senders = {str(sender.address): sender for sender in senders}

    def _submit(self, txs: Sequence[Tx], announce: Announce | None) -> list[str]:
        hashes = []
        for tx in txs:
            sender = self._senders[tx.sender]
            nonce = self.nonce(tx.sender)
            if announce:
                announce(None, nonce)
            fields: dict[str, Any] = {"data": "0x" + tx.data.hex(), "gas_limit": tx.gas, "nonce": nonce}
            receipt = sender.transfer(tx.to, tx.value, required_confs=0, silent=True, allow_revert=True, **fields)
            hashes.append(receipt.txid)
        return hashes


def deploy_with(sender: Any, parameters: Parameters, directory: Path | None = None) -> Deployment:
    """Deploys from a brownie account and registers every contract with the loaded project."""
    deployment = deploy(BrownieChain([sender]), sender.address, parameters, directory=directory, progress=_progress)
    for name, entry in deployment.manifest.contracts.items():
        container = getattr(_project(), entry.contract, None)
        if container is not None and hasattr(container, "at"):
            container.at(deployment.manifest.address(name))
    return deployment


def main() -> None:
    """What `brownie run deploy` calls."""
    name = os.environ.get("PLIMSOLL_ACCOUNT")
    sender = accounts.load(name) if name else accounts[0]
    file = os.environ.get("PLIMSOLL_PARAMETERS")
    parameters = Parameters.from_json(json.loads(Path(file).read_text())) if file else local()
    deployment = deploy_with(sender, parameters, Path("deployments"))
    print(f"{network.show_active()}, chain {chain.id}: engine {deployment.engine.address}")


def _project() -> Any:
    return project.get_loaded_projects()[0]


def _progress(number: int, total: int, step: str, address: str) -> None:
    print(f"{number:3}/{total} {step} {address}".rstrip())
