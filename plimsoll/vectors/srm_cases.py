"""Published cases of margin by rule (`test-cases.json`, `params.json`), in the terms of our model."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.margin.rule_options import ExpiryExposure
from plimsoll.vectors.fields import Fields, bps, doubt, positive, read, whole
from plimsoll.vectors.srm_options import UNDERLYINGS, Leg, expiry, legs_of

PARAMETERS = "params.json"


@dataclass(frozen=True)
class Rules:
    """Bps, but `depeg_factor`."""

    options: OptionTerms
    perp_im: int
    perp_mm: int
    base_im: int
    base_mm: int
    depeg_threshold: int
    depeg_factor: Fraction


@dataclass(frozen=True)
class Underlying:
    """Prices and amounts of one underlying in quote and units; doubts = 1 − confidence, ppm."""

    spot: Fraction
    perp_price: Fraction
    spot_doubt: int
    perp_doubt: int
    perp: Fraction
    pnl: Fraction
    base: Fraction
    expiries: tuple[ExpiryExposure, ...]


@dataclass(frozen=True)
class Case:
    """What an account has and what was published for it, in quote."""

    name: str
    cash: Fraction
    stable: Fraction
    underlyings: tuple[Underlying, ...]
    im: Fraction
    mm: Fraction
    mtm: Fraction


def rules(folder: Path, file: str) -> Rules:
    """The parameters for the cases of `file`."""
    p = read(folder / PARAMETERS)
    option, perp, doubt, depeg = (p.object(name) for name in ("option", "perp", "oracleContingency", "depeg"))
    bases = p.object("base_margin")
    key = file.replace("-", "_").replace(".", "_")
    base = bases.object(key if key in bases.raw else "test_cases_json")
    factor, scale = base.number("marginFactor"), base.number("IMScale")
    return Rules(
        options=_option_terms(option, doubt),
        perp_im=bps(perp, "imPerpReq"),
        perp_mm=bps(perp, "mmPerpReq"),
        base_im=whole((1 - factor * scale) * BPS, base.at("IMScale")),
        base_mm=whole((1 - factor) * BPS, base.at("marginFactor")),
        depeg_threshold=bps(depeg, "threshold"),
        depeg_factor=depeg.number("depegFactor"),
    )


def _option_terms(option: Fields, doubt: Fields) -> OptionTerms:
    return OptionTerms(
        max_spot=bps(option, "maxSpotReq"),
        min_spot=bps(option, "minSpotReq"),
        mm_call=bps(option, "mmCallSpotReq"),
        mm_put=bps(option, "mmPutSpotReq"),
        mm_put_mark=bps(option, "MMPutMtMReq"),
        unpaired_im=bps(option, "unpairedIMScale"),
        unpaired_mm=bps(option, "unpairedMMScale"),
        offset=bps(option, "mmOffsetScale"),
        asset_threshold=bps(doubt, "baseThreshold"),
        perp_threshold=bps(doubt, "perpThreshold"),
        option_threshold=bps(doubt, "optionThreshold"),
        confidence_factor=bps(doubt, "OCFactor"),
    )


def cases(path: Path) -> list[Case]:
    """Every case in `path`."""
    file = read(path)
    return [_case(name, file.object(name)) for name in file.raw]


def _case(name: str, case: Fields) -> Case:
    s, result = case.object("Scenario"), case.object("Result")
    legs = legs_of(s)
    return Case(
        name=name,
        cash=s.number("Cash") / WAD,
        stable=s.number("USDCValue") / WAD,
        underlyings=tuple(_underlying(s, place, legs) for place in range(len(UNDERLYINGS))),
        im=result.number("realIM") / WAD,
        mm=result.number("realMM") / WAD,
        mtm=result.number("PortfolioMtM") / WAD,
    )


def _underlying(s: Fields, place: int, legs: list[Leg]) -> Underlying:
    name = UNDERLYINGS[place]
    doubts = s.items("SpotPerpConfidences", len(UNDERLYINGS))[place]
    confidences = Fields({"list": doubts}, s.at(f"SpotPerpConfidences[{place}]")).numbers("list", 2)
    spot = positive(s.number(f"{name}SpotPrice") / WAD, s.at(f"{name}SpotPrice"))
    price = positive(s.numbers("PerpPrice", len(UNDERLYINGS))[place] / WAD, s.at("PerpPrice"))
    perp = s.number(f"Perps_{name}") / WAD
    pnl = Fraction(0)
    if perp:
        paid = s.number(f"Account{name}FundingIndex", Fraction(0)) - s.number(f"{name}GlobalFundingIndex", Fraction(0))
        pnl = perp * (price - s.number(f"LastEntry{name}") / WAD + paid / WAD)
    spot_doubt, perp_doubt = (doubt(value, s.at(f"SpotPerpConfidences[{place}]")) for value in confidences)
    mine = [leg for leg in legs if leg.underlying == name]
    times = sorted({leg.seconds for leg in mine})
    return Underlying(
        spot=spot,
        perp_price=price,
        spot_doubt=spot_doubt,
        perp_doubt=max(spot_doubt, perp_doubt),
        perp=perp,
        pnl=pnl,
        base=s.number(f"w{name}") / WAD,
        expiries=tuple(
            expiry(s, place, (spot, spot_doubt), [leg for leg in mine if leg.seconds == time]) for time in times
        ),
    )
