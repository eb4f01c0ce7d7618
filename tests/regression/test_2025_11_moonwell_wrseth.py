"""4 November 2025, Moonwell: 1 million dollars.

The feed of wrsETH, restaked ether, answered 5.8 million dollars for a moment. A bot deposited 0.02 of it and borrowed
20 wstETH, block after block, until the feed was itself again.

Property: an answer outside an absolute band of our own is none, and one far from the reference is not believed: not for
a block, not for a wei. Nobody borrows on it, and nobody else is touched by it.
"""

from __future__ import annotations

import pytest
from desk import BTC, DEVIATES, NOBODY, PRICE, REFERENCE, REFERENCE_DOWN, SIZE, WAD, WETH, expect

from plimsoll.errors import Reverted

ID = b"WRSETH".ljust(32, b"\0")
UNIT = 10**8
TRUE, ABSURD = 3_500, 5_800_000
STAKE = 2 * 10**16  # 0.02


def deploy_adapter(desk, put, highest):
    """WETH stands for wrsETH: polled, its listing with a band of our own up to `highest`."""
    aggregator = put(desk, "MockAggregator", 8)
    aggregator.write("setAnswer", 3_000 * UNIT, sender=desk.admin)
    adapter = put(desk, "ChainlinkAdapter", desk.deployed["Authority"].address, NOBODY, 0)
    adapter.write("list", ID, (aggregator.address, 86_400, 100, 500 * UNIT, highest), sender=desk.admin)
    return aggregator, adapter


def poll(desk, adapter):
    desk.router.write("setFeed", 1, (NOBODY, 0, 20_000, adapter.address, bytes(32), ID), sender=desk.admin)
    del desk.prices[1]


def answer(desk, aggregator, price):
    desk.chain.advance(12)
    aggregator.write("setAnswer", price * UNIT, sender=desk.admin)
    desk.router.write("poke", 1, sender=desk.admin)
    desk.post({}, seconds=0)


@pytest.fixture
def bot(desk):
    account = desk.trader("bot")
    desk.fund(account, WETH, STAKE)
    return account


def test_an_absurd_answer_is_none(desk, put, bot):
    aggregator, adapter = deploy_adapter(desk, put, 20_000 * UNIT)
    poll(desk, adapter)
    answer(desk, aggregator, TRUE)
    bystander = desk.trader("bystander", 10_000)
    desk.fund(bystander, WETH, WAD)
    desk.trade(bystander, BTC, -SIZE // 10)
    before = desk.assess(bystander)

    answer(desk, aggregator, ABSURD)
    (word,) = desk.router.read("read", [1])
    assert (word & 2**72 - 1, word >> 224 & 0xFF) == (TRUE * PRICE, REFERENCE_DOWN)
    for _ in range(3):  # block after block
        with expect("BelowInitialMargin"):
            desk.trade(bot, BTC, SIZE // 1_000)
        answer(desk, aggregator, ABSURD)
    assert desk.assess(bystander).state == before.state
    assert abs(desk.assess(bystander).equity - before.equity) < 20 * WAD  # the age of a price, no more

    answer(desk, aggregator, TRUE)
    assert desk.router_value(1) == TRUE * PRICE
    assert desk.assess(bot).equity == 70 * WAD


def test_without_the_band_the_stake_is_worth_a_fortune(desk, put, bot):
    """No upper end of our own, no reference: 0.02 carry a position of 120,000."""
    aggregator, adapter = deploy_adapter(desk, put, 0)
    poll(desk, adapter)
    answer(desk, aggregator, ABSURD)
    desk.trade(bot, BTC, 2 * SIZE)
    assert desk.assess(bot).equity > 100_000 * WAD


def test_as_a_reference_the_same_feed_only_vetoes(desk, put, bot):
    """Absurd in the reference, or in the report: neither is believed."""
    aggregator, adapter = deploy_adapter(desk, put, 0)
    desk.router.write("setFeed", 1, (adapter.address, 200, 20_000, NOBODY, ID, bytes(32)), sender=desk.admin)
    for reference, reported in ((ABSURD, TRUE), (3_000, ABSURD)):
        desk.chain.advance(12)
        aggregator.write("setAnswer", reference * UNIT, sender=desk.admin)
        receipt = desk.send_price(1, reported * PRICE)
        assert desk.events(receipt, "PriceRejected")[0].args["status"] == DEVIATES
        assert desk.router_value(1) == 3_000 * PRICE
        with expect("BelowInitialMargin"):
            desk.trade(bot, BTC, SIZE // 1_000)
    assert STAKE * TRUE < 100 * WAD < ABSURD * STAKE


@pytest.mark.parametrize("value", [2**72, 2**200])
def test_beyond_the_width_of_a_price_there_is_none(desk, put, value):
    source = put(desk, "MockPriceSource")
    source.write("set", REFERENCE, True, 3_000 * PRICE, 0, desk.now, sender=desk.admin)
    desk.router.write("setFeed", 1, (NOBODY, 0, 20_000, source.address, bytes(32), REFERENCE), sender=desk.admin)
    desk.chain.advance(12)
    source.write("set", REFERENCE, True, value, 0, desk.now, sender=desk.admin)
    with pytest.raises(Reverted) as caught:
        desk.router.write("poke", 1, sender=desk.admin)
    assert caught.value.matches("PriceOutOfRange", 1, value)
    assert desk.router_value(1) == 3_000 * PRICE
