"""Structured logs on standard error: one line per event, JSON or text. No secret is ever bound to them."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from plimsoll.accounts import AccountId
from plimsoll.errors import BadInput
from plimsoll.keeper.settings import SECRET_NAMES

_SECRET = {name.lower() for name in SECRET_NAMES} | {"key", "private_key", "password", "secret", "mnemonic"}


def configure(*, as_json: bool) -> None:
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact,
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        if name.lower() in _SECRET:
            event[name] = "(hidden)"
    return event


def name_of(account: bytes) -> str:
    """An account as people write it."""
    try:
        return str(AccountId.unpack(account))
    except BadInput:
        return "0x" + account.hex()
