"""15 March 2026, Venus, THE: 913,858 CAKE and 1,972.5 WBNB.

The supply cap of the THE market was counted by what had been minted. The attacker sent the tokens straight to the
market, whose balance counted as collateral, and let contracts borrow on behalf of others who had once agreed: far more
was borrowed against far more THE than any cap allowed.

Property: a cap holds for what counts, by whatever door it comes; what comes by no door counts for nobody; and nobody
borrows on behalf of another, not his operator, not his keeper.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, USDC, WAD, WETH, expect
from lenders import lender

from plimsoll.actions import borrow, call, deposit, lend, recall, repay, transfer, withdraw

CAP = 1_000 * WAD


@pytest.fixture
def desk(desk):
    """WETH stands for THE: a cap of 1,000, of which 900 are there; a million of quote to be borrowed."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.set_limits(WETH, supply_cap=CAP)
    return desk


@pytest.fixture
def mallory(desk):
    account = desk.trader("mallory")
    desk.fund(account, WETH, 900 * WAD)
    desk.mint(desk.owner(account), WETH, 10_000 * WAD)
    return account


def exceeded(supply):
    return expect("SupplyCapExceeded", WETH, supply, CAP)


def test_no_deposit_passes_the_cap(desk, mallory):
    other = desk.trader("mallory", 0, index=1)
    with exceeded(CAP + 1):
        desk.act(mallory, deposit(mallory, WETH, 100 * WAD + 1))
    with exceeded(CAP + 1):
        desk.act(mallory, deposit(mallory, WETH, 50 * WAD), deposit(other, WETH, 50 * WAD + 1))
    desk.act(mallory, deposit(mallory, WETH, 50 * WAD), deposit(other, WETH, 50 * WAD))
    assert desk.held(mallory, WETH) + desk.held(other, WETH) == CAP


def test_nor_does_lending_from_outside_or_inside(desk, mallory):
    owner = lender(desk, "mallory", WETH, 0)
    vault = desk.vault(WETH)
    assert vault.read("maxDeposit", owner) == 100 * WAD
    with expect("ERC4626ExceededMaxDeposit", owner, 100 * WAD + 1, 100 * WAD):
        vault.write("deposit", 100 * WAD + 1, owner, sender=owner)
    vault.write("deposit", 100 * WAD, owner, sender=owner)
    desk.act(mallory, lend(mallory, WETH, 900 * WAD), recall(mallory, WETH, 400 * WAD))  # the same claims
    with exceeded(CAP + 1):
        desk.act(mallory, deposit(mallory, WETH, 1))


def test_nor_a_swap_s_proceeds(desk, mallory, put):
    exchange = put(desk, "MockExchange")
    quote, weth = desk.token(QUOTE).address, desk.token(WETH).address
    exchange.write("setPrice", quote, weth, 10**18, 3_000 * USDC, sender=desk.admin)
    desk.token(WETH).write("mint", exchange.address, 1_000 * WAD, sender=desk.admin)
    desk.fund(mallory, QUOTE, 330_000 * USDC)
    data = exchange.encode("swap", quote, weth, 330_000 * USDC)
    with exceeded(1_010 * WAD):
        desk.act(mallory, call(mallory, QUOTE, 330_000 * USDC, WETH, 0, exchange.address, data))
    assert (desk.held(mallory, QUOTE), desk.held(mallory, WETH)) == (330_000 * USDC, 900 * WAD)


def test_nor_borrowing_it_and_putting_it_back(desk, mallory):
    """Lent, borrowed, held: each of it a claim that somebody has, and the cap counts them all."""
    desk.set_limits(WETH, borrow_cap=CAP, borrow_velocity=10_000)
    desk.act(mallory, lend(mallory, WETH, 900 * WAD))
    other = desk.trader("other", 1_000_000)
    with exceeded(900 * WAD + 101 * WAD):
        desk.act(other, borrow(other, WETH, 101 * WAD))
    desk.act(other, borrow(other, WETH, 99 * WAD))
    assert desk.lent(mallory, WETH) + desk.held(other, WETH) == 999 * WAD < CAP


def test_what_is_sent_straight_to_the_vault_is_nobody_s(desk, mallory):
    """Ten times the cap: not one more unit can be borrowed against it, by anyone, and it moves no share's price."""
    owner = desk.owner(mallory)
    desk.act(mallory, lend(mallory, WETH, 100 * WAD))
    before, supply = desk.assess(mallory), desk.loans(WETH)
    desk.token(WETH).write("transfer", desk.vault(WETH).address, 10_000 * WAD, sender=owner)
    assert desk.assess(mallory) == before
    assert desk.loans(WETH) == supply
    assert desk.vault(WETH).read("totalAssets") == 100 * WAD
    most = 900 * 3_000 * 8 // 10
    assert most > 1_000_000  # more than lenders have here; so with what she has less
    desk.post({1: 300 * PRICE})
    most = 900 * 300 * 8 // 10
    with expect("BelowInitialMargin"):
        desk.act(mallory, borrow(mallory, QUOTE, (most + 1) * USDC), withdraw(mallory, QUOTE, (most + 1) * USDC, owner))
    # Had the balance counted: 10,900 WETH, twelve times as much.
    assert desk.vault(WETH).read("balance") * 300 * 8 // (10 * WAD) > 12 * most


@pytest.mark.parametrize("way", ["stranger", "operator", "keeper"])
def test_nobody_borrows_on_behalf(desk, mallory, way):
    """Neither into the victim's account nor into his own with the victim's collateral."""
    victim, other = desk.trader("victim"), desk.actor(way)
    desk.fund(victim, WETH, 90 * WAD)
    own = desk.trader(way, 1)
    if way == "operator":
        limits = (1 << ETH, 10**9, 1_000, False, 2**32 - 1, 10_000, 10**6)
        desk.engine.write("setOperator", victim, other, limits, sender=desk.owner(victim))
    for action in (borrow, lend, repay, recall):
        with expect("NotAuthorized", victim, other):
            desk.execute(other, action(victim, QUOTE, USDC))
    with expect("NotAuthorized", victim, other):
        desk.execute(other, transfer(victim, own, WETH, WAD))
    with expect("BelowInitialMargin"):
        desk.execute(other, borrow(own, QUOTE, 1_000 * USDC), withdraw(own, QUOTE, 1_000 * USDC, other))
    # A deposit is welcome from anybody, and takes nothing.
    desk.mint(other, WETH, WAD)
    desk.execute(other, deposit(victim, WETH, WAD))
    assert (desk.debt(victim, QUOTE), desk.held(victim, WETH)) == (0, 91 * WAD)
