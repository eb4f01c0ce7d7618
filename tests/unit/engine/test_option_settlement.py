"""Expiry: a time-weighted price that no single report makes, and what is paid at it."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, USDC, WAD, WETH, expect
from option_desk import DAY, OptionDesk

from plimsoll import ledger
from plimsoll.actions import lend, settle_options
from plimsoll.margin.words import Settlement

MINUTE = 60
WINDOW, COVERAGE, STEP = 30 * MINUTE, 20 * MINUTE, 2 * MINUTE


@pytest.fixture
def desk():
    desk = OptionDesk.create().with_options()
    desk.end = desk.expiry * 60
    return desk


def at(desk, time, price=None):
    desk.chain.set_timestamp(time)
    desk.post({1: price * PRICE} if price else {}, seconds=0)


def watch(desk, first, last, price, step=STEP):
    """Observes every `step` seconds, both ends included, at one price."""
    for time in range(first, last + 1, step):
        at(desk, time, price)
        desk.observe(ETH, desk.expiry)


def final(desk):
    return desk.engine.read("settlementOf", ETH, desk.expiry)


# ---------------------------------------------------------------- the price


def test_nothing_counts_before_the_last_half_hour(desk):
    """It names when it may."""
    opens = desk.end - WINDOW
    at(desk, opens)
    with expect("ObservationTooEarly", ETH, desk.expiry, opens):
        desk.observe(ETH, desk.expiry)
    at(desk, opens + 1)
    desk.observe(ETH, desk.expiry)
    assert final(desk) == (0, 1)


def test_an_expiry_that_cannot_be_is_refused(desk):
    """Beyond its bits, and in no market."""
    with expect("ExpiryOutOfRange"):
        desk.observe(ETH, 1 << 27)
    at(desk, desk.end)
    with expect("UnknownMarket", 60):
        desk.engine.write("observeExpiry", 60, desk.expiry, sender=desk.admin)


def test_a_bad_price_counts_for_nothing(desk):
    """Too old."""
    at(desk, desk.end - WINDOW + 10)
    desk.chain.advance(61)
    with expect("PriceUnusable"):
        desk.observe(ETH, desk.expiry)


def test_the_price_is_the_mean_of_what_was_observed_and_becomes_final_at_the_expiry(desk):
    """Not a second before, and then for good."""
    start = desk.end - WINDOW
    watch(desk, start + STEP, start + 15 * MINUTE, 3000)
    watch(desk, start + 16 * MINUTE, desk.end - MINUTE, 3300, step=MINUTE)
    assert final(desk)[0] == 0
    at(desk, desk.end - 1, 3300)
    desk.observe(ETH, desk.expiry)
    assert final(desk)[0] == 0, "one second early"
    at(desk, desk.end, 3300)
    receipt = desk.observe(ETH, desk.expiry)
    price, covered = final(desk)
    assert covered == WINDOW
    assert price == (14 * 3000 + 16 * 3300) * PRICE // 30
    (told,) = desk.events(receipt, "SettlementFinal")
    assert told.args["price"] == price
    with expect("SettlementFinalAlready", ETH, desk.expiry, price):
        desk.observe(ETH, desk.expiry)


def test_no_single_report_is_more_than_a_tenth_of_it(desk):
    """A price twice as high for one look moves the mean by a tenth at most, whenever it comes."""
    start = desk.end - WINDOW
    for late in (start + 10 * MINUTE, desk.end):
        mark = desk.chain.snapshot()
        watch(desk, start + STEP, start + 8 * MINUTE, 3000)
        at(desk, late, 6000)
        desk.observe(ETH, desk.expiry)
        time = late
        while final(desk)[0] == 0:
            time += STEP
            at(desk, time, 3000)
            desk.observe(ETH, desk.expiry)
        assert 3000 * PRICE <= final(desk)[0] <= 3300 * PRICE
        desk.chain.revert(mark)


def test_looking_often_in_one_block_changes_nothing(desk):
    """A look without time weighs nothing."""
    at(desk, desk.end - 5 * MINUTE, 3000)
    desk.observe(ETH, desk.expiry)
    before = final(desk)
    desk.chain.set_timestamp(desk.now)
    desk.observe(ETH, desk.expiry)
    assert final(desk)[1] - before[1] <= 1


def test_when_nobody_looked_it_goes_on_after_the_expiry_until_enough_is_covered(desk):
    """Twenty minutes of good prices, wherever they lie; the first look counts for the time before the expiry."""
    at(desk, desk.end + 3600, 3100)
    desk.observe(ETH, desk.expiry)
    assert final(desk) == (0, STEP)
    watch(desk, desk.end + 3600 + STEP, desk.end + 3600 + 9 * STEP, 3200)
    price, covered = final(desk)
    assert covered == COVERAGE and price == (3100 + 9 * 3200) * PRICE // 10


def test_a_dead_feed_after_the_expiry_takes_nothing_away(desk):
    """Enough was seen: what is missing is only somebody to say so."""
    start = desk.end - WINDOW
    watch(desk, start + STEP, start + 26 * MINUTE, 3000)
    desk.chain.set_timestamp(desk.end + 7200)
    desk.observe(ETH, desk.expiry)
    assert final(desk) == (3000 * PRICE, 26 * MINUTE)


def test_the_record_can_be_rebuilt_from_its_events(desk):
    """Price and seconds of each look, and the block's time."""
    start, word = desk.end - WINDOW, Settlement()
    for offset, price in ((100, 3000), (130, 3050), (600, 2900), (1799, 3100)):
        at(desk, start + offset, price)
        receipt = desk.observe(ETH, desk.expiry)
        (told,) = desk.events(receipt, "SettlementObserved")
        step = told.args["covered"] - word.covered
        weighted = word.weighted + told.args["price"] * step
        word = Settlement(weighted=weighted, covered=told.args["covered"], observed_at=desk.now)
    assert ledger.read(desk.engine, [ledger.settlement(ETH, desk.expiry)]) == [word.to_word()]


