"""Published portfolios, and our own from the formulas in mpmath, on the contracts: within 1e-8 of gross notional."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import mpmath
import portfolio_reference
import pytest

from plimsoll.errors import BadInput
from plimsoll.margin import option_strips, portfolio_margin, strike_records
from plimsoll.margin.option_strips import Strip
from plimsoll.margin.portfolio_book import Book
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.vectors import pmrm2, pmrm2_case

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
    case["Result"] = {key: Decimal(mpmath.nstr(found[key], 25)) for key in ("IM", "MM")}
    return pmrm2_case.parse(f"{name}.json", case)


def off(case: pmrm2_case.Case) -> float:
    """The larger of the errors of IM and MM, by the twin."""
    got = PortfolioMargin(case.parameters).assess(case.view)
    im = pmrm2.error(got.equity - got.im, case.im, case.gross)
    return max(im, pmrm2.error(got.equity - got.mm, case.mm, case.gross))


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
        (("Scenario", "Collaterals", 0, "MMHaircut"), 0.00015, "Scenario.Collaterals[0].MMHaircut"),
        (("Scenario", "Collaterals", 1, "Confidence"), 1.5, "Scenario.Collaterals[1].Confidence"),
        (("Scenario", "Options", 2, "Strike"), 1234.56789, "Scenario.Options[2].Strike"),
        (("Scenario", "Options", 0, "Expiry"), 77, "Scenario.Options[0].Expiry"),
        (("Scenario", "OptionFeeds", 1, "SVIparam"), [1, 2], "Scenario.OptionFeeds[1].SVIparam"),
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
        pmrm2_case.parse("some.json", raw)
    assert caught.value.what == f"some.json: {field}"


def test_a_folder_without_cases_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"no \.json files"):
        pmrm2.run(tmp_path)
    (tmp_path / "broken.json").write_text("{")

    with pytest.raises(BadInput, match=r"broken\.json"):
        pmrm2.run(tmp_path)


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
        pmrm2.error(got, Decimal(expected), case.gross)
        for got, expected in zip(group.pnl, raw["Result"]["gains"], strict=False)
    ]

    assert len(errors) == len(raw["Parameters"]["Scenarios"])
    assert max(errors) <= BOUND
