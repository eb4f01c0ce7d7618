"""13 February 2021, Alpha Homora and Iron Bank: about 37.5 million dollars.

The attacker was the only borrower of an asset. He left one share of debt standing, let it be worth more than one unit,
and borrowed just less than a share, again and again, twice as much each time: the share was rounded down to none, so he
owed nothing, and the next share was dearer still.

Property: debt shares are rounded up. Who borrows a unit owes at least a unit, has at least a share and is counted as a
borrower, at any index, whoever else borrows; and nothing that a borrower does moves what a share is worth.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import QUOTE, USDC, WAD, WBTC, WETH, expect

from plimsoll import ledger
from plimsoll.actions import borrow, repay, withdraw
from plimsoll.margin.words import Lending

YEAR = 365 * 86_400
LENT = {QUOTE: 1_000_000 * USDC, WETH: 1_000 * WAD, WBTC: 50 * 10**8}


@pytest.fixture
def mallory(desk):
    """The only borrower, with collateral enough for all that is there."""
    account = desk.trader("mallory")
    for asset, amount in LENT.items():
        desk.lender(f"lender {asset}", asset, amount)
        desk.fund(account, asset, 20 * amount)
    return account


def raise_index(desk, asset, factor):
    """A debt index `factor` times what it is, as years of interest leave it."""
    slot = ledger.lending(asset)
    word = Lending.from_word(desk.chain.storage(desk.engine.address, slot))
    grown = replace(word, debt_index=int(word.debt_index * factor))
    desk.chain.set_storage(desk.engine.address, slot, grown.to_word())


@pytest.mark.parametrize("asset", LENT)
@pytest.mark.parametrize("factor", [1, 1.000000000001, 1.7, 1_000.3, 1_000_000])
def test_the_smallest_loan_is_a_share(desk, mallory, asset, factor):
    raise_index(desk, asset, factor)
    desk.act(mallory, borrow(mallory, asset, 1))
    loans = desk.loans(asset)
    assert loans.debt_shares == 1
    assert desk.debt(mallory, asset) == loans.borrowed == -(-loans.debt_index // 10**12) >= 1
    assert desk.header(mallory).debts == 1


@pytest.mark.parametrize("asset", LENT)
def test_doubling_just_below_a_share_is_owed_in_full(desk, mallory, asset):
    """The attack's own walk: one share left over, dearer than a unit; then loans that a share rounds away."""
    desk.act(mallory, borrow(mallory, asset, LENT[asset] // 2))
    desk.chain.advance(YEAR)
    desk.post({})
    desk.act(mallory, repay(mallory, asset, desk.debt(mallory, asset) - 1))
    taken, index = 0, desk.loans(asset).debt_index
    assert index > 10**12
    for step in range(16):
        before, shares = desk.debt(mallory, asset), desk.loans(asset).debt_shares
        amount = max(1, before - 1)
        desk.act(mallory, borrow(mallory, asset, amount), withdraw(mallory, asset, amount, desk.owner(mallory)))
        taken += amount
        assert desk.loans(asset).debt_shares > shares
        assert desk.debt(mallory, asset) >= before + amount
        # As it was: amount · shares // debt, and the debt of the others grown by the amount.
        assert step > 2 or amount * shares // before < -(-amount * 10**12 // index)
    assert desk.debt(mallory, asset) >= taken > 30_000


@pytest.mark.parametrize("asset", LENT)
def test_the_price_of_a_share_is_not_the_borrower_s_to_move(desk, mallory, asset):
    """Borrowing, repaying, all of it and nearly all of it, many times in a block: the index stands."""
    desk.act(mallory, borrow(mallory, asset, LENT[asset] // 3))
    desk.chain.advance(YEAR)
    desk.post({})
    index = desk.loans(asset).debt_index
    owed = desk.debt(mallory, asset)
    for amount in (1, owed // 2, owed // 7):
        desk.act(mallory, borrow(mallory, asset, amount), repay(mallory, asset, amount + 3))
    desk.act(mallory, repay(mallory, asset), borrow(mallory, asset, 1), borrow(mallory, asset, 1))
    assert desk.debt(mallory, asset) >= 2
    desk.act(mallory, repay(mallory, asset))
    assert desk.loans(asset)[3:6] == (0, 0, desk.loans(asset).debt_index)
    assert desk.loans(asset).debt_index - index <= index // 10**7  # a few seconds of interest


def test_a_repayment_below_a_share_takes_nothing_off(desk, mallory):
    """The other direction: what would be rounded up against the lenders is refused."""
    raise_index(desk, QUOTE, 3)
    desk.act(mallory, borrow(mallory, QUOTE, 100))
    with expect("ZeroAmount"):
        desk.act(mallory, repay(mallory, QUOTE, 2))
    before = desk.debt(mallory, QUOTE)
    desk.act(mallory, repay(mallory, QUOTE, 5))  # a share and two thirds: one
    assert before - desk.debt(mallory, QUOTE) == 3
