"""What an operator may do, and what he can never do (A-2)."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, USDC, WAD, expect

from plimsoll.actions import call, deposit, liquidate, margin_call, settle, trade_perp, transfer, withdraw
from plimsoll.margin import fill_math

DAY = 86_400


def limits(
    *, markets=1, notional=1_000_000, leverage=1000, reduce_only=False, expiry=2**32 - 1, ppm=10_000, daily=10_000
):
    return (markets, notional, leverage, reduce_only, expiry, ppm, daily)


def text(word):
    return word.encode().ljust(32, b"\0")


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 100_000)


@pytest.fixture
def oscar(desk, alice):
    """An operator of alice's account within `limits()`."""
    operator = desk.actor("oscar")
    appoint(desk, alice, operator)
    return operator


def appoint(desk, account, operator, **changed):
    return desk.engine.write("setOperator", account, operator, limits(**changed), sender=desk.owner(account))


# ---------------------------------------------------------------- never


def test_only_the_owner_appoints(desk, alice):
    for stranger in ("oscar", "mallory"):
        with expect("NotAuthorized", alice, desk.actor(stranger)):
            desk.engine.write("setOperator", alice, desk.actor(stranger), limits(), sender=desk.actor(stranger))


def test_a_stranger_trades_for_nobody(desk, alice):
    with expect("NotAuthorized", alice, desk.actor("mallory")):
        desk.execute(desk.actor("mallory"), trade_perp(alice, ETH, SIZE))


@pytest.mark.parametrize(
    "action",
    [
        lambda desk, a, me: withdraw(a, QUOTE, 1, me),
        lambda desk, a, me: transfer(a, desk.account(me), QUOTE, 1),
        lambda desk, a, me: call(a, QUOTE, 1, 1, 0, me, b""),
        lambda desk, a, me: liquidate(a, desk.account(me)),
        lambda desk, a, me: margin_call(a, desk.account(me)),
        lambda desk, a, me: deposit(a, 1, 1),
    ],
    ids=["withdraw", "transfer", "call", "liquidate", "margin_call", "new_asset"],
)
def test_an_operator_never_moves_funds_calls_or_liquidates(desk, alice, oscar, action):
    with expect("NotAuthorized", alice, oscar):
        desk.execute(oscar, action(desk, alice, oscar))


# ---------------------------------------------------------------- each limit


def test_market_outside_the_bitmap(desk, alice, oscar):
    with expect("OperatorLimitExceeded", alice, oscar, text("markets"), BTC, 1):
        desk.execute(oscar, trade_perp(alice, BTC, SIZE // 100))


def test_market_beyond_the_bitmap(desk, alice):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, markets=2**64 - 1)
    with expect("OperatorLimitExceeded", alice, oscar, text("markets"), 64, 2**64 - 1):
        desk.execute(oscar, trade_perp(alice, 64, SIZE))


@pytest.mark.parametrize("late, allowed", [(-1, True), (0, False), (1, False)])
def test_expiry_is_the_first_second_without(desk, alice, late, allowed):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, expiry=desk.now - late)
    if allowed:
        desk.execute(oscar, trade_perp(alice, ETH, SIZE))
        return
    with expect("NotAuthorized", alice, oscar):
        desk.execute(oscar, trade_perp(alice, ETH, SIZE))


def test_largest_notional_of_the_account(desk, alice):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, notional=30_000)
    desk.execute(oscar, trade_perp(alice, ETH, 10 * SIZE))  # exactly 30,000
    with expect(
        "OperatorLimitExceeded", alice, oscar, text("maxNotional"), (10 * SIZE + 1) * 3000 * PRICE, 30_000 * WAD
    ):
        desk.execute(oscar, trade_perp(alice, ETH, 1))


def test_largest_leverage_of_the_account(desk, alice):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, leverage=200)
    desk.execute(oscar, trade_perp(alice, ETH, 66 * SIZE))
    size = SIZE
    after = desk.assess(alice).equity - (desk.fill(ETH, size).cost - size * 3000 * PRICE)
    with expect(
        "OperatorLimitExceeded", alice, oscar, text("maxLeverage"), 67 * SIZE * 3000 * PRICE, after * 200 // 100
    ):
        desk.execute(oscar, trade_perp(alice, ETH, size))


