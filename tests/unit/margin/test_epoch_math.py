"""A side's epochs: exact in sum, against nobody who did not win, the same whenever they are touched."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from exposed import Exposed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plimsoll.margin import epoch_math
from plimsoll.margin.epoch_math import Epoch, Share

CASES = 400
PRICE = 3_000 * 10**10
SIZES = st.integers(1, 10**12)
MARKS = st.integers(PRICE // 3, 3 * PRICE)


def _positions(draw_sizes, entries):
    """Longs with their entry marks: cost = size · entry, give or take."""
    return [(size, size * entry) for size, entry in zip(draw_sizes, entries, strict=True)]


def _net(positions, mark):
    return sum(size * mark - cost for size, cost in positions)


@st.composite
def _books(draw, most=12):
    count = draw(st.integers(1, most))
    sign = draw(st.sampled_from([1, -1]))
    sizes = [sign * draw(SIZES) for _ in range(count)]
    return _positions(sizes, [draw(MARKS) for _ in range(count)])


def _settled(positions, epoch):
    return [
        epoch_math.settle(epoch_math.advance(Share.of(size, cost), Epoch(long=epoch.long), epoch), size > 0, epoch.mark)
        for size, cost in positions
    ]


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=_books(), mark=MARKS, part=st.fractions(0, 1))
def test_a_charge_collects_the_deficit_and_leaves_each_winner_a_winner(book, mark, part):
    net = _net(book, mark)
    if net <= 0:
        return
    deficit = int(net * part)
    epoch = epoch_math.charge(Epoch(long=book[0][0] > 0), mark, deficit, net)
    after = _settled(book, epoch)

    collected = sum(cost for _, cost in after) - sum(cost for _, cost in book)
    assert deficit <= collected <= deficit + len(book)
    for (size, cost), (size_after, cost_after) in zip(book, after, strict=True):
        before, left = size * mark - cost, size_after * mark - cost_after
        assert size_after == size
        if before >= 0:
            assert 0 <= left <= before
        else:
            # Who lost on the winning side is never charged (T-7), but for the wei of rounding.
            assert before - 1 <= left <= 0


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=_books(), mark=MARKS, to=st.integers(1, 2**16))
def test_shrinking_a_side_changes_nobodys_worth_at_its_mark(book, mark, to):
    epoch, kept, base = epoch_math.shrink(Epoch(long=book[0][0] > 0), mark, to, 2**16, 0)
    for (size, cost), (size_after, cost_after) in zip(book, _settled(book, epoch), strict=True):
        assert abs(size_after) == max(abs(size) * kept // base, 1)
        assert abs((size_after * mark - cost_after) - (size * mark - cost)) <= epoch_math.SLACK


@st.composite
def _histories(draw):
    steps = []
    for _ in range(draw(st.integers(1, 40))):
        shrinks = draw(st.integers(0, 5)) == 0
        amount = draw(st.one_of(st.just(Fraction(1)), st.fractions(0, 1)))
        steps.append((shrinks, draw(MARKS), amount))
    return steps


class Side:
    """One side of a market, in exact fractions beside the records."""

    def __init__(self, book):
        self.long = book[0][0] > 0
        self.exact = [(Fraction(size), Fraction(cost)) for size, cost in book]
        self.epochs: dict[int, Epoch] = {}

    def step(self, shrinks, mark, part):
        """Returns whether anything happened."""
        number = len(self.epochs) + 1
        last = self.epochs.get(number - 1, Epoch(long=self.long))
        if shrinks:
            to = max(int(part * 2**16), 1)
            epoch, kept, base = epoch_math.shrink(last, mark, to, 2**16, number - 1)
            keep = Fraction(kept, base)
            self.exact = [(keep * size, cost - (1 - keep) * size * mark) for size, cost in self.exact]
        else:
            net = int(_net(self.exact, mark))
            amount = int(net * part)
            if amount <= 0:
                return
            epoch = epoch_math.charge(last, mark, amount, net)
            rate = Fraction(amount, net)
            self.exact = [(size, cost + rate * (size * mark - cost)) for size, cost in self.exact]
        self.epochs[number] = epoch


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=_books(4), history=_histories())
def test_one_touch_after_many_epochs_is_the_exact_result(book, history):
    side = Side(book)
    for step in history:
        side.step(*step)
    now = len(side.epochs)
    if now == 0:
        return
    mark = side.epochs[now].mark
    for (size, cost), (exact_size, exact_cost) in zip(book, side.exact, strict=True):
        size_after, cost_after = epoch_math.touched(side.epochs, size, cost, 0, now)
        # Sizes within one unit; worth at the last mark, which is where the cut-off part is valued, within the slack.
        assert abs(size_after - exact_size) < 1
        assert abs((size_after * mark - cost_after) - (exact_size * mark - exact_cost)) <= epoch_math.SLACK


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=_books(3), history=_histories(), stop=st.integers(0, 40))
def test_a_touch_in_between_changes_the_result_by_rounding_only(book, history, stop):
    side = Side(book)
    for shrinks, mark, part in history:
        if not shrinks:
            side.step(False, mark, part)
    now = len(side.epochs)
    at = min(stop, now)
    for size, cost in book:
        once = epoch_math.touched(side.epochs, size, cost, 0, now)
        first = epoch_math.touched(side.epochs, size, cost, 0, at) if at else (size, cost)
        twice = epoch_math.touched(side.epochs, *first, at, now) if at < now else first
        assert once[0] == twice[0]
        assert abs(once[1] - twice[1]) <= epoch_math.SLACK


def test_thousands_of_epochs_are_two_records_away():
    """The record's words stay in their widths, and a position opened later pays nothing of what came before."""
    size, cost = 10**10, 10**10 * PRICE
    book = [(size, cost), (3 * size, cost)]
    side = Side(book)
    side.exact = [(Fraction(s), Fraction(c)) for s, c in book]
    epochs: dict[int, Epoch] = {}
    epoch = Epoch(long=True)
    for number in range(1, 65_536):
        mark = PRICE + number * 10**9
        epoch = epoch_math.charge(epoch, mark, 10**24 if number % 7 else 10**26, 10**26)
        epochs[number] = epoch
    factors, terms = epoch_math.pack(epoch)
    assert epoch_math.unpack(factors, terms) == epoch
    assert factors < 2**256 and terms < 2**256

    assert epoch_math.touched(epochs, size, cost, 65_535, 65_535) == (size, cost)
    size_after, cost_after = epoch_math.touched(epochs, size, cost, 0, 65_535)
    # Epoch 65,534 took everything; the last one can only have taken a hundredth of what the mark moved since.
    assert size_after == size
    assert 0 <= size * epoch.mark - cost_after <= size * 10**9


