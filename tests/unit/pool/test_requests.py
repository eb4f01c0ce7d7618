"""LiquidityPool: irrevocable requests, executed by anyone at the first price after the delay."""

from __future__ import annotations

from dataclasses import replace

from lps import SHARE, UNIT, Wait, enter, fall_due, invest, leave, lp, run, wallet

from plimsoll import ledger
from plimsoll.actions import trade_perp
from plimsoll.contracts import events
from plimsoll.margin.words import Limits
from plimsoll.prices import PRICE
from plimsoll.testing.world import SIZE

DAY = 86_400
NOBODY = "0x" + "00" * 20


def exposed(world, size=100):
    """A trader long in market 0, so that its price matters."""
    trader = world.actor("trader")
    account = world.account(trader)
    world.fund(account, 0, 1_000_000 * UNIT)
    world.post({})
    world.execute(trader, trade_perp(account, 0, size * SIZE))
    return account


# ---------------------------------------------------------------- refusals


def test_nothing_and_nobody_are_no_request(world, reverts):
    """An amount of zero, and a controller of zero, are refused."""
    owner = lp(world, "lp", 10)
    with reverts("ZeroAmount"):
        world.pool.write("requestDeposit", 0, owner, sender=owner)
    with reverts("ZeroAmount"):
        world.pool.write("requestRedeem", 0, owner, sender=owner)
    with reverts("ZeroController"):
        world.pool.write("requestDeposit", 1, NOBODY, sender=owner)


def test_nobody_requests_with_what_he_does_not_have(world, reverts):
    """Tokens and shares go into escrow at once, from the caller."""
    owner = lp(world, "lp", 10)
    with reverts("ERC20InsufficientBalance", owner, 10 * UNIT, 10 * UNIT + 1):
        world.pool.write("requestDeposit", 10 * UNIT + 1, owner, sender=owner)
    with reverts("ERC20InsufficientBalance", owner, 0, 1):
        world.pool.write("requestRedeem", 1, owner, sender=owner)


def test_timing_is_bounded_and_restricted(world, reverts):
    """The delay is never shorter than the window, and a stranger sets neither."""
    for delay, window in ((3600, 299), (2 * DAY, DAY + 1), (3599, 3600), (7 * DAY + 1, 3600)):
        with reverts("TimingOutOfBounds", delay, window):
            world.pool.write("setTiming", delay, window, sender=world.admin)
    stranger = world.actor("stranger")
    with reverts("AccessManagedUnauthorized", stranger):
        world.pool.write("setTiming", 3600, 3600, sender=stranger)


def test_nothing_is_executed_before_the_delay(world):
    """One second short is too short, and the request stays."""
    request = enter(world, lp(world, "lp", 10), 10 * UNIT)
    world.chain.advance(3599)
    assert run(world, request) == {request: Wait.DELAY}
    world.chain.advance(1)
    assert run(world, request) == {}


def test_a_price_from_before_the_due_time_does_not_serve(world):
    """T-4: whoever asked may not be executed at a price that was known when he asked, or before he was due."""
    exposed(world)
    request = enter(world, lp(world, "lp", 10), 10 * UNIT)
    world.chain.advance(3595)
    world.post({}, seconds=0)
    world.chain.advance(10)
    assert world.pool.read("waitOf", request) == Wait.PRICE
    assert run(world, request) == {request: Wait.PRICE}
    world.post({})
    assert run(world, request) == {}


def test_a_stale_or_doubted_price_does_not_serve(world):
    """Every market in which someone has a position needs a good price; the others need none."""
    exposed(world)
    request = enter(world, lp(world, "lp", 10), 10 * UNIT)
    fall_due(world)
    world.chain.advance(61)
    assert run(world, request) == {request: Wait.PRICE}
    world.post({})
    world.router.write("dispute", 1, world.chain.block()[1] + 100, sender=world.admin)
    assert run(world, request) == {request: Wait.PRICE}
    world.router.write("dispute", 1, 0, sender=world.admin)
    world.router.write("dispute", 2, world.chain.block()[1] + 100, sender=world.admin)
    assert run(world, request) == {}


