"""Published portfolios, and our own from the formulas in mpmath, on the contracts: within 1e-8 of gross notional."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import mpmath
import portfolio_reference
import pytest
from portfolio_reference import DAY, NEAR, option

from plimsoll.errors import BadInput
from plimsoll.margin import option_strips, portfolio_margin, strike_records
from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.option_strips import Strip
from plimsoll.margin.portfolio_book import Book
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_parameters import ParameterError, Parameters
from plimsoll.vectors import pmrm2, pmrm2_case
from plimsoll.vectors.field import Field
from plimsoll.vectors.pmrm2_parameters import BODY, HEAD, bounded

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "derive_pmrm2" / "portfolio_cases"
OWN = sorted(portfolio_reference.CASES.glob("*.json"))
#: Of gross notional.
BOUND = 1e-8


def computed(name: str, **parameters: dict) -> pmrm2_case.Case:
    """One of our accounts with other parameters, as the formulas have it."""
    case = {"Scenario": portfolio_reference.ACCOUNTS[name], "Parameters": deepcopy(portfolio_reference.PARAMETERS)}
    for part, values in parameters.items():
        case["Parameters"][part] |= values
    found = portfolio_reference.result(case)
    case["Result"] = {key: mpmath.nstr(found[key], 25) for key in ("IM", "MM")}
    return pmrm2_case.of(f"{name}.json", case)


def off(case: pmrm2_case.Case) -> float:
    """The larger of the errors of IM and MM, by the twin."""
    got = PortfolioMargin(case.parameters).assess(case.exact)
    nets = (Fraction(got.equity - required, WAD * case.enlarged) for required in (got.im, got.mm))
    return max(pmrm2.error(net, expected, case.gross) for net, expected in zip(nets, (case.im, case.mm), strict=True))


# ---------------------------------------------------------------- what these cases notice


def _wrong_discount(patch):
    patch.setattr(Strip, "discounted", lambda self, raw: raw * (self.long if raw < 0 else self.short) >> 64)
    return computed("condors_and_hedges")


def _no_skew(patch):
    patch.setattr(strike_records, "_skewed", lambda vol, k, slope, cap: vol)
    return computed("long_only", SkewShock={"LINEAR_SCALE_CAP": 6.0})


def _skew_of_one_side(patch):
    change = Strip._undamped
    patch.setattr(Strip, "_undamped", lambda self, s: abs(change(self, s)) if s.kind >= 3 else change(self, s))
    return computed("long_only", SkewShock={"ABS_SCALE_CAP": 6.0})


def _no_least_volatility(patch):
    shared = strike_records.shared
    patch.setattr(strike_records, "shared", lambda *arguments: replace(shared(*arguments), least=0))
    return computed("short_straddle", VolShock={"MIN_VOL_EVAL_SHOCKED": 1.5})


def _no_basis(patch):
    patch.setattr(Strip, "basis", lambda self: 0)
    return computed("short_straddle", BasisContingency={"BASIS_CONT_ADD_FACTOR": 15.0})


def _no_doubt(patch):
    patch.setattr(Book, "doubtful", lambda self, doubt, value: 0)
    return computed("doubtful_prices")


def _no_averaging(patch):
    parse = pmrm2_case.read_parameters
    patch.setattr(pmrm2_case, "read_parameters", lambda *nodes: replace(parse(*nodes), settlement_window=0))
    return computed("minutes_to_expiry")


def _undiscounted(patch):
    patch.setattr(option_strips, "decay", lambda rate, time: 10**18)
    return computed("long_only")


def _nothing_moves_with_the_spot(patch):
    patch.setattr(portfolio_margin, "_move", lambda book, group: None)
    return computed("condors_and_hedges")


BROKEN = (
    *(_wrong_discount, _no_skew, _skew_of_one_side, _no_least_volatility, _no_basis),
    *(_no_doubt, _no_averaging, _undiscounted, _nothing_moves_with_the_spot),
)


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.__name__.strip("_") for broken in BROKEN])
def test_a_broken_formula_shows(broken, monkeypatch):
    with monkeypatch.context() as patch:
        case = broken(patch)

        assert off(case) > BOUND
    if broken is not _no_averaging:  # it broke what the case itself says
        assert off(case) <= BOUND


# ---------------------------------------------------------------- files that cannot be used


def _raw() -> dict:
    return json.loads(OWN[0].read_text())


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("Scenario", "SpotPrice"), None, "Scenario.SpotPrice"),
        (("Scenario", "SpotPrice"), 0, "Scenario.SpotPrice"),
        (("Scenario", "Cash"), "much", "Scenario.Cash"),
        (("Scenario", "Cash"), 1e40, "Scenario.Cash"),
        (("Scenario", "NumPerps"), 1e12, "Scenario.NumPerps"),
        (("Scenario", "Collaterals", 0, "MMHaircut"), 1.5, "Scenario.Collaterals[0].MMHaircut"),
        (("Scenario", "Collaterals", 0, "Amount"), -1, "Scenario.Collaterals[0].Amount"),
        (("Scenario", "Collaterals", 1, "Confidence"), 1.5, "Scenario.Collaterals[1].Confidence"),
        (("Scenario", "Options", 2, "Strike"), 1e13, "Scenario.Options[2].Strike"),
        (("Scenario", "Options", 2, "IsCall"), "yes", "Scenario.Options[2].IsCall"),
        (("Scenario", "Options", 0, "Expiry"), 77, "Scenario.Options[0].Expiry"),
        (("Scenario", "Options", 0, "Expiry"), -1, "Scenario.Options[0].Expiry"),
        (("Scenario", "Options"), [option(NEAR, k + 1, 1, 1) for k in range(129)], "Scenario.Options"),
        (("Scenario", "OptionFeeds", 1, "FeedExpiry"), NEAR, "Scenario.OptionFeeds[1].FeedExpiry"),
        (("Scenario", "OptionFeeds", 1, "SVIparam"), [1, 2], "Scenario.OptionFeeds[1].SVIparam"),
        (("Scenario", "OptionFeeds", 1, "SVIparam", 4), float("inf"), "Scenario.OptionFeeds[1].SVIparam[4]"),
        (("Parameters", "Scenarios"), [], "Parameters.Scenarios"),
        (("Parameters", "Scenarios", 3, "DampeningFactor"), -1, "Parameters.Scenarios[3].DampeningFactor"),
        (("Parameters", "VolShock", "DTE_FLOOR"), 401, "Parameters.VolShock.DTE_FLOOR"),
        (("Parameters", "Margin", "IM_LOSS_FACTOR"), 0.1, "Parameters"),
        (("Parameters", "Scenarios", 3, "VolShockDirection"), "Sideways", "Parameters.Scenarios[3].VolShockDirection"),
        (("Parameters", "Margin", "IM_LOSS_FACTOR"), True, "Parameters.Margin.IM_LOSS_FACTOR"),
        (("Result", "IM"), "nan", "Result.IM"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_field(path, value, field):
    raw = _raw()
    inner = raw
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    if value is None:
        del inner[path[-1]]

    with pytest.raises(BadInput) as caught:
        pmrm2_case.of("some.json", raw)
    assert caught.value.what == f"some.json: {field}"


def test_thirteen_expiries_are_too_many():
    raw = _raw()
    raw["Scenario"]["OptionFeeds"] = [portfolio_reference.feed(DAY * (n + 1), 2150.0) for n in range(13)]
    raw["Scenario"]["Options"] = [option(DAY * (n + 1), 2000.0, True, -1.0) for n in range(13)]

    with pytest.raises(BadInput, match="13 expiries, up to 12 fit an account"):
        pmrm2_case.of("some.json", raw)


@pytest.mark.parametrize("place", [*HEAD, *BODY], ids=lambda place: place.name)
def test_a_bound_that_is_read_is_the_models(place):
    """What lies at it is taken; the next number is told by its field, and the model itself would refuse it."""
    ours = pmrm2_case.read_parameters(Field("some.json", "", portfolio_reference.PARAMETERS), ())
    for edge, beyond in ((place.least, place.least - 2), (place.most, place.most + 2)):
        assert bounded(_written(edge), place.least, place.most) == edge
        with pytest.raises(BadInput, match="the model takes what is from"):
            bounded(_written(beyond), place.least, place.most)
        if beyond > 0 or place.least < 0:  # the model's words have no sign where nothing below zero is meant
            with pytest.raises(ParameterError):
                _with(ours, place.ours, beyond).check()


def _written(wad: int) -> Field:
    return Field("some.json", "field", str(Decimal(wad) / WAD))


def _with(parameters: Parameters, name: str, wad: int) -> Parameters:
    if name in {place.ours for place in HEAD}:
        return replace(parameters, **{name: wad})
    (underlying,) = parameters.underlyings
    # Days there, seconds here; what is beyond by a digit is so by a second.
    value = wad * DAY // WAD + (wad > 0) if name == "dte_floor" else wad
    return replace(parameters, underlyings=(replace(underlying, **{name: value}),))


# ---------------------------------------------------------------- the cases


def test_own_cases_are_what_their_script_makes():
    made = {name: portfolio_reference.case_of(name) for name in portfolio_reference.ACCOUNTS}

    assert made == {path.stem: json.loads(path.read_text()) for path in OWN}


def _holds(folder: Path) -> None:
    report = pmrm2.run(folder)
    failed = [outcome for outcome in report.per_case if not outcome.passed]

    assert report.per_case
    assert failed == []


def test_own_cases_hold_on_the_contract():
    _holds(portfolio_reference.CASES)


def test_published_cases_hold_on_the_contract():
    if not PUBLISHED.exists():
        pytest.skip(f"{PUBLISHED} is absent")
    _holds(PUBLISHED)


def test_the_formulas_in_mpmath_agree_with_published_cases():
    """The reference that made our own cases is itself tied to a third source; every scenario of six portfolios."""
    if not PUBLISHED.exists():
        pytest.skip(f"{PUBLISHED} is absent")
    for number in (12, 60, 61, 65, 126, 128):
        case = json.loads(next(PUBLISHED.glob(f"test_{number}_*.json")).read_text())
        found, expected = portfolio_reference.result(case), case["Result"]
        scale = max(1.0, abs(expected["IM"]))

        assert abs(found["IM"] - expected["IM"]) < 1e-12 * scale
        assert abs(found["MM"] - expected["MM"]) < 1e-12 * scale


@pytest.mark.parametrize("path", OWN, ids=[path.stem for path in OWN])
def test_every_scenario_agrees(path):
    """Not only the worst one."""
    raw, case = json.loads(path.read_text()), pmrm2_case.load(path)
    (group,) = PortfolioMargin(case.parameters).book(case.view).groups.values()
    errors = [
        pmrm2.error(Fraction(got, WAD * case.enlarged), Fraction(expected), case.gross)
        for got, expected in zip(group.pnl, raw["Result"]["gains"], strict=False)
    ]

    assert len(errors) == len(raw["Parameters"]["Scenarios"])
    assert max(errors) <= BOUND
