"""Spot positions: taken over, sold, bought back, repaid, and the profit out in one transaction, with no capital."""

from __future__ import annotations

import random

import pytest
from keeper_town import BTC, ETHER, USD, USDC, WAD, WBTC, WETH, assert_empty, planned

from plimsoll.actions import borrow, lend, withdraw
from plimsoll.keeper.act import Result
from plimsoll.keeper.select import look
from plimsoll.margin.account import AccountState
from plimsoll.prices import PRICE
from plimsoll.testing.spot import PAIR

LIQUIDATABLE = AccountState.LIQUIDATABLE


def test_a_spot_pair_is_liquidated_with_nothing_and_the_profit_leaves(town, keeper_of, cash_of):
    """Isolated, 10 WETH against 25,000: at 2,700 its equity of 2,000 is below the MM of 2,160."""
    world = town.world
    target = town.join("pair", {WETH: 10 * ETHER}, {USDC: 25_000 * USD}, market=PAIR)
    town.move({1: 2_700})
    assert world.assess(target).state == LIQUIDATABLE
    keeper = keeper_of(world, reserve=0)
    done = keeper.cycle()
    assert (done.liquidations, done.deferred, len(done.sent)) == (1, 0, 1)
    assert world.assess(target).state < LIQUIDATABLE
    assert_empty(town, keeper)
    profit = cash_of(world, "cold")
    assert profit > 10 * USD
    keeper.cycle()
    assert cash_of(world, "cold") > profit  # the cushion for a price that moved
    assert world.held(keeper.account) == 0


