"""OptionBook: two positions per slot, without gaps, each slot written once; against a dictionary."""

from __future__ import annotations

import random

import pytest

from plimsoll import contracts
from plimsoll.accounts import cross, isolated
from plimsoll.margin.option_series import pack

WAD = 10**18
EXPIRY = 29_000_000
OWNER = "0x" + "11" * 20
ALICE, BOB = cross(OWNER, 1), cross(OWNER, 2)


def series(number, *, market=0, expiry=EXPIRY):
    return pack(market, expiry, (1000 + number) * 10**10, put=number % 2 == 1)


def change(book, account, changes):
    return book.write("change", account, list(changes), list(changes.values()), sender=book.chain.accounts[0])


def held(book, account):
    words = book.read("sorted", account)
    assert list(words) == sorted(words)
    return {word >> 64: word % 2**64 - (1 << 64 if word >> 63 & 1 else 0) for word in words}


def lying(book, account):
    """[(instrument, quantity)] as the slots have them."""
    slots, count = book.read("slotsOf", account)
    halves = [half for slot in slots for half in (slot % 2**128, slot >> 128)]
    assert all(half == 0 for half in halves[count:]), "what is not counted is clean"
    return [(half % 2**64, half >> 64) for half in halves[:count]]


# ---------------------------------------------------------------- limits


def test_the_129th_series_is_refused(book, reverts):
    """It names the account and the count."""
    change(book, ALICE, {series(n): 1 for n in range(128)})
    with reverts("TooManySeries", ALICE, 129):
        change(book, ALICE, {series(128): 1})
    assert len(held(book, ALICE)) == 128


