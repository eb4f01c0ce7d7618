"""Tiny plans and the whole protocol, in process."""

import pytest

from plimsoll.chain import ProcessChain
from plimsoll.contracts import load
from plimsoll.deploy import deploy, local


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Thousands of small files are written here; none needs to outlive a power cut."""
    monkeypatch.setattr("plimsoll.deploy.files.os.fsync", lambda handle: None)


@pytest.fixture(scope="session")
def artifacts():
    return load()


@pytest.fixture
def chain():
    return ProcessChain()


@pytest.fixture(scope="module")
def deployed():
    chain = ProcessChain()
    return deploy(chain, chain.accounts[0], local(risk_delay=0, admin_delay=0))


@pytest.fixture
def deployment(deployed):
    """The protocol as deployed; what a test changes is undone."""
    snapshot = deployed.chain.snapshot()
    yield deployed
    deployed.chain.revert(snapshot)
