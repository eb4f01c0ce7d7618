"""What interest never does: revert, pass its bounds, fall, or pay more than was charged."""

from __future__ import annotations

from plimsoll.margin import interest_math as im

CASES = 3_000
ONE = 10**12
WORD = 2**256 - 1


def _state(d):
    indices = [d.choice([d.bits(64), ONE, ONE + d.bits(40)]) for _ in range(2)]
    return d.bits(48), d.choice([d.bits(24), d.randint(0, 10**7)]), d.choice([d.bits(16), 1_000]), d.bits(32), *indices


def test_never_reverts_and_stays_within_the_words_it_is_stored_in(exposed, draw):
    """Also for times that storage cannot hold: the margin check of an existing account calls it (L-2)."""
    for _ in range(CASES):
        rate, utilisation, reserve, elapsed, debt, lent = _state(draw)
        elapsed = draw.choice([elapsed, WORD])
        new_rate, new_debt, new_lent = exposed.accrue(rate, utilisation, reserve, elapsed, debt, lent)

        assert debt <= new_debt < 2**64
        assert lent <= new_lent < 2**64
        if elapsed and debt:
            assert im.RATE_MIN <= new_rate <= im.RATE_MAX
        else:
            assert (new_rate, new_debt, new_lent) == (rate, debt, lent)


def test_no_time_no_change(exposed, draw):
    for _ in range(100):
        rate, utilisation, reserve, _, debt, lent = _state(draw)
        assert exposed.accrue(rate, utilisation, reserve, 0, debt, lent) == (rate, debt, lent)


def test_lenders_never_get_more_than_borrowers_pay(exposed, draw):
    """Before the amounts are rounded to token units: Δ(lent claims) ≤ Δ(debt), the rest is the reserve's."""
    for _ in range(CASES):
        rate, _, reserve, elapsed, debt_index, lent_index = _state(draw)
        lent_shares, debt_shares = draw.bits(120), draw.bits(112)
        lent, debt = lent_shares * lent_index, debt_shares * debt_index
        if debt > lent:
            continue
        utilisation = im.utilisation_of(lent, debt)
        _, new_debt_index, new_lent_index = exposed.accrue(rate, utilisation, reserve, elapsed, debt_index, lent_index)

        assert lent_shares * (new_lent_index - lent_index) <= debt_shares * (new_debt_index - debt_index)


def test_lenders_in_token_units_gain_at_most_a_unit_more_than_borrowers_pay(exposed, draw):
    """With amounts rounded as the ledger does (lent down, debt up), and the utilisation measured on them."""
    for _ in range(CASES):
        rate, _, reserve, elapsed, debt_index, lent_index = _state(draw)
        elapsed %= 10 * 365 * 86_400
        lent_shares, debt_shares = draw.bits(120), draw.bits(112)
        lent, debt = im.amount_down(lent_shares, lent_index), im.amount_down(debt_shares, debt_index)
        utilisation = im.utilisation_of(lent, debt)
        _, new_debt_index, new_lent_index = exposed.accrue(rate, utilisation, reserve, elapsed, debt_index, lent_index)
        paid = im.amount_up(debt_shares, new_debt_index) - im.amount_up(debt_shares, debt_index)
        gained = im.amount_down(lent_shares, new_lent_index) - lent

        assert gained <= paid + 1 or debt > lent


def test_more_time_more_use_or_a_higher_rate_never_cost_less(exposed, draw):
    for _ in range(CASES):
        rate, utilisation, elapsed = draw.randint(10**10, 2 * 10**13), draw.randint(0, 10**7), draw.bits(32)
        elapsed = max(elapsed, 1)
        paid = _rise(exposed, rate, utilisation, elapsed)
        slack = paid // 10**10 + 1  # the series and the exponential differ by less where they meet
        more_time = _rise(exposed, rate, utilisation, elapsed + draw.bits(20))
        more_use = _rise(exposed, rate, min(utilisation + draw.bits(22), 10**7), elapsed)
        more_rate = _rise(exposed, min(rate + draw.bits(44), 2 * 10**13), utilisation, elapsed)

        assert min(more_time, more_use, more_rate) >= paid - slack


def _rise(exposed, rate, utilisation, elapsed):
    return exposed.compound(exposed.integral(rate, utilisation, elapsed)[1])[1]


def test_rounding_is_against_the_one_who_asks(exposed, draw):
    """R-1: what is lent in and recalled, or borrowed and repaid at once, never leaves anyone richer."""
    for _ in range(CASES):
        amount, index = draw.bits(120), max(draw.bits(64), 1)
        assert exposed.amountDown(exposed.sharesDown(amount, index), index) <= amount
        assert exposed.amountUp(exposed.sharesUp(amount, index), index) >= amount
        assert exposed.sharesDown(amount, index) <= exposed.sharesUp(amount, index)


def test_a_lost_asset_stays_lost_and_an_unused_one_pays_nothing(exposed):
    year = 365 * 86_400
    assert exposed.accrue(im.RATE_START, 10**7, 0, year, ONE, 0)[2] == 0
    assert exposed.accrue(im.RATE_START, 0, 0, year, ONE, ONE)[2] == ONE


def test_an_index_at_its_largest_value_charges_no_more(exposed):
    most = im.INDEX_MAX
    _, debt, lent = exposed.accrue(im.RATE_MAX, 10**7, 0, 2**32 - 1, most - 10, ONE)

    assert debt == most
    assert lent - ONE <= ONE * 10 // (most - 10) + 1
