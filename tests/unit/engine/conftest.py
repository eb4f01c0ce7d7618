"""A desk per test: the default protocol with its exact twins beside it."""

from __future__ import annotations

import pytest
from desk import Desk


@pytest.fixture
def desk():
    return Desk.create()
