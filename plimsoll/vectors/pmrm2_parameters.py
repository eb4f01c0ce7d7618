"""The parameters of a published portfolio case (PMRM_2), each within what the model takes."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from plimsoll.errors import BadInput
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import (
    LENIENT,
    MAX_SCENARIOS,
    RESERVE_ALWAYS,
    Claim,
    Kind,
    ParameterError,
    Parameters,
    Scenario,
    Underlying,
)
from plimsoll.vectors.field import Field, wad

SPOT_FEED, PERP_FEED, COLLATERAL_FEED = 1, 2, 8
AVERAGING = 1800  # seconds before expiry over which that engine's settlement price is an average
DIRECTIONS = {"none": Kind.NONE, "up": Kind.UP, "down": Kind.DOWN, "linear": Kind.LINEAR, "abs": Kind.ABSOLUTE}
DAY = 86_400


class Bounded(NamedTuple):
    """Which field of which section becomes which of ours, and between what, in WAD.

    A bound that the model itself excludes is written one unit inside of it, and met to that unit.
    """

    ours: str
    section: str
    name: str
    least: int
    most: int


HEAD = (
    Bounded("im_factor", "Margin", "IM_LOSS_FACTOR", 1, 10 * WAD),
    Bounded("mm_factor", "Margin", "MM_LOSS_FACTOR", 1, 10 * WAD),
    Bounded("peg_threshold", "OtherContingency", "PEG_LOSS_THRESHOLD", 0, 100 * WAD),
    Bounded("peg_factor", "OtherContingency", "PEG_LOSS_FACTOR", 0, 10 * WAD),
    Bounded("confidence_threshold", "OtherContingency", "CONF_THRESHOLD", 0, WAD),
    Bounded("confidence_margin", "OtherContingency", "CONF_MARGIN", 0, 20 * WAD),
)
BODY = (
    Bounded("vol_up", "VolShock", "VOLRANGEUP", 0, 10 * WAD),
    Bounded("vol_down", "VolShock", "VOLRANGEDOWN", 0, 10 * WAD),
    Bounded("min_vol", "VolShock", "MIN_VOL_EVAL_SHOCKED", 0, 20 * WAD),
    Bounded("short_power", "VolShock", "SHORTTERMPOWER", 0, 10 * WAD),
    Bounded("long_power", "VolShock", "LONGTERMPOWER", 0, 10 * WAD),
    Bounded("dte_floor", "VolShock", "DTE_FLOOR", 0, 400 * WAD),
    Bounded("min_k_star", "SkewShock", "MIN_K_STAR", 0, 10 * WAD),
    Bounded("width", "SkewShock", "MIN_WIDTH_SCALE", 0, 10 * WAD),
    Bounded("vol_static", "SkewShock", "VOL_PARAM_STATIC", 0, 10 * WAD),
    Bounded("vol_scale", "SkewShock", "VOL_PARAM_SCALE", -20 * WAD, 20 * WAD),
    Bounded("linear_cap", "SkewShock", "LINEAR_SCALE_CAP", -20 * WAD, 20 * WAD),
    Bounded("linear_base", "SkewShock", "LINEAR_CBASE", -20 * WAD, 20 * WAD),
    Bounded("abs_cap", "SkewShock", "ABS_SCALE_CAP", -20 * WAD, 20 * WAD),
    Bounded("abs_base", "SkewShock", "ABS_CBASE", -20 * WAD, 20 * WAD),
    Bounded("long_discount", "Margin", "BASE_STATIC_DISCOUNT", 1, 4 * WAD),
    Bounded("long_mult", "Margin", "LONG_RATE_MULTSCALE", 0, 10 * WAD),
    Bounded("long_add", "Margin", "LONG_RATE_ADDSCALE", 0, 10 * WAD),
    Bounded("short_discount", "Margin", "BASE_STATIC_DISCOUNT_NEG", 0, 4 * WAD),
    Bounded("short_mult", "Margin", "SHORT_RATE_MULTSCALE", 0, 10 * WAD),
    Bounded("short_add", "Margin", "SHORT_RATE_ADDSCALE", 0, 10 * WAD),
    Bounded("basis_up", "BasisContingency", "SCENARIO_SPOT_UP", WAD + 1, 3 * WAD),
    Bounded("basis_down", "BasisContingency", "SCENARIO_SPOT_DOWN", 1, WAD - 1),
    Bounded("basis_add", "BasisContingency", "BASIS_CONT_ADD_FACTOR", 0, 20 * WAD),
    Bounded("basis_mult", "BasisContingency", "BASIS_CONT_MULT_FACTOR", 0, 20 * WAD),
    Bounded("mm_perp", "OtherContingency", "MM_PERP_PERCENT", 0, 3 * WAD),
    Bounded("im_perp", "OtherContingency", "IM_PERP_PERCENT", 0, 3 * WAD),
    Bounded("mm_option", "OtherContingency", "MM_OPTION_PERCENT", 0, 2 * WAD),
    Bounded("im_option", "OtherContingency", "IM_OPTION_PERCENT", 0, 2 * WAD),
)


def read_parameters(field: Field, cancelling: tuple[bool, ...]) -> Parameters:
    """cancelling: which collaterals cancel the underlying's risk."""
    claims = {SPOT_FEED: Claim(0), PERP_FEED: Claim(0)}
    claims |= {COLLATERAL_FEED + i: Claim(0, cancels) for i, cancels in enumerate(cancelling)}
    body = _values(field, BODY)
    body["dte_floor"] = round(Fraction(body["dte_floor"] * DAY, WAD))
    found = Parameters(
        underlyings=(Underlying(feed=SPOT_FEED, scenarios=_scenarios(field["Scenarios"]), **body),),
        settlement_window=AVERAGING,
        flags=LENIENT | RESERVE_ALWAYS,
        feeds=claims,
        **_values(field, HEAD),
    )
    try:
        found.check()
    except ParameterError as error:
        raise BadInput(field.where, error.name, f"the model refuses what goes together in it: {error}") from None
    return found


def _values(field: Field, table: tuple[Bounded, ...]) -> dict[str, int]:
    return {place.ours: bounded(field[place.section][place.name], place.least, place.most) for place in table}


def bounded(field: Field, least: int, most: int) -> int:
    value = min(max(wad(field.number()), least), most)
    if abs(value - field.number() * WAD) > 1:
        raise field.refused(f"the model takes what is from {least / WAD:g} to {most / WAD:g}")
    return value


def _scenarios(field: Field) -> tuple[Scenario, ...]:
    entries = field.items()
    if not 0 < len(entries) <= MAX_SCENARIOS:
        raise field.refused(f"there are {len(entries)}, the model takes from 1 to {MAX_SCENARIOS} scenarios")
    found = []
    for entry in entries:
        direction = entry["VolShockDirection"]
        kind = DIRECTIONS.get(str(direction.value).lower())
        if kind is None:
            raise direction.refused("it must be one of Up, Down, None, LINEAR, ABS")
        spot = bounded(entry["SpotShock"], 1, 10 * WAD)
        if kind in (Kind.LINEAR, Kind.ABSOLUTE) and spot != WAD:
            raise entry["SpotShock"].refused(f"{direction.value} moves the skew alone: it must be 1")
        found.append(Scenario(spot, kind, bounded(entry["DampeningFactor"], 0, 10 * WAD)))
    return tuple(found)
