"""CollateralVault: the engine's custody of one asset."""

from __future__ import annotations

import pytest

from plimsoll.actions import MAX_UINT256, deposit, withdraw

AMOUNT = 10**9


def test_a_stranger_can_neither_pull_nor_push(world, reverts):
    """Tokens move at the engine's word only."""
    stranger = world.actor("stranger")
    for function, arguments in (
        ("pull", (stranger, 1)),
        ("push", (stranger, 1)),
        ("pay", (stranger, 1)),
        ("count", (-1,)),
    ):
        with reverts("OnlyEngine", stranger):
            world.vault(0).write(function, *arguments, sender=stranger)


def test_a_token_that_takes_a_fee_is_refused(world_of, reverts):
    """What arrives is measured: 1 % less than announced is refused with both figures."""
    world = world_of("FeeOnTransferERC20", liquidity=0, insurance=0)
    trader = world.actor("trader")
    world.mint(trader, 0, AMOUNT)
    with reverts("TransferAmountMismatch", world.token(0).address, AMOUNT * 99 // 100, AMOUNT):
        world.execute(trader, deposit(world.account(trader), 0, AMOUNT))
    with reverts("TransferAmountMismatch", world.token(0).address, AMOUNT * 99 // 100, AMOUNT):
        world.vault(0).write("deposit", AMOUNT, trader, sender=trader)


def test_a_token_without_allowance_is_refused_by_itself(world, reverts):
    """Nobody's tokens are pulled without his word."""
    trader = world.actor("trader")
    world.token(0).write("mint", trader, AMOUNT, sender=world.admin)
    with reverts("ERC20InsufficientAllowance", world.vault(0).address, 0, AMOUNT):
        world.execute(trader, deposit(world.account(trader), 0, AMOUNT))


def test_a_token_that_returns_nothing_works(world_of):
    """In the manner of USDT: deposit, withdrawal, and both directions of the lenders' face."""
    world = world_of("NoReturnERC20", liquidity=0, insurance=0)
    trader, account = world.actor("trader"), world.account(world.actor("trader"))
    world.fund(account, 0, AMOUNT)
    world.execute(trader, withdraw(account, 0, AMOUNT, trader))
    assert world.token(0).read("balanceOf", trader) == AMOUNT
    world.vault(0).write("deposit", AMOUNT, trader, sender=trader)
    world.vault(0).write("withdraw", AMOUNT, trader, trader, sender=trader)
    assert world.token(0).read("balanceOf", trader) == AMOUNT


@pytest.mark.parametrize("asset", [0, 1, 2])
def test_a_donation_changes_nothing(world, asset):
    """Row 24: tokens sent to the vault enter no total, no price and no limit on held balances."""
    donor, vault = world.actor("donor"), world.vault(asset)
    world.fund(world.account(donor), asset, AMOUNT)
    vault_before = (
        world.engine.read("totals", asset),
        vault.read("totalAssets"),
        vault.read("convertToShares", AMOUNT),
    )
    world.token(asset).write("mint", donor, 10**30, sender=world.admin)
    world.token(asset).write("transfer", vault.address, 10**30, sender=donor)
    after = (world.engine.read("totals", asset), vault.read("totalAssets"), vault.read("convertToShares", AMOUNT))
    assert vault_before == after
    assert world.held(world.account(donor), asset) == AMOUNT


def test_a_vault_knows_its_engine_asset_and_balance(world):
    """What MarketConfig compares when the asset is listed."""
    for asset in range(3):
        vault = world.vault(asset)
        assert vault.read("engine") == world.engine.address
        assert vault.read("assetIndex") == asset
        assert vault.read("asset") == world.token(asset).address
        assert vault.read("balance") == world.token(asset).read("balanceOf", vault.address)
        assert vault.read("decimals") == world.token(asset).read("decimals")


def test_an_unlimited_allowance_lets_only_its_owner_deposit(world, reverts):
    """An allowance for the vault is no allowance for others who deposit: the payer is always the caller."""
    victim, thief = world.actor("victim"), world.actor("thief")
    world.token(0).write("mint", victim, AMOUNT, sender=world.admin)
    world.token(0).write("approve", world.vault(0).address, MAX_UINT256, sender=victim)
    with reverts("ERC20InsufficientAllowance"):
        world.execute(thief, deposit(world.account(thief), 0, AMOUNT))
    assert world.token(0).read("balanceOf", victim) == AMOUNT
