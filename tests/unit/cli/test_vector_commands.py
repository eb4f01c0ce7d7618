"""plimsoll vectors …"""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plimsoll.cli import app

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors"
SVI = "strike,a,b,rho,m,sigma,forward,tau,vol\n100,0.04,0,0,0,0.1,100,1,{vol}\n"
BLACK = "timeToExpirySec,volatility,forward,strike,discount,call,put,call_delta_undiscounted\n"
HAUG = "type,strike,spot,q,r,t,vol,value(tol 1e-4)\n"
NAMES = ["black76", "haug", "svi"]


def run(*args, code=0):
    result = CliRunner().invoke(app, ["vectors", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", [*NAMES, "pmrm2", "srm"])
def test_each_explains_itself(name):
    """With an example."""
    assert f"Example: plimsoll vectors {name} " in run(name, "--help").output


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_a_case_is_an_error(name, tmp_path):
    """That names it and says what was expected."""
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "other.json").write_text("[]")
    result = run(name, tmp_path, code=2)

    assert str(tmp_path) in result.stderr
    assert "a .csv with the columns" in result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_none_is_an_error(name, tmp_path):
    """By its name."""
    assert str(tmp_path / "absent") in run(name, tmp_path / "absent", code=2).stderr


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [("svi", SVI.format(vol="much"), "cases.csv:2 vol 'much'"), ("svi", SVI.format(vol="1e999"), "cases.csv:2 vol")]
    + [("black76", BLACK + "1,0.5,1,,1,1,1,1\n", "cases.csv:2 strike ''")]
    + [("black76", BLACK + "1,-0.5,1,1,1,1,1,1\n", "cases.csv:2 volatility '-0.5'")]
    + [("haug", HAUG + "Straddle,1,1,0,0,1,0.5,1\n", "cases.csv:2 type 'Straddle'")]
    + [("haug", HAUG + "Call,1,1,0,0,1/0,0.5,1\n", "cases.csv:2 t '1/0'")],
)
def test_a_bad_cell_is_an_error_that_names_it(name, text, where, tmp_path):
    """File, line and column."""
    (tmp_path / "cases.csv").write_text(text)

    assert where in run(name, tmp_path, code=2).stderr


@pytest.mark.parametrize(
    ("name", "text", "bad"),
    [("svi", SVI.format(vol="0.2"), "100,0.04,0,2,0,0.1,100,1,0.2\n"), ("svi", SVI.format(vol="0.2"), "0\n")]
    + [("haug", HAUG + "Call,1,1,0,0,0,0.5,0\n", "Straddle,1,1,0,0,1,0.5,1\n")]
    + [("black76", BLACK + "0,0.5,3,1,1,2,0,1\n", "x,0.5,3,1,1,2,0,1\n")],
)
def test_a_bad_line_does_not_lose_the_others(name, text, bad, tmp_path):
    """They are reported, it is told, and the command ends with 2."""
    (tmp_path / "cases.csv").write_text(text + bad)
    out = tmp_path / "out.json"
    result = run(name, tmp_path, "--json", out, code=2)
    report = json.loads(out.read_text())

    assert report["cases"] == report["passed"] > 0
    assert [refused["what"].startswith("cases.csv:3") for refused in report["refused"]] == [True]
    assert "cases.csv:3" in result.stderr


