"""Whose insurance is: the protocol's own, gifts, earnings, a loss of everything, and the engine's side."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stakers import DAY, SHARE, UNIT, cool, earn, lose, redeem, shares, staker, wallet

from plimsoll.actions import withdraw
from plimsoll.contracts import decode_error
from plimsoll.testing import World
from plimsoll.testing.deployment import parameters


def worth(world, owner):
    return world.stake.read("convertToAssets", shares(world, owner))


# ---------------------------------------------------------------- the protocol's own


@pytest.mark.parametrize("amount", [1, UNIT, 1_000_000 * UNIT])
def test_the_first_staker_gets_nothing_of_what_was_there(world, amount):
    """100,000 were there: they become the treasury's shares, at the price that the first staker pays."""
    first = staker(world, "first", amount)
    assert shares(world, world.admin) == 100_000 * SHARE
    assert worth(world, world.admin) == 100_000 * UNIT
    assert worth(world, first) == amount
    cool(world, first)
    assert redeem(world, first) == amount


def test_previews_before_the_first_stake_already_know_the_treasury(world):
    """And say what the first stake then does."""
    stake = world.stake
    assert stake.read("totalSupply") == 0
    assert stake.read("previewDeposit", UNIT) == SHARE
    assert stake.read("previewMint", SHARE) == UNIT
    assert stake.read("convertToAssets", SHARE) == UNIT
    first = staker(world, "first", UNIT, stake=False)
    stake.write("mint", SHARE, first, sender=first)
    assert shares(world, first) == SHARE


def test_the_treasury_leaves_like_anybody(world):
    staker(world, "first", UNIT)
    cool(world, world.admin)
    lose(world, 50_000 * UNIT)
    before = wallet(world, world.admin)
    assert world.stake.read("maxRedeem", world.admin) == 100_000 * SHARE
    redeem(world, world.admin)
    assert wallet(world, world.admin) - before <= 50_001 * UNIT


def test_what_the_last_staker_leaves_behind_is_the_treasury_s_again():
    """Gifts to an empty insurance wait for nobody's dust stake."""
    world = World.create(insurance=0)
    only = staker(world, "only", UNIT)
    cool(world, only)
    redeem(world, only)
    earn(world, 500 * UNIT)
    late = staker(world, "late", 1)
    assert worth(world, late) == 1
    assert worth(world, world.admin) == 500 * UNIT


# ---------------------------------------------------------------- gifts and earnings


@pytest.mark.parametrize("first", [1, 1_000])
@pytest.mark.parametrize("gift", [1, 10**6, 10**12])
def test_gifts_rob_no_later_staker(first, gift):
    """Inflation: a dust stake, a gift to the insurance account, then the victim. A unit of him costs a million."""
    world = World.create(insurance=0)
    attacker = staker(world, "attacker", first)
    earn(world, gift)
    victim = staker(world, "victim", 10**9)
    assert worth(world, victim) >= 10**9 - 2 - gift // 10**6
    if first == 1:  # the virtual shares, as many as his, take half
        assert worth(world, attacker) <= 1 + gift // 2 + gift // 10**6 + 1
    assert worth(world, attacker) + worth(world, victim) <= first + gift + 10**9


def test_earnings_are_shared_by_stake(world):
    alice = staker(world, "alice", 100_000 * UNIT)
    earn(world, 10_000 * UNIT)
    assert 105_000 * UNIT - 1 <= worth(world, alice) <= 105_000 * UNIT
    late = staker(world, "late", 105_000 * UNIT)
    assert 105_000 * UNIT - 2 <= worth(world, late) <= 105_000 * UNIT


# ---------------------------------------------------------------- a loss of everything


def test_after_a_loss_of_everything_new_stakes_are_neither_refused_nor_diluted(world):
    """Four times over, each time with as much at stake. Old shares are worth a unit in all, and share what is earned
    later in that proportion."""
    amount = 1_000_000 * UNIT
    for round_ in range(4):
        owner = staker(world, f"staker {round_}", amount)
        assert amount - 1 <= worth(world, owner) <= amount
        earn(world, amount)
        assert worth(world, owner) >= 2 * amount - amount // 5 if round_ == 0 else worth(world, owner) >= 2 * amount - 4
        if round_:
            assert worth(world, world.actor("staker 0")) <= 2
        lose(world, world.held(world.insurance))
        assert world.stake.read("totalAssets") == worth(world, owner) == 0


def test_then_another_contract_can_take_over_and_not_before(world, reverts):
    """RISK may register another while insurance holds nothing; it starts with no shares."""
    stake, vault = world.stake, world.vault(0)
    old = staker(world, "old", UNIT)
    fresh = world.put("InsuranceStake", world.engine.address, vault.address, world.admin, DAY, DAY)
    with reverts("StakeNotReplaceable", stake.address, world.held(world.insurance)):
        world.config.write("setStake", fresh.address, sender=world.admin)
    assert fresh.read("maxDeposit", old) == fresh.read("maxMint", old) == 0  # the engine would not pay it out
    cool(world, old)
    lose(world, world.held(world.insurance))
    world.config.write("setStake", fresh.address, sender=world.admin)
    earn(world, 100 * UNIT)
    assert stake.read("maxDeposit", old) == stake.read("maxRedeem", old) == stake.read("maxWithdraw", old) == 0
    assert fresh.read("maxDeposit", old) > 0