# ---------------------------------------------------------------- paying out


@pytest.fixture
def sides(desk):
    return desk.trader("maker", 10_000), desk.trader("taker", 10_000)


def expire(desk, price):
    desk.chain.set_timestamp(desk.end)
    desk.post({1: price * PRICE}, seconds=0)
    desk.settle_price(ETH, desk.expiry, price * PRICE)


def test_nothing_is_paid_before_the_price_is_final(desk, sides):
    """Not even at the expiry itself."""
    desk.open(*sides, desk.call(3000))
    at(desk, desk.end)
    with expect("SettlementPending", ETH, desk.expiry):
        desk.settle(ETH, desk.expiry, *sides)


def test_losers_pay_and_winners_are_paid_to_the_unit(desk, sides):
    """A call in the money, a put out of it, another expiry that stays; in any order of the accounts."""
    maker, taker = sides
    later = desk.call(3000, expiry=desk.expiry + DAY)
    desk.show(ETH, desk.expiry + DAY)
    for instrument in (desk.call(3000), desk.put_on(2900), later):
        desk.open(maker, taker, instrument, 2 * SIZE)
    expire(desk, 3123)
    before, equity = [desk.held(one) for one in sides], [desk.assess(one).equity for one in sides]
    receipt = desk.settle(ETH, desk.expiry, maker, taker)
    assert [desk.held(one) - was for one, was in zip(sides, before, strict=True)] == [246 * USDC, -246 * USDC]
    assert desk.options(maker) == {later: 2 * SIZE} and desk.options(taker) == {later: -2 * SIZE}
    assert [desk.assess(one).equity for one in sides] == equity
    told = {e.args["account"]: (e.args["paid"], e.args["left"]) for e in desk.events(receipt, "OptionsSettled")}
    assert told == {maker: (246 * WAD, 0), taker: (-246 * WAD, 0)}
    assert desk.held(desk.clearing(ETH)) == 0


def test_a_winner_waits_for_what_the_losers_have_not_paid_yet(desk, sides):
    """What is paid closes that part of his options, and no more."""
    maker, taker = sides
    other = desk.trader("other", 10_000)
    call = desk.call(3000)
    desk.open(maker, taker, call)
    desk.open(maker, other, call)
    expire(desk, 3100)
    desk.settle(ETH, desk.expiry, maker)
    assert desk.options(maker) == {call: 2 * SIZE}
    worth = desk.assess(maker).equity
    desk.settle(ETH, desk.expiry, taker, maker)
    assert desk.options(maker) == {call: SIZE} and desk.assess(maker).equity == worth
    desk.settle(ETH, desk.expiry, maker, other)
    assert desk.options(maker) == {} and desk.assess(maker).equity == worth
    assert desk.held(desk.clearing(ETH)) == 0


def test_who_is_neither_up_nor_down_is_just_closed(desk, sides):
    """A spread that expired worthless."""
    maker, taker = sides
    desk.match(maker, taker, [(desk.call(3300), SIZE), (desk.call(3400), -SIZE)], [50 * PRICE, 50 * PRICE])
    expire(desk, 3000)
    desk.settle(ETH, desk.expiry, maker, taker)
    assert desk.options(maker) == desk.options(taker) == {}


