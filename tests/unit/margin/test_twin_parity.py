"""Each Python twin returns what its Solidity library returns, to the wei, over the whole range of its arguments."""

from __future__ import annotations

import pytest
from exposed import TIME, Reverted

from plimsoll.margin import (
    asset_math,
    decimal_float,
    fill_math,
    fixed_math,
    funding_math,
    interest_math,
    liquidation_math,
    position_math,
    price_word,
    ramp_math,
    tier_math,
    words,
)

CASES = 1_500
WAD = 10**18


def _tiers(d):
    """Rising rates and bounds, as MarketConfig demands."""
    mm, im = (sorted(d.bits(16) for _ in range(3)) for _ in range(2))
    bounds = sorted((d.bits(16) for _ in range(2)), key=decimal_float.decode)
    near = decimal_float.decode(d.choice(bounds)) * tier_math.BOUND_UNIT + d.randint(-2, 2)
    notional = d.choice([d.bits(63) * d.bits(72), min(max(near, 0), 2**136), d.bits(136)])
    return notional, tier_math.pack_table(mm, im, *bounds)


def _interest(d):
    bounds = sorted((d.bits(16) for _ in range(2)), key=decimal_float.decode)
    near = decimal_float.decode(d.choice(bounds)) * tier_math.BOUND_UNIT + d.randint(-2, 2)
    return d.choice([d.bits(136), min(max(near, 0), 2**136)]), *bounds


def _round(d):
    return d.choice([d.bits(70), d.bits(12) * 10 ** d.randint(0, 18)])


def _ramp(d):
    end = d.choice([d.bits(32), TIME + d.randint(-90_000, 90_000)])
    return d.bits(16), d.bits(16), end, max(d.choice([TIME, end, end - 1, end - 86_400, d.bits(32)]), 0)


def _levels(d):
    mm = d.bits(120)
    return mm + d.bits(120), mm, d.randint(0, 10_000)


def _bonus(d):
    mm = max(d.bits(120), 1)
    equity = d.choice([d.signed(121), mm + d.randint(-2, 2), d.randint(-mm, mm)])
    share = d.randint(0, 10_000)
    return equity, mm, d.bits(32), d.randint(0, 10_000), d.bits(16), max(d.bits(32), 1), share


def _fraction(d):
    mm = max(d.bits(120), 1)
    target = fixed_math.ceil_div(mm * 10_200, 10_000) + d.bits(119)
    equity = d.choice([d.signed(121), d.randint(-mm, target), target + d.randint(-2, 2), mm + d.randint(-2, 2)])
    return equity, mm, target, d.randint(0, WAD), d.bits(100)


def _price(d):
    mm = d.bits(120)
    bonus, share = d.randint(0, WAD), d.randint(0, 10_000)
    edge = mm * bonus // WAD + mm * share // 10_000
    return d.choice([d.signed(121), edge + d.randint(-2, 2), d.randint(0, mm)]), mm, d.fraction(), bonus, share


def _fee(d):
    size = d.signed(63)
    return size, d.choice([d.signed(56), -size, 0]), d.bits(72), d.bits(16), d.bits(16)


def _near(d, most):
    """Of any size, or next to zero."""
    return d.choice([d.randint(-most, most), d.signed(63)])


def _grows(size, delta):
    """Larger than before, or on the other side: what PositionMath says in one comparison."""
    return int(abs(size + delta) > abs(size) or (size + delta) * size < 0)


def _part(d):
    size = d.signed(63) or 1
    return d.choice([size, d.randint(0, abs(size)) * (1 if size > 0 else -1)]), size, d.signed(95)


def _funding(d):
    # As in storage: the state's i32 rate, skews below 2^56, no more seconds than a u32 counts.
    cap = d.bits(16)
    rate = d.choice([d.signed(31), cap * 10**5, -cap * 10**5, d.randint(-cap * 10**5, cap * 10**5)])
    return rate, d.signed(56), d.bits(32), cap, d.bits(32), d.bits(72)


