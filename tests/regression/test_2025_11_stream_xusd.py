"""November 2025, Stream xUSD: 93 million dollars lost, 285 million of debt on other protocols that leaned on it.

Stream's fund lost its money. Lending markets had its token, xUSD, at a hardcoded price near one dollar: the market
said 0.30, the books still 1.26. Nobody was liquidated, and lenders were the exit of everyone who held the token.

Property: no collateral has a constant for a price. Only the quote asset is one by definition; whatever else is listed
needs a feed, a source that only ever repeats itself grows old, and one that is fresh all the time and disagrees with
the market is not believed.
"""

from __future__ import annotations

from dataclasses import asdict

import pytest
from desk import BTC, DEVIATES, NOBODY, PRICE, REFERENCE, SIZE, WAD, WETH, expect

from plimsoll import ledger
from plimsoll.margin.words import AssetParams

BOOK, MARKET = b"BOOK".ljust(32, b"\0"), REFERENCE
FACE, FALLEN = 3_000 * PRICE, 900 * PRICE  # WETH stands for xUSD: 0.30 on the market, 1 in the books


@pytest.fixture
def sources(desk, put):
    """A book that says its face whatever happens, and a market."""
    book, market = put(desk, "MockPriceSource"), put(desk, "MockPriceSource")
    say(desk, book, BOOK, FACE)
    say(desk, market, MARKET, FACE)
    return book, market


def say(desk, source, name, value):
    source.write("set", name, True, value, 0, desk.now, sender=desk.admin)


def poll(desk, book, market=None):
    """The feed takes the book's price, compared with the market's if there is one."""
    judge, deviation = (market.address, 200) if market else (NOBODY, 0)
    desk.router.write("setFeed", 1, (judge, deviation, 20_000, book.address, MARKET, BOOK), sender=desk.admin)
    desk.prices.pop(1, None)


def poke(desk):
    desk.router.write("poke", 1, sender=desk.admin)
    desk.post({}, seconds=0)


def holder(desk, name="holder"):
    account = desk.trader(name)
    desk.fund(account, WETH, 100 * WAD)
    return account


def test_nothing_but_the_quote_is_one_by_definition(desk):
    """An asset on feed 0 would be hardcoded; so would one on a feed that nobody configured."""
    params = asdict(AssetParams.from_word(ledger.read(desk.engine, [ledger.asset(WETH)])[0]))
    for feed, error in ((0, "FeedUnknown"), (99, "FeedUnknown")):
        with expect(error, feed):
            token = desk.put("MockERC20", "Fund", "xUSD", 18)
            vault = desk.put("CollateralVault", desk.engine.address, 3, token.address, "Plimsoll lent xUSD", "plimxUSD")
            listed = tuple({**params, "feed": feed}.values())
            desk.config.write("listAsset", token.address, vault.address, listed, sender=desk.admin)


def test_a_price_that_never_moves_grows_old(desk, sources):
    """The book is not told the time: what it said once is no price a minute later, and nothing can be opened on it."""
    book, _ = sources
    poll(desk, book)
    account = holder(desk)
    desk.chain.advance(12)
    say(desk, book, BOOK, FACE)
    poke(desk)
    desk.trade(account, BTC, SIZE // 10)
    for _ in range(3):
        desk.chain.advance(61)
        poke(desk)
        with expect("BelowInitialMargin"):
            desk.trade(account, BTC, SIZE // 10)


def test_a_book_that_disagrees_with_the_market_is_not_believed(desk, sources):
    """Fresh every block, and wrong: the market's price does not replace it either, it vetoes."""
    book, market = sources
    poll(desk, book, market)
    account = holder(desk)
    desk.chain.advance(12)
    say(desk, book, BOOK, FACE)
    poke(desk)
    desk.trade(account, BTC, SIZE // 10)

    desk.chain.advance(12)
    say(desk, book, BOOK, FACE)
    say(desk, market, MARKET, FALLEN)
    receipt = desk.router.write("poke", 1, sender=desk.admin)
    assert desk.events(receipt, "PriceRejected")[0].args["status"] == DEVIATES
    desk.post({}, seconds=0)
    late = holder(desk, "late")
    for one in (account, late):
        with expect("BelowInitialMargin"):
            desk.trade(one, BTC, SIZE // 10)


def test_without_a_market_the_lenders_would_be_the_exit(desk, sources):
    """The hardcoded price as it was: bought at 0.30, carried at 1, block after block."""
    book, market = sources
    poll(desk, book)
    desk.chain.advance(12)
    say(desk, market, MARKET, FALLEN)
    say(desk, book, BOOK, FACE)
    poke(desk)
    late = holder(desk, "late")
    desk.trade(late, BTC, 10 * SIZE)
    found = desk.assess(late)
    assert found.equity > 250_000 * WAD  # and 90,000 on the market
    assert found.im >= 90_000 * WAD


def test_a_hardcoded_fallback_is_no_way_in(desk, sources):
    """It is compared like everything else, and its configuration with the price that stands."""
    book, market = sources
    desk.router.write("setFeed", 1, (market.address, 200, 20_000, NOBODY, MARKET, bytes(32)), sender=desk.admin)
    desk.router.write("setFallback", 1, (book.address, 60, BOOK), sender=desk.admin)
    desk.chain.advance(61)
    say(desk, book, BOOK, FACE)
    say(desk, market, MARKET, FALLEN)
    receipt = desk.router.write("poke", 1, sender=desk.admin)
    assert desk.events(receipt, "PriceRejected")[0].args["status"] == DEVIATES
    say(desk, book, BOOK, FACE // 2)
    with expect("ReplacementDeviates", 1, FACE, FACE // 2):
        desk.router.write("setFallback", 1, (book.address, 90, BOOK), sender=desk.admin)
