"""30 January 2024, Abracadabra: 6.5 million dollars.

A cauldron kept its debts as a pair: what is owed in all (elastic) and the shares of it (base). A function that anyone
could call lowered the one without the other. With elastic near zero over a large base the roundings did the rest: the
attacker borrowed against shares that cost nothing.

Property: what all users owe is what the asset's book says, to a unit per user, after any sequence of loans,
repayments, slices, write-offs and interest; one is zero exactly when the other is; and nobody's gift moves either.
"""

from __future__ import annotations

import random

import pytest
from desk import PRICE, QUOTE, USDC, WAD, WBTC, WETH

from plimsoll.actions import borrow, deposit, liquidate, repay, withdraw
from plimsoll.errors import Reverted

PEOPLE = 5
ASSETS = {QUOTE: 1_000_000 * USDC, WETH: 300 * WAD, WBTC: 20 * 10**8}


@pytest.fixture
def people(desk):
    for asset, amount in ASSETS.items():
        desk.lender(f"lender {asset}", asset, amount)
    accounts = [desk.trader(f"borrower {n}") for n in range(PEOPLE)]
    for account in accounts:
        for asset, amount in ASSETS.items():
            desk.fund(account, asset, amount // 7 + 13)
    return accounts


def agree(desk, accounts, asset):
    """Σ shares exactly, Σ debts to a unit each, and zero with zero. Returns what is owed."""
    owed = [desk.debt(account, asset) for account in accounts]
    loans = desk.loans(asset)
    shares = [desk.mirror(account).balances[asset] for account in accounts]
    assert sum(balance.shares for balance in shares if balance.kind == 2) == loans.debt_shares
    assert loans.borrowed <= sum(owed) <= loans.borrowed + sum(1 for debt in owed if debt)
    assert (sum(owed) == 0) == (loans.borrowed == 0) == (loans.debt_shares == 0)
    for account, debt in zip(accounts, owed, strict=True):
        assert (debt == 0) == (desk.mirror(account).balances[asset].kind != 2)
    return loans.borrowed


@pytest.mark.parametrize("seed", range(4))
def test_after_every_step_of_a_long_walk(desk, people, seed):
    """Odd amounts, odd times, three assets; now and then everything is paid back."""
    draw, done = random.Random(seed), 0
    for _ in range(70):
        account, asset = draw.choice(people), draw.choice(list(ASSETS))
        amount = draw.choice([1, 2, 3, draw.randrange(1, 1_000), draw.randrange(1, ASSETS[asset] // 50)])
        way = draw.choice([borrow, borrow, repay, repay, "all"])
        try:
            desk.act(account, repay(account, asset) if way == "all" else way(account, asset, amount))
            done += 1
        except Reverted as refused:
            assert refused.name in ("NothingOwed", "ZeroAmount", "InsufficientBalance", "BelowInitialMargin")
        agree(desk, people, asset)
        if draw.random() < 0.3:
            desk.post({}, seconds=draw.choice([1, 13, 86_411, 40 * 86_400]))
    assert done > 30
    for account in people:
        for asset in ASSETS:
            if owed := desk.debt(account, asset):
                desk.fund(account, asset, owed)
                desk.act(account, repay(account, asset))
    for asset in ASSETS:
        assert agree(desk, people, asset) == 0
        assert desk.surplus(asset) >= 0


@pytest.mark.parametrize("price", [2_650, 2_420, 2_000, 10], ids=["slice", "whole", "bankrupt", "wiped_out"])
def test_after_slices_and_write_offs(desk, price):
    """Debt moved to a taker is the same debt; what is written off goes from both sums at once."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    accounts = [desk.trader("alice"), desk.trader("bob"), desk.trader("keeper", 500_000)]
    for account, amount in zip(accounts, (23_977, 24_000 - 1, 0), strict=True):
        desk.fund(account, WETH, 10 * WAD)
        if amount:
            loan = amount * USDC + 7
            desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, loan, desk.owner(account)))
    desk.post({}, seconds=3_600)
    desk.post({1: price * PRICE})
    for target in accounts[:2]:
        desk.act(accounts[2], liquidate(accounts[2], target))
        agree(desk, accounts, QUOTE)
    desk.act(accounts[2], repay(accounts[2], QUOTE))
    agree(desk, accounts, QUOTE)
    assert desk.surplus(QUOTE) >= 0


def test_gifts_and_strangers_move_neither(desk, people):
    """Tokens to the vault, deposits for others, the reserve collected: not one of them is a repayment."""
    account = people[0]
    desk.act(account, borrow(account, QUOTE, 100_000 * USDC + 1))
    desk.post({}, seconds=40 * 86_400)
    mallory = desk.actor("mallory")
    desk.mint(mallory, QUOTE, 1_000_000 * USDC)
    before, owed = desk.loans(QUOTE), desk.debt(account, QUOTE)
    desk.token(QUOTE).write("transfer", desk.vault(QUOTE).address, 200_000 * USDC, sender=mallory)
    desk.execute(mallory, deposit(account, QUOTE, 200_000 * USDC), deposit(desk.insurance, QUOTE, USDC))
    desk.engine.write("collectReserve", QUOTE, sender=mallory)
    after = desk.loans(QUOTE)
    assert (after.debt_shares, after.debt_index, after.borrowed) == (
        before.debt_shares,
        before.debt_index,
        before.borrowed,
    )
    assert desk.debt(account, QUOTE) == owed
    agree(desk, people, QUOTE)
    # As it was: 200,000 off the sum and nothing off the shares, and each of them would have been worth a half, a
    # hundredth, nothing.
    assert before.borrowed < 200_000 * USDC
