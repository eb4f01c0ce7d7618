"""The exposed libraries, deployed once per session, and a seeded source of numbers."""

from __future__ import annotations

import pytest
from draws import Draw
from exposed import Exposed, compile_exposed


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    return compile_exposed(tmp_path_factory.mktemp("exposed") / "artifacts.json")


@pytest.fixture(scope="session")
def exposed(artifacts):
    return Exposed(artifacts["ExposedMath"])


@pytest.fixture
def draw(request):
    """Numbers that depend on the test's name only."""
    return Draw(request.node.name)
