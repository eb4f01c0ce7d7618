"""13 October 2023, Wise Lending: 260 thousand; 2 December 2023, bZx iToken: 208 thousand dollars.

Shares and assets met a rounding in the caller's favour once a pool was nearly empty, and tokens of few decimals made
each step of it worth money. DeFiHackLabs src/test/2023-10/WiseLending_exp.sol, 2023-12/bZx_exp.sol.

Property: fuzzed over 6, 8 and 18 decimals, no sequence of deposit, mint, withdraw and redeem by several users, near
emptiness above all, leaves any of them richer, or the others poorer by more than a unit per action; previews are kept.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from lenders import balance, lender
from stakers import staker

from plimsoll.testing import World, deployment

DECIMALS = (6, 8, 18)
ACTIONS = 40
PEOPLE = ("alice", "bob", "carol")


def world_of(decimals):
    """The quote asset, and so vault 0 and insurance, has so many decimals."""
    plain = deployment.parameters()
    quote = replace(plain.assets[0], decimals=decimals, supply_cap=10**10 * 10**decimals)
    return World.create(parameters=replace(plain, assets=(quote, *plain.assets[1:])), liquidity=0, insurance=0)


def amount(rng, most):
    """Often dust, often all but dust."""
    return min(
        max(rng.choice((1, 2, 3, rng.randint(1, 1_000), most, most - 1, most - 3, rng.randint(0, most))), 0), most
    )


def step(rng, face, token, owner):
    """One action by `owner` at the preview's word; (assets out − in) or None when there was nothing to do."""
    function = rng.choice(("deposit", "mint", "withdraw", "redeem"))
    wallet, into = token.read("balanceOf", owner), function in ("deposit", "mint")
    most = wallet if into else face.read("max" + function.capitalize(), owner)
    if function == "mint":
        most = face.read("convertToShares", wallet)
    units = amount(rng, most)
    if units == 0:
        return None
    told = face.read("preview" + function.capitalize(), units)
    assets = told if function in ("mint", "redeem") else units
    if told == 0 or assets == 0 or (into and assets > wallet):
        return None
    face.write(function, units, *([owner] if into else [owner, owner]), sender=owner)
    moved = token.read("balanceOf", owner) - wallet
    assert moved == (-assets if into else assets)
    return moved


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("seed", range(8))
def test_lenders_at_the_edge_of_emptiness(decimals, seed):
    world, rng = world_of(decimals), random.Random(f"{decimals} {seed}")
    fortune, vault = 1_000 * 10**decimals, world.vault(0)
    people = [lender(world, name, 0, fortune) for name in PEOPLE]
    done = 0
    for _ in range(ACTIONS):
        done += step(rng, vault, world.token(0), rng.choice(people)) is not None
        owed = sum(vault.read("maxWithdraw", owner) for owner in people)
        assert owed <= vault.read("totalAssets") <= vault.read("balance")
    for owner in people:
        worth = balance(world, 0, owner) + vault.read("maxWithdraw", owner)
        assert fortune - done - 1 <= worth <= fortune + done
    assert sum(balance(world, 0, owner) + vault.read("maxWithdraw", owner) for owner in people) <= 3 * fortune


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("seed", range(8))
def test_nobody_gains_alone(decimals, seed):
    """With nobody else there to lose a unit to him, any sequence costs him, or nothing."""
    world, rng = world_of(decimals), random.Random(f"alone {decimals} {seed}")
    fortune, vault = 1_000 * 10**decimals, world.vault(0)
    alice = lender(world, "alice", 0, fortune)
    for _ in range(ACTIONS):
        step(rng, vault, world.token(0), alice)
        assert balance(world, 0, alice) + vault.read("maxWithdraw", alice) <= fortune


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("seed", range(4))
def test_stakers_at_the_edge_of_emptiness(decimals, seed):
    """The same face over insurance, all of them within their windows and a third of a unit of price beside one."""
    world, rng = world_of(decimals), random.Random(f"stake {decimals} {seed}")
    fortune, stake = 1_000 * 10**decimals, world.stake
    people = [staker(world, name, fortune, stake=False) for name in PEOPLE]
    for owner in people:
        stake.write("deposit", fortune // 2, owner, sender=owner)
        stake.write("cooldown", stake.read("balanceOf", owner), sender=owner)
    world.chain.advance(stake.read("period"))
    for _ in range(ACTIONS):
        step(rng, stake, world.token(0), rng.choice(people))
        assert sum(stake.read("maxWithdraw", owner) for owner in people) <= stake.read("totalAssets")
    worth = [balance(world, 0, o) + stake.read("convertToAssets", stake.read("balanceOf", o)) for o in people]
    assert all(fortune - ACTIONS - 1 <= w <= fortune + ACTIONS for w in worth)
    assert sum(worth) <= 3 * fortune
