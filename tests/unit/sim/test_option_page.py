"""The page of a fall with options, from numbers that were made up."""

from __future__ import annotations

import json

import pytest

from plimsoll.deploy.portfolio_defaults import portfolio
from plimsoll.sim import option_page
from plimsoll.sim.option_books import Books
from plimsoll.sim.option_fall import Health, Result
from plimsoll.sim.option_gas import named

NAMES = ("fund", "writer", "keeper")
FEEDS = {1: "ETH", 2: "BTC"}


@pytest.fixture
def result():
    made = Result(times=[1_770_240_000 + 1_800 * n for n in range(4)], series=50, expiries=10, opening=7_000_000)
    made.index = {"ETH": [2_000.0, 1_950.0, 1_900.0, 1_840.0]}
    made.health = {name: [Health(100.0 - n, 90.0, 90.0, 70.0, "healthy") for n in range(4)] for name in NAMES}
    gas = {"gas": 672_373, "gas_by_witness": 672_373, "gas_in_full": 2_060_732}
    act = {"time": made.times[2], "event": "MarginCalled", "account": "fund", "witness": [0, 0, 0, 255]}
    made.acts = [act | gas | {"scenarios": ["together: spot −18 %", "ETH: spot −18 %"]}]
    made.acts.append(made.acts[0] | {"event": "Liquidated", "fraction": 0.125, "to": "keeper", "witness": []})
    made.acts[1]["scenarios"] = []
    made.books = [Books(51, (), 0) for _ in range(4)]
    made.taken = {"fund": 50, "keeper": 50}
    return made


def test_the_page_says_what_was_done_and_by_what_proof(result):
    """Call, slice, who took it, and gas with and without a witness."""
    page = option_page.page(option_page.data_of(result))
    for text in ("margin call", "12.5% to keeper", "spot −18 % in every term", "by rule", "672,373", "2,060,732"):
        assert text in page
    assert "4 of 4 steps balance" in page and "<script" not in page


def test_a_step_whose_books_do_not_balance_is_counted(result):
    """A series too many, or a unit of quote."""
    result.books[1], result.books[2] = Books(51, (77,), 0), Books(51, (), 1)
    books = option_page.data_of(result)["books"]
    assert (books["steps"], books["unbalanced"], books["quote_beyond_accounts"]) == (4, 2, 1)


def test_numbers_survive_as_json(result):
    """What is written is what was measured."""
    data = option_page.data_of(result)
    assert json.loads(json.dumps(data)) == data


def test_all_files_are_written(result, tmp_path):
    """The page, the picture, the numbers, and what the keeper said."""
    files = option_page.write(option_page.data_of(result), tmp_path, "a line\n")
    assert sorted(file.name for file in files) == ["options-keeper.log", "options.html", "options.json", "options.png"]
    assert (tmp_path / "options.png").read_bytes()[:4] == b"\x89PNG"


def test_witnesses_are_told_in_words():
    """The joint term, each underlying, the basis, and nothing for an underlying that the account has not."""
    words = named(portfolio(), bytes([0, 24, 35, 255]), FEEDS)
    assert words[0] == "together: spot −18 %, volatility up"
    assert words[1] == "ETH: spot −33 %, volatility up, counted 42 %"
    assert words[2] == "BTC: basis" and len(words) == 3


def test_scenarios_that_differ_are_all_named():
    """One text only where they are the same."""
    assert option_page.worst(["together: a", "ETH: a"]) == "a in every term"
    assert option_page.worst(["together: a", "ETH: b"]) == "together: a; ETH: b"
    assert option_page.worst([]) == "by rule"
