"""An expiry's last half hour: what its options are written on, second by second, and that everybody agrees about it.

To the wei on both sides of every edge: the check and its twin, the mark of a fill and the lens, the last mark and what
is paid.
"""

from __future__ import annotations

import random

import pytest
from desk import BTC, ETH, LIQUIDATABLE, PRICE, SIZE, UNIT, USDC, WAD, WETH, expect
from listed_desk import ListedDesk
from option_desk import OptionDesk
from test_option_check import handed

from plimsoll import reading
from plimsoll.actions import liquidate, margin_call, trade_perp, withdraw
from plimsoll.keeper.options import OptionReader
from plimsoll.margin import option_values
from plimsoll.margin.account import PriceUse, assess
from plimsoll.margin.option_series import key_of
from plimsoll.margin.portfolio_words import AccountView
from plimsoll.margin.settlement_math import known_of
from plimsoll.options import heatmap
from plimsoll.testing.options import DAY

WINDOW, STEP = 1_800, 120
EDGES = [-1_801, -1_800, -1_799, -1_790, -900, -121, -120, -2, -1, 0, 1, 119, 700]


@pytest.fixture
def desk():
    made = ListedDesk.create().with_options()
    made.end = made.expiry * 60
    return made


def at(desk, seconds, price=None):
    """So many seconds from the expiry, with a fresh price."""
    desk.chain.set_timestamp(desk.end + seconds)
    desk.post({1: int(price * PRICE)} if price else {}, seconds=0)


def look(desk):
    return desk.engine.write("observeExpiry", ETH, desk.expiry, sender=desk.admin)


def watch(desk, first, last, price=None, step=STEP):
    for seconds in range(first, last + 1, step):
        at(desk, seconds, price)
        look(desk)


def final(desk):
    return desk.engine.read("settlementOf", ETH, desk.expiry)[0]


def quote(desk, instrument):
    return desk.deployed.option_lens.read("quotes", [instrument])[0]


