"""2 March 2026, LlamaLend's sDOLA market: 10.9 million dollars of debt liquidated, 822,000 of it the users' own.

The collateral was a share of a savings vault. A gift to the vault raised the share price by 14 percent in a block, and
the market's bands, moved *up* too fast, liquidated the borrowers: more collateral was worth less to them. The giver
was paid back many times over by the liquidations.

Property: nothing that can be done in one block, gift, loan, repayment or trade of any size, makes a healthy account
liquidatable: indices move with time and with recognised loss, and by how much in a second is bounded.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect
from lenders import lender

from plimsoll.actions import borrow, deposit, lend, liquidate, recall, repay, withdraw

MILLION = 1_000_000
RICH = 10**9 * USDC
YEAR = 365 * 86_400


@pytest.fixture
def mallory(desk):
    """A billion in her wallet, and WETH to borrow against."""
    owner = desk.actor("mallory")
    desk.mint(owner, QUOTE, RICH)
    account = desk.account(owner)
    desk.fund(account, WETH, 10_000 * WAD)
    return account


@pytest.fixture
def edges(desk, mallory):
    """A borrower, a lender with a position, and a trader beside them: each a hair above maintenance margin."""
    desk.lender("lender", QUOTE, MILLION * USDC)
    desk.lender("weth lender", WETH, 1_000 * WAD)
    desk.act(mallory, borrow(mallory, QUOTE, 300_000 * USDC))
    desk.calm()
    borrower, saver, trader = (desk.trader(name) for name in ("borrower", "saver", "trader"))
    desk.fund(borrower, WETH, 10 * WAD)
    desk.fund(saver, QUOTE, 10_000 * USDC)
    desk.fund(trader, QUOTE, 10_000 * USDC)
    desk.act(saver, lend(saver, QUOTE, 10_000 * USDC))
    for account in (saver, trader):
        desk.trade(account, ETH, 50 * SIZE)
    desk.act(borrower, borrow(borrower, QUOTE, 23_990 * USDC))
    desk.act(borrower, withdraw(borrower, QUOTE, 23_990 * USDC, desk.owner(borrower)))
    # In one price for all three: what remains above MM is taken out of reach by the price alone.
    low = max(edge(desk, account) for account in (borrower, saver, trader))
    desk.post({1: low})
    return borrower, saver, trader


def edge(desk, account):
    """The least price of ETH at which it still has its maintenance margin."""
    low, high = 1_500 * PRICE, 3_100 * PRICE
    while high - low > 1:
        middle, point, prices = (low + high) // 2, desk.chain.snapshot(), dict(desk.prices)
        desk.post({1: middle})
        found = desk.assess(account)
        desk.chain.revert(point)
        desk.prices = prices
        low, high = (low, middle) if found.equity >= found.mm else (middle, high)
    return high


def to_vault(desk, m):
    desk.token(QUOTE).write("transfer", desk.vault(QUOTE).address, RICH // 10, sender=desk.owner(m))


def to_weth_vault(desk, m):
    desk.mint(desk.owner(m), WETH, 1_000 * WAD)
    desk.token(WETH).write("transfer", desk.vault(WETH).address, 1_000 * WAD, sender=desk.owner(m))


def stake_and_gift(desk, m):
    owner = desk.owner(m)
    desk.token(QUOTE).write("approve", desk.stake.address, RICH, sender=owner)
    desk.stake.write("deposit", USDC, owner, sender=owner)
    desk.act(m, deposit(desk.insurance, QUOTE, RICH // 10))


def as_a_lender(desk, m):
    owner = lender(desk, "mallory", QUOTE, 0)
    desk.vault(QUOTE).write("deposit", RICH // 10, owner, sender=owner)


GIFTS = {
    "tokens_to_the_vault": to_vault,
    "tokens_to_another_vault": to_weth_vault,
    "insurance": lambda desk, m: desk.act(m, deposit(desk.insurance, QUOTE, RICH // 10)),
    "stake": stake_and_gift,
    "pool": lambda desk, m: desk.act(m, deposit(desk.pool_account, QUOTE, RICH // 10)),
    "the_reserve": lambda desk, m: desk.engine.write("collectReserve", QUOTE, sender=desk.owner(m)),
    "an_outside_lender": as_a_lender,
    "all_cash_borrowed": lambda desk, m: desk.act(m, borrow(m, QUOTE, desk.loans(QUOTE).cash - 1)),
    "all_of_weth_borrowed": lambda desk, m: desk.act(
        desk.trader("mallory", 10 * MILLION, index=1),
        borrow(desk.trader("mallory", 0, index=1), WETH, desk.loans(WETH).cash - 1),
    ),
    "everything_repaid": lambda desk, m: desk.act(m, deposit(m, QUOTE, RICH // 10), repay(m, QUOTE)),
    "lent_beside": lambda desk, m: desk.act(
        desk.account(desk.owner(m), 2),
        deposit(desk.account(desk.owner(m), 2), QUOTE, RICH // 10),
        lend(desk.account(desk.owner(m), 2), QUOTE, RICH // 10),
    ),
}


@pytest.mark.parametrize("gift", GIFTS)
def test_no_gift_or_loan_moves_anyone_in_its_block(desk, mallory, edges, gift):
    before, keeper = [desk.assess(account) for account in edges], desk.trader("keeper", MILLION)
    for found in before:
        assert found.equity >= found.mm
    assert min(found.equity - found.mm for found in before) < WAD // 1_000
    time = desk.now
    GIFTS[gift](desk, mallory)
    assert desk.now == time
    assert [desk.assess(account) for account in edges] == before
    for account, found in zip(edges, before, strict=True):
        with expect("AccountHealthy", account, found.equity, found.mm):
            desk.act(keeper, liquidate(keeper, account))


def test_how_fast_interest_can_bring_one_there(desk, mallory, edges):
    """The worst rate there is, all cash borrowed: per second no more than four times the rate at target, and that is
    bounded by 200 % a year."""
    desk.act(mallory, borrow(mallory, QUOTE, desk.loans(QUOTE).cash - 1))
    index = desk.loans(QUOTE).debt_index
    for seconds in (1, 60, 3_600):
        point = desk.chain.snapshot()
        desk.chain.advance(seconds)
        growth = desk.loans(QUOTE).debt_index - index
        assert growth <= index * 8 * seconds // YEAR + 2
        assert growth < index * seconds // YEAR  # from 4 % at the start: not yet 100 % a year
        desk.chain.revert(point)
    # sDOLA's share moved by 14 % in a block; at the highest rate here that takes six days.
    assert 0.14 / 8 * 365 > 6


def test_lenders_leaving_moves_nobody_either(desk, mallory, edges):
    desk.calm()
    bank = desk.account(desk.actor("lender"))
    desk.post({}, seconds=2)
    before = [desk.assess(account) for account in edges]
    desk.act(bank, recall(bank, QUOTE, desk.loans(QUOTE).cash - 1))
    assert [desk.assess(account) for account in edges] == before


def test_what_does_move_a_lent_balance_is_a_loss_and_that_to_the_unit(desk, mallory, edges):
    """A borrower goes bankrupt by the price, with no insurance: the index falls by what he could not pay, no more, and
    in the block of the price that did it."""
    _, saver, _ = edges
    desk.set_terms(insurance_share=0)
    keeper = desk.trader("keeper", MILLION)
    desk.post({1: 2_300 * PRICE})
    lent = desk.loans(QUOTE).lent
    target = edges[0]
    deficit = -desk.assess(target).equity
    held, mine = desk.held(desk.insurance), desk.lent(saver, QUOTE)
    desk.act(keeper, liquidate(keeper, target))
    paid = held - desk.held(desk.insurance)
    lost = lent - desk.loans(QUOTE).lent
    assert lost * 10**12 <= max(0, deficit - paid * 10**12) + 10**13
    assert mine - desk.lent(saver, QUOTE) <= lost * mine // lent + 1
