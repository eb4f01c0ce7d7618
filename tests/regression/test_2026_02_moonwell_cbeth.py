"""15 February 2026, Moonwell: 1.78 million dollars of bad debt.

A governance proposal replaced cbETH's oracle by one that left out a factor: the price in ether, 1.12, instead of the
price in dollars, about 2,200. Within minutes everything backed by cbETH was liquidated, and the repair had to wait
five days in the same timelock.

Property: a source or reference that answers further than 20 % from the price is refused when it is set. A wrong price
that comes another way meets the reference; one near enough to pass is disputed by the guardian at once, for a bounded
time, which turns it in favour of whoever would be liquidated; and the repair is not held to the wrong price.
"""

from __future__ import annotations

import pytest
from desk import ETH, LIQUIDATABLE, NOBODY, PRICE, QUOTE, REFERENCE, SIZE, USDC, expect
from levels import sink

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp

TRUE = 3_000 * PRICE
RATE = 112 * PRICE // 100  # 1.12: the leg in ether alone
DAY = 86_400


@pytest.fixture
def oracle(desk, put):
    """The new source: what it says is the rate."""
    source = put(desk, "MockPriceSource")
    source.write("set", REFERENCE, True, RATE, 0, desk.now, sender=desk.admin)
    return source


def feed(source, judge=False):
    own, other = (NOBODY, source.address) if judge else (source.address, NOBODY)
    return (other, 200 if judge else 0, 20_000, own, REFERENCE, REFERENCE)


@pytest.mark.parametrize("judge", [False, True])
def test_a_replacement_that_is_off_is_refused(desk, oracle, judge):
    """Both values in the error: a look at them would have been enough."""
    before = desk.router.read("feedConfig", 1)
    with expect("ReplacementDeviates", 1, TRUE, RATE):
        desk.router.write("setFeed", 1, feed(oracle, judge), sender=desk.admin)
    assert before == desk.router.read("feedConfig", 1)
    with expect("ReplacementDeviates", 1, TRUE, RATE):
        desk.router.write("setFallback", 1, (oracle.address, 600, REFERENCE), sender=desk.admin)

    oracle.write("set", REFERENCE, True, TRUE * 101 // 100, 0, desk.now, sender=desk.admin)
    desk.router.write("setFeed", 1, feed(oracle, judge), sender=desk.admin)


def test_the_guardian_s_word_turns_every_liquidation_in_the_target_s_favour_at_once(desk):
    """A wrong price that was signed puts Alice a hair below MM. Disputed, it is moved by its age, her way."""
    alice, carol = desk.trader("alice", 2_000), desk.trader("carol", 100_000)
    desk.trade(alice, ETH, 10 * SIZE)
    sink(desk, alice, ETH, 1)
    assert desk.assess(alice).state == LIQUIDATABLE
    point = desk.chain.snapshot()
    desk.act(carol, liquidate(carol, alice))  # without the guardian
    desk.chain.revert(point)

    desk.chain.advance(12)
    desk.router.write("dispute", 1, desk.now + 3_600, sender=desk.admin)
    with expect("AccountHealthy"):
        desk.act(carol, liquidate(carol, alice))
    with expect("PriceUnusable", 1, 12, 0):  # and nobody opens on it
        desk.trade(carol, ETH, SIZE)
    # She can put margin up and reduce meanwhile.
    desk.mint(desk.owner(alice), QUOTE, USDC)
    desk.act(alice, deposit(alice, QUOTE, USDC))
    desk.act(alice, trade_perp(alice, ETH, -SIZE), reducing=True)


def test_a_price_as_wrong_as_that_does_not_get_past_the_reference(desk, put):
    """Signed or polled: what is far off never becomes the price that a liquidation uses."""
    alice, carol = desk.trader("alice", 2_000), desk.trader("carol", 100_000)
    desk.trade(alice, ETH, 10 * SIZE)
    judge = desk.refer(1, put, deviation=200)
    desk.chain.advance(12)
    judge.write("set", REFERENCE, True, TRUE, 0, desk.now, sender=desk.admin)
    desk.send_price(1, RATE)
    assert desk.router_value(1) == TRUE
    for action in (liquidate(carol, alice), margin_call(carol, alice)):
        with expect("AccountHealthy"):
            desk.act(carol, action)


@pytest.mark.parametrize("until", [DAY + 1, 30 * DAY])
def test_a_dispute_is_bounded(desk, until):
    """A day at most: liquidations cannot be switched off for good."""
    with expect("DisputeTooLong", desk.now + until, desk.now + DAY):
        desk.router.write("dispute", 1, desk.now + until, sender=desk.admin)


def test_the_repair_is_not_held_to_the_wrong_price(desk, oracle):
    """Under dispute there is no price to be near to."""
    oracle.write("set", REFERENCE, True, TRUE, 0, desk.now, sender=desk.admin)
    desk.post({1: RATE})
    with expect("ReplacementDeviates", 1, RATE, TRUE):
        desk.router.write("setFeed", 1, feed(oracle), sender=desk.admin)
    desk.router.write("dispute", 1, desk.now + 60, sender=desk.admin)
    desk.router.write("setFeed", 1, feed(oracle), sender=desk.admin)
    desk.chain.advance(61)
    oracle.write("set", REFERENCE, True, TRUE, 0, desk.now, sender=desk.admin)
    desk.router.write("poke", 1, sender=desk.admin)
    assert desk.router_value(1) == TRUE
