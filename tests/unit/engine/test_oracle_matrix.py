"""DESIGN section 5, cell by cell: what each action needs of a price, and what happens when it is not there.

The account that acts is long 10 ETH on 20,000; the target is long 100 ETH and below MM at the last good price,
deeply or by a hair.
The column is then put over the ETH feed; whatever the failing report says is 10 % off, and must count for nothing.
"""

from __future__ import annotations

import pytest
from desk import BTC, DEVIATES, ETH, PRICE, QUOTE, REFERENCE, REFERENCE_DOWN, SIZE, USDC, WAD, WBTC, WIDE, expect

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp, transfer, transfer_position, withdraw

HOUR = 3_600
FEED = 1


# ---------------------------------------------------------------- columns


def good(desk, source):
    desk.post({})


def stale(desk, source):
    desk.chain.advance(HOUR - 10)


def dead(desk, source):
    desk.chain.advance(HOUR + 10)


def wide(desk, source):
    answer(desk, source, off(desk))
    desk.send_price(FEED, off(desk), confidence=20_001)


def deviates(desk, source):
    answer(desk, source, desk.prices[FEED])
    desk.send_price(FEED, off(desk))


def down(desk, source):
    source.write("setMode", 1, sender=desk.admin)
    desk.send_price(FEED, off(desk))


def disputed(desk, source):
    """Young enough to be fresh, and old enough to be moved a little."""
    desk.chain.advance(30)
    desk.router.write("dispute", FEED, desk.now + HOUR, sender=desk.admin)


def dust(desk, source):
    """Fine but for a satoshi whose feed has been silent for a day, in both accounts."""
    for name in ("alice", "bob"):
        desk.fund(desk.trader(name), WBTC, 1)
    desk.chain.advance(24 * HOUR)
    desk.send_price(FEED, desk.prices[FEED])


COLUMNS = (good, stale, dead, wide, deviates, down, disputed, dust)


def off(desk):
    return desk.prices[FEED] * 11 // 10


def answer(desk, source, value):
    source.write("set", REFERENCE, True, value, 0, desk.now, sender=desk.admin)


# ---------------------------------------------------------------- rows


def do_deposit(desk, alice, bob, carol):
    desk.mint(desk.owner(alice), QUOTE, USDC)
    desk.act(alice, deposit(alice, QUOTE, USDC))


def do_reduce(desk, alice, bob, carol):
    desk.act(alice, trade_perp(alice, ETH, -5 * SIZE), reducing=True)


def do_close(desk, alice, bob, carol):
    """Reducing too, in a batch that does not say so: held to IM at prices moved against it."""
    desk.act(alice, trade_perp(alice, ETH, -5 * SIZE))


def do_liquidate(desk, alice, bob, carol):
    desk.act(carol, liquidate(carol, bob))


def do_call(desk, alice, bob, carol):
    desk.act(carol, margin_call(carol, bob))


def do_open(desk, alice, bob, carol):
    desk.act(alice, trade_perp(alice, ETH, SIZE))


def do_withdraw(desk, alice, bob, carol):
    desk.act(alice, withdraw(alice, QUOTE, 100 * USDC, desk.owner(alice)))


def do_transfer(desk, alice, bob, carol):
    desk.act(alice, transfer(alice, desk.account(desk.owner(alice), 1), QUOTE, 100 * USDC))


def do_move(desk, alice, bob, carol):
    desk.act(alice, transfer_position(alice, desk.trader("alice", index=2), ETH, 5 * SIZE))


OK, NO, HEALTHY = "done", "PriceUnusable", "AccountHealthy"

#: action, depth of the target, and per column: good, stale, dead, wide, deviates, down, disputed, dust
MATRIX = [
    (do_deposit, "deep", OK, OK, OK, OK, OK, OK, OK, OK),
    (do_reduce, "deep", OK, OK, NO, OK, OK, OK, OK, OK),
    (do_close, "deep", OK, OK, NO, OK, OK, OK, OK, OK),
    (do_liquidate, "deep", OK, OK, OK, OK, OK, OK, OK, OK),
    (do_liquidate, "hair", OK, HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY, OK),
    (do_call, "deep", OK, OK, OK, OK, OK, OK, OK, OK),
    (do_call, "edge", OK, HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY, HEALTHY, OK),
    (do_open, "deep", OK, NO, NO, NO, NO, NO, NO, OK),
    (do_withdraw, "deep", OK, NO, NO, NO, NO, NO, NO, OK),
    (do_transfer, "deep", OK, NO, NO, NO, NO, NO, NO, OK),
    (do_move, "deep", OK, NO, NO, NO, NO, NO, NO, OK),
]
CELLS = [
    pytest.param(row[0], row[1], column, row[2 + n], id=f"{row[0].__name__[3:]}-{row[1]}-{column.__name__}")
    for row in MATRIX
    for n, column in enumerate(COLUMNS)
]
STATUS = {wide: WIDE, deviates: DEVIATES, down: REFERENCE_DOWN}


