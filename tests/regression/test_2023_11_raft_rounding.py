"""10 November 2023, Raft: 3.2 million dollars.

The index of its interest-bearing collateral could be driven up by a donation in a liquidation; after that a mint of
one wei was rounded *up* to a whole share, worth many times that. Sixty mints, one redemption. DeFiHackLabs
src/test/2023-11/Raft_exp.sol.

Property: every rounding favours those who stay. Whatever the price of a share, no deposit, mint, withdrawal or
redemption, and no request of an LP, lowers what a share is worth, by any sequence; and nothing is minted for less
than it is worth.
"""

from __future__ import annotations

import random

import pytest
from desk import Desk, expect
from lenders import accrue, balance, lender
from lps import SHARE, enter, fall_due, leave, lp, run, wallet

from plimsoll.actions import deposit


def step(vault, owner, draw, unit):
    """One of the four ways, of a random and often tiny amount; False when there is nothing to take."""
    way = draw.choice(["deposit", "mint", "withdraw", "redeem"])
    amount = draw.choice([1, 2, 3, 7, draw.randrange(1, 1_000), draw.randrange(1, unit)])
    if way == "mint" or (way == "deposit" and vault.read("previewDeposit", amount)):
        vault.write(way, amount, owner, sender=owner)
    elif way in ("withdraw", "redeem"):
        amount = min(amount, vault.read("max" + way.capitalize(), owner))
        if amount:
            vault.write(way, amount, owner, owner, sender=owner)


@pytest.mark.parametrize("asset", [0, 1, 2])  # 6, 18 and 8 decimals
@pytest.mark.parametrize("earned", [0, 1, 333_333_337, 10**12])
def test_no_sequence_of_roundings_lowers_a_share(desk, asset, earned):
    vault, draw = desk.vault(asset), random.Random(earned + asset)
    unit = 10 ** desk.token(asset).read("decimals")
    resident, raider = lender(desk, "resident", asset, 10**9), lender(desk, "raider", asset, 10**6 * unit)
    vault.write("deposit", 10**9, resident, sender=resident)
    if earned:
        accrue(desk, asset, earned)
    worth = vault.read("maxWithdraw", resident)
    price, rich = desk.loans(asset).lent_index, 10**6 * unit
    for _ in range(150):
        step(vault, raider, draw, unit)
        assert desk.loans(asset).lent_index == price
        assert balance(desk, asset, raider) + vault.read("maxWithdraw", raider) <= rich
        assert desk.surplus(asset) >= 0
    vault.write("redeem", vault.read("balanceOf", raider), raider, raider, sender=raider)
    assert balance(desk, asset, raider) <= 10**6 * unit
    assert vault.read("maxWithdraw", resident) >= worth


def test_sixty_mints_of_one_wei(desk):
    """Raft's very move, on a share dear enough: refused as a deposit, paid for in full as a mint."""
    resident, raider, vault = lender(desk, "resident", 0, 1), lender(desk, "raider", 0, 10**6), desk.vault(0)
    vault.write("deposit", 1, resident, sender=resident)
    accrue(desk, 0, 1_000)  # a share is a thousand units
    price = vault.read("previewMint", 1)
    for _ in range(60):
        with expect("DepositBelowOneShare", 1):
            vault.write("deposit", 1, raider, sender=raider)
        vault.write("mint", 1, raider, sender=raider)
    assert 10**6 - balance(desk, 0, raider) >= 60 * (price - 1)
    vault.write("redeem", 60, raider, raider, sender=raider)
    assert balance(desk, 0, raider) <= 10**6
    # Rounded up, sixty wei would have bought sixty shares.
    assert 60 * price - 60 > 40 * 60


@pytest.mark.parametrize("amount", [1, 2, 7, 1_234_567])
def test_no_request_of_an_lp_lowers_a_share(amount):
    desk = Desk.create()
    donor = desk.actor("donor")
    desk.mint(donor, 0, 3_333_333_337)
    desk.execute(donor, deposit(desk.pool_account, 0, 3_333_333_337))
    raider = lp(desk, "raider", 100)
    budget = wallet(desk, raider)

    def worth():
        return desk.pool_equity()[1] + SHARE, desk.pool.read("totalSupply") + SHARE

    assets, supply = worth()
    for _ in range(5):
        for ask in (
            lambda: enter(desk, raider, amount),
            lambda: leave(desk, raider, desk.pool.read("balanceOf", raider) // 3),
        ):
            request = ask()
            fall_due(desk)
            run(desk, request)
            after = worth()
            assert after[0] * supply >= assets * after[1]
            assets, supply = after
    last = leave(desk, raider)
    fall_due(desk)
    run(desk, last)
    assert wallet(desk, raider) <= budget
