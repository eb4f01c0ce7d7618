"""LiquidityPool: shares at close-out value, rounded against whoever asks."""

from __future__ import annotations

import pytest
from lps import SHARE, UNIT, enter, fall_due, invest, leave, lp, run, wallet

from plimsoll.actions import deposit, liquidate, trade_perp
from plimsoll.prices import PRICE
from plimsoll.testing import World
from plimsoll.testing.world import SIZE, WAD


def trade(world, trader, size, *, funding=2_000_000):
    """`size` ETH in market 0, funded on first use. @return the account"""
    account = world.account(trader)
    if funding:
        world.fund(account, 0, funding * UNIT)
    world.execute(trader, trade_perp(account, 0, size * SIZE))
    return account


# ---------------------------------------------------------------- the first LP


@pytest.mark.parametrize("first", [1, 1_000, 10**6])
@pytest.mark.parametrize("donation", [1, 10**3, 10**9, 2 * 10**9, 10**15])
def test_the_first_lp_never_profits_from_a_donation(first, donation):
    """Anyone may deposit into the pool's account. Whatever is given before the victim comes, the giver has lost it."""
    world = World.create(liquidity=0, insurance=0)
    attacker, victim = lp(world, "attacker", 0), lp(world, "victim", 1_000)
    world.token(0).write("mint", attacker, first, sender=world.admin)
    request = enter(world, attacker, first)
    fall_due(world)
    run(world, request)
    world.mint(attacker, 0, donation)
    world.execute(attacker, deposit(world.pool_account, 0, donation))
    request = enter(world, victim, 1_000 * UNIT)
    fall_due(world)
    assert run(world, request) == {}
    requests = [leave(world, attacker), leave(world, victim)]
    fall_due(world)
    run(world, *requests)
    assert wallet(world, attacker) <= first + donation
    assert 1_000 * UNIT - 1 - donation // 10**9 <= wallet(world, victim) <= 1_000 * UNIT + donation


def test_tokens_sent_to_the_pool_contract_are_nobodys(world):
    """Row 36b: the price counts the pool's account in the engine, which is what a redemption pays from."""
    before = world.pool.read("totalAssets"), world.pool.read("convertToAssets", SHARE)
    world.token(0).write("mint", world.pool.address, 10**15, sender=world.admin)
    world.token(0).write("mint", world.vault(0).address, 10**15, sender=world.admin)
    assert before == (world.pool.read("totalAssets"), world.pool.read("convertToAssets", SHARE))


# ---------------------------------------------------------------- in and out


@pytest.mark.parametrize("amount", [1, 7, 1_234_567, 10**12 + 1])
def test_s6_in_and_out_at_constant_prices_never_profits(world, amount):
    """At a share price that is not round."""
    world.mint(world.actor("donor"), 0, 3_333_333_337)
    world.execute(world.actor("donor"), deposit(world.pool_account, 0, 3_333_333_337))
    owner = lp(world, "lp", amount / UNIT)
    request = enter(world, owner, amount)
    fall_due(world)
    run(world, request)
    request = leave(world, owner)
    fall_due(world)
    run(world, request)
    assert amount - 2 <= wallet(world, owner) <= amount


