"""The exchange as the keeper sees it: whether there is one, and its pools at a block that asks for them."""

from __future__ import annotations

from typing import Any

import structlog

from plimsoll.errors import ChainUnreachable, PlimsollError
from plimsoll.exchange.depth import DepthReader, Depths
from plimsoll.exchange.market import Exchange

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")


class Shop:
    """Without an exchange everything is as if no pool traded anything."""

    def __init__(self, exchange: Exchange | None) -> None:
        self.exchange = exchange
        self._reader = DepthReader(exchange) if exchange else None

    @classmethod
    def of(cls, protocol: Any, *, wanted: bool) -> Shop:
        """`protocol`: a Deployment, or a World of the tests."""
        deployment = getattr(protocol, "deployed", protocol)
        listed = getattr(getattr(deployment, "parameters", None), "exchange", None)
        return cls(Exchange.of(deployment) if wanted and listed else None)

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
