"""13 October 2023, Wise Lending: 260 thousand; 2 December 2023, bZx iToken: 208 thousand dollars.

Shares and assets met a rounding in the caller's favour once a pool was nearly empty, and tokens of few decimals made
each step of it worth money. DeFiHackLabs src/test/2023-10/WiseLending_exp.sol, 2023-12/bZx_exp.sol.

Property: fuzzed over 6, 8 and 18 decimals, near emptiness above all, no deposit, mint, withdraw or redeem makes whoever
does it richer, or anyone else poorer, by a millionth of a unit; previews are kept.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from lenders import lender
from stakers import earn, staker

from plimsoll.testing import World, deployment

DECIMALS = (6, 8, 18)
ACTIONS = 40
FINE = 10**6
PEOPLE = ("alice", "bob", "carol")


def world_of(decimals):
    """The quote asset, and so vault 0 and insurance, has so many decimals."""
    plain = deployment.parameters()
    cap = 10**10 * 10**decimals
    quote = replace(plain.assets[0], decimals=decimals, supply_cap=cap, borrow_cap=cap, brake_floor=cap)
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


def worth(face, token, owner):
    """Wallet and shares in millionths of a unit: the shares' part is not yet rounded to one."""
    return FINE * token.read("balanceOf", owner) + face.read("convertToAssets", FINE * face.read("balanceOf", owner))


def walk(rng, face, token, people):
    """ACTIONS steps by whoever; each must be fair."""
    for _ in range(ACTIONS):
        actor = rng.choice(people)
        before = {owner: worth(face, token, owner) for owner in people}
        step(rng, face, token, actor)
        for owner in people:
            change = worth(face, token, owner) - before[owner]
            assert change <= 1 if owner == actor else change >= -1
        assert sum(face.read("maxWithdraw", owner) for owner in people) <= face.read("totalAssets")


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("seed", range(8))
def test_lenders_at_the_edge_of_emptiness(decimals, seed):
    world, rng = world_of(decimals), random.Random(f"{decimals} {seed}")
    fortune = 1_000 * 10**decimals
    people = [lender(world, name, 0, fortune) for name in PEOPLE]
    walk(rng, world.vault(0), world.token(0), people)
    assert sum(worth(world.vault(0), world.token(0), owner) for owner in people) <= 3 * fortune * FINE


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("seed", range(4))
def test_stakers_at_the_edge_of_emptiness(decimals, seed):
    """The same face over insurance, all of them within their windows, at a price that is not one."""
    world, rng = world_of(decimals), random.Random(f"stake {decimals} {seed}")
    fortune, stake = 1_000 * 10**decimals, world.stake
    people = [staker(world, name, fortune, stake=False) for name in PEOPLE]
    for owner in people:
        stake.write("deposit", fortune // 2, owner, sender=owner)
        stake.write("cooldown", stake.read("balanceOf", owner), sender=owner)
    earn(world, fortune // 3)
    world.chain.advance(stake.read("period"))
    had = sum(worth(stake, world.token(0), owner) for owner in people)
    walk(rng, stake, world.token(0), people)
    assert (
        sum(worth(stake, world.token(0), owner) for owner in people) <= had + ACTIONS
    )  # a millionth for each rounding


def test_a_rounding_the_wrong_way_is_worth_a_unit_each_time():
    """What it would have cost: at a price of 4/3, one share after the other redeemed for two units."""
    assets, supply = 4 * 10**6, 3 * 10**6
    honest, careless = (10**6 * assets) // supply, sum(-(-assets // supply) for _ in range(10**6))
    assert careless - honest > 600_000
