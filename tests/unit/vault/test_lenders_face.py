"""CollateralVault: ERC-4626 conformance, at a price that is not one."""

from __future__ import annotations

import pytest
from lenders import accrue, balance, lender

ODD = 1_234_567


@pytest.fixture
def priced(world):
    """A vault with a lender in it whose shares have earned an odd amount."""
    resident = lender(world, "resident", 0, 10**9)
    world.vault(0).write("deposit", 10**9, resident, sender=resident)
    accrue(world, 0, 333_333_337)
    return world


# ---------------------------------------------------------------- refusals


def test_deposits_beyond_the_supply_cap_are_refused(priced, reverts):
    """maxDeposit is what the cap leaves, to the unit."""
    whale, vault = lender(priced, "whale", 0, 10**16), priced.vault(0)
    most = vault.read("maxDeposit", whale)
    held, _ = priced.engine.read("totals", 0)
    assert most == 10**16 - held - vault.read("totalAssets")
    with reverts("ERC4626ExceededMaxDeposit", whale, most + 1, most):
        vault.write("deposit", most + 1, whale, sender=whale)
    shares = vault.read("maxMint", whale)
    with reverts("ERC4626ExceededMaxMint", whale, shares + 1, shares):
        vault.write("mint", shares + 1, whale, sender=whale)
    vault.write("deposit", most, whale, sender=whale)
    assert vault.read("maxDeposit", whale) <= 1  # a share is worth more than one


def test_withdrawals_beyond_what_is_owned_are_refused(priced, reverts):
    """maxWithdraw and maxRedeem are exact, and one more is refused."""
    resident, vault = priced.actor("resident"), priced.vault(0)
    most, shares = vault.read("maxWithdraw", resident), vault.read("maxRedeem", resident)
    with reverts("ERC4626ExceededMaxWithdraw", resident, most + 1, most):
        vault.write("withdraw", most + 1, resident, resident, sender=resident)
    with reverts("ERC4626ExceededMaxRedeem", resident, shares + 1, shares):
        vault.write("redeem", shares + 1, resident, resident, sender=resident)
    vault.write("withdraw", most, resident, resident, sender=resident)
    assert balance(priced, 0, resident) == most
    assert vault.read("maxWithdraw", resident) == 0


def test_everybody_leaves_with_every_share(priced):
    """The last as well: what is left to him is less than his shares make of it by a fraction of a unit."""
    people, vault = [priced.actor("resident")], priced.vault(0)
    for name, amount in (("first", ODD), ("second", 7)):
        people.append(lender(priced, name, 0, amount))
        vault.write("deposit", amount, people[-1], sender=people[-1])
    accrue(priced, 0, 1_234_577)
    for owner in (people[1], people[0], people[2]):
        assert vault.read("maxRedeem", owner) == vault.read("balanceOf", owner) > 0
        vault.write("redeem", vault.read("balanceOf", owner), owner, owner, sender=owner)
    assert vault.read("totalSupply") == vault.read("totalAssets") == 0


def test_a_deposit_worth_no_share_is_refused(world, reverts):
    """Row 36: nobody pays for zero shares, however dear a share has become."""
    resident, late = lender(world, "resident", 0, 10), lender(world, "late", 0, 1)
    world.vault(0).write("deposit", 10, resident, sender=resident)
    accrue(world, 0, 1)
    with reverts("DepositBelowOneShare", 1):
        world.vault(0).write("deposit", 1, late, sender=late)


@pytest.mark.parametrize("function", ["withdraw", "redeem"])
def test_others_need_an_allowance(priced, reverts, function):
    """Neither withdraw nor redeem serves a stranger; with an allowance it is used up."""
    resident, friend, vault = priced.actor("resident"), priced.actor("friend"), priced.vault(0)
    with reverts("ERC20InsufficientAllowance"):
        vault.write(function, ODD, friend, resident, sender=friend)
    shares = vault.read("previewWithdraw", ODD) if function == "withdraw" else ODD
    vault.write("approve", friend, shares, sender=resident)
    vault.write(function, ODD, friend, resident, sender=friend)
    assert vault.read("allowance", resident, friend) == 0
    assert balance(priced, 0, friend) == (ODD if function == "withdraw" else vault.read("previewRedeem", ODD))


# ---------------------------------------------------------------- previews


