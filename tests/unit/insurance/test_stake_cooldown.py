"""Leaving insurance: the wait that losses do not wait for, the window, and no way to wait only once."""

from __future__ import annotations

import pytest
from stakers import DAY, SHARE, UNIT, cool, earn, lose, redeem, shares, staker, wallet


@pytest.fixture
def staked(world):
    """No protocol money to share with: alice and bob have half each."""
    lose(world, world.held(world.insurance))
    staker(world, "alice", 1_000 * UNIT)
    staker(world, "bob", 1_000 * UNIT)
    return world


def test_a_loss_during_the_wait_is_borne(staked):
    """Whoever asked to leave before the loss gets no more than whoever did not."""
    alice, bob, stake = staked.actor("alice"), staked.actor("bob"), staked.stake
    stake.write("cooldown", shares(staked, alice), sender=alice)
    staked.chain.advance(stake.read("period") - 1)
    lose(staked, 500 * UNIT)
    staked.chain.advance(1)
    assert redeem(staked, alice) == 750 * UNIT
    assert stake.read("convertToAssets", shares(staked, bob)) == 750 * UNIT


def test_a_loss_within_the_window_is_borne(staked):
    alice = staked.actor("alice")
    cool(staked, alice)
    lose(staked, 2_000 * UNIT - 2)
    assert redeem(staked, alice) == 1


def test_earnings_during_the_wait_are_shared(staked):
    alice = staked.actor("alice")
    staked.stake.write("cooldown", shares(staked, alice), sender=alice)
    earn(staked, 100 * UNIT)
    staked.chain.advance(staked.stake.read("period"))
    assert 1_050 * UNIT - 2 <= redeem(staked, alice) <= 1_050 * UNIT


def test_the_window_ends(staked, reverts):
    """To the second; then the wait begins anew."""
    alice, stake = staked.actor("alice"), staked.stake
    cool(staked, alice)
    staked.chain.advance(stake.read("window"))
    assert stake.read("maxRedeem", alice) == shares(staked, alice)
    staked.chain.advance(1)
    assert stake.read("maxRedeem", alice) == stake.read("maxWithdraw", alice) == 0
    assert stake.read("cooling", alice) == (0, 0, 0)
    with reverts("ERC4626ExceededMaxRedeem", alice, 1, 0):
        stake.write("redeem", 1, alice, alice, sender=alice)
    cool(staked, alice)
    assert redeem(staked, alice) == 1_000 * UNIT


def test_a_second_request_replaces_the_first(staked):
    """Both the amount and the wait: more shares do not ride on an older request."""
    alice, stake = staked.actor("alice"), staked.stake
    stake.write("cooldown", 400 * SHARE, sender=alice)
    staked.chain.advance(stake.read("period") - 1)
    stake.write("cooldown", 1_000 * SHARE, sender=alice)
    staked.chain.advance(1)
    assert stake.read("maxRedeem", alice) == 0
    staked.chain.advance(stake.read("period") - 1)
    assert stake.read("maxRedeem", alice) == 1_000 * SHARE


def test_a_request_can_be_taken_back(staked):
    alice, stake = staked.actor("alice"), staked.stake
    stake.write("cooldown", 1_000 * SHARE, sender=alice)
    stake.write("cooldown", 0, sender=alice)
    assert stake.read("cooling", alice) == (0, 0, 0)
    stake.write("transfer", staked.actor("bob"), 1_000 * SHARE, sender=alice)
    staked.chain.advance(stake.read("period"))
    assert stake.read("maxRedeem", alice) == 0


def test_only_as_much_as_one_has_can_wait(staked, reverts):
    alice, stake = staked.actor("alice"), staked.stake
    with reverts("SharesExceedBalance", alice, 1_000 * SHARE + 1, 1_000 * SHARE):
        stake.write("cooldown", 1_000 * SHARE + 1, sender=alice)


def test_part_of_a_request_leaves_the_rest_of_it(staked, reverts):
    alice, stake = staked.actor("alice"), staked.stake
    cool(staked, alice, 600 * SHARE)
    assert redeem(staked, alice, 200 * SHARE) == 200 * UNIT
    stake.write("withdraw", 100 * UNIT, alice, alice, sender=alice)
    assert stake.read("maxRedeem", alice) == 300 * SHARE
    assert redeem(staked, alice) == 300 * UNIT
    with reverts("ERC4626ExceededMaxRedeem", alice, 1, 0):
        stake.write("redeem", 1, alice, alice, sender=alice)
    assert shares(staked, alice) == 400 * SHARE


@pytest.mark.parametrize("in_window", [False, True])
def test_shares_that_wait_cannot_be_transferred(staked, reverts, in_window):
    """Or one wait would serve whatever shares pass through an address."""
    alice, bob, stake = staked.actor("alice"), staked.actor("bob"), staked.stake
    stake.write("cooldown", 600 * SHARE, sender=alice)
    if in_window:
        staked.chain.advance(stake.read("period"))
    with reverts("SharesCooling", alice, 600 * SHARE, 600 * SHARE - 1):
        stake.write("transfer", bob, 400 * SHARE + 1, sender=alice)
    stake.write("approve", bob, 10**30, sender=alice)
    with reverts("SharesCooling", alice, 600 * SHARE, 0):
        stake.write("transferFrom", alice, bob, 1_000 * SHARE, sender=bob)
    stake.write("transfer", bob, 400 * SHARE, sender=alice)
    staked.chain.advance(stake.read("period") + stake.read("window") + 1)
    stake.write("transfer", bob, 600 * SHARE, sender=alice)  # the window is over
    assert stake.read("maxRedeem", bob) == 0


def test_shares_received_do_not_join_a_request(staked):
    """Nor do those staked since."""
    alice, bob, stake = staked.actor("alice"), staked.actor("bob"), staked.stake
    cool(staked, alice)
    stake.write("transfer", alice, 1_000 * SHARE, sender=bob)
    staker(staked, "alice", 5 * UNIT)
    assert stake.read("maxRedeem", alice) == 1_000 * SHARE
    assert redeem(staked, alice) == 1_000 * UNIT
    assert stake.read("maxRedeem", alice) == 0
    assert shares(staked, alice) == 1_005 * SHARE


def test_timing_has_bounds(world, reverts):
    """An hour to thirty days; a window of an hour or more, and no longer than the wait."""
    arguments = (world.engine.address, world.vault(0).address, world.admin)
    for period, window in ((3_599, 3_599), (30 * DAY + 1, DAY), (DAY, 3_599), (DAY, DAY + 1)):
        with reverts("TimingOutOfBounds", period, window):
            world.put("InsuranceStake", *arguments, period, window)
    with reverts("ZeroTreasury"):
        world.put("InsuranceStake", *arguments[:2], "0x" + "00" * 20, DAY, DAY)
    made = world.put("InsuranceStake", *arguments, 30 * DAY, 3_600)
    assert (made.read("period"), made.read("window")) == (30 * DAY, 3_600)


def test_redeemed_tokens_go_to_the_receiver(staked):
    alice, other = staked.actor("alice"), staked.actor("other")
    cool(staked, alice)
    staked.stake.write("redeem", 10 * SHARE, other, alice, sender=alice)
    assert (wallet(staked, other), wallet(staked, alice)) == (10 * UNIT, 0)
