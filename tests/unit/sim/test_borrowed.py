"""A crash with borrowed spot and perps mixed: books that add up, nobody missed, and the waterfall counted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from plimsoll.margin.account import DEBT, LENT
from plimsoll.sim.backends import make
from plimsoll.sim.prices import load, moment
from plimsoll.sim.replay import prepare
from plimsoll.sim.result import collect
from plimsoll.sim.setup import Setup
from plimsoll.sim.waterfall import STAGES

WAD = 10**18
SETUP = Setup(traders=30, seed=5, liquidity=12_000_000, keeper_limit=20, stretched=(2, 0, 0), borrowers=24)


@pytest.fixture(scope="module")
def mixed(files):
    """The morning of 12 March 2020, twenty hours' prices before it, in steps of five minutes."""
    window = {"start": moment("2020-03-12T08:00", ""), "end": moment("2020-03-12T13:00", "")}
    path = load(files, step=300, warm_up=20, **window)
    replay = prepare(path, SETUP, make("process", path))
    replay.run()
    return replay


def test_everybody_is_there(mixed):
    """Loops, shorts and perps were opened, on borrowed money and with lent."""
    counts, page = mixed.measures.counts, mixed.page

    assert counts["loop"] > SETUP.borrowers / 2 and counts["trade"] > 0
    assert (page.table.kinds == DEBT).any() and (page.table.kinds == LENT).any()
    assert {name.split()[-1] for name in mixed.measures.groups.found} >= {"pair", "long", "short", "mixed"}


def test_borrowers_are_liquidated_before_they_owe_more_than_they_have(mixed):
    """In slices; nothing is left that nobody pays."""
    data = collect(mixed).data

    assert sum(data["groups"][name]["liquidations"] for name in data["groups"] if "tier" not in name) > 0
    assert Decimal(data["bad_debt"]) == 0
    assert Decimal(data["open_deficit"]) == 0


def test_the_books_add_up_to_the_wei(mixed):
    """Held, lent, owed, put aside and queued against the vaults' tokens, in every step; rounding leaves little."""
    assert mixed.measures.conservation_error == 0
    assert 0 <= mixed.page.rounding() < WAD


def test_what_is_missing_is_noticed(mixed):
    """A token unit, or one share of a debt or of a loan, and the error is not zero."""
    page = mixed.page
    for kind in (DEBT, LENT):
        row, asset = (int(n[0]) for n in np.nonzero(page.table.kinds == kind))
        words = np.array(page.table.words)
        words[row, 1 + asset, 15] ^= 1
        assert replace(page, table=replace(page.table, words=words)).conservation_error() > 0
    short = tuple(replace(c, tokens=c.tokens - page.rounding() - 10**6) for c in page.custody)
    assert replace(page, custody=short).conservation_error() > 0


def test_floats_never_miss_an_account(mixed):
    """Equity and margins of every account lie within the bound of what the exact twin says."""
    page = mixed.page
    scores = page.scores
    for row in range(len(page.ids)):
        exact = page.assess(row)
        pairs = ((exact.equity, scores.equity), (exact.mm, scores.mm), (exact.im0, scores.im0))
        for value, column in pairs:
            assert abs(value / WAD - column[row]) <= scores.bound[row], page.ids[row].hex()


def test_every_stage_of_the_waterfall_has_a_name(mixed):
    """By cause; what was insured and what the others paid are the deficits."""
    data = collect(mixed).data

    for row in data["waterfall"].values():
        assert tuple(row) == STAGES
    insured = sum(Decimal(row["insured"]) for row in data["waterfall"].values())
    assert Decimal(data["deficits"]) - insured == Decimal(data["bad_debt_written_down"])
