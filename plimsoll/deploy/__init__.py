"""One deployment plan, wherever it is sent: in process, over RPC, or through brownie (scripts/deploy.py).

    from plimsoll.chain import ProcessChain
    from plimsoll.deploy import deploy, local, Deployment, verify

    chain = ProcessChain()
    deployment = deploy(chain, chain.accounts[0], local())
    assert verify(deployment) == []

`parameters` (what), `bounds` (what is safe), `protocol` (the plan), `runner` (carrying it out, resumable), `files`
(journal and manifest), `verification` (chain against manifest).
"""

from plimsoll.deploy.defaults import local, local_signer_keys
from plimsoll.deploy.deployment import Deployment, deploy
from plimsoll.deploy.files import Manifest
from plimsoll.deploy.parameters import Parameters
from plimsoll.deploy.verification import Difference, verify

__all__ = ["Deployment", "Difference", "Manifest", "Parameters", "deploy", "local", "local_signer_keys", "verify"]
