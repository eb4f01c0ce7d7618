"""Deposit: needs no price, no check and, but for a first asset, no authority."""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, USDC, WAD, WBTC, WETH, expect

from plimsoll import accounts
from plimsoll.actions import deposit, withdraw


def test_nothing(desk):
    account = desk.trader("alice")
    with expect("ZeroAmount"):
        desk.act(account, deposit(account, QUOTE, 0))


@pytest.mark.parametrize("asset", [3, 63, 64, 2**255])
def test_unknown_asset(desk, asset):
    account = desk.trader("alice")
    with expect("UnknownAsset", asset):
        desk.act(account, deposit(account, asset, 1))


def test_a_first_asset_is_the_owner_s_to_add(desk):
    account, stranger = desk.trader("alice"), desk.actor("bob")
    desk.mint(stranger, QUOTE, USDC)
    with expect("NotAuthorized", account, stranger):
        desk.execute(stranger, deposit(account, QUOTE, USDC))


def test_an_asset_that_was_emptied_is_a_first_one_again(desk):
    account, stranger = desk.trader("alice", 1), desk.actor("bob")
    desk.act(account, withdraw(account, QUOTE, USDC, desk.owner(account)))
    desk.mint(stranger, QUOTE, USDC)
    with expect("NotAuthorized", account, stranger):
        desk.execute(stranger, deposit(account, QUOTE, USDC))


def test_more_than_the_caller_has_or_has_allowed(desk):
    account = desk.trader("alice", 1)
    owner, vault = desk.owner(account), desk.vault(QUOTE).address
    with expect("ERC20InsufficientBalance", owner, 0, USDC):
        desk.act(account, deposit(account, QUOTE, USDC))
    desk.token(QUOTE).write("approve", vault, 0, sender=owner)
    desk.token(QUOTE).write("mint", owner, USDC, sender=owner)
    with expect("ERC20InsufficientAllowance", vault, 0, USDC):
        desk.act(account, deposit(account, QUOTE, USDC))


def test_beyond_the_supply_cap(desk):
    account = desk.trader("alice")
    desk.fund(account, WETH, 5 * WAD)
    desk.set_asset(WETH, supply_cap=6 * WAD)
    with expect("SupplyCapExceeded", WETH, 6 * WAD + 1, 6 * WAD):
        desk.fund(account, WETH, WAD + 1)
    desk.fund(account, WETH, WAD)


@pytest.mark.parametrize("asset", [WETH, WBTC])
def test_an_isolated_account_takes_the_quote_asset_only(desk, asset):
    account = desk.trader("alice", market=ETH)
    with expect("AssetNotAllowed", account, asset):
        desk.fund(account, asset, 1)
    desk.fund(account, QUOTE, USDC)


@pytest.mark.parametrize("mode", range(3, 256, 11))
def test_modes_that_do_not_exist(desk, mode):
    account = accounts.pack(desk.actor("alice"), mode, 0, 0)
    with expect("ModeNotAvailable", mode):
        desk.fund(account, QUOTE, 1)


@pytest.mark.parametrize("market", [1, 65_535])
def test_a_cross_account_has_no_market_in_its_id(desk, market):
    account = accounts.pack(desk.actor("alice"), accounts.Mode.CROSS, market, 0)
    with expect("MarketNotAllowed", account, market):
        desk.fund(account, QUOTE, 1)


@pytest.mark.parametrize(
    "asset, amount", [(QUOTE, 1), (QUOTE, 10**13), (WETH, 1), (WETH, 10**20), (WBTC, 1), (WBTC, 10**10)]
)
def test_it_is_held_counted_and_told(desk, asset, amount):
    account = desk.trader("alice")
    total = desk.engine.read("totals", asset)[0]
    desk.mint(desk.owner(account), asset, amount)
    count = desk.engine.read("accountCount")
    receipt = desk.act(account, deposit(account, asset, amount))
    assert desk.held(account, asset) == amount
    assert desk.engine.read("totals", asset) == (total + amount, 0)
    assert desk.vault(asset).read("balance") == total + amount
    assert desk.token(asset).read("balanceOf", desk.owner(account)) == 0
    assert [e.name for e in desk.events(receipt)][-3:] == ["AccountOpened", "HeldChanged", "Deposited"]
    (told,) = desk.events(receipt, "Deposited")
    assert told.args == {"account": account, "asset": asset, "from": desk.owner(account), "amount": amount}
    assert desk.engine.read("accountsPage", count, 5) == [account]
    assert desk.assess(account)[:5] == desk.twin(account)


def test_values_by_hand(desk):
    """1 WETH at 3,000, 0.5 WBTC at 60,000, 1,234.56 USDC."""
    account = desk.trader("alice", 1234.56)
    desk.fund(account, WETH, WAD)
    desk.fund(account, WBTC, 5 * 10**7)
    assert desk.assess(account).equity == 34_234_560_000_000_000_000_000
    desk.fund(account, WBTC, 1)
    assert desk.assess(account).equity == 34_234_560_600_000_000_000_000


def test_anyone_adds_to_what_is_held_already_called_or_not(desk):
    account, stranger = desk.trader("alice", 1), desk.actor("bob")
    desk.mint(stranger, QUOTE, USDC)
    desk.execute(stranger, deposit(account, QUOTE, USDC))
    assert desk.held(account) == 2 * USDC


def test_anyone_funds_insurance_even_when_it_is_empty(desk):
    stranger = desk.actor("bob")
    desk.mint(stranger, QUOTE, USDC)
    before = desk.held(desk.insurance)
    desk.execute(stranger, deposit(desk.insurance, QUOTE, USDC))
    assert desk.held(desk.insurance) == before + USDC


def test_a_pause_of_new_risk_stops_no_deposit(desk):
    desk.engine.write("pauseRisk", desk.now + 3_600, sender=desk.admin)
    account = desk.trader("alice", 5)
    desk.act(account, withdraw(account, QUOTE, USDC, desk.owner(account)))
    assert desk.held(account) == 4 * USDC
