"""Random options, surfaces and terms for the tests: realistic ones, and ones at the ends of every field."""

from __future__ import annotations

from math import exp

from exposed import Exposed

from plimsoll.margin import black76
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.margin.rule_margin import RuleMargin
from plimsoll.margin.rule_options import ExpiryExposure, Holding
from plimsoll.margin.volatility_math import ONE

WAD = 10**18
DAY = 86_400


def rule_margin(artifacts, model: RuleMargin, evm=None) -> Exposed:
    """The contract with the immutables of `model`."""
    words = black76.table()
    table = Exposed(artifacts["NormalTable"], 32, 32 * len(words), *words, evm=evm)
    floors = (model.mm_floor, model.im_floor, model.pnl_share)
    return Exposed(artifacts["RuleMargin"], *floors, model.options.to_word(), int(table.address, 16), evm=table.evm)


def terms(draw) -> OptionTerms:
    """Any that the contract takes."""
    least = draw.randint(1, 3_000)
    unpaired_mm = draw.randint(10_000, 20_000)
    return OptionTerms(
        max_spot=draw.randint(least, 10_000),
        min_spot=least,
        mm_call=draw.randint(1, least),
        mm_put=draw.randint(1, least),
        mm_put_mark=draw.randint(1, 10_000),
        unpaired_im=draw.randint(unpaired_mm, 30_000),
        unpaired_mm=unpaired_mm,
        offset=draw.randint(10_000, 20_000),
        asset_threshold=draw.choice([0, draw.randint(0, 10_000)]),
        perp_threshold=draw.choice([0, draw.randint(0, 10_000)]),
        option_threshold=draw.choice([0, draw.randint(0, 10_000)]),
        confidence_factor=draw.randint(0, 10_000),
        long_share=draw.choice([0, 9_000, draw.randint(0, 9_000)]),
    )


def strike(draw, spot: int, extreme: float) -> tuple[int, int]:
    """Near the spot, or any that can be stored."""
    if draw.random() < extreme:
        return draw.choice([(0, 0), (1, 0), (10**7 - 1, 15), (draw.randint(10**6, 10**7 - 1), draw.bits(4))])
    value, exponent = max(int(spot * exp(draw.gauss(0, 0.4))), 1), 0
    while value >= 10**7 and exponent < 15:
        value, exponent = value // 10, exponent + 1
    return value, exponent


def surface(draw, spot: int, extreme: float) -> tuple[int, int, int]:
    """A smile as a feed would have it, none, or any words at all."""
    pick = draw.random()
    if pick < extreme / 2:
        return draw.getrandbits(256), draw.getrandbits(256), draw.getrandbits(256)
    if pick < extreme:
        return 0, 0, draw.choice([0, WAD])
    parts = (
        draw.uniform(0, 0.5),
        draw.uniform(0, 0.5),
        draw.uniform(-0.9, 0.9),
        draw.uniform(-0.5, 0.5),
    )
    sigma, tau, carry = draw.uniform(0.01, 0.5), draw.uniform(0.003, 2), draw.uniform(0.8, 1.2)
    fitted = int(spot * carry * draw.uniform(0.7, 1.3)) or 1
    return smile_words(
        parts, sigma, fitted, tau, carry, draw.choice([0, draw.bits(20)]), draw.choice([0, draw.bits(24)])
    )


def smile_words(parts, sigma, fitted, tau, carry, forward_doubt=0, vol_doubt=0) -> tuple[int, int, int]:
    """(a, b, ρ, m), σ, the forward of the smile in 1e-10, its time in years, forward / spot, doubts in ppm."""
    return (
        sum(int(part * WAD) % 2**64 << 64 * place for place, part in enumerate(parts)),
        int(sigma * WAD) | fitted % 2**72 << 64 | int(tau * WAD) << 136,
        int(carry * WAD) | forward_doubt << 128 | vol_doubt << 176,
    )


def quantity(draw, extreme: float) -> int:
    if draw.random() < extreme:
        return draw.choice([-(2**63), 2**63 - 1, draw.signed(63), 0])
    return draw.randint(1, 10**10) * draw.choice([1, -1])


def expiry(draw, *, extreme: float = 0.15, most: int = 8) -> ExpiryExposure:
    spot = draw.choice([0, 1, draw.bits(72)]) if draw.random() < extreme else int(10 ** draw.uniform(8, 16))
    series = {(*strike(draw, spot, extreme), draw.random() < 0.5) for _ in range(draw.randint(0, most))}
    holdings = [Holding(*one, quantity(draw, extreme)) for one in series]
    mult_mm = draw.choice([ONE, ONE, draw.randint(ONE, 5 * ONE), draw.bits(24)])
    return ExpiryExposure(
        market=draw.bits(6),
        expiry=draw.bits(27),
        holdings=tuple(sorted(holdings, key=lambda one: (one.exponent, one.mantissa, one.put))),
        spot=spot,
        seconds=draw.choice([0, 1, draw.bits(32), draw.randint(60, 400 * DAY), draw.randint(60, 400 * DAY)]),
        surface=surface(draw, spot, extreme),
        doubt=draw.choice([0, draw.bits(24), draw.randint(0, 10**6)]),
        settled=draw.random() < 0.1,
        mult_im=draw.choice([mult_mm, mult_mm + draw.bits(14) & 2**24 - 1]),
        mult_mm=mult_mm,
        feed=draw.bits(8),
    )
