"""OptionBook and OptionSeries over a storage of their own."""

from __future__ import annotations

import pytest

from plimsoll import contracts
from plimsoll.chain import ProcessChain
from plimsoll.contracts import Contract


@pytest.fixture
def book():
    chain = ProcessChain()
    artifacts = contracts.load()
    library = chain.deploy(chain.accounts[0], artifacts["OptionBook"].creation()).contract_address
    artifact = artifacts["ExposedOptions"]
    receipt = chain.deploy(chain.accounts[0], artifact.creation(libraries={"OptionBook": library}))
    return Contract(chain, receipt.contract_address, artifact)
