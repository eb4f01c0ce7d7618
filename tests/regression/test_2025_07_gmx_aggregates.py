"""9 July 2025, GMX v1: 41 to 42 million dollars, most of it returned.

The average entry price of all shorts was kept beside the positions, by another contract than the one that wrote them.
A refund of ETH in the middle of an order gave the attacker the turn; he opened a short directly in the vault, past
the tracker, and the value of LP shares, reckoned from the stale average, could be driven up. DeFiHackLabs
src/test/2025-07/gmx_exp.sol.

Property: whoever writes a position writes the sums of its market: after every writer they are the sums over
positions, to the wei. While a batch runs, no other door is open, and nothing that carries a price answers.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, Desk, expect
from levels import sink
from lps import lp

from plimsoll import ledger
from plimsoll.actions import call, liquidate, settle, trade_perp, transfer_position
from plimsoll.contracts import decode_error
from plimsoll.margin.words import Pool


def sums(desk, market):
    """Over the positions of all accounts, as events and views show them; size zero counts long."""
    long = [0, 0]
    short = [0, 0]
    for account in desk.everyone():
        size, cost = desk.position(account, market)
        side = short if size < 0 else long
        side[0] += abs(size)
        side[1] += cost
    return long[0], short[0], long[1], short[1]


def assert_sums(desk):
    contributions = 0
    for market in range(5):
        words = desk.market_words(market)
        kept = (words.state.long_size, words.state.short_size, words.costs.long_cost, words.costs.short_cost)
        assert kept == sums(desk, market)
        contributions += words.costs.contribution * 10**12
    pool = Pool.from_word(ledger.read(desk.engine, [ledger.POOL])[0])
    assert pool.contribution_sum == contributions


def test_every_writer_of_a_position_writes_the_sums(desk):
    """Open, add, reduce, flip, close; move to either side and onto it; settle; liquidate a part, onto a counter-
    position, and a bankrupt account with its loss written off; close without the cash for it."""
    a, b = desk.trader("a", 200_000), desk.trader("a", 200_000, index=1)
    c, keeper = desk.trader("c", 12_000), desk.trader("keeper", 1_000_000)
    for account, size in ((a, 50), (a, 10), (a, -20), (b, -30), (b, 70), (b, -40), (c, 60), (keeper, -25)):
        desk.trade(account, ETH, size * SIZE)
        assert_sums(desk)
    desk.trade(b, ETH, -10 * SIZE)
    for source, to, size in ((a, b, 5), (a, b, 20), (b, a, 3), (a, b, 1)):
        size = size * SIZE if desk.position(source, ETH)[0] > 0 else -size * SIZE
        desk.act(source, transfer_position(source, to, ETH, size))
        assert_sums(desk)
    desk.post({1: 3_050 * PRICE})
    desk.act(a, settle(ETH, [a, b, c, keeper]))
    assert_sums(desk)

    sink(desk, c, ETH, 0.8)
    desk.act(keeper, liquidate(keeper, c, WAD // 8))
    assert_sums(desk)
    desk.act(keeper, liquidate(keeper, c))
    assert_sums(desk)
    sink(desk, c, ETH, -3)
    before = desk.held(desk.insurance)
    desk.config.write("setInsuranceCap", ETH, 1, sender=desk.admin)
    receipt = desk.act(keeper, liquidate(keeper, c))
    assert desk.events(receipt, "LossWrittenDown")
    assert before - desk.held(desk.insurance) == USDC
    assert_sums(desk)
    for account in desk.everyone():
        if size := desk.position(account, ETH)[0]:
            desk.act(account, trade_perp(account, ETH, -size), reducing=True)
            assert_sums(desk)


def test_a_claim_that_waits_for_cash_stays_in_the_sums():
    desk = Desk.create(liquidity=1_000, insurance=0)
    desk.set_trade(ETH, move=1, gap=1)
    winner, loser = desk.trader("winner", 20_000), desk.trader("loser", 20_000)
    desk.trade(winner, ETH, 10 * SIZE)
    desk.trade(loser, ETH, -9 * SIZE)
    desk.post({1: 3_600 * PRICE})
    desk.trade(winner, ETH, -10 * SIZE)
    size, cost = desk.position(winner, ETH)
    assert size == 0
    assert cost < -4_000 * WAD
    assert_sums(desk)
    desk.act(winner, settle(ETH, [winner, loser]))
    assert desk.position(winner, ETH) == (0, 0)
    assert_sums(desk)


def doors(desk, attacker):
    """What the turn in the middle of an order was used for, and what else could be tried."""
    mine = desk.account(attacker)
    return {
        "execute": (desk.engine, ((b"", False, [trade_perp(mine, ETH, -SIZE)]),)),
        "refreshPool": (desk.engine, ([ETH],)),
        "assess": (desk.engine, (mine,)),
        "poolEquity": (desk.engine, ()),
        "requestDeposit": (desk.pool, (USDC, attacker)),
        "requestRedeem": (desk.pool, (1, attacker)),
        "claim": (desk.pool, (attacker,)),
        "observe": (desk.pool, ()),
        "convertToAssets": (desk.pool, (10**18,)),
        "totalAssets": (desk.vault(QUOTE), ()),
        "deposit": (desk.vault(QUOTE), (1, attacker)),
        "redeem": (desk.vault(QUOTE), (0, attacker, attacker)),
    }


DOORS = (
    ["execute", "refreshPool", "assess", "poolEquity"]
    + ["requestDeposit", "requestRedeem", "claim", "observe", "convertToAssets"]
    + ["totalAssets", "deposit", "redeem"]
)


@pytest.mark.parametrize("door", DOORS)
def test_no_door_is_open_in_the_middle_of_a_batch(desk, put, door):
    """The turn comes in a swap; the contract that has it is the attacker's own exchange."""
    exchange = put(desk, "MockExchange")
    usd, eth = desk.token(QUOTE).address, desk.token(WETH).address
    desk.token(WETH).write("mint", exchange.address, 10**24, sender=desk.admin)
    exchange.write("setPrice", usd, eth, 10**18, 3_000 * USDC, sender=desk.admin)
    account = desk.trader("trader", 100_000)
    lp(desk, "trader", 10)
    contract, args = doors(desk, exchange.address)[door]
    exchange.write("misbehave", 0, 0, contract.address, contract.encode(door, *args), sender=desk.admin)
    swap = call(account, QUOTE, USDC, WETH, 0, exchange.address, exchange.encode("swap", usd, eth, USDC))
    with expect("CallReverted") as caught:
        desk.act(account, trade_perp(account, ETH, SIZE), swap)
    target, reason = caught.value.values
    assert target == exchange.address
    assert decode_error(reason)[0] == "Locked"
    assert_sums(desk)


def test_a_short_past_the_tracker_would_have_inflated_the_pool(desk):
    """100 ETH short whose proceeds nobody added to C: the skew alone makes the LPs 300,000 richer on paper, 3 %."""
    trader = desk.trader("trader", 100_000)
    before = desk.pool_equity()[0]
    desk.trade(trader, ETH, -100 * SIZE)
    _, cost = desk.position(trader, ETH)
    after = desk.pool_equity()[0]
    assert 0 < after - before < 400 * WAD  # fee, premium and spread
    untracked = after - cost
    assert untracked - before > 299_000 * WAD
