"""O-07: settlement around the second, and a mean that no single update moves.

An option is worth what a price says at one moment: whoever moves that price for a moment, or chooses the moment, is
paid. And between the moment and the payment there is a time in which what is owed is known to some.

Rule: the mean of half an hour of good prices, each of them two minutes at most; nothing trades from the second of the
expiry on; until the price is final nobody leaves with what may be owed; and Σ paid is Σ received.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, UNIT, USDC, expect
from listed_desk import ListedDesk

from plimsoll.actions import withdraw

MINUTE, WINDOW, STEP = 60, 1_800, 120


@pytest.fixture
def desk():
    made = ListedDesk.create().with_options()
    made.end = made.expiry * MINUTE
    return made


def at(desk, time, price=None):
    desk.chain.set_timestamp(time)
    desk.post({1: price * PRICE} if price else {}, seconds=0)


def watch(desk, first, last, price):
    for time in range(first, last + 1, STEP):
        at(desk, time, price)
        observe(desk)


def observe(desk):
    return desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.actor("anyone"))


def final(desk):
    return desk.engine.read("settlementOf", ETH, desk.expiry)[0]


def near_expiry(desk, mode="portfolio"):
    seller = desk.portfolio("seller", 20_000) if mode == "portfolio" else desk.trader("seller", 20_000)
    buyer = desk.trader("buyer", 100_000)
    desk.match(buyer, seller, [(desk.call(3_000), 10 * SIZE)])
    return seller, buyer


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
@pytest.mark.parametrize("minute", [2, 16, 28, 30])
def test_one_update_moves_it_by_a_tenth_of_itself_at_most(desk, minute, factor):
    """A price `factor` as high, for one look, whenever it comes: the mean moves by (factor − 1)/10 at most."""
    start = desk.end - WINDOW
    for n in range(STEP, WINDOW + 1, STEP):
        false = n == minute * MINUTE
        at(desk, start + n, int(3_000 * factor) if false else 3_000)
        observe(desk)
    moved = abs(final(desk) - 3_000 * PRICE)
    assert final(desk) != 0 and moved <= 3_000 * PRICE * abs(factor - 1) / 10 + 1


def test_whoever_withholds_his_looks_decides_no_more(desk):
    """He alone looks, at the prices that he likes: twenty minutes must be covered, each look is two of them at most."""
    start, looks = desk.end - WINDOW, 0
    for n in range(1, 40):
        at(desk, start + n * 300, 3_300 if n == 1 else 3_000)
        if final(desk) == 0:
            observe(desk)
            looks += 1
    assert looks >= 10 and 3_000 * PRICE < final(desk) <= 3_030 * PRICE


def test_the_second_before_trades_and_the_second_itself_does_not(desk):
    """By the name of the series."""
    seller, buyer = near_expiry(desk)
    call = desk.call(3_000)
    desk.chain.set_timestamp(desk.end - 600)
    desk.show()
    at(desk, desk.end - 2)
    desk.match(buyer, seller, [(call, SIZE)])
    filling = desk.filling(buyer, seller, [(call, SIZE)])
    at(desk, desk.end)
    with expect("SeriesExpired", call, desk.end):
        desk.execute(desk.admin, filling)
    with expect("SettlementPending", ETH, desk.expiry):
        desk.settle(ETH, desk.expiry, seller, buyer)


@pytest.mark.parametrize("mode", ["portfolio", "cross"])
@pytest.mark.parametrize("seconds", [-1, 0, 1, 600])
def test_who_owes_stays_until_it_is_final(desk, mode, seconds):
    """He may take what is above margin, never what he owes at the last price."""
    seller, buyer = near_expiry(desk, mode)
    watch(desk, desk.end - WINDOW + STEP, desk.end - STEP, 3_400)
    desk.show()
    at(desk, desk.end + seconds)
    found = desk.assess(seller)
    held = desk.held(seller)
    assert found[:5] == desk.twin(seller) and held * UNIT - found.equity >= 4_000 * 10**18 - UNIT
    with expect("BelowInitialMargin"):
        desk.act(seller, withdraw(seller, 0, held - 4_000 * USDC, desk.owner(seller)))
    most = found.equity - max(found.im, found.notional // 10)
    desk.act(seller, withdraw(seller, 0, most // UNIT - USDC, desk.owner(seller)))
    at(desk, desk.end + 700)
    observe(desk)
    desk.settle(ETH, desk.expiry, seller, buyer)
    assert desk.options(buyer) == {} and desk.options(seller) == {}
    assert desk.held(seller) >= 0 and desk.held(desk.clearing(ETH)) == 0


def test_paid_is_received_to_the_unit_in_any_order_and_twice_is_once(desk):
    """Winners first, losers first, one by one, again: the same cash, and the clearing account ends at nothing."""
    seller, buyer = near_expiry(desk)
    third = desk.trader("third", 20_000)
    desk.match(buyer, third, [(desk.call(3_000), 7 * SIZE // 3)])
    watch(desk, desk.end - WINDOW + STEP, desk.end, 3_211)
    people = [seller, third, buyer]
    outcomes = []
    for order in ([[seller, third, buyer]], [[buyer, seller, third]], [[buyer], [seller], [buyer], [third], [buyer]]):
        mark = desk.chain.snapshot()
        for group in order:
            desk.settle(ETH, desk.expiry, *group)
            assert desk.held(desk.clearing(ETH)) >= 0
        held = [desk.held(one) for one in people]
        desk.settle(ETH, desk.expiry, *people)
        assert held == [desk.held(one) for one in people]
        assert all(desk.options(one) == {} for one in people)
        assert 0 <= desk.held(desk.clearing(ETH)) <= 3
        outcomes.append(held)
        desk.chain.revert(mark)
    spread = max(max(abs(a - b) for a, b in zip(one, outcomes[0], strict=True)) for one in outcomes)
    assert spread <= 3
