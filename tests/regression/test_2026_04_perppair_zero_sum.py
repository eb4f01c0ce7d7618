"""5 April 2026, PerpPair: 165,000 dollars.

A perp on a virtual AMM reckoned the profit of its liquidity providers beside that of its traders, by another formula:
the two did not add up, and the difference could be taken out of the real money. DeFiHackLabs
src/test/2026-04/PerpPair_exp.sol.

Property: the game is zero-sum. Whatever anyone has done, the equity of all accounts, the pool's and insurance's among
them, is what was paid in less what was paid out, to the wei, after every single step; no price moves it.
"""

from __future__ import annotations

import random

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, SOL, USDC, WAD, Desk

from plimsoll.actions import liquidate, margin_call, settle, trade_perp, transfer, transfer_position, withdraw
from plimsoll.errors import Reverted

MARKETS = (ETH, SOL)
FEEDS = {ETH: 1, SOL: 3}


def surplus(desk):
    """Σ equity − Σ collateral, all of it asked of the contracts: zero, or money was made or lost from nothing."""
    pool = desk.pool_account
    everyone = [account for account in desk.everyone() if account != pool]
    equity = sum(desk.assess(account).equity for account in everyone) + desk.pool_equity()[0]
    held = sum(desk.held(account) for account in everyone) + desk.held(pool)
    total, _ = desk.engine.read("totals", QUOTE)
    assert held == total == desk.vault(QUOTE).read("balance")
    return equity - held * 10**12


def weakest(desk, accounts):
    found = {account: desk.assess(account) for account in accounts[1:]}
    return min(found, key=lambda account: found[account].equity - found[account].mm)


def something(desk, draw, accounts):
    """A random action of a random account; refusals are part of it."""
    account, other = draw.sample(accounts, 2)
    market = draw.choice(MARKETS)
    kind = draw.choice(
        ["trade"] * 3
        + ["lever"] * 3
        + ["price"] * 4
        + ["take"] * 3
        + ["settle", "withdraw", "deposit", "transfer", "move", "call"]
    )
    size = draw.choice([1, draw.randrange(1, 10**6), draw.randrange(1, 100 * SIZE)]) * draw.choice([1, -1])
    if kind == "price":
        step = draw.choice([1, 3, 8, 20]) * draw.choice([1, -1])
        feed = FEEDS[market]
        value = desk.prices[feed] * (1_000 + step * draw.randrange(1, 10)) // 1_000 + draw.randrange(1_000)
        desk.chain.advance(draw.choice([0, 60, 3_600]))
        desk.post({feed: max(value, PRICE)})
        return kind
    if kind == "deposit":
        desk.fund(account, QUOTE, draw.randrange(1, 5_000 * USDC))
        return kind
    if kind == "lever":
        most = max(desk.assess(account).equity, 0) // desk.prices[FEEDS[market]]
        size = most * draw.randrange(4, 19) * draw.choice([1, -1]) or 1
    action = {
        "lever": lambda: trade_perp(account, market, size),
        "trade": lambda: trade_perp(account, market, size),
        "settle": lambda: settle(market, draw.sample(accounts, 4)),
        "withdraw": lambda: withdraw(account, QUOTE, draw.randrange(1, 5_000 * USDC), desk.owner(account)),
        "transfer": lambda: transfer(account, other, QUOTE, draw.randrange(1, 5_000 * USDC)),
        "move": lambda: transfer_position(account, other, market, size),
        "take": lambda: liquidate(accounts[0], weakest(desk, accounts), draw.choice([WAD, WAD // 2])),
        "call": lambda: margin_call(accounts[0], weakest(desk, accounts)),
    }[kind]()
    desk.post({})
    try:
        desk.act(account, action)
    except Reverted:
        return "refused"
    return kind


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("liquidity", [3_000_000, 20_000])
def test_after_every_step_the_sum_is_zero_to_the_wei(seed, liquidity):
    desk, draw = Desk.create(liquidity=liquidity, insurance=5_000), random.Random(100 + seed)
    desk.set_trade(ETH, move=1, gap=1)
    desk.set_trade(SOL, move=1, gap=1)
    accounts = [desk.trader("one owner", 2_000_000 if number == 0 else 10_000, index=number) for number in range(7)]
    done = set()
    for _ in range(200):
        done.add(something(desk, draw, accounts))
        # Side epochs round against the winner who has not met them yet, by two wei at most, until he is touched.
        waiting = 2 * len(desk.everyone()) if any(desk.market_words(m).state.epoch for m in MARKETS) else 0
        assert -waiting <= surplus(desk) <= 0
    assert {"trade", "price", "settle", "take"} <= done
    desk.post({})
    desk.act(accounts[0], *(settle(market, accounts) for market in MARKETS))
    assert surplus(desk) == 0


@pytest.mark.parametrize("market", MARKETS)
def test_what_a_trader_loses_the_pool_has(desk, market):
    """One round, by hand: fee, premium and spread are the pool's gain to the unit, and nobody else's."""
    trader, pool = desk.trader("trader", 100_000), desk.pool_equity()[0]
    desk.trade(trader, market, 10 * SIZE)
    feed = FEEDS[market]
    desk.post({feed: desk.prices[feed] * 11 // 10})
    desk.trade(trader, market, -10 * SIZE)
    assert (100_000 * USDC - desk.held(trader)) * 10**12 == desk.pool_equity()[0] - pool
    # A premium of the LPs of their own, of 0.1 % of the notional, say, would be money that nobody paid in.
    assert surplus(desk) == 0
