"""The float screen against the exact twin: nothing below a level is missed, and the bound holds and is not vain."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import books
import numpy as np
import pytest
from draws import Draw

from plimsoll.margin.account import PriceUse, assess, call_margin, used_price
from plimsoll.margin.benchmark import screen_speed
from plimsoll.margin.screen import Mirror, score

WAD = 10**18
USES = (PriceUse.TARGET, PriceUse.REDUCE, PriceUse.ACQUIRE)


@pytest.mark.parametrize("use", USES)
def test_scores_lie_within_their_bound_of_the_exact_numbers(use, draw):
    """Accounts at the ends of every field included, in which the bound itself is large."""
    for _ in range(30):
        snap = books.snapshot(draw)
        accounts = [books.account(draw, snap, number) for number in range(40)]
        mirror = _mirrored(accounts, snap)
        scores = score(mirror, snap, use)
        for row, account in enumerate(accounts):
            exact = assess(account, snap, use)
            level = call_margin(exact, snap.terms, snap.time)
            bound = Fraction(scores.bound[row])
            if exact.mm == 0 and scores.mm[row] > 0:  # a price moved to zero: the screen errs on the safe side
                assert all(_moved_to_zero(account, market, snap, use) for market in account.positions)
                continue
            off = abs(_quote(exact.equity) - Fraction(scores.equity[row]))
            off_level = abs(_quote(level) - Fraction(scores.call_margin[row]))

            assert off + off_level <= bound
            assert abs(_quote(exact.mm) - Fraction(scores.mm[row])) <= bound
            assert abs(_quote(exact.im0) - Fraction(scores.im0[row])) <= bound


@pytest.mark.parametrize("use", USES)
def test_no_account_a_wei_below_its_call_margin_is_missed(use, draw):
    """Costs are moved until equity is exactly at the level, one wei below, and one above."""
    below = spared = 0
    for _ in range(30):
        snap = books.snapshot(draw)
        accounts = []
        for number in range(120):
            account = books.account(draw, snap, number, extreme=draw.choice([0, 0, 0.3]))
            accounts.append(_at_the_edge(account, snap, use, draw.choice([-1, 0, 1, -(10**6), 10**14, -(10**14)])))
        scores = score(_mirrored(accounts, snap), snap, use)
        for row, account in enumerate(accounts):
            exact = assess(account, snap, use)
            if exact.equity < call_margin(exact, snap.terms, snap.time):
                assert scores.candidate[row]
                below += 1
            spared += not scores.candidate[row]

    assert below > 500
    assert spared > 500


def _moved_to_zero(account, market, snap, use):
    position, risk = account.positions[market], snap.markets[market].risk
    price, long = snap.price_in(snap.markets[market]), position.size > 0
    _, value = used_price(snap, price, risk.max_age, risk.sigma, use, long=long)
    return value == 0 or (position.size == 0 and position.cost <= 0)


def _at_the_edge(account, snap, use, distance):
    """`account` with the cost of its first position such that equity = call margin + distance, where a cost can be."""
    exact = assess(account, snap, use)
    for market, position in account.positions.items():
        gap = exact.equity - call_margin(exact, snap.terms, snap.time) - distance
        cost = position.cost + gap
        if position.size and abs(cost) < 2**95:
            return replace(account, positions=dict(account.positions) | {market: replace(position, cost=cost)})
    return account


def test_a_borderline_account_is_a_candidate_and_one_a_microquote_above_is_not():
    """The bound costs next to nothing: for ordinary accounts it is far below a millionth of a quote unit."""
    snap = _plain_snapshot()
    account = books.Account.holding(b"\x01" * 32, {0: 1_000 * 10**6}, {0: (10**9, 10**9 * 2_000 * 10**10)})
    exact = assess(account, snap, PriceUse.TARGET)
    level = call_margin(exact, snap.terms, snap.time)
    for distance, expected in ((-1, True), (0, True), (10**12, False)):
        edge = replace(account.positions[0], cost=account.positions[0].cost + exact.equity - level - distance)
        scores = score(_mirrored([replace(account, positions={0: edge})], snap), snap)

        assert expected == bool(scores.candidate[0]), distance
        assert scores.bound[0] < 1e-9


def test_accounts_without_an_exposure_are_never_candidates():
    """Empty, collateral only, and a closed position with an unpaid profit; one with an unpaid loss is exposed."""
    snap = _plain_snapshot()
    accounts = [
        books.Account.holding(b"\x01" * 32, {}, {}),
        books.Account.holding(b"\x02" * 32, {0: 1, 1: 1}, {}),
        books.Account.holding(b"\x03" * 32, {}, {0: (0, -5)}),
        books.Account.holding(b"\x04" * 32, {0: 1}, {0: (0, 5)}),
    ]
    scores = score(_mirrored(accounts, snap), snap)

    assert scores.candidate.tolist() == [False, False, False, True]
    assert np.isinf(scores.health[:3]).all()
    assert scores.rows().tolist() == [3]


def test_an_unknown_market_is_a_candidate_rather_than_overlooked():
    """The mirror can be ahead of the parameters."""
    snap = _plain_snapshot()
    account = books.Account.holding(b"\x01" * 32, {0: 10**12}, {63: (1, 1)})

    assert score(_mirrored([account]), snap).candidate[0]


def test_a_position_that_has_not_met_an_epoch_is_a_candidate(draw):
    """What it is worth is not in the columns."""
    snap = _plain_snapshot()
    account = books.Account.holding(b"\x01" * 32, {0: 10**30}, {0: (10**8, 1)})
    market = replace(
        snap.markets[0], state=replace(snap.markets[0].state, epoch=1), epochs={1: books.epoch_math.Epoch()}
    )
    later = replace(snap, markets={**snap.markets, 0: market})

    assert score(_mirrored([account]), later).candidate[0]
    assert not score(_mirrored([account], later), later).candidate[0]


def test_updating_one_account_at_a_time_equals_mirroring_all_anew(draw):
    """Rows that grow, shrink, empty and come back."""
    snap = books.snapshot(draw, failing=0)
    mirror, current = Mirror(), {}
    for _ in range(2_000):
        account = books.account(draw, snap, draw.randint(0, 150))
        mirror.put(account, snap)
        current[account.id] = account
    scores = score(mirror, snap)
    fresh = score(_mirrored([current[id] for id in mirror.ids], snap), snap)

    assert len(mirror) == len(current)
    for name in ("equity", "mm", "im0", "call_margin", "bound", "candidate"):
        assert np.array_equal(getattr(fresh, name), getattr(scores, name)), name


def test_loading_columns_equals_putting_accounts(draw):
    """The bulk path of the keeper's first read."""
    snap = books.snapshot(draw, failing=0)
    accounts = [books.account(draw, snap, number) for number in range(100)]
    mirror = _mirrored(accounts, snap)
    bulk = Mirror()
    bulk.load(list(mirror.ids), _packed(mirror.perps), _packed(mirror.assets), mirror.pairs)
    bulk.put(accounts[7], snap)

    assert np.array_equal(score(mirror, snap).equity, score(bulk, snap).equity)


