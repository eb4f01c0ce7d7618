"""`plimsoll vectors srm`: published cases on the deployed model, cases by hand, and what is refused with its field."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
from mpmath import mp, mpf, ncdf

from plimsoll.errors import BadInput
from plimsoll.vectors import srm

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "derive_srm"
E18 = 10**18
PARAMETERS = {
    "perp": {"mmPerpReq": "0.04", "imPerpReq": "0.055"},
    "option": {
        "maxSpotReq": "0.2",
        "minSpotReq": "0.12",
        "mmCallSpotReq": "0.08",
        "mmPutSpotReq": 0.07,
        "MMPutMtMReq": "0.06",
        "unpairedIMScale": "1.3",
        "unpairedMMScale": "1.15",
        "mmOffsetScale": "1.1",
    },
    "oracleContingency": {"perpThreshold": "0.5", "optionThreshold": "0.6", "baseThreshold": "0.7", "OCFactor": "0.3"},
    "depeg": {"threshold": "0.99", "depegFactor": "1.5"},
    "base_margin": {"test_cases_json": {"marginFactor": "0.2", "IMScale": "0.9"}},
}
SCENARIO = {
    "OptionUnderlying": ["ETH"],
    "OptionExpiries": [864_000],
    "OptionStrikes": [1_800 * E18],
    "OptionIsCall": [0],
    "OptionAmounts": [-3 * E18],
    "OptionVols": [E18 // 2],
    "OptionVolConfidences": [E18],
    "FeedExpiries": [864_000],
    "Forwards": [2_010 * E18],
    "ForwardConfidences": [E18],
    "Cash": 5_000 * E18,
    "Perps_ETH": 0,
    "Perps_BTC": 0,
    "wETH": 0,
    "wBTC": 0,
    "LastEntryETH": None,
    "LastEntryBTC": None,
    "ETHGlobalFundingIndex": 0,
    "BTCGlobalFundingIndex": 0,
    "AccountETHFundingIndex": None,
    "AccountBTCFundingIndex": None,
    "ETHSpotPrice": 2_000 * E18,
    "BTCSpotPrice": 30_000 * E18,
    "SpotPerpConfidences": [[E18, E18], [E18, E18]],
    "USDCValue": E18,
    "SVIParams": [0.25, 0, 0, 0, 0.1],
    "PerpPrice": [2_004 * E18, 30_050 * E18],
    "PercentFixedETH": None,
    "PercentFixedBTC": None,
    "TWAP_ETH": None,
    "TWAP_BTC": None,
}
EMPTY = {name: [] for name in SCENARIO if name.startswith("Option")} | {
    "FeedExpiries": [],
    "Forwards": [],
    "ForwardConfidences": [],
}


def put_at(sigma: str = "0.5") -> mpf:
    """The scenario's option, quote."""
    f, k = mpf(2_010), mpf(1_800)
    vol = mpf(sigma) * mp.sqrt(mpf(864_000) / (365 * 86_400))
    d1 = mp.log(f / k) / vol + vol / 2
    return k * ncdf(vol - d1) - f * ncdf(-d1)


def folder(tmp_path: Path, scenario: dict, im=0, mm=0, mtm=0, parameters=PARAMETERS) -> Path:
    result = {"realIM": int(im * E18), "realMM": int(mm * E18), "PortfolioMtM": int(mtm * E18)}
    (tmp_path / "mine.json").write_text(json.dumps({"One": {"Scenario": scenario, "Result": result}}))
    (tmp_path / "params.json").write_text(json.dumps(parameters))
    return tmp_path


# ---------------------------------------------------------------- what is refused


