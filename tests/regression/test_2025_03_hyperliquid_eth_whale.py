"""12 March 2025, Hyperliquid: about 4 million dollars to HLP, its LPs.

A long of 175,000 ETH at fifty times leverage stood far in profit. Its owner took margin out until the liquidation
price was just below the market, and let the exchange inherit the position: too large to sell without moving the
price, so that the backstop sold below the price at which it had taken over, while he had his profit.

Property: taking margin out leaves at least a tenth of the notional, and never less than IM, and large positions need
more than small ones in proportion. A liquidation then finds that margin there, moves slices to whoever wants them,
and neither insurance nor pool inherits anything.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, WAD, expect

from plimsoll.actions import liquidate, settle, trade_perp, transfer, withdraw

UNITS = 2_000


@pytest.fixture
def whale(desk):
    """2,000 ETH from 3,000, up 10 %, its profit settled into cash: 600,000."""
    account = desk.trader("whale", 400_000)
    desk.trade(account, ETH, UNITS * SIZE)
    desk.post({1: 3_300 * PRICE})
    desk.act(account, settle(ETH, [account]))
    return account


def take_out(desk, account):
    """All that may leave, exactly; by withdrawal or, as refused, by moving it elsewhere."""
    found = desk.assess(account)
    required = max(found.im, found.notional // 10)
    spare = (found.equity - required) // 10**12
    elsewhere = desk.trader("whale", 0, index=1)
    for exit in (
        withdraw(account, QUOTE, spare + 1, desk.owner(account)),
        transfer(account, elsewhere, QUOTE, spare + 1),
    ):
        with expect("BelowInitialMargin", account, found.equity - (spare + 1) * 10**12, required):
            desk.act(account, exit)
    desk.act(account, withdraw(account, QUOTE, spare, desk.owner(account)))
    return spare


def test_the_liquidation_price_stays_at_a_distance(desk, whale):
    """7 % below the market at the least, where the rule of IM alone would have left 2 %."""
    spare = take_out(desk, whale)
    found = desk.assess(whale)
    assert found.equity * 10 >= found.notional > (found.equity - 10**12) * 10
    distance = (found.equity - found.mm) * 100 / found.notional
    assert distance > 7
    by_im = (found.im0 - found.mm) * 100 / found.notional
    assert by_im < 3
    # What he would have taken besides, at IM: it is what pays for his liquidation now.
    assert found.equity - found.im0 > 280_000 * WAD
    assert spare > 0


@pytest.mark.parametrize("step", [1, 2, 3])
def test_nobody_inherits_the_position(desk, whale, step):
    """The price goes down in steps of so many percent; one keeper takes slices and sells them to the pool at once."""
    take_out(desk, whale)
    keeper = desk.trader("keeper", 0)
    insurance, whole = desk.held(desk.insurance), desk.total_equity()
    pool = desk.pool_equity()[0]
    exposed, price, slices = 0, 3_300 * PRICE, 0
    while price > 2_600 * PRICE:
        exposed += desk.position(whale, ETH)[0] * (price * step // 100)
        price -= price * step // 100
        desk.post({1: price})
        while desk.assess(whale).state == 3:
            size = desk.position(whale, ETH)[0]
            fraction = desk.slice(whale).max_fraction
            part = -(-size * fraction // WAD) - 1
            desk.act(keeper, liquidate(keeper, whale), trade_perp(keeper, ETH, -part))
            rest = desk.position(keeper, ETH)[0]
            if rest:
                desk.trade(keeper, ETH, -rest)
            slices += 1
    assert slices > 0
    assert desk.assess(whale).equity >= 0
    assert desk.assess(keeper).equity > 0
    assert desk.held(desk.insurance) > insurance  # its share of each slice
    assert desk.total_equity() == whole
    # The pool's counter-position to the whale earned what the whale lost, fees and premium on top.
    assert desk.pool_equity()[0] > pool


def test_at_the_margin_of_im_alone_the_backstop_would_have_paid(desk, whale):
    """5.8 % under a position that costs up to 1.25 % to sell, and 4 % a step: what a gap of 8 % leaves of it."""
    found = desk.assess(whale)
    gap = found.notional * 8 // 100
    assert found.im0 - gap < -100_000 * WAD
    assert found.notional // 10 - gap > 100_000 * WAD
