"""A published portfolio case (PMRM_2) as parameters, account and what it should come to.

The schema keeps confidences, discounts and prices as decimals; here they become the words a deployed model is handed.
One feed is the spot's, one the perp's, and each collateral has its own. The spot's asset is held with nothing in it,
so that an account without options knows its spot as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import (
    LENIENT,
    MAX_SCENARIOS,
    PPM_UNIT,
    RESERVE_ALWAYS,
    Claim,
    Kind,
    Parameters,
    Scenario,
    Underlying,
)
from plimsoll.margin.portfolio_words import AccountView, ExpiryView, Option, Perp, Smile, Tag, strike_code
from plimsoll.margin.rule_margin import AssetExposure
from plimsoll.vectors.node import Node

SPOT_FEED, PERP_FEED, COLLATERAL_FEED = 1, 2, 8
AVERAGING = 1800  # seconds before expiry over which that engine's settlement price is an average
DIRECTIONS = {"none": Kind.NONE, "up": Kind.UP, "down": Kind.DOWN, "linear": Kind.LINEAR, "abs": Kind.ABSOLUTE}
SMILE_LIMIT = Decimal(2**63 - 1) / WAD
SIGMA_LIMIT = Decimal(18)
SIZE_LIMIT = 2**63 - 1
FEED_CONFIDENCES = ("ForwardConfidence", "RateConfidence", "OptionVolConfidences")
FIELD, UNITS_TRIED = 2**24 - 1, 100_000


@dataclass(frozen=True, slots=True)
class Case:
    """What a file holds; im and mm are net: equity less the requirement. gross: gross notional, quote."""

    name: str
    parameters: Parameters
    view: AccountView
    im: Decimal
    mm: Decimal
    gross: Decimal
    options: int


def load(path: Path) -> Case:
    try:
        content = json.loads(path.read_text(), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise BadInput(path.name, None, f"no readable JSON: {error}") from None
    return parse(path.name, content)


def parse(name: str, content: Any) -> Case:
    root = Node(name, "", content)
    scenario, result = root.get("Scenario"), root.get("Result")
    unit = doubt_unit(scenario)
    parameters = replace(read_parameters(root.get("Parameters"), scenario), doubt_unit=unit)
    view, gross = read_account(scenario, unit)
    count = len(scenario.get("Options").items())
    return Case(Path(name).stem, parameters, view, result.number("IM"), result.number("MM"), gross, count)


def read_parameters(node: Node, account: Node) -> Parameters:
    margin, other = node.get("Margin"), node.get("OtherContingency")
    claims = {SPOT_FEED: Claim(0), PERP_FEED: Claim(0)}
    for i, collateral in enumerate(account.get("Collaterals").items()):
        claims[COLLATERAL_FEED + i] = Claim(0, bool(collateral.get("IsRiskCancelling").value))
    return Parameters(
        underlyings=(_underlying(node, margin, other),),
        im_factor=margin.wad("IM_LOSS_FACTOR"),
        mm_factor=margin.wad("MM_LOSS_FACTOR"),
        settlement_window=AVERAGING,
        flags=LENIENT | RESERVE_ALWAYS,
        peg_threshold=other.wad("PEG_LOSS_THRESHOLD"),
        peg_factor=other.wad("PEG_LOSS_FACTOR"),
        confidence_threshold=other.wad("CONF_THRESHOLD"),
        confidence_margin=other.wad("CONF_MARGIN"),
        feeds=claims,
    )


def _underlying(node: Node, margin: Node, other: Node) -> Underlying:
    vol, skew, basis = node.get("VolShock"), node.get("SkewShock"), node.get("BasisContingency")
    return Underlying(
        feed=SPOT_FEED,
        scenarios=_scenarios(node.get("Scenarios")),
        vol_up=vol.wad("VOLRANGEUP"),
        vol_down=vol.wad("VOLRANGEDOWN"),
        min_vol=vol.wad("MIN_VOL_EVAL_SHOCKED"),
        short_power=vol.wad("SHORTTERMPOWER"),
        long_power=vol.wad("LONGTERMPOWER"),
        dte_floor=round(vol.number("DTE_FLOOR") * 86_400),
        min_k_star=skew.wad("MIN_K_STAR"),
        width=skew.wad("MIN_WIDTH_SCALE"),
        vol_static=skew.wad("VOL_PARAM_STATIC"),
        vol_scale=skew.wad("VOL_PARAM_SCALE"),
        linear_cap=skew.wad("LINEAR_SCALE_CAP"),
        linear_base=skew.wad("LINEAR_CBASE"),
        abs_cap=skew.wad("ABS_SCALE_CAP"),
        abs_base=skew.wad("ABS_CBASE"),
        long_discount=margin.wad("BASE_STATIC_DISCOUNT"),
        long_mult=margin.wad("LONG_RATE_MULTSCALE"),
        long_add=margin.wad("LONG_RATE_ADDSCALE"),
        short_discount=margin.wad("BASE_STATIC_DISCOUNT_NEG"),
        short_mult=margin.wad("SHORT_RATE_MULTSCALE"),
        short_add=margin.wad("SHORT_RATE_ADDSCALE"),
        basis_up=basis.wad("SCENARIO_SPOT_UP"),
        basis_down=basis.wad("SCENARIO_SPOT_DOWN"),
        basis_add=basis.wad("BASIS_CONT_ADD_FACTOR"),
        basis_mult=basis.wad("BASIS_CONT_MULT_FACTOR"),
        mm_perp=other.wad("MM_PERP_PERCENT"),
        im_perp=other.wad("IM_PERP_PERCENT"),
        mm_option=other.wad("MM_OPTION_PERCENT"),
        im_option=other.wad("IM_OPTION_PERCENT"),
    )


def _scenarios(node: Node) -> tuple[Scenario, ...]:
    nodes = node.items()
    if not 0 < len(nodes) <= MAX_SCENARIOS:
        raise node.bad(f"between 1 and {MAX_SCENARIOS} scenarios fit")
    found = []
    for entry in nodes:
        direction = entry.get("VolShockDirection")
        kind = DIRECTIONS.get(str(direction.value).lower())
        if kind is None:
            raise direction.bad("one of Up, Down, None, LINEAR, ABS is expected")
        found.append(Scenario(entry.wad("SpotShock"), kind, entry.wad("DampeningFactor")))
    return tuple(found)


def read_account(node: Node, unit: int) -> tuple[AccountView, Decimal]:
    """The account, and its gross notional."""
    spot, stable, cash = node.positive("SpotPrice"), node.positive("StablePrice"), node.number("Cash")
    doubt, fine = confidence(node, "SpotConfidence", unit)
    assets = [AssetExposure(wad(cash), 0, 0, 0), AssetExposure(0, 0, 0, 0)]
    tags = [Tag(0, price=price(stable)), Tag(SPOT_FEED, doubt, 1, price(spot), fine)]
    gross = abs(cash)
    for i, collateral in enumerate(node.get("Collaterals").items()):
        value = collateral.number("Amount") * collateral.number("Price") / stable
        gross += abs(value)
        mm, im = bps(collateral, "MMHaircut"), bps(collateral, "IMHaircut")
        assets.append(AssetExposure(wad(value), mm + im, mm, mm + im))
        doubt_own, fine_own = confidence(collateral, "Confidence", unit)
        own = price(collateral.number("Price") / stable)
        tags.append(Tag(COLLATERAL_FEED + i, doubt_own, i + 2, own, fine_own))
    perps, notional = _perps(node, unit)
    expiries = _expiries(node, spot, (doubt, fine), unit)
    gross += notional + sum(abs(o.quantity) for e in expiries for o in e.options) * spot / 10**8
    return AccountView(tuple(assets), tuple(tags), perps, expiries), gross


def _perps(node: Node, unit: int) -> tuple[tuple[Perp, ...], Decimal]:
    size = quantity(node, "NumPerps")
    pnl = node.wad("UnrealisedPerpPNL") + node.wad("UnrealisedFunding")
    if size == 0 and pnl == 0:
        return (), Decimal(0)
    notional = abs(size) * price(node.number("PerpPrice"))
    doubt, fine = confidence(node, "PerpConfidence", unit)
    perp = Perp(notional, pnl, PERP_FEED, size < 0, abs(size), doubt, fine)
    return (perp,), Decimal(notional) / WAD


def _expiries(node: Node, spot: Decimal, doubt: tuple[int, int], unit: int) -> tuple[ExpiryView, ...]:
    feeds = {int(feed.number("FeedExpiry")): feed for feed in node.get("OptionFeeds").items()}
    legs: dict[int, dict[tuple[int, bool], int]] = {}
    for option in node.get("Options").items():
        secs = int(option.number("Expiry"))
        if secs not in feeds:
            raise option.get("Expiry").bad("there is no entry of OptionFeeds for it")
        key = (_strike(option), not option.get("IsCall").value)
        chain = legs.setdefault(secs, {})
        chain[key] = chain.get(key, 0) + quantity(option, "Amount")
    views = []
    for i, secs in enumerate(sorted(legs)):
        smile, fines = read_smile(feeds[secs], spot, unit)
        options = tuple(Option(code, put, q) for (code, put), q in sorted(legs[secs].items()))
        known = (secs, price(spot), smile, options, doubt[0], (doubt[1], *fines))
        views.append(ExpiryView(1, SPOT_FEED, *known, minutes=28_000_000 + i))
    return tuple(views)


def read_smile(feed: Node, spot: Decimal, unit: int) -> tuple[Smile, tuple[int, int, int]]:
    """The surface's words, and the fine part of its three confidences."""
    node = feed.get("SVIparam")
    values = [Node(feed.file, "value.", {"value": item.value}).number("value") for item in node.items()]
    if len(values) != 7:
        raise node.bad("seven numbers are expected: a, b, rho, m, sigma, forward, tau")
    a, b, rho, m, sigma, reference, tau = values
    if tau <= 0 or reference <= 0:
        raise node.bad("forward and tau must be above zero")
    if sigma > SIGMA_LIMIT:
        # A smile as flat as that is level over all strikes there are.
        a, sigma = a + b * (sigma - SIGMA_LIMIT), SIGMA_LIMIT
    while max(abs(a), abs(b)) > SMILE_LIMIT:
        a, b, tau = a / 2, b / 2, tau / 2
    forward, rate, vol = (confidence(feed, key, unit) for key in FEED_CONFIDENCES)
    smile = Smile(
        a=wad(a),
        b=wad(b),
        rho=wad(rho),
        m=wad(m),
        sigma=wad(sigma),
        forward_ref=price(reference),
        tau=wad(tau),
        carry=wad(feed.positive("Forward") / spot),
        rate=wad(feed.number("Rate")),
        doubt_forward=forward[0],
        doubt_rate=rate[0],
        doubt_vol=vol[0],
    )
    return smile, (forward[1], rate[1], vol[1])