WRONG = [
    ("OptionStrikes", ["x"], "OptionStrikes[0]"),
    ("OptionStrikes", [0], "OptionStrikes[0]"),
    ("OptionStrikes", [10**30], "OptionStrikes[0]"),
    ("ForwardConfidences", [123_456_789 * 10**9], "ForwardConfidences[0]"),
    ("OptionStrikes", [], "OptionStrikes"),
    ("OptionStrikes", None, "OptionStrikes"),
    ("OptionUnderlying", ["DOGE"], "OptionUnderlying[0]"),
    ("OptionIsCall", [2], "OptionIsCall[0]"),
    ("OptionAmounts", ["all"], "OptionAmounts[0]"),
    ("OptionExpiries", [0], "OptionExpiries[0]"),
    ("OptionExpiries", [60], "FeedExpiries[0]"),
    ("OptionVols", [True], "OptionVols[0]"),
    ("OptionVolConfidences", [2 * E18], "OptionVolConfidences[0]"),
    ("Forwards", [-1], "Forwards[0]"),
    ("ETHSpotPrice", 0, "ETHSpotPrice"),
    ("SpotPerpConfidences", [[E18], [E18, E18]], "SpotPerpConfidences[0]"),
    ("SVIParams", [1, 2], "SVIParams"),
    ("OptionVols", [40 * E18], "SVIParams[0]"),
    ("OptionAmounts", [-(10**30)], "OptionAmounts[0]"),
    ("Forwards", [10**30], "Forwards[0]"),
    ("wETH", 10**40, "wETH"),
    ("Perps_BTC", 10**40, "Perps_BTC"),
    ("Cash", "NaN", "Cash"),
]


@pytest.mark.parametrize(("field", "value", "named"), WRONG)
def test_a_field_that_cannot_be_used_is_named(tmp_path, field, value, named):
    """With its file and case."""
    report = srm.run(folder(tmp_path, SCENARIO | {field: value}))

    assert [error.what.startswith(f"mine.json: One.Scenario.{named}") for error in report.refused] == [True]


@pytest.mark.parametrize("field", ["Cash", "OptionVols", "SVIParams", "USDCValue"])
def test_a_missing_field_is_named(tmp_path, field):
    """With its file and case."""
    scenario = {name: value for name, value in SCENARIO.items() if name != field}
    (error,) = srm.run(folder(tmp_path, scenario)).refused

    assert str(error).startswith(f"mine.json: One.Scenario.{field} None cannot be used: the field is missing")


