"""What a market may ask of the pool: allocation on skew, gap on open interest, and the stored sum of the other
markets."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, SOL, UNIT, USDC, WAD, expect

from plimsoll import ledger
from plimsoll.actions import liquidate
from plimsoll.margin import preview
from plimsoll.margin.words import Pool

MILLION = 1_000_000


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 5 * MILLION)


def stored(desk):
    """The sum of contributions as it is kept."""
    return Pool.from_word(ledger.read(desk.engine, [ledger.POOL])[0]).contribution_sum


def exact(desk):
    snap = desk.snapshot_words()
    return sum(preview.market_contribution(market, snap) for market in snap.markets.values())


def available(desk):
    """What a limit takes the pool to be worth: cash and the stored sum."""
    return desk.held(desk.pool_account) * UNIT + stored(desk)


def test_pool_equity_and_close_out_equal_the_twin(desk, alice):
    desk.trade(alice, ETH, 700 * SIZE)
    desk.trade(alice, BTC, -20 * SIZE)
    desk.post({1: 3_210 * PRICE, 2: 61_234 * PRICE}, seconds=4_000)
    cash = desk.held(desk.pool_account)
    assert tuple(desk.pool_equity()) == preview.pool_equity(desk.snapshot_words(), cash)


def test_close_out_by_hand(desk, alice):
    """p·skew²/(2·scale): 3,000 × 1,000² / 2,000,000 = 1,500."""
    desk.trade(alice, ETH, 1_000 * SIZE)
    equity, close_out = desk.pool_equity()
    assert equity - close_out == 1_500 * WAD


def test_a_fill_refreshes_its_own_market_only(desk, alice):
    desk.trade(alice, ETH, 700 * SIZE)
    desk.trade(alice, BTC, 20 * SIZE)
    assert 0 <= exact(desk) - stored(desk) < 5 * UNIT
    desk.post({1: 3_100 * PRICE, 2: 62_000 * PRICE})
    before = stored(desk)
    desk.trade(alice, ETH, SIZE)
    words = desk.market_words(ETH)
    assert stored(desk) < before - 69_000 * WAD  # the 700 ETH, not yet the 20 BTC
    assert exact(desk) < stored(desk) - 39_000 * WAD
    desk.engine.write("refreshPool", [BTC], sender=desk.actor("anyone"))
    assert 0 <= exact(desk) - stored(desk) < 5 * UNIT
    assert words.costs.contribution * UNIT <= preview.market_contribution(words, desk.snapshot_words())


def test_i3_the_stored_sum_is_the_sum_of_contributions(desk, alice):
    for step, market in enumerate((ETH, BTC, SOL, ETH, BTC)):
        desk.post({1: (3_000 + 31 * step) * PRICE, 3: (150 + step) * PRICE}, seconds=500)
        desk.trade(alice, market, (step - 2) * SIZE + SIZE // 3)
        assert stored(desk) == sum(desk.market_words(m).costs.contribution for m in range(5)) * UNIT


def test_refreshing_an_unknown_market(desk):
    with expect("UnknownMarket", 9):
        desk.engine.write("refreshPool", [ETH, 9], sender=desk.actor("anyone"))


def test_losses_of_one_market_shrink_the_allocation_of_another(desk, alice):
    """After refreshing: 700 ETH up 600 are 420,000 of 10M, and 15 % of that less for BTC."""
    desk.trade(alice, ETH, 700 * SIZE)
    desk.post({1: 3_600 * PRICE})
    desk.engine.write("refreshPool", [ETH], sender=desk.actor("anyone"))
    fill = desk.fill(BTC, 125 * SIZE)
    income = (fill.premium + fill.spread + fill.fee) // UNIT * UNIT
    with expect("AllocationExceeded", BTC, 125 * 12_000 * WAD, (available(desk) + income) * 1_500 // 10_000):
        desk.trade(alice, BTC, 125 * SIZE)
    assert available(desk) < 9_600_000 * WAD
    desk.trade(alice, BTC, 115 * SIZE)


def test_gap_counts_open_interest_of_both_sides(desk, alice):
    bob = desk.trader("bob", 5 * MILLION)
    desk.set_trade(ETH, gap=10_000, move=1)
    desk.trade(alice, ETH, 1_600 * SIZE)
    desk.trade(bob, ETH, -1_600 * SIZE)
    fill = desk.fill(ETH, 200 * SIZE)
    cover = available(desk) + desk.held(desk.insurance) * UNIT
    income = fill.premium + fill.spread + fill.fee
    with expect("GapLimitExceeded") as caught:
        desk.trade(alice, ETH, 200 * SIZE)
    market, needed, had = caught.value.values
    assert (market, needed) == (ETH, 3_400 * 3_000 * WAD)
    assert abs(had - cover - income) <= UNIT


@pytest.mark.parametrize("how", ["settle", "liquidate"])
def test_realised_pnl_is_not_counted_twice(desk, alice, how):
    """Cash that a loser paid is in the pool's balance; it must leave the stored contribution in the same breath."""
    from plimsoll.actions import settle

    loser = desk.trader("loser", 20_000)
    desk.trade(loser, ETH, 100 * SIZE)
    desk.trade(alice, ETH, -100 * SIZE)
    desk.post({1: 2_800 * PRICE})
    desk.engine.write("refreshPool", [ETH], sender=desk.actor("anyone"))
    assert 0 <= desk.pool_equity()[0] - available(desk) < 5 * UNIT
    if how == "settle":
        desk.act(alice, settle(ETH, [loser, alice]))
    else:
        desk.act(alice, liquidate(alice, loser))  # his short and its long: nothing left, all realised
        assert desk.position(alice, ETH) == (0, 0)
    assert abs(desk.pool_equity()[0] - available(desk)) < 5 * UNIT


def test_write_downs_leave_the_stored_sum_too(desk):
    desk.config.write("setInsuranceCap", ETH, 0, sender=desk.admin)
    loser, taker = desk.trader("loser", 20_000), desk.trader("taker", MILLION)
    desk.trade(loser, ETH, 100 * SIZE)
    desk.post({1: 2_700 * PRICE})
    desk.engine.write("refreshPool", [ETH], sender=desk.actor("anyone"))
    assert desk.assess(loser).equity < -9_000 * WAD
    desk.act(taker, liquidate(taker, loser))
    assert abs(desk.pool_equity()[0] - available(desk)) < 5 * UNIT


def test_allocations_never_add_up_to_more_than_the_pool(desk):
    assert desk.config.read("allocationSum") == 7_500
    with expect("AllocationsExceedPool", 10_001, 10_000):
        desk.set_trade(ETH, allocation=4_001)
    desk.set_trade(ETH, allocation=4_000)
    assert desk.config.read("allocationSum") == 10_000
    assert desk.held(desk.pool_account, QUOTE) == 10 * MILLION * USDC
