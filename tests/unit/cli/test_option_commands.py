"""plimsoll market import-chain, option …, account greeks and heatmap, against a node."""

from __future__ import annotations

import json
import math

import pytest
from option_town import INDEX, black, write_chain
from typer.testing import CliRunner

from plimsoll.accounts import AccountId
from plimsoll.chain import Signer
from plimsoll.cli import app
from plimsoll.deploy import Deployment
from plimsoll.margin.option_series import strike_of
from plimsoll.options import heatmap, series, snapshots
from plimsoll.orders import Domain
from plimsoll.prices import PRICE
from plimsoll.pricing.chain import load_chain
from plimsoll.signed_orders import SignedOrder
from plimsoll.surfaces import decode

COMMANDS = [("market", "import-chain"), ("account", "greeks"), ("account", "heatmap")]
COMMANDS += [("option", name) for name in ("chain", "quote", "trade", "settle", "positions")]
KEY = "a7" * 32
REAL = "data/deribit_chain_20260204T213308Z.csv.gz"


@pytest.fixture
def deployment(node, deployments):
    return Deployment.open(node, deployments)


@pytest.fixture
def chain_file(tmp_path):
    return write_chain(tmp_path / "chain.csv")


@pytest.fixture
def imported(plimsoll, node, chain_file):
    """ETH at 3,000 with two surfaces."""
    return plimsoll.json("market", "import-chain", str(chain_file), "--from", node.accounts[0])


@pytest.fixture
def pair(plimsoll, imported, node):
    """A portfolio account that will sell, a cross account that will buy."""
    maker, taker = f"{node.accounts[3]}/portfolio/0", f"{node.accounts[4]}/cross/0"
    for account in (maker, taker):
        plimsoll("deposit", account, "USDC", "50000", "--mint", "--from", account.split("/")[0])
    return maker, taker


@pytest.fixture
def call(imported):
    """The nearer expiry, at the money."""
    return f"ETH-{series.expiry_text(imported['expiries'][0]['expiry'])}-3000-C"


@pytest.fixture
def offer(plimsoll, pair, call, tmp_path):
    """Two calls offered, one put asked for, three times."""
    put = call.replace("3000-C", "2800-P")
    args = ("option", "quote", pair[0], f"{call}:-2", f"{put}:1", "--size", "3")
    path = tmp_path / "offer.json"
    plimsoll(*args, "--out", str(path), "--from", pair[0].split("/")[0])
    return path


@pytest.fixture
def traded(plimsoll, pair, offer):
    taker = pair[1]
    return plimsoll.json(
        "option", "trade", taker, str(offer), "--size", "2", "--price", "ETH=3000", "--from", taker.split("/")[0]
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_command_explains_itself(command):
    """With an example."""
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output


# ---------------------------------------------------------------- import-chain


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("nowhere.csv",), "chain"),
        (("FILE", "--underlying", "DOGE"), "underlying"),
        (("FILE", "--market", "SOL"), "market"),
        (("FILE", "--at", "noon"), "at"),
        (("FILE", "--shift", "61"), "shift"),
        (("FILE", "--shift", "0", "--at", "2026-02-04T21:33"), "shift"),
        (("FILE", "--shift", "-99999960"), "shift"),
    ],
)
def test_a_chain_that_cannot_be_imported_names_what_is_wrong(plimsoll, chain_file, args, what):
    """The file, the underlying, the market without options, the times."""
    args = [str(chain_file) if arg == "FILE" else arg for arg in args]
    error = plimsoll.json("market", "import-chain", *args, code=2)["error"]
    assert error["what"] == what
    assert error["remedy"]


