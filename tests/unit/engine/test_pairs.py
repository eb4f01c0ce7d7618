"""Isolated pair accounts: one collateral, one debt, and nothing else ever."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll import accounts, ledger
from plimsoll.actions import borrow, lend, liquidate, repay, transfer, withdraw

CODE = 0x8000 | WETH << 6 | QUOTE


@pytest.fixture
def pair(desk):
    """WETH against the quote asset, listed with haircuts of 12 and 8 percent, and somebody who lends the quote."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.lender("weth lender", WETH, 100 * WAD)
    word = 1200 | 800 << 16 | 1 << 96
    desk.chain.set_storage(desk.engine.address, ledger.pair(CODE), word)
    return desk, desk.trader("alice", market=CODE)


def test_an_unlisted_pair_opens_no_account(desk):
    other = 0x8000 | WBTC << 6 | WETH
    account = accounts.pack(desk.actor("alice"), accounts.Mode.ISOLATED, other, 0)
    with expect("MarketNotAllowed", account, other):
        desk.fund(account, WBTC, 10**8)


@pytest.mark.parametrize("code", [CODE | 1 << 12, CODE | 1 << 13, CODE | 1 << 14])
def test_a_pair_has_one_code(pair, code):
    desk, _ = pair
    account = accounts.pack(desk.actor("alice"), accounts.Mode.ISOLATED, code, 0)
    with expect("MarketNotAllowed", account, code):
        desk.fund(account, WETH, WAD)


def test_neither_another_asset_nor_a_perp_enters(pair):
    desk, account = pair
    desk.fund(account, WETH, WAD)
    with expect("AssetNotAllowed", account, WBTC):
        desk.fund(account, WBTC, 10**8)
    own = desk.trader("alice")
    desk.fund(own, WBTC, 10**8)
    with expect("AssetNotAllowed", account, WBTC):
        desk.act(own, transfer(own, account, WBTC, 10**8))
    with expect("MarketNotAllowed", account, ETH):
        desk.trade(account, ETH, SIZE)


def test_only_the_debt_asset_is_borrowed(pair):
    desk, account = pair
    desk.fund(account, WETH, WAD)
    with expect("AssetNotAllowed", account, WETH):
        desk.act(account, borrow(account, WETH, WAD))
    with expect("AssetNotAllowed", account, WBTC):
        desk.set_limits(WBTC, borrow_cap=10**8, borrow_velocity=10_000)
        desk.lender("btc lender", WBTC, 10**8)
        desk.act(account, borrow(account, WBTC, 1))
    desk.act(account, borrow(account, QUOTE, 1_000 * USDC))
    assert desk.debt(account, QUOTE) > 0


def test_no_slice_of_a_wider_account_enters(pair):
    """A liquidator's pair account takes only what belongs to the pair."""
    desk, account = pair
    desk.fund(account, QUOTE, 50_000 * USDC)
    target = desk.trader("bob", 1_000)
    desk.trade(target, ETH, 6 * SIZE)
    desk.post({1: desk.price_for(target, ETH, desk.assess(target).mm // 2)})
    with expect("MarketNotAllowed", account, ETH):
        desk.act(account, liquidate(account, target))


def test_a_pair_without_the_quote_asset_is_liquidated_like_any_other(desk):
    """What the taker pays is quote, so that enters whatever the pair is; it is the account's own."""
    desk.config.write("listPair", WETH, WBTC, 1_200, 800, sender=desk.admin)
    desk.lender("btc lender", WBTC, 100 * 10**8)
    account, keeper = desk.trader("alice", market=0x8000 | WETH << 6 | WBTC), desk.trader("keeper", 100_000)
    desk.fund(account, WETH, 10 * WAD)
    loan = 4 * 10**7
    desk.act(account, borrow(account, WBTC, loan), withdraw(account, WBTC, loan, desk.owner(account)))
    desk.post({1: 2_590 * PRICE})
    before = desk.assess(account)
    assert 0 < before.equity < before.mm
    desk.act(keeper, liquidate(keeper, account))
    after = desk.assess(account)
    assert after.mm < before.mm and after.equity * before.mm > before.equity * after.mm
    assert desk.held(account) > 0


@pytest.mark.parametrize("price", [2_400, 2_395, 1_000])
def test_and_so_is_one_that_is_nearly_or_wholly_bankrupt(desk, price):
    desk.config.write("listPair", WETH, WBTC, 1_200, 800, sender=desk.admin)
    desk.lender("btc lender", WBTC, 100 * 10**8)
    account, keeper = desk.trader("alice", market=0x8000 | WETH << 6 | WBTC), desk.trader("keeper", 100_000)
    desk.fund(account, WETH, 10 * WAD)
    loan = 4 * 10**7
    desk.act(account, borrow(account, WBTC, loan), withdraw(account, WBTC, loan, desk.owner(account)))
    desk.post({1: price * PRICE})
    desk.act(keeper, liquidate(keeper, account))
    assert (desk.debt(account, WBTC), desk.held(account, WETH)) == (0, 0)


def test_collateral_may_be_lent(pair):
    desk, account = pair
    desk.fund(account, WETH, 10 * WAD)
    desk.act(account, lend(account, WETH, 10 * WAD), borrow(account, QUOTE, 10_000 * USDC))
    assert desk.assess(account).equity >= 29_999 * WAD
    desk.act(account, repay(account, QUOTE, 9_000 * USDC))
