"""10 March 2026, Alkemi Earn: 43.45 ETH.

In one transaction the attacker borrowed an asset against the same asset, and liquidated himself: with collateral and
debt the same balance, repaying and seizing wrote over each other. DeFiHackLabs src/test/2026-03/AlkemiEarn_exp.sol.

Property: nobody takes himself over; where collateral and settlement are the same asset, taking over a partner does
not pay either; and an account that has its maintenance margin to the wei is not to be had, by any fraction, in any
batch.
"""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, WAD, expect
from levels import sink

from plimsoll.actions import liquidate, margin_call, trade_perp
from plimsoll.margin.fixed_math import ceil_div


@pytest.fixture
def pair(desk):
    """Quote on both sides, nothing else: collateral, loss, price and bonus are one asset."""
    account, partner = desk.trader("mallory", 20_000), desk.trader("mallory", 60_000, index=1)
    desk.trade(account, ETH, 100 * SIZE)
    return account, partner


@pytest.mark.parametrize("health", [1.5, 0.99, 0.5, 0.01, -1])
@pytest.mark.parametrize("fraction", [1, WAD // 3, WAD])
def test_nobody_liquidates_himself(desk, pair, health, fraction):
    account, _ = pair
    sink(desk, account, ETH, health)
    for skip in (False, True):
        with expect("AccountMismatch", account, account):
            desk.act(account, liquidate(account, account, fraction, skip=skip))
    with expect("DeferredAccount", account):
        partner = pair[1]
        desk.act(account, trade_perp(account, ETH, -SIZE), liquidate(partner, account))


@pytest.mark.parametrize("health", [0.99, 0.7, 0.3, 0.06, 0.001])
@pytest.mark.parametrize("fraction", [WAD // 4, WAD])
def test_the_same_asset_on_both_sides_pays_nothing(desk, pair, health, fraction):
    """Taken over by the partner, and sold to the pool: less than before, and what insurance got is part of it."""
    account, partner = pair
    sink(desk, account, ETH, health)
    before = desk.assess(account).equity + desk.assess(partner).equity
    insurance = desk.held(desk.insurance)
    desk.act(partner, liquidate(partner, account, max(fraction, desk.slice(account).min_fraction)))
    gained = desk.assess(account).equity + desk.assess(partner).equity - before
    assert gained <= 0
    assert gained + (desk.held(desk.insurance) - insurance) * 10**12 == 0
    size, _ = desk.position(partner, ETH)
    desk.trade(partner, ETH, -size)
    assert desk.assess(account).equity + desk.assess(partner).equity < before
    # Alkemi kept the seized collateral and the repaid debt: the slice twice, here of 100 ETH at the price of the day.
    assert size * desk.prices[1] > 10_000 * WAD


def edge(desk, account, side):
    """The last price at which the account still has its MM, and the first at which it has not."""
    low, high = 1_500 * PRICE, 6_000 * PRICE
    while high - low > 1:
        middle = (low + high) // 2
        checkpoint = desk.chain.snapshot()
        desk.post({1: middle})
        found = desk.assess(account)
        desk.chain.revert(checkpoint)
        healthy = found.equity >= found.mm
        if healthy == (side > 0):
            high = middle
        else:
            low = middle
    return (high, low) if side > 0 else (low, high)


@pytest.mark.parametrize("side", [1, -1])
def test_at_the_maintenance_margin_to_the_wei_it_is_not_to_be_had(desk, side):
    account, keeper = desk.trader("trader", 20_000), desk.trader("keeper", 100_000)
    desk.trade(account, ETH, side * 100 * SIZE)
    healthy, not_healthy = edge(desk, account, side)
    assert abs(healthy - not_healthy) == 1
    checkpoint = desk.chain.snapshot()
    desk.post({1: healthy})
    found = desk.assess(account)
    assert found.mm == ceil_div(100 * SIZE * healthy * 250, 10_000)
    assert 0 <= found.equity - found.mm < 200 * SIZE
    for fraction in (1, WAD // 2, WAD):
        with expect("AccountHealthy", account, found.equity, found.mm):
            desk.act(keeper, liquidate(keeper, account, fraction))
    desk.act(keeper, liquidate(keeper, account, skip=True))
    assert desk.position(account, ETH)[0] == side * 100 * SIZE
    desk.chain.revert(checkpoint)
    desk.post({1: not_healthy})
    assert desk.assess(account).equity < found.mm
    desk.act(keeper, liquidate(keeper, account))


def test_healthy_by_a_hedge_or_without_any_position(desk, pair):
    """Accounts with nothing at risk, or less than it seems, are refused with what they are worth."""
    _, keeper = pair
    idle, hedged = desk.trader("idle", 1), desk.trader("hedged", 50_000)
    desk.trade(hedged, ETH, 20 * SIZE)
    desk.trade(hedged, BTC, -SIZE)
    for account in (idle, hedged):
        found = desk.assess(account)
        with expect("AccountHealthy", account, found.equity, found.mm):
            desk.act(keeper, liquidate(keeper, account))
        with expect("AccountHealthy", account, found.equity, desk.call_margin(account)):
            desk.act(keeper, margin_call(keeper, account))
    assert desk.held(idle, QUOTE) == 10**6
