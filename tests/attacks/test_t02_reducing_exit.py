"""T-2: "reducing" as an exit. A, long 100 ETH with little left, sells far off the market to its owner's B: −89k in
A, +99k in B.

What reduces is fills against the pool, at index ± premium and spread, and a batch that declares itself reducing must
end
with equity − IM and equity − MM no lower than they were. `Match` with its band comes with matched orders.
"""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, USDC, WAD, Desk, expect

from plimsoll.actions import call, deposit, liquidate, trade_perp, transfer, transfer_position, withdraw


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
