"""15 May 2022, Perpetual Protocol v1: the whole insurance fund.

One liquidation in a thin market (CREAM) left a bad debt that the insurance fund, one pot for all markets, paid to the
last dollar. perp-curie keeps the case as ClearingHouse.7494.badDebtAttack.test.ts.

Property: a market takes at most its cap out of insurance per window, one event or many, and the rest of the fund stays
for the other markets. What the cap leaves uncovered is socialised in that market at once, to the wei.
"""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, SOL, UNIT, USDC, WAD, Desk

from plimsoll.actions import liquidate

CAP = 2_000


@pytest.fixture
def thin():
    """A thin market whose longs are many and poor, and a fund much larger than its cap."""
    desk = Desk.create(insurance=100_000)
    desk.config.write("setInsuranceCap", SOL, CAP, sender=desk.admin)
    longs = [desk.trader(f"long {number}", 3_000) for number in range(4)]
    for account in longs:
        desk.trade(account, SOL, 120 * SIZE)
    return desk, longs


@pytest.mark.parametrize("events", [1, 4])
def test_one_event_or_many_take_no_more_than_the_cap(thin, events):
    desk, longs = thin
    taker = desk.trader("taker", 1_000_000)
    desk.post({3: 80 * PRICE})
    fund = desk.held(desk.insurance)
    deficits = recognised = insured = 0
    for account in longs[:events]:
        deficits += -desk.assess(account).equity
        receipt = desk.act(taker, liquidate(taker, account))
        for event in desk.events(receipt, "LossRecognised"):
            recognised, insured = recognised + event.args["deficit"], insured + event.args["insured"]
    paid = fund - desk.held(desk.insurance)
    assert deficits > CAP * WAD
    assert recognised == deficits
    assert paid == CAP * USDC
    assert insured <= paid * UNIT
    # One pot without caps would have paid all of it, and its bonus.
    assert deficits > paid * UNIT


def test_the_rest_of_the_fund_is_there_for_the_other_markets(thin):
    desk, longs = thin
    taker, other = desk.trader("taker", 1_000_000), desk.trader("btc", 20_000)
    desk.trade(other, BTC, 4 * SIZE)
    desk.post({3: 80 * PRICE})
    for account in longs:
        desk.act(taker, liquidate(taker, account))
    left = desk.held(desk.insurance)
    assert left == (100_000 - CAP) * USDC
    desk.post({2: 54_500 * PRICE})
    found = desk.assess(other)
    assert found.equity < 0
    mine = desk.assess(taker).equity
    desk.act(taker, liquidate(taker, other))
    bonus = found.mm * desk.snapshot_words().terms.bonus_start // 10_000
    assert (left - desk.held(desk.insurance)) * UNIT == (-found.equity + bonus) // UNIT * UNIT
    assert bonus - 2 * UNIT <= desk.assess(taker).equity - mine <= bonus
    assert desk.market_words(ETH).insurance.spent == 0
    assert desk.held(taker, QUOTE) > 0
