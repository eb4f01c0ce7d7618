"""RuleMargin with options against its twin and the published formula in mpmath, and what holds for any account."""

from __future__ import annotations

from dataclasses import replace

import books
import option_books
import pytest
from draws import Draw
from eth_utils import keccak
from exposed import Exposed, word
from mpmath import mp, mpf, ncdf
from option_books import DAY, WAD, smile_words

from plimsoll.margin.option_terms import OptionTerms, broken_bounds
from plimsoll.margin.rule_margin import AssetExposure, PerpExposure, RuleMargin
from plimsoll.margin.rule_options import ExpiryExposure, Holding, assess_options, marks, worst_loss
from plimsoll.margin.volatility_math import ONE

FLAT = smile_words((0.25, 0, 0, 0), 0.1, 2_000 * 10**10, 1, 1)  # a volatility of one half
SPOT = 2_000 * 10**10
TERMS = OptionTerms()


def holding(strike: int, quantity: float, *, put: bool = False) -> Holding:
    """Of a strike in whole quote, at least 1000."""
    exponent = len(str(strike)) + 3
    return Holding(strike * 10**10 // 10**exponent, exponent, put, round(quantity * 10**8))


def month(*holdings: Holding, **fields) -> ExpiryExposure:
    """A month from now at a spot of 2000."""
    ordered = tuple(sorted(holdings, key=lambda one: (one.exponent, one.mantissa, one.put)))
    return ExpiryExposure(0, 1, ordered, SPOT, 30 * DAY, **{"surface": FLAT, **fields})


@pytest.fixture(scope="module")
def rule(artifacts):
    return option_books.rule_margin(artifacts, books.MODEL)


def ask(rule: Exposed, assets, perps, expiries) -> list[int]:
    """RuleMargin alone, called as the engine calls it."""
    arrays = [
        [asset.to_word() for asset in assets],
        [asset.to_tag(feed=1, index=index) for index, asset in enumerate(assets)],
        [value for perp in perps for value in perp.to_words()],
        [value for one in expiries for value in one.to_words()],
        [option.to_word(one.market, one.expiry) for one in expiries for option in one.holdings],
        [],  # the witness
    ]
    heads, tails = b"", b""
    for array in arrays:
        heads += word(32 * len(arrays) + len(tails))
        tails += word(len(array)) + b"".join(map(word, array))
    out = rule.call("assessOptions", heads + tails)
    return [int.from_bytes(out[at : at + 32], "big", signed=at == 0) for at in range(0, len(out), 32)]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("case", range(200))
def test_terms_are_refused_for_the_first_bound_they_break(artifacts, rule, case):
    """With the error and the values that the twin names."""
    draw = Draw(f"terms {case}")
    changed = {name: draw.choice([0, 65_535, draw.bits(16)]) for name in draw.sample(OptionTerms.__slots__, 2)}
    terms = replace(option_books.terms(draw), **changed)
    broken = next(broken_bounds(terms), None)
    arguments = (1, 2, 0, terms.to_word(), int(rule.address, 16))
    if broken is None:
        assert Exposed(artifacts["RuleMargin"], *arguments, evm=rule.evm).OPTION_TERMS() == terms.to_word()
        return
    with pytest.raises(RuntimeError) as refused:
        Exposed(artifacts["RuleMargin"], *arguments, evm=rule.evm)
    signature = f"{broken.error}({','.join(['uint256'] * len(broken.values))})"
    assert (keccak(text=signature)[:4] + b"".join(map(word, broken.values))).hex() in str(refused.value)


def test_a_model_without_a_table_is_refused(artifacts):
    """No code, no prices."""
    with pytest.raises(RuntimeError) as refused:
        Exposed(artifacts["RuleMargin"], 1, 2, 0, TERMS.to_word(), 0xDEAD)
    assert keccak(text="TableMissing(address)")[:4].hex() + word(0xDEAD).hex() in str(refused.value)


# ---------------------------------------------------------------- the twin


@pytest.mark.parametrize("case", range(20))
def test_the_twin_agrees_to_the_wei(artifacts, case):
    """Whatever the terms, the surfaces, the strikes and the quantities: nothing reverts, and both say the same."""
    draw = Draw(f"accounts {case}")
    model = RuleMargin(draw.randint(1, 20) * WAD, draw.randint(21, 50) * WAD, 5_000, option_books.terms(draw))
    rule = option_books.rule_margin(artifacts, model)
    for _ in range(200):
        assets = [
            AssetExposure(draw.signed(200), draw.bits(14), draw.bits(14), draw.bits(14), draw.bits(24))
            for _ in range(draw.randint(0, 3))
        ]
        perps = [
            PerpExposure(
                draw.choice([0, draw.bits(135)]),
                draw.signed(160),
                books.risk(draw, 1),
                short=draw.random() < 0.5,
                doubt=draw.bits(24),
            )
            for _ in range(draw.randint(0, 2))
        ]
        expiries = [option_books.expiry(draw) for _ in range(draw.randint(0, 4))]

        assert ask(rule, assets, perps, expiries) == list(model.assess_options(assets, perps, expiries))


def test_without_options_it_is_assess(rule, draw):
    """Accounts that sold their last option are asked for what those are that never had any."""
    for _ in range(200):
        assets = [AssetExposure(draw.signed(100), draw.bits(13), draw.bits(12), draw.bits(13)) for _ in range(2)]
        perps = [PerpExposure(draw.bits(100), draw.signed(100), books.risk(draw, 1)) for _ in range(2)]

        assert ask(rule, assets, perps, []) == list(books.MODEL.assess(assets, perps))


EXTREMES = [
    month(Holding(0, 0, False, -(10**8)), Holding(0, 0, True, -(10**8))),
    month(Holding(2**24 - 1, 15, False, -(10**8)), Holding(2**24 - 1, 15, True, -(10**8))),
    month(Holding(1, 0, False, -(2**63)), Holding(2**24 - 1, 15, True, -(2**63))),
    month(holding(2_000, -1), surface=(0, 0, 0)),
    month(holding(2_000, -1), surface=(2**256 - 1, 2**256 - 1, 2**256 - 1)),
    month(holding(2_000, -1), surface=(0, 0, 2**64 - 1)),
    month(holding(2_000, -1), surface=(FLAT[0], FLAT[1], 1)),
    month(holding(2_000, -1), surface=(FLAT[0], FLAT[1] % 2**136, FLAT[2])),
    month(holding(2_000, -1))._replace(spot=0),
    month(holding(2_000, -1))._replace(spot=2**72 - 1),
    month(holding(2_000, -1))._replace(seconds=2**32 - 1),
    month(holding(2_000, -1))._replace(seconds=0),
    month(holding(2_000, -1), mult_im=2**24 - 1, mult_mm=2**24 - 1),
    month(),
]


@pytest.mark.parametrize("place", range(len(EXTREMES)))
def test_no_position_reverts(rule, place):
    """An account that cannot be assessed cannot be liquidated."""
    assert ask(rule, [], [], [EXTREMES[place]]) == list(books.MODEL.assess_options([], [], [EXTREMES[place]]))


# ---------------------------------------------------------------- the published formula


def published(terms: OptionTerms, expiry: ExpiryExposure) -> tuple[mpf, mpf, mpf]:
    """(mark, net IM, net MM) of one expiry, quote: each short by itself, all points of the payoff one by one."""
    bps = [mpf(value) / 10_000 for value in (terms.max_spot, terms.min_spot, terms.mm_call, terms.mm_put)]
    most, least, mm_call, mm_put = bps
    spot = mpf(expiry.spot) / 10**10
    forward = spot * (expiry.surface[2] % 2**64) / WAD
    legs = []
    mark, iso_im, iso_mm = mpf(0), mpf(0), mpf(0)
    for option in expiry.holdings:
        strike, size = mpf(option.strike) / 10**10, mpf(option.quantity) / 10**8
        value = black_scholes(expiry, forward, strike)
        value = value - forward + strike if option.put else value
        legs.append((strike, size, option.put))
        mark += size * value
        if size > 0:
            continue
        out = max((spot - strike) / spot if option.put else (strike - spot) / spot, 0)
        im, mm = value + max(most - out, least) * spot, value + mm_call * spot
        if option.put:
            mm = value + max(mm_put * spot, value * terms.mm_put_mark / 10_000)
            im = max(im, mm * terms.offset / 10_000)
        iso_im, iso_mm = iso_im + size * im, iso_mm + size * mm
    points = [mpf(0), *(strike for strike, _, _ in legs)]
    payoffs = [sum(q * max(k - p if put else p - k, 0) for k, q, put in legs) for p in points]
    bottom = min([mpf(0), *payoffs])
    calls = min(sum((q for _, q, put in legs if not put), mpf(0)), 0)
    net_im = max(iso_im, bottom + calls * forward * terms.unpaired_im / 10_000)
    net_mm = max(iso_mm, bottom + calls * forward * terms.unpaired_mm / 10_000)
    return mark, net_im, net_mm


def black_scholes(expiry: ExpiryExposure, forward: mpf, strike: mpf) -> mpf:
    """A call."""
    smile = [mpf(value) / WAD for value in expiry.smile]
    a, b, rho, m, sigma = smile
    k = mp.log(strike / (mpf(expiry.fitted) / 10**10))
    edge = 4 * mp.sqrt(a + b * sigma)
    k = max(min(k, edge), -edge) - m
    variance = a + b * (rho * k + mp.sqrt(k * k + sigma * sigma))
    tau = mpf(expiry.surface[1] >> 136 & 2**64 - 1) / WAD
    vol = mp.sqrt(variance / tau * mpf(expiry.seconds) / (365 * DAY))
    d1 = mp.log(forward / strike) / vol + vol / 2
    return forward * ncdf(d1) - strike * ncdf(d1 - vol)


@pytest.mark.parametrize("case", range(8))
def test_the_published_formula_in_mpmath_agrees(artifacts, case):
    """Mark, IM and MM of real expiries within 2e-9 of the notional."""
    draw = Draw(f"published {case}")
    terms = replace(option_books.terms(draw), option_threshold=0, long_share=0)
    model = RuleMargin(1, 2, 10_000, terms)
    rule = option_books.rule_margin(artifacts, model)
    for _ in range(25):
        one = option_books.expiry(draw, extreme=0)._replace(mult_im=ONE, mult_mm=ONE, settled=False)
        one = one._replace(seconds=draw.randint(60, 400 * DAY), spot=draw.randint(10**12, 10**16))
        one = one._replace(surface=option_books.surface(draw, one.spot, 0))
        notional = sum(abs(option.quantity) * max(one.spot, one.forward) for option in one.holdings)
        dust = PerpExposure(1, 0, books.risk(draw, 1))
        equity, im, im0, mm, _ = ask(rule, [], [dust], [one])
        with mp.workdps(40):
            mark, net_im, net_mm = published(terms, one)
            errors = [equity - mark * WAD, equity - im - net_im * WAD, equity - mm - net_mm * WAD]

        assert abs(im - im0) <= 1  # the dust
        assert max(map(abs, errors)) <= 2e-9 * notional + 100 * (1 + len(one.holdings))


def test_the_worst_payoff_is_found_in_one_walk(draw):
    """As if every strike were tried against every option."""
    for _ in range(500):
        options = option_books.expiry(draw, most=20).holdings
        points = [0, *(option.strike for option in options)]
        payoffs = [sum(o.quantity * max(o.strike - p if o.put else p - o.strike, 0) for o in options) for p in points]

        assert worst_loss(options) == max(-min(payoffs), 0)


# ---------------------------------------------------------------- what holds for any account


def test_initial_margin_is_never_below_maintenance(draw):
    """IM ≥ IM₀ ≥ MM ≥ 0, or a call could not be computed."""
    for _ in range(2_000):
        one = option_books.expiry(draw)
        one = one._replace(mult_im=max(one.mult_im, one.mult_mm))
        found = assess_options(option_books.terms(draw), [one])

        assert found.im >= found.im0 >= found.mm >= 0


def test_a_long_option_alone_is_worth_nothing_to_a_debt():
    """At the default share: mark in, requirement the same."""
    found = assess_options(TERMS, [month(holding(2_000, 3))])

    assert found.equity > 0
    assert found.im == found.im0 == found.mm == pytest.approx(found.equity, abs=1)


@pytest.mark.parametrize("share", [1, 2_500, 9_000])
def test_a_long_option_counts_at_its_share(share):
    """No more, in any requirement."""
    found = assess_options(replace(TERMS, long_share=share), [month(holding(2_000, 3))])

    assert found.equity - found.im == pytest.approx(found.equity * share / 10_000, rel=1e-12)
    assert found.im == found.im0 == found.mm


def test_the_share_credits_at_most_itself_and_never_lends(draw):
    """Against the same account at a share of zero; and mark less requirement stays within the mark."""
    for _ in range(1_000):
        terms = option_books.terms(draw)
        one = option_books.expiry(draw)
        without, found = (assess_options(replace(terms, long_share=share), [one]) for share in (0, terms.long_share))
        longs = sum(o.quantity * mark for o, mark in zip(one.holdings, marks(one), strict=True) if o.quantity > 0)
        credit = longs * terms.long_share // 10_000 // 10**8 + 1

        assert 0 <= without.im - found.im <= credit
        assert 0 <= without.mm - found.mm <= credit
        assert found.mm >= 0


def test_doubt_raises_initial_margin_only():
    """By (1 − confidence)·factor of the shorts' notional; and a long's mark is then no collateral."""
    terms = replace(TERMS, option_threshold=9_000, confidence_factor=4_000, long_share=5_000)
    sure = month(holding(2_000, -2), holding(3_000, 1))
    unsure = sure._replace(doubt=100_001)
    before, after = assess_options(terms, [sure]), assess_options(terms, [unsure])
    longs = marks(sure)[-1]

    assert (after.im0, after.mm, after.equity) == (before.im0, before.mm, before.equity)
    contingency = 2 * 2_000 * WAD * 4_000 * 100_001 // 10_000 // 10**6
    assert after.im - before.im == pytest.approx(contingency + longs // 2, abs=2)
    edge = assess_options(terms, [sure._replace(doubt=100_000)])
    assert edge == before


@pytest.mark.parametrize("which", ["forward", "volatility"])
def test_the_least_confidence_counts(which):
    """Of spot, forward and volatility."""
    word = FLAT[2] | 10**6 << (128 if which == "forward" else 176)
    doubted = month(holding(2_000, -1), surface=(FLAT[0], FLAT[1], word))

    assert assess_options(TERMS, [doubted]).im - assess_options(TERMS, [month(holding(2_000, -1))]).im == 2_000 * WAD


def test_a_box_is_what_it_pays():
    """Whatever the marks, a bought box needs its value back and a sold one its width."""
    legs = [(1_500, 1, False), (1_500, -1, True), (2_500, -1, False), (2_500, 1, True)]
    bought = assess_options(TERMS, [month(*(holding(k, q, put=put) for k, q, put in legs))])
    sold = assess_options(TERMS, [month(*(holding(k, -q, put=put) for k, q, put in legs))])

    assert (bought.equity, sold.equity) == (1_000 * WAD, -1_000 * WAD)
    assert bought.im == 1_000 * WAD
    assert sold.im == sold.mm == 0


def test_expiries_do_not_net():
    """A calendar spread is a short by itself and a long by itself."""
    sold, bought = month(holding(2_000, -1)), month(holding(2_000, 1))._replace(seconds=60 * DAY)
    both = assess_options(TERMS, [sold, bought])

    assert both.im == assess_options(TERMS, [sold]).im + assess_options(TERMS, [bought]).im


def test_a_multiplier_scales_what_is_asked_of_the_spot():
    """IM takes the one of now, IM₀ and MM the ramped one."""
    calm, wild = month(holding(2_000, -1)), month(holding(2_000, -1), mult_im=2 * ONE)
    before, after = assess_options(TERMS, [calm]), assess_options(TERMS, [wild])

    assert (before.im0, before.mm) == (300 * WAD, 180 * WAD)
    assert (after.im, after.im0, after.mm) == (600 * WAD, 300 * WAD, 180 * WAD)
    ramped = assess_options(TERMS, [month(holding(2_000, -1), mult_im=2 * ONE, mult_mm=2 * ONE)])
    assert (ramped.im0, ramped.mm) == (600 * WAD, 360 * WAD)


def test_an_expired_option_is_what_it_pays_and_keeps_its_margin_until_settled():
    """The spot still moves; once the price is final nothing is asked for but what is owed."""
    options = (holding(1_500, -1), holding(2_500, -2, put=True))
    expired = assess_options(TERMS, [month(*options, surface=(0, 0, 0))._replace(seconds=0)])
    settled = assess_options(TERMS, [month(*options, surface=(0, 0, 0), settled=True)._replace(seconds=0)])

    assert expired.equity == settled.equity == -1_500 * WAD
    assert expired.mm > 0
    assert settled == (-1_500 * WAD, 0, 0, 0, 0, True)


def test_what_clearing_still_owes_counts_as_a_long_does():
    """A winner of a settled expiry has no debt, and no cash yet."""
    winner = month(holding(1_500, 1), surface=(0, 0, 0), settled=True)._replace(seconds=0)

    assert assess_options(TERMS, [winner]) == (500 * WAD, 500 * WAD, 500 * WAD, 500 * WAD, 0, False)
    assert assess_options(replace(TERMS, long_share=9_000), [winner]).im == 50 * WAD


def test_an_account_with_longs_alone_is_healthy_and_one_with_a_short_has_the_floors(rule):
    """However small the short."""
    longs = ask(rule, [], [], [month(holding(2_000, 1))])
    short = ask(rule, [], [], [month(Holding(2_000_000, 7, False, -1))])

    assert longs[1:4] == [0, 0, 0]
    assert short[1:4] == [books.MODEL.im_floor, books.MODEL.im_floor, books.MODEL.mm_floor]


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_part_of_an_account_needs_its_part(draw, parts):
    """A slice cures what it is computed to cure: the requirement is homogeneous, up to the wei."""
    for _ in range(200):
        one = option_books.expiry(draw, extreme=0)
        whole = one._replace(holdings=tuple(o._replace(quantity=o.quantity * parts) for o in one.holdings))
        small, large = (assess_options(TERMS, [expiry]) for expiry in (one, whole))

        assert 0 <= small.im * parts - large.im <= 3 * parts
        assert 0 <= small.mm * parts - large.mm <= 3 * parts


# ---------------------------------------------------------------- gas


@pytest.mark.parametrize("kinds", [1, 2], ids=["128 strikes", "64 strikes, calls and puts"])
def test_a_full_account_is_within_its_gas(rule, kinds):
    """128 options of one expiry: three quarters of a million, so that the whole check stays below one."""
    count = 128 // kinds
    options = [
        holding(1_000 + 20 * place, 1 if place % 2 else -1, put=kind == 1)
        for place in range(count)
        for kind in range(kinds)
    ]
    expected = ask(rule, [AssetExposure(10**24, 0, 0, 0)], [], [month(*options)])
    spent = rule.evm.result.gas_used - 21_000

    assert expected[1] > 0
    assert spent <= 750_000
