"""13 March 2023, Euler v1: about 200 million dollars, later returned.

`donateToReserves` took collateral from an account without asking what was left. The attacker, leveraged nineteen
times on both sides of one asset, donated until he was far under water, and liquidated himself from a second account
at the discount that grew with the depth. DeFiHackLabs src/test/2023-03/Euler_exp.sol.

Property: no path lowers an account's own collateral unchecked, least of all a gift. Taking one's own account over,
alone or with a partner, at any depth and at any time of the clock, never pays while there is equity. Only price,
funding and configuration make a healthy account unhealthy.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, Desk, expect
from levels import sink

from plimsoll.actions import deposit, liquidate, margin_call, trade_perp, transfer, withdraw
from plimsoll.margin import preview
from plimsoll.margin.account import Account

GIFT = 39_900 * USDC


@pytest.fixture
def leveraged(desk):
    """20x: 250 ETH on 40,000, and a second account to take it over with."""
    account, partner = desk.trader("attacker", 40_000), desk.trader("attacker", 100_000, index=1)
    desk.trade(account, ETH, 250 * SIZE)
    return account, partner


def test_there_is_no_gift_to_the_reserves(desk, leveraged):
    """Neither to insurance, nor to the pool, nor to anybody: collateral moves between accounts of one owner only."""
    account, _ = leveraged
    stranger = desk.trader("stranger", 1)
    for reserve in (desk.insurance, desk.pool_account, stranger):
        with expect("AccountMismatch", account, reserve):
            desk.act(account, transfer(account, reserve, QUOTE, GIFT))
    before = desk.assess(account)
    for gift in (
        transfer(account, desk.trader("attacker", 0, index=2), QUOTE, GIFT),
        withdraw(account, QUOTE, GIFT, desk.engine.address),
    ):
        with expect("BelowInitialMargin", account, before.equity - 39_900 * WAD, before.notional // 10):
            desk.act(account, gift)
    # A gift to insurance comes out of the wallet, and passes no account of one's own.
    desk.mint(desk.owner(account), QUOTE, GIFT)
    desk.act(account, deposit(desk.insurance, QUOTE, GIFT))
    assert desk.assess(account) == before


def test_what_the_gift_would_have_earned(desk, leveraged):
    """39,900 given to insurance unchecked; then the account is bankrupt, and insurance pays whoever takes it."""
    account, _ = leveraged
    snap = desk.snapshot_words()
    drained = Account.holding(account, {QUOTE: desk.held(account) - GIFT}, {ETH: desk.position(account, ETH)})
    paid = preview.insurance_cover(drained, snap, desk.held(desk.insurance) + GIFT)
    assert paid > 900 * WAD  # d₀·MM and the deficit, for nothing; at Euler a fifth of the collateral


def family(desk, *accounts):
    return sum(desk.assess(account).equity for account in accounts)


@pytest.mark.parametrize("called", [None, 0, 900, 1_800, 3_599, 7_200], ids=lambda c: f"clock_{c}")
@pytest.mark.parametrize("health", [0.999, 0.9, 0.5, 0.1, 0.04, 0.0001])
@pytest.mark.parametrize("side", [1, -1])
def test_taking_over_one_s_own_account_never_pays(desk, side, health, called):
    """Price alone brought it there. The family counts both accounts; with the clock, the discount grows up to all of
    MM."""
    account, partner = desk.trader("attacker", 40_000), desk.trader("attacker", 400_000, index=1)
    watch = desk.trader("watch", 1)
    desk.trade(account, ETH, side * 250 * SIZE)
    sink(desk, account, ETH, health)
    if called is not None:
        desk.act(watch, margin_call(watch, account))
        desk.chain.advance(called)
        desk.post({})
    found = desk.assess(account)
    # Where funding has taken the rest, insurance pays the deficit and d₀·MM, never more, to whoever comes first.
    most = 0 if found.equity >= 0 else -found.equity + found.mm // 20
    before, insurance = family(desk, account, partner), desk.held(desk.insurance)
    whole = desk.total_equity()
    desk.act(partner, liquidate(partner, account))
    assert family(desk, account, partner) <= before + most
    assert desk.held(desk.insurance) >= insurance - most // 10**12
    assert desk.total_equity() == whole


def test_an_account_does_not_take_itself(desk, leveraged):
    account, _ = leveraged
    sink(desk, account, ETH, 0.5)
    with expect("AccountMismatch", account, account):
        desk.act(account, liquidate(account, account))
    # Called by itself it is not called, but asked whether it is cured: no bounty, no clock, nothing.
    before = desk.assess(account)
    desk.act(account, margin_call(account, account, skip=True))
    assert (desk.assess(account), desk.header(account).call_deadline) == (before, 0)


def test_what_one_may_take_out_leaves_nothing_to_liquidate(desk, leveraged):
    """After the worst that is allowed: still healthy, and refused as such."""
    account, partner = leveraged
    desk.act(account, trade_perp(account, ETH, -150 * SIZE))
    before = desk.assess(account)
    spare = (before.equity - before.notional // 10) // 10**12
    desk.act(account, withdraw(account, QUOTE, spare, Desk.owner(account)))
    after = desk.assess(account)
    assert after.state == 0
    with expect("AccountHealthy", account, after.equity, after.mm):
        desk.act(partner, liquidate(partner, account))
