"""TradePerp: index × (1 + mean premium ± spread), fee, limits. Every figure against the twin, some by hand."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, SOL, USDC, WAD, Desk, expect

from plimsoll.actions import liquidate, trade_perp
from plimsoll.margin import fill_math
from plimsoll.margin.fixed_math import YEAR, sqrt_years

MILLION = 1_000_000


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 5 * MILLION)


def fills(desk, account, market, size, **order):
    (traded,) = desk.events(desk.trade(account, market, size, **order), "Traded")
    return traded.args


# ---------------------------------------------------------------- refused


def test_nothing(desk, alice):
    with expect("ZeroAmount"):
        desk.trade(alice, ETH, 0)


@pytest.mark.parametrize("market", [5, 63, 64, 2**200])
def test_unknown_market(desk, alice, market):
    with expect("UnknownMarket", market):
        desk.trade(alice, market, SIZE)


@pytest.mark.parametrize("late, allowed", [(0, True), (1, False), (10**6, False)])
def test_deadline_is_the_last_second(desk, alice, late, allowed):
    deadline = desk.now - late
    if allowed:
        desk.trade(alice, ETH, SIZE, deadline=deadline)
        return
    with expect("OrderExpired", deadline, desk.now):
        desk.trade(alice, ETH, SIZE, deadline=deadline)


@pytest.mark.parametrize("size", [SIZE, -SIZE, 700 * SIZE, -700 * SIZE, 1, -1])
def test_limit_price_is_exact_and_leaves_the_fee_out(desk, alice, size):
    """cost − fee ≤ size × limit, no division: the first price that passes is cost/size away from zero."""
    fill = desk.fill(ETH, size)
    worst = -(-fill.limit_cost // size) if size > 0 else -fill.limit_cost // -size
    refused = worst - 1 if size > 0 else worst + 1
    with expect("LimitPriceExceeded", ETH, fill.limit_cost, size * refused):
        desk.trade(alice, ETH, size, limit_price=refused)
    assert fills(desk, alice, ETH, size, limit_price=worst)["cost"] == fill.cost


@pytest.mark.parametrize("limit", [2**128, 2**255, 2**256 - 1])
def test_a_limit_beyond_any_price_is_none(desk, alice, limit):
    desk.trade(alice, ETH, SIZE, limit_price=limit)
    with expect("LimitPriceExceeded", ETH, desk.fill(ETH, -SIZE).limit_cost, -SIZE * (2**128 - 1)):
        desk.trade(alice, ETH, -SIZE, limit_price=limit)


@pytest.mark.parametrize("market, size", [(ETH, SIZE), (BTC, SIZE), (SOL, -SIZE)])
def test_isolated_accounts_have_one_market(desk, market, size):
    account = desk.trader("alice", 100_000, market=1)
    if market == BTC:
        desk.trade(account, BTC, size)
        return
    with expect("MarketNotAllowed", account, market):
        desk.trade(account, market, size)


def test_isolated_account_loses_no_more_than_it_holds(desk):
    """O-1: the owner's cross account with all its cash is not asked."""
    rich, isolated = desk.trader("alice", MILLION), desk.trader("alice", 1_700, market=ETH)
    desk.trade(isolated, ETH, 10 * SIZE)
    desk.post({1: 2_700 * PRICE})
    assert desk.assess(isolated).equity < -1_000 * WAD
    assert desk.assess(rich).equity == MILLION * WAD
    taker = desk.trader("carol", 10_000)
    desk.act(taker, liquidate(taker, isolated))
    assert (desk.held(isolated), desk.position(isolated, ETH)) == (0, (0, 0))
    assert desk.held(rich) == MILLION * USDC


def test_reduce_only_market(desk, alice):
    desk.trade(alice, ETH, 10 * SIZE)
    desk.set_risk(ETH, flags=1)
    for size in (SIZE, -11 * SIZE, -21 * SIZE):
        with expect("MarketNotAllowed", alice, ETH):
            desk.trade(alice, ETH, size)
    desk.trade(alice, ETH, -9 * SIZE)
    desk.trade(alice, ETH, -SIZE)
    assert desk.position(alice, ETH) == (0, 0)