def test_a_stake_of_another_engine_is_refused(world, reverts):
    nobody, other = world.actor("nobody"), World.create(world.chain, insurance=0)
    with reverts("AddressWithoutCode", nobody):
        world.config.write("setStake", nobody, sender=world.admin)
    with reverts("StakeMismatch", other.stake.address, other.engine.address):
        world.config.write("setStake", other.stake.address, sender=world.admin)


# ---------------------------------------------------------------- the engine's side


def test_only_the_registered_stake_is_paid(world, reverts):
    for caller in (world.admin, world.actor("stranger")):
        with reverts("NotAuthorized", world.insurance, caller):
            world.engine.write("payStaker", caller, 1, sender=caller)


def test_no_call_reaches_it_with_executor_s_rights(world, reverts):
    from plimsoll.actions import call

    trader = world.actor("trader")
    account = world.account(trader)
    world.fund(account, 0, UNIT)
    with reverts("CallTargetForbidden", world.stake.address):
        world.execute(trader, call(account, 0, 1, 1, 0, world.stake.address, b""))


NOBODY = "0x" + "11" * 20
PRICED = {
    "totalAssets": (),
    "convertToAssets": (1,),
    "convertToShares": (1,),
    "previewDeposit": (1,),
    "previewMint": (1,),
    "previewWithdraw": (1,),
    "previewRedeem": (1,),
    "maxDeposit": (NOBODY,),
    "maxMint": (NOBODY,),
    "maxWithdraw": (NOBODY,),
    "maxRedeem": (NOBODY,),
    "deposit": (1, NOBODY),
    "mint": (1, NOBODY),
    "withdraw": (0, NOBODY, NOBODY),
    "redeem": (0, NOBODY, NOBODY),
}


@pytest.mark.parametrize("function", sorted(PRICED))
def test_everything_that_carries_a_price_is_locked_inside_a_batch(world_of, function):
    hooked = world_of("HookERC20", liquidity=0)
    trader, token = hooked.actor("trader"), hooked.token(0)
    account = hooked.account(trader)
    hooked.fund(account, 0, 10)
    data = hooked.stake.encode(function, *PRICED[function])
    token.write("setHook", trader, True, hooked.stake.address, False, data, sender=hooked.admin)
    hooked.execute(trader, withdraw(account, 0, 1, trader))
    assert token.read("calls") == 1
    assert decode_error(token.read("lastResult"))[0] == "Locked"


def test_a_receiver_who_calls_back_finds_the_engine_locked(world_of):
    """While it is paid: shares are burned and the books lowered, and no price can be read."""
    hooked = world_of("HookERC20", liquidity=0)
    alice, token = staker(hooked, "alice", UNIT), hooked.token(0)
    cool(hooked, alice)
    data = hooked.stake.encode("redeem", 1, alice, alice)
    token.write("setHook", alice, True, hooked.stake.address, False, data, sender=hooked.admin)
    assert redeem(hooked, alice, SHARE // 2) == UNIT // 2
    assert decode_error(token.read("lastResult"))[0] == "Locked"


def test_a_sender_who_calls_back_cannot_nest(world_of):
    hooked = world_of("HookERC20", liquidity=0)
    alice, token = staker(hooked, "alice", 2 * UNIT, stake=False), hooked.token(0)
    data = hooked.stake.encode("deposit", 1, alice)
    token.write("setHook", alice, False, hooked.stake.address, False, data, sender=hooked.admin)
    hooked.stake.write("deposit", UNIT, alice, sender=alice)
    assert decode_error(token.read("lastResult"))[0] == "ReentrancyGuardReentrantCall"
    assert shares(hooked, alice) == SHARE


def test_a_fee_on_transfer_is_refused(world_of, reverts):
    taxed = world_of("FeeOnTransferERC20", liquidity=0, insurance=0)
    alice = staker(taxed, "alice", UNIT, stake=False)
    with pytest.raises(Exception, match="TransferAmountMismatch"):
        taxed.stake.write("deposit", UNIT, alice, sender=alice)


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_quote_of_other_decimals(decimals):
    plain = parameters()
    quote = replace(plain.assets[0], decimals=decimals, supply_cap=10**28)
    world = World.create(parameters=replace(plain, assets=(quote, *plain.assets[1:])), liquidity=0, insurance=7)
    one = 10**decimals
    alice = staker(world, "alice", 1_000 * one)
    earn(world, 1_007 * one)
    assert 2_000 * one - 1 <= worth(world, alice) <= 2_000 * one
    assert world.stake.read("decimals") == decimals + 6
