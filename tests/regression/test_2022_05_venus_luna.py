"""12 May 2022, Venus and Blizz: 11.2 to 13.5 and 8.3 million dollars of bad debt.

LUNA fell through the lowest answer that Chainlink's aggregator could give, 0.107, to a hundredth of it. The feed went
on answering 0.107. People bought LUNA for next to nothing, deposited it at 0.107 and took out everything else.

Property: an answer at the edge of the aggregator's band, or of our own, says only "here or beyond". It is none: the
asset carries no new risk, whoever holds it; what repays goes on.
"""

from __future__ import annotations

import pytest
from desk import BTC, NOBODY, PRICE, QUOTE, REFERENCE_DOWN, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import deposit, trade_perp, withdraw

ID = b"LUNA".ljust(32, b"\0")
UNIT = 10**8
FLOOR = 1_000  # the aggregator's lowest answer, whole quote


@pytest.fixture
def luna(desk, put):
    """WETH stands for LUNA: collateral polled from Chainlink, at 3,000, with the floor far below."""
    aggregator = put(desk, "MockAggregator", 8)
    aggregator.write("setAnswer", 3_000 * UNIT, sender=desk.admin)
    aggregator.write("setBand", FLOOR * UNIT, 10**15, sender=desk.admin)
    adapter = put(desk, "ChainlinkAdapter", desk.deployed["Authority"].address, NOBODY, 0)
    adapter.write("list", ID, (aggregator.address, 86_400, 100, 0, 0), sender=desk.admin)
    desk.router.write("setFeed", 1, (NOBODY, 0, 20_000, adapter.address, bytes(32), ID), sender=desk.admin)
    del desk.prices[1]  # no longer signed
    poke(desk)
    return desk, aggregator


def poke(desk):
    desk.chain.advance(12)
    desk.router.write("poke", 1, sender=desk.admin)


def answer(desk, aggregator, price):
    desk.chain.advance(12)
    aggregator.write("setAnswer", int(price * UNIT), sender=desk.admin)
    poke(desk)
    desk.post({})


def buy(desk, name, amount):
    """A trader with so much of the falling asset, and nothing else."""
    account = desk.trader(name)
    desk.fund(account, WETH, amount)
    return account


def test_at_the_floor_the_asset_carries_no_new_risk(luna):
    desk, aggregator = luna
    early = buy(desk, "early", 10 * WAD)
    desk.trade(early, BTC, SIZE // 20)
    answer(desk, aggregator, FLOOR + 1)
    desk.trade(early, BTC, SIZE // 100)  # still an answer

    answer(desk, aggregator, FLOOR)
    (word,) = desk.router.read("read", [1])
    assert word >> 224 & 0xFF == REFERENCE_DOWN
    late = buy(desk, "late", 1_000 * WAD)  # a deposit needs no price ...
    with expect("BelowInitialMargin"):  # ... and buys nothing: 1,000 of them are worth as much as none
        desk.trade(late, BTC, SIZE // 10_000)
    with expect("BelowInitialMargin"):
        desk.trade(early, BTC, SIZE // 100)
    desk.act(early, trade_perp(early, BTC, -SIZE // 100), reducing=True)
    desk.mint(desk.owner(early), QUOTE, USDC)
    desk.act(early, deposit(early, QUOTE, USDC))


def test_the_floor_is_no_floor_under_what_is_owed(luna):
    """Beside enough of the quote the asset counts for nothing until its source has an answer again."""
    desk, aggregator = luna
    answer(desk, aggregator, FLOOR)
    late = buy(desk, "late", 1_000 * WAD)
    desk.fund(late, QUOTE, 100_000 * USDC)
    desk.trade(late, BTC, SIZE)
    with expect("BelowInitialMargin"):
        desk.act(late, withdraw(late, QUOTE, 99_000 * USDC, desk.owner(late)))
    answer(desk, aggregator, 1_500)
    desk.act(late, withdraw(late, QUOTE, 99_000 * USDC, desk.owner(late)))


def test_without_the_rule_the_clamp_is_worth_its_face(desk, put):
    """The same steps through a source that believes the clamp: 1,000 WETH, bought at nothing, carry 10 BTC."""
    source = put(desk, "MockPriceSource")
    source.write("set", ID, True, 3_000 * PRICE, 0, desk.now, sender=desk.admin)
    desk.router.write("setFeed", 1, (NOBODY, 0, 20_000, source.address, bytes(32), ID), sender=desk.admin)
    del desk.prices[1]
    desk.chain.advance(12)
    source.write("set", ID, True, FLOOR * PRICE, 0, desk.now, sender=desk.admin)
    desk.router.write("poke", 1, sender=desk.admin)
    desk.post({})
    late = buy(desk, "late", 1_000 * WAD)
    desk.trade(late, BTC, 10 * SIZE)
    assert desk.assess(late).equity > 900_000 * WAD
