"""plimsoll market import-chain: a recording on the chain's clock, and what the contract says of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from option_town import INDEX, write_chain

from plimsoll.deploy import Deployment
from plimsoll.deploy.defaults import SURFACES, local_signer_keys
from plimsoll.margin import surface_math
from plimsoll.options import series, snapshots
from plimsoll.prices import PRICE
from plimsoll.pricing.chain import load_chain
from plimsoll.pricing.surfaces import fit_chain
from plimsoll.surfaces import SurfaceSigner, decode, encode_report

REAL = Path(__file__).resolve().parents[3] / "data" / "deribit_chain_20260204T213308Z.csv.gz"


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


def test_signers_who_are_elsewhere_are_told_what_to_sign(plimsoll, node, chain_file, deployments, tmp_path):
    """Nothing can be sent here; what is written, signed by the keys that they have, is what the contract stores."""
    manifest = json.loads((deployments / "31337.json").read_text())
    manifest["parameters"]["oracle"]["signers"][0] = node.accounts[9]
    (tmp_path / "31337.json").write_text(json.dumps(manifest))
    env, out = {"PLIMSOLL_DEPLOYMENTS": str(tmp_path)}, tmp_path / "unsigned.json"
    args = ("market", "import-chain", str(chain_file), "--from", node.accounts[0])
    assert plimsoll.json(*args, env=env, code=2)["error"]["what"] == "signers"

    assert plimsoll.json(*args, "--out", str(out), env=env)["report"] == "unsigned"
    told = json.loads(out.read_text())
    words, domain = [int(word) for word in told["words"]], told["domain"]
    signer = SurfaceSigner(local_signer_keys(), domain["verifyingContract"], domain["chainId"])
    report = encode_report(told["publishedAt"], words, signer.seals(told["publishedAt"], words))
    deployment = Deployment.open(node, deployments)
    deployment.surfaces.write("update", report, sender=node.accounts[0])
    assert len(deployment.surfaces.read("expiries", 0)) == 2


def test_a_recorded_market_is_accepted_as_a_whole(plimsoll, node):
    """Twelve expiries of ether, 4 February 2026."""
    found = plimsoll.json("market", "import-chain", str(REAL), "--underlying", "ETH", "--from", node.accounts[0])
    assert len(found["expiries"]) == 12
    assert all(row["accepted"] for row in found["expiries"])
    assert max(row["fit_error_points"] for row in found["expiries"][2:]) < 1


def test_a_shift_is_of_whole_minutes(chain_file):
    """Expiries stay on minutes, and the recording falls on the time asked for, to half a minute."""
    chain = load_chain(chain_file)
    shift = snapshots.shift_of(chain, 2_000_000_017)
    assert shift % 60 == 0
    assert math.isclose(chain.time + shift, 2_000_000_017, abs_tol=30)


@pytest.mark.parametrize("underlying", ["ETH", "BTC"])
def test_a_recording_is_good_whatever_second_it_falls_on(underlying):
    """Neighbours that touch in the fit do not cross for a minute's rounding, nor an hour later."""
    chain = fit_chain(load_chain(REAL, underlying))
    for now in range(1_795_000_000, 1_795_000_060, 7):
        shift = snapshots.shift_of(chain, now)
        for later in (0, 400, 3_600):
            placed = snapshots.place(chain, 0, SURFACES, shift=shift, now=now + later)
            assert snapshots.judge(placed, SURFACES, now + later) == {}


def test_an_hour_later_volatilities_are_what_they_were(chain_file):
    """Variance has shrunk with the time that is left."""
    chain, now = fit_chain(load_chain(chain_file)), 1_795_000_017
    shift = snapshots.shift_of(chain, now)
    here, later = (snapshots.place(chain, 0, SURFACES, shift=shift, now=at).expiries[0] for at in (now, now + 3_600))
    vols = [
        surface_math.variance(one.quoted.surface.smile, one.quoted.surface.fit.sigma, 0) / one.quoted.surface.fit.tau
        for one in (here, later)
    ]
    assert vols[0] == pytest.approx(vols[1], rel=1e-9)
    assert later.quoted.surface.fit.tau < here.quoted.surface.fit.tau
