"""One deployment per session; each test starts from it."""

from __future__ import annotations

import pytest
from order_world import build


@pytest.fixture(scope="session")
def deployed_orders():
    return build()


@pytest.fixture
def desk(deployed_orders):
    snapshot = deployed_orders.chain.snapshot()
    yield deployed_orders
    deployed_orders.chain.revert(snapshot)
