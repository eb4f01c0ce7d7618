"""The keeper as a process through an expiry on Anvil, killed in the middle of it: everybody is paid, once."""

from __future__ import annotations

import pytest

from plimsoll import contracts
from plimsoll.prices import address_of
from plimsoll.testing.options import OptionWorld
from plimsoll.testing.world import SIZE

pytestmark = pytest.mark.anvil

WINDOW, MINUTE = 1_800, 60
PRICE = 10**10


@pytest.fixture
def world(anvil, tmp_path):
    node, chain = anvil
    chain.rpc.request("anvil_autoImpersonateAccount", True)
    for name in ("provider", "sponsor", "holder", "writer"):  # whose keys the node has not
        chain.set_balance(address_of(OptionWorld._key(name).public_key), 10**24)
    made = OptionWorld.create(chain).with_options()
    made.deployed.manifest.save(tmp_path)
    made.node = node
    return made


def minute(world, keeper, time, price):
    """A price of that minute, and what the keeper did about it, which is mined at once."""
    world.chain.next_timestamp(time)
    world.post({1: price * PRICE}, seconds=0)
    keeper.await_block(world.chain.block()[0])


def test_everybody_is_paid_at_the_mean_though_the_keeper_was_killed_in_its_window(world, keeper_on):
    """Its journal and the chain are all that it goes on from; nobody is paid twice."""
    holder, writer = world.portfolio("holder", 100_000), world.portfolio("writer", 100_000)
    world.match(holder, writer, [(world.call(2_900), 10 * SIZE)])
    end, start = world.expiry * 60, world.chain.block()[0]
    world.chain.next_timestamp(end - WINDOW - 5 * MINUTE)
    world.post({}, seconds=0)
    keeper = keeper_on("--settle", "all", "--no-hedge", "--observe-every", "60")
    held = world.held(holder)
    for number in range(1, 31):
        if number == 12:
            keeper.kill()
            keeper.start()
        minute(world, keeper, end - WINDOW + number * MINUTE, 3_000 + number)
    for number in range(31, 36):
        minute(world, keeper, end - WINDOW + number * MINUTE, 3_100)
    assert keeper.stop() == 0
    price, covered = world.engine.read("settlementOf", 0, world.expiry)
    assert covered > 25 * MINUTE and 3_010 * PRICE < price < 3_020 * PRICE
    assert world.options(holder) == world.options(writer) == {}
    assert world.held(holder) - held == 10 * (price - 2_900 * PRICE) // 10**4
    logs = [log for _, _, log in world.chain.logs([world.engine.address], start, world.chain.block()[0])]
    settled = [event.args["account"] for event in contracts.events(logs, "OptionsSettled")]
    assert sorted(settled) == sorted([holder, writer])
