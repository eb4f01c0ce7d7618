"""A token that calls back (ERC-777) gains nothing from the vault: one lock spans the engine and every vault."""

from __future__ import annotations

import pytest
from lenders import lender

from plimsoll.actions import deposit, withdraw
from plimsoll.contracts import decode_error

AMOUNT = 10**9
SEND, RECEIVE = False, True


@pytest.fixture
def hooked(world_of):
    world = world_of("HookERC20", liquidity=0, insurance=0)
    resident = lender(world, "resident", 0, AMOUNT)
    world.vault(0).write("deposit", AMOUNT, resident, sender=resident)
    return world


def told(world):
    """What the last re-entrant call was told: "" when it succeeded."""
    token = world.token(0)
    assert token.read("calls") > 0
    return "" if token.read("lastSucceeded") else decode_error(token.read("lastResult"))[0]


def hook(world, account, when, target, data, *, must_succeed=False):
    world.token(0).write("setHook", account, when, target.address, must_succeed, data, sender=world.admin)


CALLS = {
    "totalAssets": (),
    "convertToAssets": (1,),
    "convertToShares": (1,),
    "previewDeposit": (1,),
    "previewMint": (1,),
    "previewWithdraw": (1,),
    "previewRedeem": (1,),
    "maxDeposit": ("0x" + "11" * 20,),
    "maxMint": ("0x" + "11" * 20,),
    "maxWithdraw": ("0x" + "11" * 20,),
    "maxRedeem": ("0x" + "11" * 20,),
    "deposit": (1, "0x" + "11" * 20),
    "mint": (1, "0x" + "11" * 20),
    "withdraw": (0, "0x" + "11" * 20, "0x" + "11" * 20),
    "redeem": (0, "0x" + "11" * 20, "0x" + "11" * 20),
    "process": (1,),
    "claim": ("0x" + "11" * 20,),
}


@pytest.mark.parametrize("function", sorted(CALLS))
def test_everything_that_carries_a_price_is_locked_inside_a_batch(hooked, function):
    """T-18: a third contract that reads the vault in the middle of a batch is refused, and so is one that acts."""
    trader, vault = hooked.actor("trader"), hooked.vault(0)
    account = hooked.account(trader)
    hooked.fund(account, 0, AMOUNT)
    hook(hooked, trader, RECEIVE, vault, vault.encode(function, *CALLS[function]))
    hooked.execute(trader, withdraw(account, 0, 1, trader))
    assert told(hooked) == "Locked"


def test_a_deposit_into_the_engine_cannot_nest(hooked):
    """The hook of the sender runs under the engine's lock."""
    trader = hooked.actor("trader")
    account = hooked.account(trader)
    hooked.mint(trader, 0, AMOUNT)
    hook(hooked, trader, SEND, hooked.engine, hooked.engine.encode("execute", (b"", False, [])))
    hooked.execute(trader, deposit(account, 0, AMOUNT))
    assert told(hooked) == "Locked"
    assert hooked.held(account) == AMOUNT


def test_tokens_slipped_in_during_a_deposit_are_not_counted_twice(hooked, reverts):
    """A hook that itself sends tokens to the vault makes the measured amount wrong: all of it reverts."""
    thief, vault, token = lender(hooked, "thief", 0, AMOUNT), hooked.vault(0), hooked.token(0)
    token.write("mint", token.address, 5, sender=hooked.admin)
    hook(hooked, thief, SEND, token, token.encode("transfer", vault.address, 5), must_succeed=True)
    with reverts("TransferAmountMismatch", token.address, AMOUNT + 5, AMOUNT):
        vault.write("deposit", AMOUNT, thief, sender=thief)


def test_a_nested_deposit_into_the_vault_reverts_both(hooked, reverts):
    """The inner deposit is complete in itself; the outer one measures both and refuses."""
    thief, vault, token = lender(hooked, "thief", 0, AMOUNT), hooked.vault(0), hooked.token(0)
    token.write("mint", token.address, 5, sender=hooked.admin)
    # The hook's caller is the token itself: it approves when an actor sends a unit, and deposits when the thief does.
    scout = lender(hooked, "scout", 0, 1)
    hook(hooked, scout, SEND, token, token.encode("approve", vault.address, 5), must_succeed=True)
    token.write("transfer", thief, 1, sender=scout)
    hook(hooked, thief, SEND, vault, vault.encode("deposit", 5, thief), must_succeed=True)
    with reverts("TransferAmountMismatch", token.address, AMOUNT + 5, AMOUNT):
        vault.write("deposit", AMOUNT, thief, sender=thief)


def test_the_receiver_of_a_withdrawal_finds_everything_done(hooked):
    """During the payment shares are burned and the claim is lowered: the price the hook reads is the price after."""
    resident, vault = hooked.actor("resident"), hooked.vault(0)
    hook(hooked, resident, RECEIVE, vault, vault.encode("totalAssets"))
    vault.write("withdraw", AMOUNT // 2, resident, resident, sender=resident)
    assert told(hooked) == ""
    seen = int.from_bytes(hooked.token(0).read("lastResult"), "big")
    assert seen == vault.read("totalAssets") == AMOUNT // 2
    assert vault.read("maxWithdraw", resident) == AMOUNT // 2
