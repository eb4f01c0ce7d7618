"""Authority: roles, and what they may do only after their delay, on the deployment with roles apart."""

import pytest
from helpers import ANY, only, reverts
from world import DAY, ETH_FEED, HOUR, NOBODY

TERMS = (3000, 6000, 1000, 5000, 1000, 2000, 900, HOUR, DAY, 100, 4000)
TRADE = (10**14, 8 * 10**11, 2 * 10**13, 200, 500, 2000, 2500, 1000)
EMPTY = b"\0" * 32

RISK_CALLS = {
    "setTerms": lambda w: (w.config, w.config.setTerms.encode_input(TERMS)),
    "setMarketTrade": lambda w: (w.config, w.config.setMarketTrade.encode_input(0, TRADE)),
    "setInsuranceCap": lambda w: (w.config, w.config.setInsuranceCap.encode_input(0, 5)),
    "forbidCallTarget": lambda w: (w.config, w.config.forbidCallTarget.encode_input(w.lens)),
    "setFeed": lambda w: (
        w.router,
        w.router.setFeed.encode_input(9, (NOBODY, 0, 1000, NOBODY, EMPTY, EMPTY)),
    ),
    "setQuorum": lambda w: (w.feed, w.feed.setQuorum.encode_input(3)),
    "setTiming": lambda w: (w.pool, w.pool.setTiming.encode_input(2 * HOUR, HOUR)),
}


def direct(world, name, sender):
    target, data = RISK_CALLS[name](world)
    return sender.transfer(target, 0, data=data)


def schedule(world, name, sender, when=0):
    target, data = RISK_CALLS[name](world)
    return world.authority.schedule(target, data, when, {"from": sender})


def execute(world, name, sender):
    target, data = RISK_CALLS[name](world)
    return world.authority.execute(target, data, {"from": sender})


@pytest.mark.parametrize("name", RISK_CALLS)
def test_a_stranger_may_do_none_of_it(governed, stranger, name):
    """Refused by the function itself."""
    with reverts("AccessManagedUnauthorized", stranger):
        direct(governed, name, stranger)


@pytest.mark.parametrize("name", RISK_CALLS)
def test_nor_schedule_it(governed, stranger, name):
    """Refused by the manager."""
    with reverts("AccessManagerUnauthorizedCall", stranger, ANY, ANY):
        schedule(governed, name, stranger)


@pytest.mark.parametrize("name", RISK_CALLS)
def test_the_deployer_kept_nothing(governed, deployer, name):
    """His last step was to leave."""
    with reverts("AccessManagedUnauthorized", deployer):
        direct(governed, name, deployer)


@pytest.mark.parametrize("name", RISK_CALLS)
def test_not_at_once(governed, risk_manager, name):
    """What loosens risk is scheduled first."""
    with reverts("AccessManagerNotScheduled", ANY):
        direct(governed, name, risk_manager)


@pytest.mark.parametrize("name", RISK_CALLS)
def test_not_before_two_days(governed, risk_manager, name):
    """Everyone sees it coming."""
    schedule(governed, name, risk_manager)
    governed.later(2 * DAY - 60)
    with reverts("AccessManagerNotReady", ANY):
        execute(governed, name, risk_manager)


@pytest.mark.parametrize("name", RISK_CALLS)
def test_after_two_days(governed, risk_manager, name):
    """It is done, once."""
    scheduled = only(schedule(governed, name, risk_manager), "OperationScheduled")
    governed.later(2 * DAY)
    tx = execute(governed, name, risk_manager)
    assert scheduled["operationId"] == only(tx, "OperationExecuted")["operationId"]
    with reverts("AccessManagerNotScheduled", ANY):
        execute(governed, name, risk_manager)


@pytest.mark.parametrize("name", ["setTerms", "setFeed"])
def test_a_schedule_expires(governed, risk_manager, name):
    """A week later it must be announced anew."""
    schedule(governed, name, risk_manager)
    governed.later(10 * DAY)
    with reverts("AccessManagerExpired", ANY):
        execute(governed, name, risk_manager)


@pytest.mark.parametrize("name", ["setTerms", "setFeed", "setQuorum"])
def test_the_guardian_cancels(governed, risk_manager, guardian, name):
    """What RISK has scheduled never happens."""
    schedule(governed, name, risk_manager)
    target, data = RISK_CALLS[name](governed)
    tx = governed.authority.cancel(risk_manager, target, data, {"from": guardian})
    assert "OperationCanceled" in tx.events
    governed.later(2 * DAY)
    with reverts("AccessManagerNotScheduled", ANY):
        execute(governed, name, risk_manager)


def test_the_guardian_acts_at_once(governed, guardian):
    """Pausing and disputing cannot wait; both end by themselves."""
    governed.engine.pauseRisk(governed.now + DAY, {"from": guardian})
    governed.router.dispute(ETH_FEED, governed.now + HOUR, {"from": guardian})
    assert governed.now + DAY >= governed.snapshot().globals.paused_until > governed.now


@pytest.mark.parametrize("name", RISK_CALLS)
def test_the_guardian_does_nothing_else(governed, guardian, name):
    """He can stop, never change."""
    with reverts("AccessManagedUnauthorized", guardian):
        direct(governed, name, guardian)


def test_risk_does_not_pause(governed, risk_manager):
    """Nor does RISK do the guardian's work."""
    with reverts("AccessManagedUnauthorized", risk_manager):
        governed.engine.pauseRisk(governed.now + HOUR, {"from": risk_manager})


@pytest.mark.parametrize("role", ["risk_manager", "guardian", "stranger", "provider"])
def test_nobody_writes_words_past_market_config(governed, request, role):
    """Only MarketConfig, which checks them."""
    caller = request.getfixturevalue(role)
    with reverts("AccessManagedUnauthorized", caller):
        governed.engine.configure(1, 0, 0, {"from": caller})


def test_roles_are_granted_after_the_admins_delay(governed, provider, stranger):
    """Five days."""
    with reverts("AccessManagerNotScheduled", ANY):
        governed.authority.grantRole(2, stranger, 0, {"from": provider})
    data = governed.authority.grantRole.encode_input(2, stranger, 0)
    governed.authority.schedule(governed.authority, data, 0, {"from": provider})
    governed.later(5 * DAY)
    governed.authority.execute(governed.authority, data, {"from": provider})
    governed.engine.pauseRisk(governed.now + HOUR, {"from": stranger})
    assert governed.snapshot().globals.paused_until > governed.now