def _rate(d):
    bound = d.choice([interest_math.RATE_MIN, interest_math.RATE_MAX])
    return d.choice([d.bits(48), d.randint(10**10, 2 * 10**13), bound + d.randint(-2, 2)])


def _utilisation(d):
    return d.choice([d.bits(24), d.randint(0, 10**7), interest_math.TARGET + d.randint(-2, 2)])


def _accrual(d):
    # As in storage: indices below 2^64, times below 2^32.
    indices = [d.choice([d.bits(64), 10**12 + d.bits(50)]) for _ in range(2)]
    return _rate(d), _utilisation(d), d.choice([d.bits(16), d.randint(0, 10_000)]), d.bits(32), *indices


TWINS = {
    "mulDivDown": (fixed_math.mul_div_down, lambda d: (d.bits(127), d.bits(128), max(d.bits(128), 1))),
    "mulDivUp": (fixed_math.mul_div_up, lambda d: (d.bits(127), d.bits(128), max(d.bits(128), 1))),
    "ceilDiv": (fixed_math.ceil_div, lambda d: (d.bits(256), max(d.bits(256), 1))),
    "ceilDivSigned": (fixed_math.ceil_div_signed, lambda d: (d.signed(255), max(d.bits(250), 1))),
    "floorDivSigned": (fixed_math.floor_div_signed, lambda d: (d.signed(255), max(d.bits(250), 1))),
    "positive": (fixed_math.positive, lambda d: (d.signed(255),)),
    "sqrtYears": (fixed_math.sqrt_years, lambda d: (d.bits(64),)),
    "expWad": (fixed_math.exp_wad, lambda d: (d.choice([d.signed(65), d.randint(-5 * WAD, 5 * WAD)]),)),
    "lnWad": (fixed_math.ln_wad, lambda d: (max(d.choice([d.bits(255), d.bits(72)]), 1),)),
    "valueDown": (asset_math.value_down, lambda d: (d.bits(128), d.bits(72), d.randint(0, 30))),
    "valueUp": (asset_math.value_up, lambda d: (d.bits(128), d.bits(72), d.randint(0, 30))),
    "toUnitsDown": (asset_math.to_units_down, lambda d: (d.bits(160), 10 ** d.randint(0, 18))),
    "toUnitsUp": (asset_math.to_units_up, lambda d: (d.bits(160), 10 ** d.randint(0, 18))),
    "pnl": (position_math.pnl, lambda d: (d.signed(63), d.signed(95), d.bits(72), d.signed(63))),
    "notional": (position_math.notional, lambda d: (d.choice([-(2**63), d.signed(63)]), d.bits(80))),
    "slice": (position_math.slice, lambda d: (d.signed(63), d.signed(95), d.fraction())),
    "costOf": (position_math.cost_of, _part),
    "grows": (
        _grows,
        lambda d: (d.choice([d.randint(-3, 3), d.signed(63)]), d.choice([d.randint(-6, 6), d.signed(63)])),
    ),
    "requirements": (tier_math.requirements, _tiers),
    "interestShare": (tier_math.interest_share, _interest),
    "decode": (decimal_float.decode, lambda d: (d.bits(16),)),
    "encode": (decimal_float.encode, lambda d: (_round(d),)),
    "valueAt": (ramp_math.value_at, _ramp),
    "oldShare": (ramp_math.old_share, lambda d: _ramp(d)[2:]),
    "between": (ramp_math.between, lambda d: (d.bits(140), d.bits(140), d.randint(0, 10_000))),
    "project": (funding_math.project, _funding),
    "accrue": (interest_math.project, _accrual),
    "integral": (interest_math.integral, lambda d: (_rate(d), _utilisation(d), d.bits(32))),
    "compound": (interest_math.compound, lambda d: (d.bits(110),)),
    "borrowRate": (interest_math.borrow_rate, lambda d: (_rate(d), _utilisation(d))),
    "lendRate": (interest_math.lend_rate, lambda d: (_rate(d), _utilisation(d), d.bits(16))),
    "utilisationOf": (interest_math.utilisation_of, lambda d: (d.bits(128), d.bits(128))),
    "amountDown": (interest_math.amount_down, lambda d: (d.bits(128), d.bits(64))),
    "amountUp": (interest_math.amount_up, lambda d: (d.bits(128), d.bits(64))),
    "sharesDown": (interest_math.shares_down, lambda d: (d.bits(128), max(d.bits(64), 1))),
    "sharesUp": (interest_math.shares_up, lambda d: (d.bits(128), max(d.bits(64), 1))),
    "premium": (fill_math.premium, lambda d: (d.signed(63), d.signed(56), d.bits(72), max(d.bits(64), 1))),
    "spreadRate": (fill_math.spread_rate, lambda d: (d.bits(8), d.bits(16), d.bits(32), d.bits(8), d.bits(64))),
    "spreadCap": (fill_math.spread_cap, lambda d: (d.bits(16), d.bits(56), max(d.bits(64), 1), d.bits(16))),
    "spread": (fill_math.spread, lambda d: (d.bits(63), d.bits(72), d.bits(62))),
    "fee": (fill_math.fee, _fee),
    "callMargin": (liquidation_math.call_margin, _levels),
    "target": (liquidation_math.target, _levels),
    "bonusRate": (liquidation_math.bonus_rate, _bonus),
    "maxFraction": (liquidation_math.max_fraction, _fraction),
    "slicePrice": (liquidation_math.price, _price),
    "rejected": (price_word.rejected, lambda d: (d.bits(232), d.bits(32), d.bits(40), d.bits(8))),
    "withDispute": (price_word.with_dispute, lambda d: (d.bits(256), d.bits(32))),
    "isDisputed": (lambda word: price_word.is_disputed(word, TIME), lambda d: (_clock(d) << 192 | d.bits(192),)),
    "priceAge": (lambda word: price_word.age(word, TIME), lambda d: (_clock(d) << 96 | d.bits(96),)),
}


