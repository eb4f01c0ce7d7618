"""T-10: an account without debt, or exactly at IM, is called, because the call level was a multiple of MM.

In 14 of 28 published portfolios IM/MM is 1.00. Call margin = MM + λ(IM₀ − MM) lies between the two whatever they
are, and an
account with nothing at risk has no requirement at all.
"""

from __future__ import annotations

import pytest
from desk import ETH, HEALTHY, PRICE, QUOTE, SIZE, USDC, WAD, WBTC, WETH, expect

from plimsoll.actions import borrow, margin_call, withdraw


@pytest.mark.parametrize("asset, amount", [(QUOTE, 1), (QUOTE, 10**10), (WETH, 10**18), (WBTC, 10**7)])
def test_t10_an_account_without_exposure_is_never_called(desk, asset, amount):
    target, caller = desk.trader("alice"), desk.trader("mallory", 1)
    desk.fund(target, asset, amount)
    found = desk.assess(target)
    assert (found.im, found.mm, found.state) == (0, 0, HEALTHY)
    with expect("AccountHealthy", target, found.equity, 0):
        desk.act(caller, margin_call(caller, target))
    # Haircuts of 20 and 10 % would have put "1.25 × MM" above nothing at all: an asset is no debt.


@pytest.mark.parametrize("im_rate", [251, 260, 300, 500])
@pytest.mark.parametrize("above", [0, 1])
def test_t10_exactly_at_im_is_not_called_whatever_im_over_mm_is(desk, im_rate, above):
    """From IM/MM = 1.004 to 2."""
    desk.set_risk(ETH, im_rate1=im_rate, im_rate2=im_rate + 200, im_rate3=im_rate + 500)
    size = 100 * SIZE
    cost = desk.fill(ETH, size).cost - size * 3_000 * PRICE
    im = 300_000 * WAD * im_rate // 10_000
    # Cash so that what is left after the fill is just IM, to the unit of the quote token.
    cash = -(-(im + cost) // 10**12) + above
    target, caller = desk.trader("alice"), desk.trader("mallory", 1)
    desk.fund(target, QUOTE, cash)
    desk.trade(target, ETH, size)
    found = desk.assess(target)
    assert 0 <= found.equity - found.im < (1 + above) * 10**12
    assert found.im == im
    level = desk.call_margin(target)
    assert found.mm < level <= found.im0
    with expect("AccountHealthy", target, found.equity, level):
        desk.act(caller, margin_call(caller, target))
    # A level of 1.25 × MM calls all of them but the last, in the block in which they open.
    assert (found.mm * 5 // 4 > found.equity) == (im_rate < 312)


def test_t10_the_level_itself_is_exact(desk):
    """λ = ½ of MM 7,500 and IM₀ 15,000 is 11,250: at it no, one price step below it yes."""
    target, caller = desk.trader("alice", 16_000), desk.trader("mallory", 1)
    desk.trade(target, ETH, 100 * SIZE)
    price = 3_000 * PRICE
    while True:
        found, level = desk.assess(target), desk.call_margin(target)
        if found.equity < level:
            break
        price -= max((found.equity - level) // (100 * SIZE) * 99 // 100, 1)
        desk.post({1: price}, seconds=1)
    assert level - found.equity < 10**13
    caught = desk.act(caller, margin_call(caller, target))
    (called,) = desk.events(caught, "MarginCalled")
    assert (called.args["equity"], called.args["callMargin"]) == (found.equity, level)
    assert desk.held(caller) == 2 * USDC


# ---------------------------------------------------------------- borrowers


@pytest.fixture
def pair(desk):
    """An isolated account of WETH against quote: haircuts of 20 and 10 % are the pair's here."""
    desk.lender("lender", QUOTE, 1_000_000 * USDC)
    desk.config.write("setPair", WETH, QUOTE, 2_000, 1_000, sender=desk.admin)
    desk.chain.advance(86_401)
    desk.post({})
    account = desk.trader("alice", market=0x8000 | WETH << 6)
    desk.fund(account, WETH, 10**19)
    return account


def test_t10_collateral_without_a_debt_is_never_called(desk, pair):
    caller, found = desk.trader("mallory", 1), desk.assess(pair)
    assert (found.im, found.mm, found.state) == (0, 0, HEALTHY)
    for price in (3_000, 1_000, 1):
        desk.post({1: price * PRICE})
        with expect("AccountHealthy", pair, desk.assess(pair).equity, 0):
            desk.act(caller, margin_call(caller, pair))


@pytest.mark.parametrize("held", [0, 1, 10**6])
def test_t10_nor_is_a_loan_that_is_still_held(desk, pair, held):
    """Borrowed and not used: net, nothing is owed but the unit that was rounded."""
    caller = desk.trader("mallory", 1)
    if held:
        desk.fund(pair, QUOTE, held)
    desk.act(pair, borrow(pair, QUOTE, 20_000 * USDC))
    found = desk.assess(pair)
    assert (found.mm == 0) == (held > 0)
    with expect("AccountHealthy"):
        desk.act(caller, margin_call(caller, pair))


@pytest.mark.parametrize("above", [0, 1])
def test_t10_exactly_at_im_a_borrower_is_not_called(desk, pair, above):
    """24,000 against 30,000 less a fifth: the very most that may leave, to a unit."""
    caller, owner = desk.trader("mallory", 1), desk.owner(pair)
    amount = 24_000 * USDC - 1 - above
    desk.act(pair, borrow(pair, QUOTE, amount), withdraw(pair, QUOTE, amount, owner))
    found, level = desk.assess(pair), desk.call_margin(pair)
    assert 0 <= found.equity - found.im <= (1 + above) * 10**12
    assert (found.im, found.mm, level) == (6_000 * WAD, 3_000 * WAD, 4_500 * WAD)
    with expect("AccountHealthy", pair, found.equity, level):
        desk.act(caller, margin_call(caller, pair))
    with expect("BelowInitialMargin"):
        desk.act(pair, borrow(pair, QUOTE, 2 + above), withdraw(pair, QUOTE, 2 + above, owner))
    # Interest carries it below IM, and it is still far from its call.
    desk.post({}, seconds=86_400)
    assert desk.assess(pair).state == 1
    with expect("AccountHealthy"):
        desk.act(caller, margin_call(caller, pair))
