"""One token on each kind of chain."""

import pytest

from plimsoll.chain import Anvil, ProcessChain
from plimsoll.contracts import Contract, load

START = 1_700_000_000


@pytest.fixture(scope="session")
def anvil():
    with Anvil(timestamp=START) as chain:
        yield chain


@pytest.fixture(params=["process", "anvil"])
def chain(request):
    if request.param == "process":
        yield ProcessChain(timestamp=START)
        return
    chain = request.getfixturevalue("anvil")
    snapshot = chain.snapshot()
    yield chain
    chain.revert(snapshot)


@pytest.fixture
def owner(chain):
    return chain.accounts[0]


@pytest.fixture
def other(chain):
    return chain.accounts[1]


@pytest.fixture
def token(chain, owner):
    artifact = load()["MockERC20"]
    receipt = chain.deploy(owner, artifact.creation("Token", "TKN", 6))
    token = Contract(chain, receipt.contract_address, artifact)
    token.write("mint", owner, 1_000, sender=owner)
    return token