def wad(value: Decimal) -> int:
    return round(value * WAD)


def price(value: Decimal) -> int:
    """1e-10 quote."""
    return round(value * 10**10)


def quantity(node: Node, key: str) -> int:
    value = round(node.number(key) * 10**8)
    if abs(value) > SIZE_LIMIT:
        raise node.get(key).bad("larger than a quantity at 1e-8 in 64 bits")
    return value


def bps(node: Node, key: str) -> int:
    value = node.number(key) * 10**4
    if not 0 <= value <= 10**4 or abs(value - round(value)) > Decimal("1e-6"):
        raise node.get(key).bad("a haircut is a whole number of basis points")
    return round(value)


def doubt_unit(node: Node) -> int:
    """What one of a confidence's 24 bits is, WAD: a ppm where all are whole ppm, else what comes nearest to all."""
    doubts = [_doubt(node, key) for key in ("SpotConfidence", "PerpConfidence")]
    doubts += [_doubt(collateral, "Confidence") for collateral in node.get("Collaterals").items()]
    doubts += [_doubt(feed, key) for feed in node.get("OptionFeeds").items() for key in FEED_CONFIDENCES]
    if all(doubt % Decimal("1e-6") == 0 for doubt in doubts):
        return PPM_UNIT
    largest = float(max(doubts))
    units = largest / np.arange(FIELD, FIELD - UNITS_TRIED, -1)
    multiples = np.array([float(doubt) for doubt in doubts])[:, None] / units
    worst = (np.abs(multiples - np.round(multiples)) * units).max(axis=0)
    return int(max(doubts) * WAD / (FIELD - int(worst.argmin()))) + 1


def confidence(node: Node, key: str, unit: int) -> tuple[int, int]:
    """1 − confidence in units, and in 2^-16 of one beyond them."""
    return divmod(round(_doubt(node, key) * WAD * 2**16 / unit), 2**16)


def _doubt(node: Node, key: str) -> Decimal:
    value = node.number(key)
    if not 0 <= value <= 1:
        raise node.get(key).bad("a confidence lies between 0 and 1")
    return 1 - value


def _strike(node: Node) -> int:
    value = node.positive("Strike")
    try:
        return strike_code(price(value))
    except ValueError as error:
        raise node.get("Strike").bad(str(error)) from None