def test_the_book_is_right_to_the_unit(town, keeper_of):
    """Slices, recall, sales, closing trades, purchases and repayments, of several kinds at once."""
    world = town.world
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.join("short", {USDC: 30_000 * USD}, {WBTC: BTC * 4 // 10})
    town.join("both", {WETH: 10 * ETHER, USDC: 100 * USD}, {USDC: 22_500 * USD, WBTC: BTC // 100}, [(2, 5)])
    town.join("bitcoin", {WETH: 10 * ETHER}, {WBTC: BTC * 33 // 100})
    town.move({1: 2_650, 2: 69_000})
    keeper = keeper_of(world, reserve=10**24, max_slippage=0)
    planner, batch = planned(keeper)
    assert len(batch.takes) >= 3, [deferred.reason for deferred in planner.deferred]
    assert keeper.writer.post(batch, planner, Result())
    assert {a: n for a, n in planner._closed.held.items() if n} == {
        asset: world.held(keeper.account, asset) for asset in (USDC, WETH, WBTC) if world.held(keeper.account, asset)
    }
    assert_empty(town, keeper)
    after = keeper.shop.depths(world.chain.block()[0])
    assert after.levels == planner._closed.depths.levels


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 6, 7, 8, 9, 11, 12, 13, 14])
def test_the_book_is_right_to_the_unit_whatever_it_holds(town, keeper_of, seed):
    """Collateral, debts and positions at random, bankrupt ones among them; insurance for one of the debts."""
    rng, world = random.Random(seed), town.world
    world.config.write("setDebtInsurance", rng.choice([USDC, WETH, WBTC]), 3_000, sender=world.admin)
    value = {USDC: USD, WETH: ETHER // 3_000, WBTC: BTC // 60_000}  # a dollar's worth
    for number in range(7):
        holds, owes = rng.sample(sorted(value), 2)
        worth = rng.randrange(5_000, 60_000)
        debt = worth * (rng.randrange(600, 640) if USDC not in (holds, owes) else rng.randrange(720, 750)) // 1_000
        perp = rng.randrange(3)
        size = rng.choice([-1, 1]) * worth / (3_000, 60_000, 150)[perp] / 4
        positions = [(perp, size)] if rng.random() < 0.4 else []
        market = PAIR if (holds, owes) == (WETH, USDC) and not positions and rng.random() < 0.5 else None
        town.join(f"{number}", {holds: worth * value[holds]}, {owes: debt * value[owes]}, positions, market=market)
    world.fund(world.account(world.actor("keeper")), USDC, 20_000 * USD)
    moves = rng.choice([(780, 1_190), (1_250, 830), (790, 830), (1_210, 1_180)])
    town.move({1: 3_000 * moves[0] // 1_000, 2: 60_000 * moves[1] // 1_000})
    keeper = keeper_of(world, reserve=10**24, max_slippage=0, min_profit=-(10**22))
    planner, batch = planned(keeper)
    assert batch is not None, [deferred.reason for deferred in planner.deferred]
    assert keeper.writer.simulate(batch, planner) is None
    assert keeper.writer.post(batch, planner, Result())
    for asset in (USDC, WETH, WBTC):
        assert planner._closed.held.get(asset, 0) == world.held(keeper.account, asset)
    assert planner._closed.insurance_cash == world.held(world.insurance)
    assert keeper.shop.depths(world.chain.block()[0]).levels == planner._closed.depths.levels
    assert_empty(town, keeper)


def test_a_cross_account_with_a_debt_and_a_perp(town, keeper_of, cash_of):
    world = town.world
    target = town.join("cross", {WETH: 10 * ETHER}, {USDC: 15_000 * USD}, [(0, 20)])
    town.move({1: 2_620})
    assert world.assess(target).state >= LIQUIDATABLE
    keeper = keeper_of(world, reserve=0)
    assert keeper.cycle().liquidations == 1
    assert world.assess(target).state < LIQUIDATABLE
    assert_empty(town, keeper)
    assert cash_of(world, "cold") > 0


def test_a_short_is_bought_back(town, keeper_of, cash_of):
    """USDC against owed WETH: exactly what is owed is bought, and repaid."""
    world = town.world
    target = town.join("short", {USDC: 30_000 * USD}, {WETH: 8 * ETHER})
    town.move({1: 3_450})
    assert world.assess(target).state == LIQUIDATABLE
    keeper = keeper_of(world, reserve=0)
    assert keeper.cycle().liquidations == 1
    assert world.assess(target).state < LIQUIDATABLE
    assert_empty(town, keeper)
    assert cash_of(world, "cold") > 0


def test_collateral_goes_straight_into_what_is_owed(town, keeper_of):
    """WBTC against WETH: one swap through their own pool, and the rest for quote."""
    world = town.world
    town.join("bitcoin", {WBTC: BTC}, {WETH: 13 * ETHER})
    town.move({1: 3_000, 2: 47_000})
    keeper = keeper_of(world, reserve=0)
    _, batch = planned(keeper)
    assert [(order.asset_in, order.asset_out) for order in batch.orders] == [(WBTC, WETH), (WBTC, USDC)]
    assert keeper.cycle().liquidations == 1
    assert town.debt(keeper.account, WETH) == 0
    spared = batch.orders[0].bound - batch.orders[0].swap.amount_in  # for a price that moves
    assert world.held(keeper.account, WBTC) == spared < batch.orders[0].bound // 300
    keeper.cycle()
    assert_empty(town, keeper)


def test_two_targets_one_sale(town, keeper_of):
    """One swap of the sum, whose price impact is that of the sum; what one owes and another holds is not swapped."""
    world = town.world
    for number in range(2):
        town.join(f"long {number}", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world)
    planner, batch = planned(keeper)
    assert len(batch.takes) == 2
    (order,) = batch.orders
    parts = [10 * ETHER * take.fraction // 10**18 for take in batch.takes]
    assert order.swap.amount_in == sum(parts)
    alone = planner.depths.best_in(WETH, parts[0], USDC).amount_out
    assert order.swap.amount_out < 2 * alone
    assert batch.takes[1].gain < batch.takes[0].gain
    keeper.cycle()
    assert_empty(town, keeper)


def test_one_owes_what_another_holds(town, keeper_of):
    world = town.world
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.join("bitcoin", {WBTC: BTC // 2}, {WETH: 13 * ETHER // 2})
    town.move({1: 2_650, 2: 41_000})
    keeper = keeper_of(world)
    _, batch = planned(keeper)
    assert len(batch.takes) == 2
    sold = sum(order.swap.amount_in for order in batch.orders if order.asset_in == WETH)
    assert sold < 10 * ETHER * batch.takes[0].fraction // 10**18
    keeper.cycle()
    assert_empty(town, keeper)


def test_a_pool_too_thin_means_a_smaller_slice(town, keeper_of):
    """The largest slice would move the price by more than the bonus: a part of it does not."""
    world = town.world
    target = town.join("whale", {WETH: 150 * ETHER}, {USDC: 358_500 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world, reserve=0, max_batches=1)
    _, batch = planned(keeper)
    take = batch.takes[0]
    assert take.least <= take.fraction < take.most
    assert batch.gain > 0
    before = world.assess(target)
    assert keeper.cycle().liquidations == 1
    after = world.assess(target)
    assert after.equity * before.mm >= before.equity * after.mm
    assert_empty(town, keeper)


def test_a_pool_that_pays_too_little_means_waiting(town, keeper_of):
    """The pool is 3 % below the oracle: no slice of any size pays. The account is called, so that its bonus grows."""
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650}, pools={1: 2_570})
    keeper = keeper_of(world)
    planner, batch = planned(keeper)
    assert batch is None
    assert planner.deferred[0].reason.startswith(("bonus is below cost", "needs"))
    done = keeper.cycle()
    assert (done.liquidations, done.deferred, done.calls) == (0, 1, 1)
    assert keeper.mirror.follow().account(target).header.clock_start > 0


def test_without_the_exchange_the_keeper_needs_quote(town, keeper_of):
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world, exchange=False)
    planner, batch = planned(keeper)
    assert batch is None
    assert "more quote than the keeper has" in planner.deferred[0].reason
    world.fund(keeper.account, USDC, 30_000 * USD)
    world.post({})
    assert keeper.cycle().liquidations == 1
    assert world.assess(target).state < LIQUIDATABLE
    assert town.debt(keeper.account, USDC) == 0


def test_a_debt_that_nobody_sells_waits(town, keeper_of):
    """No pool, so neither sold nor bought: the reason says so."""
    world = town.world
    town.join("short", {USDC: 30_000 * USD}, {WETH: 8 * ETHER})
    town.move({1: 3_450})
    keeper = keeper_of(world, exchange=False)
    planner, batch = planned(keeper)
    assert batch is None
    assert planner.deferred[0].reason == "owes asset 1, which no pool sells"


def test_a_swap_that_fails_blocks_nobody_else(town, keeper_of, monkeypatch):
    """The pools are misread: what would have to be sold is left out with the error, everyone else is liquidated."""
    world = town.world
    spot = [town.join(f"long {number}", {WETH: 10 * ETHER}, {USDC: 23_900 * USD}) for number in range(2)]
    plain = [town.join(f"plain {number}", {USDC: 1_000 * USD}, positions=[(0, 5)]) for number in range(2)]
    town.move({1: 2_650})
    keeper = keeper_of(world)
    view = keeper.mirror.follow()
    planner = keeper.planner(view, look(view))
    sell = type(planner.depths).sell

    def boastful(self, route, amount):
        swap = sell(self, route, amount)
        return swap._replace(amount_out=swap.amount_out * 11 // 10)

    monkeypatch.setattr(type(planner.depths), "sell", boastful)
    result = Result()
    keeper.writer.liquidate(planner, look(view).liquidatable, result)
    assert all(world.assess(account).state < LIQUIDATABLE for account in plain)
    assert all(world.assess(account).state >= LIQUIDATABLE for account in spot)
    assert all("OutputBelowMinimum" in result.deferred[account].reason for account in spot)


def test_an_exchange_that_does_not_answer_blocks_nobody(town, keeper_of, monkeypatch):
    world = town.world
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    plain = town.join("plain", {USDC: 1_000 * USD}, positions=[(0, 5)])
    town.move({1: 2_650})
    keeper = keeper_of(world)
    monkeypatch.setattr(keeper.shop._reader.exchange, "_multicall", world.engine)
    done = keeper.cycle()
    assert (done.liquidations, done.deferred) == (1, 1)
    assert world.assess(plain).state < LIQUIDATABLE


def test_lent_collateral_is_recalled_where_lenders_may_leave(town, keeper_of):
    """Its lenders wait while prices move: it stays lent, and has to be paid for out of what the keeper has."""
    world = town.world
    owner, account = world.actor("lending"), town.join("lending", {WETH: 10 * ETHER})
    world.execute(owner, lend(account, WETH, 10 * ETHER))
    world.execute(owner, borrow(account, USDC, 23_900 * USD), withdraw(account, USDC, 23_900 * USD, owner))
    town.move({1: 2_650})
    keeper = keeper_of(world, reserve=0)
    planner, batch = planned(keeper)
    if planner.lent_cash:  # nothing is owed of WETH, so nobody has to wait
        assert batch.takes
        assert keeper.cycle().liquidations == 1
        assert world.assess(account).state < LIQUIDATABLE
        assert_empty(town, keeper)
    town.join("someone", {USDC: 30_000 * USD}, {WETH: ETHER})
    second = town.join("again", {WETH: 10 * ETHER})
    owner = world.actor("again")
    world.execute(owner, lend(second, WETH, 10 * ETHER), borrow(second, USDC, 21_000 * USD))
    world.execute(owner, withdraw(second, USDC, 21_000 * USD, owner))
    town.move({1: 2_330})
    assert world.engine.read("exitsWait", WETH)
    planner, batch = planned(keeper)
    assert planner.lent_cash == {}
    assert batch is None
    assert "more quote" in planner.deferred[0].reason


@pytest.mark.parametrize("seconds", [0, 2, 15])
def test_a_batch_planned_now_passes_a_few_seconds_later(town, keeper_of, seconds):
    """Interest accrues and the clock runs between plan and block."""
    world = town.world
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.join("short", {USDC: 30_000 * USD}, {WBTC: BTC * 4 // 10})
    town.move({1: 2_650, 2: 69_000})
    keeper = keeper_of(world, reserve=0)
    planner, batch = planned(keeper)
    assert len(batch.takes) == 2
    world.chain.advance(seconds)
    result = Result()
    keeper.writer.post(batch, planner, result)
    assert keeper.wallet.receipt(result.sent[0]).status == 1
    assert_empty(town, keeper)


@pytest.mark.parametrize("seconds", [0, 2, 15])
def test_spot_is_sold_and_bought_exactly_also_with_a_cushion(town, keeper_of, seconds):
    """A cushion of quote cannot make up for a slice that has drifted until it is taken."""
    world = town.world
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.join("short", {USDC: 30_000 * USD}, {WBTC: BTC * 4 // 10})
    town.move({1: 2_650, 2: 69_000})
    keeper = keeper_of(world, reserve=100 * WAD)
    world.fund(keeper.account, USDC, 100 * USD)
    planner, batch = planned(keeper)
    assert len(batch.takes) == 2 and all(take.asked < take.most < WAD for take in batch.takes)
    world.chain.advance(seconds)
    result = Result()
    keeper.writer.post(batch, planner, result)
    assert keeper.wallet.receipt(result.sent[0]).status == 1


def test_a_bankrupt_borrower_is_predicted_to_the_unit(town, keeper_of):
    """Insurance within the debt's cap, the rest written off the debt before it moves; a perp's part likewise."""
    world = town.world
    world.config.write("setDebtInsurance", USDC, 1_000, sender=world.admin)
    town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.join("both", {WETH: 10 * ETHER}, {USDC: 18_000 * USD, WBTC: BTC // 100}, [(0, 15)])
    town.move({1: 2_330})
    keeper = keeper_of(world, reserve=10**24, max_slippage=0, rescue=True)
    world.fund(keeper.account, USDC, 5_000 * USD)
    world.post({})
    planner, batch = planned(keeper)
    assert len(batch.takes) == 2, [deferred.reason for deferred in planner.deferred]
    assert all(take.finding.assessment.equity < 0 for take in batch.takes)
    assert keeper.writer.post(batch, planner, Result())
    assert planner._closed.held[USDC] == world.held(keeper.account)
    assert planner._closed.insurance_cash == world.held(world.insurance)
    assert_empty(town, keeper)


def test_a_lone_sale_that_fails_is_tried_smaller(town, keeper_of, monkeypatch):
    """Above one WETH the pools are misread."""
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world, reserve=0)
    view = keeper.mirror.follow()
    planner = keeper.planner(view, look(view))
    sell = type(planner.depths).sell

    def boastful(self, route, amount):
        swap = sell(self, route, amount)
        return swap if amount < 3 * ETHER // 2 else swap._replace(amount_out=swap.amount_out * 101 // 100)

    monkeypatch.setattr(type(planner.depths), "sell", boastful)
    result = Result()
    keeper.writer.liquidate(planner, look(view).liquidatable, result)
    (take,) = result.batches[0].takes
    assert take.least <= take.fraction < take.most // 2
    assert world.held(target, WETH) < 10 * ETHER
    assert_empty(town, keeper)


def test_a_recall_that_is_refused_is_left_out(town, keeper_of):
    """The plan believes that lenders may leave; the simulation says that they wait, and the shares stay shares."""
    world = town.world
    owner, account = world.actor("lending"), town.join("lending", {WETH: 10 * ETHER})
    world.execute(owner, lend(account, WETH, 4 * ETHER), borrow(account, USDC, 23_900 * USD))
    world.execute(owner, withdraw(account, USDC, 23_900 * USD, owner))
    town.join("someone", {USDC: 30_000 * USD}, {WETH: ETHER})
    town.move({1: 2_650})
    assert world.engine.read("exitsWait", WETH)
    keeper = keeper_of(world, reserve=0)
    world.fund(keeper.account, USDC, 20_000 * USD)
    world.post({})
    view = keeper.mirror.follow()
    planner = keeper.planner(view, look(view))
    planner.lent_cash = {WETH: 10**24}
    result = Result()
    keeper.writer.liquidate(planner, look(view).liquidatable, result)
    assert result.count("liquidate") == 1
    assert world.engine.read("lentOf", keeper.account, WETH) > 0
    assert world.assess(account).state < LIQUIDATABLE


def test_a_dry_run_says_what_would_be_sold(town, keeper_of):
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world, wallet=None)
    done = keeper.cycle()
    assert (done.liquidations, done.sent, done.dry_run) == (1, [], True)
    assert world.held(target, WETH) == 10 * ETHER


@pytest.mark.parametrize("bps", [5, 10, 20, 40, 60, 100])
def test_whoever_moves_the_pool_first_never_costs_the_keeper(town, keeper_of, cash_of, bps):
    """Between plan and block the pool's price falls: the batch passes with less gain, or nothing happens."""
    world = town.world
    target = town.join("long", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650})
    keeper = keeper_of(world, reserve=500 * 10**18)
    world.fund(keeper.account, USDC, 500 * USD)
    world.post({})
    planner, batch = planned(keeper)
    pool = world.exchange.pool(WETH, USDC)
    world.exchange.move_to(pool, 2_650 * PRICE * (10_000 - bps) // 10_000, sender=town.arbitrageur)
    result = Result()
    keeper.writer.post(batch, planner, result)
    passed = keeper.wallet.receipt(result.sent[0]).status == 1
    assert passed == (world.assess(target).state < LIQUIDATABLE)
    assert passed or bps > 10
    assert world.held(keeper.account) + cash_of(world, "cold") >= 500 * USD
