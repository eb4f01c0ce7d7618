"""The float screen of portfolio accounts: it leaves out nobody whom the exact twin would call, and most others."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from portfolio_town import BEGIN, DAYS, HOUR, OptionTown

from plimsoll import accounts as ids
from plimsoll.accounts import Mode
from plimsoll.keeper.option_screen import LEAST, suspects
from plimsoll.keeper.select import judge
from plimsoll.margin.account import Account, Balance, Header, ModelReplaced, PriceUse, assess
from plimsoll.margin.option_series import key_of, pack
from plimsoll.margin.words import Position, Settlement
from plimsoll.prices import PRICE

COUNT = 40
GRID = {0: (1_500, 1_800, 2_000, 2_200), 1: (55_000, 65_000, 70_000, 80_000)}


@pytest.fixture(scope="module")
def snapshot(logging_chain):
    """Four hours into the fall, with the surfaces of all series on the grid."""
    town = OptionTown(logging_chain(timestamp=OptionTown.genesis()))
    for name, days in (("ETH", DAYS), ("BTC", DAYS)):
        for day in days:
            person = town.desk.person(f"{name} {day}", Mode.PORTFOLIO)
            town.desk.fund(person.account, person.address, 1_000_000)
            town.trade(person, {town.put(1_500 if name == "ETH" else 55_000, name, day): 10**6})
    town.at(BEGIN + 4 * HOUR)
    return town.keeper.mirror.follow().snapshot


def series(draw):
    market = draw.choice((0, 1))
    day = draw.choice(DAYS)
    return pack(market, (BEGIN + day * 86_400) // 60, draw.choice(GRID[market]) * PRICE, put=draw.random() < 0.5)


def anyone(draw, number):
    """Some options, sometimes a perp and ether, and cash that puts him near his margin or far from it."""
    chosen = {series(draw) for _ in range(draw.randrange(1, 8))}
    options = {one: draw.choice((-1, -1, -1, 1)) * draw.randrange(1, 10**10) for one in sorted(chosen)}
    options = {i: q // 30 if i >> 56 else q for i, q in options.items()}
    positions = {0: Position(draw.randrange(-(10**9), 10**9), 0)} if draw.random() < 0.4 else {}
    balances = {0: Balance(held=0)} | ({1: Balance(held=draw.randrange(10**19))} if draw.random() < 0.3 else {})
    header = Header(assets=sum(1 << a for a in balances), markets=len(positions), options=len(options), listed=1)
    id = ids.pack(f"0x{number + 1:040x}", Mode.PORTFOLIO, 0, 0)
    return Account(id, header, balances, positions, options)


def with_cash(account, snapshot, health):
    """So much cash that equity is `health` times the call margin."""
    account = replace(account, balances=account.balances | {0: Balance()})
    found = assess(account, snapshot, PriceUse.TARGET)
    level = found.mm + (found.im0 - found.mm) * 3 // 10
    held = max(int((health * level - found.equity) / 10**12), 0)
    return replace(account, balances=account.balances | {0: Balance(held=held)})


@pytest.fixture(scope="module")
def crowd(snapshot):
    draw = random.Random(4)
    healths = [0.5, 0.9, 0.999, 0.999999, 1.000001, 1.001, 1.1, 2.0]
    people = [anyone(draw, number) for number in range(COUNT)]
    return [with_cash(one, snapshot, healths[n % len(healths)]) for n, one in enumerate(people)]


@pytest.fixture(scope="module")
def wanted(crowd, snapshot):
    return needing(crowd, snapshot)


def needing(crowd, snapshot):
    """Whom the exact twin would call or liquidate."""
    return {a.id for a in crowd if judge(a, assess(a, snapshot, PriceUse.TARGET), snapshot)}


def test_nobody_who_needs_something_is_left_out(crowd, snapshot, wanted):
    """Also one a millionth below his call margin."""
    assert len(wanted) >= COUNT // 3
    assert wanted <= {account.id for account in suspects(crowd, snapshot)}


def test_who_is_a_thousandth_above_is_left_out(crowd, snapshot):
    """An exact look costs a hundred times as much."""
    found = {account.id for account in suspects(crowd, snapshot)}
    idle = [a for n, a in enumerate(crowd) if n % 8 >= 5]
    assert idle and [account for account in idle if account.id in found] == []


def test_accounts_by_rule_and_few_accounts_are_all_looked_at(crowd, snapshot):
    """The table is worth its making from sixteen on."""
    rule = replace(crowd[7], id=ids.pack("0x" + "77" * 20, Mode.CROSS, 0, 0))
    assert suspects(crowd[: LEAST - 1], snapshot) == crowd[: LEAST - 1]
    assert rule in suspects([*crowd, rule], snapshot)


def test_a_model_that_is_replaced_or_missing_leaves_nobody_out(crowd, snapshot):
    """Nor do prices that failed."""
    ramping = replace(snapshot, portfolio_replaced=ModelReplaced(snapshot.portfolio, snapshot.time + 3_600))
    late = replace(snapshot, time=snapshot.time + 7_200)
    for other in (ramping, replace(snapshot, portfolio=None), late):
        assert suspects(crowd, other) == crowd


def ending(snapshot, seconds, share):
    """So many seconds before the nearest expiry, prices fresh, with its mean known but for `share` at a tenth more."""
    expiry = (BEGIN + DAYS[0] * 86_400) // 60
    time = expiry * 60 - seconds
    prices = {f: replace(price, published_at=time, seen_at=time) for f, price in snapshot.prices.items()}
    covered = int((1 - share) * 1_800)
    spots = {market: prices[snapshot.markets[market].risk.feed].value for market in (0, 1)}
    records = {
        key_of(market, expiry): Settlement(weighted=covered * spot * 11 // 10, covered=covered, observed_at=time)
        for market, spot in spots.items()
    }
    return replace(snapshot, time=time, prices=prices, settlements=records)


@pytest.mark.parametrize("seconds", [1_700, 600, 20])
def test_in_an_expiry_s_last_half_hour_nobody_is_left_out_either(crowd, snapshot, seconds):
    """Whom only a whole move would call, and whom only what is left of one; some are still left out."""
    late = ending(snapshot, seconds, seconds / 1_800)
    healths = [0.5, 0.9, 0.999, 0.999999, 1.000001, 1.001, 1.1, 2.0]
    people = [with_cash(one, late, healths[n % len(healths)]) for n, one in enumerate(crowd)]
    wanted = needing(people, late)
    found = {account.id for account in suspects(people, late)}
    assert len(wanted) >= COUNT // 3
    assert wanted <= found and len(found) < len(people)


def test_the_screen_takes_the_more_of_both_answers(crowd, snapshot, monkeypatch):
    """With whole moves alone it would leave out somebody whose hedge has ended."""
    late = ending(snapshot, 20, 20 / 1_800)
    call = pack(0, (BEGIN + DAYS[0] * 86_400) // 60, 1_000 * PRICE, put=False)
    header = Header(assets=1, markets=1, options=1, listed=1)
    perp = Position(10**10, 10**10 * late.price(1).value)
    hedged = replace(crowd[7], options={call: -(10**10)}, header=header, positions={0: perp})
    hedged = with_cash(hedged, late, 0.999)
    crowd = [*crowd[:7], hedged, *crowd[8:]]
    assert hedged.id in needing(crowd, late)
    assert hedged.id in {account.id for account in suspects(crowd, late)}
    monkeypatch.setattr("plimsoll.keeper.option_screen.any", lambda _: False, raising=False)
    assert hedged.id not in {account.id for account in suspects(crowd, late)}, "so the test sees it"


def test_an_account_with_a_passed_expiry_is_looked_at(crowd, snapshot):
    """And its neighbours are screened as ever."""
    old = pack(0, snapshot.time // 60 - 60, 2_000 * PRICE, put=True)
    idle = crowd[7]
    gone = replace(idle, options=idle.options | {old: 10**8})
    found = {account.id for account in suspects([*crowd[:7], gone, *crowd[8:]], snapshot)}
    assert gone.id in found and crowd[15].id not in found


def test_a_perp_in_another_market_is_looked_at(crowd, snapshot):
    """Its feed has no underlying in the model."""
    idle = crowd[7]
    header = replace(idle.header, markets=1 << 2)
    far = replace(idle, header=header, positions={2: Position(10**6, 0)})
    assert far.id in {a.id for a in suspects([*crowd[:7], far, *crowd[8:]], snapshot)}


def test_multipliers_above_one_are_in_the_screen(crowd, snapshot, wanted):
    """Volatility doubles what is required of one underlying: the screen follows, and still leaves out nobody."""
    price = snapshot.price(1)
    wild = replace(snapshot, prices=dict(snapshot.prices) | {1: replace(price, mm_from=64, multiplier=64)})
    more = needing(crowd, wild)
    assert len(more) > len(wanted)
    assert more <= {account.id for account in suspects(crowd, wild)}
