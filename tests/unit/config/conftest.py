"""One deployment per session; each test starts from one of its stages."""

from __future__ import annotations

import pytest
from config_world import build, set_up


@pytest.fixture(scope="session")
def deployed_config():
    return build()


@pytest.fixture
def blank(deployed_config):
    """Nothing is listed or set."""
    snapshot, contracts = deployed_config.chain.snapshot(), dict(deployed_config.contracts)
    yield deployed_config
    deployed_config.chain.revert(snapshot)
    deployed_config.contracts = contracts


@pytest.fixture
def ready(blank):
    """Model, terms, quote and WETH, pool; no market."""
    set_up(blank)
    return blank


@pytest.fixture
def listed(ready):
    """One market."""
    ready.list_market()
    return ready
