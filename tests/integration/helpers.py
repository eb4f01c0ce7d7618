"""What every integration test uses: expecting a typed error with its values, and reading one event."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Any

import pytest
from brownie.exceptions import VirtualMachineError

from plimsoll.prices import StoredEntry

#: Stands for a value of an error that a test cannot know, such as an age in seconds.
ANY = object()


@contextmanager
def reverts(name: str, *values: Any):
    """The transaction or call fails with exactly this typed error and, when given, exactly these values.

    Brownie renders a typed error as "Name: first, second", and one without arguments as "Name: ".
    """
    with pytest.raises(VirtualMachineError) as caught:
        yield caught
    message = caught.value.revert_msg or ""
    assert name == message.partition(":")[0], message
    if values:
        expected = ", ".join(".*" if value is ANY else re.escape(_text(value)) for value in values)
        assert re.fullmatch(f"{name}: {expected}", message, re.DOTALL), f"{message} is not {name}: {values}"


def _text(value: Any) -> str:
    value = getattr(value, "address", value)
    is_address = isinstance(value, str) and re.fullmatch("0x[0-9a-fA-F]{40}", value)
    return str(value).lower() if is_address else str(value)


def every(tx: Any, name: str) -> list[dict[str, Any]]:
    """The events of one name in a transaction, with bytes as bytes."""
    if name not in tx.events:
        return []
    found = tx.events[name]
    return [{key: _plain(value) for key, value in event.items()} for event in (found if len(found) > 1 else [found])]


def only(tx: Any, name: str) -> dict[str, Any]:
    """The one event of that name."""
    found = every(tx, name)
    assert len(found) == 1, f"{len(found)} events {name}"
    return found[0]


def stored_prices(tx: Any) -> list[StoredEntry]:
    """What a transaction stored, feed by feed."""
    return [StoredEntry.from_word(word) for event in every(tx, "PricesStored") for word in event["entries"]]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes) else value
