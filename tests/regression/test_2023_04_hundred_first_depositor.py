"""15 April 2023, Hundred Finance: 7 million dollars; and before and after it half a dozen forks of the same code.

In an empty market the attacker minted, redeemed all but two wei of shares, sent the market five hundred WBTC, and had
two shares that were worth all of it. Redeeming nearly everything burned one share: the division rounded down.
DeFiHackLabs src/test/2023-04/HundredFinance_2_exp.sol.

Property: whoever comes first in an empty vault or pool, and whatever he gives it before the second comes, he has no
more afterwards, and the second no less than a rounding; with quote and collateral of 6, 8 and 18 decimals.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import Desk
from lenders import balance, lender
from lps import enter, fall_due, leave, run, wallet

from plimsoll.actions import MAX_UINT256, deposit
from plimsoll.testing import deployment

DECIMALS = (6, 8, 18)


def desk_with_quote_of(decimals):
    """No LP and no insurance yet; the quote asset has so many decimals."""
    plain = deployment.parameters()
    cap = 10**10 * 10**decimals
    quote = replace(plain.assets[0], decimals=decimals, supply_cap=cap, borrow_cap=cap, brake_floor=cap)
    return Desk.create(parameters=replace(plain, assets=(quote, *plain.assets[1:])), liquidity=0, insurance=0)


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("left", [1, 2, 10**6])
@pytest.mark.parametrize("times", [0, 1, 2, 1_000])
def test_the_first_lender_gains_by_no_donation(decimals, left, times):
    desk = desk_with_quote_of(decimals)
    stake = 500 * 10**decimals
    attacker, victim = lender(desk, "attacker", 0, stake * (1 + times)), lender(desk, "victim", 0, stake)
    vault = desk.vault(0)
    vault.write("deposit", stake, attacker, sender=attacker)
    vault.write("redeem", vault.read("balanceOf", attacker) - left, attacker, attacker, sender=attacker)
    if times:
        desk.token(0).write("transfer", vault.address, times * stake, sender=attacker)
    vault.write("deposit", stake, victim, sender=victim)
    for owner in (attacker, victim):
        shares = vault.read("balanceOf", owner)
        if shares:
            vault.write("redeem", shares, owner, owner, sender=owner)
    assert balance(desk, 0, attacker) <= stake
    assert stake - 1 <= balance(desk, 0, victim) <= stake


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("first", [1, 1_000])
@pytest.mark.parametrize("times", [1, 2, 1_000])
def test_the_first_lp_gains_by_no_gift_to_the_pool_s_account(decimals, first, times):
    """This gift counts, since it is a deposit: shares start at a whole quote of virtual assets, and it dilutes
    itself."""
    desk = desk_with_quote_of(decimals)
    stake = 500 * 10**decimals
    gift = times * stake
    people = {}
    for name, amount in (("attacker", first), ("victim", stake)):
        people[name] = owner = desk.actor(name)
        desk.token(0).write("mint", owner, amount, sender=desk.admin)
        desk.token(0).write("approve", desk.pool.address, MAX_UINT256, sender=owner)
    attacker, victim = people["attacker"], people["victim"]
    request = enter(desk, attacker, first)
    fall_due(desk)
    assert run(desk, request) == {}
    desk.mint(attacker, 0, gift)
    desk.execute(attacker, deposit(desk.pool_account, 0, gift))
    request = enter(desk, victim, stake)
    fall_due(desk)
    assert run(desk, request) == {}
    requests = [leave(desk, attacker), leave(desk, victim)]
    fall_due(desk)
    run(desk, *requests)
    assert wallet(desk, attacker) <= first + gift
    assert wallet(desk, victim) >= stake - 2 - gift // 10**15


@pytest.mark.parametrize("decimals", DECIMALS)
def test_with_two_shares_and_a_floor_the_victim_loses_all(decimals):
    """Hundred's arithmetic: shares = ⌊assets·supply/balance⌋ on a supply of two, with nothing virtual."""
    stake = 500 * 10**decimals
    supply, tokens = 2, 2 + 2 * stake
    shares = stake * supply // tokens
    assert shares == 0
    assert (tokens + stake) * supply // (supply + shares) == 3 * stake + 2