def test_pause_of_new_risk(desk, alice):
    desk.trade(alice, ETH, 10 * SIZE)
    until = desk.now + 100
    desk.engine.write("pauseRisk", until, sender=desk.admin)
    with expect("NewRiskPaused", until):
        desk.trade(alice, ETH, SIZE)
    desk.trade(alice, ETH, -5 * SIZE)
    desk.chain.advance(100)
    desk.post({}, seconds=0)
    desk.trade(alice, ETH, SIZE)


def test_pause_is_bounded_and_the_guardian_s(desk, alice):
    latest = desk.now + 3 * 86_400
    with expect("NewRiskPaused", latest):
        desk.engine.write("pauseRisk", latest + 1, sender=desk.admin)
    with expect("AccessManagedUnauthorized", desk.owner(alice)):
        desk.engine.write("pauseRisk", desk.now + 1, sender=desk.owner(alice))
    desk.engine.write("pauseRisk", latest, sender=desk.admin)


@pytest.mark.parametrize("size", [101, 150, -101])
def test_below_initial_margin_after_the_fill(desk, size):
    """15,000 carries 100 ETH at 3,000 less what the fill costs."""
    account = desk.trader("alice", 15_000)
    fill = desk.fill(ETH, size * SIZE)
    equity = 15_000 * WAD - (fill.cost - size * 3_000 * WAD)
    with expect("BelowInitialMargin", account, equity, abs(size) * 150 * WAD):
        desk.trade(account, ETH, size * SIZE)


# ---------------------------------------------------------------- fills


