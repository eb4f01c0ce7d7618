"""MarginEngine: TradePerp, when it opens or adds."""

import pytest
from helpers import ANY, every, only, reverts, stored_prices
from world import BTC, ETH, ETH_FEED, HOUR, LINK, QUOTE, SIZE, SOL, UNIT, USDC, WAD, XRP

from plimsoll.actions import deposit, trade_perp, withdraw
from plimsoll.prices import PRICE

MARKETS = [ETH, BTC, SOL, XRP, LINK]
SMALL = {ETH: SIZE, BTC: SIZE // 20, SOL: 20 * SIZE, XRP: 150 * SIZE, LINK: 200 * SIZE}  # some 3,000 each


@pytest.mark.parametrize("market", [5, 63, 64, 2**200])
def test_an_unknown_market(world, trader, account, market):
    """Only listed markets trade."""
    with reverts("UnknownMarket", market):
        world.execute(trader, trade_perp(account, market, SIZE))


def test_a_size_of_zero(world, trader, account):
    """An order for nothing is a mistake."""
    with reverts("ZeroAmount"):
        world.execute(trader, trade_perp(account, ETH, 0))


@pytest.mark.parametrize("late", [1, 60, HOUR])
def test_an_expired_order(world, trader, account, late):
    """A deadline that has passed is named with the time it is."""
    deadline = world.now - late
    with reverts("OrderExpired", deadline, ANY):
        world.execute(trader, trade_perp(account, ETH, SIZE, deadline=deadline))


def test_only_owner_or_operator(world, stranger, account):
    """A stranger trades for nobody."""
    with reverts("NotAuthorized", account, stranger):
        world.execute(stranger, trade_perp(account, ETH, SIZE))


@pytest.mark.parametrize(
    ("size", "limit"), [(SIZE, 3000 * PRICE), (-SIZE, 3000 * PRICE), (SIZE, 1), (-SIZE, 9999 * PRICE)]
)
def test_a_fill_worse_than_the_limit(world, trader, account, size, limit):
    """Premium and spread make the index itself unreachable."""
    with reverts("LimitPriceExceeded", ETH, ANY, size * limit):
        world.execute(trader, trade_perp(account, ETH, size, limit_price=limit))


@pytest.mark.parametrize("size", [100 * SIZE, -100 * SIZE])
def test_beyond_the_initial_margin(world, trader, account, size):
    """300,000 of notional on 10,000 is too much."""
    with reverts("BelowInitialMargin", account, ANY, ANY):
        world.execute(trader, trade_perp(account, ETH, size))


def test_an_account_with_nothing(world, stranger):
    """No margin, no position."""
    account = world.account(stranger)
    with reverts("BelowInitialMargin", account, ANY, 15 * WAD):
        world.execute(stranger, trade_perp(account, ETH, SIZE // 1000))


@pytest.mark.parametrize("market", [ETH, BTC])
def test_another_market_in_an_isolated_account(world, trader, market):
    """The market is part of the id."""
    isolated = world.account(trader, market=SOL)
    world.fund(trader, isolated, 5000 * USDC)
    with reverts("MarketNotAllowed", isolated, market):
        world.execute(trader, trade_perp(isolated, market, SMALL[market]))


@pytest.mark.parametrize("age", [61, 600, 2 * HOUR])
def test_a_stale_price_opens_nothing(world, trader, account, age):
    """New risk needs a price of at most a minute."""
    world.later(age)
    with reverts("PriceUnusable", ETH_FEED, ANY, 0):
        world.execute(trader, trade_perp(account, ETH, SIZE))


def test_a_doubted_price_opens_nothing(world, trader, account):
    """A report too wide to be good leaves its status."""
    world.post({}, confidence=30_000)
    with reverts("PriceUnusable", ETH_FEED, ANY, 1):
        world.execute(trader, trade_perp(account, ETH, SIZE))


def test_a_disputed_feed_opens_nothing(world, deployer, trader, account):
    """What the guardian doubts does not trade."""
    world.router.dispute(ETH_FEED, world.now + HOUR, {"from": deployer})
    with reverts("PriceUnusable", ETH_FEED, ANY, 0):
        world.execute(trader, trade_perp(account, ETH, SIZE))


def test_the_skew_cap(world, counterparty, counter_account):
    """One-sided size ends at the cap."""
    world.set_trade(ETH, max_skew=30 * SIZE)
    world.execute(counterparty, trade_perp(counter_account, ETH, 30 * SIZE))
    with reverts("SkewCapExceeded", ETH, 30 * SIZE + 1, 30 * SIZE):
        world.execute(counterparty, trade_perp(counter_account, ETH, 1))


def test_the_open_interest_cap(world, trader, account, counterparty, counter_account):
    """Both sides together end at the cap, though the skew is zero."""
    world.set_trade(ETH, max_skew=20 * SIZE, max_oi=30 * SIZE)
    world.execute(counterparty, trade_perp(counter_account, ETH, 16 * SIZE))
    with reverts("OpenInterestCapExceeded", ETH, 32 * SIZE, 30 * SIZE):
        world.execute(trader, trade_perp(account, ETH, -16 * SIZE))


def test_the_pools_allocation(world, counterparty, counter_account):
    """A market may lose in one move no more than its share of the pool."""
    world.set_trade(ETH, allocation=1, move=2000)
    world.execute(counterparty, trade_perp(counter_account, ETH, SIZE))
    world.set_trade(ETH, allocation=0)
    with reverts("AllocationExceeded", ETH, 2 * 3000 * WAD * 2000 // 10_000, 0):
        world.execute(counterparty, trade_perp(counter_account, ETH, SIZE))


def test_the_gap_that_pool_and_insurance_cover(world, trader, account, deployer):
    """Open interest is bounded by what a gap of it may cost."""
    # 10,100,000 at a gap of 100 %; a move of 1 bp keeps the pool's skew allocation out of the way.
    world.set_trade(ETH, gap=10_000, move=1)
    rich = world.account(deployer)
    world.equip(deployer, QUOTE, 2_000_000 * USDC)
    world.fund(deployer, rich, 2_000_000 * USDC)
    with reverts("GapLimitExceeded", ETH, 3400 * 3000 * WAD, ANY):
        world.execute(deployer, trade_perp(rich, ETH, 3400 * SIZE))
    world.execute(deployer, trade_perp(rich, ETH, 3300 * SIZE))
    assert world.position(rich)[0] == 3300 * SIZE


def test_a_reduce_only_market(world, deployer, trader, account):
    """A market that is being closed takes no new risk."""
    risk = ((250, 350, 500), (500, 700, 1000), 5000, 20_000, 1, 60, 10_000, 9_000_000, 2000, True, 0, 0)
    world.config.setMarketRisk(ETH, risk, {"from": deployer})
    with reverts("MarketNotAllowed", account, ETH):
        world.execute(trader, trade_perp(account, ETH, SIZE))


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("side", [1, -1], ids=["buy", "sell"])
def test_a_fill_costs_what_the_twin_says(world, trader, account, market, side):
    """Index, premium, spread and fee, to the wei; nothing of it moves cash."""
    size, before = side * SMALL[market], world.snapshot()
    tx = world.execute(trader, trade_perp(account, market, size))
    expected = world.fill(before, tx, market, size)
    assert {
        "account": account,
        "market": market,
        "size": size,
        "index": world.prices[market + 1],
        "cost": expected.cost,
        "fee": expected.fee,
    } == only(tx, "Traded")
    assert (size, expected.cost) == world.position(account, market)  # the first of its market: no funding yet
    assert world.held(account) == 10_000 * USDC


@pytest.mark.parametrize("market", MARKETS)
def test_a_fill_enters_the_markets_sums(world, trader, account, market):
    """Long size, cost and the pool's contribution follow."""
    size = SMALL[market]
    tx = world.execute(trader, trade_perp(account, market, size))
    after, cost = world.market_words(market), world.position(account, market)[1]
    assert (size, 0) == (after.state.long_size, after.state.short_size)
    assert (cost, 0) == (after.costs.long_cost, after.costs.short_cost)
    contribution = (cost - size * world.prices[market + 1]) // 10**12
    assert contribution == after.costs.contribution == only(tx, "PoolContribution")["contribution"]
    assert contribution > 0


@pytest.mark.parametrize("size", [SIZE, -SIZE])
def test_a_limit_a_tenth_of_a_percent_away_is_reached(world, trader, account, size):
    """Premium and spread of a small order at a fresh price are less than that."""
    limit = 3003 * PRICE if size > 0 else 2997 * PRICE
    world.execute(trader, trade_perp(account, ETH, size, limit_price=limit))
    assert size == world.position(account)[0]


@pytest.mark.parametrize("parts", [2, 5, 10])
def test_splitting_an_order_never_pays(world, trader, account, parts):
    """The same size in parts costs at least as much (S-5)."""
    size, prices = 10 * SIZE, world.report()
    before = world.snapshot()
    tx = world.execute(trader, *[trade_perp(account, ETH, size // parts)] * parts, prices=prices)
    before.prices.update(world.snapshot().prices)
    whole = world.fill(before, tx, ETH, size).cost
    in_parts = sum(event["cost"] for event in every(tx, "Traded"))
    assert whole <= in_parts < whole + parts * 10**12


def test_a_balancing_trade_pays_the_maker_fee(world, trader, account, counterparty, counter_account):
    """Bringing the skew toward zero is cheaper, and earns the premium."""
    world.execute(counterparty, trade_perp(counter_account, ETH, 30 * SIZE))
    before = world.snapshot()
    tx = world.execute(trader, trade_perp(account, ETH, -10 * SIZE))
    expected = world.fill(before, tx, ETH, -10 * SIZE)
    traded = only(tx, "Traded")
    assert (expected.cost, expected.fee) == (traded["cost"], traded["fee"])
    assert traded["fee"] == 10 * 3000 * WAD * 100 // 10**6
    assert expected.premium < 0


@pytest.mark.parametrize("seconds", [1, 30, 55])
def test_the_spread_grows_with_the_prices_age(world, trader, account, seconds):
    """Who trades on an older price pays for what he may know better."""
    fresh = world.execute(trader, trade_perp(account, ETH, SIZE), prices=world.report())
    world.execute(trader, trade_perp(account, ETH, -SIZE))
    world.post()
    world.later(seconds)
    before = world.snapshot()
    aged = world.execute(trader, trade_perp(account, ETH, SIZE))
    assert world.fill(before, aged, ETH, SIZE).cost == only(aged, "Traded")["cost"]
    assert only(aged, "Traded")["cost"] >= only(fresh, "Traded")["cost"]


def test_the_order_trades_at_the_price_it_brings(world, trader, account):
    """The prologue is stored before the first action."""
    tx = world.execute(trader, trade_perp(account, ETH, SIZE), prices=world.report({ETH_FEED: 3100 * PRICE}))
    assert [entry.feed for entry in stored_prices(tx)] == [1, 2, 3, 4, 5]
    assert 3100 * PRICE == stored_prices(tx)[0].value == only(tx, "Traded")["index"]


@pytest.mark.parametrize("leverage", [5, 10, 19])
def test_leverage_up_to_twenty(world, trader, account, leverage):
    """10,000 carries up to 200,000 less costs."""
    size = leverage * 10_000 * SIZE // 3000
    world.execute(trader, trade_perp(account, ETH, size))
    a = world.assess(account)
    assert size * 3000 * PRICE == a.notional
    assert a.im <= a.equity < 10_000 * WAD


@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_markets_in_one_account(world, trader, account, count):
    """Requirements add up, exposures are listed in the header."""
    orders = [trade_perp(account, market, SMALL[market]) for market in range(count)]
    world.execute(trader, *orders)
    assert (1 << count) - 1 == world.header(account).markets
    assert sum(SMALL[m] * world.prices[m + 1] for m in range(count)) == world.assess(account).notional


def test_funding_is_paid_by_the_larger_side(world, trader, account):
    """A lone long pays as time passes; the market says so when it accrues."""
    world.execute(trader, trade_perp(account, ETH, 60 * SIZE))
    before = world.assess(account).equity
    world.later(24 * HOUR)
    world.post()
    tx = world.execute(trader, trade_perp(account, ETH, 1))
    assert only(tx, "MarketAccrued")["fundingIndex"] > 0
    assert world.assess(account).equity < before


@pytest.mark.parametrize("flip", [-11 * SIZE, -15 * SIZE])
def test_an_order_may_flip_the_position(world, trader, account, flip):
    """Through zero and on: one order, one fill, checked like new risk."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    world.execute(trader, trade_perp(account, ETH, flip))
    state = world.market_words(ETH).state
    assert 10 * SIZE + flip == world.position(account)[0]
    assert (0, -10 * SIZE - flip) == (state.long_size, state.short_size)


def test_deposit_trade_and_withdraw_in_one_batch(world, stranger):
    """An account is opened, used and paid out in one transaction; it is checked once, at its end."""
    account = world.account(stranger)
    world.equip(stranger, QUOTE, 2000 * USDC)
    tx = world.execute(
        stranger,
        deposit(account, QUOTE, 2000 * USDC),
        trade_perp(account, ETH, SIZE),
        withdraw(account, QUOTE, 1000 * USDC, stranger.address),
    )
    assert only(tx, "Traded")["size"] == SIZE
    assert 1000 * USDC == world.held(account) == world.tokens[QUOTE].balanceOf(stranger)
    assert world.assess(account).equity // UNIT < 1000 * USDC
