"""Lenders leave in the order of losses, not of news: exits wait while a loss may exist that nobody has recognised."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, deposit, lend, recall, repay, withdraw

HOUR, DAY = 3_600, 86_400


@pytest.fixture
def bank(desk):
    """A lender in the engine and one outside; a borrower against WETH; an hour in which nothing happened."""
    lender, borrower = desk.lender("lender", QUOTE, 100_000 * USDC), desk.trader("borrower")
    desk.fund(borrower, WETH, 10 * WAD)
    desk.act(borrower, borrow(borrower, QUOTE, 10_000 * USDC))
    outsider = desk.actor("outsider")
    desk.mint(outsider, QUOTE, 1_000 * USDC)
    desk.vault(QUOTE).write("deposit", 1_000 * USDC, outsider, sender=outsider)
    desk.calm()
    return desk, lender, borrower, outsider


def most(desk, owner):
    return desk.vault(QUOTE).read("maxWithdraw", owner), desk.vault(QUOTE).read("maxRedeem", owner)


def test_in_calm_everybody_leaves(bank):
    desk, lender, _, outsider = bank
    desk.act(lender, recall(lender, QUOTE, USDC))
    assert min(most(desk, outsider)) > 999 * USDC
    desk.vault(QUOTE).write("redeem", 500 * USDC, outsider, outsider, sender=outsider)


@pytest.mark.parametrize("price", [2_690, 3_310])
def test_after_a_move_they_wait_for_an_hour(bank, price):
    """MM haircut 10 %: whoever sees 2,690 first stays until 2,690 has been there for an hour, however often he asks."""
    desk, lender, _, outsider = bank
    desk.post({1: price * PRICE})
    for _ in range(2):
        with expect("ExitWaits", QUOTE):
            desk.act(lender, recall(lender, QUOTE, USDC))
        assert most(desk, outsider) == (0, 0)
        desk.engine.write("observeExits", sender=desk.actor("anyone"))
    with expect("ERC4626ExceededMaxRedeem"):
        desk.vault(QUOTE).write("redeem", 1, outsider, outsider, sender=outsider)
    desk.post({}, seconds=HOUR - 10)
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))
    desk.post({}, seconds=20)
    desk.act(lender, recall(lender, QUOTE, USDC))


def test_a_slow_fall_is_a_move_as_well(bank):
    """2 % every ten minutes, looked at each time: two anchors an hour apart see 11 %."""
    desk, lender, _, _ = bank
    price = 3_000 * PRICE
    for _ in range(6):
        price = price * 98 // 100
        desk.post({1: price}, seconds=600)
        desk.engine.write("observeExits", sender=desk.admin)
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))


def test_when_nobody_looked_the_lender_looks_himself_and_waits(bank):
    desk, lender, _, _ = bank
    desk.post({}, seconds=3 * HOUR)
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))
    desk.calm()
    desk.act(lender, recall(lender, QUOTE, USDC))


def test_nothing_else_waits(bank):
    desk, lender, borrower, outsider = bank
    desk.post({1: 2_600 * PRICE})
    desk.mint(desk.owner(lender), QUOTE, 1_000 * USDC)
    desk.act(lender, deposit(lender, QUOTE, 1_000 * USDC), lend(lender, QUOTE, 500 * USDC))
    desk.act(lender, withdraw(lender, QUOTE, 500 * USDC, desk.owner(lender)))
    desk.act(borrower, repay(borrower, QUOTE, 1_000 * USDC))
    desk.mint(outsider, QUOTE, 1_000 * USDC)
    desk.vault(QUOTE).write("deposit", 1_000 * USDC, outsider, sender=outsider)
    assert desk.held(lender, QUOTE) == 0
    assert desk.debt(borrower, QUOTE) == pytest.approx(9_000 * USDC, rel=1e-4)
    assert desk.vault(QUOTE).read("convertToAssets", desk.vault(QUOTE).read("balanceOf", outsider)) > 1_999 * USDC
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))


def test_where_nothing_is_owed_nobody_waits(bank):
    desk, _, borrower, _ = bank
    desk.act(borrower, lend(borrower, WETH, WAD), recall(borrower, WETH, WAD))
    desk.post({1: 2_600 * PRICE})
    desk.act(borrower, lend(borrower, WETH, WAD), recall(borrower, WETH, WAD))
    assert (desk.held(borrower, WETH), desk.lent(borrower, WETH)) == (10 * WAD, 0)


def test_lenders_of_the_quote_asset_wait_for_perp_markets_too(desk):
    """They come last in the waterfall: 3 % on the ETH market, whose MM rate is 2.5 %, with nothing borrowed at all."""
    lender, trader = desk.lender("lender", QUOTE, 100_000 * USDC), desk.trader("trader", 10_000)
    desk.act(lender, recall(lender, QUOTE, USDC))
    desk.trade(trader, ETH, SIZE)
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))
    desk.calm()
    desk.act(lender, recall(lender, QUOTE, USDC))
    desk.post({1: 2_910 * PRICE})
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))


def test_a_dead_feed_keeps_lenders_for_a_day_and_no_longer(bank):
    desk, lender, _, _ = bank
    desk.send_price(1, 3_000 * PRICE, seconds=HOUR)
    with expect("ExitWaits", QUOTE):
        desk.act(lender, recall(lender, QUOTE, USDC))
    for _ in range(25):
        desk.send_price(1, 3_000 * PRICE, seconds=HOUR)
        desk.engine.write("observeExits", sender=desk.admin)
    desk.act(lender, recall(lender, QUOTE, USDC))
