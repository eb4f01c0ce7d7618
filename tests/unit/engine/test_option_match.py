"""Match: two orders filled with each other, options and perps, all legs or none."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, SIZE, UNIT, USDC, WAD, expect
from option_desk import ALIVE, DAY, OptionDesk, refused

from plimsoll import accounts
from plimsoll.actions import transfer_option
from plimsoll.errors import Reverted
from plimsoll.margin.account import PriceUse
from plimsoll.margin.option_series import perp

SPOT = 3000 * PRICE
#: half of 2.5 % of 3000
BAND = 3000 * PRICE * 250 // 20_000
MAKER_FEE, TAKER_FEE = 100, 350  # ppm of the index


@pytest.fixture
def desk():
    return OptionDesk.create().with_options()


@pytest.fixture
def sides(desk):
    return desk.trader("maker", 10_000), desk.trader("taker", 10_000)


def reduce(desk, long, short, instrument, quantity, price=ALIVE):
    """Both close, in a reducing batch."""
    return desk.execute(desk.admin, desk.filling(long, short, [(instrument, -quantity)], [price]), reducing=True)


# ---------------------------------------------------------------- what is refused


def test_two_sides_of_one_account_are_refused(desk, sides):
    """Nobody trades with himself in one account."""
    maker, _ = sides
    with expect("AccountMismatch", maker, maker):
        desk.match(maker, maker, [(desk.call(3000), SIZE)], [ALIVE])


def test_legs_that_are_no_mirror_are_refused(desk, sides):
    """It names the leg."""
    maker, taker = sides
    call, put = desk.call(3000), desk.put_on(3000)
    one = desk.order(maker, [(call, SIZE), (put, SIZE)]).values()
    for legs, leg in (
        ([(call, -SIZE), (put, SIZE)], 1),
        ([(call, -SIZE)], 1),
        ([(desk.call(3100), -SIZE), (put, -SIZE)], 0),
    ):
        two = desk.order(taker, legs).values()
        with expect("LegsNotMirrored", leg):
            desk.execute(desk.admin, _match(one, two, [ALIVE, ALIVE]))


def _match(one, two, prices, size=SIZE, signatures=(b"\1", b"\1")):
    from plimsoll.actions import match

    return match((one, signatures[0]), (two, signatures[1]), size, prices)


def test_prices_must_be_as_many_as_legs(desk, sides):
    """One each."""
    maker, taker = sides
    with expect("PriceCountMismatch", 2, 1):
        desk.match(maker, taker, [(desk.call(3000), SIZE)], [ALIVE, ALIVE])


@pytest.mark.parametrize("off", [-1, 1])
def test_a_fill_outside_the_band_is_refused_and_at_its_edge_is_not(desk, sides, off):
    """Half the MM rate of the index on either side of the mark."""
    maker, taker = sides
    call = desk.call(3000)
    mark = ALIVE if off > 0 else 0 + ALIVE
    edge = mark + BAND if off > 0 else max(mark - BAND, 0)
    if off > 0:
        with expect("FillPriceOutOfBand", call, edge + 1, mark, BAND):
            desk.match(maker, taker, [(call, SIZE)], [edge + 1])
    deep = desk.call(2000)  # a mark of 1050, so that there is room below it
    low = 1000 * PRICE + ALIVE - BAND
    with expect("FillPriceOutOfBand", deep, low - 1, 1000 * PRICE + ALIVE, BAND):
        desk.match(maker, taker, [(deep, SIZE)], [low - 1])
    desk.match(maker, taker, [(call, SIZE)], [edge])
    desk.match(maker, taker, [(deep, SIZE)], [low])
    assert desk.options(maker) == {call: SIZE, deep: SIZE}


def test_an_order_s_limit_is_of_the_whole_package(desk, sides):
    """A spread: what one leg costs more the other may bring."""
    maker, taker = sides
    legs = [(desk.call(3000), SIZE), (desk.call(3100), -SIZE)]
    net = 10 * PRICE
    prices = [ALIVE + 12 * PRICE, ALIVE + 2 * PRICE]
    with expect("PackagePriceExceeded", maker, net * 10**8, (net - 1) * 10**8):
        desk.match(maker, taker, legs, prices, first={"limit": net - 1})
    with expect("PackagePriceExceeded", taker, -net * 10**8, (-net - 1) * 10**8):
        desk.match(maker, taker, legs, prices, second={"limit": -net - 1})
    desk.match(maker, taker, legs, prices, first={"limit": net}, second={"limit": -net})
    assert desk.options(maker) == dict(legs)


def test_an_order_of_another_account_than_the_batch_was_told_is_refused(desk, sides):
    """Offsets may lead out of an action's data. What the engine reads there its library does not, and compares."""
    maker, taker = sides
    kind, nobody, data = desk.filling(maker, taker, [(desk.call(3000), SIZE)], [ALIVE])
    honest = len(data)
    for shift in (honest, honest + 32, 2**256 - 64, 2**255):
        astray = ((32 + shift) % 2**256).to_bytes(32, "big") + data[32:]
        with pytest.raises(Reverted):
            desk.execute(desk.admin, (kind, nobody, astray), (kind, nobody, data))
    inner = data[:32] + (2**256 - 320).to_bytes(32, "big") + data[64:]
    with pytest.raises(Reverted):
        desk.execute(desk.admin, (kind, nobody, inner))
    desk.execute(desk.admin, (kind, nobody, data))
    assert desk.options(maker) == {desk.call(3000): SIZE}


