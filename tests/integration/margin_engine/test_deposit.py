"""MarginEngine: Deposit."""

import pytest
from helpers import only, reverts
from world import BITCOIN, ETH, ETHER, QUOTE, USDC, WBTC, WETH

from plimsoll import accounts as ids
from plimsoll.actions import deposit


@pytest.mark.parametrize("asset", [QUOTE, WETH, WBTC])
def test_zero_is_refused(world, trader, account, asset):
    """A deposit of nothing is a mistake, whatever the asset."""
    with reverts("ZeroAmount"):
        world.execute(trader, deposit(account, asset, 0))


@pytest.mark.parametrize("asset", [3, 63])
def test_an_asset_without_a_vault_is_unknown(world, trader, account, asset):
    """Only listed assets have a vault to go to."""
    with reverts("UnknownAsset", asset):
        world.execute(trader, deposit(account, asset, 1))


def test_more_than_the_wallet_holds(world, trader, account):
    """The token's own error comes through."""
    wallet = world.tokens[QUOTE].balanceOf(trader)
    with reverts("ERC20InsufficientBalance", trader, wallet, wallet + 1):
        world.execute(trader, deposit(account, QUOTE, wallet + 1))


def test_without_an_allowance(world, stranger):
    """Tokens are pulled only as far as their owner allowed."""
    world.tokens[QUOTE].mint(stranger, USDC, {"from": stranger})
    with reverts("ERC20InsufficientAllowance", world.vaults[QUOTE], 0, USDC):
        world.execute(stranger, deposit(world.account(stranger), QUOTE, USDC))


@pytest.mark.parametrize(("asset", "amount"), [(WETH, ETHER), (WBTC, BITCOIN)])
def test_a_stranger_adds_no_new_asset(world, trader, counterparty, asset, amount):
    """What an account does not hold yet only its owner adds: each asset costs gas in every check."""
    account = world.account(trader, 7)
    with reverts("NotAuthorized", account, counterparty):
        world.execute(counterparty, deposit(account, asset, amount))


def test_the_supply_cap_holds(world, deployer, trader, account):
    """The protocol takes no more of an asset than its cap."""
    params = (18, 1, 2000, 1000, 60, 10_000, 5 * ETHER, 0, 0, 0)
    world.config.setAsset(WETH, params, {"from": deployer})
    with reverts("SupplyCapExceeded", WETH, 5 * ETHER + 1, 5 * ETHER):
        world.execute(trader, deposit(account, WETH, 5 * ETHER + 1))
    world.execute(trader, deposit(account, WETH, 5 * ETHER))
    assert world.held(account, WETH) == 5 * ETHER


@pytest.mark.parametrize(("asset", "amount"), [(WETH, ETHER), (WBTC, BITCOIN)])
def test_an_isolated_account_takes_quote_only(world, trader, asset, amount):
    """An isolated account holds the quote asset and nothing else."""
    account = world.account(trader, market=ETH)
    with reverts("AssetNotAllowed", account, asset):
        world.execute(trader, deposit(account, asset, amount))


@pytest.mark.parametrize("mode", [3, 4, 255])
def test_other_modes_are_not_available(world, trader, mode):
    """An unknown mode is nothing."""
    account = ids.pack(trader.address, mode, 0, 0)
    with reverts("ModeNotAvailable", mode):
        world.execute(trader, deposit(account, QUOTE, USDC))


def test_a_cross_account_has_no_market(world, trader):
    """A market in the id of a cross account would be a second name for nothing."""
    account = ids.pack(trader.address, ids.Mode.CROSS, 3, 0)
    with reverts("MarketNotAllowed", account, 3):
        world.execute(trader, deposit(account, QUOTE, USDC))


@pytest.mark.parametrize(
    ("asset", "amount"), [(QUOTE, 1), (QUOTE, 123_456_789), (WETH, 1), (WETH, 7 * ETHER + 1), (WBTC, 1), (WBTC, 12_345)]
)
def test_tokens_move_into_custody_unit_for_unit(world, trader, account, asset, amount):
    """What leaves the wallet arrives in the vault, in the account and in the totals."""
    token, vault = world.tokens[asset], world.vaults[asset]
    before = (token.balanceOf(trader), vault.balance(), world.held(account, asset), world.engine.totals(asset)[0])
    world.execute(trader, deposit(account, asset, amount))
    after = (token.balanceOf(trader), vault.balance(), world.held(account, asset), world.engine.totals(asset)[0])
    assert (before[0] - amount, *(value + amount for value in before[1:])) == after


def test_a_deposit_says_who_and_what(world, trader, account):
    """Deposited names the payer, HeldChanged what now stands."""
    held = world.held(account)
    tx = world.execute(trader, deposit(account, QUOTE, 5 * USDC))
    assert {"account": account, "asset": QUOTE, "from": trader, "amount": 5 * USDC} == only(tx, "Deposited")
    assert {"account": account, "asset": QUOTE, "held": held + 5 * USDC} == only(tx, "HeldChanged")


def test_a_stranger_may_top_up(world, trader, counterparty, account):
    """Anyone may add to what an account holds already."""
    held = world.held(account)
    tx = world.execute(counterparty, deposit(account, QUOTE, 3 * USDC))
    assert counterparty == only(tx, "Deposited")["from"]
    assert held + 3 * USDC == world.held(account)


def test_anyone_feeds_insurance(world, sponsor, counterparty):
    """The insurance account takes from everybody."""
    held = world.held(world.insurance)
    world.execute(counterparty, deposit(world.insurance, QUOTE, USDC))
    assert held + USDC == world.held(world.insurance)


@pytest.mark.parametrize("market", [None, 0, 4], ids=["cross", "isolated:0", "isolated:4"])
def test_the_first_deposit_opens_the_account(world, trader, market):
    """It gets the next number in the enumeration."""
    account, number = world.account(trader, 3, market=market), world.engine.accountCount()
    tx = world.execute(trader, deposit(account, QUOTE, USDC))
    assert {"account": account, "number": number} == only(tx, "AccountOpened")
    assert [account] == [bytes(one) for one in world.engine.accountsPage(number, 1)]


def test_a_second_deposit_opens_nothing(world, trader, account):
    """An account is listed once."""
    count = world.engine.accountCount()
    tx = world.execute(trader, deposit(account, QUOTE, USDC))
    assert "AccountOpened" not in tx.events
    assert count == world.engine.accountCount()


def test_a_deposit_needs_no_price(world, trader, account):
    """With every feed a day old money still comes in."""
    world.later(86_400)
    world.execute(trader, deposit(account, WETH, ETHER))
    assert world.held(account, WETH) == ETHER


@pytest.mark.parametrize(
    ("asset", "amount", "worth"),
    [(QUOTE, 1000 * USDC, 1000), (WETH, 2 * ETHER, 6000), (WBTC, BITCOIN // 2, 30_000)],
)
def test_equity_grows_by_the_value_at_the_last_price(world, trader, asset, amount, worth):
    """Equity counts the full value; haircuts are requirements."""
    account = world.account(trader, 5)
    world.execute(trader, deposit(account, asset, amount))
    assert worth * 10**18 == world.assess(account).equity
    assert world.assess(account).im == 0