def test_the_13th_expiry_is_refused_and_a_twelfth_in_another_market_is_none_less(book, reverts):
    """Pairs of market and expiry count."""
    twelve = {series(0, market=n % 2, expiry=EXPIRY + n // 2): 1 for n in range(12)}
    change(book, ALICE, twelve)
    with reverts("TooManyExpiries", ALICE, 13):
        change(book, ALICE, {series(0, market=3): 1})
    change(book, ALICE, {series(1): 5})
    assert len(held(book, ALICE)) == 13


def test_an_expiry_that_was_left_makes_room_for_another(book):
    """In one change as in two."""
    change(book, ALICE, {series(0, expiry=EXPIRY + n): 1 for n in range(12)})
    change(book, ALICE, {series(0): -1, series(0, expiry=EXPIRY + 50): 1})
    assert len(held(book, ALICE)) == 12


def test_an_isolated_account_has_options_of_its_market_only(book, reverts):
    """And one of a pair none."""
    mine, pair = isolated(OWNER, 2), isolated(OWNER, 0x8000 | 1 << 6)
    with reverts("MarketNotAllowed", mine, 1):
        change(book, mine, {series(0, market=1): 1})
    with reverts("MarketNotAllowed"):
        change(book, pair, {series(0): 1})
    change(book, mine, {series(0, market=2): 1})
    assert held(book, mine) == {series(0, market=2): 1}


def test_a_quantity_beyond_its_bits_is_refused(book, reverts):
    """No silent wrap."""
    change(book, ALICE, {series(0): 2**63 - 1})
    with reverts("0x35278d12"):  # SafeCastLib.Overflow
        change(book, ALICE, {series(0): 1})
    assert held(book, ALICE) == {series(0): 2**63 - 1}


# ---------------------------------------------------------------- changing


def test_positions_lie_two_to_a_slot_with_the_quantity_above(book):
    """As docs/storage.md says."""
    change(book, ALICE, {series(0): 5, series(1): -7, series(2): 9})
    slots, count = book.read("slotsOf", ALICE)
    assert count == 3
    assert slots[0] == (2**64 - 7) << 192 | series(1) << 128 | 5 << 64 | series(0)
    assert slots[1] == 9 << 64 | series(2)


def test_what_is_closed_gives_its_place_to_the_last(book):
    """No gaps, and the slot that is not needed is cleared."""
    change(book, ALICE, {series(0): 5, series(1): -7, series(2): 9})
    change(book, ALICE, {series(0): -5})
    assert lying(book, ALICE) == [(series(2), 9), (series(1), 2**64 - 7)]


def test_every_change_tells_what_now_stands(book):
    """Zero for what was closed."""
    change(book, ALICE, {series(0): 5, series(1): 1})
    receipt = change(book, ALICE, {series(0): -5, series(1): 2})
    told = [(e.args["instrument"], e.args["quantity"]) for e in contracts.events(receipt.logs, "OptionChanged")]
    assert told == [(series(0), 0), (series(1), 3)]


def test_random_changes_leave_what_a_dictionary_has(book):
    """Against Python's own mapping, sorted every time."""
    numbers, mine = random.Random(7), {}
    for _ in range(60):
        changes = {series(numbers.randint(0, 40)): numbers.randint(-3, 3) or 1 for _ in range(numbers.randint(1, 6))}
        change(book, ALICE, changes)
        for instrument, delta in changes.items():
            mine[instrument] = mine.get(instrument, 0) + delta
        mine = {instrument: quantity for instrument, quantity in mine.items() if quantity}
        assert held(book, ALICE) == mine
        assert sorted(lying(book, ALICE)) == sorted((i, q % 2**64) for i, q in mine.items())
    some = next(iter(mine))
    assert book.read("quantityOf", ALICE, some) == mine[some]
    assert book.read("quantityOf", ALICE, series(99)) == 0


# ---------------------------------------------------------------- slices


@pytest.mark.parametrize(
    ("quantity", "fraction", "part"),
    [
        (1000, WAD // 3, 333),  # a long down
        (-1000, WAD // 3, -334),  # a short up in size
        (1000, WAD, 1000),
        (-1000, WAD, -1000),
        (1000, 995 * WAD // 1000, 1000),  # less than ten would be left
        (1000, 990 * WAD // 1000, 990),  # ten may stay
        (9, 1, 9),  # dust goes whole
        (-9, 1, -9),
        (10, 1, 0),
        (-10, 1, -10),  # one of ten, and what would be left is dust
        (-(2**63), WAD // 2, -(2**62)),
    ],
)
def test_a_slice_rounds_against_its_taker(book, quantity, fraction, part):
    """By hand."""
    assert book.read("slice", quantity, fraction) == part


def test_a_slice_moves_every_position_and_nothing_appears_or_is_lost(book):
    """Into an account that has some of them, long and short."""
    numbers = random.Random(3)
    mine = {series(n): numbers.randint(-(10**9), 10**9) for n in range(40)}
    theirs = {series(n): numbers.randint(-(10**9), 10**9) for n in range(30, 60)}
    change(book, ALICE, mine)
    change(book, BOB, theirs)
    book.write("moveAll", ALICE, BOB, 37 * WAD // 100, sender=book.chain.accounts[0])
    left, got = held(book, ALICE), held(book, BOB)
    for instrument in {*mine, *theirs}:
        before = mine.get(instrument, 0) + theirs.get(instrument, 0)
        assert left.get(instrument, 0) + got.get(instrument, 0) == before
        part = mine.get(instrument, 0) - left.get(instrument, 0)
        exact = mine.get(instrument, 0) * 37 / 100
        assert exact - 1 <= part <= exact, "longs down, shorts up"


def test_all_of_an_account_moves_and_leaves_it_clean(book):
    """What the other side nets to zero is gone on both."""
    change(book, ALICE, {series(n): 10 * (n + 1) for n in range(5)})
    change(book, BOB, {series(0): -10})
    receipt = book.write("moveAll", ALICE, BOB, WAD, sender=book.chain.accounts[0])
    assert held(book, ALICE) == {} and lying(book, ALICE) == []
    assert held(book, BOB) == {series(n): 10 * (n + 1) for n in range(1, 5)}
    assert len(contracts.events(receipt.logs, "OptionChanged")) == 10


def test_a_slice_that_its_taker_has_no_room_for_is_refused_for_him(book, reverts):
    """The error names his account."""
    change(book, ALICE, {series(n): 100 for n in range(10)})
    change(book, BOB, {series(n): 100 for n in range(100, 220)})
    with reverts("TooManySeries", BOB, 130):
        book.write("moveAll", ALICE, BOB, WAD // 2, sender=book.chain.accounts[0])
    assert len(held(book, ALICE)) == 10
