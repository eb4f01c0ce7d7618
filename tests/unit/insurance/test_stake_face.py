"""InsuranceStake: ERC-4626 conformance, at a price that is not one."""

from __future__ import annotations

import pytest
from stakers import SHARE, UNIT, cool, earn, lose, redeem, shares, staker, wallet

from plimsoll.contracts import events

ODD = 1_234_567


@pytest.fixture
def priced(world):
    """The treasury's 100,000, a resident's 1,000, and an odd amount earned."""
    staker(world, "resident", 1_000 * UNIT)
    earn(world, 33_333_333_337)
    return world


# ---------------------------------------------------------------- what it is made of


def test_its_assets_are_what_insurance_holds(priced):
    stake = priced.stake
    assert stake.read("totalAssets") == priced.held(priced.insurance) == 134_333_333_337
    assert stake.read("asset") == priced.token(0).address
    assert stake.read("account") == priced.insurance
    assert stake.read("decimals") == 12
    assert wallet(priced, stake.address) == 0  # all of it lies in the vault
    assert priced.token(0).read("allowance", stake.address, priced.vault(0).address) == 0


def test_tokens_sent_to_it_are_nobody_s(priced):
    before = priced.stake.read("convertToAssets", SHARE)
    priced.token(0).write("mint", priced.stake.address, 10**12, sender=priced.admin)
    priced.token(0).write("mint", priced.vault(0).address, 10**12, sender=priced.admin)
    assert priced.stake.read("convertToAssets", SHARE) == before


# ---------------------------------------------------------------- previews


@pytest.mark.parametrize("amount", [1, 7, ODD, 987_654_321])
@pytest.mark.parametrize("function", ["deposit", "mint", "withdraw", "redeem"])
def test_previews_tell_exactly_what_happens(priced, function, amount):
    user, stake = staker(priced, "user", 5_000 * UNIT), priced.stake
    priced.token(0).write("mint", user, 5_000 * UNIT, sender=priced.admin)
    cool(priced, user)
    units = amount * 10**6 + 1 if function in ("mint", "redeem") else amount
    assets, had = wallet(priced, user), shares(priced, user)
    told = stake.read("preview" + function.capitalize(), units)
    stake.write(function, units, *([user] if function in ("deposit", "mint") else [user, user]), sender=user)
    moved = abs(wallet(priced, user) - assets), abs(shares(priced, user) - had)
    assert moved == ((units, told) if function in ("deposit", "withdraw") else (told, units))