def test_an_imported_chain_keeps_its_times_to_expiry_and_its_volatilities(imported, deployment, chain_file):
    """To the minute, and what the contract says of each strike is what the file says."""
    assert [row["accepted"] for row in imported["expiries"]] == [True, True]
    chain = load_chain(chain_file, "ETH")
    for row, recorded in zip(imported["expiries"], chain.expiries, strict=True):
        assert row["days"] == pytest.approx(recorded.years * 365, abs=2 / 1440)
        at = series.expiry_text(row["expiry"])
        instruments = [series.parse(f"ETH-{at}-{strike:g}-C", ["ETH"]) for strike in recorded.strike]
        quotes = deployment.option_lens.read("quotes", instruments)
        missed = max(abs(q.vol / 1e18 - vol) for q, vol in zip(quotes, recorded.vol, strict=True))
        assert 100 * missed == pytest.approx(row["largest_error_points"], abs=1e-3)
        assert missed < 0.01
        assert {q.forward for q in quotes} == {round(recorded.forward * PRICE)}
    assert deployment.router.read("read", [1])[0] & (1 << 72) - 1 == round(INDEX * PRICE)


def test_a_recording_without_a_key_is_judged_and_not_sent(plimsoll, node, chain_file, deployment):
    """What would be said of it, and how to send it."""
    before = node.nonce(node.accounts[0])
    found = plimsoll.json("market", "import-chain", str(chain_file))
    assert (found["dry_run"], [row["accepted"] for row in found["expiries"]]) == (True, [True, True])
    assert node.nonce(node.accounts[0]) == before
    assert deployment.surfaces.read("expiries", 0) == []
    assert "would be accepted" in plimsoll("market", "import-chain", str(chain_file)).stdout


def test_a_volatility_beyond_the_rules_is_rejected_with_the_contract_s_reason(plimsoll, node, tmp_path):
    """450 % at the money where 400 % is the most: dry run and chain agree, and the other expiry is stored."""
    wild = write_chain(tmp_path / "wild.csv", days=(7,), vol=4.5)
    calm = write_chain(tmp_path / "calm.csv", days=(30,), vol=2.5)
    wild.write_text(wild.read_text() + "".join(calm.read_text().splitlines(keepends=True)[1:]))
    said = plimsoll.json("market", "import-chain", str(wild))
    found = plimsoll.json("market", "import-chain", str(wild), "--from", node.accounts[0])
    assert (
        [row["accepted"] for row in found["expiries"]] == [row["accepted"] for row in said["expiries"]] == [False, True]
    )
    assert found["expiries"][0]["reason"].startswith("VOL_TOO_HIGH: ")


def test_a_second_recording_keeps_the_expiries_with_the_same_shift(plimsoll, imported, node, chain_file):
    """A day later, at other prices."""
    node.advance(86_400)
    shift = str(imported["shift"])
    again = plimsoll.json("market", "import-chain", str(chain_file), "--shift", shift, "--from", node.accounts[0])
    assert [row["expiry"] for row in again["expiries"]] == [row["expiry"] for row in imported["expiries"]]
    assert all(row["accepted"] for row in again["expiries"])


def test_a_report_can_be_written_instead_of_sent(plimsoll, node, chain_file, deployment, tmp_path):
    """Signed, since the keys are known: somebody else can send it."""
    out = tmp_path / "report.hex"
    found = plimsoll.json("market", "import-chain", str(chain_file), "--out", str(out), "--from", node.accounts[0])
    report = bytes.fromhex(out.read_text())
    assert found["report"] == "signed"
    assert [quoted.expiry for quoted in decode(report).surfaces] == [row["expiry"] for row in found["expiries"]]
    deployment.surfaces.write("update", report, sender=node.accounts[0])
    assert len(deployment.surfaces.read("expiries", 0)) == 2


def test_a_recorded_market_is_accepted_as_a_whole(plimsoll, node):
    """Twelve expiries of ether, 4 February 2026."""
    found = plimsoll.json("market", "import-chain", REAL, "--underlying", "ETH", "--from", node.accounts[0])
    assert len(found["expiries"]) == 12
    assert all(row["accepted"] for row in found["expiries"])
    assert max(row["fit_error_points"] for row in found["expiries"][2:]) < 1


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


# ---------------------------------------------------------------- quote and trade


@pytest.mark.parametrize(
    ("leg", "what"),
    [
        ("ETH-3000-C", "leg"),
        ("ETH-20261225T0800-3000-X:1", "series"),
        ("DOGE-20261225T0800-3000-C:1", "market of a series"),
        ("ETH-20261225T0800-3000-C:0", "order.legs[0].quantity"),
        ("ETH-20261225T0800-3000-C:one", "quantity"),
        ("ETH-2026-13-45-3000-C:1", "expiry"),
    ],
)
def test_a_leg_that_is_none_is_refused(plimsoll, pair, leg, what):
    assert plimsoll.json("option", "quote", pair[0], leg, code=2)["error"]["what"] == what


