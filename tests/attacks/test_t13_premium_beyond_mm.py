"""T-13: a skew premium larger than MM makes one side unliquidatable: who takes a position over loses more by closing it
than it can be worth (10 % against 2.5 %).

The bound of DESIGN section 2, checked whenever one of its terms is set: maxSkew/skewScale + taker fee + spread at the
oldest fresh price ≤ half the MM rate. What is left of the other half is what the growing bonus can reach.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, WAD, Desk, expect

from plimsoll.actions import liquidate, margin_call, trade_perp, withdraw
from plimsoll.margin import fill_math, position_math

MILLION = 1_000_000


def worst(*, max_skew=5_000, scale=1_000_000, taker=350, sigma=10_000, age=60, kappa=20):
    spread = fill_math.spread_rate(kappa, sigma, age, 2, 10**30)
    return -(-max_skew * WAD // scale) + taker * WAD // MILLION + spread


HALF = 125 * WAD // 10_000


def test_t13_the_bound_holds_as_shipped(desk):
    """50 bp + 3.5 bp + 28.0 bp of 125."""
    cost = worst()
    assert abs(cost - 8_154_288_000_000_000) < 10**12
    assert cost <= HALF
    for market in range(5):
        words = desk.market_words(market)
        trade, risk = words.trade, words.risk
        left = fill_math.spread_cap(risk.mm_rate1, trade.max_skew, trade.skew_scale, trade.taker_fee)
        assert fill_math.spread_rate(20, risk.sigma, risk.max_age, 2, 10**30) <= left


@pytest.mark.parametrize("scale", [50_000, 400_000, 500_000, 534_000])
def test_t13_premium_by_skew_scale(desk, scale):
    """50,000: a premium of 10 %, the attack's own figure."""
    with expect("FillCostAboveHalfMaintenance", worst(scale=scale), HALF):
        desk.set_trade(ETH, skew_scale=scale * SIZE)
    desk.set_trade(ETH, skew_scale=540_000 * SIZE)


def test_t13_every_other_term(desk):
    with expect("FillCostAboveHalfMaintenance", worst(max_skew=10_000), HALF):
        desk.set_trade(ETH, max_skew=10_000 * SIZE)
    with expect("FillCostAboveHalfMaintenance", worst(taker=5_000), HALF):
        desk.set_trade(ETH, taker_fee=5_000)
    with expect("FillCostAboveHalfMaintenance", worst(sigma=30_000), HALF):
        desk.set_risk(ETH, sigma=30_000)
    with expect("FillCostAboveHalfMaintenance", worst(age=450), HALF):
        desk.set_risk(ETH, max_age=450)
    with expect("FillCostAboveHalfMaintenance", worst(), 80 * WAD // 10_000):
        desk.set_risk(ETH, mm_rate1=160)
    with expect("FillCostAboveHalfMaintenance", worst(kappa=60), HALF):
        desk.config.write("setModel", desk.deployed["RuleMargin"].address, 2, 60, sender=desk.admin)


@pytest.fixture
def crowded():
    """A pool of 30M, longs at 4,850 of the 5,000 that may be."""
    desk = Desk.create(liquidity=30 * MILLION)
    crowd = desk.trader("crowd", 20 * MILLION)
    desk.trade(crowd, ETH, 4_850 * SIZE)
    return desk


@pytest.mark.parametrize("age", [0, 60])
@pytest.mark.parametrize("side", [1, -1], ids=["crowded_side", "empty_side"])
def test_t13_a_position_taken_over_is_always_closed_at_a_profit(crowded, side, age):
    """Victim below MM; the bonus has grown with the clock. Liquidate, close, take the profit out: one batch, no
    capital.

    The empty side is the dear one: closing a short at this skew pays 49 bp of premium, spread and fee.
    """
    desk = crowded
    victim, taker = desk.trader("victim", 10_000), desk.trader("keeper")
    caller = desk.trader("caller", 1)
    desk.trade(victim, ETH, side * 50 * SIZE)
    desk.post({1: desk.price_for(victim, ETH, desk.assess(victim).mm * 95 // 100)})
    desk.act(caller, margin_call(caller, victim))  # the clock
    for _ in range(30):
        desk.chain.advance(120)
        desk.post({})
        desk.chain.advance(age)
        piece = desk.slice(victim)
        if piece.max_fraction == 0:
            pytest.fail("the victim has recovered")
        size, _ = position_math.slice(*desk.position(victim, ETH), piece.fraction)
        fill = desk.fill(ETH, -size)
        if piece.gain > fill.premium + fill.spread + fill.fee:
            break
    else:
        pytest.fail("no bonus was worth the closing")
    before = desk.token(QUOTE).read("balanceOf", desk.owner(taker))
    profit = (piece.gain - fill.premium - fill.spread - fill.fee) // 10**12 - 50  # a slice is cut to 1e-8 ETH
    desk.act(
        taker,
        liquidate(taker, victim),
        trade_perp(taker, ETH, -size),
        withdraw(taker, QUOTE, profit, desk.owner(taker)),
    )
    assert desk.position(taker, ETH) == (0, 0)
    assert desk.token(QUOTE).read("balanceOf", desk.owner(taker)) - before == profit > 0


@pytest.mark.parametrize("rate, pays", [(50, True), (100, True), (1_000, False)])
def test_t13_without_the_bound(rate, pays):
    """The most that a taker of the empty side can be paid is (1 − φ)·MM, 2.375 % of notional; a 10 % premium is
    never worth it."""
    most = 250 * WAD // 10_000 * 95 // 100
    premium = rate * WAD // 10_000
    spread = fill_math.spread_rate(20, 10_000, 60, 2, 10**30)
    assert (most > premium + spread + 350 * WAD // MILLION) == pays


def test_t13_at_the_skew_cap_itself_the_empty_side_is_taken_but_not_yet_closed(crowded):
    """As built: closing a short grows |skew|, and any fill that does is held to the cap. Liquidation meets no limit.

    The taker carries the position on margin of his own until a long leaves; one without capital cannot take it. Which
    of the two rules yields (DESIGN 2: any fill that grows |skew|; 4.6: no brake blocks a reducing
    batch) is an open question.
    """
    desk = crowded
    victim, taker, keeper = desk.trader("victim", 10_000), desk.trader("taker", 100_000), desk.trader("keeper")
    desk.trade(victim, ETH, -50 * SIZE)
    skew = desk.market_words(ETH).state.skew
    desk.set_trade(ETH, max_skew=skew)
    desk.post({1: desk.price_for(victim, ETH, desk.assess(victim).mm // 2)})
    size, _ = position_math.slice(*desk.position(victim, ETH), desk.slice(victim).fraction)
    with expect("SkewCapExceeded", ETH, skew - size, skew):
        desk.act(keeper, liquidate(keeper, victim), trade_perp(keeper, ETH, -size))
    desk.act(taker, liquidate(taker, victim))
    assert desk.position(taker, ETH)[0] == size
    desk.trade(desk.trader("crowd"), ETH, size)  # a long leaves
    desk.trade(taker, ETH, -size)
