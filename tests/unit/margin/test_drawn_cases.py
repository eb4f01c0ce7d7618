"""Cases that nobody published, drawn at random, against formulas in mpmath: `plimsoll vectors pmrm2` and `srm`."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from pathlib import Path

import mpmath
import portfolio_reference
import pytest
import rule_reference
from drawn_cases import portfolio, rule_account
from test_srm_vectors import PARAMETERS as RULES

from plimsoll.vectors import pmrm2, pmrm2_case, pmrm2_words, srm

SEEDS, RULE_SEEDS = range(1, 17), range(1, 13)
SURFACES = [[1, 1.5, -0.1, -0.05, 0.05], [0.3, 0.2, -0.4, 0.1, 0.2], [0.25, 0, 0, 0, 0.1]]
PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "derive_srm"


@pytest.fixture(scope="module")
def portfolios(tmp_path_factory):
    """The folder of those cases."""
    place = tmp_path_factory.mktemp("portfolios")
    for seed in SEEDS:
        case = portfolio(seed)
        found = portfolio_reference.result(case)
        case["Result"] = {key: mpmath.nstr(found[key], 25) for key in ("IM", "MM")}
        (place / f"drawn_{seed:02}.json").write_text(json.dumps(case))
    return place


@pytest.fixture(scope="module")
def accounts():
    """Rule accounts and what they come to, as the file of their cases."""
    cases, keys = {}, {"realIM": "IM", "realMM": "MM", "PortfolioMtM": "mark"}
    for seed in RULE_SEEDS:
        account = rule_account(seed, SURFACES)
        found = rule_reference.result(account, RULES)
        cases[f"Drawn{seed}"] = {"Scenario": account, "Result": {k: int(found[v] * 10**18) for k, v in keys.items()}}
    return json.dumps(cases)


def by_rules(place: Path, accounts: str, rules: dict) -> srm.Report:
    (place / "test-cases.json").write_text(accounts)
    (place / "params.json").write_text(json.dumps(rules))
    return srm.run(place)


def test_drawn_portfolios_hold_on_the_contracts(portfolios):
    """Within 1e-8 of gross notional, whatever their clocks and however many digits they have."""
    report = pmrm2.run(portfolios)

    assert report.refused == ()
    assert [outcome for outcome in report.per_case if not outcome.passed] == []
    assert report.cases == len(SEEDS)


def test_they_are_some_that_the_engine_keeps_and_some_that_it_cannot(portfolios):
    """So that both ways of asking are gone; and some are enlarged, or parted into more series than they hold."""
    cases = [pmrm2_case.load(path) for path in sorted(portfolios.glob("*.json"))]

    assert {case.kept for case in cases} == {True, False}
    assert {case.enlarged > 1 for case in cases} == {True, False}
    assert any(sum(len(e.options) for e in case.exact.expiries) > case.options for case in cases)
    assert any(len(case.exact.assets) > len(case.view.assets) for case in cases)


def _nearest(patch):
    whole = pmrm2_words.strikes
    patch.setattr(pmrm2_words, "strikes", lambda strike, *, parted: whole(strike, parted=False))


def _whole_haircuts(patch):
    whole = pmrm2_words.haircuts
    patch.setattr(pmrm2_words, "haircuts", lambda mm, im, *, parted: whole(mm, im, parted=False))


def _as_they_are(patch):
    patch.setattr("plimsoll.vectors.pmrm2_account.LOSS", Fraction(1))


def _by_the_engine(patch):
    patch.setattr(pmrm2_case.Case, "kept", property(lambda case: True))


@pytest.mark.parametrize("coarse", [_nearest, _whole_haircuts, _as_they_are, _by_the_engine])
def test_each_refinement_is_needed(coarse, portfolios, monkeypatch):
    """Without it, some of them fail."""
    coarse(monkeypatch)
    report = pmrm2.run(portfolios)

    assert report.passed < report.cases == len(SEEDS)


def test_drawn_rule_accounts_hold_on_the_contract(tmp_path, accounts):
    """Net IM, net MM and mark, with amounts of more digits than a contract keeps."""
    report = by_rules(tmp_path, accounts, RULES)

    assert report.refused == ()
    assert [result for result in report.results if not result.passed] == []
    assert report.cases == len(RULE_SEEDS)


@pytest.mark.parametrize("name", ["perp", "option", "oracleContingency", "depeg"])
def test_every_rule_shows_in_them(name, tmp_path, accounts):
    """With one parameter a tenth less, some of them fail; with a threshold of zero."""
    for rule in RULES[name]:
        wrong = deepcopy(RULES)
        wrong[name][rule] = "0" if rule.lower().endswith("threshold") else str(round(float(wrong[name][rule]) * 0.9, 4))
        if rule == "mmOffsetScale":
            wrong[name][rule] = "1.3"
        report = by_rules(tmp_path, accounts, wrong)

        assert report.refused == (), rule
        assert report.passed < report.cases, rule


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published cases are absent")
def test_the_rules_in_mpmath_agree_with_published_cases():
    """The reference is itself tied to a third source."""
    parameters = json.loads((PUBLISHED / "params.json").read_text())
    cases = json.loads((PUBLISHED / "test-cases.json").read_text())
    for case in cases.values():
        found = rule_reference.result(case["Scenario"], parameters)
        for ours, theirs in (("IM", "realIM"), ("MM", "realMM"), ("mark", "PortfolioMtM")):
            expected = mpmath.mpf(case["Result"][theirs]) / 10**18

            assert abs(found[ours] - expected) < 1e-11 * max(1, abs(expected))