def test_two_volatilities_that_no_surface_has_are_named(tmp_path):
    """One surface per expiry: what it gives, or one volatility."""
    two = {name: value * 2 for name, value in SCENARIO.items() if name in EMPTY}
    scenario = SCENARIO | two | {"OptionStrikes": [1_800 * E18, 1_900 * E18], "OptionVols": [E18 // 2, E18 // 3]}
    (error,) = srm.run(folder(tmp_path, scenario)).refused

    assert error.what == "mine.json: One.Scenario.OptionVols[1]"


def test_parameters_that_the_contract_refuses_are_refused(tmp_path):
    """By the contract's own error."""
    parameters = deepcopy(PARAMETERS)
    parameters["option"]["mmOffsetScale"] = "0.9"
    (error,) = srm.run(folder(tmp_path, SCENARIO, parameters=parameters)).refused

    assert "OffsetOutOfRange" in str(error)


@pytest.mark.parametrize(("group", "field", "value"), [("option", "maxSpotReq", "0.15001"), ("perp", "imPerpReq", 7)])
def test_a_parameter_that_cannot_be_kept_is_named(tmp_path, group, field, value):
    """Ours are in bps."""
    parameters = deepcopy(PARAMETERS)
    parameters[group][field] = value
    (error,) = srm.run(folder(tmp_path, SCENARIO, parameters=parameters)).refused

    assert error.what == f"params.json: {group}.{field}"


def test_a_folder_without_cases_is_refused(tmp_path):
    """And one that is none."""
    with pytest.raises(BadInput, match="there is no case in it"):
        srm.run(tmp_path)
    with pytest.raises(BadInput, match="name a folder"):
        srm.run(tmp_path / "absent")


def test_text_that_is_no_json_is_refused(tmp_path):
    """Whichever of the files it is."""
    (folder(tmp_path, SCENARIO) / "other.json").write_text("{")
    report = srm.run(tmp_path)

    assert [error.what for error in report.refused] == ["other.json"]
    assert report.cases == 1


# ---------------------------------------------------------------- what agrees


def test_a_case_that_is_off_by_a_millionth_fails(tmp_path):
    """The tolerance bites."""
    expected = 5_000 - 3 * (put_at() + mpf("0.12") * 2_000)
    right = srm.run(folder(tmp_path, SCENARIO, expected, 0, 0)).results[0]
    wrong = srm.run(folder(tmp_path, SCENARIO, expected * (1 + mpf("1e-6")), 0, 0)).results[0]

    assert right.im.passed
    assert not wrong.im.passed
    assert not right.mm.passed


def test_a_short_put_by_hand(tmp_path):
    """Mark by mpmath; the rest is one line each."""
    mark = put_at()
    im, mm = mark + max(mpf("0.12") * 2_000, 0), mark + mpf("0.07") * 2_000

    report = srm.run(folder(tmp_path, SCENARIO, 5_000 - 3 * im, 5_000 - 3 * mm, 5_000 - 3 * mark))

    assert report.passed == report.cases == 1
    assert report.to_json()["per_case"][0]["options"] == 1


def test_a_volatility_beside_the_smile_is_flat(tmp_path):
    """Where all options of an expiry have the same one."""
    report = srm.run(folder(tmp_path, SCENARIO | {"OptionVols": [4 * E18]}, mtm=5_000 - 3 * put_at("4")))

    assert report.results[0].mtm.passed


def test_doubt_a_lost_peg_a_perp_and_a_base_asset_by_hand(tmp_path):
    """Everything that initial margin rises by, at once."""
    scenario = (
        SCENARIO
        | EMPTY
        | {
            "Perps_ETH": -2 * E18,
            "LastEntryETH": 2_100 * E18,
            "AccountETHFundingIndex": 10 * E18,
            "ETHGlobalFundingIndex": 4 * E18,
            "wBTC": E18 // 2,
            "USDCValue": 9 * E18 // 10,
            "SpotPerpConfidences": [[E18, 4 * E18 // 10], [6 * E18 // 10, E18]],
        }
    )
    mtm = 5_000 - 2 * (2_004 - 2_100) - 2 * (10 - 4) + 15_000
    mm = mtm - 2 * 2_004 * 0.04 - 15_000 * 0.8
    im = mtm - 2 * 2_004 * 0.055 - 15_000 * (1 - 0.2 * 0.9)
    im -= 0.6 * 0.3 * 2 * 2_000 + 0.4 * 0.3 * 15_000 + 0.09 * 1.5 * 2 * 2_000

    report = srm.run(folder(tmp_path, scenario, im, mm, mtm))

    assert report.passed == 1


def test_a_partly_fixed_settlement_price_moves_the_forward_and_not_the_smile(tmp_path):
    """Within half an hour of expiry."""
    near = SCENARIO | {"OptionExpiries": [900], "FeedExpiries": [900], "PercentFixedETH": 0.5, "TWAP_ETH": 1_500 * E18}
    worth = 1_800 - (2_010 + 1_500) / 2  # all but certain to be exercised

    report = srm.run(folder(tmp_path, near, 0, 0, 5_000 - 3 * worth))

    assert report.results[0].mtm.got == pytest.approx(5_000 - 3 * worth, rel=1e-3)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published cases are absent")
def test_all_published_cases_agree():
    """28 of 28, net IM, net MM and mark."""
    report = srm.run(PUBLISHED)

    assert report.cases >= 28
    assert report.passed == report.cases
    assert report.to_json()["worst_rel_error_im"] <= 1e-8
