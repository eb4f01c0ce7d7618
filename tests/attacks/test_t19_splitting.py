"""T-19: splitting. 64 slices, orders or redemptions paid better than one (S-5)."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, Desk

from plimsoll import contracts
from plimsoll.actions import liquidate, margin_call, trade_perp

MILLION = 1_000_000
PARTS = [2, 8, 64]


def both(desk, one, many):
    """Does `one`, goes back, does `many`; what each returns."""
    start = desk.chain.snapshot()
    first = one()
    desk.chain.revert(start)
    return first, many()


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("skew", [0, 1_000, -1_000])
def test_t19_an_order_in_parts_costs_no_less(desk, parts, side, skew):
    """To within the rounding up of each part, in favour of one."""
    other, account = desk.trader("other", 5 * MILLION), desk.trader("mallory", 5 * MILLION)
    if skew:
        desk.trade(other, ETH, skew * SIZE)
    size = side * 640 * SIZE

    def trade(count):
        desk.act(account, *[trade_perp(account, ETH, size // count) for _ in range(count)])
        return desk.assess(account).equity

    whole, split = both(desk, lambda: trade(1), lambda: trade(parts))
    assert 0 <= whole - split <= 3 * parts  # wei
    # With the premium of the skew before each order instead of the mean, 64 parts would save half of it less a 64th.
    saved = 3_000 * 640**2 * WAD // (2 * MILLION) * 63 // 64
    assert saved > 600 * WAD


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("clock", [0, 900])
@pytest.mark.parametrize("share", [90, 60, 40])
def test_t19_a_slice_in_parts_pays_the_liquidator_no_more(desk, parts, clock, share):
    """Each part makes the account healthier, so the bonus of the next is no better. (64 are not to be had: a slice
    has a least size.)"""
    victim, taker = desk.trader("bob", 20_000), desk.trader("mallory", MILLION)
    desk.trade(victim, ETH, 100 * SIZE)
    desk.post({1: desk.price_for(victim, ETH, desk.assess(victim).mm * share // 100)})
    desk.act(taker, margin_call(taker, victim))
    desk.chain.advance(clock)
    desk.post({}, seconds=0)
    before = desk.assess(taker).equity
    most = desk.slice(victim).max_fraction

    def take(count):
        if count == 1:
            desk.act(taker, liquidate(taker, victim))
        else:
            # What is left of the account shrinks with every part, so each is a larger share of it.
            left, piece = WAD, most // count
            for _ in range(count - 1):
                desk.act(taker, liquidate(taker, victim, max(piece * WAD // left, WAD // 10), skip=True))
                left -= piece
            desk.act(taker, liquidate(taker, victim, skip=True))
        return desk.assess(taker).equity - before

    whole, split = both(desk, lambda: take(1), lambda: take(parts))
    assert whole > 0
    assert split - whole <= 3 * parts * 10**12  # units of the quote token


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("kind", ["deposit", "redeem"])
def test_t19_lp_requests_in_parts_pay_no_more(parts, kind):
    desk = Desk.create(liquidity=10 * MILLION)
    trader, owner = desk.trader("trader", 5 * MILLION), desk.actor("mallory")
    desk.provide(owner, 10 * MILLION * USDC)
    desk.trade(trader, ETH, 2_000 * SIZE)  # a discount worth having
    token, amount = desk.token(QUOTE), 640_000 * USDC
    token.write("mint", owner, amount, sender=desk.admin)
    token.write("approve", desk.pool.address, amount, sender=owner)
    shares = desk.pool.read("balanceOf", owner) // 64 * 64

    def run(count):
        ids = []
        for _ in range(count):
            if kind == "deposit":
                receipt = desk.pool.write("requestDeposit", amount // count, owner, sender=owner)
            else:
                receipt = desk.pool.write("requestRedeem", shares // count // 4, owner, sender=owner)
            ids += [e.args["id"] for e in contracts.events(receipt.logs) if e.name.endswith("Requested")]
        desk.chain.advance(desk.pool.read("delay") + 1)
        desk.post({1: 3_000 * PRICE})
        assert desk.pool.read("waitOf", ids[0]) == 0
        desk.pool.write("execute", ids, sender=owner)
        return desk.pool.read("balanceOf", owner) if kind == "deposit" else token.read("balanceOf", owner)

    whole, split = both(desk, lambda: run(1), lambda: run(parts))
    if kind == "deposit":
        assert 0 <= whole - split <= WAD // 10**6 * parts  # shares of 1e-18
    else:
        assert 0 <= whole - split <= parts  # units of the quote token
