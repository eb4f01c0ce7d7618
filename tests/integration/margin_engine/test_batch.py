"""MarginEngine: batches as such, the pause, the lock, refreshPool."""

import pytest
from helpers import ANY, every, only, reverts, stored_prices
from world import BTC, DAY, ETH, ETH_FEED, HOUR, QUOTE, SIZE, SOL, UNIT, USDC, WAD

from plimsoll.actions import deposit, trade_perp, transfer, withdraw
from plimsoll.prices import PRICE


@pytest.mark.parametrize("kind", [15, 16, 255])
def test_an_unknown_action(world, trader, account, kind):
    """A code that means nothing stops the batch."""
    with reverts("UnknownAction", kind):
        world.execute(trader, (kind, account, b""))


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12])
def test_data_that_cannot_be_decoded(world, trader, account, kind):
    """Too few bytes: nothing happens at all."""
    before = world.held(account)
    with pytest.raises(Exception, match="revert"):
        world.execute(trader, deposit(account, QUOTE, USDC), (kind, account, b"\x01"))
    assert before == world.held(account)


def test_all_or_nothing(world, trader, account):
    """The last action's failure undoes the first."""
    before = world.held(account), world.tokens[QUOTE].balanceOf(trader)
    with reverts("UnknownMarket", 9):
        world.execute(trader, deposit(account, QUOTE, 5 * USDC), trade_perp(account, 9, SIZE))
    assert before == (world.held(account), world.tokens[QUOTE].balanceOf(trader))


def test_an_empty_batch_only_brings_prices(world, stranger):
    """Anyone may post prices through the door."""
    tx = world.execute(stranger, prices=world.report({ETH_FEED: 3001 * PRICE}))
    assert len(stored_prices(tx)) == 5
    assert world.snapshot().prices[ETH_FEED].value == 3001 * PRICE


def test_a_bad_prologue_stops_everything(world, trader, account):
    """Prices that are not signed are no prices."""
    prices = world.report(signers=[])
    with reverts("QuorumNotReached", 0, 2):
        world.execute(trader, deposit(account, QUOTE, USDC), prices=prices)


@pytest.mark.parametrize("count", [1, 5, 20])
def test_many_actions(world, trader, account, count):
    """Each is applied once, in order."""
    before = world.held(account)
    tx = world.execute(trader, *(deposit(account, QUOTE, n + 1) for n in range(count)))
    assert list(range(1, count + 1)) == [event["amount"] for event in every(tx, "Deposited")]
    assert before + count * (count + 1) // 2 == world.held(account)


def test_the_check_is_at_the_end(world, trader, account):
    """Trade first, deposit later: only the end counts."""
    small = world.account(trader, 1)
    world.execute(trader, trade_perp(small, ETH, SIZE), deposit(small, QUOTE, 1000 * USDC))
    assert world.position(small)[0] == SIZE


def test_every_touched_account_is_checked(world, trader, account):
    """One account's weakness is not covered by another's strength."""
    weak = world.account(trader, 1)
    with reverts("BelowInitialMargin", weak, ANY, ANY):
        world.execute(trader, trade_perp(account, ETH, SIZE), trade_perp(weak, ETH, SIZE))


def test_several_accounts_of_one_owner(world, trader, account):
    """Money and positions in one transaction."""
    isolated = world.account(trader, market=SOL)
    world.execute(
        trader,
        transfer(account, isolated, QUOTE, 2000 * USDC),
        trade_perp(isolated, SOL, 100 * SIZE),
        trade_perp(account, BTC, SIZE // 10),
        withdraw(account, QUOTE, 100 * USDC, trader.address),
    )
    assert (world.position(isolated, SOL)[0], world.position(account, BTC)[0]) == (100 * SIZE, SIZE // 10)


# -------------------------------------------------------------------- pause


@pytest.mark.parametrize("days", [4, 30])
def test_no_pause_beyond_three_days(world, deployer, days):
    """The guardian buys time, no more."""
    with reverts("NewRiskPaused", ANY):
        world.engine.pauseRisk(world.now + days * DAY, {"from": deployer})


def test_a_stranger_pauses_nothing(world, stranger):
    """The guardian's alone."""
    with reverts("AccessManagedUnauthorized", stranger):
        world.engine.pauseRisk(world.now + HOUR, {"from": stranger})


@pytest.mark.parametrize("size", [SIZE, -SIZE])
def test_new_risk_during_a_pause(world, deployer, trader, account, size):
    """Neither side opens."""
    until = world.now + DAY
    tx = world.engine.pauseRisk(until, {"from": deployer})
    assert until == only(tx, "RiskPaused")["until"]
    with reverts("NewRiskPaused", until):
        world.execute(trader, trade_perp(account, ETH, size))


def test_money_moves_during_a_pause(world, deployer, trader, account):
    """Deposits and withdrawals are nobody's new risk."""
    world.engine.pauseRisk(world.now + DAY, {"from": deployer})
    world.execute(trader, deposit(account, QUOTE, USDC), withdraw(account, QUOTE, 2 * USDC, trader.address))
    assert world.held(account) == 9999 * USDC


def test_a_pause_ends_by_itself(world, deployer, trader, account):
    """At its time, without anyone."""
    world.engine.pauseRisk(world.now + HOUR, {"from": deployer})
    world.later(HOUR)
    world.post()
    world.execute(trader, trade_perp(account, ETH, SIZE))
    assert world.position(account)[0] == SIZE


def test_a_pause_can_be_ended(world, deployer, trader, account):
    """By the guardian, with any time that has passed."""
    world.engine.pauseRisk(world.now + HOUR, {"from": deployer})
    world.engine.pauseRisk(0, {"from": deployer})
    world.execute(trader, trade_perp(account, ETH, SIZE))
    assert world.position(account)[0] == SIZE


# -------------------------------------------------------------------- the pool's books


def test_refreshing_an_unknown_market(world, stranger):
    """There is nothing to refresh."""
    with reverts("UnknownMarket", 9):
        world.engine.refreshPool([9], {"from": stranger})


@pytest.mark.parametrize("change", [-100, 100])
def test_refreshing_brings_the_contribution_to_the_price(world, trader, stranger, account, change):
    """Anyone does it: the pool's PnL in the market is the opposite of the traders'."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    world.post({ETH_FEED: (3000 + change) * PRICE})
    old = world.market_words(ETH).costs.contribution
    tx = world.engine.refreshPool([ETH], {"from": stranger})
    new = only(tx, "PoolContribution")["contribution"]
    assert new == world.market_words(ETH).costs.contribution
    assert abs(new - old + 10 * change * 10**6) <= 2


def test_pool_equity_needs_no_refresh(world, trader, account):
    """The view takes every market at its last price."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    before = world.engine.poolEquity()[0]
    world.post({ETH_FEED: 3100 * PRICE})
    assert abs(before - 1000 * WAD - world.engine.poolEquity()[0]) < 10**16


def test_equity_of_all_is_conserved(world, trader, account, counterparty, counter_account):
    """What one gains another loses, the pool included; rounding stays inside."""
    accounts = (account, counter_account)

    def total():
        return sum(world.assess(one).equity for one in accounts) + world.engine.poolEquity()[0]

    before = total()
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    world.execute(counterparty, trade_perp(counter_account, ETH, -70 * SIZE))
    world.post({ETH_FEED: 2890 * PRICE})
    world.execute(trader, trade_perp(account, ETH, -10 * SIZE))
    assert abs(before - total()) < UNIT