@pytest.mark.parametrize("word", [10, 17], ids=["limit", "reduce_only"])
def test_what_the_verifier_does_not_read_the_engine_does(desk, sides, word):
    """A limit, or a reduce-only, of more bits than it has: signed by the sender himself, whose hash nobody checks."""
    maker, taker = sides
    order = desk.filling(maker, taker, [(desk.call(3000), SIZE)], [ALIVE], signatures=(b"", b"\1"))
    kind, nobody, data = order
    dirty = bytearray(data)
    dirty[32 * word + 1] ^= 1
    with pytest.raises(Reverted):
        desk.execute(desk.owner(maker), (kind, nobody, bytes(dirty)))
    desk.execute(desk.owner(maker), order)
    assert desk.options(maker) == {desk.call(3000): SIZE}


def holder_of(desk, maker, *instruments):
    """`maker` bought one of each of a third: who has it from him is long only, and nothing fresh is asked of that."""
    third = desk.trader("third", 100_000)
    for instrument in instruments:
        desk.open(maker, third, instrument)


def test_what_is_good_enough_to_close_one_leg_opens_no_other(desk, sides):
    """Legs of one expiry share their price and surface, and each asks of them what it needs."""
    maker, taker = sides
    closed, opened = desk.call(3000), desk.call(3100)
    desk.open(maker, taker, closed)
    holder_of(desk, maker, opened)
    both = [(closed, -SIZE), (opened, -SIZE)]
    desk.show(ETH, desk.expiry, status=1)
    with refused("SurfaceUnusable", ETH, desk.expiry):
        desk.match(maker, taker, both, [ALIVE, ALIVE])
    desk.show(ETH, desk.expiry)
    desk.chain.advance(61)
    with expect("PriceUnusable"):
        desk.match(maker, taker, both, [ALIVE, ALIVE])
    desk.post({})
    desk.match(maker, taker, both, [ALIVE, ALIVE])
    assert desk.options(taker) == {opened: SIZE} and desk.options(maker) == {}


