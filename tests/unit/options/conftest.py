"""OptionBook and OptionSeries over a storage of their own."""

from __future__ import annotations

import pytest

from plimsoll import contracts
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract


@pytest.fixture
def book():
    chain = ProcessChain()
    artifact = contracts.load()["ExposedOptions"]
    receipt = chain.deploy(chain.accounts[0], artifact.creation())
    return Contract(chain, receipt.contract_address, artifact)
