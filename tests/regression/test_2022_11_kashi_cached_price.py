"""8 November 2022, Kashi: 110,000 dollars.

The pair kept the oracle's last answer and judged solvency by it. The borrower first borrowed against the cached price
of a collateral that had fallen, then had the cache refreshed, and left the difference behind as bad debt.

Property: whatever raises risk is judged by a price no older than the market's and the asset's rule. A cached price is
too old by then, or the batch brings a fresh one, and then that is what counts.
"""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import trade_perp, withdraw

OLD, NEW = 3_000, 1_500
MAX_AGE = 60


@pytest.fixture
def borrower(desk):
    """10 WETH, worth 30,000 by the price that the router has kept since."""
    account = desk.trader("borrower")
    desk.fund(account, WETH, 10 * WAD)
    desk.post({})
    return account


def refresh_others(desk):
    """Every price but ETH's is fresh: the one that lags is the one he leans on."""
    from plimsoll.prices import Quote

    words = [Quote(feed, value, 100) for feed, value in desk.prices.items() if feed != 1]
    desk.router.write("update", desk.signer.report(desk.now, words), sender=desk.admin)


def test_a_cached_price_of_the_collateral_carries_nothing(desk, borrower):
    desk.chain.advance(MAX_AGE + 1)
    refresh_others(desk)
    with expect("BelowInitialMargin"):
        desk.trade(borrower, BTC, SIZE // 10_000)


def test_a_cached_price_of_the_market_fills_nothing(desk):
    account = desk.trader("trader", 30_000)
    desk.chain.advance(MAX_AGE + 1)
    refresh_others(desk)
    with expect("PriceUnusable", 1, MAX_AGE + 1, 0):
        desk.trade(account, ETH, 5 * SIZE)


def test_the_refresh_comes_first_and_is_what_counts(desk, borrower):
    """Borrow, then refresh, in one batch: prices are its prologue. 30,000 were worth 20,000 BTC; 15,000 are not."""
    size = SIZE * 2 // 3
    point = desk.chain.snapshot()
    desk.chain.advance(2)
    with expect("BelowInitialMargin"):
        desk.act(borrower, trade_perp(borrower, BTC, 6 * size), prices=desk.report({1: NEW * PRICE}))
    desk.chain.revert(point)
    # Without the rule the same trade at the cached price goes through, and is under water when the cache is refreshed:
    desk.prices[1] = OLD * PRICE
    desk.trade(borrower, BTC, 6 * size)
    desk.post({1: NEW * PRICE})
    assert desk.assess(borrower).equity < desk.assess(borrower).im


def test_nor_does_anything_leave_on_a_cached_price(desk, borrower):
    desk.fund(borrower, QUOTE, 20_000 * USDC)
    desk.trade(borrower, BTC, SIZE)
    desk.chain.advance(MAX_AGE + 1)
    refresh_others(desk)
    with expect("BelowInitialMargin"):
        desk.act(borrower, withdraw(borrower, QUOTE, 19_000 * USDC, desk.owner(borrower)))


@pytest.mark.parametrize(("age", "news"), [(MAX_AGE, True), (MAX_AGE + 1, False)])
def test_the_cache_cannot_be_refreshed_with_what_is_old(desk, age, news):
    """A report of more than a minute ago is no news: it neither moves the price nor makes it look young."""
    desk.chain.advance(5)
    late = desk.report({1: 2 * OLD * PRICE}, at=desk.now)
    desk.chain.advance(age)
    before = desk.router.read("read", [1])
    desk.router.write("update", late, sender=desk.admin)
    assert (desk.router.read("read", [1]) != before) == news
