"""MarginEngine: Liquidate."""

from dataclasses import replace

import pytest
from helpers import ANY, every, only, reverts
from world import BTC, ETH, ETH_FEED, ETHER, HOUR, QUOTE, SIZE, UNIT, USDC, WAD, WETH

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp, withdraw
from plimsoll.margin import preview


@pytest.fixture
def long(world, trader, account):
    """Long 40 ETH on 10,000: MM 3,000, IM 6,000."""
    world.execute(trader, trade_perp(account, ETH, 40 * SIZE))
    return account


@pytest.fixture
def sick(world, long):
    """Below MM: equity some 2,500."""
    world.bring_to(long, 2500 * WAD)
    return long


@pytest.fixture
def bankrupt(world, long):
    """Owes 1,000 more than it has."""
    world.bring_to(long, -1000 * WAD)
    return long


def expected_slice(world, before, mirror, tx, fraction=WAD):
    return preview.liquidation(mirror, replace(before, time=tx.timestamp), fraction)


# -------------------------------------------------------------------- refusals


def test_a_healthy_account(world, keeper, keeper_account, long):
    """Above MM and uncalled, nobody is liquidated."""
    with reverts("AccountHealthy", long, ANY, 3000 * WAD):
        world.execute(keeper, liquidate(keeper_account, long))


def test_a_healthy_account_is_skipped_on_request(world, keeper, keeper_account, long):
    """One that has become healthy does not stop a batch."""
    tx = world.execute(keeper, liquidate(keeper_account, long, skip=True))
    assert long == only(tx, "LiquidationSkipped")["target"]
    assert world.position(long)[0] == 40 * SIZE


def test_oneself(world, trader, sick):
    """An account does not take itself over."""
    with reverts("AccountMismatch", sick, sick):
        world.execute(trader, liquidate(sick, sick))


def test_into_an_account_of_somebody_else(world, stranger, keeper_account, sick):
    """The slice goes into an account of the caller's."""
    with reverts("NotAuthorized", keeper_account, stranger):
        world.execute(stranger, liquidate(keeper_account, sick))


def test_an_account_this_batch_has_touched(world, trader, sick):
    """Losses are recognised only from a state that survived a check (T-1)."""
    other = world.account(trader, 1)
    with reverts("DeferredAccount", sick):
        world.execute(trader, deposit(sick, QUOTE, USDC), liquidate(other, sick))


def test_an_account_that_is_touched_afterwards(world, trader, sick):
    """Nor may its owner go on with it in the same batch."""
    other = world.account(trader, 1)
    world.fund(trader, other, 50_000 * USDC)
    with reverts("DeferredAccount", sick):
        world.execute(trader, liquidate(other, sick), deposit(sick, QUOTE, USDC))