def test_eras_end_where_a_side_has_almost_vanished():
    epochs: dict[int, Epoch] = {}
    epoch, last = Epoch(long=False), 0
    size, cost = -(10**17), -(10**17) * PRICE
    keep = Fraction(1)
    for number in range(1, 8):
        epoch, kept, base = epoch_math.shrink(epoch, PRICE, 1, 200, last)
        keep *= Fraction(kept, base)
        epochs[number], last = epoch, number
    assert epochs[7].before == 4

    size_after, cost_after = epoch_math.touched(epochs, size, cost, 0, 7)
    assert abs(size_after - keep * size) < 1
    assert size_after * PRICE - cost_after == 0
    # From the end of an era, from within it, and from within the next one.
    for at in range(1, 7):
        part = epoch_math.touched(epochs, size, cost, 0, at)
        after, _ = epoch_math.touched(epochs, *part, at, 7)
        assert abs(after - keep * size) <= 1


def test_flat_positions_take_no_part():
    epoch = epoch_math.charge(Epoch(long=True), PRICE, 1, 1)
    assert epoch_math.touched({1: epoch}, 0, -(10**18), 0, 1) == (0, -(10**18))


# ---------------------------------------------------------------- the twin and the library


def _epoch(d):
    """A record as some history may have left it."""
    mark = d.signed(72)
    return epoch_math.Epoch(
        factor=d.choice([2**95, d.randint(epoch_math.SMALLEST_FACTOR, 2**95)]),
        mantissa=d.randint(2**102, 2**103 - 1),
        exponent=d.choice([0, d.bits(8), d.bits(22)]),
        offset=d.choice([0, mark, d.signed(72)]) * 2**104 // d.randint(1, 4),
        mark=mark,
        long=bool(d.getrandbits(1)),
        other=d.bits(16),
        before=d.bits(16),
    )


def _charge(d):
    net = max(d.bits(100), 1)
    return *epoch_math.pack(_epoch(d)), d.signed(72), d.choice([net, d.randint(0, net)]), net


def _shrink(d):
    to = max(d.bits(56), 1)
    return *epoch_math.pack(_epoch(d)), d.signed(72), to, to * d.randint(1, 2**16), d.bits(16)


def _touch(d):
    """Two records of one side and era, the later one never larger."""
    first = _epoch(d)
    last = replace(
        first,
        factor=d.choice([first.factor, d.randint(epoch_math.SMALLEST_FACTOR, first.factor)]),
        mantissa=d.randint(2**102, first.mantissa),
        exponent=first.exponent + d.choice([0, 1, d.bits(9)]),
        offset=d.signed(177),
        mark=d.signed(72),
    )
    return d.signed(55) or 1, d.signed(94), *epoch_math.pack(first), *epoch_math.pack(last)


def _twin_charge(factors, terms, mark, amount, net):
    return epoch_math.pack(epoch_math.charge(epoch_math.unpack(factors, terms), mark, amount, net))


def _twin_shrink(factors, terms, *arguments):
    epoch, kept, base = epoch_math.shrink(epoch_math.unpack(factors, terms), *arguments)
    return *epoch_math.pack(epoch), kept, base


def _twin_touch(size, cost, *words):
    last = epoch_math.unpack(*words[2:])
    part = epoch_math.advance(epoch_math.Share.of(size, cost), epoch_math.unpack(*words[:2]), last)
    return part.size, part.cost, *epoch_math.settle(part, last.long, last.mark)


TWINS = {
    "epochCharge": (_twin_charge, _charge),
    "epochShrink": (_twin_shrink, _shrink),
    "epochTouch": (_twin_touch, _touch),
}


@pytest.fixture(scope="session")
def epochs(artifacts):
    return Exposed(artifacts["ExposedEpochs"])


@pytest.mark.parametrize("name", TWINS)
def test_twin_equals_its_library(name, epochs, draw):
    twin, generate = TWINS[name]
    library = getattr(epochs, name)
    for _ in range(1_500):
        arguments = generate(draw)
        assert library(*arguments) == twin(*arguments), arguments
