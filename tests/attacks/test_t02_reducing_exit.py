"""T-2: "reducing" as an exit. A, long 100 ETH with little left, sells far off the market to its owner's B: −89k in
A, +99k in B.

What reduces is fills against the pool, at index ± premium and spread, and a batch that declares itself reducing must
end
with equity − IM and equity − MM no lower than they were. `Match` with its band comes with matched orders.
"""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, Desk, expect

from plimsoll.actions import (
    borrow,
    call,
    deposit,
    lend,
    liquidate,
    recall,
    repay,
    trade_perp,
    transfer,
    transfer_position,
    withdraw,
)


@pytest.fixture
def restricted(desk):
    """Long 100 ETH from 3,000 and short 2 BTC as its hedge, after a fall: below IM, above MM."""
    account = desk.trader("mallory", 30_000)
    desk.trade(account, ETH, 100 * SIZE)
    desk.trade(account, BTC, -2 * SIZE)
    found = desk.assess(account)
    desk.post({1: desk.price_for(account, ETH, (found.mm + found.im0) // 2)})
    assert desk.assess(account).state == 1
    return account


MOVES = {
    "withdraw": lambda a, b: withdraw(a, QUOTE, 1, Desk.owner(a)),
    "transfer": lambda a, b: transfer(a, b, QUOTE, 1),
    "position": lambda a, b: transfer_position(a, b, ETH, SIZE),
    "liquidate": lambda a, b: liquidate(a, b),
    "call": lambda a, b: call(a, QUOTE, 1, 1, 0, Desk.owner(a), b""),
}


@pytest.mark.parametrize("move", MOVES)
def test_t2_nothing_leaves_in_a_reducing_batch(desk, restricted, move):
    partner = desk.trader("mallory", 10_000, index=1)
    action = MOVES[move](restricted, partner)
    with expect("RiskInReducingBatch", restricted, action[0]):
        desk.act(restricted, trade_perp(restricted, ETH, -99 * SIZE), action, reducing=True)


def test_t2_nor_does_it_open_or_flip(desk, restricted):
    for market, size in ((ETH, SIZE), (BTC, -1), (ETH, -101 * SIZE)):
        with expect("RiskInReducingBatch", restricted, 3):
            desk.act(restricted, trade_perp(restricted, market, size), reducing=True)


@pytest.mark.parametrize("market, size", [(ETH, -99 * SIZE), (BTC, 2 * SIZE)], ids=["most_of_it", "hedge_leg"])
def test_t2_what_a_reducing_fill_costs_is_bounded_and_goes_to_the_pool_alone(desk, restricted, market, size):
    """Even a limit of 2,000 against an index near 2,800 is filled at index less 10 bp: 0.3k instead of 89k."""
    partner = desk.trader("mallory", 10_000, index=1)
    before, theirs, whole = desk.assess(restricted), desk.assess(partner), desk.total_equity()
    pool = desk.pool_equity()[0]
    limit = 2_000 * PRICE if size < 0 else 90_000 * PRICE
    desk.act(restricted, trade_perp(restricted, market, size, limit_price=limit), reducing=True)
    after = desk.assess(restricted)
    assert after.equity - after.im >= before.equity - before.im
    assert after.equity - after.mm >= before.equity - before.mm
    cost = before.equity - after.equity
    traded = before.notional - after.notional
    assert 0 < cost * 10_000 <= traded * 125  # the bound of DESIGN section 2: half of 2.5 %
    assert cost < 500 * WAD
    assert desk.assess(partner) == theirs
    assert desk.total_equity() == whole
    # pays nobody but the pool, to the rounding of one token unit
    assert abs(desk.pool_equity()[0] - pool - cost) < 10**13


def test_t2_without_the_rule(desk, restricted):
    """99 ETH at 2,000 against the index: what A would lose and B gain, and how far below zero A would end."""
    index = desk.prices[1]
    moved = 99 * SIZE * (index - 2_000 * PRICE)
    assert moved > 75_000 * WAD
    assert desk.assess(restricted).equity - moved < -60_000 * WAD


def test_t2_a_fill_that_costs_more_than_it_frees_is_not_reducing(desk):
    """At the floors (MM 10, IM 15) a smaller position needs no less, so its own cost makes it worse: refused,
    exactly."""
    account = desk.trader("mallory", 16)
    desk.trade(account, ETH, SIZE // 20)  # 150 of notional
    desk.post({1: 2_990 * PRICE})
    before = desk.assess(account)
    assert (before.im0, before.mm) == (15 * WAD, 10 * WAD)
    size = -SIZE // 40
    cost = desk.fill(ETH, size).cost - size * 2_990 * PRICE
    over = before.equity - before.im
    with expect("NotReducing", account, over, over - cost):
        desk.act(account, trade_perp(account, ETH, size), reducing=True)
    # With a deposit that outweighs the cost it is.
    desk.mint(desk.owner(account), QUOTE, USDC)
    desk.act(account, deposit(account, QUOTE, USDC), trade_perp(account, ETH, size), reducing=True)


# ---------------------------------------------------------------- with a debt


@pytest.fixture
def debtor(desk):
    """As before, with a debt of half a WBTC (kept) and one of 10,000 (gone); below IM, above MM."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.lender("btc lender", WBTC, 10 * 10**8)
    account = desk.trader("mallory", 60_000)
    desk.act(account, borrow(account, QUOTE, 10_000 * USDC), borrow(account, WBTC, 10**8 // 2))
    desk.act(account, withdraw(account, WBTC, 10**8 // 2, account[:20]))
    desk.trade(account, ETH, 100 * SIZE)
    found = desk.assess(account)
    desk.post({1: desk.price_for(account, ETH, (found.mm + found.im0) // 2)})
    assert desk.assess(account).state == 1
    return account


@pytest.mark.parametrize("action", [borrow, lend, recall])
def test_t2_nothing_is_borrowed_or_lent_in_a_reducing_batch(desk, debtor, action):
    order = action(debtor, QUOTE, USDC)
    with expect("RiskInReducingBatch", debtor, order[0]):
        desk.act(debtor, trade_perp(debtor, ETH, -99 * SIZE), order, reducing=True)


def test_t2_repaying_reduces_and_so_does_the_fill_that_pays_for_it(desk, debtor):
    before = desk.assess(debtor)
    desk.act(debtor, trade_perp(debtor, ETH, -50 * SIZE), repay(debtor, QUOTE, 5_000 * USDC), reducing=True)
    after = desk.assess(debtor)
    assert after.equity - after.im0 >= before.equity - before.im0
    assert after.equity - after.mm >= before.equity - before.mm
    assert desk.debt(debtor, QUOTE) < 5_001 * USDC


@pytest.mark.parametrize("times", [1, 20])
def test_t2_the_slack_of_a_repayment_pays_for_nothing(desk, times):
    """Each repayment is given what it may round off: a unit and a share, of the dearest unit there is 0.0018. Twenty of
    them in a batch do not carry a fill that costs a tenth more than it frees."""
    desk.lender("btc lender", WBTC, 10 * 10**8)
    account = desk.trader("mallory", 40)
    desk.act(account, borrow(account, WBTC, 10_000))
    desk.trade(account, ETH, SIZE // 20)
    desk.post({1: desk.price_for(account, ETH, desk.assess(account).im0 - WAD)})
    size = -SIZE // 40
    with expect("NotReducing"):
        desk.act(
            account, *[repay(account, WBTC, 2) for _ in range(times)], trade_perp(account, ETH, size), reducing=True
        )
    assert 20 * 3 * 60_000 * WAD // 10**8 < WAD // 20


def test_t2_the_family_has_no_more_after_it(desk, debtor):
    """Repaid out of one account and borrowed again in another: the same totals, less the roundings."""
    partner = desk.trader("mallory", 20_000, index=1)
    whole = desk.assess(debtor).equity + desk.assess(partner).equity
    desk.act(debtor, repay(debtor, QUOTE, 10_000 * USDC), reducing=True)
    desk.act(partner, borrow(partner, QUOTE, 10_000 * USDC))
    assert desk.assess(debtor).equity + desk.assess(partner).equity <= whole
