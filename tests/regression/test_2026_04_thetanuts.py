"""20 April and 15 June 2026, Thetanuts: about 2.1 million dollars, of which 2 were rescued.

Shares of an options vault were burned down to three wei while its assets stayed; what a mint cost was a division that
then came to nothing. Shares for nothing, redeemed for everything. DeFiHackLabs src/test/2026-04 and 2026-06.

Property: nothing is had for nothing, however little of it is left. A share of a vault, of the pool's or of the stake's
supply, and an option, cost at least a unit, rounded up; what is paid out is rounded down; and a supply of a few wei
over large assets cannot be brought about by leaving.
"""

from __future__ import annotations

import pytest
from desk import PRICE, SIZE, USDC, expect
from lenders import balance, lender
from listed_desk import ListedDesk

from plimsoll.actions import MAX_UINT256


@pytest.fixture
def options():
    return ListedDesk.create().with_options()


@pytest.mark.parametrize("asset", [0, 1, 2])  # 6, 18 and 8 decimals
@pytest.mark.parametrize("left", [1, 3, 1_000])
def test_a_vault_burned_down_to_a_few_wei_sells_no_share_for_nothing(desk, asset, left):
    """The very move: redeem all but a few, give the vault assets, mint the least there is, redeem it."""
    vault, raider, victim = (
        desk.vault(asset),
        lender(desk, "raider", asset, 10**12),
        lender(desk, "victim", asset, 10**9),
    )
    vault.write("deposit", 10**9, raider, sender=raider)
    shares = vault.read("balanceOf", raider)
    vault.write("redeem", shares - left, raider, raider, sender=raider)
    desk.token(asset).write("transfer", vault.address, 10**9, sender=raider)
    assert vault.read("totalAssets") <= left, "a gift is nobody's"
    for amount in (1, 2, left, 10**6):
        assert vault.read("previewMint", amount) >= 1
        assert vault.read("previewMint", amount) >= vault.read("previewRedeem", amount)
    before = balance(desk, asset, raider)
    vault.write("deposit", 10**9, victim, sender=victim)
    for _ in range(20):
        vault.write("mint", 1, raider, sender=raider)
    vault.write("redeem", vault.read("balanceOf", raider), raider, raider, sender=raider)
    assert balance(desk, asset, raider) <= before + left
    assert vault.read("maxWithdraw", victim) >= 10**9 - 1


def test_a_stake_burned_down_sells_no_share_for_nothing(desk):
    """Of insurance, whose price gifts do raise."""
    stake, token = desk.stake, desk.token(0)
    raider = desk.actor("raider")
    token.write("mint", raider, 10**13, sender=desk.admin)
    for spender in (stake.address, desk.vault(0).address):
        token.write("approve", spender, MAX_UINT256, sender=raider)
    stake.write("deposit", 10**9, raider, sender=raider)
    desk.fund(desk.insurance, 0, 10**12, by=desk.actor("sponsor"))
    for amount in (1, 3, 10**3, 10**6):
        assert stake.read("previewMint", amount) >= 1
        assert stake.read("previewMint", amount) >= stake.read("previewRedeem", amount)
    assert stake.read("previewDeposit", 1) * stake.read("totalAssets") <= 1 * (stake.read("totalSupply") + 10**6)


@pytest.mark.parametrize("quantity", [1, 2, 10, 1_000])
def test_no_option_for_nothing(options, quantity):
    """A ten-millionth of a call costs at least a unit, in however many parts it is bought; and sells for less."""
    desk = options
    maker, taker = desk.trader("maker", 10_000), desk.trader("taker", 10_000)
    call = desk.call(3_000)
    price = desk.mark(call)
    worth = quantity * price  # WAD
    start = desk.held(maker), desk.held(taker), desk.held(desk.insurance)
    for _ in range(20):
        desk.match(maker, taker, [(call, quantity)], [price])
    paid = start[0] - desk.held(maker)
    assert paid >= 20 and paid * 10**12 >= 20 * worth
    for _ in range(20):
        desk.match(maker, taker, [(call, -quantity)], [price])
    assert desk.options(maker) == {}
    assert desk.held(maker) <= start[0] and desk.held(taker) <= start[1], "both have paid, in units and in fees"
    assert desk.held(maker) + desk.held(taker) + desk.held(desk.insurance) == sum(start)


def test_what_is_written_for_nothing_is_paid_for(options):
    """An option whose price is within the band of zero may be sold at zero: then it is a gift, and margined as any."""
    desk = options
    maker, taker = desk.trader("maker", 1_000), desk.trader("taker", 1_000)
    call = desk.call(3_000 * 9)
    assert desk.mark(call) <= PRICE // 100
    desk.match(maker, taker, [(call, SIZE)], [0])
    assert desk.assess(taker).im > 0 and desk.assess(maker).im == 0
    with expect("BelowInitialMargin"):
        desk.match(maker, taker, [(call, 100 * SIZE)], [0])


@pytest.mark.parametrize("others", [[1], [1, 1, 1], [3, 7]])
def test_settlement_pays_down_and_collects_up(options, others):
    """Dust in the money: every loser pays a whole unit, the winner gets no more than was paid."""
    desk = options
    winner = desk.trader("winner", 10_000)
    call = desk.call(2_000)
    losers = [desk.trader(f"loser{n}", 10_000) for n in range(len(others))]
    for loser, quantity in zip(losers, others, strict=True):
        desk.match(winner, loser, [(call, quantity)])
    end = desk.expiry * 60
    for n in range(120, 1_801, 120):
        desk.chain.set_timestamp(end - 1_800 + n)
        desk.post({1: 2_000 * PRICE + 3}, seconds=0)  # three ten-billionths in the money
        desk.engine.write("observeExpiry", 0, desk.expiry, sender=desk.admin)
    before = desk.held(winner)
    held = [desk.held(one) for one in losers]
    desk.settle(0, desk.expiry, winner, *losers)
    assert [was - desk.held(one) for one, was in zip(losers, held, strict=True)] == [1] * len(losers)
    assert 0 <= desk.held(winner) - before <= len(losers) and desk.options(winner) == {}
    assert desk.held(desk.clearing(0)) == len(losers) - (desk.held(winner) - before) and USDC == 10**6