def test_previews_round_against_the_caller(priced):
    stake = priced.stake
    total, supply = stake.read("totalAssets") + 1, stake.read("totalSupply") + 10**6
    for amount in (1, 3, ODD):
        assert stake.read("previewDeposit", amount) == amount * supply // total
        assert stake.read("previewWithdraw", amount) == -(-amount * supply // total)
        assert stake.read("previewMint", amount) == -(-amount * total // supply)
        assert stake.read("previewRedeem", amount) == amount * total // supply
        assert stake.read("convertToShares", amount) == amount * supply // total
        assert stake.read("convertToAssets", amount) == amount * total // supply


@pytest.mark.parametrize("amount", [1, 2, ODD, 500_000_003])
@pytest.mark.parametrize(("into", "out"), [(i, o) for i in ("deposit", "mint") for o in ("redeem", "withdraw")])
def test_no_round_trip_profits(priced, into, out, amount):
    user, stake = staker(priced, "user", 10**10, stake=False), priced.stake
    units = amount * 10**6 + 1 if into == "mint" else amount
    stake.write(into, units, user, sender=user)
    put = 10**10 - wallet(priced, user)
    cool(priced, user)
    most = stake.read("maxRedeem" if out == "redeem" else "maxWithdraw", user)
    if most:
        stake.write(out, most, user, user, sender=user)
    assert put - 2 <= wallet(priced, user) - (10**10 - put) <= put


# ---------------------------------------------------------------- limits


def test_stakes_beyond_the_supply_cap_are_refused(priced, reverts):
    whale, stake = staker(priced, "whale", 10**16, stake=False), priced.stake
    most = stake.read("maxDeposit", whale)
    assert most == priced.vault(0).read("maxDeposit", whale) > 0
    with reverts("ERC4626ExceededMaxDeposit", whale, most + 1, most):
        stake.write("deposit", most + 1, whale, sender=whale)
    units = stake.read("maxMint", whale)
    with reverts("ERC4626ExceededMaxMint", whale, units + 1, units):
        stake.write("mint", units + 1, whale, sender=whale)
    stake.write("deposit", most, whale, sender=whale)
    assert stake.read("maxDeposit", whale) == stake.read("maxMint", whale) == 0


def test_without_a_window_nothing_leaves(priced, reverts):
    """Not before a request, not while it waits; and then exactly so much."""
    resident, stake = priced.actor("resident"), priced.stake
    for wait in (None, 0, stake.read("period") - 1):
        if wait == 0:
            stake.write("cooldown", shares(priced, resident), sender=resident)
        elif wait:
            priced.chain.advance(wait)
        assert stake.read("maxRedeem", resident) == stake.read("maxWithdraw", resident) == 0
        with reverts("ERC4626ExceededMaxRedeem", resident, 1, 0):
            stake.write("redeem", 1, resident, resident, sender=resident)
        with reverts("ERC4626ExceededMaxWithdraw", resident, 1, 0):
            stake.write("withdraw", 1, resident, resident, sender=resident)
    priced.chain.advance(1)
    most, units = stake.read("maxWithdraw", resident), stake.read("maxRedeem", resident)
    assert units == shares(priced, resident)
    with reverts("ERC4626ExceededMaxWithdraw", resident, most + 1, most):
        stake.write("withdraw", most + 1, resident, resident, sender=resident)
    with reverts("ERC4626ExceededMaxRedeem", resident, units + 1, units):
        stake.write("redeem", units + 1, resident, resident, sender=resident)
    stake.write("withdraw", most, resident, resident, sender=resident)
    assert wallet(priced, resident) == most


@pytest.mark.parametrize("function", ["withdraw", "redeem"])
def test_row_70_others_need_an_allowance(priced, reverts, function):
    resident, friend, stake = priced.actor("resident"), priced.actor("friend"), priced.stake
    cool(priced, resident)
    units = stake.read("previewWithdraw", ODD) if function == "withdraw" else 10**9
    amount = ODD if function == "withdraw" else units
    with reverts("ERC20InsufficientAllowance", friend, 0, units):
        stake.write(function, amount, friend, resident, sender=friend)
    stake.write("approve", friend, units, sender=resident)
    stake.write(function, amount, friend, resident, sender=friend)
    assert stake.read("allowance", resident, friend) == 0
    assert wallet(priced, friend) > 0
    assert wallet(priced, resident) == 0


def test_nothing_for_nothing(priced, reverts):
    """Neither shares for no asset nor assets for no share, however dear a share is."""
    resident, stake = priced.actor("resident"), priced.stake
    cool(priced, resident)
    for function, arguments in {
        "deposit": (0, resident),
        "mint": (0, resident),
        "withdraw": (0, resident, resident),
        "redeem": (1, resident, resident),  # worth less than a unit
    }.items():
        with reverts("ZeroAmount"):
            stake.write(function, *arguments, sender=resident)
    lose(priced, priced.held(priced.insurance))
    assert stake.read("maxRedeem", resident) == 0  # not even all of them are worth a unit
    with reverts("ERC4626ExceededMaxRedeem", resident, 10**9, 0):
        stake.write("redeem", 10**9, resident, resident, sender=resident)


# ---------------------------------------------------------------- events


def test_events_are_those_of_the_standard_and_the_engine_s(world):
    user, stake = staker(world, "user", 10 * UNIT, stake=False), world.stake
    told = stake.read("previewDeposit", 10 * UNIT)
    receipt = stake.write("deposit", 10 * UNIT, user, sender=user)
    (event,) = events(receipt.logs, "Deposit", address=stake.address)
    assert event.args == {"sender": user, "owner": user, "assets": 10 * UNIT, "shares": told}
    (event,) = events(receipt.logs, "TreasurySeeded")
    assert event.args == {"treasury": world.admin, "assets": 100_000 * UNIT, "shares": 100_000 * SHARE}
    (event,) = events(receipt.logs, "Deposited")
    assert event.args == {"account": world.insurance, "asset": 0, "from": stake.address, "amount": 10 * UNIT}

    receipt = stake.write("cooldown", told, sender=user)
    (event,) = events(receipt.logs, "CooldownStarted")
    assert (event.args["owner"], event.args["shares"]) == (user, told)
    assert stake.read("cooling", user) == (told, event.args["redeemableAt"], event.args["expiresAt"])
    world.chain.advance(stake.read("period"))
    receipt = stake.write("redeem", told, user, user, sender=user)
    (event,) = events(receipt.logs, "Withdraw", address=stake.address)
    assert event.args["shares"] == told
    (event,) = events(receipt.logs, "Withdrawn")
    assert event.args == {"account": world.insurance, "asset": 0, "to": user, "amount": 10 * UNIT}


def test_books_and_custody_agree_after_everything(priced):
    """I-1, I-5: what leaves insurance leaves the totals and the vault, to the unit."""
    resident = priced.actor("resident")
    cool(priced, resident)
    held, tokens = priced.engine.read("totals", 0)[0], priced.vault(0).read("balance")
    paid = redeem(priced, resident)
    assert priced.engine.read("totals", 0)[0] == held - paid
    assert priced.vault(0).read("balance") == tokens - paid
