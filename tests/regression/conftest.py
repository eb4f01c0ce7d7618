"""One file per failure in the past of this trade: the story, its analogue against the deployed bytecode, what stops it.

The table of incidents and the rule that stops each: docs/regressions.md. A `Desk` (tests/unit/engine/desk.py) is the
protocol on the real bytecode with the exact twins beside it; `expect` names an error and its values.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "engine"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "pool"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "vault"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "insurance"))

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
def hooked(monkeypatch):
    """A desk whose tokens call back (HookERC20)."""
    artifacts = contracts.load()
    with monkeypatch.context() as patch:
        patch.setattr("plimsoll.deploy.deployment.load", lambda: Substituted(artifacts, "HookERC20"))
        return Desk.create()
