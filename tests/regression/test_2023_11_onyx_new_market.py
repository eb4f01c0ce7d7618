"""1 November 2023, Onyx: 2 million; 2 January 2024, Radiant: 4.5; 14 May 2024, Sonne: 20 million dollars.

A market had just been listed and was empty. The attacker was its first user: a dust supply, a donation or a run of
flash loans that blew up the index, and a rounding that gave him more than he had put in; in Sonne's case within the
minute in which a timelock made the market usable. DeFiHackLabs src/test/2023-11/OnyxProtocol_exp.sol,
2024-01/RadiantCapital_exp.sol, 2024-05/Sonne_exp.sol.

Property: in a vault that nobody has used, no sequence of lending, leaving and giving by its first user moves the price
of a share by more than roundings, or takes from whoever comes next; neither does being first in insurance.
"""

from __future__ import annotations

import random

import pytest
from lenders import balance, lender
from stakers import cool, redeem, staker

from plimsoll.actions import deposit
from plimsoll.testing import World

VICTIM = 10**9


def empty():
    return World.create(liquidity=0, insurance=0)


def price(vault, start):
    """Assets of what one token unit bought at the start, times 10^12."""
    return vault.read("convertToAssets", start * 10**12)


@pytest.mark.parametrize("asset", [0, 1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_the_first_user_of_an_empty_vault_cannot_move_its_price(asset, seed):
    """Random runs of what the attackers did, up to a million times the victim's money."""
    world, rng = empty(), random.Random(f"{asset} {seed}")
    vault, fortune = world.vault(asset), VICTIM * 10**6
    attacker = lender(world, "attacker", asset, fortune)
    share = vault.read("convertToShares", 1)
    start = price(vault, share)
    given = 0
    for done in range(1, 26):
        action, have = rng.choice(("deposit", "redeem", "give", "leave dust")), balance(world, asset, attacker)
        shares = vault.read("maxRedeem", attacker)
        if action == "deposit" and have:
            amount = min(have, rng.choice((1, 2, 10, 10**6, have // 2 + 1)), vault.read("maxDeposit", attacker) // 2)
            if vault.read("previewDeposit", amount):
                vault.write("deposit", amount, attacker, sender=attacker)
        elif action == "redeem" and shares:
            vault.write("redeem", rng.randint(1, shares), attacker, attacker, sender=attacker)
        elif action == "leave dust" and shares > 2 * share:
            vault.write("redeem", shares - rng.randint(1, 2 * share), attacker, attacker, sender=attacker)
        elif action == "give" and have:
            gift = min(have, rng.choice((1, 10**6, have // 3 + 1)))
            world.token(asset).write("transfer", vault.address, gift, sender=attacker)
            given += gift
        # A unit of rounding per action at the very most, however much was given and however little is left.
        assert price(vault, share) <= start * (1 + done)
    victim = lender(world, "victim", asset, VICTIM)
    vault.write("deposit", VICTIM, victim, sender=victim)
    for owner in (attacker, victim):
        if most := vault.read("maxRedeem", owner):
            vault.write("redeem", most, owner, owner, sender=owner)
    assert VICTIM - 2 <= balance(world, asset, victim) <= VICTIM + 1
    assert balance(world, asset, attacker) <= fortune - given + 1


@pytest.mark.parametrize("dust", [1, 2, 1_000])
@pytest.mark.parametrize("times", [1, 1_000])
def test_the_first_staker_of_an_empty_insurance_takes_less_than_a_millionth(dust, times):
    """Here gifts count, so the virtual shares bear them."""
    world, gift = empty(), VICTIM * times
    attacker = staker(world, "attacker", dust)
    world.mint(attacker, 0, gift)
    world.execute(attacker, deposit(world.insurance, 0, gift))
    victim = staker(world, "victim", VICTIM)
    taken = {}
    for owner in (attacker, victim):
        cool(world, owner)
        taken[owner] = redeem(world, owner)
    assert taken[victim] >= VICTIM - 2 - gift // 10**6
    assert taken[attacker] <= dust + gift


def test_money_that_was_there_first_is_not_the_first_staker_s():
    """Sonne's minute: insurance is funded, and nobody has staked yet."""
    world = World.create(liquidity=0, insurance=1_000_000)
    attacker = staker(world, "attacker", 1)
    cool(world, attacker)
    assert redeem(world, attacker) == 1


def test_with_a_bare_ratio_the_first_user_takes_it_all():
    """What it would have cost: two shares, a gift of twice the victim's money, and his deposit buys none."""
    supply, assets = 2, 2 + 2 * VICTIM
    bought = VICTIM * supply // assets
    assert bought == 0
    assert (assets + VICTIM) * supply // (supply + bought) - assets == VICTIM