def test_only_the_owner_signs(plimsoll, pair, call, node):
    """Another account of the node is told whose signature it would be."""
    error = plimsoll.json("option", "quote", pair[0], f"{call}:1", "--from", node.accounts[5], code=2)["error"]
    assert error["what"] == "account"


def test_a_quote_without_a_key_is_an_order_to_be_signed(plimsoll, pair, call, deployment):
    """At the mark of now, with its price against it."""
    found = plimsoll.json("option", "quote", pair[0], f"{call}:-1.5")
    assert found["signed"] is False
    assert found["order"]["signature"] == "0x"
    mark = float(found["legs"][0]["mark"])
    assert int(found["order"]["order"]["limit"]) / PRICE == pytest.approx(-1.5 * mark, abs=1e-9)
    assert float(found["mark"]) == pytest.approx(-1.5 * mark, abs=1e-9)


def test_a_quote_is_signed_by_the_node_or_by_our_key(plimsoll, pair, offer, call, deployment, node):
    """Either way the contract's digest, and the owner's signature."""
    domain = Domain(deployment.verifier.address, deployment.chain.chain_id)
    by_node = SignedOrder.read(offer, domain)
    assert by_node.is_valid()
    assert deployment.verifier.read("hashOf", by_node.order.values()) == by_node.digest
    account = f"{Signer(KEY).address}/cross/0"
    found = plimsoll.json("option", "quote", account, f"{call}:1", "ETH-PERP:-0.5", env={"PLIMSOLL_KEY": KEY})
    assert SignedOrder.from_json(found["order"], domain).is_valid()
    assert KEY not in json.dumps(found)


def test_a_trade_without_a_key_previews_both_accounts(plimsoll, pair, offer):
    """What each would be, and why the chain would refuse it as it is."""
    found = plimsoll.json("option", "trade", pair[1], str(offer), "--price", "ETH=3000")
    assert (found["dry_run"], found["refusal"]) == (True, None)
    before, after = found["maker"]["before"], found["maker"]["after"]
    assert (float(before["im"]), found["maker"]["account"]) == (0, pair[0])
    assert float(after["im"]) > float(after["mm"]) > 0
    assert float(after["equity"]) == pytest.approx(50_000, abs=60)
    refused = plimsoll.json("option", "trade", pair[1], str(offer), "--prices", "1,1", "--price", "ETH=3000")
    assert "PackagePriceExceeded" in refused["refusal"] or "FillPriceOutOfBand" in refused["refusal"]


def test_a_trade_moves_premium_and_options_between_the_two(traded, deployment, pair, offer):
    """Mirror images, and what is left of the order is what was not filled."""
    assert traded["dry_run"] is False
    maker, taker = (dict(zip(*deployment.engine.read("options", bytes(AccountId.parse(a))), strict=True)) for a in pair)
    assert maker == {instrument: -quantity for instrument, quantity in taker.items()}
    assert sorted(maker.values()) == [-4 * 10**8, 2 * 10**8]
    status, left = deployment.verifier.read("statusOf", SignedOrder.read(offer).order.values())
    assert (status, left) == (0, 10**8)


def test_more_than_is_left_of_an_order_is_refused(plimsoll, traded, pair, offer):
    """By the contract: an order of three, two of them filled."""
    args = ("option", "trade", pair[1], str(offer), "--size", "2", "--price", "ETH=3000", "--from")
    assert plimsoll.json(*args, pair[1].split("/")[0], code=5)["error"]["type"] == "Reverted"


# ---------------------------------------------------------------- accounts with options


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


def test_a_shift_is_of_whole_minutes(chain_file):
    """Expiries stay on minutes, and the recording falls on the time asked for, to half a minute."""
    chain = load_chain(chain_file)
    shift = snapshots.shift_of(chain, 2_000_000_017)
    assert shift % 60 == 0
    assert math.isclose(chain.time + shift, 2_000_000_017, abs_tol=30)