def test_one_file_will_do_for_a_folder_and_folders_hold_folders(tmp_path):
    """Names are told from the folder on."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "cases.csv").write_text(SVI.format(vol="0.2"))
    out = tmp_path / "out.json"
    run("svi", tmp_path / "deep" / "er" / "cases.csv", "--json", out)
    alone = json.loads(out.read_text())
    run("svi", tmp_path / "deep", "--json", out)

    assert [case["name"] for case in alone["per_case"]] == ["cases.csv:2 vol"]
    assert [case["name"] for case in json.loads(out.read_text())["per_case"]] == ["er/cases.csv:2 vol"]


def test_a_case_that_fails_is_shown_and_ends_with_1(tmp_path):
    """In the table and in the JSON, which is written all the same."""
    (tmp_path / "wrong.csv").write_text(SVI.format(vol="0.2000001"))
    (tmp_path / "right.csv").write_text(SVI.format(vol="0.2"))
    out = tmp_path / "out" / "report.json"
    result = run("svi", tmp_path, "--json", out, code=1)
    report = json.loads(out.read_text())

    assert "1 of 2 hold" in result.stdout
    assert "FAILS" in result.stdout
    assert (report["set"], report["cases"], report["passed"]) == ("svi", 2, 1)
    assert report["worst_rel_error"] == pytest.approx(5e-7, rel=1e-3)
    assert {case["name"]: case["passed"] for case in report["per_case"]} == {
        "right.csv:2 vol": True,
        "wrong.csv:2 vol": False,
    }


def test_a_table_of_spot_options_is_read_too(tmp_path):
    """One row with one wrong vega: of ten numbers, nine hold."""
    columns = ["S", "K", "R", "t", "v", "bs_call", "bs_put", "CD", "CG", "CT", "CV", "PD", "PG", "PT", "PV"]
    row = [100, 100, 0, 1, 0.2, 7.965567455405804, 7.965567455405804, 0.539827837277029, 0.019847627373850]
    row += [-3.96952547477012, 39.6952547477012, -0.460172162722971, 0.019847627373850, -3.96952547477012, 39.7]
    (tmp_path / "table.json").write_text(json.dumps({"columns": columns, "data": [row]}))
    result = run("black76", tmp_path, "--json", "-", code=1)
    report = json.loads(result.stdout)

    assert (report["cases"], report["passed"]) == (10, 9)
    assert [case["name"] for case in report["per_case"] if not case["passed"]] == ["table.json[0] PV"]
    assert "9 of 10 hold" in result.stderr


@pytest.mark.parametrize("case", ["black76 lyra_utils", "haug quantlib_haug", "svi lyra_utils"])
def test_published_cases_hold(case):
    """Where they are present."""
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS} is absent")

    name, folder = case.split()

    assert "hold" in run(name, VECTORS / folder).stdout


# ---------------------------------------------------------------- portfolios

PORTFOLIOS = Path(__file__).resolve().parents[1] / "margin" / "portfolio_cases"
HEAD_KEYS = {"cases", "passed", "worst_rel_error_im", "worst_rel_error_mm", "per_case"}
KEYS = {"name", "options", "scenarios", "im", "mm", "mtm", "worst_scenario", "rel_error_im", "rel_error_mm"}


def test_a_portfolio_that_is_wrong_is_told_and_fails(tmp_path):
    """A requirement that is a thousandth off."""
    case = json.loads((PORTFOLIOS / "short_straddle.json").read_text())
    case["Result"]["IM"] = str(1.001 * float(case["Result"]["IM"]))
    (tmp_path / "off.json").write_text(json.dumps(case))

    assert "FAILS" in run("pmrm2", tmp_path, code=1).output


def test_portfolios_are_reported_one_by_one(tmp_path):
    """With the gas of the whole check and of the one by witness."""
    out = tmp_path / "out.json"
    run("pmrm2", PORTFOLIOS, "--json", out)
    report = json.loads(out.read_text())

    assert set(report) == HEAD_KEYS
    assert report["cases"] == report["passed"] == len(list(PORTFOLIOS.glob("*.json")))
    assert max(report["worst_rel_error_im"], report["worst_rel_error_mm"]) < 1e-8
    assert all(set(case) == KEYS | {"gas_full", "gas_witness"} for case in report["per_case"])
    assert all(0 < case["gas_witness"] < case["gas_full"] for case in report["per_case"])


def _with_a_bad_one(place: Path, text: str) -> None:
    (place / "good.json").write_text((PORTFOLIOS / "short_straddle.json").read_text())
    (place / "sub").mkdir()
    (place / "sub" / "bad.json").write_text(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "sub/bad.json None cannot be used: it must be JSON"),
        ("[" * 100_000, "sub/bad.json None cannot be used: it must be JSON"),
        (
            '{"Scenario": 5, "Parameters": {}, "Result": {}}',
            "sub/bad.json: Scenario 5 cannot be used: it must be",
        ),
        ('{"Scenario": {}}', "sub/bad.json: Parameters None cannot be used: the field is missing; there are Scenario"),
    ],
)
def test_a_bad_portfolio_does_not_lose_the_others(text, told, tmp_path):
    """It is told by file and field, beside the report, and the command ends with 2."""
    _with_a_bad_one(tmp_path, text)
    out = tmp_path.with_suffix(".report")
    result = run("pmrm2", tmp_path, "--json", out, code=2)
    report = json.loads(out.read_text())

    assert [case["name"] for case in report["per_case"]] == ["good"]
    assert (report["cases"], report["passed"], len(report["refused"])) == (1, 1, 1)
    assert told in result.stderr
    assert "1 of 1 hold" in result.stdout


def test_json_of_another_kind_is_passed_over(tmp_path):
    """And named; the command ends as it would without it, with the keys it has without it."""
    _with_a_bad_one(tmp_path, '{"cases": ["good"]}')
    (tmp_path / "README.md").write_text("about these cases")
    out = tmp_path.with_suffix(".report")
    result = run("pmrm2", tmp_path, "--json", out)

    assert "passed over, as they hold no such cases: sub/bad.json" in result.stderr
    assert set(json.loads(out.read_text())) == HEAD_KEYS


@pytest.mark.parametrize("name", ["pmrm2", "srm"])
def test_a_folder_with_no_portfolio_is_an_error(name, tmp_path):
    """That names what it found instead."""
    (tmp_path / "index.json").write_text("[]")
    told = run(name, tmp_path, code=2).stderr

    assert "there is no case in it" in told
    assert "index.json is something else" in told