def test_a_good_surface_opens_no_leg_of_another_expiry(desk, sides):
    """However good the one before it was."""
    maker, taker = sides
    later = desk.expiry + DAY
    desk.show(ETH, later)
    near, far = desk.call(3000), desk.call(3000, expiry=later)
    holder_of(desk, maker, near, far)
    desk.show(ETH, later, status=1)
    with refused("SurfaceUnusable", ETH, later):
        desk.match(maker, taker, [(near, -SIZE), (far, -SIZE)], [ALIVE, ALIVE])
    desk.match(maker, taker, [(near, -SIZE)], [ALIVE])
    assert desk.options(taker) == {near: SIZE} and desk.options(maker) == {far: SIZE}


def test_a_series_with_a_second_name_or_without_an_expiry_is_refused(desk, sides):
    """Nothing that could not be settled gets into an account."""
    maker, taker = sides
    with expect("StrikeNotCanonical"):
        desk.match(maker, taker, [(desk.call(3000) & ~(0xFFFFFF << 1) | 10**7 << 1, SIZE)], [ALIVE])
    with expect("ExpiryOutOfRange", 0):
        desk.match(maker, taker, [(perp(ETH) | 2, SIZE)], [SPOT])


def test_an_expired_series_is_not_traded_any_more(desk, sides):
    """From its minute on."""
    maker, taker = sides
    call = desk.call(3000)
    desk.chain.set_timestamp(desk.expiry * 60 - 2)
    desk.post({}, seconds=0)
    desk.show(ETH, desk.expiry)
    desk.match(maker, taker, [(call, SIZE)], [ALIVE])
    desk.post({}, seconds=2)
    with expect("SeriesExpired", call, desk.expiry * 60):
        desk.match(maker, taker, [(call, SIZE)], [ALIVE])


@pytest.mark.parametrize("status", [1, 2])
def test_new_risk_needs_a_fresh_surface_and_reducing_does_not(desk, sides, status):
    """Stale or disputed: a reducing batch still closes."""
    maker, taker = sides
    call = desk.call(3000)
    desk.open(maker, taker, call, 2 * SIZE)
    desk.show(ETH, desk.expiry, status=status)
    for quantity in (SIZE, -SIZE):
        with refused("SurfaceUnusable", ETH, desk.expiry):
            desk.match(maker, taker, [(call, quantity)], [ALIVE])
    reduce(desk, maker, taker, call, SIZE)
    assert desk.options(maker) == {call: SIZE} and desk.options(taker) == {call: -SIZE}


def test_without_a_surface_an_expiry_is_not_listed(desk, sides):
    """Nobody can open what nobody can value."""
    maker, taker = sides
    unknown = desk.call(3000, expiry=desk.expiry + DAY)
    with refused("SurfaceUnusable", ETH, desk.expiry + DAY):
        desk.match(maker, taker, [(unknown, SIZE)], [ALIVE])


def test_a_pause_stops_opening_and_not_closing(desk, sides):
    """The guardian's."""
    maker, taker = sides
    call = desk.call(3000)
    desk.open(maker, taker, call)
    until = desk.now + 3600
    desk.engine.write("pauseRisk", until, sender=desk.admin)
    with expect("NewRiskPaused", until):
        desk.match(maker, taker, [(call, SIZE)], [ALIVE])
    desk.match(maker, taker, [(call, -SIZE)], [ALIVE])
    assert desk.options(maker) == {}


def test_an_old_price_stops_opening_and_a_dead_one_everything(desk, sides):
    """A minute for the one, an hour for the other."""
    maker, taker = sides
    call = desk.call(3000)
    desk.open(maker, taker, call, 2 * SIZE)
    desk.chain.advance(61)
    with expect("PriceUnusable"):
        desk.match(maker, taker, [(call, SIZE)], [ALIVE])
    reduce(desk, maker, taker, call, SIZE)
    desk.chain.advance(3600)
    with expect("PriceUnusable"):
        reduce(desk, maker, taker, call, SIZE)
    assert desk.options(maker) == {call: SIZE}


def test_without_a_verifier_nothing_is_matched(desk, sides):
    """As before options were there."""
    from plimsoll import ledger

    desk.chain.set_storage(desk.engine.address, ledger.VERIFIER, 0)
    with expect("OptionsClosed"):
        desk.match(*sides, [(desk.call(3000), SIZE)], [ALIVE])


