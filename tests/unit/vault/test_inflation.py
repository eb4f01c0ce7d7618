"""Rows 25, 27 and 28: the first lender cannot be robbed by whoever comes before him: any donation, any decimals."""

from __future__ import annotations

import pytest
from lenders import accrue, balance, lender


@pytest.mark.parametrize("asset", [0, 1, 2])  # 6, 18 and 8 decimals
@pytest.mark.parametrize("first", [1, 1_000])
@pytest.mark.parametrize("donated_to_victim", [0.001, 1, 2, 1_000, 10**6])
def test_the_first_depositor_never_profits_from_a_donation(world, asset, first, donated_to_victim):
    """A wei of shares and a donation before the victim's deposit: the attacker loses it, the victim a unit at most.

    Without the engine's own count the donation would enter the price, and the victim's shares round to zero."""
    victim_amount = 1_000 * 10 ** world.token(asset).read("decimals")
    donation = int(victim_amount * donated_to_victim)
    attacker = lender(world, "attacker", asset, first + donation)
    victim, vault = lender(world, "victim", asset, victim_amount), world.vault(asset)
    cap = vault.read("maxDeposit", victim)
    assert victim_amount + first <= cap

    vault.write("deposit", first, attacker, sender=attacker)
    world.token(asset).write("transfer", vault.address, donation, sender=attacker)
    vault.write("deposit", victim_amount, victim, sender=victim)
    vault.write("redeem", vault.read("balanceOf", attacker), attacker, attacker, sender=attacker)
    vault.write("redeem", vault.read("balanceOf", victim), victim, victim, sender=victim)

    assert balance(world, asset, attacker) <= first
    assert victim_amount - 1 <= balance(world, asset, victim) <= victim_amount


@pytest.mark.parametrize("asset", [0, 1, 2])
@pytest.mark.parametrize("earned", [1, 1_000, 10**6])
def test_earnings_before_the_victim_take_less_than_a_unit_of_him(world, asset, earned):
    """Were the claim itself inflated (by interest on a dust supply: nothing else moves an index), the victim is rounded
    by less than one share."""
    attacker, victim = lender(world, "attacker", asset, 1), lender(world, "victim", asset, 10**12)
    vault = world.vault(asset)
    vault.write("deposit", 1, attacker, sender=attacker)
    accrue(world, asset, earned)
    vault.write("deposit", 10**12, victim, sender=victim)
    vault.write("redeem", vault.read("balanceOf", attacker), attacker, attacker, sender=attacker)
    assert balance(world, asset, attacker) <= 1 + earned
    assert vault.read("maxWithdraw", victim) > 10**12 - 1 - earned - 1


def test_the_supply_cannot_be_brought_to_dust_under_the_assets(world):
    """Row 36: three shares stay three shares' worth, whoever burned the rest; the next lender loses a unit at most."""
    attacker, late, vault = lender(world, "attacker", 0, 10**9), lender(world, "late", 0, 10**9), world.vault(0)
    vault.write("deposit", 10**9, attacker, sender=attacker)
    accrue(world, 0, 10**9)
    vault.write("redeem", vault.read("balanceOf", attacker) - 3, attacker, attacker, sender=attacker)
    assert vault.read("totalSupply") == 3
    assert vault.read("totalAssets") == vault.read("maxWithdraw", attacker) == 6
    vault.write("deposit", 10**9, late, sender=late)
    assert vault.read("maxWithdraw", late) >= 10**9 - 1
