"""T-8: farming insurance with thousands of small long/short pairs, the losing side taken by the owner's third account.

With a minimum bonus in quote, and insurance that pays it, a pair of 2 × 2 margin earned 4.9. Here no account with a
position needs less
than the floors (MM 10, IM 15), insurance pays nothing while equity ≥ 0, then the deficit and d₀·MM at the starting
rate, within a
cap per market and window.
"""

from __future__ import annotations

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import borrow, liquidate, repay, withdraw

NOTIONAL = SIZE // 10  # 0.1 ETH, 300 quote: what IM 15 carries


def wealth(desk, *accounts):
    return sum(desk.assess(account).equity for account in accounts)


def pair(desk, index=0):
    """Long and short at their floor, and the account that will take the loser."""
    long = desk.trader("mallory", 16, index=3 * index + 1)
    short = desk.trader("mallory", 16, index=3 * index + 2)
    desk.trade(long, ETH, NOTIONAL)
    desk.trade(short, ETH, -NOTIONAL)
    return long, short


def test_t8_a_pair_of_two_by_two_margin_cannot_exist(desk):
    """Below IM 15 nothing opens, however small the position: MM at its rate would be 0.01."""
    small = desk.trader("mallory", 2)
    size = SIZE // 1_000
    equity = 2 * WAD - (desk.fill(ETH, size).cost - size * 3_000 * PRICE)
    with expect("BelowInitialMargin", small, equity, 15 * WAD):
        desk.trade(small, ETH, size)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("level", [9.9, 5, 2, 1, 0.5, 0.01])
def test_t8_taking_one_s_own_loser_never_pays_while_it_has_equity(desk, side, level):
    """Whatever is left of it, the family has less after than before, and insurance more."""
    long, short = pair(desk)
    taker = desk.trader("mallory", 1_000)
    start = 2 * 16 * WAD + 1_000 * WAD
    loser = long if side > 0 else short
    desk.post({1: desk.price_for(loser, ETH, int(level * WAD))})
    before, insurance = wealth(desk, long, short, taker), desk.held(desk.insurance)
    assert 0 <= desk.assess(loser).equity < desk.assess(loser).mm
    desk.act(taker, liquidate(taker, loser))
    assert wealth(desk, long, short, taker) <= before < start
    assert desk.held(desk.insurance) >= insurance


@pytest.mark.parametrize("below", [0, 0.01, 1, 3])
def test_t8_a_bankrupt_loser_yields_its_deficit_and_at_most_half_a_quote(desk, below):
    """d₀·MM = 5 % of 10, not 4.9; and the pair has paid 4 fills for it. The rest is what the gap itself was worth."""
    long, short = pair(desk)
    taker = desk.trader("mallory", 1_000)
    start = 2 * 16 * WAD + 1_000 * WAD
    desk.post({1: desk.price_for(long, ETH, -int(below * WAD) - 1)})
    deficit = -desk.assess(long).equity
    insurance = desk.held(desk.insurance)
    before = wealth(desk, long, short, taker)
    desk.act(taker, liquidate(taker, long))
    paid = insurance - desk.held(desk.insurance)
    assert paid * 10**12 <= deficit + WAD // 2
    assert wealth(desk, long, short, taker) - before <= deficit + WAD // 2
    # Against what they put in, in the moment before: four fills cost more than the half a quote.
    for account, size in ((short, NOTIONAL), (taker, -desk.position(taker, ETH)[0])):
        if size:
            desk.trade(account, ETH, size)
    profit = wealth(desk, long, short, taker) - start
    assert profit <= deficit + WAD // 2 - 3 * WAD // 10
    # The draft's rule: 5 of minimum bonus from insurance for each of them, 4.9 net, as often as one likes.
    assert profit < 49 * WAD // 10


