"""The options of a published case of margin by rule, per expiry as our model takes them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log, sqrt

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.rule_options import ExpiryExposure, Holding
from plimsoll.vectors.fields import SLACK, Fields, doubt, positive, whole

UNDERLYINGS = ("ETH", "BTC")
#: Within this time of expiry the settlement price is partly fixed.
TWAP_WINDOW = 1800


@dataclass(frozen=True)
class Leg:
    place: int
    underlying: str
    seconds: int
    strike: tuple[int, int]
    put: bool
    quantity: int
    vol: Fraction
    forward: Fraction
    forward_doubt: int
    vol_doubt: int


def legs_of(s: Fields) -> list[Leg]:
    names = s.items("OptionUnderlying")
    count = len(names)
    columns = {
        name: s.numbers(name, count)
        for name in ("OptionExpiries", "OptionStrikes", "OptionIsCall", "OptionAmounts", "OptionVols")
        + ("OptionVolConfidences", "FeedExpiries", "Forwards", "ForwardConfidences")
    }
    return [
        _leg(s, place, name, {key: values[place] for key, values in columns.items()})
        for place, name in enumerate(names)
    ]


def _leg(s: Fields, place: int, name: object, row: dict[str, Fraction]) -> Leg:
    def at(field: str) -> str:
        return f"{s.at(field)}[{place}]"

    if name not in UNDERLYINGS:
        raise BadInput(at("OptionUnderlying"), name, f"it must be one of {', '.join(UNDERLYINGS)}")
    if row["OptionIsCall"] not in (0, 1):
        raise BadInput(at("OptionIsCall"), str(row["OptionIsCall"]), "it must be 0 or 1")
    if row["FeedExpiries"] != row["OptionExpiries"]:
        raise BadInput(at("FeedExpiries"), str(row["FeedExpiries"]), "it must be that of the option")
    seconds = whole(row["OptionExpiries"], at("OptionExpiries"))
    if not 0 < seconds < 2**32:
        raise BadInput(at("OptionExpiries"), seconds, "it must be in the future, in seconds")
    return Leg(
        place=place,
        underlying=str(name),
        seconds=seconds,
        strike=_strike(row["OptionStrikes"] / WAD, at("OptionStrikes")),
        put=row["OptionIsCall"] == 0,
        quantity=whole(row["OptionAmounts"] / 10**10, at("OptionAmounts")),
        vol=row["OptionVols"] / WAD,
        forward=positive(row["Forwards"] / WAD, at("Forwards")),
        forward_doubt=doubt(row["ForwardConfidences"], at("ForwardConfidences")),
        vol_doubt=doubt(row["OptionVolConfidences"], at("OptionVolConfidences")),
    )


def expiry(s: Fields, place: int, price: tuple[Fraction, int], legs: list[Leg]) -> ExpiryExposure:
    first, (spot, spot_doubt) = legs[0], price
    for leg in legs:
        if (leg.forward, leg.forward_doubt, leg.vol_doubt) != (first.forward, first.forward_doubt, first.vol_doubt):
            where = f"{s.at('Forwards')}[{leg.place}]"
            raise BadInput(
                where, float(leg.forward), f"an expiry has one forward and surface, that of option {first.place}"
            )
    quantities: dict[tuple[tuple[int, int], bool], int] = {}
    for leg in legs:
        quantities[leg.strike, leg.put] = quantities.get((leg.strike, leg.put), 0) + leg.quantity
    holdings = [Holding(*strike, put, quantity) for (strike, put), quantity in quantities.items() if quantity]
    spot_word = round(spot * 10**10)
    forward = _effective_forward(s, first)
    doubts = first.forward_doubt << 128 | first.vol_doubt << 176
    a, b, rho, m, sigma, tau = _smile(s, legs)
    return ExpiryExposure(
        market=place,
        expiry=first.seconds // 60,
        holdings=tuple(sorted(holdings, key=lambda h: (h.exponent, h.mantissa, h.put))),
        spot=spot_word,
        seconds=first.seconds,
        surface=(
            sum(round(value * WAD) % 2**64 << 64 * word for word, value in enumerate((a, b, rho, m))),
            round(sigma * WAD) | round(first.forward * 10**10) << 64 | round(tau * WAD) << 136,
            round(forward * 10**10 * WAD / spot_word) | doubts,
        ),
        doubt=spot_doubt,
    )


def _effective_forward(s: Fields, leg: Leg) -> Fraction:
    """What has been fixed of the settlement price, and the forward of the rest."""
    share = s.number(f"PercentFixed{leg.underlying}", Fraction(0)) if leg.seconds < TWAP_WINDOW else Fraction(0)
    if not share:
        return leg.forward
    return share * s.number(f"TWAP_{leg.underlying}") / WAD + (1 - share) * leg.forward


def _smile(s: Fields, legs: list[Leg]) -> tuple[Fraction, ...]:
    """a, b, ρ, m, σ and the time they are of: those given where they give the legs' volatilities, else a flat one."""
    names = ("a", "b", "rho", "m", "sigma")
    given = s.numbers("SVIParams", len(names))
    a, b, rho, m, sigma = map(float, given)
    wrong = None
    for leg in legs:
        k = log(leg.strike[0] * 10 ** leg.strike[1] / float(leg.forward * 10**10)) if leg.strike[0] else -100.0
        variance = a + b * (rho * (k - m) + sqrt((k - m) ** 2 + sigma**2))
        if variance < 0 or abs(sqrt(variance) - float(leg.vol)) > 1e-9:
            wrong = leg
    if wrong is None:
        return (*given, Fraction(1))
    vol = legs[0].vol
    if any(leg.vol != vol for leg in legs):
        where = f"{s.at('OptionVols')}[{wrong.place}]"
        raise BadInput(where, float(wrong.vol), "it is not what SVIParams give, and not the same for the whole expiry")
    return (vol**2, Fraction(0), Fraction(0), Fraction(0), Fraction(1, 10), Fraction(1))


def _strike(value: Fraction, where: str) -> tuple[int, int]:
    """As mantissa and exponent, the mantissa of seven digits unless the exponent is 0."""
    scaled, exponent = value * 10**10, 0
    while scaled >= 10**7 - Fraction(1, 2) and exponent < 15:
        scaled, exponent = scaled / 10, exponent + 1
    mantissa = round(scaled)
    if value <= 0 or mantissa >= 10**7 or abs(mantissa - scaled) > SLACK * scaled:
        raise BadInput(where, float(value), "it must be above zero and have at most seven digits")
    return mantissa, exponent