def test_a_reduce_only_order_grows_nothing(desk, sides):
    """Not even by going through zero."""
    maker, taker = sides
    call = desk.call(3000)
    with expect("ReduceOnlyExceeded", maker, call):
        desk.match(maker, taker, [(call, SIZE)], [ALIVE], first={"reduce_only": True})
    desk.open(maker, taker, call)
    with expect("ReduceOnlyExceeded", maker, call):
        desk.match(maker, taker, [(call, -2 * SIZE)], [ALIVE], first={"reduce_only": True})
    desk.match(maker, taker, [(call, -SIZE)], [ALIVE], first={"reduce_only": True})
    assert desk.options(maker) == {}


def test_what_a_seller_cannot_carry_he_cannot_sell(desk, sides):
    """Both accounts are checked: twice a tenth of the notional for a short."""
    maker, _ = sides
    poor = desk.trader("poor", 500)
    with expect("BelowInitialMargin"):
        desk.open(maker, poor, desk.call(3000))
    with expect("NegativeBalance"):
        desk.open(poor, maker, desk.call(2000))


# ---------------------------------------------------------------- who may


def test_an_empty_signature_is_the_owner_s_own(desk, sides):
    """The verifier is asked in his name, and nobody without a grant sends one for him."""
    maker, taker = sides
    call = desk.call(3000)
    with expect("NotAuthorized", maker, desk.admin):
        desk.match(maker, taker, [(call, SIZE)], [ALIVE], signatures=(b"", b"\1"))
    desk.match(maker, taker, [(call, SIZE)], [ALIVE], signatures=(b"", b"\1"), sender=desk.owner(maker))
    assert desk.judge.read("counterparty") == desk.owner(maker)


def test_an_operator_may_reduce_within_his_grant_and_no_more(desk, sides):
    """He answers for what the fill lost against the mark."""
    maker, taker = sides
    call, operator = desk.call(3000), desk.actor("operator")
    desk.open(maker, taker, call, 2 * SIZE)
    limits = (1 << ETH, 10**6, 1000, False, desk.now + 3600, 10_000, 1000)
    desk.engine.write("setOperator", maker, operator, limits, sender=desk.owner(maker))
    mine = {"signatures": (b"", b"\1"), "sender": operator}
    with expect("ReduceOnlyExceeded", maker, call):
        desk.match(maker, taker, [(call, SIZE)], [ALIVE], **mine)
    with expect("OperatorLimitExceeded"):
        desk.match(maker, taker, [(call, -SIZE)], [ALIVE - BAND], **mine)
    desk.match(maker, taker, [(call, -SIZE)], [ALIVE - 10 * PRICE], **mine)
    assert desk.options(maker) == {call: SIZE}
    with expect("OperatorLimitExceeded"):
        desk.match(maker, taker, [(desk.call(60_000, market=BTC), -SIZE)], [ALIVE], **mine)


def test_a_lockdown_reaches_the_verifier(desk, sides):
    """An order of before it is void."""
    maker, taker = sides
    desk.engine.write("lockdown", sender=desk.owner(maker))
    with expect("LockdownMismatch", 0, 1):
        desk.match(maker, taker, [(desk.call(3000), SIZE)], [ALIVE])
    desk.match(maker, taker, [(desk.call(3000), SIZE)], [ALIVE], first={"lockdown": 1})
    assert desk.options(maker) == {desk.call(3000): SIZE}


# ---------------------------------------------------------------- what a fill does