def _packed(slab):
    rows = [np.arange(s, s + c) for s, c in zip(slab.start, slab.count, strict=True)]
    order = np.concatenate(rows)
    return {"count": slab.count} | {name: column[order] for name, column in slab.columns.items()}


def test_open_use_is_refused():
    """It raises on failed prices, which a mask cannot."""
    with pytest.raises(ValueError, match="OPEN"):
        score(Mirror(), _plain_snapshot(), PriceUse.OPEN)


def test_the_benchmark_scores_what_the_twin_scores():
    """A small run: its speed is no claim, its fields are."""
    figures = screen_speed(accounts=20_000, rounds=2)

    assert 0 < figures["candidates"] < 20_000
    assert figures["accounts_per_second"] > 0


def _plain_snapshot():
    draw = Draw("plain")
    return replace(
        books.snapshot(draw, failing=0),
        prices={feed: books.Price(value=2_000 * 10**10, published_at=books.TIME) for feed in range(1, 8)},
    )


def _mirrored(accounts, snap=None):
    mirror = Mirror()
    mirror.put_all(accounts, snap)
    # `put` grows in steps: cut to the rows that exist.
    for slab in (mirror.perps, mirror.assets):
        slab.start, slab.count = slab.start[: len(mirror)], slab.count[: len(mirror)]
        slab.room = slab.room[: len(mirror)]
    return mirror


def _quote(value: int) -> Fraction:
    return Fraction(value, WAD)