def test_an_unknown_or_executed_request_is_passed_over(world):
    """Executing twice does nothing twice."""
    owner = lp(world, "lp", 10)
    request = enter(world, owner, 10 * UNIT)
    fall_due(world)
    assert run(world, request, request, 999) == {request: Wait.UNKNOWN, 999: Wait.UNKNOWN}
    shares = world.pool.read("balanceOf", owner)
    assert run(world, request) == {request: Wait.UNKNOWN}
    assert world.pool.read("balanceOf", owner) == shares


def test_what_the_engine_refuses_waits(world):
    """A deposit beyond the supply cap stays in escrow, with no approval left behind."""
    owner = lp(world, "lp", 10)
    request = enter(world, owner, 10 * UNIT)
    fall_due(world)
    slot = ledger.limits(0)
    word = world.chain.storage(world.engine.address, slot)
    full = replace(Limits.from_word(word), supply_cap=sum(world.engine.read("totals", 0)))
    world.chain.set_storage(world.engine.address, slot, full.to_word())
    assert run(world, request) == {request: Wait.REFUSED}
    assert world.token(0).read("allowance", world.pool.address, world.vault(0).address) == 0
    world.chain.set_storage(world.engine.address, slot, word)
    assert run(world, request) == {}


def test_a_redemption_below_the_pools_requirement_waits(world):
    """|skew|·p·move ≤ allocation·equity must hold after it too: 2,400 ETH need 9.6M of the pool's 10M."""
    provider = world.actor("provider")
    exposed(world, 2_400)
    assert world.pool.read("requirement") == 9_600_000 * 10**18
    large, small = leave(world, provider, 500_000 * SHARE), leave(world, provider, 300_000 * SHARE)
    fall_due(world)
    assert world.pool.read("waitOf", large) == Wait.REQUIREMENT
    assert run(world, large, small) == {large: Wait.REQUIREMENT}
    assert wallet(world, provider) > 299_000 * UNIT