def _clock(d):
    return d.choice([d.bits(32), TIME + d.randint(-2, 2)])


@pytest.mark.parametrize("name", TWINS)
def test_twin_equals_its_library(name, exposed, draw):
    """One loop over all twins."""
    twin, generate = TWINS[name]
    library = getattr(exposed, name)
    for _ in range(CASES):
        arguments = generate(draw)
        expected = library(*arguments)

        assert expected == twin(*arguments), arguments


def test_price_word_unpacks_like_the_library_and_like_the_dataclass(exposed, draw):
    """Three readings of one word agree."""
    readers = ("value", "confidence", "published_at", "seen_at", "written_block", "disputed_until", "status")
    for _ in range(CASES):
        word = draw.bits(232)
        expected = exposed.unpackPrice(word)
        price = words.Price.from_word(word)

        assert expected == tuple(getattr(price_word, reader)(word) for reader in readers)
        assert expected == tuple(getattr(price, reader) for reader in readers)
        assert word == price.to_word()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("callMargin", (99, 100, 5_000)),  # IM₀ below MM
        ("target", (99, 100, 5_000)),
        ("bonusRate", (0, 1, 0, 10_001, 0, 1, 0)),  # a bonus above one
        ("bonusRate", (0, 1, 0, 0, 0, 1, 10_001)),
        ("bonusRate", (0, 1, 0, 0, 0, 0, 0)),  # no ramp
        ("bonusRate", (-1, 0, 0, 0, 1, 1, 0)),  # a loss without a requirement
        ("costOf", (1, 0, 1)),
        ("premium", (1, 0, 1, 0)),
        ("mulDivUp", (1, 1, 0)),
        ("expWad", (135305999368893231589,)),
        ("lnWad", (0,)),
        ("sharesDown", (1, 0)),  # what was lent is lost: nothing can be lent
        ("sharesUp", (1, 0)),
    ],
)
def test_twin_raises_where_the_library_reverts(name, arguments, exposed):
    """Nonsense parameters have no answer on either side; MarketConfig and RuleMargin keep them out."""
    with pytest.raises(Reverted):
        getattr(exposed, name)(*arguments)
    with pytest.raises(ArithmeticError):
        TWINS[name][0](*arguments)
