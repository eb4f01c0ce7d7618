"""25 June 2019, Synthetix sKRW: 37 million sETH, over a billion dollars on paper, given back by the bot's owner.

Of the price sources for the Korean won one was down, and one of the two that were left answered a thousand times too
much. The oracle took the mean of the two, and a trading bot bought and sold at it for as long as it stood.

Property: two sources that disagree are never averaged. Beyond the feed's deviation neither is believed: the last good
price stands, nothing opens, and fewer signers than the quorum are no price at all.
"""

from __future__ import annotations

import pytest
from desk import DEVIATES, ETH, PRICE, REFERENCE, SIZE, WAD, expect

from plimsoll.actions import trade_perp
from plimsoll.prices import Quote

TRUE, WRONG = 3_000 * PRICE, 3_000_000 * PRICE
MEAN = (TRUE + WRONG) // 2


@pytest.fixture
def referred(desk, put):
    source = desk.refer(1, put)
    source.write("set", REFERENCE, True, TRUE, 100, desk.now, sender=desk.admin)
    desk.post({})
    return desk, source


@pytest.mark.parametrize("culprit", ["report", "reference"])
def test_two_sources_that_disagree_are_not_averaged(referred, culprit):
    desk, source = referred
    bot = desk.trader("bot", 100_000)
    desk.trade(bot, ETH, 10 * SIZE)
    before = desk.assess(bot).equity
    value = WRONG if culprit == "report" else TRUE
    source.write("set", REFERENCE, True, TRUE if culprit == "report" else WRONG, 100, desk.now, sender=desk.admin)
    receipt = desk.send_price(1, value)
    (rejected,) = desk.events(receipt, "PriceRejected")
    assert (rejected.args["value"], rejected.args["status"]) == (value, DEVIATES)

    (word,) = desk.router.read("read", [1])
    assert word & (1 << 72) - 1 == TRUE
    with expect("PriceUnusable", 1, desk.now - desk.router_time(1), DEVIATES):
        desk.trade(bot, ETH, SIZE)
    # Out he gets, at the last good price and its spread: no profit in the whole affair.
    desk.act(bot, trade_perp(bot, ETH, -10 * SIZE), reducing=True)
    assert desk.assess(bot).equity < before < 100_000 * WAD


def test_fewer_than_a_quorum_are_no_price(desk):
    """One of three signers, as one of the won's two sources was left. Their mean made 10 ETH worth 15M more."""
    words = [Quote(1, MEAN, 100)]
    for signer in desk.signer.addresses:
        with expect("QuorumNotReached", 1, 2):
            desk.router.write("update", desk.signer.report(desk.now, words, [signer]), sender=desk.admin)
    assert 10 * SIZE * (MEAN - TRUE) == 14_985_000 * WAD
