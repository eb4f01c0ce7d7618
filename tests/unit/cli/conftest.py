"""The command line against an Anvil node of its own."""

import json

import pytest
from option_town import write_chain
from typer.testing import CliRunner

from plimsoll.chain import Anvil
from plimsoll.cli import app
from plimsoll.deploy import Deployment
from plimsoll.options import series


class Command:
    """Runs `plimsoll …` in this process; `.json(…)` parses what it printed."""

    def __init__(self, rpc, deployments):
        self.options = {"PLIMSOLL_RPC": rpc, "PLIMSOLL_DEPLOYMENTS": str(deployments)}

    def __call__(self, *args, code=0, env=None):
        result = CliRunner().invoke(app, list(args), env=self.options | (env or {}), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    def json(self, *args, code=0, env=None):
        return json.loads(self(*args, "--json", code=code, env=env).stdout)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("PLIMSOLL_KEY", raising=False)
    monkeypatch.delenv("PLIMSOLL_KEY_FILE", raising=False)


@pytest.fixture(scope="module")
def node():
    with Anvil() as chain:
        yield chain


@pytest.fixture(scope="module")
def url(node):
    return f"http://127.0.0.1:{node.rpc._url.port}"


@pytest.fixture(scope="module")
def deployments(node, url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployments")
    Command(url, folder)("deploy", "--from", node.accounts[0])
    return folder


@pytest.fixture
def plimsoll(node, url, deployments):
    snapshot = node.snapshot()
    yield Command(url, deployments)
    node.revert(snapshot)


@pytest.fixture
def bare(url, tmp_path):
    """No deployment yet."""
    return Command(url, tmp_path)


# ---------------------------------------------------------------- options


@pytest.fixture
def deployment(node, deployments):
    return Deployment.open(node, deployments)


@pytest.fixture
def chain_file(tmp_path):
    return write_chain(tmp_path / "chain.csv")


@pytest.fixture
def imported(plimsoll, node, chain_file):
    """ETH at 3,000 with two surfaces."""
    return plimsoll.json("market", "import-chain", str(chain_file), "--from", node.accounts[0])


@pytest.fixture
def pair(plimsoll, imported, node):
    """A portfolio account that will sell, a cross account that will buy."""
    maker, taker = f"{node.accounts[3]}/portfolio/0", f"{node.accounts[4]}/cross/0"
    for account in (maker, taker):
        plimsoll("deposit", account, "USDC", "50000", "--mint", "--from", account.split("/")[0])
    return maker, taker


@pytest.fixture
def call(imported):
    """The nearer expiry, at the money."""
    return f"ETH-{series.expiry_text(imported['expiries'][0]['expiry'])}-3000-C"


@pytest.fixture
def offer(plimsoll, pair, call, tmp_path):
    """Two calls offered, one put asked for, three times."""
    put = call.replace("3000-C", "2800-P")
    args = ("option", "quote", pair[0], f"{call}:-2", f"{put}:1", "--size", "3")
    path = tmp_path / "offer.json"
    plimsoll(*args, "--out", str(path), "--from", pair[0].split("/")[0])
    return path


@pytest.fixture
def traded(plimsoll, pair, offer):
    taker = pair[1]
    return plimsoll.json(
        "option", "trade", taker, str(offer), "--size", "2", "--price", "ETH=3000", "--from", taker.split("/")[0]
    )