def test_t8_a_market_s_window_caps_what_all_pairs_together_take(desk):
    """20,000 an hour for the market whatever the number of pairs; here 5, with the cap set to 5."""
    desk.config.write("setInsuranceCap", ETH, 5, sender=desk.admin)
    pairs = [pair(desk, index) for index in range(1, 6)]
    taker = desk.trader("mallory", 10_000)
    desk.post({1: min(desk.price_for(long, ETH, -2 * WAD) for long, _ in pairs)})
    before = desk.held(desk.insurance)
    for long, _ in pairs:
        desk.act(taker, liquidate(taker, long, skip=True))
    assert 0 <= 5 * USDC - (before - desk.held(desk.insurance)) < len(pairs)  # whole units of the token each time
    assert desk.market_words(ETH).insurance.spent == 5 * WAD
    # What it would have been without: 2.5 each.
    assert 5 * (2 * WAD + WAD // 2) > 12 * WAD


# ---------------------------------------------------------------- spot


def spot_pair(desk, name, account_market, collateral, amount, debt, loan):
    account = desk.trader(name, market=account_market)
    desk.fund(account, collateral, amount)
    desk.act(account, borrow(account, debt, loan), withdraw(account, debt, loan, desk.owner(account)))
    return account


@pytest.fixture
def farm(desk):
    """Long and short of WETH by loans: WETH against quote, and quote against WETH."""
    desk.config.write("listPair", 0, WETH, 2_000, 1_000, sender=desk.admin)
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.lender("weth lender", WETH, 1_000 * WAD)
    long = spot_pair(desk, "mallory", 0x8000 | WETH << 6, WETH, WAD, QUOTE, 2_390 * USDC)
    short = spot_pair(desk, "mallory", 0x8000 | WETH, QUOTE, 3_000 * USDC, WETH, 79 * WAD // 100)
    return long, short, desk.trader("mallory", 100_000)


def family(desk, *accounts):
    return sum(desk.assess(account).equity for account in accounts)


@pytest.mark.parametrize("loan", [1, USDC, 5 * USDC])
def test_t8_no_loan_below_the_floor(desk, loan):
    """IM is 15 at least, whatever is owed: a thousand small loans are not a thousand small bonuses."""
    desk.lender("lender", QUOTE, 1_000 * USDC)
    account = desk.trader("mallory", market=0x8000 | WETH << 6)
    desk.fund(account, WETH, (loan * 10**12 + 14 * WAD) // 3_000)
    with expect("BelowInitialMargin"):
        desk.act(account, borrow(account, QUOTE, loan), withdraw(account, QUOTE, loan, desk.owner(account)))


@pytest.mark.parametrize("health", [0.99, 0.7, 0.3, 0.05, 0.001])
@pytest.mark.parametrize("side", [0, 1], ids=["long", "short"])
def test_t8_s3_taking_over_one_s_own_borrower_never_pays_with_equity_left(desk, farm, side, health):
    """Nor when the collateral is sold at the index and the debt repaid: insurance gets its part of MM."""
    target, taker = farm[side], farm[2]
    price = level(desk, target, health)
    desk.post({1: price})
    found = desk.assess(target)
    assert 0 <= found.equity < found.mm
    before, insurance = family(desk, *farm), desk.held(desk.insurance)
    desk.act(taker, liquidate(taker, target))
    for asset in (QUOTE, WETH):
        if desk.debt(taker, asset) and desk.held(taker, asset):
            desk.act(taker, repay(taker, asset, min(desk.held(taker, asset), desk.debt(taker, asset))))
    assert family(desk, *farm) <= before
    assert desk.held(desk.insurance) >= insurance


def level(desk, account, health):
    """The price of WETH at which equity is just at most `health`·MM."""
    low, high = 1_000 * PRICE, 3_000 * PRICE
    up = desk.debt(account, WETH) > 0
    if up:
        low, high = 3_000 * PRICE, 9_000 * PRICE
    while high - low > 1:
        middle, point, prices = (low + high) // 2, desk.chain.snapshot(), dict(desk.prices)
        desk.post({1: middle})
        found = desk.assess(account)
        desk.chain.revert(point)
        desk.prices = prices
        below = found.equity <= int(health * found.mm)
        low, high = (low, middle) if below == up else (middle, high)
    return high if up else low


@pytest.mark.parametrize("gap", [70, 78])
def test_t8_a_bankrupt_borrower_yields_its_deficit_and_d0_of_mm(desk, farm, gap):
    """A gap below all collateral: what insurance pays its family is that and no more, within the window of the debt."""
    target, taker = farm[0], farm[2]
    desk.config.write("setDebtInsurance", QUOTE, 1_000, sender=desk.admin)
    desk.post({1: 3_000 * gap // 100 * PRICE})
    found = desk.assess(target)
    assert found.equity < 0
    before, insurance = family(desk, *farm), desk.held(desk.insurance)
    desk.act(taker, liquidate(taker, target))
    paid = (insurance - desk.held(desk.insurance)) * 10**12
    assert paid <= -found.equity + found.mm // 20
    assert family(desk, *farm) - before <= -found.equity + found.mm // 20 + 2 * 10**12


def test_t8_without_a_window_for_the_debt_insurance_pays_nothing(desk, farm):
    target, taker = farm[0], farm[2]
    desk.config.write("setDebtInsurance", QUOTE, 0, sender=desk.admin)
    desk.post({1: 2_000 * PRICE})
    insurance = desk.held(desk.insurance)
    desk.act(taker, liquidate(taker, target))
    assert desk.held(desk.insurance) == insurance
