"""Who pays for a bankrupt account when insurance does not; deleverage; the end of a market."""

import pytest
from helpers import ANY, every, only, reverts
from world import ETH, ETH_FEED, QUOTE, SIZE, UNIT, USDC, WAD

from plimsoll.actions import lend, liquidate, settle, trade_perp
from plimsoll.prices import PRICE

MINUTE = 60


@pytest.fixture
def winner(world, counterparty, counter_account):
    """Long 100 ETH on 100,000."""
    world.execute(counterparty, trade_perp(counter_account, ETH, 100 * SIZE))
    return counter_account


@pytest.fixture
def loser(world, deployer, trader, account, winner):
    """Short 60 ETH on 10,000, across the winner; no insurance, nothing of the pool's."""
    world.execute(trader, trade_perp(account, ETH, -60 * SIZE))
    world.config.setInsuranceCap(ETH, 0, {"from": deployer})
    world.set_trade(ETH, allocation=0, move=1, gap=1)
    return account


def stages(tx):
    """What the waterfall says it took, WAD."""
    recognised = sum(event["deficit"] - event["insured"] for event in every(tx, "LossRecognised"))
    pool = sum(event["amount"] + event["beyond"] for event in every(tx, "PoolPaid"))
    side = sum(event["amount"] for event in every(tx, "SideCharged"))
    lenders = sum(event["amount"] for event in every(tx, "LendersLost")) * UNIT
    return recognised, pool, side, lenders


@pytest.mark.parametrize("rise", [200, 260])
def test_the_winning_side_pays_what_the_pool_may_not(world, keeper, keeper_account, winner, loser, rise):
    """Through one record of the market; the winner meets it whenever he is looked at."""
    world.post({ETH_FEED: (3000 + rise) * PRICE})
    deficit, before = -world.assess(loser).equity, world.assess(winner).equity
    mine = world.assess(keeper_account).equity
    assert deficit > 0
    tx = world.execute(keeper, liquidate(keeper_account, loser))
    recognised, pool, side, lenders = stages(tx)
    assert recognised == pool + side + lenders
    assert abs(recognised - deficit) < WAD
    assert only(tx, "SideCharged")["epoch"] == 1
    assert abs(before - side - world.assess(winner).equity) < 10**16
    assert abs(mine - world.assess(keeper_account).equity) < 10**16
    tx = world.execute(keeper, settle(ETH, [winner]))
    assert winner in [event["account"] for event in every(tx, "Settled")]
    assert abs(before - side - world.assess(winner).equity) < 10**16


def test_the_pool_pays_within_its_allocation(world, keeper, keeper_account, winner, loser):
    """With room for it nobody else is asked."""
    world.set_trade(ETH, allocation=1500)
    world.post({ETH_FEED: 3200 * PRICE})
    pool = world.engine.poolEquity()[0]
    tx = world.execute(keeper, liquidate(keeper_account, loser))
    recognised, paid, side, lenders = stages(tx)
    assert (paid, side, lenders) == (recognised, 0, 0)
    assert abs(pool - paid - world.engine.poolEquity()[0]) < 10**16


def test_equity_of_all_is_conserved(world, sponsor, keeper, keeper_account, winner, loser):
    """Whoever pays: nothing is created, and dust stays inside."""
    lender = world.account(sponsor)
    world.fund(sponsor, lender, 1000 * USDC)
    world.execute(sponsor, lend(lender, QUOTE, 1000 * USDC))
    accounts = (winner, loser, keeper_account, lender, world.insurance)

    def total():
        return sum(world.assess(one).equity for one in accounts) + world.engine.poolEquity()[0]

    world.post({ETH_FEED: 3260 * PRICE})
    before = total()
    world.execute(keeper, liquidate(keeper_account, loser), settle(ETH, [winner]))
    assert -2 * UNIT < total() - before <= UNIT
    assert world.surplus(QUOTE) >= 0


# -------------------------------------------------------------------- deleverage


def test_a_market_within_its_allocation_is_not_deleveraged(world, stranger, winner):
    """Anyone may try."""
    with reverts("NothingToDeleverage", ETH, ANY, ANY):
        world.engine.deleverage(ETH, {"from": stranger})


def test_the_heavy_side_shrinks_at_index(world, stranger, counterparty, winner):
    """Beyond the allocation; nobody's equity changes."""
    world.post({ETH_FEED: 3300 * PRICE})
    world.set_trade(ETH, allocation=1)
    world.post()
    before = world.assess(winner)
    tx = world.engine.deleverage(ETH, {"from": stranger})
    told = only(tx, "Deleveraged")
    assert told["long"] and told["from"] == 100 * SIZE > told["to"]
    after = world.assess(winner)
    assert abs(before.equity - after.equity) < 10**16
    assert after.mm < before.mm
    assert world.position(winner)[0] < 100 * SIZE


# -------------------------------------------------------------------- the end of a market


def test_only_risk_closes_a_market(world, stranger):
    """Nobody else."""
    with reverts("AccessManagedUnauthorized", stranger):
        world.engine.closeMarket(ETH, {"from": stranger})


def test_a_closing_market_only_reduces(world, deployer, counterparty, winner):
    """Until its price is final."""
    world.engine.closeMarket(ETH, {"from": deployer})
    with reverts("MarketNotAllowed", winner, ETH):
        world.execute(counterparty, trade_perp(winner, ETH, SIZE))
    world.execute(counterparty, trade_perp(winner, ETH, -SIZE))
    assert world.position(winner)[0] == 99 * SIZE


def test_anyone_settles_at_the_final_price(world, deployer, stranger, counterparty, winner):
    """The mean of an hour; what the feed says later is nobody's PnL."""
    world.engine.closeMarket(ETH, {"from": deployer})
    for number in range(12):
        world.later(5 * MINUTE - 1)
        world.post({ETH_FEED: (3040 + 20 * (number % 2)) * PRICE})
        tx = world.engine.observeClose(ETH, {"from": stranger})
    final = only(tx, "MarketFinal")["price"]
    assert abs(final - 3050 * PRICE) < PRICE
    held, cost = world.held(winner), world.position(winner)[1]
    world.post({ETH_FEED: 5000 * PRICE})
    with reverts("MarketClosed", ETH, final):
        world.execute(counterparty, trade_perp(winner, ETH, -SIZE))
    world.execute(stranger, settle(ETH, [winner]))
    assert world.position(winner) == (0, 0)
    # Funding of the hour comes off.
    assert 0 <= held + (100 * SIZE * final - cost) // UNIT - world.held(winner) < 100 * USDC
