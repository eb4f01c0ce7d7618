"""LiquidityPool: requests, execution, claims, timing."""

import pytest
from helpers import ANY, every, only, reverts
from world import ETH, ETH_FEED, HOUR, NOBODY, QUOTE, SIZE, USDC, WAD

from plimsoll.actions import trade_perp
from plimsoll.prices import PRICE

NONE, UNKNOWN, DELAY, STALE, MOVE, VALUE, CASH, REQUIREMENT, REFUSED = range(9)
AMOUNT = 50_000 * USDC


@pytest.fixture
def request_deposit(world, trader):
    world.tokens[QUOTE].approve(world.pool, AMOUNT, {"from": trader})
    return world.pool.requestDeposit(AMOUNT, trader, {"from": trader})


def due(world):
    world.later(HOUR)
    world.post()
    world.later(1)


@pytest.mark.parametrize("method", ["requestDeposit", "requestRedeem"])
def test_a_request_for_nothing(world, trader, method):
    """Is a mistake."""
    with reverts("ZeroAmount"):
        getattr(world.pool, method)(0, trader, {"from": trader})


@pytest.mark.parametrize("method", ["requestDeposit", "requestRedeem"])
def test_a_request_for_nobody(world, trader, method):
    """Shares of the zero address would be lost."""
    with reverts("ZeroController"):
        getattr(world.pool, method)(1, NOBODY, {"from": trader})


def test_shares_one_does_not_have(world, trader):
    """Nothing to redeem."""
    with reverts("ERC20InsufficientBalance", trader, 0, 1):
        world.pool.requestRedeem(1, trader, {"from": trader})


def test_without_an_allowance(world, trader):
    """The pool takes what it may."""
    with reverts("ERC20InsufficientAllowance", world.pool, 0, AMOUNT):
        world.pool.requestDeposit(AMOUNT, trader, {"from": trader})


def test_a_request_is_escrowed(world, trader, request_deposit):
    """Its tokens wait in the pool, outside of its account."""
    event = only(request_deposit, "DepositRequested")
    assert (trader, AMOUNT, request_deposit.timestamp + HOUR) == (event["controller"], event["assets"], event["dueAt"])
    assert AMOUNT == world.pool.escrowedAssets() == world.tokens[QUOTE].balanceOf(world.pool)


