"""A protocol on an Anvil of our own, and keepers as processes that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from plimsoll.chain import Anvil
from plimsoll.chain.signer import Signer
from plimsoll.testing import World
from plimsoll.testing.spot import SpotScene

SECONDS = 150
KEY = "0x" + "5a" * 31 + "01"


def pytest_configure(config):
    config.addinivalue_line("markers", "anvil: needs an Anvil node, which the test starts and ends")


class Keeper:
    """`plimsoll keeper run` in a process of its own, always ended with the test."""

    def __init__(self, url, folder, key, *options):
        self.ack, self.log = folder / "ack.json", folder / "keeper.log"
        self._command = [sys.executable, "-m", "plimsoll.cli", "keeper", "run", "--rpc", url, "--poll", "0.02"]
        self._command += ["--deployments", str(folder), "--state", str(folder / "state"), "--ack", str(self.ack)]
        self._command += ["--max-failures", "4", "--log-json", *options]
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("PLIMSOLL_KEEPER")}
        self._environment |= {"PLIMSOLL_KEEPER_KEY": key} if key else {}
        self.process = None

    def start(self):
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=output
            )
        return self

    def kill(self):
        """SIGKILL: nothing is tidied up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(SECONDS)
            self.process = None

    def stop(self):
        """SIGTERM: the exit code."""
        self.process.terminate()
        code = self.process.wait(SECONDS)
        self.process = None
        return code

    def done(self):
        try:
            return json.loads(self.ack.read_text())
        except (OSError, ValueError):
            return None

    def await_block(self, number):
        """The acknowledgement of block `number` or a later one."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            done = self.done()
            if done and done["block"] >= number:
                return done
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the keeper ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)
        raise AssertionError(f"block {number} was not acknowledged in {SECONDS} s: {self.log.read_text()[-2000:]}")


@pytest.fixture
def anvil():
    node = Anvil(accounts=40)
    with node as chain:
        chain.set_balance(Signer(KEY).address, 10**24)
        yield node, chain


@pytest.fixture
def anvil_world(anvil, tmp_path):
    """A world on Anvil, its manifest in `tmp_path`."""
    return _world(*anvil, tmp_path)


@pytest.fixture
def spot_world(anvil, tmp_path):
    """The same with an exchange and assets that may be borrowed."""
    return _world(*anvil, tmp_path, parameters=SpotScene.parameters())


def _world(node, chain, folder, **options):
    world = World.create(chain, **options)
    world.deployed.manifest.save(folder)
    world.node = node
    return world


@pytest.fixture
def keeper_on(anvil, tmp_path):
    """Starts keepers; whatever happens, none is left behind."""
    started = []

    def start(*options, key=KEY):
        keeper = Keeper(anvil[1].rpc.url, tmp_path, key, *options).start()
        started.append(keeper)
        return keeper

    yield start
    for keeper in started:
        keeper.kill()
