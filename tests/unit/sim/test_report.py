"""Reports and results on disk: whole, readable, and never lost."""

from __future__ import annotations

import errno
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plimsoll.cli import app
from plimsoll.sim import files as sim_files
from plimsoll.sim.compare import NO_KEEPER, jobs
from plimsoll.sim.files import NotWritten, keep, write
from plimsoll.sim.replay import Setup
from plimsoll.sim.report import write_report

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Fails on a tag that is closed and was not opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()


@pytest.fixture
def full_disk(monkeypatch):
    """Every write below `folder` fails as it does on a full disk."""

    def fill(folder: Path):
        real = sim_files.tempfile.mkstemp

        def refuse(dir=None, **options):
            if Path(dir).is_relative_to(folder):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(dir=dir, **options)

        monkeypatch.setattr(sim_files.tempfile, "mkstemp", refuse)

    return fill


def test_a_report_is_complete(kept, bare, tmp_path):
    """HTML that is one file, a PNG, and the results behind them."""
    written = write_report(kept.data, {NO_KEEPER: bare.data}, tmp_path)

    assert {"report.html", "report.png", "result.json", "beside.json"} == {path.name for path in written}
    page = (tmp_path / "report.html").read_text()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "Largest single step" in page and "What the keeper prevents" in page
    assert "<script" not in page and "src=" not in page
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "result.json").read_text()) == kept.data


def test_a_report_without_anything_beside_it(kept, tmp_path):
    """Still drawn."""
    assert len(write_report(kept.data, {}, tmp_path)) == 4


def test_beside_a_run_are_the_other_steps_and_the_other_keeper():
    """One minute, fifteen minutes, and nobody."""
    found = jobs(["x"], 300, Setup(), {})

    assert [job.name for job in found] == [NO_KEEPER, "1 min steps", "15 min steps"]
    assert [job.setup.keeper for job in found] == [False, True, True]


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    """What was there before stays when writing fails half-way, and nothing is left beside it."""
    target = tmp_path / "out.json"
    target.write_text("old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sim_files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write(target, "new")

    assert target.read_text() == "old"
    assert [target] == list(tmp_path.iterdir())


def test_a_full_disk_loses_nothing(tmp_path, full_disk):
    """The content is kept elsewhere, and the error says where and what to do."""
    target, spare = tmp_path / "full" / "out.json", tmp_path / "spare"
    target.parent.mkdir()
    full_disk(target.parent)

    with pytest.raises(NotWritten, match=r"No space left on device.*kept at .*spare.*free some space") as caught:
        keep(target, "the result", [spare])

    assert caught.value.kept.read_text() == "the result"


def test_a_report_on_a_full_disk_is_kept_whole(kept, tmp_path, full_disk, monkeypatch):
    """Every file of it, in the fallback folder."""
    full_disk(tmp_path / "full")
    monkeypatch.setattr(sim_files.tempfile, "gettempdir", lambda: str(tmp_path / "spare"))

    with pytest.raises(NotWritten):
        write_report(kept.data, {}, tmp_path / "full" / "report")

    names = {path.name.split("-", 2)[2] for path in (tmp_path / "spare").iterdir()}
    assert {"report.html", "report.png", "result.json", "beside.json"} == names


def test_with_no_place_at_all_the_result_is_printed(files, tmp_path, full_disk, monkeypatch):
    """The command fails with its own exit code, and its output is the JSON."""
    full_disk(Path("/"))
    options = ["--from", "2020-03-12", "--to", "2020-03-12T02:00", "--step", "30m", "--traders", "5"]
    arguments = ["replay", *(item for file in files for item in ("--prices", file)), *options]

    result = CliRunner().invoke(app, [*arguments, "--json", str(tmp_path / "out.json")])

    assert result.exit_code == NotWritten.exit_code
    assert json.loads(result.stdout)["steps"] == 5
    assert "No space left on device" in result.stderr


def test_the_command_prints_or_writes_the_result(files, tmp_path):
    """Equal bytes either way."""
    options = ["--from", "2020-03-12", "--to", "2020-03-12T02:00", "--step", "30m", "--traders", "5"]
    arguments = ["replay", *(item for file in files for item in ("--prices", file)), *options]

    printed = CliRunner().invoke(app, arguments)
    written = CliRunner().invoke(app, [*arguments, "--json", str(tmp_path / "out.json")])

    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert printed.stdout == (tmp_path / "out.json").read_text()


def test_a_bad_price_ends_the_command_with_its_line(tmp_path):
    """Exit code 2, and the file, line and value."""
    (tmp_path / "ETHUSDT.csv").write_text("ts,price\n0,5\n60,0\n")

    result = CliRunner().invoke(app, ["replay", "--prices", str(tmp_path / "ETHUSDT.csv")])

    assert result.exit_code == 2
    assert "ETHUSDT.csv:3:" in result.stderr and "above zero" in result.stderr
