"""28 April 2026, RWAVault: 399 thousand dollars.

An ERC-4626 vault whose `withdraw` took any `owner` and asked for no allowance: everybody's shares paid whoever called.
DeFiHackLabs src/test/2026-04/RWAVault_exp.sol.

Property: of every ERC-4626 face there is (each asset's vault, staked insurance) and of the LP shares, nothing leaves
an owner but by him or within the allowance he gave, whatever amount, receiver and function; an allowance is used up.
"""

from __future__ import annotations

import pytest
from desk import expect
from lenders import balance, lender
from lps import invest, leave
from stakers import cool, staker

OUT = ("withdraw", "redeem")
FACES = ("vault 0", "vault 1", "vault 2", "stake")


def stocked(desk, face):
    """(contract, asset, an owner of shares that can leave now)"""
    if face == "stake":
        owner = staker(desk, "owner", 10**9)
        cool(desk, owner)
        return desk.stake, 0, owner
    asset = int(face[-1])
    owner = lender(desk, "owner", asset, 10**9)
    desk.vault(asset).write("deposit", 10**9, owner, sender=owner)
    return desk.vault(asset), asset, owner


def units(contract, function, assets):
    return assets if function == "withdraw" else contract.read("convertToShares", assets)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("function", OUT)
@pytest.mark.parametrize("assets", [1, 10**6, 10**9 - 1])
def test_a_stranger_gets_nothing(desk, face, function, assets):
    contract, asset, owner = stocked(desk, face)
    thief, amount = desk.actor("thief"), units(contract, function, assets)
    had = contract.read("balanceOf", owner)
    needed = contract.read("previewWithdraw", assets) if function == "withdraw" else amount
    for receiver in (thief, owner):
        with expect("ERC20InsufficientAllowance", thief, 0, needed):
            contract.write(function, amount, receiver, owner, sender=thief)
    assert contract.read("balanceOf", owner) == had
    assert balance(desk, asset, thief) == balance(desk, asset, owner) == 0


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("function", OUT)
def test_an_allowance_is_a_limit_and_is_used_up(desk, face, function):
    contract, asset, owner = stocked(desk, face)
    friend, amount = desk.actor("friend"), units(contract, function, 10**6)
    needed = contract.read("previewWithdraw", 10**6) if function == "withdraw" else amount
    contract.write("approve", friend, needed - 1, sender=owner)
    with expect("ERC20InsufficientAllowance", friend, needed - 1, needed):
        contract.write(function, amount, friend, owner, sender=friend)
    contract.write("approve", friend, needed, sender=owner)
    contract.write(function, amount, friend, owner, sender=friend)
    assert contract.read("allowance", owner, friend) == 0
    assert 0 < balance(desk, asset, friend) <= 10**6
    with expect("ERC20InsufficientAllowance"):
        contract.write(function, amount, friend, owner, sender=friend)


@pytest.mark.parametrize("face", FACES)
def test_an_allowance_for_oneself_is_not_one_over_others(desk, face):
    """The mistake of taking the allowance the wrong way round."""
    contract, _, owner = stocked(desk, face)
    thief = desk.actor("thief")
    contract.write("approve", owner, 10**30, sender=thief)
    for function in OUT:
        with expect("ERC20InsufficientAllowance"):
            contract.write(function, units(contract, function, 10**6), thief, owner, sender=thief)


def test_lp_shares_leave_by_their_owner_s_request_only(desk):
    """The pool names no owner: a request takes the caller's own shares, and only ERC-20 allowances move others'."""
    owner, thief = invest(desk, "owner", 1_000), desk.actor("thief")
    shares = desk.pool.read("balanceOf", owner)
    with expect("ERC20InsufficientBalance", thief, 0, shares):
        leave(desk, thief, shares)
    with expect("ERC20InsufficientAllowance", thief, 0, shares):
        desk.pool.write("transferFrom", owner, thief, shares, sender=thief)
    assert desk.pool.read("balanceOf", owner) == shares
