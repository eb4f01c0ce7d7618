"""18 August 2023, Exactly: about 7 million dollars.

A helper took a market's address from its caller. With a market of the attacker's making, which answered whatever was
convenient, it called back and spent what users had permitted to the helper.

Property: markets, assets, vaults, feeds and pairs are numbers in a registry that governance writes; an address that
somebody brings along is never asked anything that counts, and a contract that poses as a part is refused by name.
"""

from __future__ import annotations

from dataclasses import astuple

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WETH, expect

from plimsoll import accounts, ledger
from plimsoll.actions import (
    borrow,
    call,
    deposit,
    lend,
    liquidate,
    recall,
    repay,
    settle,
    trade_perp,
    transfer,
    transfer_position,
    withdraw,
)
from plimsoll.margin.words import AssetParams

MANY = 2**255 + 7


@pytest.fixture
def mallory(desk):
    return desk.trader("mallory", 100_000)


@pytest.fixture
def fake(desk, put):
    """A token of hers, and a vault over it that says it is the quote asset's, of this engine."""
    token = put(desk, "MockERC20", "USD Coin", "USDC", 6)
    vault = put(desk, "CollateralVault", desk.engine.address, QUOTE, token.address, "lent", "lent", 10_000, 0)
    token.write("mint", desk.actor("mallory"), 10**30, sender=desk.actor("mallory"))
    token.write("approve", vault.address, 2**255, sender=desk.actor("mallory"))
    return token, vault


@pytest.mark.parametrize("asset", [3, 63, 64, 255, MANY])
def test_an_asset_is_a_number_in_the_registry(desk, mallory, asset):
    owner = desk.owner(mallory)
    for action in (
        deposit(mallory, asset, 1),
        withdraw(mallory, asset, 1, owner),
        call(mallory, asset, 1, QUOTE, 0, owner, b""),
        call(mallory, QUOTE, 1, asset, 0, owner, b""),
    ):
        with expect("UnknownAsset", asset):
            desk.act(mallory, action)
    for action in (borrow, lend, recall):
        with expect("LendingClosed", asset):
            desk.act(mallory, action(mallory, asset, 1))
    with expect("NothingOwed", mallory, asset):
        desk.act(mallory, repay(mallory, asset, 1))
    other = desk.account(owner, 1)
    with expect("InsufficientBalance", mallory, asset, 0, 1):
        desk.act(mallory, transfer(mallory, other, asset, 1))


@pytest.mark.parametrize("market", [5, 63, 64, 2**16])
def test_and_so_is_a_market(desk, mallory, market):
    other = desk.account(desk.owner(mallory), 1)
    for action in (trade_perp(mallory, market, SIZE), settle(market, [mallory])):
        with expect("UnknownMarket", market):
            desk.act(mallory, action)
    with expect("InsufficientBalance", mallory, market, 0, SIZE):
        desk.act(mallory, transfer_position(mallory, other, market, SIZE))
    with expect("UnknownMarket", market):
        desk.engine.write("deleverage", market, sender=desk.owner(mallory))


@pytest.mark.parametrize("code", [0x8000, 0x8000 | WETH << 6 | 3, 0x8000 | 3 << 6, 0xFFFF, 0x8000 | 63 << 6 | 63])
def test_and_a_pair(desk, code):
    account = accounts.pack(desk.actor("mallory"), accounts.Mode.ISOLATED, code, 0)
    desk.mint(desk.actor("mallory"), QUOTE, USDC)
    with expect("MarketNotAllowed", account, code):
        desk.act(account, deposit(account, QUOTE, USDC))


def test_an_account_that_nobody_opened_is_nobody_s(desk, mallory):
    """Made up owners, modes and numbers: nothing to take, nothing to call, nothing to settle."""
    for target in (bytes(32), b"\xff" * 32, desk.account(desk.actor("nobody"))):
        with expect("AccountHealthy", target, 0, 0):
            desk.act(mallory, liquidate(mallory, target))
    desk.act(mallory, settle(ETH, [bytes(32), b"\xff" * 32]))


