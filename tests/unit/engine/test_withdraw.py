"""Withdraw: what is held, while what stays carries max(IM, 10 % of notional)."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import deposit, margin_call, trade_perp, withdraw
from plimsoll.margin.account import PriceUse, removal_margin


def out(account, amount, asset=QUOTE, to=None):
    return withdraw(account, asset, amount, to or "0x" + account[:20].hex())


def test_nothing(desk):
    account = desk.trader("alice", 1)
    with expect("ZeroAmount"):
        desk.act(account, out(account, 0))


def test_only_the_owner(desk):
    account = desk.trader("alice", 1)
    with expect("NotAuthorized", account, desk.actor("bob")):
        desk.execute(desk.actor("bob"), out(account, 1))
    for special in (desk.insurance, desk.pool_account):
        with expect("NotAuthorized", special, desk.actor("bob")):
            desk.execute(desk.actor("bob"), out(special, 1))


def test_unknown_asset(desk):
    account = desk.trader("alice", 1)
    with expect("UnknownAsset", 9):
        desk.act(account, out(account, 1, 9))


def test_to_nobody(desk):
    account = desk.trader("alice", 1)
    with expect("ERC20InvalidReceiver", "0x" + "00" * 20):
        desk.act(account, out(account, 1, to="0x" + "00" * 20))


def test_no_margin_leaves_a_called_account(desk):
    account, caller = desk.trader("alice", 16_000), desk.trader("bob", 1)
    desk.fund(account, WETH, WAD)
    desk.trade(account, ETH, 100 * SIZE)
    desk.post({1: 2_900 * PRICE})
    desk.act(caller, margin_call(caller, account))
    deadline = desk.header(account).call_deadline
    assert deadline == desk.now + 3_600
    for asset in (QUOTE, WETH):
        with expect("AccountCalled", account, deadline):
            desk.act(account, out(account, 1, asset))
    # Not even in the batch that brings enough: it clears at its end, and the next may.
    desk.mint(desk.owner(account), QUOTE, 30_000 * USDC)
    with expect("AccountCalled", account, deadline):
        desk.act(account, deposit(account, QUOTE, 30_000 * USDC), out(account, 1))
    desk.act(account, deposit(account, QUOTE, 30_000 * USDC), trade_perp(account, ETH, 1))
    assert desk.header(account).call_deadline == 0
    desk.act(account, out(account, 1))


@pytest.mark.parametrize("over", [0, 1])
def test_ten_percent_of_notional_stays(desk, over):
    """IM of 10 ETH is 1,500, a tenth of the notional 3,000: that binds."""
    account = desk.trader("alice", 10_000)
    desk.trade(account, ETH, 10 * SIZE)
    found = desk.assess(account)
    spare = (found.equity - 3_000 * WAD) // 10**12
    if over:
        with expect("BelowInitialMargin", account, found.equity - (spare + 1) * 10**12, 3_000 * WAD):
            desk.act(account, out(account, spare + 1))
    else:
        desk.act(account, out(account, spare))
        assert 0 <= desk.assess(account).equity - 3_000 * WAD < 10**12


@pytest.mark.parametrize("over", [0, 1])
def test_im_with_its_share_of_profit_stays_when_it_is_more(desk, over):
    """IM of 12 % and a tenth of the profit: 3,960 + 298 against a tenth of 33,000."""
    desk.set_risk(ETH, im_rate1=1_200, im_rate2=1_400, im_rate3=1_700)
    account = desk.trader("alice", 10_000)
    desk.trade(account, ETH, 10 * SIZE)
    desk.post({1: 3_300 * PRICE})
    found = desk.twin(account, PriceUse.OPEN)
    profit = found.equity - 10_000 * WAD
    assert 2_900 * WAD < profit < 3_000 * WAD
    assert found.im == 3_960 * WAD - (-profit // 10)
    assert removal_margin(found) == found.im > 3_300 * WAD
    spare = (found.equity - found.im) // 10**12
    if over:
        with expect("BelowInitialMargin", account, found.equity - (spare + 1) * 10**12, found.im):
            desk.act(account, out(account, spare + 1))
    else:
        desk.act(account, out(account, spare))
        assert 0 <= desk.assess(account).equity - found.im < 10**12


@pytest.mark.parametrize("asset, amount", [(QUOTE, 10**9), (WETH, 3 * 10**18), (WBTC, 10**7)])
@pytest.mark.parametrize("part", [1, 2, 3])
def test_it_is_paid_to_whom_it_was_told(desk, asset, amount, part):
    account, friend = desk.trader("alice"), desk.actor("friend")
    desk.fund(account, asset, amount)
    total = desk.engine.read("totals", asset)[0]
    receipt = desk.act(account, out(account, amount // part, asset, friend))
    assert desk.token(asset).read("balanceOf", friend) == amount // part
    assert desk.held(account, asset) == amount - amount // part
    assert desk.engine.read("totals", asset)[0] == total - amount // part == desk.vault(asset).read("balance")
    (told,) = desk.events(receipt, "Withdrawn")
    assert told.args == {"account": account, "asset": asset, "to": friend, "amount": amount // part}


def test_an_account_that_owes_a_closed_loss_keeps_its_margin(desk):
    """Closed, but the loss was larger than the cash: still an exposure, and it is secured by the floor."""
    account = desk.trader("alice", 10)
    desk.fund(account, WETH, 2 * WAD)
    desk.trade(account, BTC, SIZE // 10)
    desk.post({2: 55_000 * PRICE})
    desk.trade(account, BTC, -SIZE // 10)
    size, owed = desk.position(account, BTC)
    assert size == 0
    assert owed > 490 * WAD
    assert desk.held(account) == 0
    found = desk.assess(account)
    assert found.equity == 6_000 * WAD - owed
    assert found[:5] == desk.twin(account)
    with expect("BelowInitialMargin"):
        desk.act(account, out(account, 2 * WAD, WETH))
    desk.act(account, out(account, WAD, WETH))