@pytest.mark.parametrize("amount", [2, 7, ODD, 987_654_321])
@pytest.mark.parametrize("function", ["deposit", "mint", "withdraw", "redeem"])
def test_previews_tell_exactly_what_happens(priced, function, amount):
    """What the preview says is what the tokens and the shares say."""
    user, vault = lender(priced, "user", 0, 10**10), priced.vault(0)
    vault.write("deposit", 5 * 10**9, user, sender=user)
    units = amount
    assets, shares = balance(priced, 0, user), vault.read("balanceOf", user)
    told = vault.read("preview" + function.capitalize(), units)
    vault.write(function, units, *([user] if function in ("deposit", "mint") else [user, user]), sender=user)
    moved = abs(balance(priced, 0, user) - assets), abs(vault.read("balanceOf", user) - shares)
    assert moved == ((units, told) if function in ("deposit", "withdraw") else (told, units))


def test_previews_round_against_the_caller(priced):
    """In: fewer shares, more assets. Out: more shares, fewer assets. By at most one unit."""
    vault = priced.vault(0)
    total, supply = priced.engine.read("lendingOf", 0)[2], 10**12
    for amount in (1, 3, ODD):
        assert vault.read("previewDeposit", amount) == amount * supply // total
        assert vault.read("previewWithdraw", amount) == -(-amount * supply // total)
        assert vault.read("previewMint", amount) == -(-amount * total // supply)
        assert vault.read("previewRedeem", amount) == amount * total // supply
        assert vault.read("convertToShares", amount) == amount * supply // total
        assert vault.read("convertToAssets", amount) == amount * total // supply


# ---------------------------------------------------------------- round trips (row 28)


def _in(vault, user, function, units):
    before = balance_of(vault, user)
    vault.write(function, units, user, sender=user)
    return tuple(abs(b - a) for a, b in zip(before, balance_of(vault, user), strict=True))


def _out(vault, user, function, units):
    before = balance_of(vault, user)
    vault.write(function, units, user, user, sender=user)
    return tuple(abs(b - a) for a, b in zip(before, balance_of(vault, user), strict=True))


def balance_of(vault, user):
    """(assets, shares)"""
    data = vault.chain.call(vault.read("asset"), bytes.fromhex("70a08231") + bytes(12) + bytes.fromhex(user[2:]))
    return int.from_bytes(data, "big"), vault.read("balanceOf", user)


@pytest.mark.parametrize("amount", [2, 3, ODD, 500_000_003])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("deposit", "redeem"),
        ("deposit", "withdraw"),
        ("mint", "withdraw"),
        ("mint", "redeem"),
        ("redeem", "deposit"),
        ("redeem", "mint"),
        ("withdraw", "mint"),
        ("withdraw", "deposit"),
    ],
)
def test_no_round_trip_profits(priced, first, second, amount):
    """Each of the eight ways in and out, or out and in, leaves the caller with no more than he had."""
    user, vault = lender(priced, "user", 0, 10**10), priced.vault(0)
    vault.write("deposit", 10**9, user, sender=user)
    start = _in if first in ("deposit", "mint") else _out
    back = _out if start is _in else _in
    units = amount
    assets, shares = start(vault, user, first, units)
    by_shares = second in ("mint", "redeem")
    back_assets, back_shares = back(vault, user, second, shares if by_shares else assets)
    if by_shares and start is _in:
        assert back_assets <= assets
    elif by_shares:
        assert back_assets >= assets
    elif start is _in:
        assert back_shares >= shares
    else:
        assert back_shares <= shares


def test_the_events_are_those_of_the_standard(priced):
    """Deposit and Withdraw, with caller, owner, assets and shares; and the engine's own LendingTotals."""
    from plimsoll.contracts import events

    user, vault = lender(priced, "user", 0, ODD), priced.vault(0)
    shares = vault.read("previewDeposit", ODD)
    lent = vault.read("totalSupply")
    receipt = vault.write("deposit", ODD, user, sender=user)
    assert events(receipt.logs, "LendingTotals")[0].args == {
        "asset": 0,
        "lentShares": lent + shares,
        "debtShares": 0,
        "reserve": 0,
    }
    (event,) = events(receipt.logs, "Deposit", address=vault.address)
    assert event.args == {"sender": user, "owner": user, "assets": ODD, "shares": shares}