def test_the_gap_of_all_markets_together_is_covered_too(world):
    """Open interest without skew: Σ OI·p·gap less insurance stays in the pool."""
    long, short = world.actor("long"), world.actor("short")
    for trader in (long, short):
        world.fund(world.account(trader), 0, 5_000_000 * UNIT)
    world.post({})
    for _ in range(4):
        world.execute(long, trade_perp(world.account(long), 0, 2_000 * SIZE))
        world.execute(short, trade_perp(world.account(short), 0, -2_000 * SIZE))
    assert world.pool.read("requirement") == (16_000 * 3_000 * 5 // 100 - 100_000) * 10**18


def test_a_redemption_beyond_the_pools_cash_waits(world):
    """Profit that the traders have not paid yet is no cash."""
    provider = world.actor("provider")
    account = exposed(world, 100)
    request = leave(world, provider)
    fall_due(world, {1: 2_950 * PRICE})
    assert run(world, request) == {request: Wait.CASH}
    assert world.assess(account).equity < 1_000_000 * 10**18


def test_a_worthless_pool_neither_sells_nor_buys_shares(world):
    """At a close-out value of zero there is no price: both kinds of request wait."""
    provider = world.actor("provider")
    exposed(world, 2_400)
    requests = [enter(world, lp(world, "lp", 10), 10 * UNIT), leave(world, provider, SHARE)]
    fall_due(world, {1: 9_000 * PRICE})
    assert run(world, *requests) == dict.fromkeys(requests, Wait.MOVE)
    world.chain.advance(3_600)
    world.post({})
    assert world.pool.read("totalAssets") == 0
    assert run(world, *requests) == dict.fromkeys(requests, Wait.VALUE)


def test_reclaiming_comes_a_month_later(world, reverts):
    """Irrevocable: before that only execution ends a request."""
    owner = lp(world, "lp", 10)
    request = enter(world, owner, 10 * UNIT)
    due = world.pool.read("request", request).requestedAt + 30 * DAY
    with reverts("ReclaimTooEarly", request, due):
        world.pool.write("reclaim", request, sender=owner)
    with reverts("RequestUnknown", 77):
        world.pool.write("reclaim", 77, sender=owner)
    with reverts("NothingToClaim", owner):
        world.pool.write("claim", owner, sender=owner)


# ---------------------------------------------------------------- successes


def test_a_request_nobody_could_execute_is_given_back_after_a_month(world, reverts):
    """Assets become claimable, shares return; each once."""
    provider, owner = world.actor("provider"), lp(world, "lp", 10)
    asked = [enter(world, owner, 10 * UNIT), leave(world, provider, 7 * SHARE)]
    before = world.pool.read("balanceOf", provider)
    world.chain.advance(30 * DAY)
    for request in asked:
        world.pool.write("reclaim", request, sender=world.actor("anyone"))
        with reverts("RequestUnknown", request):
            world.pool.write("reclaim", request, sender=owner)
    assert world.pool.read("balanceOf", provider) == before + 7 * SHARE
    assert world.pool.read("claimable", owner) == world.pool.read("escrowedAssets") == 10 * UNIT
    world.pool.write("claim", owner, sender=world.actor("anyone"))
    assert (wallet(world, owner), world.pool.read("escrowedAssets")) == (10 * UNIT, 0)


def test_a_waiting_request_holds_up_nobody(world):
    """L-3 for LPs: in one call the unknown, the early and the too large are passed over, the others executed."""
    provider, exact = world.actor("provider"), lp(world, "exact", 10)
    exposed(world, 2_400)
    too_large, deposit, small = leave(world, provider, 9 * 10**6 * SHARE), enter(world, exact, 10 * UNIT), None
    small = leave(world, provider, 100 * SHARE)
    fall_due(world)
    early = leave(world, provider, SHARE)
    waiting = run(world, 999, too_large, deposit, early, small)
    assert waiting == {999: Wait.UNKNOWN, too_large: Wait.REQUIREMENT, early: Wait.DELAY}


def test_the_controller_receives_not_the_caller(world):
    """Who asks gives; the controller gets shares, and later assets."""
    owner, heir = lp(world, "lp", 10), world.actor("heir")
    request = enter(world, owner, 10 * UNIT, controller=heir)
    fall_due(world)
    run(world, request)
    assert (world.pool.read("balanceOf", owner), wallet(world, owner)) == (0, 0)
    request = leave(world, heir, controller=owner)
    fall_due(world)
    run(world, request)
    assert 10 * UNIT - 1 <= wallet(world, owner) <= 10 * UNIT


def test_the_escrow_is_what_lies_in_the_contract(world):
    """Pending deposits and claims, to the unit; executed ones are in the pool's account."""
    owner = lp(world, "lp", 30)
    requests = [enter(world, owner, amount * UNIT) for amount in (10, 20)]
    assert world.pool.read("escrowedAssets") == wallet(world, world.pool.address) == 30 * UNIT
    held = world.held(world.pool_account)
    fall_due(world)
    run(world, requests[0])
    assert world.pool.read("escrowedAssets") == wallet(world, world.pool.address) == 20 * UNIT
    assert world.held(world.pool_account) == held + 10 * UNIT


def test_a_new_delay_binds_new_requests_only(world):
    """The due time is written when the request is made."""
    owner = lp(world, "lp", 20)
    old = enter(world, owner, 10 * UNIT)
    world.pool.write("setTiming", 2 * DAY, 3600, sender=world.admin)
    new = enter(world, owner, 10 * UNIT)
    world.chain.advance(3600)
    world.post({})
    assert run(world, old, new) == {new: Wait.DELAY}


def test_events_tell_the_whole_story_of_a_request(world):
    """Requested with its due time, executed with what was given for what."""
    owner = lp(world, "lp", 10)
    receipt = world.pool.write("requestDeposit", 10 * UNIT, owner, sender=owner)
    (asked,) = events(receipt.logs, "DepositRequested")
    due = world.chain.block()[1] + 3600
    assert asked.args == {"id": 2, "controller": owner, "owner": owner, "assets": 10 * UNIT, "dueAt": due}
    fall_due(world)
    receipt = world.pool.write("execute", [2], sender=owner)
    (done,) = events(receipt.logs, "DepositExecuted")
    assert done.args == {"id": 2, "controller": owner, "assets": 10 * UNIT, "shares": 10 * SHARE}


def test_shares_are_an_ordinary_token(world):
    """They may be given away, and then the new holder leaves with them."""
    owner, heir = invest(world, "lp", 10), world.actor("heir")
    shares = world.pool.read("balanceOf", owner)
    world.pool.write("transfer", heir, shares, sender=owner)
    request = leave(world, heir)
    fall_due(world)
    assert run(world, request) == {}
    assert wallet(world, heir) >= 10 * UNIT - 1
