"""Liquidate: a slice of a whole account, for P × fraction, P = max(0, equity − (d + φ)·MM). DESIGN section 4."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, SOL, UNIT, USDC, WAD, WBTC, WETH, Desk, expect

from plimsoll.actions import liquidate, margin_call, trade_perp, withdraw
from plimsoll.margin import liquidation_math, position_math, preview
from plimsoll.margin.fixed_math import ceil_div

MILLION = 1_000_000


@pytest.fixture
def alice(desk):
    account = desk.trader("alice", 20_000)
    desk.trade(account, ETH, 100 * SIZE)
    return account


@pytest.fixture
def taker(desk):
    return desk.trader("taker", MILLION)


def sink(desk, account, share, market=ETH, feed=1):
    """Equity to `share` percent of MM, by the price of one market."""
    for _ in range(40):
        found = desk.assess(account)
        goal = found.mm * share // 100
        if abs(found.equity - goal) < WAD:
            return found
        size, _ = desk.position(account, market)
        step = (found.equity - goal) * 40 // 41 // size
        desk.post({feed: desk.prices[feed] - (step or (1 if found.equity > goal else -1))}, seconds=1)
    raise AssertionError(desk.assess(account))


def up(value):
    return -(-value // UNIT)


# ---------------------------------------------------------------- refused


def test_healthy_and_skip(desk, alice, taker):
    found = desk.assess(alice)
    with expect("AccountHealthy", alice, found.equity, found.mm):
        desk.act(taker, liquidate(taker, alice))
    receipt = desk.act(taker, liquidate(taker, alice, skip=True))
    assert [(e.name, e.args) for e in desk.events(receipt)] == [
        ("LiquidationSkipped", {"target": alice, "equity": found.equity, "mm": found.mm})
    ]


def test_who(desk, alice, taker):
    sink(desk, alice, 60)
    with expect("AccountMismatch", alice, alice):
        desk.act(alice, liquidate(alice, alice))
    with expect("NotAuthorized", taker, desk.actor("mallory")):
        desk.execute(desk.actor("mallory"), liquidate(taker, alice))


def test_pool_and_insurance_are_never_liquidated(desk, taker):
    for special in (desk.pool_account, desk.insurance):
        with expect("AccountHealthy"):
            desk.act(taker, liquidate(taker, special))


@pytest.mark.parametrize("fraction, refused", [(0, True), (WAD // 10 - 1, True), (WAD // 10, False), (WAD, False)])
def test_least_slice(desk, alice, taker, fraction, refused):
    sink(desk, alice, 60)
    if refused:
        with expect("FractionBelowMinimum", alice, fraction, WAD // 10):
            desk.act(taker, liquidate(taker, alice, fraction))
    else:
        desk.act(taker, liquidate(taker, alice, fraction))


def test_bonus_below_what_the_taker_asks(desk, alice, taker):
    sink(desk, alice, 60)
    gain = desk.slice(alice).gain
    with expect("BonusBelowLimit", alice, gain, gain + 1):
        desk.act(taker, liquidate(taker, alice, min_bonus=gain + 1))
    receipt = desk.act(taker, liquidate(taker, alice, min_bonus=gain + 1, skip=True))
    assert [e.name for e in desk.events(receipt, "LiquidationSkipped")] == ["LiquidationSkipped"]
    assert desk.position(alice, ETH)[0] == 100 * SIZE
    desk.act(taker, liquidate(taker, alice, min_bonus=gain))


def test_the_taker_is_checked_like_anyone(desk, alice):
    """Empty, and keeping the position: refused. Selling it in the same batch: welcome."""
    sink(desk, alice, 60)
    empty = desk.trader("keeper")
    with expect("BelowInitialMargin"):
        desk.act(empty, liquidate(empty, alice, WAD // 10))
    poor = desk.trader("poor", 700)
    with expect("BelowInitialMargin"):
        desk.act(poor, liquidate(poor, alice))


# ---------------------------------------------------------------- one slice


@pytest.mark.parametrize("share", [99, 90, 75, 50, 30, 15, 11])
@pytest.mark.parametrize("fraction", [WAD, WAD // 4, WAD // 10])
def test_slice_equals_the_twin(desk, alice, taker, share, fraction):
    desk.fund(alice, WBTC, 10**6)
    found = sink(desk, alice, share)
    piece = desk.slice(alice, fraction)
    mirror, snap = desk.mirror(alice), desk.snapshot_words()
    rest, _ = preview.take(mirror, snap, piece)
    quote, insurance = desk.held(taker), desk.held(desk.insurance)
    whole, health = desk.total_equity(), found.equity * WAD // found.mm
    receipt = desk.act(taker, liquidate(taker, alice, fraction))
    (told,) = desk.events(receipt, "Liquidated")
    assert told.args == {
        "target": alice,
        "liquidator": taker,
        "fraction": piece.fraction,
        "equity": found.equity,
        "mm": found.mm,
        "paid": piece.to_account,
        "toInsurance": piece.to_insurance,
    }
    for asset in (QUOTE, WBTC):
        assert desk.held(alice, asset) == rest.balances[asset].held
    left = rest.positions[ETH]
    assert desk.position(alice, ETH) == (left.size, left.cost)
    assert desk.held(desk.insurance) - insurance == up(piece.to_insurance)
    part = mirror.balances[QUOTE].held * piece.fraction // WAD
    assert desk.held(taker) == quote + part - up(piece.to_account) - up(piece.to_insurance)
    assert desk.total_equity() == whole
    after = desk.assess(alice)
    if piece.fraction == WAD:
        assert (after.mm, desk.position(alice, ETH)) == (0, (0, 0))
        assert after.equity // UNIT == desk.held(alice) == up(piece.to_account)
    else:
        assert after.equity * WAD // after.mm >= health  # S-4
        if piece.fraction == piece.max_fraction:
            assert after.equity == pytest.approx(desk.target_margin(alice), rel=1e-6)


def test_by_hand(desk, alice, taker):
    """equity 6,000 of MM 7,200: d = 5 % + 50 % × 1/6 = 13.33 %, φ 5 %; target = 7,200 + ¾ × 7,200 = 12,600.

    f = (12,600 − 6,000) / (12,600 − 0.18333 × 7,200) = 6,600 / 11,280 = 58.51 %; P = 6,000 − 960 − 360 = 4,680.
    """
    equity, mm, im0 = 6_000 * WAD, 7_200 * WAD, 14_400 * WAD
    target = liquidation_math.target(im0, mm, 7_500)
    bonus = liquidation_math.bonus_rate(equity, mm, 0, 500, 5_000, 3_600, 500)
    rate = bonus + 5 * WAD // 100
    assert target == 12_600 * WAD
    assert bonus == 133_333_333_333_333_333
    assert liquidation_math.max_fraction(equity, mm, target, rate, 40 * WAD) // 10**14 == 5_851
    to_account, to_insurance = liquidation_math.price(equity, mm, WAD, bonus, 500)
    assert 0 <= to_account - 4_680 * WAD < 10**4
    assert to_insurance == 360 * WAD
    # And on the bytecode, at 83.33 % of MM, the same shares of whatever MM is.
    found = sink(desk, alice, 83)
    piece = desk.slice(alice)
    assert abs(piece.bonus - (5 * WAD // 100 + WAD // 2 * 17 // 100)) < 10**14
    (told,) = desk.events(desk.act(taker, liquidate(taker, alice)), "Liquidated")
    f = told.args["fraction"]
    assert told.args["toInsurance"] == ceil_div(ceil_div(found.mm * 500, 10_000) * f, WAD)


@pytest.mark.parametrize("elapsed", [0, 1, 900, 1_800, 3_599, 3_600, 7_200])
def test_bonus_grows_with_the_clock(desk, alice, taker, elapsed):
    sink(desk, alice, 80)
    desk.act(taker, margin_call(taker, alice))
    desk.chain.advance(elapsed)
    desk.post({}, seconds=0)
    found, piece = desk.assess(alice), desk.slice(alice)
    grown = 95 * WAD // 100 * min(elapsed, 3_600) // 3_600
    shortfall = (found.mm - found.equity) * (WAD // 2) // found.mm
    assert piece.bonus == min(5 * WAD // 100 + shortfall + grown, 95 * WAD // 100)
    (told,) = desk.events(desk.act(taker, liquidate(taker, alice)), "Liquidated")
    assert told.args["fraction"] == piece.fraction
    if piece.bonus + 5 * WAD // 100 >= 8 * WAD // 10:
        assert (told.args["fraction"], told.args["paid"]) == (WAD, 0)


@pytest.mark.parametrize("shortfall", [1, 10, 25, 50])
def test_bonus_grows_with_the_shortfall(desk, alice, shortfall):
    sink(desk, alice, 100 - shortfall)
    assert desk.slice(alice).bonus == pytest.approx((0.05 + shortfall / 200) * WAD, rel=1e-3)


def test_dust_goes_whole(desk, taker):
    """What a slice would leave has less MM than 40: so all of it."""
    small = desk.trader("small", 250)
    desk.trade(small, ETH, SIZE)  # MM 75
    desk.post({1: desk.price_for(small, ETH, 60 * WAD)})
    piece = desk.slice(small)
    assert piece.max_fraction == WAD
    assert desk.assess(small).equity > 0.2 * desk.assess(small).mm
    desk.act(taker, liquidate(taker, small, 1))  # the fraction asked for does not matter any more
    assert desk.position(small, ETH) == (0, 0)
    assert desk.held(small) == up(piece.to_account) > 0


# ---------------------------------------------------------------- many of everything


def test_whole_account_of_many_assets_and_positions(desk, taker):
    target = desk.trader("rich", 20_000)
    desk.fund(target, WETH, 2 * WAD)
    desk.fund(target, WBTC, 10**7)
    desk.trade(target, ETH, 100 * SIZE)
    desk.trade(target, BTC, -2 * SIZE)
    desk.trade(target, SOL, 300 * SIZE)
    desk.trade(taker, ETH, -30 * SIZE)  # nets
    desk.trade(taker, BTC, -SIZE)  # adds
    while desk.assess(target).state < 3:
        desk.post({1: desk.prices[1] - 10 * PRICE})
    whole, piece = desk.total_equity(), desk.slice(target, WAD // 3)
    before = {m: (desk.position(target, m), desk.position(taker, m)) for m in (ETH, BTC, SOL)}
    oi = {m: desk.market_words(m).state.open_interest for m in (ETH, BTC, SOL)}
    held = {a: (desk.held(target, a), desk.held(taker, a)) for a in (WETH, WBTC)}
    desk.act(taker, liquidate(taker, target, WAD // 3))
    for market, (theirs, mine) in before.items():
        size, cost = position_math.slice(*theirs, piece.fraction)
        assert desk.position(target, market) == (theirs[0] - size, theirs[1] - cost)
        assert desk.position(taker, market) == (mine[0] + size, mine[1] + cost), market
    for asset, (theirs, mine) in held.items():
        part = theirs * piece.fraction // WAD
        assert (desk.held(target, asset), desk.held(taker, asset)) == (theirs - part, mine + part)
    netted = position_math.slice(*before[ETH][0], piece.fraction)[0]
    assert oi[ETH] - desk.market_words(ETH).state.open_interest == 2 * min(netted, 30 * SIZE)
    assert oi[BTC] == desk.market_words(BTC).state.open_interest
    assert desk.total_equity() == whole
    for account in (target, taker):
        assert desk.assess(account)[:5] == desk.twin(account)


def test_netting_to_nothing_in_the_taker_settles_him(desk, alice):
    """Short exactly what he takes: both gone, his gain and the target's loss in cash."""
    sink(desk, alice, 5)  # so far down that all of it goes
    other = desk.trader("other", MILLION)
    desk.trade(other, ETH, -100 * SIZE)
    desk.act(other, trade_perp(other, BTC, SIZE // 100))
    whole = desk.total_equity()
    desk.act(other, liquidate(other, alice))
    assert desk.position(other, ETH) == desk.position(alice, ETH) == (0, 0)
    assert desk.market_words(ETH).state.open_interest == 0
    assert desk.total_equity() == whole


def test_zero_capital_take_close_and_withdraw_the_profit(desk, alice):
    keeper = desk.trader("keeper")
    sink(desk, alice, 60)
    piece = desk.slice(alice)
    size = 100 * SIZE * piece.fraction // WAD
    fill = desk.fill(ETH, -size)
    profit = (piece.gain - (fill.premium + fill.spread + fill.fee)) // UNIT - 50
    vault = desk.actor("cold wallet")
    desk.act(keeper, liquidate(keeper, alice), trade_perp(keeper, ETH, -size), withdraw(keeper, QUOTE, profit, vault))
    assert desk.token(QUOTE).read("balanceOf", vault) == profit > 500 * USDC
    assert desk.position(keeper, ETH) == (0, 0)
    assert 0 <= desk.held(keeper) <= 100


def test_l3_batch_of_many_passes_over_those_that_are_healthy(desk, taker):
    targets = [desk.trader(f"t{n}", 15_600 + 900 * n) for n in range(8)]
    for target in targets:
        desk.trade(target, ETH, 100 * SIZE)
    desk.post({1: 2_890 * PRICE})
    down = [target for target in targets if desk.assess(target).state >= 3]
    assert 0 < len(down) < 8
    receipt = desk.act(taker, *[liquidate(taker, target, skip=True) for target in targets])
    assert [e.args["target"] for e in desk.events(receipt, "Liquidated")] == down
    assert len(desk.events(receipt, "LiquidationSkipped")) == 8 - len(down)


def test_a_target_twice_in_a_batch(desk, alice, taker):
    """Only further liquidations may touch it: at target after the first, the second is passed over."""
    sink(desk, alice, 60)
    receipt = desk.act(taker, liquidate(taker, alice), liquidate(taker, alice, skip=True))
    assert [e.name for e in desk.events(receipt) if e.name.startswith("Liquid")][-1] == "LiquidationSkipped"


# ---------------------------------------------------------------- bankrupt


@pytest.fixture
def broken(desk, alice):
    desk.post({1: 2_780 * PRICE})
    assert desk.assess(alice).equity < -2_000 * WAD
    return alice


def test_insurance_makes_the_taker_whole_and_gives_the_starting_bonus(desk, broken, taker):
    found = desk.assess(broken)
    assert found.mm == 6_950 * WAD
    wanted = -found.equity + found.mm // 20  # 5 %: 347.5, never the ramped rate
    insurance, mine = desk.held(desk.insurance), desk.assess(taker).equity
    receipt = desk.act(taker, liquidate(taker, broken))
    (paid,) = desk.events(receipt, "InsurancePaid")
    assert paid.args == {"target": broken, "liquidator": taker, "amount": wanted // UNIT * UNIT}
    assert insurance - desk.held(desk.insurance) == wanted // UNIT
    assert 0 <= 347_500_000_000_000_000_000 - (desk.assess(taker).equity - mine) <= UNIT
    assert desk.assess(broken).equity == 0
    assert desk.market_words(ETH).insurance.spent == wanted
    assert desk.events(receipt, "LossWrittenDown") == []


def test_the_ramp_raises_no_payment_of_insurance(desk, broken, taker):
    desk.act(taker, margin_call(taker, broken))
    desk.chain.advance(3_600)
    desk.post({}, seconds=0)
    found = desk.assess(broken)
    (paid,) = desk.events(desk.act(taker, liquidate(taker, broken)), "InsurancePaid")
    assert paid.args["amount"] == (-found.equity + found.mm // 20) // UNIT * UNIT


@pytest.mark.parametrize("cap", [0, 1, 1_000, 2_600])
def test_capped_by_the_market_s_window(desk, broken, taker, cap):
    """What insurance may not pay of the deficit is written off the position: the pool, its counterparty, bears it."""
    desk.config.write("setInsuranceCap", ETH, cap, sender=desk.admin)
    found, mine = desk.assess(broken), desk.assess(taker).equity
    deficit, wanted = -found.equity, -found.equity + found.mm // 20
    paid = min(wanted, cap * WAD) // UNIT * UNIT
    pool, whole = desk.pool_equity()[0], desk.total_equity()
    receipt = desk.act(taker, liquidate(taker, broken))
    assert sum(e.args["amount"] for e in desk.events(receipt, "InsurancePaid")) == paid
    written = sum(e.args["amount"] for e in desk.events(receipt, "LossWrittenDown"))
    assert written == max(deficit - paid, 0)
    assert pool - desk.pool_equity()[0] == written
    assert -UNIT <= desk.assess(taker).equity - mine - max(paid - deficit, 0) <= 0
    assert desk.total_equity() == whole


def test_empty_insurance(broken_poor):
    desk, broken, taker = broken_poor
    deficit, mine, pool = -desk.assess(broken).equity, desk.assess(taker).equity, desk.pool_equity()[0]
    receipt = desk.act(taker, liquidate(taker, broken))
    assert desk.events(receipt, "InsurancePaid") == []
    (written,) = desk.events(receipt, "LossWrittenDown")
    assert written.args == {"target": broken, "market": ETH, "amount": deficit}
    assert desk.assess(taker).equity == mine  # never a loss to whoever takes it, and no bonus
    assert pool - desk.pool_equity()[0] == deficit


@pytest.fixture
def broken_poor():
    desk = Desk.create(insurance=0)
    alice, taker = desk.trader("alice", 20_000), desk.trader("taker", MILLION)
    desk.trade(alice, ETH, 100 * SIZE)
    desk.post({1: 2_780 * PRICE})
    return desk, alice, taker


@pytest.mark.parametrize("skip", [True, False])
def test_l3_an_exhausted_window_stops_a_taker_who_asks_for_a_bonus_only_without_skip(broken_poor, skip):
    desk, broken, taker = broken_poor
    if skip:
        desk.act(taker, liquidate(taker, broken, min_bonus=WAD, skip=True))
        assert desk.position(broken, ETH) == (0, 0)
    else:
        with expect("BonusBelowLimit", broken, 0, WAD):
            desk.act(taker, liquidate(taker, broken, min_bonus=WAD))


@pytest.mark.parametrize("later, fresh", [(3_599, False), (3_600, True)])
def test_the_window_begins_anew(desk, taker, later, fresh):
    desk.config.write("setInsuranceCap", ETH, 500, sender=desk.admin)
    targets = [desk.trader(f"t{n}", 20_000) for n in range(2)]
    for target in targets:
        desk.trade(target, ETH, 100 * SIZE)
    desk.post({1: 2_780 * PRICE})
    before = desk.held(desk.insurance)
    desk.act(taker, liquidate(taker, targets[0]))
    started = desk.market_words(ETH).insurance.window_start
    assert before - desk.held(desk.insurance) == 500 * USDC
    desk.chain.set_timestamp(started + later)
    desk.post({}, seconds=0)
    desk.act(taker, liquidate(taker, targets[1]))
    assert before - desk.held(desk.insurance) == (1_000 if fresh else 500) * USDC


def test_several_losing_markets_share_payment_and_write_down_by_their_losses(desk, taker):
    target = desk.trader("both", 30_000)
    desk.trade(target, ETH, 60 * SIZE)
    desk.trade(target, BTC, 3 * SIZE)
    desk.config.write("setInsuranceCap", ETH, 1_000, sender=desk.admin)
    desk.config.write("setInsuranceCap", BTC, 0, sender=desk.admin)
    desk.post({1: 2_700 * PRICE, 2: 55_000 * PRICE})
    mirror, snap = desk.mirror(target), desk.snapshot_words()
    expected = preview.insurance_cover(mirror, snap, desk.held(desk.insurance))
    found = desk.assess(target)
    losses = {m: -sum(desk.position_pnl(target, m)) for m in (ETH, BTC)}
    receipt = desk.act(taker, liquidate(taker, target))
    (paid,) = desk.events(receipt, "InsurancePaid")
    assert paid.args["amount"] == expected == 1_000 * WAD
    rest = -found.equity - expected
    written = {e.args["market"]: e.args["amount"] for e in desk.events(receipt, "LossWrittenDown")}
    assert written[ETH] == rest * losses[ETH] // sum(losses.values())
    assert written[BTC] == rest - written[ETH]  # the last one takes what the others round off


def test_o2_nobody_else_pays(desk, broken, taker):
    """Others in the market, and others outside it, have what they had."""
    desk.config.write("setInsuranceCap", ETH, 0, sender=desk.admin)
    short, saver, btc = desk.trader("short", 50_000), desk.trader("saver", 5_000), desk.trader("btc", 50_000)
    desk.trade(short, ETH, -10 * SIZE)
    desk.trade(btc, BTC, SIZE)
    before = [desk.assess(account) for account in (short, saver, btc)]
    desk.act(taker, liquidate(taker, broken))
    assert [desk.assess(account) for account in (short, saver, btc)] == before
