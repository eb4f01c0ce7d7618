"""Settle: anyone realises anyone's PnL; equity changes for nobody. (Losers first and the pool's cash: tests/attacks,
T-6.)"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import settle

MILLION = 1_000_000


@pytest.fixture
def crowd(desk):
    long, short = desk.trader("long", 100_000), desk.trader("short", 100_000)
    desk.trade(long, ETH, 100 * SIZE)
    desk.trade(short, ETH, -60 * SIZE)
    return long, short


def run(desk, *accounts, market=ETH, by="anyone"):
    return desk.execute(desk.actor(by), settle(market, accounts))


def test_unknown_market(desk, crowd):
    with expect("UnknownMarket", 9):
        run(desk, *crowd, market=9)


@pytest.mark.parametrize("age, allowed", [(3_600, True), (3_601, False)])
def test_needs_a_price_of_the_last_hour(desk, crowd, age, allowed):
    desk.chain.advance(age - (desk.now - desk.router_time(1)))
    if allowed:
        run(desk, *crowd)
        return
    with expect("PriceUnusable", 1, 3_601, 0):
        run(desk, *crowd)


@pytest.mark.parametrize("price", [2_400, 2_999, 3_001, 3_600])
def test_equity_changes_for_nobody_and_every_word_is_paid(desk, crowd, price):
    desk.post({1: price * PRICE}, seconds=1_000)
    before = [desk.assess(account) for account in crowd]
    pool, whole = desk.pool_equity(), desk.total_equity()
    unpaid = [found.equity - desk.held(account) * 10**12 for account, found in zip(crowd, before, strict=True)]
    receipt = run(desk, *crowd)
    for account, found, pnl in zip(crowd, before, unpaid, strict=True):
        after = desk.assess(account)
        assert (after.equity, after.mm, after.im0, after.notional) == (
            found.equity,
            found.mm,
            found.im0,
            found.notional,
        )
        rest = after.equity - desk.held(account) * 10**12
        assert abs(rest) < 10**12  # toward zero, in whole units
        assert desk.assess(account)[:5] == desk.twin(account)
        (told,) = [e for e in desk.events(receipt, "Settled") if e.args["account"] == account]
        assert told.args["realised"] == pnl - rest
    assert desk.pool_equity() == pool
    assert desk.total_equity() == whole


def test_nothing_to_settle_is_no_error(desk):
    saver = desk.trader("saver", 5)
    whole = desk.total_equity()
    run(desk, desk.trader("nobody"), saver)
    run(desk)
    assert (desk.held(saver), desk.total_equity()) == (5_000_000, whole)


def test_named_twice_is_settled_once(desk, crowd):
    desk.post({1: 3_300 * PRICE})
    run(desk, *crowd, *crowd)
    assert abs(desk.assess(crowd[0]).equity - desk.held(crowd[0]) * 10**12) < 10**12


def test_a_loss_is_paid_as_far_as_there_is_cash(desk):
    """2,000 of quote and WETH behind it: the quote goes, the rest stays owed, the WETH is not touched."""
    account = desk.trader("alice", 2_000)
    desk.fund(account, WETH, 20 * WAD)
    desk.trade(account, ETH, 100 * SIZE)
    desk.post({1: 2_900 * PRICE})
    before = desk.assess(account)
    run(desk, account)
    assert desk.held(account) == 0
    assert desk.held(account, WETH) == 20 * WAD
    assert desk.assess(account).equity == before.equity
    assert desk.header(account).assets == 1 << WETH


def test_realising_a_profit_lowers_im_by_its_share(desk, crowd):
    """10 % of 30,000 and what it costs nobody: the speed bump of T-17."""
    desk.post({1: 3_300 * PRICE})
    long = crowd[0]
    before = desk.assess(long)
    profit = before.equity - 100_000 * WAD
    run(desk, long)
    after = desk.assess(long)
    assert before.im - after.im == pytest.approx(profit // 10, abs=10**12)
    assert after.im - after.im0 < 10**12
    assert 129_000 * USDC < desk.held(long) < 130_000 * USDC


def test_i3_sums_stand(desk, crowd):
    desk.post({1: 3_333 * PRICE}, seconds=5_000)
    run(desk, *crowd)
    words = desk.market_words(ETH)
    assert words.costs.long_cost == desk.position(crowd[0], ETH)[1]
    assert words.costs.short_cost == desk.position(crowd[1], ETH)[1]
    assert words.costs.contribution * 10**12 <= sum(desk.pool_equity()[:1]) - desk.held(desk.pool_account) * 10**12