def test_reduce_only_opens_nothing_and_may_bring_an_oversized_account_down(desk, alice):
    oscar = desk.actor("oscar")
    desk.trade(alice, ETH, 100 * SIZE)
    appoint(desk, alice, oscar, reduce_only=True, notional=1, leverage=1)
    with expect("OperatorLimitExceeded", alice, oscar, text("reduceOnly"), 1, 0):
        desk.execute(oscar, trade_perp(alice, ETH, SIZE))
    with expect("OperatorLimitExceeded", alice, oscar, text("reduceOnly"), 1, 0):
        desk.execute(oscar, trade_perp(alice, ETH, -201 * SIZE))  # through zero to the other side
    desk.execute(oscar, trade_perp(alice, ETH, -40 * SIZE))
    assert desk.position(alice, ETH)[0] == 60 * SIZE


def cost_of(desk, market, size):
    return desk.fill(market, size).cost - size * 3000 * PRICE


def test_cost_per_notional(desk, alice):
    oscar = desk.actor("oscar")
    size, notional = 10 * SIZE, 30_000 * WAD
    cost = cost_of(desk, ETH, size)
    ppm = cost * 10**6 // notional
    appoint(desk, alice, oscar, ppm=ppm)
    with expect("OperatorLimitExceeded", alice, oscar, text("maxCostPpm"), cost, notional * ppm // 10**6):
        desk.execute(oscar, trade_perp(alice, ETH, size))
    appoint(desk, alice, oscar, ppm=ppm + 1)
    before = desk.assess(alice).equity
    receipt = desk.execute(oscar, trade_perp(alice, ETH, size))
    assert before - desk.assess(alice).equity == cost
    (booked,) = desk.events(receipt, "OperatorCost")
    assert booked.args == {"account": alice, "operator": oscar, "day": desk.now // DAY, "spent": cost}


def test_cost_per_notional_by_hand(desk):
    """A fill of 10 ETH at 3,000, price 4 s old: 2·100 %·√(6 s/year) = 8.72 bp of spread, 3.5 bp fee, 0.05 bp
    premium."""
    desk.chain.advance(4)
    assert fill_math.spread_rate(20, 10_000, 4, 2, WAD) == 872_373_204_317_022
    # 26.17 + 10.5 + 0.15 of 30,000
    assert (
        cost_of(desk, ETH, 10 * SIZE)
        == 26_171_196_129_510_660_000 + 10_500_000_000_000_000_000 + 150_000_000_000_000_000
    )


def test_cost_of_a_day_adds_up_and_a_new_grant_is_no_new_allowance(desk, alice):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, daily=50)
    spent = 0
    while spent + cost_of(desk, ETH, 5 * SIZE) <= 50 * WAD:
        spent += cost_of(desk, ETH, 5 * SIZE)
        desk.execute(oscar, trade_perp(alice, ETH, 5 * SIZE))
    assert spent > 0
    appoint(desk, alice, oscar, daily=50)  # the owner signs it again
    over = spent + cost_of(desk, ETH, 5 * SIZE)
    with expect("OperatorLimitExceeded", alice, oscar, text("maxCostDaily"), over, 50 * WAD):
        desk.execute(oscar, trade_perp(alice, ETH, 5 * SIZE))
    desk.post({}, seconds=DAY)
    desk.execute(oscar, trade_perp(alice, ETH, 5 * SIZE))  # tomorrow


def test_price_moves_and_gains_are_no_cost(desk, alice, oscar):
    """Only what the batch does at the batch's own prices counts: a prologue that moves the market is nobody's doing."""
    desk.execute(oscar, trade_perp(alice, ETH, 10 * SIZE))
    desk.chain.advance(5)
    crash = desk.report({1: 2500 * PRICE})
    desk.execute(oscar, trade_perp(alice, ETH, -SIZE), prices=crash)
    assert desk.position(alice, ETH)[0] == 9 * SIZE


# ---------------------------------------------------------------- no way around


@pytest.mark.parametrize("reducing", [False, True])
def test_a2_touching_the_account_by_a_deposit_first_does_not_lift_the_limits(desk, alice, reducing):
    """A deposit that anyone may make touched the account unoperated, and the trade after it went unmeasured."""
    oscar = desk.actor("oscar")
    desk.trade(alice, ETH, 50 * SIZE)
    appoint(desk, alice, oscar, ppm=1)
    desk.mint(oscar, QUOTE, USDC)
    size = -10 * SIZE if reducing else 10 * SIZE
    cost, notional = cost_of(desk, ETH, size), 30_000 * WAD
    with expect("OperatorLimitExceeded", alice, oscar, text("maxCostPpm"), cost, notional // 10**6):
        desk.execute(oscar, deposit(alice, QUOTE, USDC), trade_perp(alice, ETH, size), reducing=reducing)


def test_a2_closing_everything_is_measured_too(desk, alice):
    oscar = desk.actor("oscar")
    desk.trade(alice, ETH, 10 * SIZE)
    appoint(desk, alice, oscar, ppm=1)
    cost = cost_of(desk, ETH, -10 * SIZE)
    with expect("OperatorLimitExceeded") as caught:
        desk.execute(oscar, trade_perp(alice, ETH, -10 * SIZE))
    _, _, name, measured, allowed = caught.value.values
    assert name == text("maxCostPpm")
    assert measured == cost
    assert allowed == 30_000 * WAD // 10**6


def test_a2_settling_in_the_same_batch_hides_no_cost(desk, alice):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, ppm=1)
    cost = cost_of(desk, ETH, SIZE)
    with expect("OperatorLimitExceeded", alice, oscar, text("maxCostPpm"), cost, 3000 * WAD // 10**6):
        desk.execute(oscar, trade_perp(alice, ETH, SIZE), settle(ETH, [alice]))


# ---------------------------------------------------------------- lockdown


def test_lockdown_revokes_all_operators_of_all_accounts_of_the_caller(desk, alice, oscar):
    second = desk.trader("alice", 10_000, index=1)
    appoint(desk, second, oscar)
    desk.execute(oscar, trade_perp(alice, ETH, SIZE))
    receipt = desk.engine.write("lockdown", sender=desk.owner(alice))
    assert [e.args for e in desk.events(receipt, "Lockdown")] == [{"owner": desk.owner(alice), "epoch": 1}]
    for account in (alice, second):
        with expect("NotAuthorized", account, oscar):
            desk.execute(oscar, trade_perp(account, ETH, SIZE))
    appoint(desk, second, oscar)  # only what is granted after it counts
    desk.execute(oscar, trade_perp(second, ETH, SIZE))
    with expect("NotAuthorized", alice, oscar):
        desk.execute(oscar, trade_perp(alice, ETH, SIZE))


def test_lockdown_of_another_changes_nothing(desk, alice, oscar):
    desk.engine.write("lockdown", sender=desk.actor("mallory"))
    before = desk.position(alice, ETH)[0]
    desk.execute(oscar, trade_perp(alice, ETH, SIZE))
    assert desk.position(alice, ETH)[0] == before + SIZE


def test_a_grant_of_zeros_removes_the_operator(desk, alice, oscar):
    desk.engine.write("setOperator", alice, oscar, (0, 0, 0, False, 0, 0, 0), sender=desk.owner(alice))
    with expect("NotAuthorized", alice, oscar):
        desk.execute(oscar, trade_perp(alice, ETH, SIZE))


def test_the_margin_check_holds_for_operators_as_for_owners(desk, alice):
    oscar = desk.actor("oscar")
    appoint(desk, alice, oscar, notional=10**9, leverage=65_535, daily=10**9)
    with expect("BelowInitialMargin"):
        desk.execute(oscar, trade_perp(alice, ETH, 1000 * SIZE))
