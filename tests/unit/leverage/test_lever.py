"""plan_lever, plan_delever, plan_close: what they promise, what comes of it, and what they cannot exceed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plimsoll import accounts, ledger
from plimsoll.actions import lend, withdraw
from plimsoll.errors import Reverted
from plimsoll.leverage import CannotLever, plan_close, plan_delever, plan_lever
from plimsoll.margin.account import AccountState
from plimsoll.margin.words import Limits
from plimsoll.prices import PRICE

USDC, WAD, BTC = 10**6, 10**18, 10**8
QUOTE, WETH, WBTC = 0, 1, 2
NEVER = 2**256 - 1


def owner(account):
    return accounts.AccountId.unpack(account).owner


def sent(world, plan):
    return plan.execute(world.deployed, sender=owner(plan.account))


def leverage(world, account):
    (now,) = [plan_before(world, account)]
    return now.leverage


def plan_before(world, account):
    from plimsoll.actions import batch
    from plimsoll.previews import preview

    return preview(world.engine, batch([]), [account], sender=owner(account)).outcomes[account]


def untouched(world, account, held):
    return [world.held(account, a) for a in range(3)] == held and world.engine.read("debtOf", account, QUOTE) == 0


# ---------------------------------------------------------------- what cannot be


def test_less_leverage_is_not_lever(world, alice):
    with pytest.raises(CannotLever, match="use `delever`"):
        plan_lever(world.deployed, alice, "0.5")


def test_more_leverage_is_not_delever(world, alice):
    with pytest.raises(CannotLever, match="use `lever`"):
        plan_delever(world.deployed, alice, "2")


def test_an_account_with_nothing(world):
    nobody = world.account(world.actor("nobody"))
    with pytest.raises(CannotLever, match="deposit first"):
        plan_lever(world.deployed, nobody, "2", asset=WETH)


def test_which_asset_must_be_clear(world, alice):
    world.fund(alice, WBTC, BTC)
    with pytest.raises(CannotLever, match="--asset"):
        plan_lever(world.deployed, alice, "2")
    with pytest.raises(CannotLever, match="with itself"):
        plan_lever(world.deployed, alice, "2", asset=QUOTE)


def test_nothing_owed_is_nothing_to_close(world, alice):
    with pytest.raises(CannotLever, match="owes no USDC"):
        plan_close(world.deployed, alice)


def test_more_than_is_lent(world):
    whale = world.account(world.actor("whale"))
    world.fund(whale, WETH, 2_000 * WAD)
    slot = ledger.limits(QUOTE)
    word = Limits.from_word(ledger.read(world.engine, [slot])[0])
    world.chain.set_storage(world.engine.address, slot, replace(word, borrow_cap=USDC).to_word())
    with pytest.raises(CannotLever, match="is left of the borrow cap"):
        plan_lever(world.deployed, whale, "1.5")


def test_who_lends_the_asset_cannot_borrow_it(world, alice):
    world.fund(alice, QUOTE, 1_000 * USDC)
    world.execute(owner(alice), lend(alice, QUOTE, 1_000 * USDC))
    with pytest.raises(CannotLever, match="recall it first"):
        plan_lever(world.deployed, alice, "2", asset=WETH)


def test_beyond_initial_margin_it_says_so_and_sends_nothing(world, alice):
    """A fifth of margin: five times is too much."""
    plan = plan_lever(world.deployed, alice, "5.5")
    assert plan.refusal.name == "BelowInitialMargin"
    assert plan.after.state == AccountState.RESTRICTED
    with pytest.raises(Reverted):
        sent(world, plan)
    assert untouched(world, alice, [0, 10 * WAD, 0])


def test_a_pair_that_is_not_listed(world):
    trader = world.actor("trader")
    account = accounts.isolated(trader, accounts.pair_code(WBTC, QUOTE))
    world.mint(trader, WBTC, BTC)
    with pytest.raises(Reverted, match="there is no such pair or market"):
        world.fund(account, WBTC, BTC)


# ---------------------------------------------------------------- hard limits


def test_a_swap_that_brings_less_changes_nothing(world, alice):
    """Somebody buys between the plan and the batch."""
    plan = plan_lever(world.deployed, alice, "3", slippage=10)
    pool = world.exchange.pool(WETH, QUOTE)
    front = world.actor("front")
    for asset, amount in ((QUOTE, 10**14), (WETH, 10**24)):
        world.token(asset).write("mint", front, amount, sender=world.admin)
    world.exchange.move_to(pool, 3_050 * PRICE, sender=front)
    with pytest.raises(Reverted, match="OutputBelowMinimum") as caught:
        sent(world, plan)
    assert caught.value.values[2] == plan.swap.least_out
    assert "--slippage" in str(caught.value)
    assert untouched(world, alice, [0, 10 * WAD, 0])


def test_a_price_that_falls_meets_the_leverage_limit(world, alice):
    """On chain: LeverageExceeded, with what it would have been."""
    plan = plan_lever(world.deployed, alice, "3")
    world.post({1: 2_900 * PRICE})
    with pytest.raises(Reverted, match="LeverageExceeded") as caught:
        sent(world, plan)
    assert caught.value.values[2] == plan.max_leverage < caught.value.values[1]
    assert untouched(world, alice, [0, 10 * WAD, 0])


def test_a_limit_of_ones_own(world, alice):
    plan = plan_lever(world.deployed, alice, "3", max_leverage="2.9")
    assert plan.refusal.name == "LeverageExceeded"
    assert plan.max_leverage == 290


def test_a_router_that_reverts(world, alice):
    """Its own reason, and nothing lost."""
    plan = plan_lever(world.deployed, alice, "3")
    kind, account, data = plan.actions[1]
    broken = replace(
        plan, actions=(plan.actions[0], (kind, account, data.replace(bytes.fromhex("414bf389"), bytes(4))))
    )
    with pytest.raises(Reverted, match="CallReverted"):
        sent(world, broken)
    assert untouched(world, alice, [0, 10 * WAD, 0])


# ---------------------------------------------------------------- lever


@pytest.mark.parametrize("to", ["1.5", "3", "3.5", "4.5"])
def test_lever_arrives(world, alice, to):
    """At most at what was asked, within a hundredth; everything as previewed."""
    plan = plan_lever(world.deployed, alice, to)
    assert plan.refusal is None
    assert plan.before.leverage == 100
    goal = int(float(to) * 100)
    assert goal - 1 <= plan.after.leverage <= goal <= plan.max_leverage <= goal + 20
    sent(world, plan)
    assert plan_before(world, alice) == plan.after
    assert world.held(alice, WETH) == 10 * WAD + plan.swap.amount_out
    assert world.held(alice) == 0
    assert plan.swap.amount_out >= plan.swap.least_out
    assert world.engine.read("debtOf", alice, QUOTE) in (plan.borrowed, plan.borrowed + 1)


def test_the_liquidation_price_comes_true(world, alice):
    plan = plan_lever(world.deployed, alice, "3.5")
    assert plan.liquidation_before == (False, None, None)
    sent(world, plan)
    assert world.lens.read("liquidationPriceOfAsset", alice, WETH) == (False, plan.liquidation_after.below, NEVER)


def test_what_it_costs(world, alice):
    """Impact above the pool's fee of 5 bps, equity lost to the wei, a rate that rises, a move that pays for it."""
    plan = plan_lever(world.deployed, alice, "3.5")
    assert 5 < plan.swap.impact < 60
    assert plan.swap.fee == pytest.approx(plan.swap.amount_in * 10**12 * 5 // 10_000, rel=1e-3)
    assert plan.cost > plan.swap.fee
    sent(world, plan)
    assert plan.before.equity - world.assess(alice).equity - plan.cost in range(-2 * 10**12, 2 * 10**12)
    rows = world.lens.read("lending")
    assert int.from_bytes(rows[11 * 32 : 12 * 32], "big") == plan.borrow_rate_after > plan.borrow_rate > 0
    assert 5 * 100 < plan.break_even < 100 * 100


def test_what_is_held_is_spent_before_anything_is_borrowed(world):
    bob = world.account(world.actor("bob"))
    world.fund(bob, QUOTE, 10_000 * USDC)
    half = plan_lever(world.deployed, bob, "0.5", asset=WETH)
    assert half.borrowed == 0 and len(half.actions) == 2
    plan = plan_lever(world.deployed, bob, "2", asset=WETH)
    assert plan.swap.amount_in - plan.borrowed == 10_000 * USDC
    sent(world, plan)
    assert world.held(bob) == 0


def test_a_pair_account(world):
    """WETH against WBTC, which is what is borrowed: exposure is both."""
    trader = world.actor("trader")
    account = accounts.isolated(trader, accounts.pair_code(WETH, WBTC))
    world.fund(account, WETH, 10 * WAD)
    with pytest.raises(CannotLever, match="isolated to WETH against WBTC"):
        plan_lever(world.deployed, account, "3", asset=WETH, debt_asset=QUOTE)
    plan = plan_lever(world.deployed, account, "3")
    assert (plan.asset, plan.debt_asset) == (WETH, WBTC)
    sent(world, plan)
    assert plan_before(world, account) == plan.after
    assert 299 <= plan.after.leverage <= 300
    less = plan_delever(world.deployed, account, "2")
    sent(world, less)
    assert 199 <= plan_before(world, account).leverage <= 200
    sent(world, plan_close(world.deployed, account))
    assert world.engine.read("debtOf", account, WBTC) == 0


def test_with_a_report_in_the_batch(world, alice):
    """The plan is made at its prices."""
    world.chain.advance(600)
    with pytest.raises(CannotLever, match="600 s old"):
        plan_lever(world.deployed, alice, "3")
    plan = plan_lever(world.deployed, alice, "3", prices=world.report({1: 3_001 * PRICE}))
    assert plan.refusal is None
    assert plan.before.equity == 30_010 * WAD
    sent(world, plan)
    assert 299 <= plan_before(world, alice).leverage <= 300


# ---------------------------------------------------------------- delever, close


@pytest.fixture
def levered(world, alice):
    sent(world, plan_lever(world.deployed, alice, "3.5"))
    world.chain.advance(86_400)
    world.post({})
    return alice


@pytest.mark.parametrize("to", ["3", "2", "1.2"])
def test_delever_arrives(world, levered, to):
    plan = plan_delever(world.deployed, levered, to)
    assert plan.refusal is None
    goal = int(float(to) * 100)
    sent(world, plan)
    assert plan_before(world, levered) == plan.after
    assert goal - 1 <= plan.after.leverage <= goal <= plan.max_leverage
    assert plan.borrow_rate_after < plan.borrow_rate
    assert plan.liquidation_after.below < plan.liquidation_before.below


def test_delever_below_the_debt_sells_into_the_quote_asset(world, levered):
    sent(world, plan_delever(world.deployed, levered, "0.5"))
    assert 49 <= plan_before(world, levered).leverage <= 50
    assert world.engine.read("debtOf", levered, QUOTE) == 0


def test_close_repays_all_whatever_accrues_on_the_way(world, levered):
    plan = plan_close(world.deployed, levered)
    world.chain.advance(50)
    sent(world, plan)
    assert world.engine.read("debtOf", levered, QUOTE) == 0
    assert world.held(levered) < 20 * USDC
    assert 9 * WAD < world.held(levered, WETH) < 10 * WAD
    assert plan.liquidation_after == (False, None, None)


def test_close_without_a_swap_when_the_quote_is_there(world, levered):
    world.fund(levered, QUOTE, 100_000 * USDC)
    plan = plan_close(world.deployed, levered)
    assert (plan.swap.amount_in, plan.swap.impact, plan.cost) == (0, 0, 0)
    sent(world, plan)
    assert world.engine.read("debtOf", levered, QUOTE) == 0


def test_everything_can_be_taken_home(world, levered):
    """Lever, close, withdraw: what is missing is what the swaps and a day cost."""
    sent(world, plan_close(world.deployed, levered))
    home = owner(levered)
    held = world.held(levered, WETH)
    world.execute(home, withdraw(levered, WETH, held, home))
    assert held > 9.8 * WAD
