"""29 June 2026, a vault on Base: 13.53 WETH.

Its `totalAssets` counted, at a quoted price, an idle token that was not its asset; `redeem` paid the share of that
total in the asset and handed out the idle token as well. DeFiHackLabs
src/test/2026-06/Vault4626NonAssetOverpay_exp.sol.

Property: `totalAssets` counts exactly what redeeming pays: not other tokens that lie there, not the cash of accounts,
not the escrow of requests; and what is redeemed leaves it to the unit.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WETH
from lenders import balance, lender
from lps import enter, fall_due, invest, leave, lp, run, wallet


def test_the_vault_redeems_its_asset_and_counts_nothing_else(desk):
    saver, vault = lender(desk, "saver", QUOTE, 1_000 * USDC), desk.vault(QUOTE)
    vault.write("deposit", 1_000 * USDC, saver, sender=saver)
    assert vault.read("totalAssets") == 1_000 * USDC < vault.read("balance")  # ten million are the pool's
    desk.token(WETH).write("mint", vault.address, 10**19, sender=desk.admin)
    desk.token(QUOTE).write("mint", vault.address, 10**12, sender=desk.admin)
    assert vault.read("totalAssets") == 1_000 * USDC

    tokens = vault.read("balance")
    vault.write("redeem", vault.read("balanceOf", saver), saver, saver, sender=saver)
    assert balance(desk, QUOTE, saver) == 1_000 * USDC == tokens - vault.read("balance")
    assert balance(desk, WETH, saver) == 0
    assert vault.read("totalAssets") == 0
    # With the idle WETH at its price in the total, thirty thousand more would have been paid for a thousand's shares.


@pytest.mark.parametrize("escrow", [1, 10**6 * USDC, 10**8 * USDC])
def test_the_pool_counts_no_escrow_and_pays_none_out(desk, escrow):
    """Requests waiting to enter lie in the pool's own wallet, beside whatever anyone sent there."""
    trader = desk.trader("trader", 500_000)
    resident = invest(desk, "resident", 1_000_000)
    desk.trade(trader, ETH, 500 * SIZE)
    before = desk.pool.read("totalAssets")
    waiting = enter(desk, lp(desk, "waiting", escrow / USDC), escrow)
    desk.token(WETH).write("mint", desk.pool.address, 10**19, sender=desk.admin)
    desk.token(QUOTE).write("mint", desk.pool.address, 777, sender=desk.admin)
    assert desk.pool.read("totalAssets") == before
    assert desk.pool.read("escrowedAssets") == escrow == balance(desk, QUOTE, desk.pool.address) - 777

    going = leave(desk, resident)
    fall_due(desk)
    before = desk.pool.read("totalAssets")
    assert run(desk, going) == {}
    paid = wallet(desk, resident)
    assert 0 < before - desk.pool.read("totalAssets") - paid <= 1 or before - desk.pool.read("totalAssets") == paid
    assert balance(desk, WETH, resident) == 0
    assert balance(desk, QUOTE, desk.pool.address) == escrow + 777
    assert run(desk, waiting) == {}
    assert desk.pool.read("escrowedAssets") == 0