def test_a_vault_that_poses_as_one_mints_nothing(desk, fake):
    """It tells the engine of a deposit of a billion: only the registered vault of that asset may."""
    _, vault = fake
    mallory, before = desk.actor("mallory"), desk.loans(QUOTE)
    with expect("NotAuthorized", bytes(32), vault.address):
        vault.write("deposit", 10**15, mallory, sender=mallory)
    for sender in (vault.address, mallory, desk.vault(WETH).address):
        if desk.chain.code(sender):
            continue  # a contract: it speaks for itself, above
        for amount in (10**15, -(10**15)):
            with expect("NotAuthorized", bytes(32), sender):
                desk.engine.write("changeLent", QUOTE, amount, amount, sender=sender)
    assert desk.loans(QUOTE) == before


def test_a_vault_that_poses_as_one_takes_nothing_out(desk, mallory, fake):
    """As a target of Call: it is none of those that are forbidden by name, and it cannot be credited either."""
    token, vault = fake
    data = vault.encode("approve", desk.owner(mallory), 2**255)
    with expect("OutputBelowMinimum", WETH, 0, 1):
        desk.act(mallory, call(mallory, QUOTE, USDC, WETH, 1, vault.address, data))
    mint = token.encode("mint", desk.deployed["Executor"].address, 10**30)
    with expect("OutputBelowMinimum", WETH, 0, 1):
        desk.act(mallory, call(mallory, QUOTE, USDC, WETH, 1, token.address, mint))
    assert desk.held(mallory) == 100_000 * USDC


def test_governance_itself_cannot_list_what_does_not_fit(desk, put, fake):
    """A vault of another engine, number or token; a pool or a stake in the place of those that hold money."""
    token, vault = fake
    word = AssetParams.from_word(ledger.read(desk.engine, [ledger.asset(WETH)])[0])
    params = (6, *astuple(word)[1:6], 10**24, 10**24, 10_000, 1_000)
    with expect("VaultMismatch", vault.address, desk.engine.address, QUOTE, token.address):
        desk.config.write("listAsset", token.address, vault.address, params, sender=desk.admin)
    with expect("AddressWithoutCode", desk.actor("mallory")):
        desk.config.write("listAsset", token.address, desk.actor("mallory"), params, sender=desk.admin)
    with expect("PoolNotReplaceable", desk.pool.address):
        desk.config.write("setPool", vault.address, sender=desk.admin)
    other = put(
        desk, "InsuranceStake", desk.engine.address, desk.vault(QUOTE).address, desk.admin, 7 * 86_400, 2 * 86_400
    )
    insured = desk.held(desk.insurance)
    with expect("StakeNotReplaceable", desk.stake.address, insured):
        desk.config.write("setStake", other.address, sender=desk.admin)
    with expect("FeedUnknown", 99):
        desk.config.write(
            "listAsset", token.address, fresh(desk, put, token).address, (6, 99, *params[2:]), sender=desk.admin
        )


def fresh(desk, put, token):
    return put(desk, "CollateralVault", desk.engine.address, 3, token.address, "lent", "lent", 10_000, 0)


@pytest.mark.parametrize("function", ["payStaker", "changeLent", "configure"])
def test_no_part_is_believed_by_its_looks(desk, put, function):
    """A second stake, with the right engine, vault and account in it: not registered, so it is paid nothing."""
    other = put(
        desk, "InsuranceStake", desk.engine.address, desk.vault(QUOTE).address, desk.admin, 7 * 86_400, 2 * 86_400
    )
    mallory = desk.actor("mallory")
    assert other.read("maxDeposit", mallory) == other.read("maxRedeem", mallory) == 0
    args = {"payStaker": (mallory, USDC), "changeLent": (QUOTE, 1, 1), "configure": (0, 0, 1)}[function]
    with pytest.raises(Exception) as caught:
        desk.engine.write(function, *args, sender=mallory)
    assert caught.value.name in ("NotAuthorized", "AccessManagedUnauthorized")
    assert desk.held(desk.insurance) == 100_000 * USDC


def test_what_the_fake_would_have_taken(desk, fake):
    """Believed, its billion would have been a billion of lent shares, redeemed from the real vault by its minter."""
    _, vault = fake
    assert vault.read("asset") != desk.vault(QUOTE).read("asset")
    assert vault.read("assetIndex") == desk.vault(QUOTE).read("assetIndex") == QUOTE
    assert vault.read("engine") == desk.engine.address
    assert desk.vault(QUOTE).read("balance") > 10_000_000 * USDC
