"""plimsoll demo"""

import pytest
from typer.testing import CliRunner

from plimsoll.cli import app
from plimsoll.commands import demo, option_demo


@pytest.fixture
def parts(monkeypatch):
    """Which parts would run, in order."""
    ran = []
    monkeypatch.setattr(demo, "black_thursday", lambda *_: ran.append("black-thursday"))
    monkeypatch.setattr(option_demo, "options_demo", lambda *_: ran.append("options"))
    return ran


def run(*args, code=0):
    result = CliRunner().invoke(app, ["demo", *args], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_an_unknown_part_is_refused(parts):
    """With those that there are."""
    assert "black-thursday or options" in run("--only", "march", code=2).stderr
    assert parts == []


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], ["black-thursday", "options"]),
        (["--no-options"], ["black-thursday"]),
        (["--only", "options"], ["options"]),
        (["--only", "black-thursday"], ["black-thursday"]),
    ],
)
def test_parts_run_one_after_the_other(parts, args, expected):
    """Both by default."""
    run(*args)
    assert parts == expected
