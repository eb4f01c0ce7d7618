"""LiquidityPool: controllers whom the token refuses, and tokens that call back."""

from __future__ import annotations

import pytest
from lps import SHARE, UNIT, Wait, enter, fall_due, invest, leave, lp, run, wallet

from plimsoll.actions import settle, trade_perp, withdraw
from plimsoll.contracts import decode_error, events
from plimsoll.prices import PRICE
from plimsoll.testing import World
from plimsoll.testing.world import SIZE


def test_a_blacklisted_controller_blocks_nobody_and_loses_nothing(world_of, reverts):
    """His payment stays claimable; the others are paid in the same run."""
    world = world_of("BlacklistERC20")
    refused, other = invest(world, "refused", 10), invest(world, "other", 10)
    requests = [leave(world, refused), leave(world, other)]
    world.token(0).write("setBlacklisted", refused, True, sender=world.admin)
    fall_due(world)
    assert run(world, *requests) == {}
    assert wallet(world, other) >= 10 * UNIT - 1
    owed = world.pool.read("claimable", refused)
    assert owed == world.pool.read("escrowedAssets") == wallet(world, world.pool.address)
    assert 10 * UNIT - 1 <= owed <= 10 * UNIT
    with reverts("AddressBlacklisted", refused):
        world.pool.write("claim", refused, sender=world.actor("anyone"))
    world.token(0).write("setBlacklisted", refused, False, sender=world.admin)
    receipt = world.pool.write("claim", refused, sender=world.actor("anyone"))
    assert events(receipt.logs, "Claimed")[0].args == {"controller": refused, "assets": owed}
    assert (wallet(world, refused), world.pool.read("escrowedAssets")) == (owed, 0)
    with reverts("NothingToClaim", refused):
        world.pool.write("claim", refused, sender=refused)


def test_when_the_pool_itself_is_refused_requests_wait(world_of):
    """A token that freezes the pool freezes exits, and takes no shares."""
    world = world_of("BlacklistERC20")
    owner = invest(world, "lp", 10)
    shares = world.pool.read("totalSupply")
    request = leave(world, owner)
    fall_due(world)
    for frozen in (owner, world.pool.address):
        world.token(0).write("setBlacklisted", frozen, True, sender=world.admin)
    assert run(world, request) == {request: Wait.REFUSED}
    assert world.pool.read("totalSupply") == shares


@pytest.fixture
def hooked(world_of):
    world = world_of("HookERC20")
    invest(world, "lp", 10)
    return world


def arm(world, account, data, *, target=None, receive=True):
    target = (target or world.pool).address
    world.token(0).write("setHook", account, receive, target, False, data, sender=world.admin)


def told(world):
    """What the last re-entrant call was told: "" when it succeeded."""
    assert world.token(0).read("calls") > 0
    return "" if world.token(0).read("lastSucceeded") else decode_error(world.token(0).read("lastResult"))[0]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("execute", ([1],)),
        ("requestDeposit", (1, "0x" + "11" * 20)),
        ("requestRedeem", (1, "0x" + "11" * 20)),
        ("claim", ("0x" + "11" * 20,)),
        ("reclaim", (1,)),
        ("observe", ()),
    ],
)
def test_a_payment_cannot_re_enter_the_pool(hooked, function, arguments):
    """The receiver's hook runs while the pool pays him: every door is shut."""
    owner = hooked.actor("lp")
    request = leave(hooked, owner)
    fall_due(hooked)
    arm(hooked, owner, hooked.pool.encode(function, *arguments))
    assert run(hooked, request) == {}
    assert told(hooked) == "ReentrancyGuardReentrantCall"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("totalAssets", ()),
        ("convertToAssets", (1,)),
        ("convertToShares", (1,)),
        ("waitOf", (1,)),
        ("requirement", ()),
        ("execute", ([1],)),
        ("observe", ()),
        ("requestDeposit", (1, "0x" + "11" * 20)),
        ("claim", ("0x" + "11" * 20,)),
    ],
)
def test_prices_of_the_pool_are_locked_inside_a_batch(hooked, function, arguments):
    """T-18: a third contract that reads or moves the pool in the middle of a batch is refused."""
    trader = hooked.actor("trader")
    account = hooked.account(trader)
    hooked.fund(account, 0, UNIT)
    arm(hooked, trader, hooked.pool.encode(function, *arguments))
    hooked.execute(trader, withdraw(account, 0, 1, trader))
    assert told(hooked) == "Locked"


def test_prices_are_locked_while_the_pool_pays(hooked):
    """Between the payment and the burning of the shares nobody sees a price."""
    owner = hooked.actor("lp")
    request = leave(hooked, owner)
    fall_due(hooked)
    arm(hooked, owner, hooked.pool.encode("convertToAssets", SHARE))
    run(hooked, request)
    assert told(hooked) == "Locked"


def test_a_request_counts_what_arrives(hooked, reverts):
    """A hook that slips the pool more tokens while it receives is refused with both figures."""
    thief, token = lp(hooked, "thief", 10), hooked.token(0)
    token.write("mint", token.address, 5, sender=hooked.admin)
    arm(hooked, thief, token.encode("transfer", hooked.pool.address, 5), target=token, receive=False)
    with reverts("TransferAmountMismatch", token.address, 10 * UNIT + 5, 10 * UNIT):
        enter(hooked, thief, 10 * UNIT)


def test_t6_winners_are_not_paid_from_the_lenders_cash():
    """ETH trebles and the pool owes more than it has: the winner gets the pool's cash, the lenders keep theirs, and the
    rest of his profit stays unrealised."""
    world = World.create(liquidity=100_000, insurance=10_000)
    trader, lender = world.actor("trader"), world.actor("lender")
    account = world.account(trader)
    world.fund(account, 0, 50_000 * UNIT)
    world.mint(lender, 0, 1_000_000 * UNIT)
    world.vault(0).write("deposit", 1_000_000 * UNIT, lender, sender=lender)
    world.post({})
    world.execute(trader, trade_perp(account, 0, 25 * SIZE))
    world.post({1: 9_000 * PRICE})
    world.execute(trader, settle(0, [account]))
    assert world.held(account) == 150_000 * UNIT
    assert world.held(world.pool_account) == 0
    held, lent = world.engine.read("totals", 0)
    assert (held + lent, lent) == (world.vault(0).read("balance"), 1_000_000 * UNIT)
    assert world.assess(account).equity > 195_000 * 10**18
    world.post({})
    world.engine.write("observeExits", sender=lender)
    world.post({}, seconds=3_600)  # who lends waits for losses to show themselves
    assert world.vault(0).read("maxWithdraw", lender) == 1_000_000 * UNIT
