"""One deployment per session; each test starts from it."""

from __future__ import annotations

import pytest
from oracle_world import build


@pytest.fixture(scope="session")
def deployed_oracle():
    return build()


@pytest.fixture
def world(deployed_oracle):
    snapshot = deployed_oracle.chain.snapshot()
    yield deployed_oracle
    deployed_oracle.chain.revert(snapshot)
