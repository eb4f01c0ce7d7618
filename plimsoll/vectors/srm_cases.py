"""Published cases of margin by rule (`test-cases.json`, `params.json`), in the terms of our model."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from plimsoll.margin.fixed_math import BPS, WAD
from plimsoll.margin.option_terms import OptionTerms
from plimsoll.margin.rule_options import ExpiryExposure
from plimsoll.vectors.field import Field
from plimsoll.vectors.srm_options import E8, UNDERLYINGS, Leg, doubt, enlargement, expiry, legs_of

PARAMETERS = "params.json"
PARTS = ("Scenario", "Result")


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

    @property
    def options(self) -> Fraction:
        """How many, bought and sold."""
        return Fraction(sum(abs(h.quantity) for expiry in self.expiries for h in expiry.holdings), E8)


@dataclass(frozen=True)
class Case:
    """What an account has and what was published for it, in quote. size: by how much what it has was enlarged."""

    name: str
    options: int
    size: int
    cash: Fraction
    stable: Fraction
    underlyings: tuple[Underlying, ...]
    im: Fraction
    mm: Fraction
    mtm: Fraction

    @property
    def gross(self) -> Fraction:
        """Gross notional, quote: options, perps and bases at spot, and cash; at least one."""
        held = sum((one.spot * (abs(one.perp) + abs(one.base) + one.options) for one in self.underlyings), Fraction(0))
        return max((held + abs(self.cash)) / self.size, Fraction(1))


def rules(path: Path) -> Rules:
    """The parameters for the cases of the file at `path`, which lie beside it."""
    p = Field.read(path.with_name(PARAMETERS))
    perp, bases = p["perp"], p["base_margin"]
    key = path.name.replace("-", "_").replace(".", "_")
    base = bases[key if key in bases else "test_cases_json"]
    factor, scale = base["marginFactor"].number(), base["IMScale"].number()
    return Rules(
        options=_option_terms(p["option"], p["oracleContingency"]),
        perp_im=bps(perp["imPerpReq"]),
        perp_mm=bps(perp["mmPerpReq"]),
        base_im=base["IMScale"].whole(Fraction(1, BPS), of=1 - factor * scale),
        base_mm=base["marginFactor"].whole(Fraction(1, BPS), of=1 - factor),
        depeg_threshold=bps(p["depeg"]["threshold"]),
        depeg_factor=p["depeg"]["depegFactor"].number(),
    )


def _option_terms(option: Field, doubt: Field) -> OptionTerms:
    return OptionTerms(
        max_spot=bps(option["maxSpotReq"]),
        min_spot=bps(option["minSpotReq"]),
        mm_call=bps(option["mmCallSpotReq"]),
        mm_put=bps(option["mmPutSpotReq"]),
        mm_put_mark=bps(option["MMPutMtMReq"]),
        unpaired_im=bps(option["unpairedIMScale"]),
        unpaired_mm=bps(option["unpairedMMScale"]),
        offset=bps(option["mmOffsetScale"]),
        asset_threshold=bps(doubt["baseThreshold"]),
        perp_threshold=bps(doubt["perpThreshold"]),
        option_threshold=bps(doubt["optionThreshold"]),
        confidence_factor=bps(doubt["OCFactor"]),
    )


def bps(field: Field) -> int:
    value = field.number()
    if not 0 <= value < 2**16 // BPS:
        raise field.refused("it must be a share, from 0 to 6")
    return field.whole(Fraction(1, BPS))


def is_case(field: Field) -> bool:
    """Whether it has anything of a case."""
    return isinstance(field.value, dict) and any(part in field for part in PARTS)


def read_case(case: Field) -> Case:
    s, result = case["Scenario"], case["Result"]
    size = enlargement(s)
    legs = legs_of(s, size)
    return Case(
        name=case.path,
        options=len(legs),
        size=size,
        cash=_amount(s["Cash"]) * size,
        stable=s["USDCValue"].number() / WAD,
        underlyings=tuple(_underlying(s, place, legs, size) for place in range(len(UNDERLYINGS))),
        im=result["realIM"].number() / WAD,
        mm=result["realMM"].number() / WAD,
        mtm=result["PortfolioMtM"].number() / WAD,
    )


def _underlying(s: Field, place: int, legs: list[Leg], size: int) -> Underlying:
    name = UNDERLYINGS[place]
    spot_doubt, perp_doubt = (doubt(item) for item in s["SpotPerpConfidences"].items(len(UNDERLYINGS))[place].items(2))
    spot = s[f"{name}SpotPrice"].positive() / WAD
    price = s["PerpPrice"].items(len(UNDERLYINGS))[place].positive() / WAD
    perp, pnl = _amount(s[f"Perps_{name}"]) * size, Fraction(0)
    if perp:
        ours, global_ = s[f"Account{name}FundingIndex"], s[f"{name}GlobalFundingIndex"]
        paid = ours.number(Fraction(0)) - global_.number(Fraction(0))
        pnl = perp * (price - s[f"LastEntry{name}"].number() / WAD + paid / WAD)
    mine = [leg for leg in legs if leg.underlying == name]
    times = sorted({leg.seconds for leg in mine})
    return Underlying(
        spot=spot,
        perp_price=price,
        spot_doubt=spot_doubt,
        perp_doubt=max(spot_doubt, perp_doubt),
        perp=perp,
        pnl=pnl,
        base=_amount(s[f"w{name}"]) * size,
        expiries=tuple(
            expiry(s, place, (spot, spot_doubt), [leg for leg in mine if leg.seconds == time]) for time in times
        ),
    )


def _amount(field: Field) -> Fraction:
    """Of a token or of quote, within what balances are: 2^96 in WAD."""
    return Fraction(field.scaled(WAD, 97, signed=True, of=field.number() / WAD), WAD)
