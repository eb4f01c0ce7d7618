"""What every suite in process starts from: a deployed protocol per test, and one way to expect a revert."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from plimsoll import contracts
from plimsoll.errors import Reverted
from plimsoll.testing import World
from plimsoll.testing.deployment import Substituted


@contextmanager
def expect(name, *values):
    with pytest.raises(Reverted) as caught:
        yield caught
    assert name == caught.value.name
    if values:
        assert values == caught.value.values


@pytest.fixture(scope="session")
def reverts():
    """`with reverts("Name", value, …):` fails with exactly this error and, when given, exactly these values."""
    return expect


@pytest.fixture
def world():
    return World.create()


@pytest.fixture
def world_of(monkeypatch):
    """Deploys with another kind of token in place of the plain ones: `world_of("HookERC20")`."""

    def create(kind, **options):
        artifacts = contracts.load()
        with monkeypatch.context() as patch:
            patch.setattr("plimsoll.deploy.deployment.load", lambda: Substituted(artifacts, kind))
            return World.create(**options)

    return create


@pytest.fixture
def put():
    """Deploys a contract of the artifacts: `put(world, "MockExchange", *args)`."""
    return World.put
