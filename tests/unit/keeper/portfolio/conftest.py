"""A town where options trade, founded once per file; each test finds it as it was founded."""

from __future__ import annotations

import pytest
from portfolio_town import OptionTown


@pytest.fixture(scope="module")
def _town(logging_chain):
    return OptionTown(logging_chain(timestamp=OptionTown.genesis()))


@pytest.fixture
def town(_town):
    with _town.restored():
        yield _town
