"""A desk per test (tests/unit/engine/desk.py): transactions on the real bytecode, with the exact twins beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "engine"))

from desk import Desk

from plimsoll import contracts
from plimsoll.testing import World
from plimsoll.testing.deployment import Substituted


@pytest.fixture
def desk():
    return Desk.create()


@pytest.fixture
def put():
    """Deploys a contract of the artifacts: `put(desk, "MockExchange", *args)`."""
    return World.put


@pytest.fixture
def hooked(monkeypatch, put):
    """A desk with hook tokens, an exchange with 1,000 WETH, and mallory with 100,000."""
    artifacts = contracts.load()
    with monkeypatch.context() as patch:
        patch.setattr("plimsoll.deploy.deployment.load", lambda: Substituted(artifacts, "HookERC20"))
        desk = Desk.create()
    made = put(desk, "MockExchange")
    quote, weth = desk.token(0).address, desk.token(1).address
    made.write("setPrice", quote, weth, 10**18, 3_000 * 10**6, sender=desk.admin)
    desk.token(1).write("mint", made.address, 1_000 * 10**18, sender=desk.admin)
    return desk, made, desk.trader("mallory", 100_000)
