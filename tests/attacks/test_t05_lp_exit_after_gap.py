"""T-5: LPs leave after a gap, before the losses that nobody can collect any more show.

Until a bankrupt account is liquidated, what it owes counts as the pool's. Who redeems in that moment is paid for it,
by those
who stay. So requests wait while a market has moved by more than its MM rate within the recognition window.
"""

from __future__ import annotations

import pytest
from desk import BANKRUPT, ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, Desk, expect

from plimsoll import contracts
from plimsoll.actions import borrow, liquidate, recall, transfer, withdraw

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


# ---------------------------------------------------------------- lenders


@pytest.fixture
def bank():
    """A million lent, half by fox; borrowers who owe 240,000 on WETH that lend 80 %; no insurance."""
    desk = Desk.create(insurance=0)
    fox, hen = (desk.lender(name, QUOTE, 500_000 * USDC) for name in ("fox", "hen"))
    debtors = [desk.trader(f"debtor {n}") for n in range(PEOPLE)]
    for account in debtors:
        desk.fund(account, WETH, 10 * WAD)
        loan = 23_990 * USDC
        desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, loan, desk.owner(account)))
    desk.calm()
    return desk, fox, hen, debtors


@pytest.mark.parametrize("price", [2_300, 2_000, 1_000])
def test_t5_a_lender_does_not_leave_his_loss_to_the_others(bank, price):
    """The price has made the borrowers bankrupt and nobody has said so: who sees it first waits like everyone."""
    desk, fox, hen, debtors = bank
    desk.post({1: price * PRICE})
    owed = sum(-desk.assess(account).equity for account in debtors)
    assert owed > PEOPLE * 900 * WAD
    before = desk.lent(hen, QUOTE)
    with expect("ExitWaits", QUOTE):
        desk.act(fox, recall(fox, QUOTE))
    assert desk.vault(QUOTE).read("maxWithdraw", desk.owner(fox)) == 0
    taker = desk.trader("taker", MILLION)
    for account in debtors:
        desk.act(taker, liquidate(taker, account))
    assert desk.lent(fox, QUOTE) == desk.lent(hen, QUOTE)
    lost = 2 * (before - desk.lent(hen, QUOTE)) * 10**12
    assert lost == pytest.approx(owed, rel=1e-3)
    desk.calm()
    desk.act(fox, recall(fox, QUOTE))
    # Had he left in that block, hen alone would have lost it all.
    assert 500_000 * USDC - desk.lent(hen, QUOTE) < owed // 10**12 * 6 // 10


@pytest.mark.parametrize("move, waits", [(-11, True), (11, True), (-9, False), (9, False)])
def test_t5_lenders_wait_from_the_maintenance_haircut_on(bank, move, waits):
    """10 % here: below it a borrower at his margin still has some."""
    desk, fox, _, _ = bank
    desk.post({1: 3_000 * (100 + move) // 100 * PRICE})
    assert desk.engine.read("exitsWait", QUOTE) == waits
    if waits:
        with expect("ExitWaits", QUOTE):
            desk.act(fox, recall(fox, QUOTE, USDC))
    else:
        desk.act(fox, recall(fox, QUOTE, USDC))


def test_t5_neither_by_another_s_account_nor_by_borrowing_against_it(bank):
    """Lent money is margin, so it can be borrowed against: not the same asset, and what is borrowed stays owed."""
    desk, fox, _, _ = bank
    desk.lender("weth lender", WETH, 1_000 * WAD)
    desk.post({1: 2_000 * PRICE})
    with expect("LendingAndBorrowing", fox, QUOTE):
        desk.act(fox, borrow(fox, QUOTE, USDC))
    with expect("InsufficientBalance"):
        desk.act(fox, transfer(fox, desk.account(desk.owner(fox), 1), QUOTE, USDC))
