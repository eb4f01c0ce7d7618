"""Scenarios: parts that add up, results that are kept, and the books of a crash with everybody in it."""

from __future__ import annotations

import gzip
import json
import os
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plimsoll.cli import app
from plimsoll.contracts import ROOT
from plimsoll.errors import BadInput
from plimsoll.sim import shards as sim_shards
from plimsoll.sim.aggregate import add, aggregate, quantiles
from plimsoll.sim.backends import make
from plimsoll.sim.prices import load, moment
from plimsoll.sim.replay import Setup, prepare
from plimsoll.sim.scenario_report import document
from plimsoll.sim.scenarios import HOURLY, SCENARIOS, parts
from plimsoll.sim.shards import OFF, ON, PartFailed, Shard, WorkerEnded, replay_all, shards, thinned

SMALL = Setup(traders=12, liquidity=3_000_000)
HOUR = {"start": moment("2020-03-12", ""), "end": moment("2020-03-12T01:00", "")}


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder as scenarios want it, with the days of March 2020 that the project ships."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "prices").mkdir()
    for symbol in ("ETH", "BTC"):
        text = (ROOT / "data" / f"{symbol}USDT_1h_2020-03.csv").read_text()
        (folder / HOURLY.format(symbol)).write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder


@pytest.fixture(scope="session")
def crash(data):
    """Two hours of 12 March 2020, with scaling and without."""
    window = {"start": moment("2020-03-12T10:00", ""), "end": moment("2020-03-12T12:00", "")}
    _, found = parts("months-2020-2023", data, SMALL, **window)
    return replay_all(shards(found), workers=2, folder=None, done=lambda *_: None)


def test_months_follow_each_other(data):
    """Without a gap from January 2020 to January 2023, each with people of its own."""
    _, found = parts("months-2020-2023", data, SMALL)

    assert [part.name for part in found][::36] == ["2020-01", "2023-01"]
    assert all(left.end == right.start for left, right in pairwise(found))
    assert len({part.setup.seed for part in found}) == len(found) == 37
    assert {part.setup.keeper_limit for part in found} == {20}


def test_a_window_cuts_the_parts(data):
    """Those outside are gone; those at its ends are shorter."""
    _, found = parts("months-2020-2023", data, SMALL, start=moment("2020-03-12", ""), end=moment("2020-04-02", ""))

    assert [part.name for part in found] == ["2020-03", "2020-04"]
    assert (found[0].start, found[1].end) == (moment("2020-03-12", ""), moment("2020-04-02", ""))


def test_what_does_not_exist_is_refused(data, tmp_path):
    """The scenario, the window and the files, each with a remedy."""
    with pytest.raises(BadInput, match="crashes-2020-2023, months-2020-2023, luna, usdc-depeg"):
        parts("tulips", data, SMALL)
    with pytest.raises(BadInput, match="nothing of"):
        parts("months-2020-2023", data, SMALL, start=1, end=2)
    with pytest.raises(BadInput, match="is not in it"):
        parts("luna", tmp_path, SMALL)


def test_books_add_up_in_every_part(crash):
    """With and without scaling, to the wei."""
    assert set(crash) == {ON, OFF}
    for side in crash.values():
        assert {part["conservation_error"] for part in side.values()} == {"0"}


def test_the_sum_of_parts_is_exact(crash):
    """Counts and money of two equal parts are twice those of one."""
    twice = {side: {"a": part, "b": part} for side, found in crash.items() for part in found.values()}
    one = aggregate({"title": "", "notes": []}, {side: {"a": found["a"]} for side, found in twice.items()})
    two = aggregate({"title": "", "notes": []}, twice)

    for side in (ON, OFF):
        assert two["totals"][side]["trades"] == 2 * one["totals"][side]["trades"] > 0
        assert two["totals"][side]["pool_pnl"] == add([one["totals"][side]["pool_pnl"]] * 2)
        assert two["totals"][side]["min_health_unliquidated"] == one["totals"][side]["min_health_unliquidated"]
        assert two["groups"][side]["ETH tier 3"]["accounts"] == 2 * one["groups"][side]["ETH tier 3"]["accounts"] > 0


def test_the_report_says_it_all(crash):
    """One file, nothing to fetch."""
    scenario = SCENARIOS["crashes-2020-2023"]
    about = {"name": scenario.name, "title": scenario.title, "notes": list(scenario.notes)}

    page = document(aggregate(about, crash), crash)

    for text in ("tier by tier", "Leverage that was to be had", "scaling off", "BTC tier 2"):
        assert text in page
    assert "<script" not in page and "src=" not in page


