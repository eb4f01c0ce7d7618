"""SettlementMath against its twin, against a mean that numpy takes second by second, and against what is paid."""

from __future__ import annotations

import numpy as np
import pytest
from exposed import Exposed

from plimsoll.margin.settlement_math import COVERAGE, MAX_STEP, WINDOW, Known, known_of, step
from plimsoll.margin.words import Settlement

EXPIRY = 29_000_000
END = 60 * EXPIRY
START = END - WINDOW
PRICE, WAD = 10**10, 10**18
MOST = 2**72 - 1


@pytest.fixture(scope="session")
def contract(artifacts):
    return Exposed(artifacts["ExposedSettlement"])


def looked(settlement: Settlement, time: int, price: int) -> Settlement:
    """OptionSettlement.observe with a good price, written out again; a final price divides what was weighted."""
    since = settlement.observed_at or START
    until = min(time, END) if since < END else time
    seconds = min(until - since, 120)
    covered, weighted = settlement.covered + seconds, settlement.weighted + seconds * price
    if time >= END and covered >= 1_200:
        return Settlement(price=weighted // covered, covered=covered, observed_at=time)
    return Settlement(weighted=weighted, covered=covered, observed_at=time)


def path(rng, most=40, until=END + 3_600):
    """Looks at random times with random prices, until the price is final or nobody looks any more."""
    times = np.sort(rng.choice(np.arange(START + 1, until), rng.integers(0, most), replace=False))
    return [(int(time), int(3_000 * PRICE * np.exp(rng.normal(0, 0.3)))) for time in times]


def by_seconds(looks, time, spot):
    """The mean of a list of seconds, each with its price: what was looked at, what a look now adds, what is to come.
    Where these are too few, seconds beyond the expiry at the price of now. Down to a wei, as the contract."""
    cells: dict[int, int] = {}
    before = START
    for at, price in [*looks, (time, spot)]:
        stop = min(at, END) if before < END else at
        for second in range(max(before, stop - 120), stop):
            cells[second] = price
        before = at
    cells |= dict.fromkeys(range(time, END), spot)
    prices = np.array([*cells.values()] + [spot] * (1_200 - len(cells)), dtype=object)
    return int(np.sum(prices)) // len(prices)


def test_before_the_window_and_once_final_the_spot_stands():
    """The window opens in the second in which a first look may count."""
    assert known_of(Settlement(), EXPIRY, START, failed=False) is None
    assert known_of(Settlement(price=1), EXPIRY, END + 5, failed=False) is None
    assert known_of(Settlement(), EXPIRY, START + 1, failed=False) == Known(0, WINDOW, WINDOW)


def test_the_contract_and_its_twin_agree(contract):
    """Any record that there can be, at any second, dead feeds too; prices up to the largest."""
    rng = np.random.default_rng(42)
    for _ in range(2_000):
        time = START + int(rng.integers(1, 3 * WINDOW))
        seen = 0 if rng.random() < 0.2 else int(rng.integers(START + 1, time + 1))
        covered = int(rng.integers(0, min(time, END) - START + 1)) if seen else 0
        covered = min(covered, COVERAGE - 1) if seen >= END else covered
        record = Settlement(weighted=covered * int(rng.integers(1, 2**62)), covered=covered, observed_at=seen)
        failed = bool(rng.random() < 0.3)
        known = known_of(record, EXPIRY, time, failed=failed)
        assert contract.open(record.to_word(), END, time, failed) == (known.rest, known.total)
        assert contract.step(seen, END, time) == step(seen, END, time) <= MAX_STEP
        price = int(rng.integers(1, 2**62)) << int(rng.integers(0, 10))
        found = contract.mean(record.to_word(), known.rest, known.total, price)
        assert found == known.price(price) <= MOST
        carry = int(rng.integers(0, 2**62))
        assert contract.carry(carry, known.rest, known.total) == known.carry(carry)


def test_it_is_the_mean_that_numpy_takes_second_by_second():
    """Whatever was looked at and whatever was left out."""
    rng = np.random.default_rng(7)
    for _ in range(300):
        looks, time = path(rng), START + int(rng.integers(1, 2 * WINDOW))
        looks = [look for look in looks if look[0] <= time]
        record, done = Settlement(), []
        for look in looks:
            if not record.price:
                record, done = looked(record, *look), [*done, look]
        if record.price:
            continue
        spot = int(3_000 * PRICE * np.exp(rng.normal(0, 0.3)))
        known = known_of(record, EXPIRY, time, failed=False)
        assert known.price(spot) == by_seconds(done, time, spot), "to the wei"


def test_a_look_never_moves_it():
    """Whoever looks, whenever: what it would count the price for is counted already."""
    rng = np.random.default_rng(8)
    for _ in range(500):
        record, time = Settlement(), START
        while time < END + 2_000 and not record.price:
            time += int(rng.integers(1, 400))
            spot = int(3_000 * PRICE * np.exp(rng.normal(0, 0.3)))
            before = known_of(record, EXPIRY, time, failed=False).price(spot)
            record = looked(record, time, spot)
            after = record.price or known_of(record, EXPIRY, time, failed=False).price(spot)
            assert before == after, "to the wei, the last look included"


def test_it_converges_to_what_is_paid():
    """A second before the end, looked at every two minutes: within 120/1800 of where the spot stands."""
    record = Settlement()
    for n in range(1, 15):
        record = looked(record, START + 120 * n, (3_000 + n) * PRICE)
    for left in (119, 60, 1, 0):
        known = known_of(record, EXPIRY, END - left, failed=False)
        assert (known.rest, known.total) == (120, WINDOW)
    paid = looked(record, END, 4_000 * PRICE).price
    assert known_of(record, EXPIRY, END, failed=False).price(4_000 * PRICE) == paid
    assert paid == (sum(3_000 + n for n in range(1, 15)) + 4_000) * PRICE // 15


def test_a_dead_feed_leaves_what_was_seen():
    """Twenty minutes are enough: any look makes that final, so the last price counts for nothing more."""
    record = Settlement(weighted=1_300 * 3_000 * PRICE, covered=1_300, observed_at=END - 500)
    assert known_of(record, EXPIRY, END, failed=True).price(1) == 3_000 * PRICE
    assert known_of(record, EXPIRY, END - 1, failed=True).rest == 121
    few = Settlement(weighted=1_100 * 3_000 * PRICE, covered=1_100, observed_at=END - 500)
    assert known_of(few, EXPIRY, END, failed=True).rest == 120


def test_a_basis_is_of_what_is_open():
    """All of it at the window's start, none when all is known, and no carry stays none."""
    carry = 102 * WAD // 100
    assert Known(0, WINDOW, WINDOW).carry(carry) == carry
    assert Known(1, 0, COVERAGE).carry(carry) == WAD
    assert Known(1, 900, WINDOW).carry(carry) == 101 * WAD // 100
    assert Known(1, 900, WINDOW).carry(98 * WAD // 100) == 99 * WAD // 100
    assert Known(1, 900, WINDOW).carry(0) == 0
