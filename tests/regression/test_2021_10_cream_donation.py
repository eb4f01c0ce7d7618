"""27 October 2021, Cream Finance: 130 million dollars.

yUSD, a vault share, was collateral at the price that its vault's `balanceOf` gave. The attacker held nearly all the
shares, sent the vault as much of its asset as it had, and his collateral was worth twice what he had borrowed it for.
DeFiHackLabs src/test/2021-10/Cream_2_exp.sol.

Property: `balanceOf` enters no value. Shares of vaults and pool, and everybody's equity, are counted from the
engine's own books: a donation of any size, to any address of the protocol, moves none of them, and is lost.
"""

from __future__ import annotations

import pytest
from desk import ETH, SIZE
from lenders import balance, lender

PARTS = ("vault", "engine", "pool", "executor")


def address(desk, part, asset):
    named = {"engine": desk.engine, "pool": desk.pool, "executor": desk.deployed["Executor"]}
    return (desk.vault(asset) if part == "vault" else named[part]).address


def values(desk, asset, *accounts):
    vault, pool, unit = desk.vault(asset), desk.pool, 10**12
    shares = [vault.read(name, unit) for name in ("convertToAssets", "previewMint", "previewRedeem", "previewDeposit")]
    lps = [pool.read("totalAssets"), pool.read("convertToAssets", unit), *desk.pool_equity()]
    return shares, lps, vault.read("totalAssets"), [desk.assess(account) for account in accounts]


@pytest.mark.parametrize("asset", [0, 1, 2])  # 6, 18 and 8 decimals
@pytest.mark.parametrize("part", PARTS)
def test_a_donation_of_any_size_moves_no_value(desk, asset, part):
    trader = desk.trader("trader", 100_000)
    desk.trade(trader, ETH, 10 * SIZE)
    one = 10 ** desk.token(asset).read("decimals")
    desk.fund(trader, asset, one)
    holder, vault = lender(desk, "holder", asset, 1_000 * one), desk.vault(asset)
    vault.write("deposit", 1_000 * one, holder, sender=holder)
    before = values(desk, asset, trader, desk.insurance, desk.pool_account)
    for amount in (1, one, 10**6 * one):
        desk.token(asset).write("mint", address(desk, part, asset), amount, sender=desk.admin)
        assert values(desk, asset, trader, desk.insurance, desk.pool_account) == before
    desk.calm()
    vault.write("redeem", vault.read("balanceOf", holder), holder, holder, sender=holder)
    assert balance(desk, asset, holder) == 1_000 * one


@pytest.mark.parametrize("asset", [0, 1, 2])
def test_priced_by_the_balance_a_share_would_have_doubled(desk, asset):
    """Cream's way of looking at it: tokens in the vault per share, before and after."""
    one = 10 ** desk.token(asset).read("decimals")
    holder, vault = lender(desk, "holder", asset, 1_000 * one), desk.vault(asset)
    vault.write("deposit", 1_000 * one, holder, sender=holder)
    tokens, honest = vault.read("balance"), vault.read("totalAssets")
    desk.token(asset).write("mint", vault.address, tokens, sender=desk.admin)
    assert vault.read("balance") == 2 * tokens
    assert vault.read("totalAssets") == honest == 1_000 * one
