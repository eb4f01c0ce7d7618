"""CollateralVault: custody, its ERC-4626 face, and tokens of every kind."""

import pytest
from helpers import ANY, only, reverts
from world import BITCOIN, DAY, ETHER, QUOTE, USDC, WBTC, WETH

from plimsoll.actions import MAX_UINT256, deposit, withdraw

AMOUNTS = {QUOTE: 1000 * USDC, WETH: 5 * ETHER, WBTC: 2 * BITCOIN}
ASSETS = [QUOTE, WETH, WBTC]  # 6, 18 and 8 decimals


@pytest.fixture
def listed(world, deployer, trader):
    """Lists a token of another kind as asset 3 and equips the trader."""

    def listed(kind, decimals):
        token = world.put(kind, "Token", "TKN", decimals)
        vault = world.put("CollateralVault", world.engine, 3, token, "Lent", "L", 2500, 10**30)
        params = (decimals, 2, 2000, 1000, 60, 10_000, 10**30, 0, 0, 0)
        world.config.listAsset(token, vault, params, {"from": deployer})
        world.later(7 * DAY)  # its supply cap grows so long
        world.post()
        token.mint(trader, 10**6 * 10**decimals, {"from": trader})
        token.approve(vault, MAX_UINT256, {"from": trader})
        return token, vault

    return listed


# -------------------------------------------------------------------- custody


@pytest.mark.parametrize("asset", ASSETS)
def test_only_the_engine_pulls(world, stranger, trader, asset):
    """An allowance to the vault is nobody else's to use."""
    with reverts("OnlyEngine", stranger):
        world.vaults[asset].pull(trader, 1, {"from": stranger})


