"""One small interface to chains, wherever they run.

    from plimsoll.chain import ProcessChain, RpcChain, Anvil

    chain = ProcessChain()                               in process: tests, simulation
    chain = RpcChain("http://127.0.0.1:8545")            any node; dev accounts of a local one, or a Signer's key
    with Anvil(automine=False) as chain: …               a node of our own, ended with the block whatever happens

`Chain` (base.py) says what all of them can do, `LocalChain` what those can whose clock is ours. Handles to contracts
are in plimsoll.contracts; a chain itself only moves bytes.
"""

from typing import TYPE_CHECKING, Any

from plimsoll.chain.base import Chain, LocalChain, Log, Receipt, Tx

if TYPE_CHECKING:
    from plimsoll.chain.anvil import Anvil, AnvilChain
    from plimsoll.chain.process import ProcessChain
    from plimsoll.chain.rpc import RpcChain
    from plimsoll.chain.signer import Signer

__all__ = [
    "Anvil",
    "AnvilChain",
    "Chain",
    "LocalChain",
    "Log",
    "ProcessChain",
    "Receipt",
    "RpcChain",
    "Signer",
    "Tx",
]

_HOMES = {"Anvil": "anvil", "AnvilChain": "anvil", "ProcessChain": "process", "RpcChain": "rpc", "Signer": "signer"}


def __getattr__(name: str) -> Any:  # a keeper need not load the in-process EVM, nor a simulation the RPC client
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
