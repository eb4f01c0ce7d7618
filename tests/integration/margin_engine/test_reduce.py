"""MarginEngine: trades that reduce, closing, and reducing batches."""

import pytest
from helpers import ANY, every, only, reverts
from world import BTC, DAY, ETH, ETH_FEED, HOUR, QUOTE, SIZE, UNIT, USDC, WAD, WETH

from plimsoll.actions import call, deposit, liquidate, margin_call, settle, trade_perp, transfer, withdraw
from plimsoll.prices import PRICE


@pytest.fixture
def long(world, trader, account):
    """Long 20 ETH on 10,000."""
    world.execute(trader, trade_perp(account, ETH, 20 * SIZE))
    return account


@pytest.fixture
def short(world, trader, account):
    """Short 20 ETH on 10,000."""
    world.execute(trader, trade_perp(account, ETH, -20 * SIZE))
    return account


# -------------------------------------------------------------------- reducing batches


@pytest.mark.parametrize(
    "action",
    [
        lambda a, b, me: withdraw(a, QUOTE, 1, me),
        lambda a, b, me: transfer(a, b, QUOTE, 1),
        lambda a, b, me: liquidate(a, b),
        lambda a, b, me: call(a, QUOTE, 1, WETH, 0, me, b""),
    ],
    ids=["withdraw", "transfer", "liquidate", "call"],
)
def test_nothing_leaves_in_a_reducing_batch(world, trader, long, action):
    """Old prices may assess it, so nothing may go out in it, or come in at a price."""
    order = action(long, world.account(trader, 1), trader.address)
    with reverts("RiskInReducingBatch", long, order[0]):
        world.execute(trader, order, reducing=True)


@pytest.mark.parametrize("size", [1, SIZE, -41 * SIZE])
def test_no_new_risk_in_a_reducing_batch(world, trader, long, size):
    """Neither more of it nor the other side of it."""
    with reverts("RiskInReducingBatch", long, 3):
        world.execute(trader, trade_perp(long, ETH, size), reducing=True)


