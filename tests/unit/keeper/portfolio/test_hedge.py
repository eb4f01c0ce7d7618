"""The delta of what the keeper holds: brought into its band on the same market, never tried where there is no room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from portfolio_town import BEGIN, HOUR
from structlog.testing import capture_logs

from plimsoll.accounts import Mode
from plimsoll.actions import trade_perp
from plimsoll.errors import Reverted
from plimsoll.keeper.portfolio import hedge as hedging
from plimsoll.keeper.portfolio.estate import Estate
from plimsoll.keeper.portfolio.room import Room, refusal, room
from plimsoll.keeper.select import look
from plimsoll.margin.account import REDUCE_ONLY
from plimsoll.orders import ONE
from plimsoll.sim.anvil import KEY
from plimsoll.sim.scene import must

WAD = 10**18


def hold(town, **settings):
    """The keeper sold 100 puts, and so is long; it has 200,000."""
    town.drain(keep=200_000)
    town.keep(**settings)
    owner = town.desk.person("keeper", Mode.PORTFOLIO, KEY)
    town.trade(owner, {town.put(1_950): -100 * ONE})
    return owner


def waits(logs):
    return [(entry["market"], entry["reason"]) for entry in logs if entry["event"] == "hedge waits"]


# ---------------------------------------------------------------- not traded


def test_within_the_band_nothing_is_traded(town):
    """A band of half its equity holds it."""
    hold(town, hedge_band=5_000)
    done, _ = town.cycle()
    assert town.delta(town.keeper.portfolio) > 10 and done.hedges == 0 and done.sent == []


def test_off_is_off(town):
    """And says nothing; the metric of the delta goes on."""
    hold(town, hedge=False)
    with capture_logs() as logs:
        done, _ = town.cycle()
    value = town.keeper.metrics.registry.get_sample_value("plimsoll_keeper_delta_quote", {"market": "0"})
    assert done.sent == [] and waits(logs) == []
    assert value == pytest.approx(town.delta(town.keeper.portfolio) * 2_000, rel=1e-3)


def test_what_is_too_small_is_not_worth_a_transaction(town):
    """However narrow the band."""
    hold(town, hedge_band=0, hedge_least=10**6 * WAD)
    assert town.cycle()[0].hedges == 0


def test_nothing_is_opened_at_a_price_that_is_not_good(town):
    """With the reason, and tried later, each time after twice as long."""
    hold(town)
    told = []
    for seconds in (61, 14, 1, 30):
        town.chain.advance(seconds)
        with capture_logs() as logs:
            assert town.cycle()[0].sent == []
        told.append(waits(logs))
    bad = [(0, "the price is not good")]
    assert told == [bad, [], bad, bad]
    assert town.keeper.metrics.registry.get_sample_value("plimsoll_keeper_hedges_waiting") == 1


def test_a_market_that_takes_no_new_risk_is_not_asked(town):
    """Nor one that is paused."""
    hold(town)
    engine = town.desk.deployment.engine
    now = town.chain.block()[1]
    must(town.chain, [town.desk.call(town.desk.admin, engine, "pauseRisk", now + 3_600)])
    town.at(now + 10)
    with capture_logs() as logs:
        assert town.cycle()[0].sent == []
    assert waits(logs) == [(0, "new risk is paused")]


def test_more_than_the_slippage_is_not_paid(town):
    """What fits below it is traded, and the log says why not more."""
    hold(town, hedge_slippage=0)
    with capture_logs() as logs:
        assert town.cycle()[0].sent == []
    assert waits(logs) == [(0, "it costs more than 0 bps")]


def test_without_an_answer_of_the_lens_nothing_is_hedged(town):
    """The block goes on without it, and the log says so."""
    hold(town)
    steward = town.keeper.steward
    steward.lens = town.desk.deployment.lens  # which has no such function
    with capture_logs() as logs:
        done, _ = town.cycle()
    assert done.sent == [] and "deltas not read" in [entry["event"] for entry in logs]


# ---------------------------------------------------------------- room


def estate_of(town, person):
    view = town.keeper.mirror.follow()
    planner = town.keeper.planner(view, look(view))
    account = view.account(person.account)
    return Estate.of(planner.book(person.account), account, person.account), view


def with_trade(estate, market, **changes):
    """The estate in a market with other terms."""
    listed = estate.snapshot.markets[market]
    terms = replace(listed, trade=replace(listed.trade, **changes))
    estate.book.snapshot = replace(estate.snapshot, markets={**estate.snapshot.markets, market: terms})
    return estate


@pytest.mark.parametrize("side", [1, -1])
def test_the_largest_trade_is_the_engine_s(town, side):
    """It passes, and one unit of 1e-8 more is refused by the limit that was named."""
    trader = town.desk.person("trader", Mode.CROSS)
    town.desk.fund(trader.account, trader.address, 40_000_000)
    estate, view = estate_of(town, trader)
    found = room(estate, view.tables, 0, side * 10**6 * ONE, 10**6)
    assert found.reason and 0 < abs(found.size) < 10**6 * ONE
    errors = {
        "the pool's allocation to the market is used up": "AllocationExceeded",
        "the market's skew is at its cap": "SkewCapExceeded",
        "the market's open interest is at its cap": "OpenInterestCapExceeded",
        "pool and insurance do not cover a gap in the market": "GapLimitExceeded",
    }
    town.chain.still = True
    try:
        with pytest.raises(Reverted, match=errors[found.reason]):
            town.desk.execute(trader.address, trade_perp(trader.account, 0, found.size + side))
        town.desk.execute(trader.address, trade_perp(trader.account, 0, found.size))
    finally:
        town.chain.still = False
    assert town.perp(trader.account) == found.size


def test_every_limit_is_named(town):
    """Reducing is refused by none of them."""
    trader = town.desk.person("trader", Mode.CROSS)
    town.desk.fund(trader.account, trader.address, 1_000_000)
    town.desk.execute(trader.address, trade_perp(trader.account, 0, 10 * ONE))
    estate, view = estate_of(town, trader)
    cases = {
        "the market's skew is at its cap": {"max_skew": 10 * ONE},
        "the market's open interest is at its cap": {"max_oi": 10 * ONE},
        "the pool's allocation to the market is used up": {"allocation": 0},
        "pool and insurance do not cover a gap in the market": {"gap": 65_535, "max_oi": 2**56 - 1, "move": 0},
    }
    for reason, changes in cases.items():
        tight = with_trade(estate.clone(), 0, **changes)
        size = 10**6 * ONE if "gap" in changes else ONE
        tight = with_trade(tight, 0, max_skew=2**56 - 1) if "gap" in changes else tight
        assert refusal(tight, view.tables, 0, size, 100_000) == reason
        assert refusal(tight, view.tables, 0, -10 * ONE, 100_000) == ""
    market = view.snapshot.markets[0]
    closed = replace(market, risk=replace(market.risk, flags=REDUCE_ONLY))
    estate.book.snapshot = replace(view.snapshot, markets={0: closed})
    assert refusal(estate, view.tables, 0, ONE, 100) == "the market takes no new risk"
    assert refusal(estate, view.tables, 0, -ONE, 100) == ""


# ---------------------------------------------------------------- traded


def test_outside_the_band_it_is_brought_to_its_middle(town):
    """The lens says so, and so do prices: one per cent either way moves the account by less than a tenth of before."""
    owner = hold(town)
    before = slope(town, owner.account)
    done, told = town.cycle()
    (traded,) = [event for event in told if event.name == "Traded"]
    assert done.hedges == 1 and traded.args["account"] == owner.account and traded.args["size"] < 0
    assert abs(town.delta(owner.account)) < 1e-4
    assert before == pytest.approx(-traded.args["size"] / ONE, rel=0.05)
    assert abs(slope(town, owner.account)) < before / 10
    town.chain.advance(1)
    assert town.cycle()[0].hedges == 0


def slope(town, account):
    """Units of ETH that it is long, by what the engine says it is worth at other prices."""
    engine, spot = town.desk.deployment.engine, town.now.price("ETH")
    up, down = (engine.read("assessAt", account, [(1, spot * bps // 10_000)])[0].equity for bps in (10_100, 9_900))
    return (up - down) / WAD / (0.02 * spot / 10**10)


def test_collateral_counts_and_is_hedged_too(town):
    """Ether that came with a slice is as much of a direction as an option."""
    owner = hold(town)
    must(town.chain, town.desk.deposited(owner.address, owner.account, 1, 20 * 10**18))
    bare = town.delta(owner.account)
    town.at(town.chain.block()[1] + 5)
    town.cycle()
    assert bare > 50 and abs(town.delta(owner.account)) < 1e-4


def test_it_follows_as_the_price_falls_and_the_band_spares_it_small_trades(town):
    """A wide band trades less often than a narrow one."""
    trades = []
    for band in (100, 1_500):
        with town.restored():
            owner = hold(town, hedge_band=band)
            count = 0
            for quarter in range(20):
                town.at(BEGIN + HOUR + quarter * HOUR // 4)
                count += town.cycle()[0].hedges
                equity = town.assess(owner.account)[0].equity
                assert abs(town.delta(owner.account)) * town.now.index["ETH"] <= equity / WAD * band / 10_000 + 1
            trades.append(count)
    assert trades[0] > 2 * trades[1] >= 2


def test_when_the_options_are_gone_so_is_the_perp(town):
    """Sold to somebody: the perp is closed, however small it is."""
    owner = hold(town)
    town.cycle()
    assert town.perp(owner.account) < 0
    town.trade(owner, {town.put(1_950): 100 * ONE})
    done, _ = town.cycle()
    assert done.hedges == 1 and town.perp(owner.account) == 0 and not town.desk.options(owner.account)


def test_a_market_that_waits_keeps_no_other_from_its_hedge(town):
    """ETH has no room; BTC is hedged at once, and ETH is not tried in every block."""
    owner = hold(town, hedge_band=10)
    town.trade(owner, {town.put(68_000, "BTC"): -2 * ONE})
    real, asked = hedging.room, []

    def full(estate, tables, market, wanted, slippage):
        asked.append(market)
        return (
            Room(0, "the market's skew is at its cap")
            if market == 0
            else real(estate, tables, market, wanted, slippage)
        )

    hedging.room = full
    try:
        with capture_logs() as logs:
            done, _ = town.cycle()
            town.chain.advance(1)
            town.cycle()
    finally:
        hedging.room = real
    assert done.hedges == 1 and town.perp(owner.account, 1) < 0 and town.perp(owner.account, 0) == 0
    assert waits(logs) == [(0, "the market's skew is at its cap")] and asked.count(0) == 1


def test_a_dry_run_says_what_it_would_trade(town):
    """And sends nothing."""
    owner = hold(town)
    town.keep(dry=True)
    with capture_logs() as logs:
        done, told = town.cycle()
    (said,) = [entry for entry in logs if entry["event"] == "hedge"]
    assert done.dry_run and done.hedges == 1 and told == [] and said["dry_run"] and said["size"].startswith("-")
    assert town.perp(owner.account) == 0


# ---------------------------------------------------------------- what it is good for


def test_after_a_crash_the_hedged_keeper_has_lost_less(town):
    """Two funds are taken over half way down, and the fall goes on: same path and slices, with a hedge and without."""
    lost, fractions = {}, {}
    for hedge in (False, True):
        with town.restored():
            town.keep(hedge=hedge, hedge_band=100)
            for name in ("one", "two"):
                town.sell(f"fund {name}", 90_000, {1_900: 100, 1_950: 100})
            taken, top, equity = [], 0, 0
            for quarter in range(4 * 5, 4 * 10 + 1):
                town.at(BEGIN + quarter * HOUR // 4)
                slices = [event.args["fraction"] for event in town.cycle()[1] if event.name == "Liquidated"]
                equity = town.assess(town.keeper.portfolio)[0].equity / WAD
                taken, top = taken + slices, equity if slices else top
            lost[hedge], fractions[hedge] = top - equity, taken
    assert fractions[True] == fractions[False] and len(fractions[True]) == 4
    assert lost[False] > 40_000 and 0 < lost[True] < lost[False] / 10
