"""plimsoll option chain, settle, and series as text."""

from __future__ import annotations

import pytest
from option_town import INDEX, black
from typer.testing import CliRunner

from plimsoll.accounts import AccountId
from plimsoll.cli import app
from plimsoll.options import series

COMMANDS = [("market", "import-chain"), ("account", "greeks"), ("account", "heatmap")]
COMMANDS += [("option", name) for name in ("chain", "quote", "trade", "settle", "positions")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_command_explains_itself(command):
    """With an example."""
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output


# ---------------------------------------------------------------- chain


def test_a_market_without_surfaces_has_no_chain(plimsoll):
    """It says which command makes some, and of a market without options which markets have them."""
    assert "import-chain" in plimsoll.json("option", "chain", "ETH", code=2)["error"]["remedy"]
    assert "ETH, BTC" in plimsoll.json("option", "chain", "SOL", code=2)["error"]["remedy"]


@pytest.mark.parametrize(("option", "value"), [("--strikes", "3000.1234567"), ("--strikes", "x"), ("--expiry", "soon")])
def test_a_chain_of_what_is_none_names_the_value(plimsoll, imported, option, value):
    """Strikes have seven digits; an expiry is a time."""
    assert plimsoll.json("option", "chain", "ETH", option, value, code=2)["error"]["type"] == "BadInput"


def test_a_chain_shows_marks_and_greeks_by_strike(plimsoll, imported):
    """Parity holds in every row, and prices are Black's at the volatility shown."""
    found = plimsoll.json("option", "chain", "ETH", "--strikes", "2700,3000,3300")
    forward, years = float(found["forward"]), found["seconds"] / 86_400 / 365
    assert [float(row["call"]["strike"]) for row in found["strikes"]] == [2700, 3000, 3300]
    for row in found["strikes"]:
        call, put, strike = row["call"], row["put"], float(row["call"]["strike"])
        assert float(call["mark"]) - float(put["mark"]) == pytest.approx(forward - strike, abs=1e-9)
        assert float(call["mark"]) == pytest.approx(black(forward, strike, float(call["vol"]), years, True), abs=1e-5)
        assert float(call["delta"]) - float(put["delta"]) == pytest.approx(forward / INDEX, abs=1e-9)
    text = plimsoll("option", "chain", "ETH").stdout
    assert "3,000" in text
    assert "other expiries: " in text


def test_a_chain_reaches_around_the_money_and_to_the_expiry_that_is_named(plimsoll, imported):
    """About thirteen round strikes, the farther expiry by its time."""
    named = series.readable(imported["expiries"][1]["expiry"]).replace(" ", "T")
    found = plimsoll.json("option", "chain", "ETH", "--expiry", named)
    strikes = [float(row["call"]["strike"]) for row in found["strikes"]]
    assert found["expiry"] == imported["expiries"][1]["expiry"]
    assert 7 <= len(strikes) <= 13
    assert strikes[0] < INDEX < strikes[-1]


# ---------------------------------------------------------------- settlement


def test_an_expiry_far_away_cannot_be_observed(plimsoll, imported):
    """A dry run says why."""
    found = plimsoll.json("option", "settle", "ETH", str(imported["expiries"][0]["expiry"]))
    assert found["final"] is False
    assert "ObservationTooEarly" in found["observation"]


def test_an_expiry_is_observed_until_final_and_everyone_is_paid(plimsoll, node, traded, imported, pair, deployment):
    """Ten looks of two minutes each, then losers first; the clearing account is left with next to nothing."""
    expiry, sender = imported["expiries"][0]["expiry"], node.accounts[0]
    node.advance(expiry * 60 - 21 * 60 - node.block()[1])
    for _ in range(14):
        node.advance(119)
        found = plimsoll.json("option", "settle", "ETH", str(expiry), "--price", "ETH=3200", "--from", sender)
        if found["final"]:
            break
    assert found["price"] == "3200"
    assert [row["account"] for row in found["accounts"]] == [pair[0], pair[1]]
    assert [row["worth"] for row in found["accounts"]] == ["-800", "800"]
    assert [row["paid"] for row in found["accounts"]] == ["-800", "800"]
    for account in pair:
        assert deployment.engine.read("options", bytes(AccountId.parse(account))) == ([], [])
    again = plimsoll("option", "settle", "ETH", str(expiry)).stdout
    assert "no account has any of it" in again


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("written", ["ETH-20261225T0800-3000-C", "BTC-20270101T0000-62500.5-P", "ETH-PERP"])
def test_a_series_is_read_as_it_is_written(written):
    assert series.text(series.parse(written, ["ETH", "BTC"]), ["ETH", "BTC"]) == written


def test_an_expiry_can_be_written_in_several_ways():
    """A date alone is eight o'clock, as venues have it."""
    forms = ("20261225T0800", "2026-12-25T08:00", "2026-12-25", "20261225", str(series.expiry("2026-12-25")))
    assert len({series.expiry(form) for form in forms}) == 1
