"""OptionSeries and its twin: one name per series, ordered as (market, expiry, strike, kind)."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from plimsoll.margin import option_series
from plimsoll.margin.option_series import MAX_EXPIRY, MAX_STRIKE, Series, SeriesInvalid, pack

EXPIRY = 29_000_000


def strikes(count, seed=1):
    """Canonical strikes over all magnitudes, as text would have them: at most seven digits and zeros."""
    numbers = random.Random(seed)
    for _ in range(count):
        digits = numbers.randint(1, 10**7 - 1)
        strike = digits * 10 ** numbers.randint(0, 14)
        if strike <= MAX_STRIKE:
            yield strike


@pytest.mark.parametrize("strike", [0, 12_345_678, 10**7 + 1, 123_456_780_001, MAX_STRIKE, 5 * 10**21])
def test_a_strike_without_a_name_is_refused(book, reverts, strike):
    """Zero, more than seven digits, beyond any price."""
    with reverts("StrikeNotCanonical", strike):
        book.read("pack", 0, EXPIRY, strike, False)
    with pytest.raises(SeriesInvalid, match="strike"):
        pack(0, EXPIRY, strike, put=False)


@pytest.mark.parametrize(("market", "expiry", "name"), [(64, 1, "UnknownMarket"), (0, 0, "ExpiryOutOfRange")])
def test_fields_that_do_not_fit_are_refused(book, reverts, market, expiry, name):
    """Markets as in the header's bitmap; an expiry of zero would be a perp."""
    with reverts(name):
        book.read("pack", market, expiry, 10**10, False)
    with pytest.raises(SeriesInvalid):
        pack(market, expiry, 10**10, put=False)


def test_an_expiry_beyond_its_bits_is_refused(book, reverts):
    """27 bits of minutes."""
    with reverts("ExpiryOutOfRange", MAX_EXPIRY + 1):
        book.read("pack", 0, MAX_EXPIRY + 1, 10**10, False)
    with pytest.raises(SeriesInvalid, match="expiry"):
        pack(0, MAX_EXPIRY + 1, 10**10, put=False)


@pytest.mark.parametrize(
    "mantissa, exponent", [(10**7, 0), (999_999, 1), (2**24 - 1, 0), (2**24 - 1, 15), (0, 0), (0, 3), (9_999_999, 15)]
)
def test_a_second_name_of_a_strike_is_refused(book, reverts, mantissa, exponent):
    """100 and 1.00e2 would be two series of one claim."""
    instrument = EXPIRY << 29 | exponent << 25 | mantissa << 1
    with reverts("StrikeNotCanonical"):
        book.read("requireCanonical", instrument)
    with pytest.raises(SeriesInvalid):
        option_series.unpack(instrument)


def test_a_series_gives_back_its_fields_and_agrees_with_its_twin(book):
    """Over all magnitudes of strikes."""
    for number, strike in enumerate(strikes(60)):
        series = Series(number, EXPIRY + number, strike, number % 2 == 1)
        instrument = book.read("pack", *series)
        assert instrument == series.instrument
        assert tuple(book.read("fields", instrument)) == tuple(series) == tuple(option_series.unpack(instrument))
        book.read("requireCanonical", instrument)


def test_series_order_as_their_fields_do():
    """As integers, so that a sorted list is grouped by market and expiry."""
    numbers = random.Random(2)
    pool = list(strikes(300, seed=3))
    many = [Series(numbers.randint(0, 63), EXPIRY + numbers.randint(0, 9), s, numbers.random() < 0.5) for s in pool]
    assert sorted(many) == [option_series.unpack(i) for i in sorted(one.instrument for one in many)]


def test_a_strike_is_the_decimal_number_that_it_says():
    """A third source: the decimal text of mantissa and exponent."""
    for strike in strikes(200, seed=4):
        instrument = pack(1, EXPIRY, strike, put=False)
        mantissa, exponent = instrument >> 1 & 0xFFFFFF, instrument >> 25 & 15
        assert Decimal(f"{mantissa}e{exponent}") == strike


@pytest.mark.parametrize(
    ("put", "price", "pays"),
    [(False, 2900, 0), (False, 3000, 0), (False, 3100, 100), (True, 2900, 100), (True, 3100, 0)],
)
def test_an_option_pays_what_it_is_in_the_money(book, put, price, pays):
    """By hand."""
    instrument = pack(0, EXPIRY, 3000 * 10**10, put=put)
    assert book.read("payoff", instrument, price * 10**10) == pays * 10**10
    assert option_series.payoff(instrument, price * 10**10) == pays * 10**10
