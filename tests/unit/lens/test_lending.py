"""lens.lending: utilisation, rates and indices as the engine and the twins have them."""

from __future__ import annotations

import pytest

from plimsoll import ledger
from plimsoll.actions import borrow, lend
from plimsoll.lending import table
from plimsoll.margin import interest_math
from plimsoll.margin.words import Lending

USDC, WAD = 10**6, 10**18
QUOTE, WETH = 0, 1


@pytest.fixture
def borrowed(world):
    """Half of a million is borrowed, for a day."""
    lender, borrower = world.actor("lender"), world.actor("borrower")
    lent, account = world.account(lender), world.account(borrower)
    world.fund(lent, QUOTE, 1_000_000 * USDC)
    world.execute(lender, lend(lent, QUOTE, 1_000_000 * USDC))
    world.fund(account, WETH, 400 * WAD)
    world.execute(borrower, borrow(account, QUOTE, 500_000 * USDC))
    world.chain.advance(86_400)
    return world


def test_nothing_lent_yet(world):
    for row in table(world.lens):
        assert (row.lent, row.borrowed, row.cash, row.utilisation, row.lend_rate) == (0, 0, 0, 0, 0)


def test_a_row_is_what_the_engine_says(borrowed):
    row = table(borrowed.lens)[QUOTE]
    loans = borrowed.engine.read("lendingOf", QUOTE)
    assert (row.lent, row.borrowed, row.cash, row.reserve) == (loans.lent, loans.borrowed, loans.cash, loans.reserve)
    assert (row.lent_index, row.debt_index) == (loans.lentIndex, loans.debtIndex)
    assert row.borrowed > 500_000 * USDC
    assert row.net_borrowed == 500_000 * USDC
    assert row.borrow_cap == borrowed.deployed.parameters.assets[QUOTE].borrow_cap


def test_rates_are_of_this_moment(borrowed):
    """The rate at target has drifted for a day below it; lenders get the utilised share less the reserve's."""
    row = table(borrowed.lens)[QUOTE]
    word = Lending.from_word(ledger.read(borrowed.engine, [ledger.lending(QUOTE)])[0])
    rate, _ = interest_math.integral(word.rate_at_target, row.utilisation, 86_400)
    assert rate < word.rate_at_target
    assert row.borrow_rate == interest_math.borrow_rate(rate, row.utilisation)
    assert row.lend_rate == interest_math.lend_rate(rate, row.utilisation, 1000)
    assert 0 < row.lend_rate < row.borrow_rate // 2
