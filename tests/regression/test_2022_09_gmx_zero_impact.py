"""18 September 2022, GMX v1 AVAX: about 565,000 dollars out of the LPs.

A trader could open and close any size at the oracle's price, without any impact, while the market from which the oracle
took it was thin. Five times over he opened a large position, pushed AVAX outside, and closed on the pool.

Property: a round trip at a constant price costs, whatever the skew it starts from; and since the size that the pool
takes is capped by what a market is allotted, pushing the price outside costs more than the largest position earns.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, SIZE, WAD

#: What moves the outside market by one percent, quote. `max_skew` and `allocation` are to be set to a market's depth.
DEPTH = 30_000_000
LARGEST = 2_480 * SIZE  # 15 % of a pool of 10M back a move of 20 %


@pytest.mark.parametrize("resident", [0, 1_500, -1_500])
@pytest.mark.parametrize("size", [1, SIZE, 100 * SIZE, 900 * SIZE])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("parts", [1, 7])
def test_a_round_trip_at_a_constant_price_costs(desk, resident, size, side, parts):
    if resident:
        desk.trade(desk.trader("resident", 2_000_000), ETH, resident * SIZE)
    trader = desk.trader("trader", 1_000_000)
    before = desk.assess(trader).equity
    desk.trade(trader, ETH, side * size)
    left = side * size
    for part in range(parts, 0, -1):
        step = left // part if side > 0 else -(-left // part)
        if step:
            desk.trade(trader, ETH, -step)
            left -= step
    cost = before - desk.assess(trader).equity
    assert desk.position(trader, ETH) == (0, 0)
    assert cost > 0
    # Two spreads of a fresh price (5.0 bp), maker or taker fee each way; the premium comes back. One unit of rounding.
    assert cost >= size * 3_000 * PRICE * 12 // 10_000


def pushed(desk, account, basis_points):
    """The largest long, the index moved up, the long closed: the change of equity. Undone afterwards."""
    checkpoint = desk.chain.snapshot()
    before = desk.assess(account).equity
    desk.trade(account, ETH, LARGEST)
    desk.post({1: 3_000 * PRICE * (10_000 + basis_points) // 10_000})
    desk.trade(account, ETH, -LARGEST)
    earned = desk.assess(account).equity - before
    desk.chain.revert(checkpoint)
    desk.prices = {**desk.prices, 1: 3_000 * PRICE}
    return earned


def push_cost(basis_points):
    """Buying up a linear book and being left with what falls back: half the move on all that was bought."""
    return DEPTH * basis_points * basis_points * WAD // (2 * 100 * 10_000)


def test_pushing_the_price_outside_costs_more_than_it_earns(desk):
    pusher = desk.trader("pusher", 2_000_000)
    moves = (5, 10, 15, 20, 25, 30, 50, 100, 200)
    profits = {move: pushed(desk, pusher, move) - push_cost(move) for move in moves}
    assert max(profits.values()) < 0, profits
    # On the pool alone it earns, once the move is larger than the round trip: the cap on size is what decides.
    assert pushed(desk, pusher, 100) > 50_000 * WAD


def test_at_zero_impact_and_unlimited_size_it_would_have_paid(desk):
    """GMX's terms: no premium, no spread, ten basis points a side, all the open interest that the market admits."""
    notional = desk.market_words(ETH).trade.max_oi * 3_000 * PRICE
    best = max(notional * (move - 20) // 10_000 - push_cost(move) for move in range(1, 500))
    assert best > 500_000 * WAD
