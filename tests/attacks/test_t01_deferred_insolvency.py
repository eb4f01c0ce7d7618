"""T-1: insolvency made inside a batch, and paid for by insurance in the same batch.

While checks wait for the end of the batch, A can stand anywhere. If B could take A over in that state, insurance and
pool
would make good a loss that no price has caused, and A, then empty, would pass its own check.

Two ways to be insolvent in the middle: the cost of an order far beyond its margin (2,300 ETH on 1,000 of cash cost
about 11,000 in premium, spread and fee), and a loan that has left by withdrawal: the million of the table.
"""

from __future__ import annotations

import pytest
from desk import ETH, QUOTE, SIZE, USDC, WAD, WETH, Desk, expect

from plimsoll.actions import borrow, deposit, liquidate, margin_call, trade_perp, transfer, withdraw
from plimsoll.margin import account as accounts
from plimsoll.margin import preview
from plimsoll.margin.account import Account, PriceUse

OVERSIZED = 2_300 * SIZE


@pytest.fixture
def pair(desk: Desk):
    """A (index 0) and B (index 1) of one owner."""
    return desk.trader("mallory", 1_000), desk.trader("mallory", 50_000, index=1)


TOUCHES = {
    "trade": lambda a, b: [trade_perp(a, ETH, OVERSIZED)],
    "withdraw": lambda a, b: [withdraw(a, QUOTE, 999 * USDC, Desk.owner(a)), trade_perp(a, ETH, OVERSIZED)],
    "transfer": lambda a, b: [transfer(a, b, QUOTE, 999 * USDC), trade_perp(a, ETH, OVERSIZED)],
    "deposit": lambda a, b: [deposit(a, QUOTE, USDC)],
}


@pytest.mark.parametrize("taker", [liquidate, margin_call])
@pytest.mark.parametrize("touch", TOUCHES)
def test_t1_an_account_touched_in_the_batch_is_not_taken_in_it(desk, pair, touch, taker):
    a, b = pair
    desk.mint(desk.owner(a), QUOTE, USDC)
    insurance, cash = desk.held(desk.insurance), desk.held(a)
    with expect("DeferredAccount", a):
        desk.act(a, *TOUCHES[touch](a, b), taker(b, a))
    assert desk.held(desk.insurance) == insurance
    assert (desk.held(a), desk.position(a, ETH)) == (cash, (0, 0))


def test_t1_nor_by_a_stranger_s_account_in_the_same_batch(desk, pair):
    """A contract may own both; the batch has one caller, but B may be anyone's who sends it. Only A's *touch*
    matters."""
    a, _ = pair
    c = desk.trader("mallory", 0, index=7)
    with expect("DeferredAccount", a):
        desk.act(a, trade_perp(a, ETH, OVERSIZED), liquidate(c, a))


@pytest.mark.parametrize(
    "after",
    [
        lambda a: deposit(a, QUOTE, USDC),
        lambda a: withdraw(a, QUOTE, 1, Desk.owner(a)),
        lambda a: trade_perp(a, ETH, -SIZE),
    ],
    ids=["deposit", "withdraw", "trade"],
)
def test_t1_and_what_was_taken_is_not_touched_again(desk, pair, after):
    a, b = pair
    desk.mint(desk.owner(a), QUOTE, USDC)
    desk.trade(a, ETH, 6 * SIZE)
    desk.post({1: desk.price_for(a, ETH, desk.assess(a).mm // 2)})
    with expect("DeferredAccount", a):
        desk.act(a, liquidate(b, a), after(a))


def test_t1_without_the_rule(desk, pair):
    """The state that A has in mid-batch, as the twin sees it: what insurance would have paid B, and B's whole gain."""
    a, _ = pair
    snap = desk.snapshot_words()
    fill = preview.fill(snap.markets[ETH], snap, OVERSIZED)
    middle = Account.holding(a, {QUOTE: desk.held(a)}, {ETH: (OVERSIZED, fill.cost)})
    found = accounts.assess(middle, snap, PriceUse.TARGET)
    paid = preview.insurance_cover(middle, snap, desk.held(desk.insurance))
    deficit = -found.equity
    assert 10_000 * WAD < deficit < 20_000 * WAD
    # 20,000 is the market's cap per window; d₀·MM of 6.9M notional is 9,575 on top of the deficit.
    assert found.mm == (5_000_000 * WAD * 250 + 1_900_000 * WAD * 350) // 10_000
    assert paid == min(deficit + found.mm // 20, 20_000 * WAD) // 10**12 * 10**12
    assert paid > 19_000 * WAD  # for one batch, of 1,000 that can be withdrawn first


def test_t1_an_honest_batch_still_liquidates_and_trades(desk, pair):
    """The rule costs nobody else anything: B may be touched before and after, A was insolvent before the batch."""
    a, b = pair
    desk.trade(a, ETH, 6 * SIZE)
    desk.post({1: desk.price_for(a, ETH, desk.assess(a).mm // 2)})
    desk.mint(desk.owner(b), WETH, 10**18)
    desk.act(b, deposit(b, WETH, 10**18), liquidate(b, a), trade_perp(b, ETH, -SIZE))
    assert desk.position(b, ETH)[0] > 0


# ---------------------------------------------------------------- with borrowed money


@pytest.fixture
def million(desk):
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    return desk.trader("mallory"), desk.trader("mallory", 50_000, index=1)


def loan(desk, a):
    amount = 1_000_000 * USDC
    return [borrow(a, QUOTE, amount), withdraw(a, QUOTE, amount, desk.owner(a))]


@pytest.mark.parametrize("taker", [liquidate, margin_call])
def test_t1_a_loan_without_collateral_is_not_taken_over_in_its_batch(desk, million, taker):
    a, b = million
    with expect("DeferredAccount", a):
        desk.act(a, *loan(desk, a), taker(b, a))
    with expect("BelowInitialMargin"):
        desk.act(a, *loan(desk, a))
    assert desk.loans(QUOTE).cash == 1_000_000 * USDC
    assert desk.token(QUOTE).read("balanceOf", desk.owner(a)) == 0


def test_t1_nor_made_whole_by_moving_the_debt_s_margin_away(desk, million):
    """Collateral in and out again around the loan: both ends are checked."""
    a, b = million
    desk.fund(b, WETH, 500 * 10**18)
    with expect("BelowInitialMargin"):
        desk.act(a, transfer(b, a, WETH, 500 * 10**18), *loan(desk, a), transfer(a, b, WETH, 500 * 10**18))
