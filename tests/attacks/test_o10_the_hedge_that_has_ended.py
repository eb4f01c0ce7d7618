"""O-10: a hedge of what settles in two minutes.

O-09 took a jump's value away by the scenarios: what the holder of calls would not be paid was held against him whole,
because the spot might fall back. But scenarios see hedges. He sells perps against his calls: now no move costs him
anything, what is required shrinks to the contingencies, and the 30,000 that he will never be paid are his to borrow on.
Measured before decision 042: 30,000 lost to his own other account, and lenders short by 7,159 at the settlement.

The same blindness without a jump: perps beside options of which only two minutes are still open. On paper they move
against each other; in truth the option has stopped, and 300,000 of perps stand on a twentieth. Of two such accounts,
one long and one short, one wins what the other cannot pay.

Rule: in the last half hour an option is written on the mean that its settlement will be if the price stays, and an
account needs the more of two answers: shocks reach that mean whole, or as far as the spot still does.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, UNIT, USDC, WAD, expect
from listed_desk import ListedDesk
from test_o09_the_last_minutes import after_28_minutes_at_3000, lose

from plimsoll.actions import trade_perp, withdraw
from plimsoll.errors import Reverted


@pytest.fixture
def desk():
    made = ListedDesk.create().with_options()
    made.lender("lender", 0, 500_000 * USDC)
    return made


def finish(desk):
    """The last two minutes pass at the price as it is, and count as they do."""
    desk.chain.set_timestamp(desk.expiry * 60)
    desk.post({}, seconds=0)
    desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.admin)
    return desk.engine.read("settlementOf", ETH, desk.expiry)[0]


def stolen_by(desk, holder, friend):
    """The most thousands that he can borrow and lose."""
    for amount in range(40_000, 0, -1_000):
        try:
            lose(desk, holder, friend, amount)
        except Reverted as error:
            assert error.name == "BelowInitialMargin"
        else:
            return amount
    return 0


def test_a_hedge_makes_no_money_of_a_jump_that_the_mean_does_not_see(desk):
    """Calls, the jump, perps sold at its top: he takes no more than he has, and lenders are paid."""
    holder, seller = desk.portfolio("mallory", 22_000), desk.portfolio("mallory", 200_000, 1)
    friend = desk.portfolio("mallory", 50_000, 2)
    after_28_minutes_at_3000(desk, holder, seller)
    with expect("BelowInitialMargin"):
        lose(desk, holder, friend, 30_000)
    with expect("BelowInitialMargin"):
        desk.act(holder, trade_perp(holder, ETH, -100 * SIZE, 0))
    taken = stolen_by(desk, holder, friend)
    price = finish(desk)
    assert 3_000 * PRICE < price <= 3_030 * PRICE
    assert desk.assess(holder).equity >= 0, f"he lost {taken} and leaves lenders with the rest"


def test_nor_does_a_hedge_that_was_there_before_the_jump(desk):
    """The perps sold at 3,000, while the calls still moved: the jump's loss on them is seen at once."""
    holder, seller = desk.portfolio("mallory", 90_000), desk.portfolio("mallory", 200_000, 1)
    friend = desk.portfolio("mallory", 90_000, 2)
    after_28_minutes_at_3000(desk, holder, seller, before=[trade_perp(holder, ETH, -100 * SIZE, 0)])
    seen = desk.assess(holder)
    stolen_by(desk, holder, friend)
    finish(desk)
    assert seen.equity < 65_000 * WAD, "thirty thousand less than he began with, but for the mean's two hundredths"
    assert desk.assess(holder).equity >= 0


@pytest.mark.parametrize("side", [1, -1])
def test_perps_beside_options_that_have_stopped_need_their_own_margin(desk, side):
    """A hundred perps against a hundred deep calls, two minutes before: as much as nine tenths of the perps alone, and
    what may be withdrawn leaves enough for a fall, or a rise, by a tenth."""
    hedged, other = desk.portfolio("mallory", 200_000), desk.portfolio("mallory", 400_000, 1)
    alone = desk.portfolio("carol", 200_000)
    desk.act(alone, trade_perp(alone, ETH, side * 100 * SIZE))
    desk.chain.set_timestamp(desk.expiry * 60 - 1_801)
    desk.fresh()
    desk.match(hedged, other, [(desk.call(2_000), -side * 100 * SIZE)])
    for minute in range(28, 0, -2):
        desk.chain.set_timestamp(desk.expiry * 60 - 60 * minute)
        desk.post({}, seconds=0)
        desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.admin)
    desk.show()
    desk.act(hedged, trade_perp(hedged, ETH, side * 100 * SIZE))
    found, needed = desk.assess(hedged), desk.assess(alone)
    assert found.mm >= needed.mm * 9 // 10
    most = (found.equity - max(found.im, found.notional // 10)) // UNIT - USDC
    desk.act(hedged, withdraw(hedged, 0, min(most, desk.held(hedged)), desk.owner(hedged)))
    desk.post({1: 3_000 * PRICE * (10 - side) // 10}, seconds=20)
    finish(desk)
    assert desk.assess(hedged).equity >= 0
