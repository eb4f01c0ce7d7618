"""Calls, slices and losses of accounts with options: by all scenarios, and by a witness."""

from __future__ import annotations

import pytest
from desk import BANKRUPT, CALLED, ETH, LIQUIDATABLE, PRICE, SIZE, UNIT, USDC, WAD, WETH, expect
from option_desk import ALIVE, OptionDesk, refused

from plimsoll.actions import liquidate, margin_call, trade_perp
from plimsoll.margin import liquidation_math

CALL_PERIOD = 3600


@pytest.fixture
def desk():
    return OptionDesk.create().with_options()


@pytest.fixture
def maker(desk):
    return desk.trader("maker", 100_000)


@pytest.fixture
def keeper(desk):
    return desk.trader("keeper", 100_000)


@pytest.fixture
def fund(desk, maker):
    """A portfolio account that sold ten calls."""
    fund = desk.portfolio("fund", 10_000)
    desk.open(maker, fund, desk.call(3000), 10 * SIZE)
    return fund


def fall_to(desk, fund, equity):
    """The price at which a seller of ten calls at 3000 has about so much equity."""
    held = desk.held(fund) * UNIT
    price = (held - equity - 10 * 50 * WAD) // (10 * WAD) + 3000
    desk.post({1: int(price) * PRICE})


def below_mm(desk, fund):
    desk.post({1: 3650 * PRICE})
    a = desk.assess(fund)
    assert 0 < a.equity < a.mm
    return a


# ---------------------------------------------------------------- slices


def test_a_healthy_account_is_not_sliced(desk, fund, keeper):
    """With its numbers."""
    a = desk.assess(fund)
    with refused("AccountHealthy", fund, a.equity, a.mm):
        desk.act(keeper, liquidate(keeper, fund))


