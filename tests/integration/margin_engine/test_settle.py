"""MarginEngine: Settle."""

import pytest
from helpers import ANY, every, only, reverts
from world import BTC, ETH, ETH_FEED, HOUR, SIZE, UNIT, USDC, WAD

from plimsoll.actions import settle, trade_perp
from plimsoll.prices import PRICE


@pytest.fixture
def pair(world, trader, account, counterparty, counter_account):
    """The trader is long 20 ETH, the counterparty short 20."""
    world.execute(trader, trade_perp(account, ETH, 20 * SIZE))
    world.execute(counterparty, trade_perp(counter_account, ETH, -20 * SIZE))
    return account, counter_account


@pytest.mark.parametrize("market", [5, 63, 2**128])
def test_an_unknown_market(world, stranger, account, market):
    """Only listed markets settle."""
    with reverts("UnknownMarket", market):
        world.execute(stranger, settle(market, [account]))


@pytest.mark.parametrize("age", [HOUR + 1, 24 * HOUR])
def test_a_price_over_an_hour_old(world, stranger, pair, age):
    """What nobody knows is not realised."""
    world.later(age)
    with reverts("PriceUnusable", ETH_FEED, ANY, 0):
        world.execute(stranger, settle(ETH, list(pair)))


@pytest.mark.parametrize("change", [-150, -1, 1, 150])
def test_losers_pay_winners_are_paid(world, stranger, pair, change):
    """Anyone settles; each account's cash changes by its PnL in whole units, rounded toward zero."""
    world.post({ETH_FEED: (3000 + change) * PRICE})
    before = {one: world.held(one) for one in pair}
    tx = world.execute(stranger, settle(ETH, list(pair)))
    realised = {event["account"]: event["realised"] for event in every(tx, "Settled")}
    assert set(pair) == set(realised)
    for one in pair:
        assert before[one] + realised[one] // UNIT == world.held(one)
        assert realised[one] % UNIT == 0
    assert (realised[pair[0]] > 0) == (change > 4)


@pytest.mark.parametrize("order", [0, 1], ids=["loser first", "winner first"])
def test_losers_come_first_whatever_the_list(world, stranger, pair, order):
    """The losers' cash is there for the winners."""
    world.post({ETH_FEED: 3200 * PRICE})
    tx = world.execute(stranger, settle(ETH, list(pair if order else reversed(pair))))
    assert [pair[1], pair[0]] == [event["account"] for event in every(tx, "Settled")]


@pytest.mark.parametrize("change", [-100, 100])
def test_equity_changes_for_nobody(world, stranger, pair, change):
    """Settling turns PnL into cash, no more."""
    world.post({ETH_FEED: (3000 + change) * PRICE})
    before = [world.assess(one).equity for one in pair]
    pool, _ = world.engine.poolEquity()
    world.execute(stranger, settle(ETH, list(pair)))
    for one, equity in zip(pair, before, strict=True):
        assert abs(equity - world.assess(one).equity) < UNIT
    assert abs(pool - world.engine.poolEquity()[0]) < UNIT


def test_the_cost_moves_by_what_was_realised(world, stranger, pair):
    """cost' = cost + realised: pnl after is the fraction of a unit that was not paid."""
    world.post({ETH_FEED: 3100 * PRICE})
    costs = {one: world.position(one)[1] for one in pair}
    tx = world.execute(stranger, settle(ETH, list(pair)))
    for event in every(tx, "Settled"):
        one = event["account"]
        assert costs[one] + event["realised"] == world.position(one)[1]


def test_a_second_settlement_finds_nothing(world, stranger, pair):
    """Less than a unit stays unrealised."""
    world.post({ETH_FEED: 3100 * PRICE})
    prices = world.report()
    tx = world.execute(stranger, settle(ETH, list(pair)), settle(ETH, list(pair)), prices=prices)
    assert len(every(tx, "Settled")) == 2


def test_an_account_without_a_position(world, stranger, pair):
    """Whoever has nothing there is passed over, though he does not exist."""
    tx = world.execute(stranger, settle(ETH, [world.account(stranger, 77)]))
    assert "Settled" not in tx.events


def test_an_account_named_twice(world, stranger, pair):
    """The second time there is nothing left."""
    world.post({ETH_FEED: 3100 * PRICE})
    tx = world.execute(stranger, settle(ETH, [pair[0], pair[0], pair[0]]))
    assert pair[0] == only(tx, "Settled")["account"]


def test_only_the_market_asked_for(world, trader, stranger, account, pair):
    """PnL elsewhere stays where it is."""
    world.execute(trader, trade_perp(account, BTC, SIZE // 10))
    world.post({1: 3100 * PRICE, 2: 61_000 * PRICE})
    cost = world.position(account, BTC)[1]
    tx = world.execute(stranger, settle(ETH, [account]))
    assert only(tx, "Settled")["market"] == ETH
    assert cost == world.position(account, BTC)[1]


def test_a_loss_beyond_the_cash_is_paid_as_far_as_it_goes(world, trader, account):
    """Held never goes below zero."""
    isolated = world.account(trader, market=ETH)
    world.fund(trader, isolated, 200 * USDC)
    world.execute(trader, trade_perp(isolated, ETH, SIZE))
    world.post({ETH_FEED: 2700 * PRICE})
    tx = world.execute(trader, settle(ETH, [isolated]))
    assert only(tx, "Settled")["realised"] == -200 * WAD
    assert world.held(isolated) == 0
    assert world.assess(isolated).equity < -90 * WAD


def test_the_pool_pays_no_more_than_it_has(world, deployer, trader, account, provider):
    """Profit beyond the pool's cash stays unrealised, not lost."""
    world.execute(trader, trade_perp(account, ETH, 60 * SIZE))
    shares = world.pool.balanceOf(provider)
    world.set_trade(ETH, allocation=10_000 - 6000, move=1, gap=1)
    world.pool.requestRedeem(shares, provider, {"from": provider})
    world.later(HOUR + 1)
    world.post()
    world.pool.execute([world.pool.requestCount()], {"from": provider})
    cash = world.held(world.pool_account)
    world.post({ETH_FEED: 9000 * PRICE})
    owed = world.assess(account).equity
    tx = world.execute(trader, settle(ETH, [account]))
    assert min(cash * UNIT, owed) >= only(tx, "Settled")["realised"] if cash else "Settled" not in tx.events
    assert world.held(world.pool_account) >= 0
    assert abs(owed - world.assess(account).equity) < UNIT + 10**16