@pytest.mark.parametrize("later", [0, HOUR // 2])
def test_before_its_time(world, stranger, request_deposit, later):
    """Passed over, not reverted."""
    world.later(later)
    world.post()
    number = only(request_deposit, "DepositRequested")["id"]
    tx = world.pool.execute([number], {"from": stranger})
    assert {"id": number, "reason": DELAY} == only(tx, "RequestPassedOver")


def test_an_unknown_request(world, stranger):
    """Passed over as well."""
    tx = world.pool.execute([999], {"from": stranger})
    assert only(tx, "RequestPassedOver")["reason"] == UNKNOWN


def test_a_market_in_use_needs_a_price_after_the_delay(world, trader, stranger, account, request_deposit):
    """Open interest makes the price matter."""
    world.execute(trader, trade_perp(account, ETH, SIZE))
    world.later(HOUR + 10)
    number = only(request_deposit, "DepositRequested")["id"]
    assert world.pool.waitOf(number) == STALE
    tx = world.pool.execute([number], {"from": stranger})
    assert only(tx, "RequestPassedOver")["reason"] == STALE


def test_a_market_that_moved_holds_everybody_up(world, trader, stranger, account, request_deposit):
    """More than the MM rate within the window: losses must have time to show."""
    world.execute(trader, trade_perp(account, ETH, SIZE))
    world.later(HOUR)
    world.post({ETH_FEED: 3200 * PRICE})
    world.later(1)
    number = only(request_deposit, "DepositRequested")["id"]
    assert world.pool.waitOf(number) == MOVE


def test_a_deposit_is_executed(world, trader, stranger, request_deposit):
    """At close-out value, for anyone's asking; the cash arrives in the pool's account."""
    number, cash = only(request_deposit, "DepositRequested")["id"], world.held(world.pool_account)
    expected = world.pool.convertToShares(AMOUNT)
    due(world)
    assert world.pool.waitOf(number) == NONE
    tx = world.pool.execute([number], {"from": stranger})
    assert {"id": number, "controller": trader, "assets": AMOUNT, "shares": expected} == only(tx, "DepositExecuted")
    assert (expected, cash + AMOUNT) == (world.pool.balanceOf(trader), world.held(world.pool_account))
    assert world.pool.escrowedAssets() == 0


def test_a_request_is_executed_once(world, stranger, request_deposit):
    """Then it is unknown."""
    number = only(request_deposit, "DepositRequested")["id"]
    due(world)
    tx = world.pool.execute([number, number], {"from": stranger})
    assert len(every(tx, "DepositExecuted")) == 1
    assert only(tx, "RequestPassedOver")["reason"] == UNKNOWN


@pytest.mark.parametrize("part", [100, 3, 1])
def test_a_redemption_pays(world, provider, stranger, part):
    """Out of the pool's cash into the wallet."""
    shares = world.pool.balanceOf(provider) // part
    wallet = world.tokens[QUOTE].balanceOf(provider)
    world.pool.requestRedeem(shares, provider, {"from": provider})
    expected = world.pool.convertToAssets(shares)
    due(world)
    tx = world.pool.execute([world.pool.requestCount()], {"from": stranger})
    assert expected == only(tx, "RedeemExecuted")["assets"]
    assert wallet + expected == world.tokens[QUOTE].balanceOf(provider)


def test_the_pool_keeps_what_its_positions_demand(world, counterparty, counter_account, provider, stranger):
    """Nobody leaves below the requirement."""
    world.execute(counterparty, trade_perp(counter_account, ETH, 500 * SIZE))
    assert world.pool.requirement() > 0
    world.pool.requestRedeem(world.pool.balanceOf(provider), provider, {"from": provider})
    due(world)
    tx = world.pool.execute([world.pool.requestCount()], {"from": stranger})
    assert only(tx, "RequestPassedOver")["reason"] in (CASH, REQUIREMENT)


def test_in_and_out_earns_nothing(world, trader, stranger, request_deposit):
    """Rounding is the pool's."""
    due(world)
    world.pool.execute([world.pool.requestCount()], {"from": stranger})
    world.pool.requestRedeem(world.pool.balanceOf(trader), trader, {"from": trader})
    due(world)
    tx = world.pool.execute([world.pool.requestCount()], {"from": stranger})
    assert AMOUNT - 1 <= only(tx, "RedeemExecuted")["assets"] <= AMOUNT


def test_a_request_is_irrevocable(world, trader, stranger, request_deposit):
    """For thirty days; then it goes back to its controller."""
    number = only(request_deposit, "DepositRequested")["id"]
    with reverts("ReclaimTooEarly", number, ANY):
        world.pool.reclaim(number, {"from": trader})
    world.later(30 * 24 * HOUR)
    tx = world.pool.reclaim(number, {"from": stranger})
    assert {"id": number, "controller": trader} == only(tx, "RequestReclaimed")
    assert world.pool.claimable(trader) == AMOUNT
    wallet = world.tokens[QUOTE].balanceOf(trader)
    world.pool.claim(trader, {"from": stranger})
    assert wallet + AMOUNT == world.tokens[QUOTE].balanceOf(trader)


def test_an_unknown_request_is_not_reclaimed(world, trader):
    """Nor one that never was."""
    with reverts("RequestUnknown", 77):
        world.pool.reclaim(77, {"from": trader})


def test_nothing_to_claim(world, stranger):
    """Says for whom."""
    with reverts("NothingToClaim", stranger):
        world.pool.claim(stranger, {"from": stranger})


@pytest.mark.parametrize(("delay", "window"), [(HOUR, 299), (10**6, 86_401), (HOUR - 1, HOUR), (7 * 86_400 + 1, HOUR)])
def test_timing_out_of_bounds(world, deployer, delay, window):
    """A window of five minutes to a day; a delay no shorter than it and at most a week."""
    with reverts("TimingOutOfBounds", delay, window):
        world.pool.setTiming(delay, window, {"from": deployer})


def test_new_timing_is_for_new_requests(world, deployer, request_deposit):
    """What was asked before keeps its time."""
    number = only(request_deposit, "DepositRequested")["id"]
    tx = world.pool.setTiming(24 * HOUR, HOUR, {"from": deployer})
    assert only(tx, "TimingSet") == {"delay": 24 * HOUR, "window": HOUR}
    assert request_deposit.timestamp + HOUR == world.pool.request(number)[2]


@pytest.mark.parametrize("change", [-100, 100])
def test_the_pools_value_is_the_traders_loss(world, trader, account, change):
    """Their profit lowers it, their loss raises it."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    before = world.pool.totalAssets()
    world.post({ETH_FEED: (3000 + change) * PRICE})
    assert abs(before - 10 * change * USDC - world.pool.totalAssets()) <= USDC // 100


def test_observing_sets_an_anchor(world, stranger):
    """Anyone looks."""
    world.post({ETH_FEED: 3010 * PRICE})
    tx = world.pool.observe({"from": stranger})
    assert next((event["price"], event["moved"]) for event in every(tx, "AnchorSet") if event["market"] == ETH) == (
        3010 * PRICE,
        False,
    )
    assert world.pool.anchor(ETH)[0] == 3010 * PRICE


def test_close_out_discounts_the_premium(world, trader, account):
    """What all would be paid back if they closed at index is not the pool's."""
    world.execute(trader, trade_perp(account, ETH, 60 * SIZE))
    equity, close_out = world.engine.poolEquity()
    skew = 60 * SIZE
    assert -(-(3000 * PRICE) * skew**2 // (2 * 10**6 * SIZE)) == equity - close_out
    assert close_out // (WAD // USDC) == world.pool.totalAssets()