@pytest.mark.parametrize("mode", ["cross", "portfolio"])
def test_a_slice_moves_every_position_pro_rata(desk, maker, keeper, mode):
    """Options, a perp and collateral, and the account stands at its target after the largest one."""
    target = desk.portfolio("fund", 11_000) if mode == "portfolio" else desk.trader("fund", 11_000)
    desk.fund(target, WETH, 10**17)
    for strike, quantity in ((3000, -10), (3400, 4), (3500, -3)):
        desk.open(maker, target, desk.call(strike), -quantity * SIZE)
    desk.act(target, trade_perp(target, ETH, 2 * SIZE))
    desk.post({1: 3900 * PRICE})
    a, mine, had = desk.assess(target), desk.options(target), desk.held(target)
    assert a[:5] == desk.twin(target) and a.state == LIQUIDATABLE
    total = desk.total_equity()
    receipt = desk.act(keeper, liquidate(keeper, target))
    (told,) = desk.events(receipt, "Liquidated")
    fraction = told.args["fraction"]
    assert 0 < fraction < WAD
    parts = {instrument: quantity * fraction // WAD for instrument, quantity in mine.items()}
    assert desk.options(keeper) == parts
    assert desk.options(target) == {i: q - parts[i] for i, q in mine.items()}
    assert desk.held(keeper, WETH) == 10**17 * fraction // WAD
    assert desk.position(keeper, ETH)[0] == 2 * SIZE * fraction // WAD
    assert desk.total_equity() == total and had != desk.held(target)
    after = desk.assess(target)
    assert after.equity >= desk.target_margin(target) - WAD // 100
    assert after.state not in (LIQUIDATABLE, CALLED)


def test_slices_never_lower_health(desk, fund, keeper):
    """Ten small ones, each as good for what stays as the last (S-4)."""
    a = below_mm(desk, fund)
    for _ in range(5):
        if desk.assess(fund).state != LIQUIDATABLE:
            break
        desk.act(keeper, liquidate(keeper, fund, WAD // 9))
        b = desk.assess(fund)
        assert b.equity * a.mm >= a.equity * b.mm
        a = b
    assert desk.options(keeper)


def test_a_taker_beyond_128_series_is_refused_and_another_is_not(desk, maker, keeper, fund):
    """His own account is full: no fault of the target's."""
    numbers = [desk.call(3000 + 2 * n) for n in range(1, 129)]
    other = desk.trader("other", 1_000_000)
    rich = desk.trader("rich", 1_000_000)
    for start in range(0, 128, 16):
        legs = [(instrument, 10**4) for instrument in numbers[start : start + 16]]
        desk.match(other, rich, legs, [ALIVE] * 16)
    below_mm(desk, fund)
    with expect("TooManySeries", other, 129):
        desk.act(other, liquidate(other, fund))
    desk.act(keeper, liquidate(keeper, fund))
    assert desk.options(keeper)


def test_an_isolated_taker_cannot_take_another_market_s(desk, fund):
    """Isolation is in the id."""
    alone = desk.trader("alone", 50_000, market=1)
    below_mm(desk, fund)
    with expect("MarketNotAllowed", alone, ETH):
        desk.act(alone, liquidate(alone, fund))


def test_a_stale_surface_and_a_dead_feed_stop_no_liquidation(desk, fund, keeper):
    """The last surface counts; a failed price is moved in the target's favour, and below the level even so is proof."""
    desk.post({1: 4100 * PRICE})
    desk.show(ETH, desk.expiry, status=1)
    desk.chain.advance(3600)
    assert desk.assess(fund)[:5] == desk.twin(fund)
    desk.act(keeper, liquidate(keeper, fund, WAD // 2))
    assert desk.options(keeper)


# ---------------------------------------------------------------- losses


def bankrupt(desk, fund):
    desk.post({1: 4100 * PRICE})
    a = desk.assess(fund)
    assert a.equity < 0 and a.state == BANKRUPT
    return a


def test_insurance_pays_for_options_within_the_window_of_the_quote_asset(desk, fund, keeper):
    """Its cap for debts in the quote asset is its cap for options."""
    desk.by_admin("setDebtInsurance", 0, 50_000)
    a = bankrupt(desk, fund)
    insured, had = desk.held(desk.insurance), desk.assess(keeper).equity
    receipt = desk.act(keeper, liquidate(keeper, fund))
    wanted = -a.equity + a.mm * 500 // 10_000
    assert (insured - desk.held(desk.insurance)) * UNIT == wanted // UNIT * UNIT
    assert desk.options(fund) == {} and desk.assess(fund).equity == 0
    assert desk.assess(keeper).equity - had == pytest.approx(a.mm * 500 // 10_000, abs=2 * UNIT)
    assert not desk.events(receipt, "OptionLossCovered")


def test_lenders_of_the_quote_asset_bear_what_insurance_does_not(desk, fund, keeper):
    """In cash, to the unit, through their index; holders never."""
    lender = desk.lender("lender", 0, 50_000 * USDC)
    a = bankrupt(desk, fund)
    lent = desk.lent(lender, 0)
    bystander = desk.held(desk.account(desk.actor("maker")))
    receipt = desk.act(keeper, liquidate(keeper, fund))
    (told,) = desk.events(receipt, "OptionLossCovered")
    loss = -(a.equity // UNIT)
    assert told.args["fromLenders"] == loss * UNIT and told.args["left"] == 0
    assert lent - desk.lent(lender, 0) == pytest.approx(loss, abs=2)
    assert desk.held(desk.account(desk.actor("maker"))) == bystander
    assert desk.assess(fund).equity == 0 and desk.surplus(0) >= 0


def test_what_nobody_covers_is_left_to_who_will_take_it(desk, fund, keeper):
    """No lenders, no window: the taker is told that his bonus is nothing, and refuses or bears it."""
    a = bankrupt(desk, fund)
    with expect("BonusBelowLimit", fund, 0, 1):
        desk.act(keeper, liquidate(keeper, fund, WAD, 1))
    had = desk.assess(keeper).equity
    receipt = desk.act(keeper, liquidate(keeper, fund))
    (told,) = desk.events(receipt, "OptionLossCovered")
    assert told.args["fromLenders"] == 0
    assert desk.assess(keeper).equity - had == pytest.approx(a.equity, abs=2 * UNIT)


# ---------------------------------------------------------------- by witness


def seen(percent):
    """MockOptionModel's: the part of the requirement that it shows."""
    return bytes([percent])


def test_a_witness_that_proves_nothing_says_how_far_it_came(desk, fund, keeper):
    """The level that it reached."""
    a = below_mm(desk, fund)
    part = desk.engine.read("assessWitness", fund, seen(50))
    assert part[0] == a.equity and part[3] == a.mm * 50 // 100
    with refused("WitnessInsufficient", fund, a.equity, a.mm * 50 // 100):
        desk.act(keeper, liquidate(keeper, fund, witness=seen(50)))
    receipt = desk.act(keeper, liquidate(keeper, fund, skip=True, witness=seen(50)))
    assert desk.events(receipt, "LiquidationSkipped")


def test_a_witness_takes_never_more_and_pays_never_less_than_the_whole(desk, fund, keeper):
    """For every witness that proves it: fraction at most, and price per part at least, that of all scenarios."""
    a = below_mm(desk, fund)
    slices = {}
    for percent in (0, *range(97, 101)):
        mark = desk.chain.snapshot()
        witness = seen(percent) if percent else b""
        receipt = desk.act(keeper, liquidate(keeper, fund, witness=witness))
        (told,) = desk.events(receipt, "Liquidated")
        slices[percent] = (told.args["fraction"], told.args["paid"] * WAD // told.args["fraction"])
        assert told.args["mm"] == a.mm * (percent or 100) // 100
        desk.chain.revert(mark)
    whole = slices.pop(0)
    for fraction, price in slices.values():
        assert fraction <= whole[0] and price >= whole[1] - 1
    assert slices[97][0] < slices[100][0] == whole[0]


def test_a_witness_ends_no_call_and_takes_no_dust_whole(desk, maker, keeper):
    """Both rest on the requirement being small, which it does not show."""
    small = desk.portfolio("small", 175)
    desk.open(maker, small, desk.call(3000), SIZE // 10)
    desk.post({1: 4400 * PRICE})
    a = desk.assess(small)
    dust = 40 * WAD
    assert a.equity < a.mm
    mark = desk.chain.snapshot()
    (told,) = desk.events(desk.act(keeper, liquidate(keeper, small)), "Liquidated")
    rest = a.mm * (WAD - told.args["fraction"]) // WAD
    assert told.args["fraction"] == WAD or rest >= dust
    desk.chain.revert(mark)
    (told,) = desk.events(desk.act(keeper, liquidate(keeper, small, witness=seen(100))), "Liquidated")
    if told.args["fraction"] < WAD:
        assert desk.header(small).clock_start != 0, "the clock goes on"


def test_a_call_by_witness_pays_no_bounty_and_starts_what_a_call_starts(desk, fund, keeper):
    """The bounty is only ever out of equity − MM, and MM is what a witness does not show."""
    desk.post({1: 3490 * PRICE})
    a = desk.assess(fund)
    level = desk.call_margin(fund)
    assert a.mm < a.equity < level
    with refused("WitnessInsufficient", fund, a.equity):
        desk.act(keeper, margin_call(keeper, fund, witness=seen(40)))
    held = desk.held(fund)
    receipt = desk.act(keeper, margin_call(keeper, fund, witness=seen(100)))
    (told,) = desk.events(receipt, "MarginCalled")
    assert told.args["bounty"] == 0 and desk.held(fund) == held
    assert desk.assess(fund).state == CALLED
    desk.chain.advance(CALL_PERIOD + 1)
    desk.post({})
    assert desk.assess(fund).state == LIQUIDATABLE
    desk.act(keeper, liquidate(keeper, fund, witness=seen(100)))
    assert desk.options(keeper)


def test_an_account_by_rule_has_no_witness(desk, maker, keeper):
    """Whatever is sent along, everything is evaluated."""
    plain = desk.trader("plain", 10_000)
    desk.open(maker, plain, desk.call(3000), 10 * SIZE)
    a = below_mm(desk, plain)
    (told,) = desk.events(desk.act(keeper, liquidate(keeper, plain, witness=seen(1))), "Liquidated")
    assert told.args["mm"] == a.mm


def test_bounds_of_a_slice_fall_with_the_requirement():
    """Decision 033 over many numbers: with less im0 and mm the fraction is no larger, and the price no lower."""
    import random

    numbers = random.Random(1)
    for _ in range(4000):
        mm = numbers.randint(10**18, 10**24)
        im0 = mm + numbers.randint(0, mm)
        equity = numbers.randint(0, mm - 1)
        low_mm = numbers.randint(equity + 1, mm)
        low_im0 = numbers.randint(low_mm, max(low_mm, im0))
        elapsed = numbers.randint(0, 4000)
        whole, part = _slice(equity, im0, mm, elapsed), _slice(equity, low_im0, low_mm, elapsed)
        assert part[0] <= whole[0]
        assert part[1] >= whole[1]


def _slice(equity, im0, mm, elapsed):
    """The largest fraction without the rule of dust, and the price of the whole account."""
    bonus = liquidation_math.bonus_rate(equity, mm, elapsed, 500, 5000, 3600, 500)
    target = liquidation_math.target(im0, mm, 7500)
    fraction = liquidation_math.max_fraction(equity, mm, target, bonus + 500 * 10**14, 0)
    return fraction, sum(liquidation_math.price(equity, mm, WAD, bonus, 500))
