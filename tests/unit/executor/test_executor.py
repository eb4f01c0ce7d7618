"""Executor and the `Call` action: an external call that can spend exactly what it was given, and keep nothing."""

from __future__ import annotations

import pytest

from plimsoll.actions import call, trade_perp
from plimsoll.contracts import events
from plimsoll.errors import Reverted
from plimsoll.testing.world import SIZE

UNIT = 10**6
QUOTE, ETH, BTC = 0, 1, 2
NOBODY = "0x" + "00" * 20
SPENT = 3_000 * UNIT


@pytest.fixture
def market(world, put):
    """An exchange that sells ETH at 3,000, and a trader with 10,000 quote."""
    return _open(world, put)


def _open(world, put):
    exchange = put(world, "MockExchange")
    usd, eth = world.token(QUOTE).address, world.token(ETH).address
    world.token(ETH).write("mint", exchange.address, 10**24, sender=world.admin)
    exchange.write("setPrice", usd, eth, 10**18, 3_000 * UNIT, sender=world.admin)
    account = world.account(world.actor("trader"))
    world.fund(account, QUOTE, 10_000 * UNIT)
    return world, exchange, account


def swap(world, exchange, account, *, amount=SPENT, asked=None, minimum=10**18, target=None, data=None):
    asked = amount if asked is None else asked
    data = data or exchange.encode("swap", world.token(QUOTE).address, world.token(ETH).address, asked)
    action = call(account, QUOTE, amount, ETH, minimum, target or exchange.address, data)
    return world.execute(world.actor("trader"), action)


def executor(world):
    return world.deployed["Executor"]


def assert_nothing_left(world, exchange):
    """No token of any asset, and no allowance, in Executor."""
    for asset in range(3):
        assert world.token(asset).read("balanceOf", executor(world).address) == 0
        assert world.token(asset).read("allowance", executor(world).address, exchange.address) == 0


# ---------------------------------------------------------------- refusals


def test_only_the_engine_runs_it(world, reverts):
    """Not even its deployer."""
    for caller in (world.admin, world.actor("stranger")):
        with reverts("OnlyEngine", caller):
            executor(world).write("run", NOBODY, 0, NOBODY, NOBODY, NOBODY, NOBODY, b"", sender=caller)


def test_the_engine_is_named_once_by_the_deployer(world, put, reverts):
    """A stranger cannot name it, and the deployer cannot rename it."""
    with reverts("EngineAlreadySet", world.engine.address):
        executor(world).write("setEngine", world.admin, sender=world.admin)
    fresh = put(world, "Executor")
    stranger = world.actor("stranger")
    with reverts("OnlyDeployer", stranger):
        fresh.write("setEngine", stranger, sender=stranger)
    with reverts("OnlyEngine", stranger):
        fresh.write("run", NOBODY, 0, NOBODY, NOBODY, NOBODY, NOBODY, b"", sender=stranger)


def test_a_failing_target_is_told_with_its_reason(market):
    """CallReverted carries the target's own error, whole."""
    world, exchange, account = market
    eth, usd = world.token(ETH).address, world.token(QUOTE).address
    with pytest.raises(Reverted) as caught:
        swap(world, exchange, account, data=exchange.encode("swap", eth, usd, 1))
    assert caught.value.name == "CallReverted"
    target, reason = caught.value.values
    assert target == exchange.address
    assert (Reverted(reason).name, Reverted(reason).values) == ("SwapRefused", (eth, usd))


def test_the_target_cannot_take_more_than_it_was_given(market):
    """The approval is for the amount named, to the unit."""
    world, exchange, account = market
    with pytest.raises(Reverted) as caught:
        swap(world, exchange, account, amount=SPENT, asked=SPENT + 1)
    reason = Reverted(caught.value.values[1])
    assert reason.matches("ERC20InsufficientAllowance", exchange.address, SPENT, SPENT + 1)


def test_less_than_the_minimum_is_refused(market, reverts):
    """Row of a bad exchange: 1 % less than promised."""
    world, exchange, account = market
    exchange.write("misbehave", 100, 0, NOBODY, b"", sender=world.admin)
    with reverts("OutputBelowMinimum", ETH, 99 * 10**16, 10**18):
        swap(world, exchange, account)


def test_tokens_vaults_and_the_core_are_no_targets(market, reverts):
    """T-18: `Call(asset, approve(attacker))` would leave an approval behind; it is refused before it runs."""
    world, exchange, account = market
    approve = world.token(BTC).encode("approve", world.actor("thief"), 2**255)
    targets = [world.token(n) for n in range(3)] + [world.vault(n) for n in range(3)]
    for target in [*targets, world.engine, world.pool, world.router, executor(world)]:
        with reverts("CallTargetForbidden", target.address):
            swap(world, exchange, account, target=target.address, data=approve)


