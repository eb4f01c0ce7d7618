"""25 June 2025, Resupply: 9.6 million dollars.

A donation to a nearly empty ERC-4626 market raised its share price until the exchange rate, one over it, was rounded
down to zero. A loan times zero is nothing against any collateral: the solvency check passed for the whole pool, on one
wei of collateral.

Property: a price of zero does not exist; a debtor whose collateral is worth nothing, has no price or is not there at
all is insolvent and can be taken over; the check of a debtor is never skipped.
"""

from __future__ import annotations

import pytest
from desk import BANKRUPT, ETH, NOBODY, PRICE, QUOTE, REFERENCE, SIZE, UNIT, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import borrow, lend, liquidate, repay, trade_perp, transfer, withdraw
from plimsoll.errors import BadInput
from plimsoll.prices import Quote

POOL = 1_000_000 * USDC


@pytest.fixture
def desk(desk):
    desk.lender("lender", QUOTE, POOL)
    return desk


def out(desk, account, amount):
    return borrow(account, QUOTE, amount), withdraw(account, QUOTE, amount, desk.owner(account))


def test_a_price_of_zero_is_refused_wherever_it_comes_from(desk, put):
    source, stored = put(desk, "MockPriceSource"), desk.router_value(1)
    source.write("set", REFERENCE, True, stored, 0, desk.now, sender=desk.admin)
    desk.router.write("setFeed", 1, (NOBODY, 0, 20_000, source.address, bytes(32), REFERENCE), sender=desk.admin)
    desk.chain.advance(12)
    source.write("set", REFERENCE, True, 0, 0, desk.now, sender=desk.admin)
    with expect("PriceOutOfRange", 1, 0):
        desk.router.write("poke", 1, sender=desk.admin)
    assert desk.router_value(1) == stored
    with pytest.raises(BadInput, match="price 0"):
        desk.signer.report(desk.now, [Quote(1, 0, 100)])


@pytest.mark.parametrize("asset, amount", [(WETH, 0), (WETH, 1), (WETH, 10**8 - 1), (WBTC, 1)])
@pytest.mark.parametrize("loan", [1, 1_000, POOL])
def test_nothing_is_lent_on_next_to_nothing(desk, asset, amount, loan):
    """One wei of collateral is worth less than the model's smallest unit; the loan is not."""
    account = desk.trader("mallory")
    if amount:
        desk.fund(account, asset, amount)
    with expect("BelowInitialMargin"):
        desk.act(account, *out(desk, account, loan))
    assert (desk.debt(account, QUOTE), desk.loans(QUOTE).cash) == (0, POOL)


@pytest.mark.parametrize("asset", [WETH, WBTC])
def test_nor_on_collateral_without_a_price(desk, asset):
    """Its feed is dead: it counts for nothing, and nothing is not enough."""
    account = desk.trader("mallory")
    desk.fund(account, asset, 1_000 * 10 ** (18 if asset == WETH else 8))
    desk.chain.advance(61)
    with expect("BelowInitialMargin", account, -(USDC + 1) * UNIT, 15 * WAD):
        desk.act(account, *out(desk, account, USDC))


@pytest.fixture
def debtor(desk):
    account = desk.trader("alice")
    desk.fund(account, WETH, 10 * WAD)
    desk.act(account, *out(desk, account, 20_000 * USDC))
    return account


@pytest.mark.parametrize("price", [1, 10**4, 10**9, 500 * PRICE])
def test_a_debtor_with_worthless_collateral_is_bankrupt_and_taken_over(desk, debtor, price):
    """Down to the least price there is, where ten WETH are worth less than a token unit of the debt."""
    keeper = desk.trader("keeper", 100_000)
    desk.post({1: price})
    found = desk.assess(debtor)
    assert found.state == BANKRUPT
    assert found.equity == 10 * price * 10**8 - desk.debt(debtor, QUOTE) * 10**12
    desk.act(keeper, liquidate(keeper, debtor))
    assert (desk.debt(debtor, QUOTE), desk.held(debtor, WETH), desk.header(debtor).debts) == (0, 0, 0)


def test_no_door_out_of_a_debt_skips_the_check(desk, debtor):
    """The collateral leaves by none of them, alone or together, and whether or not a position is there."""
    other = desk.trader("alice", 0, index=1)
    owner = desk.owner(debtor)
    for batch in (
        [withdraw(debtor, WETH, 10 * WAD, owner)],
        [transfer(debtor, other, WETH, 10 * WAD)],
        [lend(debtor, WETH, 10 * WAD), *out(desk, debtor, 10_000 * USDC)],
        [borrow(debtor, QUOTE, 20), repay(debtor, QUOTE, 10), withdraw(debtor, WETH, 10 * WAD, owner)],
        [trade_perp(debtor, ETH, SIZE), trade_perp(debtor, ETH, -SIZE), withdraw(debtor, WETH, 10 * WAD, owner)],
    ):
        with expect("BelowInitialMargin"):
            desk.act(debtor, *batch)
    assert desk.held(debtor, WETH) == 10 * WAD


def test_without_the_rule(desk):
    """Had worthless collateral passed as "nothing to check": all that lenders have, for one wei."""
    mallory = desk.trader("mallory")
    desk.fund(mallory, WETH, 1)
    with expect("BelowInitialMargin", mallory, 3_000 - (POOL + 1) * UNIT, 15 * WAD):
        desk.act(mallory, *out(desk, mallory, POOL))
