"""plimsoll account show, greeks and heatmap of accounts with options."""

from __future__ import annotations

import pytest
from option_town import INDEX, black

from plimsoll.accounts import AccountId
from plimsoll.margin.option_series import strike_of
from plimsoll.options import heatmap
from plimsoll.prices import PRICE


def test_show_lists_options_with_their_marks(plimsoll, traded, pair, call):
    """In text and in JSON, and `option positions` says the same."""
    found = plimsoll.json("account", "show", pair[1])
    shown = {item["series"]: item for item in found["options"]}
    assert shown[call]["quantity"] == "4"
    assert float(shown[call]["value"]) == pytest.approx(4 * float(shown[call]["mark"]), abs=1e-9)
    assert plimsoll.json("option", "positions", pair[1])["options"] == found["options"]
    assert f"4 {call}" in plimsoll("account", "show", pair[1]).stdout
    assert plimsoll.json("status")["accounts"] == 3


def test_show_finds_where_a_seller_of_options_is_lost(plimsoll, traded, pair, deployment, node):
    """There the engine itself says so, and not just before it."""
    maker = bytes(AccountId.parse(pair[0]))
    (flip,) = plimsoll.json("account", "show", pair[0])["liquidation_prices"]
    above = round(float(flip["above"]) * PRICE)
    states = [deployment.engine.read("assessAt", maker, [(1, price)])[1] for price in (above * 999 // 1000, above)]
    assert flip["symbol"] == "ETH"
    assert states[0] < 3 <= states[1]


def test_greeks_add_options_perps_and_collateral(plimsoll, traded, pair, node):
    """One WETH more is one unit of delta more, and nothing else."""
    owner = pair[1].split("/")[0]
    before = plimsoll.json("account", "greeks", pair[1])["underlyings"][0]
    plimsoll("deposit", pair[1], "WETH", "1", "--mint", "--from", owner)
    after = plimsoll.json("account", "greeks", pair[1])["underlyings"][0]
    assert float(after["delta"]) - float(before["delta"]) == pytest.approx(1, abs=1e-3)
    assert float(after["gamma"]) == pytest.approx(float(before["gamma"]), rel=1e-3)
    assert "theta/day" in plimsoll("account", "greeks", pair[1]).stdout
    assert plimsoll("account", "greeks", f"{node.accounts[7]}/cross/0").stdout == "nothing moves this account\n"


@pytest.mark.parametrize("option", ["--spots", "--vols"])
@pytest.mark.parametrize("moves", ["-101", "up"])
def test_a_move_that_cannot_be_is_refused(plimsoll, pair, option, moves):
    assert plimsoll.json("account", "heatmap", pair[0], f"{option}={moves}", code=2)["error"]["what"] == option[2:]


@pytest.mark.parametrize("which", [0, 1], ids=["portfolio", "cross"])
def test_the_heatmap_at_unmoved_volatility_is_what_the_engine_says(plimsoll, traded, pair, deployment, which):
    """assessAt at each spot, to a hundredth of a cent: the portfolio's marks are discounted, the other's not."""
    found = plimsoll.json("account", "heatmap", pair[which], "--spots=-40,-10,0,10,40", "--vols=0")
    account = bytes(AccountId.parse(pair[which]))
    equities = [
        deployment.engine.read("assessAt", account, [(1, round(INDEX * (1 + move) * PRICE))])[0].equity
        for move in found["spot_moves"]
    ]
    here = equities[2]
    assert [row[0] for row in found["pnl"]] == pytest.approx([(e - here) / 1e18 for e in equities], abs=2e-3)


def test_the_heatmap_multiplies_every_strike_s_volatility(plimsoll, traded, pair, deployment):
    """The taker's options, written out at twice the volatility that the contract says."""
    found = plimsoll.json("account", "heatmap", pair[1], "--spots=0", "--vols=0,100")
    positions = plimsoll.json("option", "positions", pair[1])["options"]
    time = deployment.chain.block()[1]
    expected = 0.0
    for item in positions:
        strike, years = strike_of(int(item["instrument"])) / PRICE, (item["expiry"] * 60 - time) / 31_536_000
        args = (float(item["forward"]), strike)
        values = [black(*args, float(item["vol"]) * f, years, item["kind"] == "call") for f in (1, 2)]
        expected += float(item["quantity"]) * (values[1] - values[0])
    assert found["pnl"][0][0] == 0
    assert found["pnl"][0][1] == pytest.approx(expected, abs=1e-4)


def test_the_heatmap_is_a_picture_too(plimsoll, traded, pair, tmp_path):
    """PNG, and the whole grid as text."""
    out = tmp_path / "heat.png"
    text = plimsoll("account", "heatmap", pair[0], "--png", str(out)).stdout
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(text.splitlines()) == len(heatmap.SPOTS) + 1
    assert "vol +100 %" in text
