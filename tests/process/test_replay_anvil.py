"""A replay on Anvil with the keeper as a process of its own, also when that process is killed over and over."""

from __future__ import annotations

import os
import signal
import threading
from decimal import Decimal
from random import Random

import pytest

from plimsoll.contracts import ROOT
from plimsoll.errors import PlimsollError
from plimsoll.sim.anvil import AnvilBackend, KeeperSilent
from plimsoll.sim.prices import load, moment
from plimsoll.sim.replay import Setup, run
from plimsoll.sim.scene import LEAD

pytestmark = pytest.mark.anvil
SETUP = Setup(traders=60, seed=3, liquidity=3_000_000, insurance=60_000, keeper_float=50_000)


@pytest.fixture(scope="module")
def path():
    files = [str(ROOT / "data" / name) for name in ("ETHUSDT_1h_2020-03.csv", "BTCUSDT_1h_2020-03.csv")]
    return load(files, step=600, start=moment("2020-03-12T09:00", ""), end=moment("2020-03-12T12:00", ""))


@pytest.fixture(scope="module")
def undisturbed(path):
    return run(path, SETUP, AnvilBackend(path.times[0] - LEAD)).data


class Killed(AnvilBackend):
    """Its keeper dies at random moments, before, amid and after its work, and is started again."""

    def begin_killing(self, seed):
        self.random, self.kills = Random(seed), 0

    def keep(self, page, read):
        if self._keeper is not None and self.random.random() < 0.6:
            self.kills += 1
            timer = threading.Timer(self.random.random() * 0.08, self._again)
            timer.start()
            timer.join()
        return super().keep(page, read)

    def _again(self):
        self.kill_keeper()
        self.spawn_keeper()


def test_the_keeper_process_does_its_work(undisturbed):
    """Calls and liquidations, no debt that nobody covers, and books that add up."""
    assert undisturbed["setup"]["chain"] == "anvil"
    assert undisturbed["liquidations"] > 0 and undisturbed["margin_calls"] > 0
    assert (undisturbed["bad_debt"], undisturbed["conservation_error"]) == ("0", "0")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_keeper_that_is_killed_comes_to_the_same_end(path, undisturbed, seed):
    """Nothing is paid twice, nobody is forgotten."""
    backend = Killed(path.times[0] - LEAD)
    backend.begin_killing(seed)

    data = run(path, SETUP, backend).data

    assert backend.kills > 3
    assert (data["bad_debt"], data["conservation_error"], data["open_deficit"]) == ("0", "0", "0")
    assert data["accounts_liquidated"] == undisturbed["accounts_liquidated"]
    drift = abs(Decimal(data["insurance_end"]) - Decimal(undisturbed["insurance_end"]))
    assert drift < Decimal(undisturbed["insurance_start"]) / 100


def test_a_keeper_that_ends_is_an_error(path):
    """With the end of its log, at once, not after a timeout."""

    class Broken(AnvilBackend):
        def keep(self, page, read):
            self.kill_keeper()
            return super().keep(page, read)

    with pytest.raises(KeeperSilent, match=r"ended with exit code -9"):
        run(path, SETUP, Broken(path.times[0] - LEAD))


def test_a_keeper_that_hangs_is_an_error(path):
    """Which names the block and the seconds."""

    class Hanging(AnvilBackend):
        def keep(self, page, read):
            self.ack_seconds = 0.5
            os.kill(self._keeper.pid, signal.SIGSTOP)
            try:
                return super().keep(page, read)
            finally:
                os.kill(self._keeper.pid, signal.SIGCONT)

    with pytest.raises(KeeperSilent, match=r"has not acknowledged block \d+ in 0\.5 s"):
        run(path, SETUP, Hanging(path.times[0] - LEAD))


def test_a_node_that_dies_is_an_error(path):
    """Of the connection, and nothing hangs."""

    class Gone(AnvilBackend):
        def keep(self, page, read):
            self._node.stop()
            return super().keep(page, read)

    with pytest.raises(PlimsollError, match=r"no answer from|the keeper"):
        run(path, SETUP, Gone(path.times[0] - LEAD, ack_seconds=10.0))
