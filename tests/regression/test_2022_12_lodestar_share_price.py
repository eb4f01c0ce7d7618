"""11 December 2022, Lodestar: 4 million dollars; 27 February 2025, Venus on zkSync: 86.72 WETH.

Collateral was priced by the assets per share of another vault (plvGLP; wUSDM), and anyone could raise that by giving
to the vault: in one transaction the attacker borrowed against what his own donation had made of his collateral.
DeFiHackLabs src/test/2022-12/Lodestar_exp.sol.

Property: what a share of a vault is worth is not moved within a transaction by anything that anyone gives to any
address or account, and over time no faster than the highest interest there is. A gift to insurance does raise its
shares, openly: nothing can be borrowed against them, and giving and leaving never pays.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, expect
from lenders import balance, lender
from lps import invest
from stakers import cool, shares, staker, wallet

from plimsoll.actions import deposit

ONE_SHARE = 10**12
MAX_RATE = 8  # per year: 200 % at target, four times at full utilisation
YEAR = 365 * 86_400


def price(contract):
    """Assets for very many shares: all the digits there are."""
    return contract.read("convertToAssets", 10**30)


@pytest.fixture
def busy(desk):
    """Lenders, an LP, a trader with a position; someone rich who may give."""
    for asset in range(3):
        saver = lender(desk, "saver", asset, 10**10)
        desk.vault(asset).write("deposit", 10**10, saver, sender=saver)
    invest(desk, "resident", 1_000_000)
    desk.trade(desk.trader("trader", 100_000), ETH, 10 * SIZE)
    return desk


@pytest.mark.parametrize("asset", [0, 1, 2])
@pytest.mark.parametrize("amount", [1, 10**10, 2 * 10**12])
def test_no_gift_moves_a_lender_s_share_price(busy, asset, amount):
    """By transfer to the vault, by deposit into the giver's own account, into insurance, into the pool."""
    vault, giver = busy.vault(asset), busy.actor("giver")
    before, claim = price(vault), vault.read("totalAssets")
    busy.mint(giver, asset, 4 * amount)
    busy.token(asset).write("transfer", vault.address, amount, sender=giver)
    busy.execute(giver, deposit(busy.account(giver), asset, amount))
    busy.execute(giver, deposit(busy.insurance, asset, amount))
    if asset == QUOTE:
        busy.execute(giver, deposit(busy.pool_account, asset, amount))
    assert price(vault) == before
    assert vault.read("totalAssets") == claim


@pytest.mark.parametrize("asset", [0, 1, 2])
def test_lending_and_leaving_in_one_moment_moves_no_price(busy, asset):
    """Nor does it pay: whoever comes and goes within one block has no more."""
    vault, before = busy.vault(asset), price(busy.vault(asset))
    one = 10 ** busy.token(asset).read("decimals")
    whale = lender(busy, "whale", asset, 10_000 * one)
    for _ in range(3):
        vault.write("deposit", balance(busy, asset, whale), whale, sender=whale)
        vault.write("redeem", vault.read("maxRedeem", whale), whale, whale, sender=whale)
        assert balance(busy, asset, whale) <= 10_000 * one
    # Roundings stay with those who are there: a few units among 10^10, never a factor.
    assert before <= price(vault) <= before + before // 10**9


@pytest.mark.parametrize("seconds", [1, 3_600, YEAR])
@pytest.mark.parametrize("asset", [0, 1, 2])
def test_over_time_the_price_grows_no_faster_than_the_highest_rate(busy, asset, seconds):
    vault, before = busy.vault(asset), price(busy.vault(asset))
    busy.token(asset).write("mint", vault.address, 10**20, sender=busy.admin)
    busy.chain.advance(seconds)
    busy.post({})
    assert before <= price(vault) <= before * 2.718281828 ** (MAX_RATE * (seconds + 2) / YEAR) * (1 + 1e-11)


def test_a_gift_to_insurance_is_lost_to_the_giver(busy):
    """Lodestar's move on the one share price that gifts do raise: he gets back his part of his own gift."""
    staker(busy, "others", 1_000_000 * USDC)
    mallory = staker(busy, "mallory", 1_000_000 * USDC)
    before = price(busy.stake)
    busy.fund(busy.insurance, QUOTE, 1_000_000 * USDC, by=mallory)
    assert price(busy.stake) > before
    cool(busy, mallory)
    busy.stake.write("redeem", shares(busy, mallory), mallory, mallory, sender=mallory)
    assert wallet(busy, mallory) < 1_500_000 * USDC  # of the two million he put in


def test_no_share_is_collateral(busy):
    """Vault, pool and insurance shares are no listed asset: an account cannot hold them, whatever they are worth."""
    listed = {busy.token(asset).address for asset in range(busy.config.read("assetCount"))}
    assert listed.isdisjoint({busy.stake.address, busy.pool.address, *(busy.vault(a).address for a in range(3))})
    mallory = staker(busy, "mallory", 1_000 * USDC)
    with expect("UnknownAsset", 3):
        busy.execute(mallory, deposit(busy.account(mallory), 3, 1))