def test_the_target_cannot_re_enter(market):
    """In the middle of the call the engine, the vaults, the pool and the executor are shut."""
    world, exchange, account = market
    doors = [
        (world.engine, world.engine.encode("execute", (b"", False, [])), "Locked"),
        (world.engine, world.engine.encode("assess", account), "Locked"),
        (world.vault(QUOTE), world.vault(QUOTE).encode("deposit", 1, NOBODY), "Locked"),
        (world.vault(QUOTE), world.vault(QUOTE).encode("totalAssets"), "Locked"),
        (world.pool, world.pool.encode("execute", [1]), "Locked"),
        (world.pool, world.pool.encode("totalAssets"), "Locked"),
        (world.lens, world.lens.encode("globals"), "Locked"),
        (world.vault(QUOTE), world.vault(QUOTE).encode("push", exchange.address, 1), "OnlyEngine"),
        (
            executor(world),
            executor(world).encode("run", NOBODY, 0, NOBODY, NOBODY, NOBODY, NOBODY, b""),
            "OnlyEngine",
        ),
    ]
    for target, data, told in doors:
        exchange.write("misbehave", 0, 0, target.address, data, sender=world.admin)
        with pytest.raises(Reverted) as caught:
            swap(world, exchange, account)
        assert caught.value.name == "CallReverted"
        assert Reverted(caught.value.values[1]).name == told


def test_a_call_cannot_spend_what_is_not_held(market, reverts):
    """One unit too much is refused by the ledger."""
    world, exchange, account = market
    with reverts("InsufficientBalance", account, QUOTE, 10_000 * UNIT, 10_000 * UNIT + 1):
        swap(world, exchange, account, amount=10_000 * UNIT + 1)


# ---------------------------------------------------------------- successes


def test_a_swap_credits_what_was_measured(market):
    """Spent and received are exact in the account, the totals and the event; nothing stays behind."""
    world, exchange, account = market
    totals = [world.engine.read("totals", asset)[0] for asset in (QUOTE, ETH)]
    receipt = swap(world, exchange, account)
    (event,) = events(receipt.logs, "Called")
    assert (event.args["spent"], event.args["received"]) == (SPENT, 10**18)
    assert (world.held(account, QUOTE), world.held(account, ETH)) == (7_000 * UNIT, 10**18)
    after = [world.engine.read("totals", asset)[0] for asset in (QUOTE, ETH)]
    assert after == [totals[0] - SPENT, totals[1] + 10**18]
    assert_nothing_left(world, exchange)


def test_what_the_target_leaves_comes_back_without_its_allowance(market):
    """An exchange that takes half returns half, and cannot come for the rest later."""
    world, exchange, account = market
    exchange.write("misbehave", 0, 5_000, NOBODY, b"", sender=world.admin)
    swap(world, exchange, account, minimum=0)
    assert (world.held(account, QUOTE), world.held(account, ETH)) == (8_500 * UNIT, 5 * 10**17)
    assert_nothing_left(world, exchange)
    with pytest.raises(Reverted):
        exchange.write("collect", world.token(QUOTE).address, executor(world).address, 1, sender=world.admin)


def test_a_token_that_demands_zero_before_a_new_approval_works(world_of, put):
    """USDT's rule, and no return values, twice in a row."""
    world, exchange, account = _open(world_of("NoReturnERC20"), put)
    for _ in range(2):
        swap(world, exchange, account)
    assert world.held(account, ETH) == 2 * 10**18
    assert_nothing_left(world, exchange)


def test_tokens_stranded_in_the_executor_go_to_the_next_caller_and_harm_nobody(market):
    """They are swept into the vault and credited as received: claims and cash stay equal."""
    world, exchange, account = market
    world.token(ETH).write("mint", executor(world).address, 7, sender=world.admin)
    swap(world, exchange, account)
    assert world.held(account, ETH) == 10**18 + 7
    for asset in (QUOTE, ETH):
        assert sum(world.engine.read("totals", asset)) == world.vault(asset).read("balance")


def test_the_check_at_the_end_of_the_batch_sees_the_swap(market, reverts):
    """Collateral swapped away counts with its haircut afterwards: a leveraged account may not."""
    world, exchange, account = market
    world.post({})
    world.execute(world.actor("trader"), trade_perp(account, 0, 50 * SIZE))
    world.post({})
    with pytest.raises(Reverted) as caught:
        swap(world, exchange, account, amount=9_900 * UNIT, minimum=0)
    assert caught.value.name == "BelowInitialMargin"
