"""26 November 2020, Compound: 89 to 103 million dollars of sound debt liquidated.

DAI traded at 1.30 on one venue for half an hour. The oracle took that venue's price, bound only by a band of 20 %
around an anchor that followed it, and everyone who owed DAI against a dollar was liquidated at a loss of a third.

Property: a price further from the reference than the feed's deviation is not believed. Nobody is liquidated by it,
nothing opens or leaves on it; deposits and reducing batches go on.
"""

from __future__ import annotations

import pytest
from desk import DEVIATES, ETH, LIQUIDATABLE, PRICE, QUOTE, REFERENCE, SIZE, USDC, WAD, expect

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp, withdraw

TRUE, PRINT = 3_000 * PRICE, 3_900 * PRICE


def stage(desk, put, deviation):
    """Alice owes 10 ETH (a short) against 7,000; the venue prints 1.3 times the price, the reference does not."""
    alice, carol = desk.trader("alice", 7_000), desk.trader("carol", 100_000)
    source = desk.refer(1, put, deviation=deviation)
    desk.trade(alice, ETH, -10 * SIZE)
    source.write("set", REFERENCE, True, TRUE, 0, desk.now, sender=desk.admin)
    receipt = desk.send_price(1, PRINT)
    return alice, carol, receipt


def test_a_print_on_one_venue_liquidates_nobody(desk, put):
    alice, carol, receipt = stage(desk, put, 200)
    (rejected,) = desk.events(receipt, "PriceRejected")
    assert (rejected.args["value"], rejected.args["status"]) == (PRINT, DEVIATES)
    assert desk.router_value(1) == TRUE
    for action in (liquidate(carol, alice), margin_call(carol, alice)):
        with expect("AccountHealthy"):
            desk.act(carol, action)

    # Nothing opens or leaves on it, for anyone ...
    for account, action in (
        (alice, withdraw(alice, QUOTE, USDC, desk.owner(alice))),
        (carol, trade_perp(carol, ETH, SIZE)),
    ):
        with expect("PriceUnusable", 1, desk.now - desk.router_time(1), DEVIATES):
            desk.act(account, action)
    # ... and what repays goes on.
    desk.mint(desk.owner(alice), QUOTE, 100 * USDC)
    desk.act(alice, deposit(alice, QUOTE, 100 * USDC))
    desk.act(alice, trade_perp(alice, ETH, 5 * SIZE), reducing=True)
    assert desk.position(alice, ETH)[0] == -5 * SIZE


def test_without_the_rule_the_same_print_takes_everything(desk, put):
    """A band as wide as Compound's was around an anchor that followed: 9,000 of loss on 7,000, on paper."""
    alice, carol, receipt = stage(desk, put, 10_000)
    assert desk.events(receipt, "PriceRejected") == []
    assert desk.assess(alice).state >= LIQUIDATABLE
    desk.act(carol, liquidate(carol, alice))
    assert desk.assess(alice).equity <= 0


@pytest.mark.parametrize("price", [3_060, 2_940, 3_061, 2_939])
def test_the_band_is_what_was_configured(desk, put, price):
    """2 % of the reference and not a tick more."""
    source = desk.refer(1, put, deviation=200)
    source.write("set", REFERENCE, True, TRUE, 0, desk.now, sender=desk.admin)
    desk.send_price(1, price * PRICE)
    assert (desk.router_value(1) == price * PRICE) == (2_940 <= price <= 3_060)
    assert desk.total_equity() > WAD
