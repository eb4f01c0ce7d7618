"""The exchange as the keeper sees it: its pools, and what may leave the vaults for them, when a block asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from plimsoll.contracts import Contract
from plimsoll.errors import ChainUnreachable, PlimsollError, Reverted
from plimsoll.exchange.depth import DepthReader, Depths
from plimsoll.exchange.market import Exchange
from plimsoll.margin.fixed_math import positive

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")


class Shop:
    """Without an exchange everything is as if no pool traded anything."""

    def __init__(self, exchange: Exchange | None, vaults: Sequence[Contract] = ()) -> None:
        """`vaults` by asset."""
        self.exchange, self._vaults = exchange, tuple(vaults)
        self._reader = DepthReader(exchange) if exchange else None

    @classmethod
    def of(cls, protocol: Any, *, wanted: bool) -> Shop:
        """`protocol`: a Deployment, or a World of the tests."""
        deployment = getattr(protocol, "deployed", protocol)
        listed = getattr(getattr(deployment, "parameters", None), "exchange", None)
        return cls(Exchange.of(deployment), deployment.vaults) if wanted and listed else cls(None)

    def depths(self, block: int) -> Depths | None:
        """All pools; None without an exchange, or while it does not answer: the others need not wait for it."""
        if self._reader is None:
            return None
        try:
            return self._reader.read(block=block)
        except ChainUnreachable:
            raise
        except PlimsollError as error:
            log.warning("exchange not read", reason=str(error))
            return None

    def room(self, block: int) -> dict[int, int]:
        """Token units by asset that the brakes let leave through swaps now (WithdrawalBrake.count), in one call.

        Without an answer nothing is known to be limited, and the simulation decides.
        """
        if self.exchange is None:
            return {}
        queries = [(vault.address, vault.encode(name)) for vault in self._vaults for name in ("brake", "queued")]
        try:
            answers = self.exchange.ask(queries, block=block)
            pairs = zip(self._vaults, answers[::2], answers[1::2], strict=True)
            return {asset: _room(vault, *found) for asset, (vault, *found) in enumerate(pairs)}
        except ChainUnreachable:
            raise
        except PlimsollError as error:
            log.warning("brakes not read", reason=str(error))
            return {}


def _room(vault: Contract, brake: bytes | Reverted, queued: bytes | Reverted) -> int:
    _, limit, net = _read(vault, "brake", brake)
    return positive(limit - net - _read(vault, "queued", queued))


def _read(vault: Contract, name: str, answer: bytes | Reverted) -> Any:
    if isinstance(answer, Reverted):
        raise answer
    return vault.artifact.function(name).result(answer)
