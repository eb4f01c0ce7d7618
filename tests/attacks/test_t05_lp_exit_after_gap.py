"""T-5: LPs leave after a gap, before the losses that nobody can collect any more show.

Until a bankrupt account is liquidated, what it owes counts as the pool's. Who redeems in that moment is paid for it,
by those
who stay. So requests wait while a market has moved by more than its MM rate within the recognition window.
"""

from __future__ import annotations

import pytest
from desk import BANKRUPT, ETH, PRICE, QUOTE, SIZE, USDC, WAD, Desk

from plimsoll import contracts
from plimsoll.actions import liquidate

MILLION = 1_000_000
PEOPLE = 10


@pytest.fixture
def desk():
    return Desk.create(liquidity=5 * MILLION, insurance=1_000)


@pytest.fixture
def crowd(desk):
    """Ten longs at the edge, 1,000 ETH among them, and the same short elsewhere: the pool's skew is nothing."""
    longs = [desk.trader(f"long {n}", 16_000) for n in range(PEOPLE)]
    for account in longs:
        desk.trade(account, ETH, 100 * SIZE)
        short = desk.trader(f"short {account[0]}{account[1]}", 100_000)
        desk.trade(short, ETH, -100 * SIZE)
    return longs


def request(desk, owner):
    shares = desk.pool.read("balanceOf", owner)
    receipt = desk.pool.write("requestRedeem", shares, owner, sender=owner)
    return next(e.args["id"] for e in contracts.events(receipt.logs, "RedeemRequested"))


def test_t5_a_request_due_at_the_gap_waits_until_losses_are_recognised(desk, crowd):
    fox = desk.actor("fox")
    desk.provide(fox, 5 * MILLION * USDC)
    number = request(desk, fox)
    desk.chain.advance(desk.pool.read("delay") - 10)
    desk.post({})
    desk.pool.write("observe", sender=fox)
    desk.chain.advance(10)
    desk.post({1: 2_760 * PRICE})  # −8 %
    owed = sum(-desk.assess(account).equity for account in crowd)
    assert all(desk.assess(account).state == BANKRUPT for account in crowd)
    assert owed > 80_000 * WAD  # 24,000 of loss each on 16,000 of margin
    shares = desk.pool.read("totalSupply")
    inflated = desk.pool.read("totalAssets")
    receipt = desk.pool.write("execute", [number], sender=fox)
    assert [e.args["reason"] for e in desk.events(receipt, "RequestPassedOver")] == [4]  # MOVE

    taker = desk.trader("taker", MILLION)
    for account in crowd:
        desk.act(taker, liquidate(taker, account))
    insurance = 1_000 * WAD
    written = owed - insurance
    # The pool has lost what insurance did not cover; had fox been paid before, he would have left his half to the
    # others.
    lost = inflated * 10**12 - desk.pool_equity()[1]
    assert lost == pytest.approx(written, abs=PEOPLE * 10**13)
    assert written // 2 > 39_000 * WAD

    desk.chain.advance(desk.pool.read("window") + 1)
    desk.post({})
    before = desk.token(QUOTE).read("balanceOf", fox)
    value = desk.pool.read("totalAssets")
    desk.pool.write("execute", [number], sender=fox)
    paid = desk.token(QUOTE).read("balanceOf", fox) - before
    share = (shares - desk.pool.read("totalSupply")) / shares
    assert paid == pytest.approx(value * share, rel=1e-6)
    assert paid < inflated // 2 - written // 2 // 10**12 + 20_000 * USDC


@pytest.mark.parametrize("move, waits", [(-8, True), (8, True), (-3, True), (-2, False)])
def test_t5_the_window_opens_at_the_mm_rate(desk, crowd, move, waits):
    """2.5 % here: below it no healthy account can have lost its margin."""
    fox = desk.actor("fox")
    desk.provide(fox, 5 * MILLION * USDC)
    number = request(desk, fox)
    desk.chain.advance(desk.pool.read("delay") - 10)
    desk.post({})
    desk.pool.write("observe", sender=fox)
    desk.chain.advance(10)
    desk.post({1: 3_000 * (100 + move) // 100 * PRICE})
    assert desk.pool.read("waitOf", number) == (4 if waits else 0)
    assert len(crowd) == PEOPLE
