"""The demo's part with options: real chains on an Anvil, and the keeper as a process of its own."""

from __future__ import annotations

import pytest

from plimsoll.contracts import ROOT
from plimsoll.sim import option_fall, option_page

pytestmark = pytest.mark.anvil


@pytest.fixture(scope="module")
def result():
    fall = option_fall.load_fall(ROOT / "data")
    backend = option_fall.backend_for(fall)
    try:
        return option_fall.run(fall, backend, step=3_600)
    finally:
        backend.close()


def test_the_fund_is_called_and_liquidated_by_witness(result):
    """Tens of series over several expiries; the call comes first, and each proof names the worst case of every term."""
    acts = [act for act in result.acts if act["account"] == "fund"]
    assert result.series >= 40 and result.expiries == 10
    assert [act["event"] for act in acts][:2] == ["MarginCalled", "Liquidated"]
    assert all(act["witness"] and act["scenarios"] for act in acts)
    assert {act["to"] for act in acts if "to" in act} == {"keeper"}


def test_a_witness_costs_less_than_the_full_check(result):
    """Two fifths of the gas for a call, or less. What the mined transaction used is what its repetition says."""
    acts = [act for act in result.acts if act["witness"]]
    calls = [act for act in acts if act["event"] == "MarginCalled"]
    assert calls and all(5 * act["gas"] < 2 * act["gas_in_full"] for act in calls)
    for act in acts:
        assert act["gas_by_witness"] == pytest.approx(act["gas"], rel=1e-4)
        assert act["gas"] < act["gas_in_full"]


def test_the_account_by_rule_is_found_too(result):
    """Without a witness."""
    acts = [act for act in result.acts if act["account"] == "writer"]
    assert "MarginCalled" in {act["event"] for act in acts} and not any(act["witness"] for act in acts)


def test_the_keeper_can_carry_what_it_took(result):
    """It holds all series of the fund, within its own margin."""
    assert result.taken["keeper"] >= result.series
    assert all(found.equity > found.im for found in result.health["keeper"])


def test_books_balance_at_every_step(result):
    """Series add up to zero, quote is somebody's to the unit; and the page says so."""
    assert all(found.balance for found in result.books)
    steps = len(result.books)
    assert f"{steps} of {steps} steps balance" in option_page.page(option_page.data_of(result))
