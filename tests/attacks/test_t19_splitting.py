"""T-19: splitting. 64 slices, orders or redemptions paid better than one (S-5)."""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, Desk

from plimsoll import contracts
from plimsoll.actions import borrow, lend, liquidate, margin_call, recall, repay, trade_perp, withdraw

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


# ---------------------------------------------------------------- loans


AMOUNT = 64_064


@pytest.fixture
def bank(desk):
    """Half of a million lent is borrowed, and a year has gone: no index is round any more."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    borrower = desk.trader("borrower")
    desk.fund(borrower, WETH, 400 * WAD)
    desk.act(borrower, borrow(borrower, QUOTE, 500_000 * USDC))
    desk.chain.advance(365 * 86_400)
    desk.calm()
    account = desk.trader("mallory", 10)
    desk.fund(account, WETH, WAD)
    return desk, account


@pytest.mark.parametrize("unit", [1, USDC // 100])
@pytest.mark.parametrize("parts", PARTS)
def test_t19_a_loan_in_parts_owes_no_less_and_a_repayment_pays_off_no_more(bank, parts, unit):
    """Debt shares up, paid shares down: in parts it costs the one who does it a share each at most."""
    desk, account = bank
    amount = AMOUNT * unit

    def take(count):
        desk.act(account, *[borrow(account, QUOTE, amount // count) for _ in range(count)])
        return desk.debt(account, QUOTE)

    whole, split = both(desk, lambda: take(1), lambda: take(parts))
    assert 0 <= split - whole <= 2 * parts

    def pay(count):
        desk.act(account, *[repay(account, QUOTE, amount // 2 // count) for _ in range(count)])
        return desk.debt(account, QUOTE)

    whole, split = both(desk, lambda: pay(1), lambda: pay(parts))
    assert 0 <= split - whole <= 2 * parts


@pytest.mark.parametrize("parts", PARTS)
def test_t19_lending_and_recalling_in_parts_earns_no_more(bank, parts):
    desk, account = bank
    amount = AMOUNT * 100

    def put(count):
        desk.act(account, *[lend(account, QUOTE, amount // count) for _ in range(count)])
        return desk.lent(account, QUOTE)

    whole, split = both(desk, lambda: put(1), lambda: put(parts))
    assert 0 <= whole - split <= 2 * parts

    def take(count):
        desk.act(account, *[recall(account, QUOTE, amount // 2 // count) for _ in range(count)])
        return desk.held(account) + desk.lent(account, QUOTE)

    whole, split = both(desk, lambda: take(1), lambda: take(parts))
    assert 0 <= whole - split <= 2 * parts


@pytest.mark.parametrize("parts", [2, 3, 4])
@pytest.mark.parametrize("clock", [0, 900])
@pytest.mark.parametrize("price", [2_650, 2_550, 2_450])
def test_t19_a_slice_of_a_borrower_in_parts_pays_no_more(desk, parts, clock, price):
    """S-5 for spot: 10 WETH against 23,990; what all parts together are worth to their taker."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    victim, taker = desk.trader("bob"), desk.trader("mallory", MILLION)
    desk.fund(victim, WETH, 10 * WAD)
    loan = 23_990 * USDC
    desk.act(victim, borrow(victim, QUOTE, loan), withdraw(victim, QUOTE, loan, desk.owner(victim)))
    desk.post({1: price * PRICE})
    desk.act(taker, margin_call(taker, victim))
    desk.chain.advance(clock)
    desk.post({}, seconds=0)
    before, most = desk.assess(taker).equity, desk.slice(victim).max_fraction

    def take(count):
        left, piece = WAD, most // count
        for _ in range(count - 1):
            desk.act(taker, liquidate(taker, victim, max(piece * WAD // left, WAD // 10), skip=True))
            left -= piece
        desk.act(taker, liquidate(taker, victim, skip=True))
        return desk.assess(taker).equity - before

    whole, split = both(desk, lambda: take(1), lambda: take(parts))
    assert whole > 0
    assert split - whole <= 5 * parts * 10**12