def test_finished_parts_are_not_replayed_again(data, tmp_path):
    """They are read from the folder; a part of another seed is another file."""
    _, found = parts("months-2020-2023", data, SMALL, **HOUR)
    shard = Shard(found[0], True)
    (tmp_path / shard.file).write_text('{"kept": true}')

    assert replay_all([shard], workers=1, folder=tmp_path, done=lambda *_: None) == {ON: {"2020-03": {"kept": True}}}
    assert Shard(replace(found[0], setup=replace(SMALL, seed=9)), True).file != shard.file


def test_a_part_that_fails_is_named(data):
    """With its own reason."""
    _, found = parts("months-2020-2023", data, SMALL, **HOUR)
    broken = replace(found[0], files=("ETH=missing.csv",))

    with pytest.raises(PartFailed, match=r"2020-03, scaling on: missing\.csv"):
        replay_all([Shard(broken, True)], workers=1, folder=None, done=lambda *_: None)


def test_a_worker_that_is_ended_is_an_error(data, tmp_path, monkeypatch):
    """Which says where finished parts are."""
    _, found = parts("months-2020-2023", data, SMALL, **HOUR)

    def ended(*_):
        raise BrokenProcessPool

    monkeypatch.setattr(sim_shards, "_in_workers", ended)
    with pytest.raises(WorkerEnded, match=r"finished parts are in .*: run the command again"):
        replay_all(shards(found), workers=1, folder=tmp_path, done=lambda *_: None)


def test_series_are_thinned_without_losing_counts():
    """Counts are added up, debts keep their worst, the rest its last value."""
    series = {"time": [*range(10)], "liquidations": [1] * 10, "open_deficit": ["0", "7"] * 5, "insurance": ["3"] * 10}

    found = thinned({"series": series}, points=4)["series"]

    assert found == {
        "time": [2, 5, 8, 9],
        "liquidations": [3, 3, 3, 1],
        "open_deficit": ["7"] * 4,
        "insurance": ["3"] * 4,
    }


def test_quantiles_of_counts():
    """As of the sorted values."""
    assert quantiles({0: 98, 3: 1, 7: 1}) == {"p50": 0, "p99": 3, "max": 7}
    assert quantiles({}) == {"p50": 0, "p99": 0, "max": 0}


def test_a_page_that_was_only_repriced_is_the_page(files):
    """Word for word what reading everything gives, after a step in which only a price was sent."""
    path = load(files, step=600, start=moment("2020-03-12T07:00", ""), end=moment("2020-03-12T15:00", ""))
    replay = prepare(path, replace(SMALL, keeper=False), make("process", path))
    for step in range(8):
        replay._step(step)
    replay.backend.begin(path.times[8])
    replay.backend.send(
        [replay.scene.price_tx(replay.scene.deployment.manifest.deployer, path.times[8], path.values[8])]
    )

    short, whole = replay.book.repriced(replay.page), replay.book.read()

    assert (short.table.words == whole.table.words).all()
    assert (short.snapshot, short.custody) == (whole.snapshot, whole.custody)
    assert (short.pool_equity, short.close_out) == (whole.pool_equity, whole.close_out)


def test_the_keeper_stops_at_its_limit(files):
    """No step has more liquidations than it may make, and the rest waits."""
    path = load(files, step=600, start=moment("2020-03-12T07:00", ""), end=moment("2020-03-12T13:00", ""))
    setup = Setup(traders=80, seed=3, liquidity=3_000_000, keeper_limit=3)
    replay = prepare(path, setup, make("process", path))
    replay.run()

    assert max(replay.measures.series.liquidations) == 3
    assert replay.measures.delay()["max"] > 0


@pytest.mark.skipif("PLIMSOLL_DATA" not in os.environ, reason="PLIMSOLL_DATA names no folder of recorded prices")
@pytest.mark.parametrize("name", ["luna", "usdc-depeg"])
def test_recorded_depegs_can_be_replayed(name, tmp_path):
    """Their first half hour."""
    folder = Path(os.environ["PLIMSOLL_DATA"])
    _, found = parts(name, folder, SMALL)
    end = moment("2022-05-09T05:30", "") if name == "luna" else moment("2023-03-10T16:30", "")
    options = ["--to", str(end), "--traders", "12", "--scaling", "on", "--json", str(tmp_path / "out.json")]

    result = CliRunner().invoke(app, ["replay", "--scenario", name, "--data", str(folder), *options])

    assert result.exit_code == 0, result.output
    totals = json.loads((tmp_path / "out.json").read_text())["totals"][ON]
    assert totals["conservation_error"] == "0" and totals["steps"] > len(found)
