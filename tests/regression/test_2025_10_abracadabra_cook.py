"""4 October 2025, Abracadabra `cook()`: 1.7 to 1.8 million dollars, the third incident of this kind.

Actions of a batch set a flag when solvency was to be checked at the end. An unknown action fell through to a default
that returned a fresh, empty status: borrow everything, then action 0, and nobody looked. DeFiHackLabs
src/test/2025-10/MIMSpell3_exp.sol.

Property: for each of the 256 codes: either it is an action, and then the accounts to be checked only grow; or the
batch reverts with that code. In whatever place, with whatever data, declared reducing or not.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import (
    Kind,
    borrow,
    deposit,
    lend,
    limit,
    liquidate,
    margin_call,
    recall,
    repay,
    settle,
    trade_perp,
    transfer,
    withdraw,
)

KNOWN = tuple(Kind)
UNKNOWN = tuple(code for code in range(256) if code not in KNOWN)
#: Short of its margin for 300 ETH by 15,000 and more.
CASH = 30_000 * USDC
RISK = 300 * SIZE


@pytest.fixture
def trader(desk):
    account = desk.trader("trader", 30_000)
    desk.mint(desk.owner(account), QUOTE, USDC)
    return account


def shortfall(desk, account):
    fill = desk.fill(ETH, RISK)
    return 30_000 * WAD - (fill.cost - RISK * desk.prices[1]), RISK * desk.prices[1] // 20


def test_the_codes_are_these_fifteen():
    assert [int(kind) for kind in KNOWN] == list(range(15))
    assert len(UNKNOWN) == 241


@pytest.mark.parametrize("data", [b"", bytes(32), bytes(range(256))], ids=["empty", "zero", "bytes"])
def test_an_unknown_code_reverts_the_batch_wherever_it_stands(desk, trader, data):
    risky, harmless = trade_perp(trader, ETH, RISK), deposit(trader, QUOTE, 1)
    for code in UNKNOWN:
        unknown = (code, trader, data)
        for batch in ([risky, unknown], [unknown, risky], [harmless, unknown], [unknown]):
            with expect("UnknownAction", code):
                desk.act(trader, *batch)
        with expect("RiskInReducingBatch", trader, code):
            desk.act(trader, harmless, unknown, reducing=True)
    assert desk.position(trader, ETH) == (0, 0)


#: Each code with data that does as little as it can.
HARMLESS = {
    Kind.DEPOSIT: lambda a, b: deposit(a, QUOTE, 1),
    Kind.WITHDRAW: lambda a, b: withdraw(b, QUOTE, 1, a[:20]),
    Kind.TRANSFER: lambda a, b: transfer(b, a, QUOTE, 1),
    Kind.TRADE_PERP: lambda a, b: trade_perp(b, ETH, 1),
    Kind.LIQUIDATE: lambda a, b: liquidate(a, b, skip=True),
    Kind.MARGIN_CALL: lambda a, b: margin_call(a, b, skip=True),
    Kind.SETTLE: lambda a, b: settle(ETH, [a]),
    Kind.BORROW: lambda a, b: borrow(b, WETH, 1),
    Kind.REPAY: lambda a, b: repay(b, WETH, 3),
    Kind.LEND: lambda a, b: lend(b, WBTC, 1),
    Kind.RECALL: lambda a, b: recall(b, WBTC, 1),
    Kind.LIMIT: lambda a, b: limit(b, 10**4),
}


@pytest.mark.parametrize("kind", HARMLESS)
@pytest.mark.parametrize("before", [False, True])
def test_no_action_takes_an_account_off_the_list(desk, trader, kind, before):
    """Before the risk or after it, many times over: the account is asked for its margin all the same."""
    other = desk.trader("trader", 40_000, index=1)
    if kind == Kind.MARGIN_CALL:
        desk.trade(other, ETH, SIZE)
    if kind in (Kind.BORROW, Kind.REPAY, Kind.LEND, Kind.RECALL):
        desk.lender("lender", WETH, 10**18)
        desk.fund(other, WBTC, 10)
        desk.act(other, borrow(other, WETH, 10), lend(other, WBTC, 5))
    small = [HARMLESS[kind](trader, other)] * (1 if kind in (Kind.LIQUIDATE, Kind.MARGIN_CALL) else 3)
    risky = [trade_perp(trader, ETH, RISK)]
    with expect("BelowInitialMargin") as caught:
        desk.act(trader, *(small + risky if before else risky + small))
    account, equity, required = caught.value.values
    assert account == trader
    assert required - equity >= 15_000 * WAD


def test_without_the_check(desk, trader):
    """What the batch would have left: 15,000 and more below the margin of 900,000 of notional."""
    equity, required = shortfall(desk, trader)
    with expect("BelowInitialMargin", trader, equity, required):
        desk.trade(trader, ETH, RISK)
    assert required - equity > 15_000 * WAD
    # and with the withdrawal that cook() had in it, nothing at all under the position
    with expect("BelowInitialMargin", trader, equity - 30_000 * WAD, RISK * desk.prices[1] // 10):
        desk.act(trader, trade_perp(trader, ETH, RISK), withdraw(trader, QUOTE, CASH, desk.owner(trader)))
