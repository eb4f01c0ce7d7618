"""MarginEngine: MarginCall, its bounty, its deadline and its cure."""

import pytest
from helpers import ANY, every, only, reverts
from world import BANKRUPT, CALLED, ETH, ETH_FEED, HEALTHY, HOUR, LIQUIDATABLE, QUOTE, SIZE, UNIT, USDC, WAD

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp
from plimsoll.margin import account as twins
from plimsoll.prices import PRICE


@pytest.fixture
def long(world, trader, account):
    """Long 40 ETH on 10,000: MM 3,000, IM 6,000, called below 4,500."""
    world.execute(trader, trade_perp(account, ETH, 40 * SIZE))
    return account


@pytest.fixture
def weak(world, long):
    """Between MM and call margin."""
    world.bring_to(long, 3500 * WAD)
    return long


@pytest.fixture
def called(world, weak, keeper, keeper_account):
    """Called by the keeper."""
    world.execute(keeper, margin_call(keeper_account, weak))
    return weak


def level(world, account):
    a = world.assess(account)
    return a.mm + -(-(a.im0 - a.mm) * world.snapshot().terms.lambda_ // 10_000)


def test_a_healthy_account(world, keeper, keeper_account, long):
    """Above the call margin nobody is called."""
    with reverts("AccountHealthy", long, ANY, 4500 * WAD):
        world.execute(keeper, margin_call(keeper_account, long))


def test_a_healthy_account_is_skipped_on_request(world, keeper, keeper_account, long):
    """With `skip` the batch goes on."""
    tx = world.execute(keeper, margin_call(keeper_account, long, skip=True))
    assert "MarginCalled" not in tx.events
    assert world.header(long).call_deadline == 0


def test_an_account_without_exposure(world, keeper, keeper_account, account):
    """No requirement, no call."""
    with reverts("AccountHealthy", account, 10_000 * WAD, 0):
        world.execute(keeper, margin_call(keeper_account, account))


def test_only_for_an_account_of_ones_own(world, keeper, stranger, keeper_account, weak):
    """The bounty goes to the caller's account, which must be his."""
    with reverts("NotAuthorized", keeper_account, stranger):
        world.execute(stranger, margin_call(keeper_account, weak))


def test_on_oneself_it_calls_nothing(world, trader, weak):
    """An account does not call itself: its owner only says that it is cured."""
    tx = world.execute(trader, margin_call(weak, weak))
    assert "MarginCalled" not in tx.events
    assert world.header(weak).call_deadline == 0


def test_an_owner_who_has_not_cured_it(world, trader, called):
    """Saying so is not enough, and undoes the batch."""
    held, deadline = world.held(called), world.header(called).call_deadline
    with reverts("AccountCalled", called, deadline):
        world.execute(trader, deposit(called, QUOTE, USDC), margin_call(called, called))
    assert held == world.held(called)


def test_an_owner_cures_it_in_one_batch(world, trader, called):
    """Deposit and say so."""
    tx = world.execute(trader, deposit(called, QUOTE, 5000 * USDC), margin_call(called, called))
    assert called == only(tx, "MarginCallCleared")["account"]
    assert world.assess(called).state == HEALTHY


def test_not_after_touching_it_in_the_same_batch(world, trader, weak):
    """A call recognises only a state that survived a check."""
    other = world.account(trader, 1)
    with reverts("DeferredAccount", weak):
        world.execute(trader, deposit(weak, QUOTE, USDC), margin_call(other, weak))


@pytest.mark.parametrize("later", [0, 60, HOUR - 10])
def test_a_called_account_that_is_not_cured(world, keeper, keeper_account, called, later):
    """A second call before the cure is refused, with the deadline."""
    deadline = world.header(called).call_deadline
    world.later(later)
    prices = world.report()
    with reverts("AccountCalled", called, deadline):
        world.execute(keeper, margin_call(keeper_account, called), prices=prices)


@pytest.mark.parametrize("equity", [3000, 3500, 4200])
def test_a_call_pays_its_bounty(world, keeper, keeper_account, long, equity):
    """One quote from the called to the caller; the deadline is an hour ahead."""
    world.bring_to(long, equity * WAD)
    held, mine, margin = world.held(long), world.held(keeper_account), level(world, long)
    tx = world.execute(keeper, margin_call(keeper_account, long))
    event = only(tx, "MarginCalled")
    assert (long, tx.timestamp + HOUR, margin) == (event["account"], event["deadline"], event["callMargin"])
    assert event["bounty"] <= WAD
    assert held - event["bounty"] // UNIT == world.held(long)
    assert mine + event["bounty"] // UNIT == world.held(keeper_account)
    assert tx.timestamp + HOUR == world.header(long).call_deadline


def test_the_bounty_never_makes_it_liquidatable(world, keeper, keeper_account, long):
    """It comes out of equity − MM only (T-14)."""
    a = world.assess(long)
    drop = (a.equity - a.mm - 4 * 10**17) // (40 * SIZE * 39 // 40)  # MM falls by a fortieth of what equity does
    prices = world.report({ETH_FEED: 3000 * PRICE - drop})  # 0.4 above MM
    tx = world.execute(keeper, margin_call(keeper_account, long), prices=prices)
    assert 0 < only(tx, "MarginCalled")["bounty"] < WAD // 2
    a = world.assess(long)
    assert a.mm <= a.equity
    assert a.state == CALLED


@pytest.mark.parametrize("equity", [1500, 10, -500])
def test_a_call_below_mm_starts_the_clock_and_pays_nothing(world, keeper, keeper_account, long, equity):
    """From MM down the liquidation clock runs."""
    world.bring_to(long, equity * WAD)
    tx = world.execute(keeper, margin_call(keeper_account, long))
    assert only(tx, "MarginCalled")["bounty"] == 0
    assert {"account": long, "startedAt": tx.timestamp} == only(tx, "LiquidationClock")
    assert tx.timestamp == world.header(long).clock_start
    assert (BANKRUPT if equity < 0 else LIQUIDATABLE) == world.assess(long).state


@pytest.mark.parametrize(
    ("equity", "state"), [(6500, HEALTHY), (5000, 1), (3500, 1), (2000, LIQUIDATABLE), (-1, BANKRUPT)]
)
def test_states_before_any_call(world, long, equity, state):
    """Healthy, restricted, liquidatable, bankrupt."""
    world.bring_to(long, equity * WAD)
    assert state == world.assess(long).state


def test_a_called_account_shows_it(world, called):
    """Until its deadline it is called, not liquidatable."""
    assert world.assess(called).state == CALLED
    world.later(HOUR - 60)
    world.post()
    assert world.assess(called).state == CALLED


def test_after_the_deadline_it_is_liquidatable(world, called, keeper, keeper_account):
    """Time, too, may end it."""
    with reverts("AccountHealthy", called, ANY, ANY):
        world.execute(keeper, liquidate(keeper_account, called))
    world.later(HOUR + 1)
    world.post()
    assert world.assess(called).state == LIQUIDATABLE
    tx = world.execute(keeper, liquidate(keeper_account, called))
    assert called == only(tx, "Liquidated")["target"]


def test_the_deadline_itself_still_protects(world, called):
    """At its last second the account is only called."""
    world.later(world.header(called).call_deadline - world.now)
    assert world.assess(called).state == CALLED


@pytest.mark.parametrize("amount", [3000, 10_000])
def test_a_deposit_and_a_call_cure(world, trader, keeper, keeper_account, called, amount):
    """Back at IM₀ anyone clears it with MarginCall."""
    world.execute(trader, deposit(called, QUOTE, amount * USDC))
    tx = world.execute(keeper, margin_call(keeper_account, called))
    assert called == only(tx, "MarginCallCleared")["account"]
    assert world.assess(called).state == HEALTHY


def test_a_deposit_alone_clears_nothing(world, trader, called):
    """A deposit is never checked: the call stands until someone looks."""
    world.execute(trader, deposit(called, QUOTE, 10_000 * USDC))
    assert world.header(called).call_deadline > 0


def test_reducing_cures(world, trader, called):
    """A trade that leaves the account at IM₀ clears the call in its own check."""
    tx = world.execute(trader, trade_perp(called, ETH, -25 * SIZE))
    assert called == only(tx, "MarginCallCleared")["account"]
    assert world.header(called).call_deadline == 0


def test_a_recovered_price_cures(world, keeper, keeper_account, called):
    """The market may do it."""
    world.post({ETH_FEED: 3000 * PRICE})
    tx = world.execute(keeper, margin_call(keeper_account, called, skip=True))
    assert called == only(tx, "MarginCallCleared")["account"]


@pytest.mark.parametrize(("amount", "cured"), [(2600, False), (10_000, True)])
def test_at_a_stale_price_the_cure_must_be_certain(world, trader, keeper, keeper_account, called, amount, cured):
    """A failed price is moved against the account: just enough is not enough, much is."""
    world.execute(trader, deposit(called, QUOTE, amount * USDC))
    assert world.assess(called).equity > world.assess(called).im0
    world.later(30 * 60)
    if cured:
        tx = world.execute(keeper, margin_call(keeper_account, called))
        assert called == only(tx, "MarginCallCleared")["account"]
    else:
        with reverts("AccountCalled", called, world.header(called).call_deadline):
            world.execute(keeper, margin_call(keeper_account, called))


def test_a_call_at_a_stale_price_leans_to_the_account(world, keeper, keeper_account, weak):
    """A failed price is moved in the target's favour: what is called then is certainly weak."""
    world.later(50 * 60)
    snapshot = world.snapshot()
    a = twins.assess(world.mirror(weak), snapshot, twins.PriceUse.TARGET)
    assert a.equity > 3500 * WAD
    with reverts("AccountHealthy", weak, ANY, ANY):
        world.execute(keeper, margin_call(keeper_account, weak))


def test_several_calls_in_one_batch(world, trader, counterparty, counter_account, keeper, keeper_account, long):
    """A keeper calls whom he likes at once."""
    world.execute(counterparty, trade_perp(counter_account, ETH, 420 * SIZE))
    price = min(world.price_for(long, ETH, 4000 * WAD), world.price_for(counter_account, ETH, 40_000 * WAD))
    world.post({ETH_FEED: price})
    tx = world.execute(keeper, margin_call(keeper_account, long), margin_call(keeper_account, counter_account))
    assert [long, counter_account] == [event["account"] for event in every(tx, "MarginCalled")]