def test_the_premium_moves_and_the_fees_are_insurance_s(desk, sides):
    """By hand: two calls at 60; an eighth of the premium is more than the fee on the index."""
    maker, taker = sides
    before = [desk.held(one) for one in (maker, taker, desk.insurance)]
    receipt = desk.match(maker, taker, [(desk.call(3000), 2 * SIZE)], [60 * PRICE])
    fees = [2 * 3000 * USDC * fee // 10**6 for fee in (MAKER_FEE, TAKER_FEE)]
    assert desk.held(maker) == before[0] - 120 * USDC - fees[0]
    assert desk.held(taker) == before[1] + 120 * USDC - fees[1]
    assert desk.held(desk.insurance) == before[2] + sum(fees)
    (told,) = desk.events(receipt, "Matched")
    assert (told.args["premium"], told.args["makerFee"], told.args["takerFee"]) == (
        120 * WAD,
        *(f * UNIT for f in fees),
    )
    assert desk.options(maker) == {desk.call(3000): 2 * SIZE} and desk.options(taker) == {desk.call(3000): -2 * SIZE}


def test_legs_of_several_expiries_and_markets_are_each_held_to_their_own(desk, sides):
    """Mark, band and fee of each leg by hand: one order over two expiries of ether and one of bitcoin."""
    maker, taker = sides
    later = desk.expiry + DAY
    desk.show(ETH, later)
    btc = desk.prices[BTC + 1] // PRICE
    legs = [
        (desk.call(2900), 2 * SIZE, 150),
        (desk.put_on(3040, expiry=later), -SIZE, 90),
        (desk.call(btc + 1000, market=BTC), SIZE // 10, 50),
    ]
    for number, (instrument, _, mark) in enumerate(legs):
        band = (btc if number == 2 else 3000) * 250 * PRICE // 20_000
        prices = [mark * PRICE for _, _, mark in legs]
        prices[number] += band + 1
        with expect("FillPriceOutOfBand", instrument, prices[number], mark * PRICE, band):
            desk.match(maker, taker, [leg[:2] for leg in legs], prices)
    receipt = desk.match(maker, taker, [leg[:2] for leg in legs], [leg[2] * PRICE for leg in legs])
    (told,) = desk.events(receipt, "Matched")
    assert told.args["premium"] == (2 * 150 - 90 + 5) * WAD
    for name, fee in (("makerFee", MAKER_FEE), ("takerFee", TAKER_FEE)):
        by_leg = [(2 * 3000, 300), (3000, 90), (btc // 10, 5)]
        expected = sum(min(index * WAD * fee // 10**6, premium * WAD // 8) for index, premium in by_leg)
        assert told.args[name] == expected
    assert desk.options(maker) == {instrument: quantity for instrument, quantity, _ in legs}


def test_a_fee_is_at_most_an_eighth_of_the_premium(desk, sides):
    """A cheap option would not bear the fee on the index."""
    maker, taker = sides
    before = desk.held(desk.insurance)
    desk.model.write("set", 0, 1000, False, sender=desk.admin)
    desk.match(maker, taker, [(desk.call(4000), SIZE)], [PRICE])
    assert desk.held(desk.insurance) - before == USDC // 8 + USDC // 8


def test_equity_changes_by_price_and_fee_only(desk, sides):
    """Nothing else appears, and what one pays above the mark the other gets."""
    maker, taker = sides
    total, before = desk.total_equity(), [desk.assess(one).equity for one in sides]
    receipt = desk.match(
        maker, taker, [(desk.call(2950), SIZE), (desk.put_on(3100), -SIZE)], [130 * PRICE, 140 * PRICE]
    )
    (told,) = desk.events(receipt, "Matched")
    over = (130 - 100) - (140 - 150)  # marks of 50 + 50 and 100 + 50
    gains = [desk.assess(one).equity - was for one, was in zip(sides, before, strict=True)]
    assert gains == [-over * WAD - told.args["makerFee"], over * WAD - told.args["takerFee"]]
    assert desk.total_equity() == total


def test_partial_fills_are_of_packages(desk, sides):
    """Half a package of ratio two to one."""
    maker, taker = sides
    legs = [(desk.call(3000), 2 * SIZE), (desk.call(3200), -SIZE)]
    desk.match(maker, taker, legs, [ALIVE, ALIVE], size=SIZE // 2, first={"size": SIZE}, second={"size": SIZE})
    assert desk.options(maker) == {desk.call(3000): SIZE, desk.call(3200): -SIZE // 2}


def test_a_perp_leg_moves_positions_between_the_two(desk, sides):
    """At the fill's price, with the market's fees in their costs; the pool's skew stays."""
    maker, taker = sides
    pool, total = desk.pool_equity()[0], desk.total_equity()
    price = SPOT + 5 * PRICE
    desk.match(maker, taker, [(perp(ETH), 2 * SIZE)], [price])
    fees = [2 * 3000 * WAD * fee // 10**6 for fee in (MAKER_FEE, TAKER_FEE)]
    assert desk.position(maker, ETH) == (2 * SIZE, 2 * SIZE * price + fees[0])
    assert desk.position(taker, ETH) == (-2 * SIZE, -2 * SIZE * price + fees[1])
    state = desk.market_words(ETH).state
    assert (state.long_size, state.short_size) == (2 * SIZE, 2 * SIZE)
    assert desk.pool_equity()[0] - pool == sum(fees) and desk.total_equity() == total


def test_a_perp_leg_has_the_limits_of_the_market(desk, sides):
    """Band around the index; open interest that pool and insurance must cover."""
    maker, taker = sides
    with expect("FillPriceOutOfBand", perp(ETH), SPOT + BAND + 1, SPOT, BAND):
        desk.match(maker, taker, [(perp(ETH), SIZE)], [SPOT + BAND + 1])
    desk.set_trade(ETH, max_oi=SIZE, max_skew=SIZE // 2)
    with expect("OpenInterestCapExceeded", ETH, 2 * SIZE, SIZE):
        desk.match(maker, taker, [(perp(ETH), SIZE)], [SPOT])


def test_perps_that_close_are_paid_out(desk, sides):
    """The rest of a position of size zero is cash."""
    maker, taker = sides
    before = [desk.held(one) for one in sides]
    desk.match(maker, taker, [(perp(ETH), SIZE)], [SPOT])
    desk.match(maker, taker, [(perp(ETH), -SIZE)], [SPOT + 10 * PRICE])
    fees = [2 * 3000 * USDC * fee // 10**6 for fee in (MAKER_FEE, TAKER_FEE)]
    assert desk.position(maker, ETH) == desk.position(taker, ETH) == (0, 0)
    assert desk.held(maker) == before[0] + 10 * USDC - fees[0]
    assert desk.held(taker) == before[1] - 10 * USDC - fees[1]


def test_options_and_a_perp_fill_together_or_not_at_all(desk, sides):
    """A covered call in one order; the second leg's bad price takes the first one back."""
    maker, taker = sides
    legs = [(perp(ETH), SIZE), (desk.call(3100), -SIZE)]
    with expect("FillPriceOutOfBand"):
        desk.match(maker, taker, legs, [SPOT, ALIVE + BAND + 1])
    assert desk.position(maker, ETH) == (0, 0)
    desk.match(maker, taker, legs, [SPOT, ALIVE], first={"limit": SPOT - ALIVE})
    assert desk.position(maker, ETH)[0] == SIZE and desk.options(maker) == {desk.call(3100): -SIZE}


def test_in_a_reducing_batch_who_opens_is_held_to_initial_margin(desk, sides):
    """A restricted seller buys back a part of whom he finds: one who opens for it, with margin and fresh prices."""
    maker, taker = sides
    call = desk.call(3000)
    desk.open(maker, taker, call, 10 * SIZE)
    desk.post({1: 3500 * PRICE})
    state = desk.assess(taker)
    assert state.mm < state.equity < state.im
    writer, poor, price = desk.trader("writer", 10_000), desk.trader("poor", 10), 560 * PRICE
    with refused("BelowInitialMargin", taker):
        desk.match(taker, writer, [(call, SIZE)], [price])
    with refused("BelowInitialMargin", poor):
        desk.execute(desk.admin, desk.filling(taker, poor, [(call, SIZE)], [price]), reducing=True)
    desk.execute(desk.admin, desk.filling(taker, writer, [(call, SIZE)], [price]), reducing=True)
    assert desk.options(taker) == {call: -9 * SIZE} and desk.options(writer) == {call: -SIZE}


def test_a_reducing_batch_is_no_way_to_sell_a_hedge(desk, sides):
    """No leg grows, and yet the account would be worse: it is held to initial margin as well, and to fresh prices."""
    maker, taker = sides
    short, hedge = desk.call(3000), desk.call(3100)
    desk.open(maker, taker, short, 2 * SIZE)
    desk.open(taker, maker, hedge, 2 * SIZE)
    desk.show(ETH, desk.expiry, status=1)
    with refused("SurfaceUnusable", ETH, desk.expiry):
        desk.execute(desk.admin, desk.filling(taker, maker, [(hedge, -SIZE)], [ALIVE - PRICE]), reducing=True)
    assert desk.options(taker)[hedge] == 2 * SIZE


# ---------------------------------------------------------------- where


def test_an_isolated_account_trades_options_of_its_market(desk, sides):
    """And no others; one of a pair none."""
    _, taker = sides
    mine = desk.trader("alone", 1_000, market=ETH)
    with expect("MarketNotAllowed", mine, BTC):
        desk.open(mine, taker, desk.call(60_000, market=BTC), SIZE // 100)
    desk.open(mine, taker, desk.call(3000))
    assert desk.options(mine) == {desk.call(3000): SIZE}


def test_a_portfolio_account_opens_once_it_has_a_model(desk, sides):
    """It holds, trades and is judged by its own model."""
    _, taker = sides
    fund = desk.portfolio("fund", 10_000)
    desk.open(fund, taker, desk.call(3000), -SIZE)
    assert desk.options(fund) == {desk.call(3000): -SIZE}
    assert desk.assess(fund)[:5] == desk.twin(fund)
    named = accounts.pack(desk.actor("fund"), 2, 3, 0)
    with expect("MarketNotAllowed", named, 3):
        desk.fund(named, 0, 1)


def test_options_move_between_accounts_of_one_owner(desk, sides):
    """Without cash; both ends are checked, and nobody else's account is one."""
    maker, taker = sides
    call, spare = desk.call(3000), desk.account(desk.actor("maker"), 7)
    desk.open(maker, taker, call, 2 * SIZE)
    with expect("InsufficientBalance", maker, call, 2 * SIZE, 3 * SIZE):
        desk.act(maker, transfer_option(maker, spare, call, 3 * SIZE))
    with expect("InsufficientBalance", maker, call, 2 * SIZE, SIZE):
        desk.act(maker, transfer_option(maker, spare, call, -SIZE))
    with expect("AccountMismatch", maker, taker):
        desk.act(maker, transfer_option(maker, taker, call, SIZE))
    empty = desk.account(desk.actor("taker"), 1)
    with refused("BelowInitialMargin", empty):
        desk.act(taker, transfer_option(taker, empty, call, -SIZE))
    desk.act(maker, transfer_option(maker, spare, call, SIZE))
    assert desk.options(maker) == desk.options(spare) == {call: SIZE}


def test_marks_agree_with_the_twin_for_both_sides(desk, sides):
    """Several markets and expiries, at every use of prices."""
    maker, taker = sides
    later = desk.expiry + DAY
    desk.show(ETH, later)
    for instrument, quantity in (
        (desk.call(3000), SIZE),
        (desk.put_on(2900, expiry=later), -SIZE),
        (desk.call(61_000, market=BTC), SIZE // 50),
    ):
        desk.open(maker, taker, instrument, quantity)
    for one in sides:
        assert desk.assess(one)[:5] == desk.twin(one, PriceUse.TARGET)