@pytest.mark.parametrize("fraction", [0, 1, WAD // 100])
def test_less_than_the_smallest_slice(world, keeper, keeper_account, sick, fraction):
    """Slices of nothing would only start and restart things."""
    with reverts("FractionBelowMinimum", sick, fraction, ANY):
        world.execute(keeper, liquidate(keeper_account, sick, fraction))


def test_a_bonus_below_ones_limit(world, keeper, keeper_account, sick):
    """The liquidator says what it must be worth to him."""
    with reverts("BonusBelowLimit", sick, ANY, 10_000 * WAD):
        world.execute(keeper, liquidate(keeper_account, sick, min_bonus=10_000 * WAD))


def test_a_bonus_below_ones_limit_is_skipped_on_request(world, keeper, keeper_account, sick):
    """With `skip` the batch goes on without it."""
    tx = world.execute(keeper, liquidate(keeper_account, sick, min_bonus=10_000 * WAD, skip=True))
    assert sick == only(tx, "LiquidationSkipped")["target"]
    assert world.position(sick)[0] == 40 * SIZE


def test_without_the_margin_to_carry_it(world, stranger, sick):
    """Whoever takes a slice must hold its IM at the end."""
    with reverts("BelowInitialMargin", world.account(stranger), ANY, ANY):
        world.execute(stranger, liquidate(world.account(stranger), sick))


@pytest.mark.parametrize("market", [ETH, BTC])
def test_an_isolated_liquidator(world, keeper, sick, market):
    """He may take what fits into his account: the market of its id."""
    isolated = world.account(keeper, market=market)
    world.fund(keeper, isolated, 50_000 * USDC)
    if market == ETH:
        world.execute(keeper, liquidate(isolated, sick))
        assert world.position(isolated)[0] > 0
    else:
        with reverts("MarketNotAllowed", isolated, ETH):
            world.execute(keeper, liquidate(isolated, sick))


# -------------------------------------------------------------------- slices


@pytest.mark.parametrize("equity", [2800, 2500, 2000, 1000, 300])
def test_the_largest_slice_is_the_twins(world, keeper, keeper_account, long, equity):
    """Fraction, payment to account and insurance: to the wei."""
    world.bring_to(long, equity * WAD)
    before, mirror = world.snapshot(), world.mirror(long)
    tx = world.execute(keeper, liquidate(keeper_account, long))
    slice_, event = expected_slice(world, before, mirror, tx), only(tx, "Liquidated")
    assert (slice_.fraction, slice_.to_account, slice_.to_insurance) == (
        event["fraction"],
        event["paid"],
        event["toInsurance"],
    )
    assert (long, keeper_account) == (event["target"], event["liquidator"])


@pytest.mark.parametrize("share", [100, 60, 35])
def test_a_smaller_slice_is_allowed(world, keeper, keeper_account, sick, share):
    """Down to the smallest share of the account."""
    mirror, before = world.mirror(sick), world.snapshot()
    largest = preview.liquidation(mirror, before).max_fraction
    wanted = largest * share // 100
    tx = world.execute(keeper, liquidate(keeper_account, sick, wanted))
    assert wanted >= only(tx, "Liquidated")["fraction"] >= wanted - 1
    assert expected_slice(world, before, mirror, tx, wanted).fraction == only(tx, "Liquidated")["fraction"]


def test_position_and_cost_are_conserved(world, keeper, keeper_account, sick):
    """What leaves the one arrives at the other."""
    size, cost = world.position(sick)
    tx = world.execute(keeper, liquidate(keeper_account, sick))
    (left, left_cost), (got, got_cost) = world.position(sick), world.position(keeper_account)
    assert (size, cost) == (left + got, left_cost + got_cost)
    assert size * only(tx, "Liquidated")["fraction"] // WAD == got


def test_cash_is_conserved(world, keeper, keeper_account, sick):
    """Between target, liquidator and insurance."""
    accounts = (sick, keeper_account, world.insurance)
    before = sum(world.held(one) for one in accounts)
    totals = world.engine.totals(QUOTE)
    world.execute(keeper, liquidate(keeper_account, sick))
    assert before == sum(world.held(one) for one in accounts)
    assert totals == world.engine.totals(QUOTE)


def test_every_asset_goes_pro_rata(world, trader, keeper, keeper_account, account):
    """A slice is a slice of the whole account."""
    rich = world.account(trader, 3)
    world.execute(trader, deposit(rich, QUOTE, 4000 * USDC), deposit(rich, WETH, 2 * ETHER))
    world.execute(trader, trade_perp(rich, BTC, SIZE))
    world.post({2: 51_500 * 10**10})
    tx = world.execute(keeper, liquidate(keeper_account, rich))
    fraction = only(tx, "Liquidated")["fraction"]
    assert 2 * ETHER * fraction // WAD == world.held(keeper_account, WETH)
    assert SIZE * fraction // WAD == world.position(keeper_account, BTC)[0]


@pytest.mark.parametrize("equity", [2800, 2500, 2000])
def test_health_rises(world, keeper, keeper_account, long, equity):
    """After a slice of the largest size the account stands above MM, and its clock stops."""
    world.bring_to(long, equity * WAD)
    world.execute(keeper, liquidate(keeper_account, long))
    a, header = world.assess(long), world.header(long)
    assert a.equity > a.mm
    assert (header.call_deadline, header.clock_start) == (0, 0)


def test_the_liquidator_gains_his_bonus(world, keeper, keeper_account, sick):
    """Equity for equity he is better off by what the rule says."""
    before, mirror, mine = world.snapshot(), world.mirror(sick), world.assess(keeper_account).equity
    tx = world.execute(keeper, liquidate(keeper_account, sick))
    slice_ = expected_slice(world, before, mirror, tx)
    gain = world.assess(keeper_account).equity - mine
    assert abs(gain - slice_.gain) < 10**14  # whole units, and a second's funding
    assert gain > 100 * WAD


def test_insurance_gets_its_share(world, keeper, keeper_account, sick):
    """From what the taker pays."""
    held = world.held(world.insurance)
    tx = world.execute(keeper, liquidate(keeper_account, sick))
    assert held + -(-only(tx, "Liquidated")["toInsurance"] // UNIT) == world.held(world.insurance)


@pytest.mark.parametrize("waited", [0, 600, 1800, HOUR])
def test_the_bonus_grows_with_the_clock(world, keeper, keeper_account, sick, waited):
    """Nobody came: the discount rises until somebody does."""
    world.execute(keeper, margin_call(keeper_account, sick))
    world.later(waited)
    world.post()
    before, mirror = world.snapshot(), world.mirror(sick)
    tx = world.execute(keeper, liquidate(keeper_account, sick))
    slice_, event = expected_slice(world, before, mirror, tx), only(tx, "Liquidated")
    assert (slice_.fraction, slice_.to_account) == (event["fraction"], event["paid"])
    assert waited // 3600 == slice_.bonus // (95 * WAD // 100) or waited < HOUR


def test_a_small_account_goes_whole(world, trader, keeper, keeper_account):
    """What would be left could not be liquidated again."""
    small = world.account(trader, 8)
    world.fund(trader, small, 100 * USDC)
    world.execute(trader, trade_perp(small, ETH, SIZE // 2))
    world.bring_to(small, 30 * WAD)
    tx = world.execute(keeper, liquidate(keeper_account, small, WAD // 10))
    assert only(tx, "Liquidated")["fraction"] == WAD
    assert world.position(small) == (0, 0)
    assert world.assess(small).mm == 0


def test_a_short_is_liquidated_alike(world, trader, keeper, keeper_account, account):
    """The other side has no other rule."""
    world.execute(trader, trade_perp(account, ETH, -40 * SIZE))
    world.bring_to(account, 2000 * WAD)
    tx = world.execute(keeper, liquidate(keeper_account, account))
    assert only(tx, "Liquidated")["fraction"] < WAD
    assert world.position(keeper_account)[0] < 0


# -------------------------------------------------------------------- bankruptcy


@pytest.mark.parametrize("deficit", [1, 1000, 5000])
def test_insurance_makes_a_bankrupt_whole(world, keeper, keeper_account, long, deficit):
    """It pays the deficit and the starting bonus to the taker, who pays nothing."""
    world.bring_to(long, -deficit * WAD)
    held, mine = world.held(world.insurance), world.held(keeper_account)
    tx = world.execute(keeper, liquidate(keeper_account, long))
    paid, event = only(tx, "InsurancePaid")["amount"], only(tx, "Liquidated")
    wanted = -event["equity"] + event["mm"] * 500 // 10_000
    assert wanted // UNIT * UNIT == paid
    assert held - paid // UNIT == world.held(world.insurance)
    assert (event["fraction"], event["paid"], event["toInsurance"]) == (WAD, 0, 0)
    assert paid // UNIT <= world.held(keeper_account) - mine


def test_the_bankrupt_account_is_empty(world, keeper, keeper_account, bankrupt):
    """Everything moves, debts included."""
    world.execute(keeper, liquidate(keeper_account, bankrupt))
    assert world.position(bankrupt) == (0, 0)
    assert 0 == world.held(bankrupt) == world.assess(bankrupt).equity


def test_a_markets_window_bounds_what_insurance_pays(world, deployer, keeper, keeper_account, bankrupt):
    """One broken market cannot take the whole fund; the rest is the pool's."""
    world.config.setInsuranceCap(ETH, 400, {"from": deployer})
    tx = world.execute(keeper, liquidate(keeper_account, bankrupt))
    assert 400 * WAD == only(tx, "InsurancePaid")["amount"] == only(tx, "InsuranceWindowSpent")["spent"]
    deficit = -only(tx, "Liquidated")["equity"]
    assert deficit - 400 * WAD == only(tx, "LossWrittenDown")["amount"]


def test_without_insurance_the_loss_is_written_down(world, deployer, keeper, keeper_account, bankrupt):
    """The taker never loses: the pool, counterparty of all, bears it."""
    world.config.setInsuranceCap(ETH, 0, {"from": deployer})
    pool, mine = world.engine.poolEquity()[0], world.assess(keeper_account).equity
    tx = world.execute(keeper, liquidate(keeper_account, bankrupt))
    loss = only(tx, "LossWrittenDown")["amount"]
    assert "InsurancePaid" not in tx.events
    assert abs(mine - world.assess(keeper_account).equity) < 10**16
    assert abs(pool - loss - world.engine.poolEquity()[0]) < 10**16


# -------------------------------------------------------------------- batches


def test_several_accounts_in_one_batch(world, counterparty, counter_account, trader, keeper, keeper_account, long):
    """With the prices in the prologue."""
    world.execute(counterparty, trade_perp(counter_account, ETH, 420 * SIZE))
    price = min(world.price_for(long, ETH, 2500 * WAD), world.price_for(counter_account, ETH, 25_000 * WAD))
    world.fund(keeper, keeper_account, 500_000 * USDC)
    tx = world.execute(
        keeper,
        liquidate(keeper_account, long),
        liquidate(keeper_account, counter_account),
        prices=world.report({ETH_FEED: price}),
    )
    assert [long, counter_account] == [event["target"] for event in every(tx, "Liquidated")]


def test_profit_leaves_in_the_same_batch(world, keeper, keeper_account, sick):
    """Liquidate, sell, withdraw: no capital stays behind."""
    before = world.held(keeper_account)
    mirror, snapshot = world.mirror(sick), world.snapshot()
    part = preview.take(mirror, snapshot, preview.liquidation(mirror, snapshot))[1].positions[ETH].size
    tx = world.execute(
        keeper,
        liquidate(keeper_account, sick),
        trade_perp(keeper_account, ETH, -part + SIZE // 100),
        withdraw(keeper_account, QUOTE, 50_000 * USDC, keeper.address),
    )
    assert only(tx, "Withdrawn")["amount"] == 50_000 * USDC
    assert world.held(keeper_account) < before
    assert world.assess(keeper_account).equity > 49_000 * WAD


def test_a_liquidator_may_use_a_stale_price(world, keeper, keeper_account, sick):
    """A failed feed does not stop liquidations: it is moved against the taker, for the target."""
    world.bring_to(sick, 500 * WAD)
    world.later(120)
    tx = world.execute(keeper, liquidate(keeper_account, sick))
    assert only(tx, "Liquidated")["equity"] > 500 * WAD - 10**16


def test_the_clock_starts_with_the_first_slice(world, keeper, keeper_account, sick):
    """A slice below the largest leaves call and clock running (T-14)."""
    largest = preview.liquidation(world.mirror(sick), world.snapshot()).max_fraction
    tx = world.execute(keeper, liquidate(keeper_account, sick, largest // 2))
    assert {"account": sick, "startedAt": tx.timestamp} == only(tx, "LiquidationClock")
    assert tx.timestamp == world.header(sick).clock_start
