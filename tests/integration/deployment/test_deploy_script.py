"""`brownie run deploy` end to end on a fresh Anvil, and what `plimsoll verify` says of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plimsoll.chain.anvil import Anvil

ROOT = Path(__file__).parents[3]
SECONDS = 120
SHARED = ("contracts", "interfaces", "scripts", "plimsoll", "node_modules", "brownie-config.yaml")


def run(*command, directory, port):
    environment = {**os.environ, "PLIMSOLL_RPC_PORT": str(port), "PYTHONPATH": str(ROOT)}
    environment |= {
        "PLIMSOLL_ARTIFACTS": os.environ.get("PLIMSOLL_ARTIFACTS", str(ROOT / "build/plimsoll/artifacts.json"))
    }
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The same sources elsewhere, so that the manifest does not land in the repository."""
    directory = tmp_path_factory.mktemp("project")
    for name in SHARED:
        (directory / name).symlink_to(ROOT / name)
    (directory / "tests").mkdir()
    shutil.copytree(ROOT / "build" / "contracts", directory / "build" / "contracts")
    shutil.copytree(ROOT / "build" / "interfaces", directory / "build" / "interfaces")
    return directory


@pytest.fixture(scope="module")
def anvil():
    with Anvil() as chain:
        yield chain


@pytest.fixture(scope="module")
def deployed(project, anvil):
    port = int(anvil.rpc.url.rsplit(":", 1)[1].strip("/"))
    tools = Path(sys.executable).parent
    result = run(str(tools / "brownie"), "run", "deploy", "--network", "anvil", directory=project, port=port)
    return result, project / "deployments" / "31337.json", port, tools


def test_the_script_deploys(deployed, anvil):
    """It ends well, names the engine, and the code is there."""
    result, manifest, _, _ = deployed
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    engine = json.loads(manifest.read_text())["contracts"]["MarginEngine"]["address"]
    assert engine in result.stdout
    assert len(anvil.code(engine)) > 10_000


def test_verify_accepts_the_manifest(deployed, project, anvil):
    """No difference between chain and manifest."""
    _, manifest, _, tools = deployed
    command = (
        str(tools / "plimsoll"),
        "verify",
        "--rpc",
        anvil.rpc.url,
        "--deployments",
        str(manifest.parent),
        "--json",
    )
    result = run(*command, directory=project, port=0)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert json.loads(result.stdout)["differences"] == []


def test_verify_names_a_difference(deployed, project, anvil):
    """A contract that is not what the manifest says is found."""
    _, manifest, _, tools = deployed
    wrong = manifest.parent.parent / "wrong"
    wrong.mkdir(exist_ok=True)
    content = json.loads(manifest.read_text())
    content["contracts"]["Lens"]["address"] = content["contracts"]["Executor"]["address"]
    (wrong / manifest.name).write_text(json.dumps(content))
    command = (str(tools / "plimsoll"), "verify", "--rpc", anvil.rpc.url, "--deployments", str(wrong), "--json")
    result = run(*command, directory=project, port=0)
    assert result.returncode == 6
    assert "Lens" in result.stdout + result.stderr
