"""Selection: the screen and the twin agree with what the engine itself says of every account."""

import random

import pytest

from plimsoll.keeper.mirror import Mirror
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.select import look
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import AccountState
from plimsoll.prices import PRICE


def view_of(world):
    return Mirror(Reader(world), Settings()).follow()


@pytest.mark.parametrize("price", [2990, 2900, 2850, 2800, 2700, 3100, 3200])
def test_findings_are_what_the_engine_says(world, crowd_of, price):
    """Exactly the accounts that the engine calls liquidatable are found so, with its numbers to the wei."""
    crowd, rng = crowd_of(world), random.Random(price)
    for number in range(12):
        side = rng.choice([-1, 1])
        crowd.join(f"t{number}", rng.randrange(700, 1500), [(0, side * rng.randrange(2, 5)), (1, side * 0.01)])
    world.post({1: price * PRICE})
    survey = look(view_of(world))
    states = {account: world.assess(account) for account in crowd.accounts.values()}
    expected = {account for account, a in states.items() if a.state >= AccountState.LIQUIDATABLE}
    assert expected == {finding.id for finding in survey.liquidatable}
    for finding in (*survey.liquidatable, *survey.calls):
        told = states[finding.id]
        assert (told.equity, told.im, told.im0, told.mm, told.notional) == tuple(finding.assessment)
    called = {
        account
        for account, a in states.items()
        if a.equity < a.mm + (a.im0 - a.mm + 1) // 2 and account not in expected
    }
    assert called == {finding.id for finding in survey.calls}


def test_bankrupt_first_then_by_health(world, crowd_of):
    crowd = crowd_of(world)
    for name, cash in (("sick", 900), ("gone", 650), ("sicker", 800)):
        crowd.join(name, cash, [(0, 4)])
    world.post({1: 2820 * PRICE})
    survey = look(view_of(world))
    order = [finding.id for finding in survey.liquidatable]
    assert [crowd.accounts[name] for name in ("gone", "sicker", "sick")] == order
    assert survey.liquidatable[0].reason == "bankrupt"


def test_a_called_account_back_at_initial_margin_is_cured_and_one_between_is_not(world, crowd_of, keeper_of):
    crowd = crowd_of(world)
    account = crowd.join("caller", 1_000, [(0, 5)])
    world.post({1: 2905 * PRICE})
    keeper = keeper_of(world)
    assert keeper.cycle().calls == 1
    assert world.assess(account).state == AccountState.CALLED
    world.post({1: 2930 * PRICE})
    assert ((done := keeper.cycle()).cures, done.calls) == (0, 0)
    world.post({1: 3000 * PRICE})
    assert keeper.cycle().cures == 1
    assert world.assess(account).state == AccountState.HEALTHY


def test_deadline_makes_a_called_account_liquidatable(world, crowd_of, keeper_of):
    crowd = crowd_of(world)
    account = crowd.join("late", 1_000, [(0, 5)])
    world.post({1: 2905 * PRICE})
    keeper = keeper_of(world, min_profit=-(10**21))
    keeper.cycle()
    world.chain.advance(3601)
    world.post({1: 2905 * PRICE})
    survey = look(view_of(world))
    assert [finding.reason for finding in survey.liquidatable] == ["deadline passed below call margin"]
    assert keeper.cycle().liquidations == 1
    assert world.assess(account).state < AccountState.LIQUIDATABLE


def test_own_accounts_and_those_under_way_are_left_alone(world, crowd_of):
    crowd = crowd_of(world)
    account = crowd.join("sick", 900, [(0, 4)])
    world.post({1: 2820 * PRICE})
    view = view_of(world)
    assert len(look(view).liquidatable) == 1
    assert look(view, {account}).liquidatable == ()


def test_stale_prices_are_moved_in_the_accounts_favour(world, crowd_of):
    """An account just below its level at a fresh price is left alone when that price has grown old."""
    crowd = crowd_of(world)
    account = crowd.join("edge", 1_000, [(0, 5)])
    world.post({1: 2874 * PRICE})
    assert len(look(view_of(world)).liquidatable) == 1
    world.chain.advance(120)
    assert len(look(view_of(world)).liquidatable) == 0
    assert world.assess(account).state < AccountState.LIQUIDATABLE