@pytest.mark.parametrize("parts", [2, 10, 64])
def test_s5_splitting_a_request_never_pays(world, parts):
    """T-19: n parts bring no more shares, and no more assets, than one; and hardly fewer."""
    world.mint(world.actor("donor"), 0, 3_333_333_337)
    world.execute(world.actor("donor"), deposit(world.pool_account, 0, 3_333_333_337))
    amount = parts * 1_234_567
    snapshot = world.chain.snapshot()
    outcomes = []
    for pieces in (1, parts):
        owner = lp(world, "lp", amount / UNIT)
        requests = [enter(world, owner, amount // pieces) for _ in range(pieces)]
        fall_due(world)
        run(world, *requests)
        shares = world.pool.read("balanceOf", owner)
        requests = [leave(world, owner, shares // pieces) for _ in range(pieces)]
        fall_due(world)
        run(world, *requests)
        outcomes.append((shares, wallet(world, owner)))
        world.chain.revert(snapshot)
        snapshot = world.chain.snapshot()
    (whole_shares, whole_assets), (split_shares, split_assets) = outcomes
    assert whole_shares - parts <= split_shares <= whole_shares
    assert whole_assets - parts <= split_assets <= whole_assets


def test_requests_in_one_run_are_priced_as_if_run_one_by_one(world):
    """The running totals of a run say the same as the engine would."""
    owners = [lp(world, f"lp {n}", 1_000) for n in range(4)]
    requests = [enter(world, owner, 777_777_777) for owner in owners]
    requests.append(leave(world, world.actor("provider"), 123_456 * SHARE + 7))
    fall_due(world)
    snapshot = world.chain.snapshot()
    run(world, *requests)
    together = [world.pool.read("balanceOf", owner) for owner in owners] + [wallet(world, world.actor("provider"))]
    world.chain.revert(snapshot)
    for request in requests:
        run(world, request)
    one_by_one = [world.pool.read("balanceOf", owner) for owner in owners] + [wallet(world, world.actor("provider"))]
    assert together == one_by_one


# ---------------------------------------------------------------- around one's own trades (T-4)


@pytest.mark.parametrize("size", [-2_000, -500, 500, 2_000])
def test_t4_leaving_around_ones_own_trade_never_profits(world, size):
    """The holder of half the pool opens, is redeemed, closes. Plain equity would have his own premium in the price."""
    attacker = invest(world, "attacker", 10_000_000)
    world.fund(world.account(attacker), 0, 2_000_000 * UNIT)
    request = leave(world, attacker, 2_000_000 * SHARE)
    fall_due(world)
    before = _wealth(world, attacker, 2_000_000)
    trade(world, attacker, size, funding=0)
    equity, close_out = world.engine.read("poolEquity")
    assert equity - close_out == 3_000 * size**2 * WAD // (2 * 1_000_000)
    assert run(world, request) == {}
    trade(world, attacker, -size, funding=0)
    assert _wealth(world, attacker, 0) < before


@pytest.mark.parametrize("size", [-2_000, 2_000])
def test_t4_entering_around_ones_own_trade_never_profits(world, size):
    """The same the other way round: open, be let in, close."""
    attacker = lp(world, "attacker", 5_000_000)
    world.fund(world.account(attacker), 0, 2_000_000 * UNIT)
    request = enter(world, attacker, 5_000_000 * UNIT)
    fall_due(world)
    before = wallet(world, attacker) + 5_000_000 * UNIT + world.held(world.account(attacker))
    trade(world, attacker, size, funding=0)
    assert run(world, request) == {}
    trade(world, attacker, -size, funding=0)
    shares = world.pool.read("balanceOf", attacker)
    after = wallet(world, attacker) + world.held(world.account(attacker)) + world.pool.read("convertToAssets", shares)
    assert after < before


def _wealth(world, owner, escrowed):
    """Quote units: in the wallet, in the account, and what all shares (escrowed ones included) would redeem for."""
    shares = world.pool.read("balanceOf", owner) + escrowed * SHARE
    return wallet(world, owner) + world.held(world.account(owner)) + world.pool.read("convertToAssets", shares)


# ---------------------------------------------------------------- leaving after a gap (T-5)


def test_t5_leaving_after_a_gap_pays_for_the_gap(world):
    """ETH falls 10 % in one step; a long is bankrupt and nobody has liquidated him. The LP who is due just then waits,
    and is paid after the loss was recognised. Without the window he would have been paid from those who stay."""
    trader, keeper, provider = world.actor("trader"), world.actor("keeper"), world.actor("provider")
    account = trade(world, trader, 2_000, funding=420_000)
    world.fund(world.account(keeper), 0, 5_000_000 * UNIT)
    request = leave(world, provider, 1_000_000 * SHARE)
    fall_due(world)
    world.post({1: 2_700 * PRICE})
    would_have_paid = world.pool.read("convertToAssets", 1_000_000 * SHARE)
    assert world.assess(account).equity < 0
    assert list(run(world, request).values()) == [4]  # MOVE

    world.execute(keeper, liquidate(world.account(keeper), account))
    world.chain.advance(3_590)
    world.post({})
    assert list(run(world, request).values()) == [4]
    world.chain.advance(10)
    world.post({})
    assert run(world, request) == {}
    assert wallet(world, provider) < would_have_paid
