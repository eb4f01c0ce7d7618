"""InsuranceStake: in, the wait, out; what insurance earns and loses meanwhile."""

import pytest
from helpers import ANY, only, reverts
from world import DAY, ETH, QUOTE, SIZE, UNIT, USDC, WAD

from plimsoll.actions import MAX_UINT256, deposit, liquidate, trade_perp

AMOUNT = 100_000 * USDC
SHARE = 10**12  # shares of one unit at the start: six digits more than the token


@pytest.fixture
def staker(world, stranger):
    """Has staked as much as there was before."""
    world.tokens[QUOTE].mint(stranger, AMOUNT, {"from": stranger})
    world.tokens[QUOTE].approve(world.stake, MAX_UINT256, {"from": stranger})
    world.stake.deposit(AMOUNT, stranger, {"from": stranger})
    return stranger


@pytest.fixture
def leaving(world, staker):
    """Has asked to leave with everything."""
    world.stake.cooldown(world.stake.balanceOf(staker), {"from": staker})
    return staker


def worth(world, owner):
    return world.stake.convertToAssets(world.stake.balanceOf(owner))


def bankrupt(world, trader, keeper, keeper_account, deficit):
    """The trader loses all and `deficit` more; the keeper has insurance pay it."""
    account = world.account(trader, 3)
    world.fund(trader, account, 10_000 * USDC)
    world.post()
    world.execute(trader, trade_perp(account, ETH, 40 * SIZE))
    world.bring_to(account, -deficit * WAD)
    return world.execute(keeper, liquidate(keeper_account, account))


def test_what_was_there_is_the_treasurys(world, deployer, staker):
    """The first staker buys no share of what others gave before him."""
    assert world.stake.treasury() == deployer
    assert abs(worth(world, deployer) - AMOUNT) <= 1
    assert abs(worth(world, staker) - AMOUNT) <= 1
    assert world.stake.balanceOf(staker) == AMOUNT * SHARE // USDC


def test_stakes_are_insurances(world, staker):
    """Its account holds them, its vault keeps them; the stake contract has nothing."""
    assert world.stake.totalAssets() == 2 * AMOUNT == world.held(world.insurance)
    assert world.tokens[QUOTE].balanceOf(world.stake) == 0
    assert bytes(world.stake.account()) == world.insurance


@pytest.mark.parametrize("when", ["never asked", "too early", "too late"])
def test_nobody_leaves_outside_of_his_window(world, staker, when):
    """A week's wait, then two days."""
    shares = world.stake.balanceOf(staker)
    if when != "never asked":
        world.stake.cooldown(shares, {"from": staker})
        world.later(world.stake.period() + (-60 if when == "too early" else world.stake.window() + 60))
    with reverts("ERC4626ExceededMaxRedeem", staker, shares, 0):
        world.stake.redeem(shares, staker, staker, {"from": staker})


def test_leaving(world, leaving):
    """Pays out of insurance's balance, into the wallet."""
    world.later(world.stake.period())
    shares = world.stake.maxRedeem(leaving)
    assert shares == world.stake.balanceOf(leaving)
    tx = world.stake.redeem(shares, leaving, leaving, {"from": leaving})
    assert AMOUNT - 1 <= only(tx, "Withdraw")["assets"] <= AMOUNT
    assert world.tokens[QUOTE].balanceOf(leaving) == only(tx, "Withdraw")["assets"]
    assert AMOUNT <= world.held(world.insurance) <= AMOUNT + 1


def test_the_request_is_told(world, staker):
    """With both its times."""
    tx = world.stake.cooldown(5, {"from": staker})
    due = tx.timestamp + world.stake.period()
    assert {"owner": staker, "shares": 5, "redeemableAt": due, "expiresAt": due + 2 * DAY} == only(
        tx, "CooldownStarted"
    )
    assert tuple(world.stake.cooling(staker)) == (5, due, due + 2 * DAY)


def test_no_more_than_one_has(world, staker):
    """Nothing to cool down."""
    shares = world.stake.balanceOf(staker)
    with reverts("SharesExceedBalance", staker, shares + 1, shares):
        world.stake.cooldown(shares + 1, {"from": staker})


def test_what_cools_down_is_not_transferred(world, leaving, operator):
    """Else one wait would serve many."""
    shares = world.stake.balanceOf(leaving)
    with reverts("SharesCooling", leaving, shares, shares - 1):
        world.stake.transfer(operator, 1, {"from": leaving})


@pytest.mark.parametrize("deficit", [100, 5000])
def test_a_loss_during_the_wait_is_borne(world, trader, keeper, keeper_account, leaving, deficit):
    """By all shares alike."""
    tx = bankrupt(world, trader, keeper, keeper_account, deficit)
    paid = only(tx, "InsurancePaid")["amount"] // UNIT
    assert paid >= deficit * USDC
    assert abs(AMOUNT - paid // 2 - worth(world, leaving)) <= 2
    world.later(world.stake.period())
    tx = world.stake.redeem(world.stake.maxRedeem(leaving), leaving, leaving, {"from": leaving})
    assert abs(AMOUNT - paid // 2 - only(tx, "Withdraw")["assets"]) <= 2


def test_a_gift_is_everybodys(world, sponsor, staker):
    """As insurance's share of a liquidation is."""
    world.execute(sponsor, deposit(world.insurance, QUOTE, 1000 * USDC))
    assert abs(worth(world, staker) - AMOUNT - 500 * USDC) <= 2


@pytest.mark.parametrize("role", ["stranger", "deployer"])
def test_only_the_stake_is_paid(world, request, role):
    """Not even the admin takes insurance's money."""
    caller = request.getfixturevalue(role)
    with reverts("NotAuthorized", ANY, caller):
        world.engine.payStaker(caller, 1, {"from": caller})


def test_another_stake_would_leave_these_behind(world, deployer, staker):
    """While insurance holds anything."""
    with reverts("StakeNotReplaceable", world.stake, 2 * AMOUNT):
        world.config.setStake(world.stake, {"from": deployer})
