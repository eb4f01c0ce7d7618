"""engine.preview: what a batch would do, told by a revert that undoes it."""

from __future__ import annotations

import pytest
from desk import ETH, HEALTHY, PRICE, QUOTE, RESTRICTED, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import batch, borrow, deposit, limit, margin_call, trade_perp, withdraw
from plimsoll.previews import preview


@pytest.fixture
def alice(desk):
    return desk.trader("alice", 10_000)


def previewed(desk, account, *actions, sender=None, prices=b"", reducing=False):
    return preview(desk.engine, batch(actions, prices, reducing), [account], sender=sender or desk.owner(account))


# ---------------------------------------------------------------- what fails


def test_it_never_changes_anything(desk, alice):
    """A transaction of it reverts, whoever sends it."""
    order = batch([trade_perp(alice, ETH, SIZE)])
    with expect("Previewed"):
        desk.engine.write("preview", order, [alice], sender=desk.owner(alice))
    assert desk.position(alice, ETH) == (0, 0)
    assert desk.engine.read("locked") is False


def test_an_action_that_fails_has_no_outcome(desk, alice):
    found = previewed(desk, alice, withdraw(alice, QUOTE, 10_001 * USDC, desk.owner(alice)))
    assert found.outcomes == {}
    assert found.refusal.matches("InsufficientBalance", alice, QUOTE, 10_000 * USDC, 10_001 * USDC)


def test_nobody_previews_for_another(desk, alice):
    found = previewed(desk, alice, withdraw(alice, QUOTE, USDC, desk.owner(alice)), sender=desk.actor("mallory"))
    assert found.refusal.name == "NotAuthorized"


def test_a_batch_that_would_be_refused_is_told_with_the_reason(desk, alice):
    """5 % of margin for a position that needs more: still shown as it would be."""
    found = previewed(desk, alice, trade_perp(alice, ETH, 100 * SIZE))
    assert found.refusal.name == "BelowInitialMargin"
    assert found.refusal.values[1] == found.outcomes[alice].equity
    assert found.outcomes[alice].state == RESTRICTED


def test_a_limit_that_would_be_broken_is_told_too(desk, alice):
    found = previewed(desk, alice, trade_perp(alice, ETH, 10 * SIZE), limit(alice, 250))
    assert found.refusal.name == "LeverageExceeded"
    assert found.outcomes[alice].leverage == found.refusal.values[1] > 250


# ---------------------------------------------------------------- what works


def test_outcomes_are_what_execution_leaves(desk, alice):
    """To the wei, for a report in the batch, every number and the state."""
    report = desk.report({1: 3_010 * PRICE})
    actions = [trade_perp(alice, ETH, 20 * SIZE), deposit(alice, QUOTE, 500 * USDC)]
    desk.mint(desk.owner(alice), QUOTE, 500 * USDC)
    found = previewed(desk, alice, *actions, prices=report)
    assert found.refusal is None
    desk.act(alice, *actions, prices=report)
    assert found.outcomes[alice][:6] == desk.assess(alice)
    assert found.outcomes[alice].exposure == desk.assess(alice).notional


def test_any_accounts_can_be_asked_about(desk, alice):
    bob = desk.trader("bob", 500)
    found = preview(desk.engine, batch([]), [alice, bob], sender=desk.owner(alice))
    assert [found.outcomes[one].equity for one in (alice, bob)] == [10_000 * WAD, 500 * WAD]
    assert found.outcomes[bob].leverage == 0


def test_a_cured_call_is_shown_as_cleared(desk, alice):
    desk.trade(alice, ETH, 50 * SIZE)
    keeper = desk.trader("keeper", 1_000)
    desk.post({1: 2_895 * PRICE})
    desk.act(keeper, margin_call(keeper, alice))
    desk.mint(desk.owner(alice), QUOTE, 20_000 * USDC)
    actions = (deposit(alice, QUOTE, 20_000 * USDC), margin_call(alice, alice))
    found = previewed(desk, alice, *actions)
    assert (found.refusal, found.outcomes[alice].state) == (None, HEALTHY)


def test_a_dead_feed_refuses_but_is_shown(desk, alice):
    desk.chain.advance(120)
    found = previewed(desk, alice, withdraw(alice, QUOTE, USDC, desk.owner(alice)))
    assert found.refusal is None
    desk.post({})
    desk.trade(alice, ETH, SIZE)
    desk.chain.advance(120)
    found = previewed(desk, alice, withdraw(alice, QUOTE, USDC, desk.owner(alice)))
    assert found.refusal.name == "PriceUnusable"
    assert found.outcomes[alice].state == HEALTHY


# ---------------------------------------------------------------- limits on leverage


def test_only_the_owner_sets_a_limit(desk, alice):
    with expect("NotAuthorized"):
        desk.execute(desk.actor("mallory"), limit(alice, 300))


def test_a_limit_of_nothing_is_none(desk, alice):
    with expect("ZeroAmount"):
        desk.act(alice, limit(alice, 0))


def test_a_limit_binds_to_the_hundredth(desk, alice):
    """The tightest of several; exposure over equity at the batch's own prices."""
    found = previewed(desk, alice, trade_perp(alice, ETH, 10 * SIZE)).outcomes[alice]
    with expect("LeverageExceeded", alice, found.leverage, found.leverage - 1):
        desk.act(alice, limit(alice, found.leverage - 1), trade_perp(alice, ETH, 10 * SIZE), limit(alice, 900))
    desk.act(alice, trade_perp(alice, ETH, 10 * SIZE), limit(alice, found.leverage))


def test_assets_are_exposure_held_or_owed_and_the_quote_asset_is_not(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.lender("another", WETH, 100 * WAD)
    bob = desk.trader("bob", 9_000)
    desk.act(bob, borrow(bob, WETH, 2 * WAD), withdraw(bob, WETH, WAD, desk.owner(bob)))
    found = preview(desk.engine, batch([]), [bob], sender=desk.owner(bob)).outcomes[bob]
    assert found.exposure == pytest.approx(3_000 * WAD, abs=10**13)
    assert found.leverage == 51  # owes 2, holds 1, on 6,000: a half and what a loan rounds off
    with expect("LeverageExceeded", bob, 51, 50):
        desk.act(bob, limit(bob, 50))