def test_a_loser_without_cash_pays_out_of_what_he_lent(desk, sides):
    """Before he borrows anything."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000))
    desk.act(taker, lend(taker, 0, desk.held(taker) - 10 * USDC))
    expire(desk, 3100)
    lent = desk.lent(taker, 0)
    desk.settle(ETH, desk.expiry, taker, maker)
    assert desk.options(taker) == {} and desk.lent(taker, 0) == pytest.approx(lent - 90 * USDC, abs=2)
    assert desk.debt(taker, 0) == 0


def test_a_loser_with_other_collateral_owes_what_lenders_have(desk, sides):
    """A loss makes the debt; his equity stands."""
    maker, _ = sides
    desk.lender("lender", 0, 60 * USDC)
    rich = desk.trader("rich")
    desk.fund(rich, WETH, 10**19)
    desk.open(maker, rich, desk.call(3000))
    expire(desk, 3150)
    desk.act(rich, *[])  # a batch of nothing
    cash, equity = desk.held(rich), desk.assess(rich).equity
    desk.settle(ETH, desk.expiry, rich, maker)
    assert 0 <= desk.debt(rich, 0) - 60 * USDC <= 1 and desk.held(rich) == 0
    paid = cash + 60 * USDC
    assert desk.held(desk.clearing(ETH)) <= 1
    left = desk.options(rich)[desk.call(3000)]
    assert left == -(SIZE - SIZE * paid // (150 * USDC)), "the rest stays, and is worth what it was"
    assert abs(desk.assess(rich).equity - equity) < 10**13


def test_an_isolated_account_never_owes(desk, sides):
    """Its options stay until it has cash; nothing of anyone's is lent to it."""
    maker, _ = sides
    desk.lender("lender", 0, 1000 * USDC)
    alone = desk.trader("alone", 700, market=ETH)
    desk.open(maker, alone, desk.call(3000))
    expire(desk, 4000)
    cash = desk.held(alone)
    desk.settle(ETH, desk.expiry, alone)
    assert desk.held(alone) == 0 and desk.debt(alone, 0) == 0
    assert desk.options(alone)[desk.call(3000)] == -(SIZE - SIZE * cash // (1000 * USDC))


def test_anyone_settles_anyone_and_the_total_stands(desk, sides):
    """Ten accounts with odd quantities, settled in two batches: nothing appears."""
    import random

    numbers = random.Random(5)
    crowd = [desk.trader(f"p{n}", 20_000) for n in range(8)]
    for _ in range(20):
        long, short = numbers.sample(crowd, 2)
        strike = numbers.choice((2800, 2950, 3000, 3050, 3200))
        instrument = numbers.choice((desk.call, desk.put_on))(strike)
        desk.open(long, short, instrument, numbers.randint(1, 10**8))
    total = sum(desk.held(one) for one in crowd)
    expire(desk, 3017)
    worth = {one: desk.assess(one).equity for one in crowd}
    desk.execute(desk.actor("anyone"), settle_options(ETH, desk.expiry, crowd[:5]))
    desk.execute(desk.actor("anyone"), settle_options(ETH, desk.expiry, crowd[5:]))
    desk.execute(desk.actor("anyone"), settle_options(ETH, desk.expiry, crowd))
    assert all(desk.options(one) == {} for one in crowd)
    assert sum(desk.held(one) for one in crowd) + desk.held(desk.clearing(ETH)) == total
    # Every payment rounds by less than a unit, and nobody here is paid more than three times.
    assert 0 <= desk.held(desk.clearing(ETH)) <= 3 * len(crowd)
    assert all(worth[one] - 3 * 10**12 <= desk.assess(one).equity <= worth[one] for one in crowd)


@pytest.mark.parametrize("cash", [1, 7, 100])
def test_crumbs_in_the_clearing_account_close_nothing_for_nothing(desk, sides, cash):
    """A winner with shorts beside his longs, paid out of next to nothing: rounding them up takes nobody's value."""
    maker, taker = sides
    other = desk.trader("other", 100)
    legs = [(desk.call(2900), 3 * SIZE), (desk.call(2950), -SIZE), (desk.put_on(3300), -SIZE // 2)]
    desk.match(maker, taker, legs, [150 * PRICE, 100 * PRICE, 340 * PRICE])
    desk.match(maker, other, [(desk.call(2900), cash)], [150 * PRICE])
    expire(desk, 3100)
    clearing = desk.clearing(ETH)
    desk.settle(ETH, desk.expiry, other)
    assert desk.held(clearing) == 2 * cash
    equity, options = desk.assess(maker).equity, desk.options(maker)
    for _ in range(5):
        desk.settle(ETH, desk.expiry, maker)
    assert desk.assess(maker).equity <= equity
    assert desk.held(clearing) >= 0 and set(desk.options(maker)) == set(options)
    desk.settle(ETH, desk.expiry, taker, maker)
    assert desk.options(maker) == desk.options(taker) == {}
    assert 0 <= desk.held(clearing) <= 7
