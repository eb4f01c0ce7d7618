"""What a portfolio model may be: contract and twin refuse the same parameters, by the same error and values."""

from __future__ import annotations

from dataclasses import replace

import portfolios
import pytest
from portfolios import PARAMETERS, UNDERLYING, WAD
from pyrevm import EVM

from plimsoll.abi import keccak
from plimsoll.contracts import load
from plimsoll.margin.portfolio_parameters import LENIENT, Claim, Kind, ParameterError, Parameters, Scenario, triple
from plimsoll.vectors.pmrm2 import CALLER, ModelChain


def one(**fields: object) -> Parameters:
    """One underlying with these fields, whichever they are."""
    own = {key: fields.pop(key) for key in list(fields) if hasattr(UNDERLYING, key)}
    return replace(PARAMETERS, underlyings=(replace(UNDERLYING, **own),), **{"feeds": {1: Claim(0)}, **fields})


def shock(spot: int = WAD, kind: Kind = Kind.NONE, damping: int = WAD) -> Parameters:
    return one(scenarios=(Scenario(WAD), Scenario(spot, kind, damping)))


REFUSED = {
    "no underlying": (replace(PARAMETERS, underlyings=()), "UnderlyingsOutOfRange", 0),
    "no scenario": (one(scenarios=()), "ScenariosOutOfRange", 0),
    "41 scenarios": (one(scenarios=(Scenario(WAD),) * 41), "ScenariosOutOfRange", 41),
    "netting beyond one": (one(rho=1_000_001), "NettingOutOfRange", 1_000_001),
    "share of profit beyond one": (one(pnl_share=10_001), "ProfitShareOutOfRange", 10_001),
    "shocks that fade toward expiry": (one(settlement_window=1), "SettlementWindowUnsafe", 1),
    "no maintenance": (one(mm_factor=0), "LossFactorsUnordered", 0, PARAMETERS.im_factor),
    "initial below maintenance": (one(im_factor=WAD - 1), "LossFactorsUnordered", WAD, WAD - 1),
    "peg above one": (one(peg_threshold=WAD + 1), "DepegOutOfRange", WAD + 1, 2 * WAD),
    "threshold above one": (one(confidence_threshold=WAD + 1), "ConfidenceOutOfRange", WAD + 1, WAD),
    "equal floors": (one(im_floor=50 * WAD), "ModelFloorsUnordered", 50 * WAD, 50 * WAD),
    "a feed of nothing": (one(feeds={1: Claim(0), 9: Claim(1)}), "FeedWithoutUnderlying", 9, 1),
    "own feed claimed by none": (one(feeds={2: Claim(0)}), "FeedWithoutUnderlying", 1, 0),
    "feeds out of order": (
        replace(PARAMETERS, underlyings=PARAMETERS.underlyings[::-1], feeds={1: Claim(1), 2: Claim(0)}),
        *("UnderlyingsUnordered", 1, 2),
    ),
    "down by more than all": (one(vol_down=WAD + 1), "VolatilityShockOutOfRange", 0, 1, WAD + 1),
    "power": (one(long_power=11 * WAD), "VolatilityShockOutOfRange", 0, 4, 11 * WAD),
    "floor of time": (one(dte_floor=401 * 86_400), "VolatilityShockOutOfRange", 0, 5, 401 * 86_400),
    "skew of more than all": (one(linear_cap=WAD + 1), "SkewOutOfRange", 0, 4, WAD + 1),
    "scale of skew": (one(vol_scale=-21 * WAD), "SkewOutOfRange", 0, 3, -21 * WAD),
    "longs above par": (
        one(long_discount=105 * WAD // 100),
        "DiscountsUnordered",
        0,
        105 * WAD // 100,
        104 * WAD // 100,
    ),
    "swapped discounts": (
        one(long_discount=104 * WAD // 100, short_discount=95 * WAD // 100),
        *("DiscountsUnordered", 0, 104 * WAD // 100, 95 * WAD // 100),
    ),
    "rate": (one(short_add=11 * WAD), "RatesOutOfRange", 0, 4, 11 * WAD),
    "basis that does not rise": (one(basis_up=WAD), "BasisShocksUnordered", 0, 9 * WAD // 10, WAD),
    "contingency": (one(mm_option=3 * WAD), "ContingencyOutOfRange", 0, 4, 3 * WAD),
    "concave tiers": (one(tier_bound1=5, tier_bound2=4), "TiersNotConvex", 0, 5, 4),
    "no spot": (shock(spot=0), "SpotShockOutOfRange", 0, 1, 0),
    "damping above one": (shock(damping=WAD + 1), "DampingOutOfRange", 0, 1, WAD + 1),
    "skew with spot": (shock(spot=WAD + 1, kind=Kind.LINEAR), "SkewWithSpotShock", 0, 1, WAD + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_contract_and_twin_alike(name):
    parameters, error, *values = REFUSED[name]
    with pytest.raises(ParameterError) as caught:
        parameters.check()
    assert (caught.value.name, list(caught.value.values)) == (error, values)

    with pytest.raises(RuntimeError, match=_output(error, *values)):
        ModelChain(load(), parameters)


def _output(error: str, *values: int) -> str:
    """What a revert with this error puts out."""
    entry = next(entry for entry in load().entries("error") if entry["name"] == error)
    kinds = ",".join(field["type"] for field in entry["inputs"])
    return keccak(f"{error}({kinds})".encode())[:4].hex() + "".join(f"{value % 2**256:064x}" for value in values)


@pytest.mark.parametrize("word", [23, 24])
def test_what_is_derived_cannot_be_given(word):
    class Given(Parameters):
        def to_words(self) -> list[int]:
            words = super().to_words()
            words[word] |= 1 << 150
            return words

    given = Given(**{name: getattr(PARAMETERS, name) for name in Parameters.__slots__})

    with pytest.raises(RuntimeError, match=_output("DerivedGiven", word)):
        ModelChain(load(), given)


def test_words_missing_or_left_over_are_refused():
    words = PARAMETERS.to_words()
    artifact = load()["PortfolioMargin"]
    for wrong in (words[:11], words[:-1], [*words, 0]):
        expected = 12 if len(wrong) < 12 else len(words)
        with pytest.raises(RuntimeError, match=_output("ParametersMissing", len(wrong), expected)):
            EVM().deploy(CALLER, artifact.creation("0x" + "11" * 20, wrong))
        assert len(wrong) != len(words)


def test_what_does_not_fit_is_never_cut():
    with pytest.raises(OverflowError):
        triple(2**80, 0, 0)
    assert triple(1, -1, 2) >> 80 & 2**80 - 1 == 2**80 - 1


def test_published_parameters_need_the_lenient_bounds():
    odd = one(long_discount=11 * WAD // 10, short_discount=9 * WAD // 10, vol_down=2 * WAD, linear_cap=10 * WAD)
    with pytest.raises(ParameterError):
        odd.check()
    wide = replace(odd, flags=LENIENT, mm_floor=0, im_floor=0)
    chain = ModelChain(load(), wide)

    assert not chain.is_strict()
    assert portfolios.chain_of(PARAMETERS).is_strict()


def test_a_model_tells_which_markets_it_covers():
    chain = portfolios.chain_of(PARAMETERS)

    assert [feed for feed in range(256) if chain.claims(feed)] == sorted(PARAMETERS.feeds)