def test_no_other_market_in_a_reducing_batch(world, trader, long):
    """A hedge in another market is new risk."""
    with reverts("RiskInReducingBatch", long, 3):
        world.execute(trader, trade_perp(long, BTC, -SIZE // 100), reducing=True)


@pytest.mark.parametrize("age", [61, 600, HOUR - 10])
def test_reducing_works_with_an_older_price(world, trader, long, age):
    """A price too old for new risk still lets people out, at its wider spread."""
    world.later(age)
    before = world.snapshot()
    tx = world.execute(trader, trade_perp(long, ETH, -10 * SIZE), reducing=True)
    assert world.fill(before, tx, ETH, -10 * SIZE).cost == only(tx, "Traded")["cost"]
    assert world.position(long)[0] == 10 * SIZE


def test_but_not_with_one_over_an_hour_old(world, trader, long):
    """Beyond an hour nobody knows the price."""
    world.later(HOUR + 1)
    with reverts("PriceUnusable", ETH_FEED, ANY, 0):
        world.execute(trader, trade_perp(long, ETH, -10 * SIZE), reducing=True)


def test_a_restricted_account_reduces(world, trader, long):
    """Below IM an account may still come down."""
    world.bring_to(long, world.assess(long).mm + 100 * WAD)
    a = world.assess(long)
    assert a.mm < a.equity < a.im
    world.execute(trader, trade_perp(long, ETH, -10 * SIZE), reducing=True)
    after = world.assess(long)
    assert after.equity - after.im > a.equity - a.im


def test_without_the_flag_it_must_end_above_im(world, trader, long):
    """The same trade as an ordinary batch is held to IM."""
    world.bring_to(long, world.assess(long).mm + 100 * WAD)
    with reverts("BelowInitialMargin", long, ANY, ANY):
        world.execute(trader, trade_perp(long, ETH, -SIZE))


def test_a_reduction_that_leaves_less_is_refused(world, trader, account):
    """At the margin floor a slice frees nothing, so its cost makes the account worse."""
    small = world.account(trader, 6)
    world.fund(trader, small, 50 * USDC)
    world.execute(trader, trade_perp(small, ETH, SIZE // 20))
    with reverts("NotReducing", small, ANY, ANY):
        world.execute(trader, trade_perp(small, ETH, -SIZE // 1000), reducing=True)
    world.execute(trader, trade_perp(small, ETH, -SIZE // 20), reducing=True)
    assert world.position(small) == (0, 0)


def test_deposit_and_settle_in_a_reducing_batch(world, trader, long):
    """What only helps is welcome at any price."""
    world.later(30 * 60)
    held = world.held(long)
    world.execute(
        trader, deposit(long, QUOTE, USDC), trade_perp(long, ETH, -15 * SIZE), settle(ETH, [long]), reducing=True
    )
    assert world.position(long)[0] == 5 * SIZE
    assert held + USDC != world.held(long)


def test_a_margin_call_may_be_part_of_it(world, trader, long, counterparty, counter_account):
    """MarginCall moves a bounty by rule, not at a price of the caller's."""
    world.execute(counterparty, trade_perp(counter_account, ETH, SIZE))
    with reverts("AccountHealthy", long, ANY, ANY):
        world.execute(counterparty, margin_call(counter_account, long), reducing=True)


# -------------------------------------------------------------------- closing


@pytest.mark.parametrize("part", [1, SIZE, 19 * SIZE])
def test_a_part_is_closed(world, trader, long, part):
    """Size goes down; cost follows by the fill; nothing is realised yet."""
    cost = world.position(long)[1]
    tx = world.execute(trader, trade_perp(long, ETH, -part))
    size, left = world.position(long)
    assert 20 * SIZE - part == size
    index = world.market_words(ETH).state.funding_index
    assert cost + only(tx, "Traded")["cost"] + part * index == left
    assert "Settled" not in tx.events


@pytest.mark.parametrize("change", [-100, 0, 100])
def test_closing_a_long_realises(world, trader, long, change):
    """Profit comes from the pool, loss goes to it, in whole units of the token."""
    world.post({ETH_FEED: (3000 + change) * PRICE})
    held, cash = world.held(long), world.held(world.pool_account)
    tx = world.execute(trader, trade_perp(long, ETH, -20 * SIZE))
    realised = only(tx, "Settled")["realised"]
    assert world.position(long) == (0, 0)
    assert realised % UNIT == 0
    assert held + realised // UNIT == world.held(long)
    assert cash - realised // UNIT == world.held(world.pool_account)
    assert abs(realised - 20 * change * WAD) < 200 * WAD  # costs of the round trip


@pytest.mark.parametrize("change", [-100, 0, 100])
def test_closing_a_short_realises(world, trader, short, change):
    """The same for the other side."""
    world.post({ETH_FEED: (3000 + change) * PRICE})
    tx = world.execute(trader, trade_perp(short, ETH, 20 * SIZE))
    realised = only(tx, "Settled")["realised"]
    assert world.position(short) == (0, 0)
    assert abs(realised + 20 * change * WAD) < 200 * WAD


def test_closing_everything_empties_the_market(world, trader, long):
    """Sums return to zero, and the contribution to the pool with them."""
    world.execute(trader, trade_perp(long, ETH, -20 * SIZE))
    market = world.market_words(ETH)
    assert (market.state.open_interest, market.costs.long_cost, market.costs.contribution) == (0, 0, 0)
    assert world.header(long).markets == 0


def test_a_loss_beyond_the_cash_stays_owed(world, trader, account):
    """Collateral in WETH pays no loss by itself: the position keeps its cost at size zero."""
    rich = world.account(trader, 4)
    world.execute(trader, deposit(rich, WETH, 20 * 10**18), trade_perp(rich, BTC, SIZE))
    world.post({2: 58_000 * PRICE})
    world.execute(trader, trade_perp(rich, BTC, -SIZE), reducing=True)
    size, cost = world.position(rich, BTC)
    assert 0 == size < cost
    assert 2000 * WAD < cost < 2300 * WAD
    assert world.header(rich).markets == 1 << BTC
    a = world.assess(rich)
    assert a.mm > 0 and a.equity == 60_000 * WAD - cost


def test_a_debt_is_paid_by_the_next_settlement(world, trader, account):
    """A deposit and Settle clear what was owed."""
    rich = world.account(trader, 4)
    world.execute(trader, deposit(rich, WETH, 20 * 10**18), trade_perp(rich, BTC, SIZE))
    world.post({2: 58_000 * PRICE})
    world.execute(trader, trade_perp(rich, BTC, -SIZE), reducing=True)
    owed = world.position(rich, BTC)[1]
    tx = world.execute(trader, deposit(rich, QUOTE, 5000 * USDC), settle(BTC, [rich]))
    assert -(-owed // UNIT) * UNIT == -only(tx, "Settled")["realised"]
    assert world.position(rich, BTC) == (0, 0)


def test_a_close_during_a_pause(world, deployer, trader, long):
    """A pause forbids new risk only."""
    world.engine.pauseRisk(world.now + DAY, {"from": deployer})
    world.execute(trader, trade_perp(long, ETH, -20 * SIZE))
    assert world.position(long) == (0, 0)


def test_a_close_at_a_disputed_price(world, deployer, trader, long):
    """Reducing at a doubtful price is allowed in a reducing batch, closing altogether in any."""
    world.router.dispute(ETH_FEED, world.now + HOUR, {"from": deployer})
    world.execute(trader, trade_perp(long, ETH, -5 * SIZE), reducing=True)
    world.execute(trader, trade_perp(long, ETH, -15 * SIZE))
    assert world.position(long) == (0, 0)


def test_a_close_beyond_every_cap(world, trader, long):
    """A fill that lowers skew and open interest passes whatever the limits."""
    world.set_trade(ETH, max_skew=SIZE, max_oi=SIZE, allocation=0)
    world.execute(trader, trade_perp(long, ETH, -10 * SIZE))
    assert world.position(long)[0] == 10 * SIZE


def test_events_tell_the_whole_close(world, trader, long):
    """Accrual, fill, position, cash: everything that changed is in the log."""
    tx = world.execute(trader, trade_perp(long, ETH, -20 * SIZE))
    assert {"account": long, "market": ETH, "size": 0, "cost": 0} == only(tx, "PositionChanged")
    assert {world.pool_account, long} == {event["account"] for event in every(tx, "HeldChanged")}
    assert [long] == [event["account"] for event in every(tx, "Settled")]
