"""The keeper as a process on Anvil: killed anywhere and started again, the outcome is right, nothing is paid twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plimsoll import accounts, contracts
from plimsoll.actions import trade_perp
from plimsoll.chain.signer import Signer
from plimsoll.keeper.mirror import Mirror
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import AccountState
from plimsoll.prices import PRICE
from plimsoll.testing.spot import SpotScene

pytestmark = pytest.mark.anvil

KEY = "0x" + "5a" * 31 + "01"  # as in conftest.py
SIZE = 10**8
SENDER = Signer(KEY).address
COLD = "0x" + "c0" * 20


def crowd(world, count=10, market=0):
    found = []
    for number in range(count):
        owner = world.actor(f"trader {number}")
        account = world.account(owner)
        world.fund(account, 0, (900 + 60 * number) * 10**6)
        found.append((owner, account))
    world.post({})
    for number, (owner, account) in enumerate(found):
        world.execute(owner, trade_perp(account, market, (4 + number % 3) * SIZE))
    return [account for _, account in found]


def logs_of(world, name, first=0):
    last = world.chain.block()[0]
    found = [log for _, _, log in world.chain.logs([world.engine.address], first, last)]
    return contracts.events(found, name)


def settle_blocks(world, keeper):
    """Mines and waits until the keeper has nothing left to do."""
    for _ in range(12):
        done = keeper.await_block(world.chain.block()[0])
        if done["idle"]:
            return done
        world.chain.mine()
    raise AssertionError(f"the keeper does not come to rest: {done}")


def check_outcome(world, targets, start):
    """What must hold however often the keeper died."""
    keeper_account = accounts.cross(SENDER)
    states = [world.assess(account).state for account in targets]
    assert all(state < AccountState.LIQUIDATABLE for state in states)
    assert logs_of(world, "LossWrittenDown", start) == []
    assert world.position(keeper_account, 0) == (0, 0)
    withdrawn = [e for e in logs_of(world, "Withdrawn", start) if e.args["account"] == keeper_account]
    cold = world.token(0).read("balanceOf", COLD)
    assert sum(event.args["amount"] for event in withdrawn) == cold
    held = world.held(keeper_account)
    assert held >= 0
    assert cold + held > 0
    vault = world.vault(0).read("balance")
    assert world.engine.read("totals", 0)[0] == vault
    return cold + held


def test_killed_at_random_points_and_restarted(anvil_world, keeper_on, tmp_path):
    """Eight prices; at each the keeper is killed somewhere, and what it had sent may or may not be mined."""
    world, rng = anvil_world, random.Random(20200312)
    targets = crowd(world)
    start = world.chain.block()[0]
    world.chain.set_automine(False)
    keeper = keeper_on("--profit-to", COLD, "--reserve", "20")
    keeper.await_block(start)
    for price in (2930, 2890, 2860, 2840, 2850, 2815, 2790, 2770):
        world.post({1: price * PRICE})
        time.sleep(rng.uniform(0, 0.08))
        keeper.kill()
        if rng.random() < 0.5:
            world.chain.mine()  # what it sent is mined while it is dead
        keeper.start()
        settle_blocks(world, keeper)
    assert keeper.stop() == 0
    gained = check_outcome(world, targets, start)
    liquidated = logs_of(world, "Liquidated", start)
    assert len(liquidated) >= 5
    sent = world.chain.nonce(SENDER)
    mined = world.chain.rpc.request("eth_getTransactionCount", SENDER, "latest")
    assert sent == int(mined, 16)
    assert gained > 0


def test_dead_through_a_whole_fall_it_catches_up(anvil_world, keeper_on):
    """State is only the chain's: a keeper started afterwards finds everybody."""
    world = anvil_world
    targets = crowd(world, 6)
    start = world.chain.block()[0]
    world.post({1: 2820 * PRICE})
    world.chain.set_automine(False)
    keeper = keeper_on("--profit-to", COLD)
    settle_blocks(world, keeper)
    assert check_outcome(world, targets, start) > 0