@pytest.mark.parametrize("skew", [0, 800, -800])
@pytest.mark.parametrize("size", [1, -1, SIZE, -SIZE, 37 * SIZE + 1, -900 * SIZE, 1_600 * SIZE])
@pytest.mark.parametrize("age", [0, 17, 60])
def test_cost_and_fee_equal_the_twin(desk, alice, skew, size, age):
    other = desk.trader("other", 5 * MILLION)
    if skew:
        desk.trade(other, ETH, skew * SIZE)
        desk.post({1: 2_987_654_321 * PRICE // MILLION})
    desk.chain.advance(age)
    fill = desk.fill(ETH, size)
    told = fills(desk, alice, ETH, size)
    assert (told["cost"], told["fee"], told["index"]) == (fill.cost, fill.fee, desk.prices[1])
    size_now, cost = desk.position(alice, ETH)
    funding = desk.market_words(ETH).state.funding_index
    assert (size_now, cost) == (size, fill.cost - size * funding)
    assert desk.assess(alice)[:5] == desk.twin(alice)


def test_a_fill_by_hand(desk, alice):
    """100 ETH at 3,000, price just stored, skew 0: premium 0.5 bp, spread 2·√(2 s/year) = 5.04 bp, fee 3.5 bp."""
    fill = desk.fill(ETH, 100 * SIZE)
    assert fill.premium == 15 * WAD  # 300,000 × 100 / 2,000,000
    assert sqrt_years(2) == 251_832_452_173_124
    assert fill.spread == 300_000 * 2 * sqrt_years(2)
    assert YEAR == 31_536_000
    assert fill.fee == 105 * WAD
    assert fills(desk, alice, ETH, 100 * SIZE)["cost"] == 300_000 * WAD + 15 * WAD + fill.spread + 105 * WAD


def test_fees_by_hand(desk, alice):
    """Skew 300 long. A sale of 500 brings 300 of it home at 1 bp and opens 200 the other way at 3.5 bp."""
    desk.trade(alice, ETH, 300 * SIZE)
    bob = desk.trader("bob", 5 * MILLION)
    told = fills(desk, bob, ETH, -500 * SIZE)
    assert told["fee"] == 90 * WAD + 210 * WAD
    assert fills(desk, bob, ETH, -100 * SIZE)["fee"] == 105 * WAD  # widens: taker
    assert fills(desk, bob, ETH, 300 * SIZE)["fee"] == 90 * WAD  # all home: maker
    assert fills(desk, bob, ETH, 200 * SIZE)["fee"] == 210 * WAD  # from zero: taker


def test_premium_by_hand_and_back(desk, alice):
    """The skew pays: 1,000 ETH from 0 is 1,500 dearer than index, back again 1,500 better."""
    assert desk.fill(ETH, 1_000 * SIZE).premium == 1_500 * WAD
    desk.trade(alice, ETH, 1_000 * SIZE)
    assert desk.fill(ETH, 1_000 * SIZE).premium == 4_500 * WAD
    assert desk.fill(ETH, -1_000 * SIZE).premium == -1_500 * WAD
    assert desk.fill(ETH, -2_000 * SIZE).premium == 0


@pytest.mark.parametrize("age, rate", [(0, 503_664), (14, 1_424_579), (58, 2_758_686)])
def test_spread_grows_with_the_root_of_the_age(desk, alice, age, rate):
    """2·√((age + 2)/31,536,000), in 1e-9."""
    desk.chain.advance(age)
    fill = desk.fill(ETH, 10 * SIZE)
    assert fill.spread * 10**9 // (30_000 * WAD) == rate
    before = desk.assess(alice).equity
    desk.trade(alice, ETH, 10 * SIZE)
    assert before - desk.assess(alice).equity == fill.premium + fill.spread + fill.fee


@pytest.mark.parametrize("sigma, kappa", [(10_000, 20), (5_000, 20), (10_000, 30), (12_345, 25)])
def test_spread_by_sigma_and_kappa(desk, alice, sigma, kappa):
    desk.set_risk(ETH, sigma=sigma)
    desk.config.write("setModel", desk.deployed["RuleMargin"].address, 2, kappa, sender=desk.admin)
    rate = fill_math.spread_rate(kappa, sigma, 0, 2, WAD)
    assert rate == pytest.approx(kappa / 10 * sigma / 1e4 * (2 / YEAR) ** 0.5 * WAD, rel=1e-9)
    fill = desk.fill(ETH, 10 * SIZE)
    assert fill.spread == 30_000 * rate
    assert fills(desk, alice, ETH, 10 * SIZE)["cost"] == fill.cost


def test_flip_in_one_order_is_one_fill(desk, alice):
    desk.trade(alice, ETH, 10 * SIZE)
    fill = desk.fill(ETH, -25 * SIZE)
    _, before = desk.position(alice, ETH)
    desk.trade(alice, ETH, -25 * SIZE)
    assert desk.position(alice, ETH) == (-15 * SIZE, before + fill.cost)
    state = desk.market_words(ETH).state
    assert (state.long_size, state.short_size) == (0, 15 * SIZE)


def test_closing_realises_in_whole_units_and_clears_the_slot(desk, alice):
    desk.trade(alice, ETH, 10 * SIZE)
    desk.post({1: 3_123 * PRICE})
    fill, (_, cost) = desk.fill(ETH, -10 * SIZE), desk.position(alice, ETH)
    funding = desk.twin(alice).equity
    pool = desk.held(desk.pool_account)
    receipt = desk.trade(alice, ETH, -10 * SIZE)
    state = desk.market_words(ETH).state
    pnl = -(cost + fill.cost + 10 * SIZE * state.funding_index)
    paid = pnl // 10**12
    (settled,) = desk.events(receipt, "Settled")
    assert settled.args["realised"] == paid * 10**12
    assert (desk.held(alice), desk.held(desk.pool_account)) == (5 * MILLION * USDC + paid, pool - paid)
    assert desk.position(alice, ETH) == (0, 0)
    assert desk.header(alice).markets == 0
    assert 1_150 * USDC < paid < 1_230 * USDC
    assert funding > 0


def test_a_loss_of_less_than_a_unit_costs_a_unit(desk, alice):
    """1e-8 ETH there and back: costs of 1e-11 quote each, charged as 0.000001."""
    desk.trade(alice, ETH, 1)
    desk.trade(alice, ETH, -1)
    assert desk.position(alice, ETH) == (0, 0)
    assert desk.held(alice) == 5 * MILLION * USDC - 1


# ---------------------------------------------------------------- the market's limits


def test_skew_cap(desk, alice):
    desk.set_trade(ETH, max_skew=100 * SIZE)
    with expect("SkewCapExceeded", ETH, 100 * SIZE + 1, 100 * SIZE):
        desk.trade(alice, ETH, 100 * SIZE + 1)
    desk.trade(alice, ETH, 100 * SIZE)
    with expect("SkewCapExceeded", ETH, 100 * SIZE + 1, 100 * SIZE):
        desk.trade(alice, ETH, 1)
    desk.trade(alice, ETH, -200 * SIZE)  # as wide on the other side: not wider
    assert desk.market_words(ETH).state.skew == -100 * SIZE


def test_open_interest_cap(desk, alice):
    bob = desk.trader("bob", 5 * MILLION)
    desk.set_trade(ETH, max_skew=100 * SIZE, max_oi=250 * SIZE)
    desk.trade(alice, ETH, 100 * SIZE)
    desk.trade(bob, ETH, -150 * SIZE)
    with expect("OpenInterestCapExceeded", ETH, 250 * SIZE + 1, 250 * SIZE):
        desk.trade(alice, ETH, 1)
    desk.trade(alice, ETH, -SIZE)


def test_a_fill_that_lowers_skew_and_open_interest_passes_whatever_the_limits(desk, alice):
    desk.trade(alice, ETH, 500 * SIZE)
    desk.set_trade(ETH, max_skew=1, max_oi=1, allocation=0, move=10_000, gap=10_000)
    with expect("SkewCapExceeded"):
        desk.trade(alice, ETH, 1)
    desk.trade(alice, ETH, -499 * SIZE)


def pool_after(desk, fill):
    """The pool's equity that a limit sees: with the fill's own income, floored to 1e-6."""
    equity, _ = desk.pool_equity()
    return (equity + fill.premium + fill.spread + fill.fee) // 10**12 * 10**12


@pytest.mark.parametrize("move, allocation", [(2_000, 1_500), (10_000, 1_500), (3_000, 10)])
def test_allocation_to_the_wei(desk, alice, move, allocation):
    desk.set_trade(ETH, move=move, allocation=allocation)
    low, high = SIZE, 6_000 * SIZE
    while high - low > 1:  # the largest size the rule lets through, by the twin
        size = (low + high) // 2
        needed = -(-size * 3_000 * PRICE * move // 10_000)
        share = pool_after(desk, desk.fill(ETH, size)) * allocation // 10_000
        low, high = (size, high) if needed <= share else (low, size)
    if high <= 5_000 * SIZE:
        needed = -(-high * 3_000 * PRICE * move // 10_000)
        share = pool_after(desk, desk.fill(ETH, high)) * allocation // 10_000
        with expect("AllocationExceeded", ETH, needed, share):
            desk.trade(alice, ETH, high)
    desk.trade(alice, ETH, low)


def test_gap_limit_counts_insurance(desk, alice):
    desk.set_trade(ETH, gap=10_000, move=1)
    size = 3_500 * SIZE  # 10.5M against a pool of 10M and insurance of 0.1M
    fill = desk.fill(ETH, size)
    insurance = desk.held(desk.insurance) * 10**12
    with expect("GapLimitExceeded", ETH, 10_500_000 * WAD, pool_after(desk, fill) + insurance):
        desk.trade(alice, ETH, size)
    desk.fund(desk.insurance, QUOTE, 500_000 * USDC, by=desk.actor("sponsor"))
    desk.trade(alice, ETH, size)


def test_pool_with_nothing_backs_nothing():
    desk = Desk.create(liquidity=0, insurance=0)
    alice = desk.trader("alice", 10_000)
    fill = desk.fill(ETH, SIZE)
    income = (fill.premium + fill.spread + fill.fee) // 10**12 * 10**12
    with expect("AllocationExceeded", ETH, 600 * WAD, income * 1_500 // 10_000):
        desk.trade(alice, ETH, SIZE)


def test_tiers_by_hand(desk, alice):
    """2,400 ETH, 7.2M: MM 5M × 2.5 % + 2.2M × 3.5 % = 202,000; IM₀ 5M × 5 % + 2.2M × 7 % = 404,000."""
    desk.trade(alice, ETH, 2_400 * SIZE)
    found = desk.assess(alice)
    assert (found.mm, found.im0, found.notional) == (202_000 * WAD, 404_000 * WAD, 7_200_000 * WAD)


def test_i2_nothing_is_made_or_lost(desk, alice):
    bob = desk.trader("bob", MILLION)
    whole = desk.total_equity()
    for step, size in enumerate((100, -250, 75, -80, 500, -345)):
        account = (alice, bob)[step % 2]
        desk.post({1: (3_000 + 17 * step) * PRICE}, seconds=1_000)
        desk.act(account, trade_perp(account, ETH, size * SIZE + step), trade_perp(account, BTC, SIZE // 3))
        assert desk.total_equity() == whole