@pytest.fixture
def stage(desk, put):
    """Alice, bob below his level, carol who takes; and the reference of the ETH feed."""
    source = desk.refer(FEED, put)
    answer(desk, source, 3_000 * PRICE)
    alice, bob, carol = desk.trader("alice", 20_000), desk.trader("bob", 30_000), desk.trader("carol", 10_000_000)
    desk.fund(desk.trader("alice", index=2), QUOTE, 5_000 * USDC)
    desk.trade(alice, ETH, 10 * SIZE)
    desk.trade(bob, ETH, 100 * SIZE)
    desk.trade(carol, BTC, SIZE // 100)
    return source, alice, bob, carol


def sink(desk, source, bob, depth):
    """Deep: at half of MM after a move of 3.1 % in its favour. Hair: 30 below MM. Edge: 30 below the call margin."""
    while True:
        found = desk.assess(bob)
        goal = {"deep": -8_500 * WAD, "hair": found.mm - 30 * WAD, "edge": desk.call_margin(bob) - 30 * WAD}[depth]
        if found.equity < goal + 10 * WAD:
            return
        value = desk.prices[FEED] - max((found.equity - goal) // (105 * SIZE), 1)
        answer(desk, source, value)
        desk.post({FEED: value})


@pytest.mark.parametrize("action, depth, column, outcome", CELLS)
def test_cell(desk, stage, action, depth, column, outcome):
    source, alice, bob, carol = stage
    if action in (do_liquidate, do_call):
        sink(desk, source, bob, depth)
    value = desk.prices[FEED]
    column(desk, source)
    if column in (wide, deviates, down):
        assert desk.router_value(FEED) == value  # the doubtful price is not kept
    if outcome is OK:
        action(desk, alice, bob, carol)
    elif outcome is NO:
        with expect(NO, FEED, desk.now - desk.router_time(FEED), STATUS.get(column, 0)):
            action(desk, alice, bob, carol)
    else:
        level = desk.twin(bob).mm if action is do_liquidate else desk.call_margin(bob)
        with expect(HEALTHY, bob, desk.twin(bob).equity, level):
            action(desk, alice, bob, carol)


# ---------------------------------------------------------------- what the cells lean on


@pytest.mark.parametrize("age, allowed", [(60, True), (61, False)])
def test_fresh_ends_at_max_age(desk, stage, age, allowed):
    alice = stage[1]
    desk.chain.advance(age - (desk.now - desk.router_time(FEED)))
    if allowed:
        desk.trade(alice, ETH, SIZE)
        return
    with expect(NO, FEED, 61, 0):
        desk.trade(alice, ETH, SIZE)


@pytest.mark.parametrize("age, allowed", [(HOUR, True), (HOUR + 1, False)])
def test_reducing_ends_after_an_hour(desk, stage, age, allowed):
    alice = stage[1]
    desk.chain.advance(age - (desk.now - desk.router_time(FEED)))
    cost = desk.fill(ETH, -SIZE)
    if not allowed:
        with expect(NO, FEED, HOUR + 1, 0):
            desk.act(alice, trade_perp(alice, ETH, -SIZE), reducing=True)
        return
    receipt = desk.act(alice, trade_perp(alice, ETH, -SIZE), reducing=True)
    (traded,) = desk.events(receipt, "Traded")
    assert traded.args["cost"] == cost.cost
    # The widest spread there is: 71.5 bp of 3,000 = 21.45.
    assert cost.spread == 21_450_000_000_000_000_000


def test_a_dispute_ends_and_the_price_is_good_again(desk, stage):
    alice = stage[1]
    desk.router.write("dispute", FEED, desk.now + 30, sender=desk.admin)
    with expect(NO):
        desk.trade(alice, ETH, SIZE)
    desk.chain.advance(30)
    desk.trade(alice, ETH, SIZE)


def test_a_good_report_ends_a_doubt(desk, stage):
    source, alice = stage[:2]
    wide(desk, source)
    with expect(NO):
        desk.trade(alice, ETH, SIZE)
    desk.prices[FEED] = 3_000 * PRICE
    answer(desk, source, 3_000 * PRICE)
    desk.post({})
    desk.trade(alice, ETH, SIZE)


def test_l1_with_every_feed_dead_deposit_and_withdrawal_without_exposure_work(desk, stage):
    """No price was ever needed for what is not at risk; and the deposit is taken for the account that is."""
    alice = stage[1]
    saver = desk.trader("saver", 100)
    desk.fund(saver, WBTC, 10**8)
    desk.chain.advance(30 * 24 * HOUR)
    desk.fund(saver, QUOTE, USDC)
    desk.fund(saver, WBTC, 1)
    desk.fund(alice, QUOTE, USDC)
    desk.act(saver, withdraw(saver, WBTC, 10**8, desk.owner(saver)))
    desk.act(saver, withdraw(saver, QUOTE, 101 * USDC, desk.owner(saver)))
    assert desk.held(saver, WBTC) == 1


def test_l1_reducing_needs_only_that_market_s_price(desk, stage):
    """BTC dead for a day, both a position and collateral in it: ETH can be reduced all the same."""
    alice = stage[1]
    desk.trade(alice, BTC, SIZE // 10)
    desk.fund(alice, WBTC, 10**6)
    desk.chain.advance(24 * HOUR)
    desk.send_price(FEED, 3_000 * PRICE)
    desk.act(alice, trade_perp(alice, ETH, -5 * SIZE), reducing=True)
    with expect(NO, 2, desk.now - desk.router_time(2), 0):
        desk.act(alice, trade_perp(alice, BTC, -1), reducing=True)


def test_l1_with_every_feed_dead_reducing_is_refused_only_beyond_the_hour(desk, stage):
    alice = stage[1]
    desk.chain.advance(HOUR - 60)
    desk.act(alice, trade_perp(alice, ETH, -SIZE), reducing=True)
    desk.chain.advance(120)
    with expect(NO):
        desk.act(alice, trade_perp(alice, ETH, -SIZE), reducing=True)
    desk.fund(alice, QUOTE, USDC)


def test_a_failed_collateral_counts_nothing_for_new_risk_and_all_it_was_for_the_target(desk):
    """20 of quote and 1 BTC behind 10 ETH: with BTC silent the account can open nothing, and nobody can call it."""
    account, carol = desk.trader("alice", 20), desk.trader("carol", 1_000)
    desk.fund(account, WBTC, 10**8)
    desk.trade(account, ETH, 10 * SIZE)
    desk.chain.advance(120)
    desk.send_price(FEED, 3_000 * PRICE)
    found = desk.twin(account)
    assert found.equity > 60_000 * WAD
    with expect("BelowInitialMargin"):
        desk.trade(account, ETH, SIZE)
    with expect(HEALTHY, account, found.equity, desk.call_margin(account)):
        desk.act(carol, margin_call(carol, account))
    desk.act(account, trade_perp(account, ETH, -SIZE), reducing=True)


def test_a_feed_that_never_spoke_is_no_price(desk, put):
    """Zero is not a price: age is the whole time since 1970."""
    from plimsoll import ledger
    from plimsoll.margin import decimal_float

    config = ("0x" + "00" * 20, 0, 20_000, "0x" + "00" * 20, bytes(32), bytes(32))
    desk.router.write("setFeed", 9, config, sender=desk.admin)
    market = desk.market_words(ETH)
    r, t = market.risk, market.trade
    mm, im = (r.mm_rate1, r.mm_rate2, r.mm_rate3), (r.im_rate1, r.im_rate2, r.im_rate3)
    bounds = decimal_float.decode(r.bound1), decimal_float.decode(r.bound2)
    risk = (mm, im, *bounds, 9, r.max_age, r.sigma, r.funding_velocity, r.max_funding_rate, False, 0, 0)
    trade = (t.skew_scale, t.max_skew, t.max_oi, t.maker_fee, t.taker_fee, 100, t.move, t.gap)
    desk.config.write("listMarket", risk, trade, 1_000, sender=desk.admin)
    account = desk.trader("alice", 1_000)
    with expect(NO, 9, desk.now, 0):
        desk.trade(account, 5, SIZE)
    assert ledger.read(desk.engine, [ledger.position(account, 5)]) == [0]
