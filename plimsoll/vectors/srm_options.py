"""The options of a published case of margin by rule, per expiry as our model takes them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log, sqrt

from plimsoll.margin.fixed_math import PPM, WAD
from plimsoll.margin.rule_options import ExpiryExposure, Holding
from plimsoll.vectors.field import SLACK, Field
from plimsoll.vectors.parted import strikes

UNDERLYINGS = ("ETH", "BTC")
E8 = 10**8
ENLARGED, SIZE_LIMIT = 10**6, 2**63 - 1
STRIKES = Fraction(1, 10**3), Fraction(10**11)
U24 = 2**24 - 1
COLUMNS = (
    *("OptionUnderlying", "OptionExpiries", "OptionStrikes", "OptionIsCall", "OptionAmounts", "OptionVols"),
    *("OptionVolConfidences", "FeedExpiries", "Forwards", "ForwardConfidences"),
)
#: Within this time of expiry the settlement price is partly fixed.
TWAP_WINDOW = 1800
#: Times the smile's own width, ln K/F beyond which it is level.
REACH = 4.0


@dataclass(frozen=True)
class Leg:
    place: int
    underlying: str
    seconds: int
    strike: Fraction
    put: bool
    quantity: int
    vol: Fraction
    forward: Fraction
    forward_doubt: int
    vol_doubt: int


def enlargement(s: Field) -> int:
    """By how much an account is taken as larger so that its options, kept at 1e-8, lose nothing by that."""
    amounts: list[Fraction] = [abs(amount) / WAD * E8 for amount in s["OptionAmounts"].numbers()]
    whole = all(abs(amount - round(amount)) <= SLACK * max(amount, Fraction(1)) for amount in amounts)
    return 1 if whole or max(amounts) * ENLARGED > SIZE_LIMIT else ENLARGED


def legs_of(s: Field, size: int) -> list[Leg]:
    """Amounts `size` times as large."""
    count = len(s["OptionUnderlying"].items())
    columns = {name: s[name].items(count) for name in COLUMNS}
    return [_leg(place, {name: items[place] for name, items in columns.items()}, size) for place in range(count)]


def _leg(place: int, row: dict[str, Field], size: int) -> Leg:
    name, expiry_ = row["OptionUnderlying"], row["OptionExpiries"]
    if name.value not in UNDERLYINGS:
        raise name.refused(f"it must be one of {', '.join(UNDERLYINGS)}")
    seconds = expiry_.whole()
    if not 0 < seconds < 2**32:
        raise expiry_.refused("it must be in the future, in seconds")
    if row["FeedExpiries"].number() != seconds:
        raise row["FeedExpiries"].refused(f"it must be that of the option, {seconds}")
    amount = row["OptionAmounts"]
    return Leg(
        place=place,
        underlying=str(name.value),
        seconds=seconds,
        strike=_strike(row["OptionStrikes"]),
        put=not row["OptionIsCall"].flag(),
        quantity=amount.scaled(E8, 64, signed=True, of=amount.number() * size / WAD),
        vol=row["OptionVols"].number() / WAD,
        forward=row["Forwards"].positive() / WAD,
        forward_doubt=doubt(row["ForwardConfidences"]),
        vol_doubt=doubt(row["OptionVolConfidences"]),
    )


def doubt(field: Field) -> int:
    """1 − confidence, ppm."""
    value = field.between(0, WAD, "a confidence is from 0 to 1e18")
    return field.whole(Fraction(1, PPM), of=1 - value / WAD)


def expiry(s: Field, place: int, price: tuple[Fraction, int], legs: list[Leg]) -> ExpiryExposure:
    first, (spot, spot_doubt) = legs[0], price
    forwards = s["Forwards"].items()
    for leg in legs:
        if (leg.forward, leg.forward_doubt, leg.vol_doubt) != (first.forward, first.forward_doubt, first.vol_doubt):
            raise forwards[leg.place].refused(f"an expiry has one forward and surface, that of option {first.place}")
    quantities: dict[tuple[int, bool], int] = {}
    for leg in legs:
        rest = leg.quantity
        for code, share in strikes(leg.strike, parted=True):
            quantity = round(rest * share)
            rest -= quantity
            quantities[code, leg.put] = quantities.get((code, leg.put), 0) + quantity
    held = sorted((code, put, quantity) for (code, put), quantity in quantities.items() if quantity)
    spot_word = s[f"{first.underlying}SpotPrice"].scaled(10**10, 72, of=spot)
    doubts = first.forward_doubt << 128 | first.vol_doubt << 176
    forward = forwards[first.place]
    carry = forward.scaled(WAD, 64, of=_effective_forward(s, first) * 10**10 / spot_word)
    svi = s["SVIParams"].items(5)
    *smile, sigma, tau = _smile(s, legs)
    parts = [item.scaled(WAD, 64, signed=True, of=value) for item, value in zip(svi, smile, strict=False)]
    second = svi[4].scaled(WAD, 64, of=sigma) | forward.scaled(10**10, 72, of=first.forward) << 64
    return ExpiryExposure(
        market=place,
        expiry=first.seconds // 60,
        holdings=tuple(Holding(code & U24, code >> 24, put, quantity) for code, put, quantity in held),
        spot=spot_word,
        seconds=first.seconds,
        surface=(
            sum(value % 2**64 << 64 * n for n, value in enumerate(parts)),
            second | int(tau * WAD) << 136,
            carry | doubts,
        ),
        doubt=spot_doubt,
    )


def _effective_forward(s: Field, leg: Leg) -> Fraction:
    """What has been fixed of the settlement price, and the forward of the rest."""
    if leg.seconds >= TWAP_WINDOW:
        return leg.forward
    share = s[f"PercentFixed{leg.underlying}"].number(Fraction(0))
    if not share:
        return leg.forward
    return share * s[f"TWAP_{leg.underlying}"].number() / WAD + (1 - share) * leg.forward


def _smile(s: Field, legs: list[Leg]) -> tuple[Fraction, ...]:
    """a, b, ρ, m, σ and the time they are of: those given where they give the legs' volatilities, else a flat one."""
    given = s["SVIParams"].numbers(5)
    a, b, rho, m, sigma = map(float, given)
    reach = REACH * sqrt(max(a + b * sigma, 0.0))
    wrong = None
    for leg in legs:
        k = log(leg.strike / leg.forward)
        k = min(max(k, -reach), reach)
        variance = a + b * (rho * (k - m) + sqrt((k - m) ** 2 + sigma**2))
        if variance < 0 or abs(sqrt(variance) - float(leg.vol)) > 1e-9:
            wrong = leg
    if wrong is None:
        return (*given, Fraction(1))
    vol = legs[0].vol
    if any(leg.vol != vol for leg in legs):
        field = s["OptionVols"].items()[wrong.place]
        raise field.refused("it is not what SVIParams give, and not the same for the whole expiry")
    # Of a short time, so that any volatility fits.
    tau = Fraction(1, 100)
    return (vol**2 * tau, Fraction(0), Fraction(0), Fraction(0), Fraction(1, 10), tau)


def _strike(field: Field) -> Fraction:
    value = field.positive() / WAD
    if not STRIKES[0] <= value <= STRIKES[1]:
        raise field.refused(f"contracts keep strikes from {float(STRIKES[0]):g} to {float(STRIKES[1]):g}")
    return value
