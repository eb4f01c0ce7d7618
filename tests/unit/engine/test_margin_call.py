"""MarginCall: below the call margin, a deadline and a small bounty; cured at IM₀."""

from __future__ import annotations

import pytest
from desk import (
    BANKRUPT,
    CALLED,
    ETH,
    HEALTHY,
    LIQUIDATABLE,
    PRICE,
    QUOTE,
    RESTRICTED,
    SIZE,
    USDC,
    WAD,
    WETH,
    expect,
)

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp

HOUR = 3_600


@pytest.fixture
def alice(desk):
    """Long 100 ETH on 20,000: IM₀ 15,000, call margin 11,250, MM 7,500 at 3,000."""
    account = desk.trader("alice", 20_000)
    desk.trade(account, ETH, 100 * SIZE)
    return account


@pytest.fixture
def caller(desk):
    return desk.trader("caller", 1)


def sink(desk, account, goal):
    """`goal` of the assessment: "call" just below the call margin, "mm" just below MM, or a share of MM."""
    for _ in range(20):
        found = desk.assess(account)
        level = {"call": desk.call_margin(account), "mm": found.mm}.get(goal) or int(found.mm * goal)
        if level - WAD <= found.equity < level:
            return found
        desk.post({1: desk.price_for(account, ETH, level - WAD // 2)}, seconds=1)
    raise AssertionError(desk.assess(account))


def test_healthy(desk, alice, caller):
    found = desk.assess(alice)
    with expect("AccountHealthy", alice, found.equity, desk.call_margin(alice)):
        desk.act(caller, margin_call(caller, alice))
    receipt = desk.act(caller, margin_call(caller, alice, skip=True))
    assert desk.events(receipt) == []


def test_restricted_is_not_called(desk, alice, caller):
    """Between call margin and IM."""
    desk.post({1: 2_930 * PRICE})
    found = desk.assess(alice)
    assert found.state == RESTRICTED
    with expect("AccountHealthy", alice, found.equity, desk.call_margin(alice)):
        desk.act(caller, margin_call(caller, alice))


def test_only_for_an_account_of_one_s_own(desk, alice, caller):
    with expect("NotAuthorized", caller, desk.actor("mallory")):
        desk.execute(desk.actor("mallory"), margin_call(caller, alice))


def test_by_itself_it_is_a_cure_judged_at_the_end_of_the_batch(desk, alice, caller):
    desk.act(alice, margin_call(alice, alice))  # nothing to cure
    assert desk.header(alice).call_deadline == 0
    found = sink(desk, alice, "call")
    desk.act(alice, margin_call(alice, alice))  # nobody calls himself, nor earns a bounty
    assert desk.header(alice).call_deadline == 0
    desk.act(caller, margin_call(caller, alice))
    deadline = desk.header(alice).call_deadline
    with expect("AccountCalled", alice, deadline):
        desk.act(alice, margin_call(alice, alice))
    lacking = (found.im0 - found.equity) // 10**12 + 2 * USDC
    desk.mint(desk.owner(alice), QUOTE, lacking)
    desk.act(alice, margin_call(alice, alice), deposit(alice, QUOTE, lacking))
    assert desk.header(alice).call_deadline == 0


def test_an_account_that_does_not_exist_is_healthy(desk, caller):
    with expect("AccountHealthy", bytes(32), 0, 0):
        desk.act(caller, margin_call(caller, bytes(32)))
    for special in (desk.pool_account, desk.insurance):
        with expect("AccountHealthy"):
            desk.act(caller, margin_call(caller, special))


def test_deadline_bounty_and_event(desk, alice, caller):
    found = sink(desk, alice, "call")
    level = desk.call_margin(alice)
    assert level == found.mm + (found.im0 - found.mm + 1) // 2
    receipt = desk.act(caller, margin_call(caller, alice))
    (called,) = desk.events(receipt, "MarginCalled")
    deadline = desk.now + HOUR
    assert called.args == {
        "account": alice,
        "deadline": deadline,
        "equity": found.equity,
        "callMargin": level,
        "bounty": WAD,
    }
    assert (desk.held(caller), desk.held(alice)) == (2 * USDC, 19_999 * USDC)
    header = desk.header(alice)
    assert (header.call_deadline, header.clock_start) == (deadline, 0)
    assert desk.assess(alice).state == CALLED


def test_by_hand(desk, alice, caller):
    """At 2,890: 289,000 of notional; MM 7,225, IM₀ 14,450, call margin 10,837.5; equity 20,000 − 11,000 − cost."""
    _, cost = desk.position(alice, ETH)
    desk.post({1: 2_890 * PRICE})
    found, funding = desk.assess(alice), 100 * SIZE * desk.market_words(ETH).state.funding_index
    assert (found.mm, found.im0) == (7_225 * WAD, 14_450 * WAD)
    paid = cost - 300_000 * WAD
    assert abs(found.equity - (9_000 * WAD - paid - funding)) < WAD // 100
    (called,) = desk.events(desk.act(caller, margin_call(caller, alice)), "MarginCalled")
    assert called.args["callMargin"] == 10_837_500_000_000_000_000_000


@pytest.mark.parametrize("bounty", [0, 1, 250, 10_000])
def test_bounty_by_terms(desk, alice, caller, bounty):
    desk.set_terms(bounty=bounty)
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    assert desk.held(caller) == USDC + bounty * USDC // 100


def test_no_bounty_without_quote_to_pay_it_from(desk, caller):
    account = desk.trader("alice")
    desk.fund(account, WETH, 10 * WAD)
    desk.trade(account, ETH, 60 * SIZE)
    while desk.assess(account).equity >= desk.call_margin(account):
        desk.post({1: desk.prices[1] - 5 * PRICE})
    assert desk.assess(account).equity > desk.assess(account).mm
    (called,) = desk.events(desk.act(caller, margin_call(caller, account)), "MarginCalled")
    assert called.args["bounty"] == 0
    assert (desk.held(account), desk.held(account, WETH)) == (0, 10 * WAD)


def test_below_mm_the_call_starts_the_clock(desk, alice, caller):
    sink(desk, alice, "mm")
    receipt = desk.act(caller, margin_call(caller, alice))
    assert desk.header(alice).clock_start == desk.now
    assert [e.args for e in desk.events(receipt, "LiquidationClock")] == [{"account": alice, "startedAt": desk.now}]


def test_a_second_call_changes_nothing(desk, alice, caller):
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    deadline = desk.header(alice).call_deadline
    desk.chain.advance(100)
    desk.post({})
    with expect("AccountCalled", alice, deadline):
        desk.act(caller, margin_call(caller, alice))
    desk.act(caller, margin_call(caller, alice, skip=True))
    assert desk.header(alice).call_deadline == deadline
    assert desk.held(caller) == 2 * USDC


@pytest.mark.parametrize("past, state", [(0, CALLED), (1, LIQUIDATABLE)])
def test_past_the_deadline_and_still_below_the_call_margin(desk, alice, caller, past, state):
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    deadline = desk.header(alice).call_deadline
    desk.chain.set_timestamp(deadline + past)
    desk.post({}, seconds=0)
    found = desk.assess(alice)
    assert found.mm < found.equity < desk.call_margin(alice)
    assert found.state == state
    taker = desk.trader("taker", 100_000)
    if state == CALLED:
        with expect("AccountHealthy", alice, found.equity, found.mm):
            desk.act(taker, liquidate(taker, alice))
        return
    piece = desk.slice(alice)
    desk.act(taker, liquidate(taker, alice))
    assert desk.position(taker, ETH)[0] == 100 * SIZE * piece.fraction // WAD
    assert desk.header(alice).call_deadline == 0  # at target


def test_past_the_deadline_but_above_the_call_margin_is_not_liquidatable(desk, alice, caller):
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    desk.chain.set_timestamp(desk.header(alice).call_deadline + 1)
    desk.post({1: desk.prices[1] + 10 * PRICE}, seconds=0)
    found = desk.assess(alice)
    assert desk.call_margin(alice) < found.equity < found.im0
    assert found.state == CALLED
    with expect("AccountHealthy", alice, found.equity, found.mm):
        desk.act(caller, liquidate(caller, alice))


@pytest.mark.parametrize("short", [0, 1])
def test_cured_at_im0_by_a_deposit_and_a_call(desk, alice, caller, short):
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    deadline = desk.header(alice).call_deadline
    found = desk.assess(alice)
    lacking = -(-(found.im0 - found.equity) // 10**12)
    desk.fund(alice, QUOTE, lacking - short)
    assert desk.header(alice).call_deadline == deadline  # a deposit alone is not checked
    if short:
        with expect("AccountCalled", alice, deadline):
            desk.act(caller, margin_call(caller, alice))
        return
    receipt = desk.act(caller, margin_call(caller, alice))
    assert [e.name for e in desk.events(receipt)] == ["MarginCallCleared"]
    assert desk.assess(alice).state == HEALTHY


def test_cured_by_the_owner_s_own_batch(desk, alice, caller):
    """Any batch that is checked and ends at IM₀."""
    sink(desk, alice, "mm")
    desk.act(caller, margin_call(caller, alice))
    desk.act(alice, trade_perp(alice, ETH, -70 * SIZE))
    header = desk.header(alice)
    assert (header.call_deadline, header.clock_start) == (0, 0)


def test_a_reducing_batch_clears_nothing(desk, alice, caller):
    """It may have been assessed at an old price; a call by anyone clears afterwards."""
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    desk.act(alice, trade_perp(alice, ETH, -70 * SIZE), reducing=True)
    assert desk.header(alice).call_deadline != 0
    desk.act(caller, margin_call(caller, alice))
    assert desk.header(alice).call_deadline == 0


def test_a_doubtful_price_is_moved_against_a_cure(desk, alice, caller):
    """Back at IM₀ at the last price alone proves nothing; even with that price moved against the account it does."""
    sink(desk, alice, "call")
    desk.act(caller, margin_call(caller, alice))
    found = desk.assess(alice)
    desk.fund(alice, QUOTE, (found.im0 - found.equity) // 10**12 + USDC)
    desk.chain.advance(8 * HOUR)
    deadline = desk.header(alice).call_deadline
    with expect("AccountCalled", alice, deadline):
        desk.act(caller, margin_call(caller, alice))
    desk.fund(alice, QUOTE, 50_000 * USDC)
    desk.act(caller, margin_call(caller, alice))
    assert desk.header(alice).call_deadline == 0


def test_a_bankrupt_account_can_be_called_too(desk, alice, caller):
    desk.post({1: 2_700 * PRICE})
    assert desk.assess(alice).state == BANKRUPT
    desk.act(caller, margin_call(caller, alice))
    header = desk.header(alice)
    assert (header.call_deadline, header.clock_start) == (desk.now + HOUR, desk.now)
    assert desk.held(caller) == USDC


def test_many_calls_in_a_batch_and_then_liquidations_of_the_same(desk, caller):
    targets = [desk.trader(f"t{n}", 16_000) for n in range(4)]
    for target in targets:
        desk.trade(target, ETH, 100 * SIZE)
    taker = desk.trader("caller", 1_000_000, index=1)
    desk.post({1: 2_885 * PRICE})
    actions = [margin_call(taker, target, skip=True) for target in targets]
    receipt = desk.act(taker, *actions, *[liquidate(taker, target, skip=True) for target in targets])
    assert len(desk.events(receipt, "MarginCalled")) == len(desk.events(receipt, "Liquidated")) == 4


def test_with_a_deposit_to_the_target_in_one_batch(desk, alice, caller):
    sink(desk, alice, "call")
    desk.mint(desk.owner(caller), QUOTE, USDC)
    with expect("DeferredAccount", alice):
        desk.act(caller, margin_call(caller, alice), deposit(alice, QUOTE, USDC))
