"""What a check hands a model with options, word by word, and what failed prices and surfaces do to it."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, SIZE, UNIT, USDC, WAD, WETH
from option_desk import DAY, OptionDesk, refused

from plimsoll.actions import borrow, limit, trade_perp, withdraw
from plimsoll.errors import Reverted
from plimsoll.margin import option_values
from plimsoll.margin.account import PriceUse
from plimsoll.margin.option_series import key_of


@pytest.fixture
def desk():
    return OptionDesk.create().with_options()


@pytest.fixture
def sides(desk):
    return desk.trader("maker", 20_000), desk.trader("taker", 20_000)


def handed(desk, account):
    """What the model was given: assets, tags, perps, expiries, options, witness."""
    t, r, _ = (desk.model.read(name) for name in ("timeValue", "rate", "shows"))
    desk.model.write("set", t, r, True, sender=desk.admin)
    with pytest.raises(Reverted) as caught:
        desk.engine.read("assess", account)
    desk.model.write("set", t, r, False, sender=desk.admin)
    assert caught.value.name == "Handed"
    return [list(words) if not isinstance(words, bytes) else words for words in caught.value.values]


def busy(desk, account, other):
    """Three markets' options in four expiries, a perp, collateral, a debt."""
    for days in (1, 7):
        desk.show(ETH, desk.expiry + days * DAY)
    desk.fund(account, WETH, 2 * 10**18)
    desk.act(account, trade_perp(account, ETH, -SIZE))
    for instrument, quantity in (
        (desk.call(3000), SIZE),
        (desk.call(60_000, market=BTC), -SIZE // 50),
        (desk.put_on(2900, expiry=desk.expiry + 7 * DAY), -SIZE),
        (desk.put_on(3000), -SIZE),
        (desk.call(3100, expiry=desk.expiry + DAY), 2 * SIZE),
        (desk.put_on(140, market=2), 10 * SIZE),
    ):
        desk.open(account, other, instrument, quantity)


# ---------------------------------------------------------------- the words


def test_the_words_of_a_busy_account_are_its_twin_s(desk, sides):
    """Assets, tags, perps, expiries and options, for a cross and for a portfolio account."""
    for name in ("cross", "portfolio"):
        account = sides[0] if name == "cross" else desk.portfolio("fund", 20_000)
        busy(desk, account, sides[1])
        desk.send_price(3, 151 * PRICE, confidence=777)
        found = handed(desk, account)
        sheet = option_values.gather(desk.mirror(account), desk.snapshot_words(), PriceUse.TARGET)
        assert found == [sheet.assets, sheet.tags, sheet.perps, sheet.expiries, sheet.options, b""]


def test_words_are_as_the_interface_says(desk, sides):
    """Written out by hand for one account with two expiries of a market."""
    maker, taker = sides
    later = desk.expiry + DAY
    desk.show(ETH, later)
    desk.open(maker, taker, desk.put_on(2900, expiry=later), -3)
    desk.open(maker, taker, desk.call(3000), SIZE)
    assets, tags, perps, expiries, options, _ = handed(desk, maker)
    assert assets[0] >> 48 == desk.held(maker) * UNIT and perps == []
    assert tags == [10**10 << 40]
    left = desk.expiry * 60 - desk.now
    one = 1 << 14
    assert expiries[0] == ETH | 1 << 8 | 1 << 16 | left << 32 | one << 72 | one << 96
    assert expiries[1] == 3000 * PRICE | 100 << 72
    assert expiries[5] == ETH | 1 << 8 | 1 << 16 | (left + DAY * 60) << 32 | one << 72 | one << 96
    assert expiries[2:5] == list(desk.surfaces.read("read", [key_of(ETH, desk.expiry)]))
    assert options == [desk.call(3000) << 64 | SIZE, desk.put_on(2900, expiry=later) << 64 | (2**64 - 3)]


def test_the_quote_asset_is_handed_even_when_there_is_none(desk, sides):
    """Its price has to be there for the peg."""
    desk.lender("lender", 0, 100_000 * USDC)
    fund = desk.portfolio("fund")
    desk.fund(fund, WETH, 10**19)
    assets, tags, *_ = handed(desk, fund)
    assert len(assets) == len(tags) == 2
    assert assets[0] >> 48 == 0 and tags[1] == 1 | 100 << 8 | WETH << 32 | 3000 * PRICE << 40


def test_an_expired_series_has_no_time_and_once_settled_its_price(desk, sides):
    """Until it is settled the spot is the best guess."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000), SIZE)
    desk.chain.set_timestamp(desk.expiry * 60)
    desk.post({1: 3200 * PRICE}, seconds=0)
    expiries = handed(desk, maker)[3]
    assert expiries[0] >> 32 & 0xFFFFFFFF == 0 and expiries[0] >> 64 & 0xFF == 0
    assert expiries[1] & (2**72 - 1) == 3200 * PRICE and expiries[2:] == [0, 0, 0]
    desk.settle_price(ETH, desk.expiry, 3150 * PRICE)
    expiries = handed(desk, maker)[3]
    assert expiries[0] >> 64 & 0xFF == 1 and expiries[1] == 3150 * PRICE
    assert desk.assess(maker)[:5] == desk.twin(maker)


def test_positions_reach_the_model_in_order_whatever_their_slots(desk, sides):
    """Opened backwards, with gaps filled."""
    maker, taker = sides
    strikes = [3500, 3400, 3300, 3200, 3100, 3000]
    for strike in strikes:
        desk.open(maker, taker, desk.call(strike), SIZE // 10)
    desk.open(maker, taker, desk.call(3300), -SIZE // 10)
    options = handed(desk, maker)[4]
    assert options == [desk.call(strike) << 64 | SIZE // 10 for strike in sorted(strikes) if strike != 3300]


# ---------------------------------------------------------------- failed prices and surfaces


def test_a_stale_surface_stops_new_risk_of_who_is_short(desk, sides):
    """Withdrawing, borrowing, opening; not being valued, and not an account without anything at risk."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000))
    desk.show(ETH, desk.expiry, status=1)
    with refused("SurfaceUnusable", ETH, desk.expiry):
        desk.act(taker, withdraw(taker, 0, USDC, desk.owner(taker)))
    with refused("SurfaceUnusable", ETH, desk.expiry):
        desk.act(taker, trade_perp(taker, BTC, SIZE // 100))
    desk.act(maker, withdraw(maker, 0, USDC, desk.owner(maker)))  # only long
    assert desk.assess(taker)[:5] == desk.twin(taker)


def test_a_bare_account_takes_out_all_its_cash(desk, sides):
    """What it paid for is no risk of anyone's."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000))
    desk.act(maker, withdraw(maker, 0, desk.held(maker), desk.owner(maker)))
    assert desk.held(maker) == 0 and desk.assess(maker).mm == 0 and desk.assess(maker).equity == 50 * WAD


def test_a_surface_that_is_gone_reverts_no_check(desk, sides):
    """Another feed that knows nothing, or none at all."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000))
    desk.install("setSurfaces", desk.put("MockSurfaces").address)
    assert desk.assess(taker).equity > 0
    with refused("SurfaceUnusable", ETH, desk.expiry):
        desk.act(taker, withdraw(taker, 0, USDC, desk.owner(taker)))


@pytest.mark.parametrize("use", [PriceUse.TARGET, PriceUse.ACQUIRE])
def test_a_failed_spot_moves_options_both_ways(desk, sides, use):
    """A straddle: either move costs its seller, so for him none is best and the worst is one of them."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000), SIZE)
    desk.open(maker, taker, desk.put_on(3000), SIZE)
    still = {one: desk.twin(one, PriceUse.REDUCE) for one in sides}
    desk.chain.advance(3 * 3600)
    short, long = desk.twin(taker, use), desk.twin(maker, use)
    if use == PriceUse.TARGET:
        assert desk.assess(taker)[:5] == short and desk.assess(maker)[:5] == long
        assert short.equity == still[taker].equity and short.mm < still[taker].mm
        assert long.equity > still[maker].equity
    else:
        assert short.equity < still[taker].equity and short.mm > still[taker].mm
        assert long.equity == still[maker].equity


def test_two_failed_spots_move_apart(desk, sides):
    """One up, one down, where that is best for the target, to the wei as in the twin."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000), SIZE)
    desk.open(maker, taker, desk.put_on(60_000, market=BTC), SIZE // 20)
    desk.chain.advance(3600)
    best = desk.assess(maker)
    assert best[:5] == desk.twin(maker)
    sheet = option_values.gather(desk.mirror(maker), desk.snapshot_words(), PriceUse.TARGET)
    assert sheet.failed == (ETH, BTC)


def test_a_failed_spot_refuses_new_risk(desk, sides):
    """Of who is short."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000), SIZE)
    desk.chain.advance(61)
    desk.send_price(2, 60_000 * PRICE)
    with refused("PriceUnusable", 1):
        desk.act(taker, trade_perp(taker, BTC, SIZE // 1000))


# ---------------------------------------------------------------- levels


def test_exposure_counts_options_by_their_notional(desk, sides):
    """What an owner's own limit holds him to."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000), SIZE)
    desk.act(taker, limit(taker, 16))
    with refused("LeverageExceeded", taker):
        desk.act(taker, limit(taker, 14))


def test_a_margin_call_and_its_end_are_by_the_same_numbers(desk, sides):
    """States of an account with options."""
    maker, taker = sides
    desk.open(maker, taker, desk.call(3000), 10 * SIZE)
    for price in (3000, 4500, 4800, 5100):
        desk.post({1: price * PRICE})
        assert desk.assess(taker)[:5] == desk.twin(taker)
    assert desk.assess(taker).state == 4


def test_borrowing_beside_options_counts_both(desk, sides):
    """A debt's requirement and a short's."""
    maker, taker = sides
    desk.lender("lender", WETH, 10**20)
    desk.open(maker, taker, desk.call(3000), SIZE)
    desk.act(taker, borrow(taker, WETH, 10**18))
    assert desk.assess(taker)[:5] == desk.twin(taker)


def test_who_owes_is_not_bare_though_he_has_longs_alone(desk, sides):
    """What he borrowed needs margin: his cash stays as far as that."""
    maker, taker = sides
    desk.lender("lender", WETH, 10**20)
    desk.open(maker, taker, desk.call(3000), SIZE)
    assert desk.assess(maker).im == 0
    desk.act(maker, borrow(maker, WETH, 10**18), withdraw(maker, WETH, 10**18, desk.owner(maker)))
    found = desk.assess(maker)
    assert found[:5] == desk.twin(maker) and found.mm > 0
    with refused("BelowInitialMargin"):
        desk.act(maker, withdraw(maker, 0, (found.equity - found.im // 2) // UNIT, desk.owner(maker)))
