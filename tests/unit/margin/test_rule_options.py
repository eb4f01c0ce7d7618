"""RuleMargin with options against its twin and the published formula in mpmath: what it refuses, what it costs."""

from __future__ import annotations

from dataclasses import replace

import books
import option_books
import pytest
from draws import Draw
from eth_utils import keccak
from exposed import Exposed, word
from mpmath import mp, mpf, ncdf
from option_books import DAY, FLAT, WAD, ask, holding, month

from plimsoll.margin.option_terms import OptionTerms, broken_bounds
from plimsoll.margin.rule_margin import AssetExposure, PerpExposure, RuleMargin
from plimsoll.margin.rule_options import ExpiryExposure, Holding, worst_loss
from plimsoll.margin.volatility_math import ONE

TERMS = OptionTerms()


@pytest.fixture(scope="module")
def rule(artifacts):
    return option_books.rule_margin(artifacts, books.MODEL)


# ---------------------------------------------------------------- what is refused


def test_terms_are_refused_for_the_first_bound_they_break(artifacts, rule, draw):
    """With the error and the values that the twin names."""
    refused = set()
    for _ in range(300):
        changed = {name: draw.choice([0, 65_535, draw.bits(16)]) for name in draw.sample(OptionTerms.__slots__, 2)}
        terms = replace(option_books.terms(draw), **changed)
        arguments = (1, 2, 0, terms.to_word(), int(rule.address, 16))
        broken = next(broken_bounds(terms), None)
        if broken is None:
            assert Exposed(artifacts["RuleMargin"], *arguments, evm=rule.evm).OPTION_TERMS() == terms.to_word()
            continue
        with pytest.raises(RuntimeError) as error:
            Exposed(artifacts["RuleMargin"], *arguments, evm=rule.evm)
        signature = f"{broken.error}({','.join(['uint256'] * len(broken.values))})"
        assert (keccak(text=signature)[:4] + b"".join(map(word, broken.values))).hex() in str(error.value)
        refused.add(broken.error)
    assert len(refused) == 11


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


# ---------------------------------------------------------------- gas


@pytest.mark.parametrize("count", [24, 25], ids=["looked up", "loaded"])
def test_few_and_many_options_have_the_same_marks(rule, count):
    """From 25 on the table is loaded whole: what one is worth alone it is worth among others, near and far."""
    options = [holding(1_000 + 9 * place * place, 1, put=place % 3 == 0) for place in range(count)]
    alone = [ask(rule, [], [], [month(option)])[0] for option in options]

    assert ask(rule, [], [], [month(*options)])[0] == sum(alone)
    assert books.MODEL.assess_options([], [], [month(*options)]).equity == sum(alone)
    assert min(alone) == 0 < max(alone)


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
