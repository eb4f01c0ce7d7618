"""17 February 2023, Platypus: 8.5 million dollars.

Staked LP tokens were collateral for a stablecoin. `emergencyWithdraw` asked whether the position was solvent, debt
included or not, and then paid out the whole stake without regard to the debt. DeFiHackLabs
src/test/2023-02/Platypus_exp.sol.

Property: there is one check, and every exit ends in it: in a pause, after a lockdown, under a margin call, with feeds
dead, and for the pool's own lenders of risk, the LPs.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, WETH, expect
from lps import SHARE, Wait, fall_due, leave, run

from plimsoll.actions import call, margin_call, transfer, transfer_position, withdraw


@pytest.fixture
def indebted(desk, put):
    """100 ETH long with 40,000: 15,000 for IM, 30,000 must stay when anything leaves. And a swap that loses
    everything."""
    account = desk.trader("trader", 40_000)
    desk.trade(account, ETH, 100 * SIZE)
    exchange = put(desk, "MockExchange")
    usd, eth = desk.token(QUOTE).address, desk.token(WETH).address
    exchange.write("setPrice", usd, eth, 0, 1, sender=desk.admin)
    data = exchange.encode("swap", usd, eth, 39_000 * USDC)
    amount, other = 39_000 * USDC, desk.trader("trader", 0, index=1)
    return account, {
        "withdraw": withdraw(account, QUOTE, amount, desk.owner(account)),
        "transfer": transfer(account, other, QUOTE, amount),
        "call": call(account, QUOTE, amount, WETH, 0, exchange.address, data),
    }


EXITS = ("withdraw", "transfer", "call")


def pause(desk, account):
    desk.engine.write("pauseRisk", desk.now + 3 * 86_400, sender=desk.admin)


def lockdown(desk, account):
    desk.engine.write("lockdown", sender=desk.owner(account))


def nothing(desk, account):
    pass


@pytest.mark.parametrize("exit", EXITS)
@pytest.mark.parametrize("emergency", [nothing, pause, lockdown])
def test_every_exit_runs_the_same_check(desk, indebted, emergency, exit):
    account, exits = indebted
    emergency(desk, account)
    before = desk.assess(account)
    left = before.equity - 39_000 * WAD
    with expect("BelowInitialMargin", account, left, max(before.im, before.notional // 10)):
        desk.act(account, exits[exit])
    # Paid out like Platypus's stake, it would have left this much against a position of 300,000.
    assert left < 1_000 * WAD


@pytest.mark.parametrize("emergency", [pause, lockdown])
def test_and_lets_go_what_is_not_needed(desk, indebted, emergency):
    """Nothing pauses the withdrawal of a healthy account."""
    account, _ = indebted
    emergency(desk, account)
    before = desk.assess(account)
    spare = (before.equity - before.notional // 10) // 10**12
    desk.act(account, withdraw(account, QUOTE, spare, desk.owner(account)))
    assert desk.assess(account).state == 0


@pytest.mark.parametrize("exit", EXITS)
def test_a_called_account_lets_nothing_go(desk, indebted, exit):
    account, exits = indebted
    found = desk.assess(account)
    desk.post({1: desk.price_for(account, ETH, (found.mm + desk.call_margin(account)) // 2)})
    keeper = desk.trader("keeper", 100)
    desk.act(keeper, margin_call(keeper, account))
    with expect("AccountCalled", account, desk.header(account).call_deadline):
        desk.act(account, exits[exit])


@pytest.mark.parametrize("exit", EXITS)
def test_with_the_feed_dead_nothing_leaves_on_a_last_price(desk, indebted, exit):
    account, exits = indebted
    desk.chain.advance(61)
    with expect("PriceUnusable", 1, desk.now - desk.router_time(1), 0):
        desk.act(account, exits[exit])


def test_the_position_alone_cannot_be_left_behind_either(desk, indebted):
    """Moving the position to an empty account of one's own leaves that account below its margin."""
    account, _ = indebted
    shell = desk.trader("trader", 0, index=1)
    with expect("BelowInitialMargin") as caught:
        desk.act(account, transfer_position(account, shell, ETH, 100 * SIZE))
    assert caught.value.values[0] == shell


def test_lps_leave_no_position_without_its_cover(desk):
    """The pool is liable for what the traders may win: whoever would leave it short of that waits."""
    trader, provider = desk.trader("trader", 2_000_000), desk.actor("provider")
    desk.trade(trader, ETH, 2_400 * SIZE)
    required = desk.pool.read("requirement")
    assert required >= 2_400 * 3_000 * WAD // 5 * 100 // 15
    request = leave(desk, provider, 9_000_000 * SHARE)
    fall_due(desk)
    assert run(desk, request) == {request: Wait.REQUIREMENT}
    assert desk.pool_equity()[0] >= required
