"""Insurance at work: real liquidations reach the stakers, good ones and bad ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

from desk import ETH, SIZE, UNIT, WAD, Desk
from stakers import shares, staker

from plimsoll.actions import liquidate

USDC = 10**6


@pytest.fixture
def desk():
    desk = Desk.create(insurance=0)
    staker(desk, "alice", 50_000 * USDC)
    return desk


def losing(desk, equity):
    """An account that a fall has brought to `equity`, and someone to take it."""
    target, taker = desk.trader("target", 3_000), desk.trader("taker", 100_000)
    desk.trade(target, ETH, 10 * SIZE)
    desk.post({1: desk.price_for(target, ETH, equity)})
    return target, taker


def worth(desk):
    return desk.stake.read("convertToAssets", shares(desk, desk.actor("alice")))


def test_insurance_s_share_of_a_liquidation_is_the_stakers(desk):
    target, taker = losing(desk, 300 * WAD)
    before = worth(desk)
    desk.act(taker, liquidate(taker, target))
    assert worth(desk) > before
    assert desk.held(desk.insurance) - worth(desk) <= 1


def test_a_bankrupt_account_is_paid_by_those_who_cool_down_too(desk):
    """The wait had begun before the fall."""
    alice = desk.actor("alice")
    desk.stake.write("cooldown", shares(desk, alice), sender=alice)
    target, taker = losing(desk, -1_000 * WAD)
    deficit = -desk.assess(target).equity // UNIT
    desk.act(taker, liquidate(taker, target))
    desk.chain.advance(desk.stake.read("period") - (desk.now - _asked(desk, alice)))
    most = desk.stake.read("maxWithdraw", alice)
    assert 0 < most <= 50_000 * USDC - deficit
    desk.stake.write("withdraw", most, alice, alice, sender=alice)
    assert desk.token(0).read("balanceOf", alice) == most


def _asked(desk, owner):
    return desk.stake.read("cooling", owner)[1] - desk.stake.read("period")