@pytest.mark.parametrize("asset", ASSETS)
def test_only_the_engine_pushes(world, stranger, asset):
    """Nothing leaves otherwise."""
    with reverts("OnlyEngine", stranger):
        world.vaults[asset].push(stranger, 1, {"from": stranger})


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_a_fee_on_transfer_is_refused(world, trader, account, listed, decimals):
    """With what arrived and what should have."""
    token, _ = listed("FeeOnTransferERC20", decimals)
    amount = 100 * 10**decimals
    with reverts("TransferAmountMismatch", token, amount * 99 // 100, amount):
        world.execute(trader, deposit(account, 3, amount))


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_a_token_that_returns_nothing(world, trader, account, listed, decimals):
    """In and out like any other."""
    _, vault = listed("NoReturnERC20", decimals)
    amount = 100 * 10**decimals
    world.execute(trader, deposit(account, 3, amount))
    assert (amount, amount) == (world.held(account, 3), vault.balance())
    world.execute(trader, withdraw(account, 3, amount, trader.address))
    assert (world.held(account, 3), vault.balance()) == (0, 0)


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_decimals_do_not_change_the_value(world, trader, listed, decimals):
    """One whole token at 60,000, however it is divided."""
    listed("MockERC20", decimals)
    account = world.account(trader, 9)
    world.execute(trader, deposit(account, 3, 10**decimals))
    assert world.assess(account).equity == 60_000 * 10**18


def test_a_blacklisted_receiver(world, trader, account, listed, stranger):
    """A token that refuses a payment refuses it to him only."""
    token, _ = listed("BlacklistERC20", 6)
    world.execute(trader, deposit(account, 3, 100))
    token.setBlacklisted(stranger, True, {"from": trader})
    with reverts("AddressBlacklisted", stranger):
        world.execute(trader, withdraw(account, 3, 100, stranger.address))
    world.execute(trader, withdraw(account, 3, 100, trader.address))
    assert world.held(account, 3) == 0


@pytest.mark.parametrize("asset", ASSETS)
def test_a_donation_is_nobodys(world, trader, account, asset):
    """Tokens sent to the vault change no claim and no share price."""
    token, vault = world.tokens[asset], world.vaults[asset]
    totals, shares = world.engine.totals(asset), vault.convertToShares(10**8)
    token.transfer(vault, AMOUNTS[asset], {"from": trader})
    assert totals == world.engine.totals(asset)
    assert shares == vault.convertToShares(10**8)
    assert totals[0] + AMOUNTS[asset] == vault.balance()


# -------------------------------------------------------------------- lenders


@pytest.mark.parametrize("asset", ASSETS)
def test_lending_and_back(world, trader, asset):
    """Shares for assets and assets for shares, to the unit."""
    token, vault, amount = world.tokens[asset], world.vaults[asset], AMOUNTS[asset]
    wallet = token.balanceOf(trader)
    tx = vault.deposit(amount, trader, {"from": trader})
    assert amount == only(tx, "LendingTotals")["lentShares"] == vault.totalAssets()
    assert vault.balanceOf(trader) == amount
    vault.redeem(vault.balanceOf(trader), trader, trader, {"from": trader})
    assert (wallet, 0, 0) == (token.balanceOf(trader), vault.totalSupply(), world.engine.totals(asset)[1])


@pytest.mark.parametrize("asset", ASSETS)
def test_previews_are_kept(world, trader, asset):
    """What previewDeposit and previewWithdraw say is what happens."""
    vault, amount = world.vaults[asset], AMOUNTS[asset] + 7
    shares = vault.previewDeposit(amount)
    vault.deposit(amount, trader, {"from": trader})
    assert shares == vault.balanceOf(trader)
    burnt = vault.previewWithdraw(amount // 3)
    vault.withdraw(amount // 3, trader, trader, {"from": trader})
    assert shares - burnt == vault.balanceOf(trader)


@pytest.mark.parametrize("asset", ASSETS)
def test_more_than_the_cash(world, trader, counterparty, asset):
    """What accounts hold is never paid to lenders."""
    vault, amount = world.vaults[asset], AMOUNTS[asset]
    vault.deposit(amount, trader, {"from": trader})
    assert amount == vault.maxWithdraw(trader)
    with reverts("ERC4626ExceededMaxWithdraw", trader, amount + 1, amount):
        vault.withdraw(amount + 1, trader, trader, {"from": trader})


def test_the_supply_cap_holds_for_lenders_too(world, deployer, trader):
    """What accounts hold counts against it."""
    world.config.setAsset(WETH, (18, 1, 2000, 1000, 60, 10_000, 3 * ETHER, 0, 0, 1000), {"from": deployer})
    world.execute(trader, deposit(world.account(trader), WETH, ETHER))
    vault = world.vaults[WETH]
    assert vault.maxDeposit(trader) == 2 * ETHER
    with reverts("ERC4626ExceededMaxDeposit", trader, 2 * ETHER + 1, 2 * ETHER):
        vault.deposit(2 * ETHER + 1, trader, {"from": trader})


@pytest.mark.parametrize("asset", ASSETS)
def test_another_ones_shares(world, trader, stranger, asset):
    """Only with an allowance, which is used up."""
    vault, amount = world.vaults[asset], AMOUNTS[asset]
    vault.deposit(amount, trader, {"from": trader})
    shares = vault.previewWithdraw(amount // 2)
    with reverts("ERC20InsufficientAllowance", stranger, 0, shares):
        vault.withdraw(amount // 2, stranger, trader, {"from": stranger})
    vault.approve(stranger, shares, {"from": trader})
    vault.withdraw(amount // 2, stranger, trader, {"from": stranger})
    assert amount // 2 == world.tokens[asset].balanceOf(stranger)
    assert vault.allowance(trader, stranger) == 0


@pytest.mark.parametrize("asset", ASSETS)
def test_custody_is_held_plus_lent(world, trader, asset):
    """Accounts and lenders together own the vault."""
    world.vaults[asset].deposit(AMOUNTS[asset], trader, {"from": trader})
    world.execute(trader, deposit(world.account(trader), asset, 11))
    held, lent = world.engine.totals(asset)
    assert held + lent == world.vaults[asset].balance()


@pytest.mark.parametrize("asset", ASSETS)
def test_who_holds_what(world, asset):
    """The vault knows its engine, its index, its token."""
    vault = world.vaults[asset]
    assert (world.engine, asset, world.tokens[asset]) == (vault.engine(), vault.assetIndex(), vault.asset())


def test_lent_changes_only_by_its_vault(world, deployer):
    """Not even the admin writes it."""
    with reverts("NotAuthorized", ANY, deployer):
        world.engine.changeLent(QUOTE, 1, 1, {"from": deployer})