@pytest.fixture
def crowd(desk):
    """By rule and by scenarios, long and short, with perps, ether, another market and a later expiry beside."""
    people = [desk.trader("rule", 90_000), desk.portfolio("fund", 90_000), desk.portfolio("plain", 90_000)]
    other, later = desk.portfolio("other", 500_000), desk.expiry + 30 * DAY
    at(desk, -2_400)
    desk.show({(ETH, desk.expiry): 0.6, (ETH, later): 0.6, (BTC, desk.expiry): 0.6})
    for n, account in enumerate(people):
        desk.match(account, other, [(desk.call(2_900 + 50 * n), -5 * SIZE), (desk.put_on(3_100), 3 * SIZE)])
        desk.match(account, other, [(desk.put_on(2_950), -4 * SIZE)])
    for account in people[:2]:
        desk.match(account, other, [(desk.call(3_200, expiry=later), SIZE), (desk.call(60_000, market=BTC), SIZE // 9)])
        desk.fund(account, WETH, 2 * 10**18)
        desk.act(account, trade_perp(account, ETH, 4 * SIZE))
    return [*people, other]


# ---------------------------------------------------------------- engine and twin


@pytest.mark.parametrize("looks", ["none", "some", "all"])
def test_the_check_and_its_twin_agree_on_both_sides_of_every_edge(desk, crowd, looks):
    """Every account, by every scenario and by witness, with the price moving, and a price that is stale."""
    numbers = random.Random(looks)
    times = sorted({*EDGES, *range(-1_790, 0, 119 if looks == "all" else 400)})
    for seconds in times:
        if desk.end + seconds < desk.now:
            continue
        at(desk, seconds, numbers.uniform(2_800, 3_200))
        for account in crowd:
            assert desk.assess(account)[:5] == desk.twin(account), seconds
        for account in crowd[1:3]:
            witness = desk.witness(account)
            proved = desk.engine.read("assessWitness", account, witness)
            assert proved[:5] == option_values.assess(
                desk.mirror(account), desk.snapshot_words(), PriceUse.TARGET, witness
            )
        if looks != "none" and seconds > -1_800 and not final(desk) and (looks == "all" or seconds % 3):
            look(desk)
        if seconds in (-900, 119):
            desk.chain.set_timestamp(desk.end + seconds + 90)
            assert all(desk.assess(one)[:5] == desk.twin(one) for one in crowd), "stale"
            assert option_values.gather(desk.mirror(crowd[0]), desk.snapshot_words(), PriceUse.TARGET).failed
    assert bool(final(desk)) == (looks == "all")


@pytest.mark.parametrize("seconds", [-1_500, -1, 0, 60])
def test_a_look_moves_nobody_s_equity(desk, crowd, seconds):
    """Before the expiry or after it. Nor what is required, where nothing else hedges what settles."""
    watch(desk, -1_780, min(seconds, -120) - 1, 3_000)
    at(desk, seconds, 3_170)
    before = [desk.assess(account) for account in crowd]
    look(desk)
    after = [desk.assess(account) for account in crowd]
    assert [found.equity for found in after] == [found.equity for found in before]
    if not final(desk):
        assert after[0] == before[0] and after[2] == before[2], "by rule, and of nothing but what settles"


def test_the_last_mark_is_what_is_paid(desk, crowd):
    """From the second before to the money in the account: the mean moves by a second, and settling moves nothing."""
    watch(desk, -1_680, -120, 3_050)
    at(desk, -1, 3_400)
    before = [desk.assess(account).equity for account in crowd]
    at(desk, 0, 3_400)
    last = [desk.assess(account).equity for account in crowd]
    # Time value of a second, on a dozen options; perps and ether move alike at either.
    assert all(abs(a - b) < 40 * WAD for a, b in zip(before, last, strict=True))
    look(desk)
    assert final(desk) == (14 * 3_050 + 3_400) * PRICE // 15
    assert [desk.assess(account).equity for account in crowd] == last
    desk.settle(ETH, desk.expiry, *crowd)
    assert all(abs(desk.assess(one).equity - was) < 4 * UNIT for one, was in zip(crowd, last, strict=True))


def test_after_an_expiry_that_too_few_saw_the_rest_is_the_spot_s(desk, crowd):
    """Fifteen minutes at 3,000, then silence: five of twenty are open, at the price of now."""
    watch(desk, -1_680, -900, 3_000)
    at(desk, 3_600, 3_300)
    covered = desk.settlement(ETH, desk.expiry).covered
    assert quote(desk, desk.call(2_000)).spot == (covered * 3_000 + (1_200 - covered) * 3_300) * PRICE // 1_200
    for n in range(1, 5):
        at(desk, 3_600 + 120 * n, 3_300)
        if not final(desk):
            last = quote(desk, desk.call(2_000)).spot
            look(desk)
    assert final(desk) == last


# ---------------------------------------------------------------- the words


def test_the_words_that_a_model_is_handed_are_the_twin_s_and_as_the_interface_says(expiry_words):
    """What is open, of what, and what is known, above the multipliers; the mean for the spot; a basis's rest."""
    desk, account = expiry_words
    words = handed(desk, account)[3]
    record = desk.snapshot_words().settlement(ETH, desk.expiry)
    rest, total = 1_800 - record.covered, 1_800
    assert words == option_values.gather(desk.mirror(account), desk.snapshot_words(), PriceUse.TARGET).expiries
    assert words[0] >> 120 & 0xFFFF == rest and words[0] >> 136 & 0xFFFF == total
    assert words[0] >> 160 == record.weighted == record.covered * 3_000 * PRICE
    assert words[1] & (2**72 - 1) == (record.weighted + rest * 3_300 * PRICE) // total
    carry = desk.surfaces.read("read", [key_of(ETH, desk.expiry)])[2] & (2**64 - 1)
    assert words[4] & (2**64 - 1) == known_of(record, desk.expiry, desk.now, failed=False).carry(carry)


@pytest.fixture
def expiry_words():
    desk = OptionDesk.create().with_options()
    desk.end = desk.expiry * 60
    maker, taker = desk.trader("maker", 20_000), desk.trader("taker", 20_000)
    desk.open(maker, taker, desk.call(3_000))
    watch(desk, -1_680, -960, 3_000)
    surface = (1, desk.now << 200, 102 * WAD // 100)
    desk.surfaces.write("set", key_of(ETH, desk.expiry), surface, sender=desk.admin)
    at(desk, -900, 3_300)
    return desk, maker


# ---------------------------------------------------------------- fills and lens


@pytest.mark.parametrize("seconds", [-1_801, -1_800, -1_799, -900, -1])
def test_a_fill_is_compared_with_the_mark_that_the_check_has(desk, seconds):
    """The band around what lens and check say, to the last unit of a price."""
    maker, taker = desk.trader("maker", 90_000), desk.trader("taker", 90_000)
    call = desk.call(2_900)
    at(desk, -2_000)
    desk.show()
    watch(desk, -1_700, seconds - 50, 3_000)
    if seconds > -900:
        desk.show()
    at(desk, seconds, 3_300)
    mark, band = quote(desk, call).mark, 3_300 * PRICE * desk.market_words(ETH).risk.mm_rate1 // 20_000
    assert mark == desk.mark(call)
    with expect("FillPriceOutOfBand"):
        desk.match(maker, taker, [(call, SIZE)], [mark + band + 1])
    desk.match(maker, taker, [(call, SIZE)], [mark + band])
    paid = 90_000 * WAD - desk.held(maker) * UNIT
    assert abs(desk.assess(maker).equity + paid - 90_000 * WAD - mark * SIZE) == 0


def test_greeks_are_what_the_engine_s_equity_does(desk, crowd):
    """At other prices, twenty minutes into the window: a third of a move is left to what settles, all to the rest."""
    watch(desk, -1_680, -600, 3_050)
    at(desk, -590, 3_000)
    for account in crowd:
        found = {u.feed: u for u in desk.deployed.option_lens.read("greeks", account)}[1]
        here, up, down = (
            desk.engine.read("assessAt", account, [(1, 3_000 * PRICE + step * PRICE)])[0].equity for step in (0, 9, -9)
        )
        assert (up - down) / 18 / WAD == pytest.approx(found.delta / WAD, abs=2e-3)
        assert (up - 2 * here + down) / 81 / WAD == pytest.approx(found.gamma / WAD, rel=0.02, abs=1e-5)
    deep = quote(desk, desk.call(1_000))
    assert deep.delta == WAD * 600 // 1_800 and deep.spot == (1_200 * 3_050 + 600 * 3_000) * PRICE // 1_800


def test_a_seller_is_not_called_for_what_he_will_not_owe(desk):
    """Three minutes before the end a jump by a seventh: at the spot he was lost, at the mean he owes a sixtieth."""
    seller, buyer = desk.trader("seller", 7_000), desk.trader("buyer", 90_000)
    at(desk, -2_000)
    desk.show()
    desk.match(buyer, seller, [(desk.call(3_000), 8 * SIZE)])
    watch(desk, -1_680, -240, 3_000)
    at(desk, -180, 3_400)
    found = desk.assess(seller)
    assert found[:5] == desk.twin(seller)
    assert found.equity > found.mm, "and at the spot: 3,800, less than what would be required"
    watch(desk, -120, 0, 3_400)
    desk.settle(ETH, desk.expiry, seller, buyer)
    assert desk.held(seller) > 6_000 * USDC


def test_who_may_not_open_may_still_not_when_the_price_is_stale(desk, crowd):
    """What is known of the mean is no price for new risk."""
    watch(desk, -1_680, -300, 3_000)
    desk.chain.set_timestamp(desk.end - 100)
    with expect("PriceUnusable"):
        desk.act(crowd[0], withdraw(crowd[0], 0, USDC, desk.owner(crowd[0])))


# ---------------------------------------------------------------- who reads it


def test_what_is_read_for_one_account_and_by_the_keeper_is_what_the_engine_has(desk, crowd):
    """plimsoll.reading, and the keeper's snapshot of slots, with a mean half known; and the map of its gains."""
    watch(desk, -1_680, -900, 3_050)
    desk.show()
    at(desk, -820, 2_950)
    held = {series for account in crowd for series in desk.options(account)}
    keeper = OptionReader(desk.engine).snapshot(desk.snapshot_words(), held, desk.chain.block()[0])
    for account in crowd:
        found = desk.assess(account)
        assert tuple(assess(*reading.read(desk.deployed, account))) == found[:5]
        assert tuple(assess(desk.mirror(account), keeper, PriceUse.TARGET)) == found[:5]
        moves = (-0.2, 0.01, 0.2)
        prices = [round(2_950 * PRICE * (1 + move)) for move in moves]
        moved = [desk.engine.read("assessAt", account, [(1, price)])[0].equity for price in prices]
        grid = heatmap.heatmap(heatmap.read(desk.deployed, account), spots=moves, vols=[0.0], feed=1)
        assert [row[0] for row in grid] == pytest.approx([(e - found.equity) / WAD for e in moved], abs=0.2)


# ---------------------------------------------------------------- calls and slices


@pytest.fixture
def hedged(desk):
    """A hundred perps against a hundred deep calls, with a tenth of their notional."""
    account, other = desk.portfolio("hedged", 240_000), desk.portfolio("other", 400_000)
    at(desk, -1_790)
    desk.show()
    desk.match(account, other, [(desk.call(1_000), -100 * SIZE)])
    desk.act(account, trade_perp(account, ETH, 100 * SIZE))
    desk.act(account, withdraw(account, 0, 175_000 * USDC, desk.owner(account)))
    return account


def test_a_hedge_that_has_ended_is_called_and_taken_by_the_witness_that_shows_it(desk, hedged):
    """Healthy at the window's start; in the last minutes a fall is his whole. The witness of whole moves proves nothing
    there, the keeper's does, and by all scenarios he can be taken as well."""
    keeper = desk.portfolio("keeper", 300_000)
    found = desk.assess(hedged)
    assert found[:5] == desk.twin(hedged) and found.state == 0
    watch(desk, -1_670, -230)
    at(desk, -120, 2_700)
    found = desk.assess(hedged)
    assert found[:5] == desk.twin(hedged) and found.state == LIQUIDATABLE
    snapshot = desk.snapshot_words()
    sheet = option_values.gather(desk.mirror(hedged), snapshot, PriceUse.TARGET)
    words = (sheet.assets, sheet.tags, sheet.perps, sheet.expiries, sheet.options)
    whole = snapshot.portfolio.best_witness(AccountView.of(*words)).witness
    assert desk.engine.read("assessWitness", hedged, whole)[3] < found.equity
    assert desk.engine.read("assessWitness", hedged, desk.witness(hedged))[3] == found.mm
    with expect("WitnessInsufficient"):
        desk.act(keeper, liquidate(keeper, hedged, witness=whole))
    mark = desk.chain.snapshot()
    for witness in (b"", desk.witness(hedged)):
        desk.act(keeper, liquidate(keeper, hedged, witness=witness))
        after = desk.assess(hedged)
        assert after[:5] == desk.twin(hedged) and after.equity - after.mm > found.equity - found.mm
        desk.chain.revert(mark)
        mark = desk.chain.snapshot()
    desk.act(keeper, margin_call(keeper, hedged, witness=desk.witness(hedged)))
    assert desk.header(hedged).call_deadline > desk.now


def test_where_the_price_has_failed_a_hedge_that_has_ended_is_none_either(desk, hedged):
    """At every price that it may have moved to the target has the more of both answers against it."""
    watch(desk, -1_670, -230)
    at(desk, -120, 2_700)
    desk.chain.set_timestamp(desk.end - 30)
    sheet = option_values.gather(desk.mirror(hedged), desk.snapshot_words(), PriceUse.TARGET)
    assert sheet.failed == (ETH,) and sheet.ending
    found = desk.assess(hedged)
    assert found[:5] == desk.twin(hedged) and found.state == LIQUIDATABLE