def test_a_borrower_is_sold_and_repaid_by_the_process(spot_world, keeper_on):
    """One transaction: slice, swap on a real exchange, repayment, profit out. It has nothing when it begins."""
    world = spot_world
    scene = SpotScene(world)
    loan = scene.loan("borrower")
    scene.fall(2_700)
    start = world.chain.block()[0]
    world.chain.set_automine(False)
    keeper = keeper_on("--profit-to", COLD, "--reserve", "0")
    settle_blocks(world, keeper)
    assert world.assess(loan).state < AccountState.LIQUIDATABLE
    own = accounts.cross(SENDER)
    assert world.engine.read("debtOf", own, 0) == 0
    assert world.held(own, 1) == 0
    (called,) = logs_of(world, "Called", start)
    assert called.args["account"] == own
    assert world.token(0).read("balanceOf", COLD) > 0


def test_two_keepers_with_one_key_are_refused(anvil_world, keeper_on):
    world = anvil_world
    first = keeper_on("--profit-to", COLD)
    first.await_block(world.chain.block()[0])
    second = keeper_on("--profit-to", COLD)
    assert second.process.wait(30) == 2
    assert "another keeper holds" in second.log.read_text()


def test_the_key_is_nowhere(anvil_world, keeper_on, tmp_path):
    """Not in the log, not in the journal, not in the acknowledgement, not on the command line."""
    world = anvil_world
    crowd(world, 3)
    keeper = keeper_on("--profit-to", COLD)
    world.post({1: 2820 * PRICE})
    keeper.await_block(world.chain.block()[0])
    command = Path(f"/proc/{keeper.process.pid}/cmdline").read_text()
    keeper.stop()
    secret = KEY[2:]
    assert secret not in command
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert secret not in path.read_text(errors="replace")


def test_without_a_key_nothing_is_sent(anvil_world, keeper_on):
    world = anvil_world
    crowd(world, 3)
    world.post({1: 2800 * PRICE})
    before = world.chain.block()[0]
    done = keeper_on("--profit-to", COLD, key=None).await_block(before)
    assert done["dry_run"]
    assert done["liquidations"] > 0
    assert done["sent"] == []
    assert before == world.chain.block()[0]


def test_the_node_dies_and_the_keeper_gives_up_with_an_exit_code(anvil_world, keeper_on):
    """Exponential backoff, then a code that a supervisor understands; nothing is lost, since nothing is kept."""
    keeper = keeper_on("--profit-to", COLD)
    keeper.await_block(anvil_world.chain.block()[0])
    anvil_world.node.stop()
    assert keeper.process.wait(30) == 4
    assert "cycles in a row failed" in keeper.log.read_text()


def test_a_reorganised_chain_is_read_again(anvil_world):
    """A block with an account is replaced by one without; the mirror holds what the chain holds now."""
    world = anvil_world
    mirror = Mirror(Reader(world), Settings())
    crowd(world, 2)
    mirror.follow()
    before = world.chain.snapshot()
    gone = world.account(world.actor("gone"))
    world.fund(gone, 0, 10**9)
    assert gone in mirror.follow().rows
    world.chain.revert(before)
    world.chain.advance(77, 6)
    view = mirror.follow()
    assert gone not in view.rows
    assert mirror.resyncs == 2
    assert mirror.differing(range(len(view.rows))) == []


def test_once_and_its_output(anvil_world, tmp_path):
    """One JSON object on standard output, the log on standard error, exit code 0; a missing manifest has its own."""
    crowd(anvil_world, 2)
    command = [sys.executable, "-m", "plimsoll.cli", "keeper", "once", "--json", "--rpc", anvil_world.chain.rpc.url]
    found = subprocess.run([*command, "--deployments", str(tmp_path)], capture_output=True, timeout=60)
    assert found.returncode == 0
    told = json.loads(found.stdout)
    assert (told["event"], told["dry_run"]) == ("block_done", True)
    assert told["accounts"] == anvil_world.engine.read("accountCount")
    missing = subprocess.run([*command, "--deployments", str(tmp_path / "none")], capture_output=True, timeout=60)
    assert missing.returncode == 6
