"""The command line against an Anvil node of its own."""

import json

import pytest
from typer.testing import CliRunner

from plimsoll.chain import Anvil
from plimsoll.cli import app


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
