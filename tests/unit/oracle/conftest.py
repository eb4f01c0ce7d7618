"""One deployment per session; each test starts from it."""

from __future__ import annotations

import pytest
import surface_world
from oracle_world import build


@pytest.fixture(scope="session")
def deployed_oracle():
    return build()


@pytest.fixture
def world(deployed_oracle):
    snapshot = deployed_oracle.chain.snapshot()
    yield deployed_oracle
    deployed_oracle.chain.revert(snapshot)


@pytest.fixture(scope="session")
def deployed_surfaces():
    return surface_world.build()


@pytest.fixture
def surfaces(deployed_surfaces):
    snapshot = deployed_surfaces.chain.snapshot()
    yield deployed_surfaces
    deployed_surfaces.chain.revert(snapshot)
