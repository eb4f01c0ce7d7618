"""A replay in process: repeatable, complete, exact, and worse without a keeper."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from plimsoll.errors import BadInput
from plimsoll.sim import backends
from plimsoll.sim.backends import make
from plimsoll.sim.prices import PricePath, load
from plimsoll.sim.replay import Setup, prepare, run, worst_hour

PROMISED = {
    "steps",
    "accounts",
    "trades",
    "margin_calls",
    "margin_calls_cured",
    "liquidations",
    "accounts_liquidated",
    "liquidation_delay_steps",
    "bad_debt",
    "insurance_start",
    "insurance_end",
    "pool_pnl",
    "conservation_error",
    "min_health_unliquidated",
}
MONEY = ("bad_debt", "insurance_start", "insurance_end", "pool_pnl", "conservation_error")


def test_the_same_seed_gives_the_same_bytes(path, setup, kept):
    """Nothing of the clock, the machine or the order of a set is in the result."""
    assert kept.text() == run(path, setup).text()


def test_another_seed_gives_other_people(path, setup, kept):
    """The seed is what decides."""
    assert kept.text() != run(path, replace(setup, seed=4)).text()


def test_the_promised_figures_are_there(kept):
    """All keys; money as text that is exact."""
    data = json.loads(kept.text())

    assert set(data) >= PROMISED
    assert set(data["liquidation_delay_steps"]) == {"p50", "p99", "max"}
    for name in MONEY:
        assert isinstance(data[name], str)
        Decimal(data[name])


def test_something_happens(kept):
    """Calls, cures, partial and bankrupt liquidations, and insurance that pays and is not broken."""
    data = kept.data

    for name in ("trades", "margin_calls", "margin_calls_cured", "partial_liquidations", "insurance_payments"):
        assert data[name] > 0, name
    assert Decimal(data["insurance_end"]) > 0
    flows = Decimal(data["insurance_earned"]) - Decimal(data["insurance_paid"])
    change = Decimal(data["insurance_end"]) - Decimal(data["insurance_start"])
    assert abs(change - flows) <= Decimal("0.000001") * data["liquidations"]  # a token unit each, rounded up


def test_nothing_is_lost_or_made(kept, bare):
    """To the wei, in every step."""
    assert (kept.data["conservation_error"], bare.data["conservation_error"]) == ("0", "0")


def test_a_book_that_does_not_add_up_is_noticed(path, setup):
    """One unit too many in one word of one account, and the error is not zero."""
    replay = prepare(path, setup, make("process", path))
    for step in range(6):
        replay._step(step)
    page = replay.page
    assert page.conservation_error() == 0

    words = np.array(page.table.words)
    row = page.row_of[replay.agents.population.traders[0].account]
    words[row, 1, 31] ^= 1  # a unit of quote
    assert replace(page, table=replace(page.table, words=words)).conservation_error() > 0

    held = page.table.sizes[:, 0].nonzero()[0][0]
    words = np.array(page.table.words)
    words[held, 1 + page.assets, 23] ^= 1  # a wei of cost
    assert replace(page, table=replace(page.table, words=words)).conservation_error() == 1


def test_without_a_keeper_it_ends_worse(kept, bare):
    """More is owed, by accounts that are deeper under water."""
    assert Decimal(bare.data["open_deficit_peak"]) > 10 * Decimal(kept.data["open_deficit_peak"])
    assert float(bare.data["min_health_unliquidated"]) < float(kept.data["min_health_unliquidated"])
    assert (bare.data["liquidations"], bare.data["margin_calls"]) == (0, 0)
    assert Decimal(kept.data["bad_debt"]) == 0


def test_shorter_steps_leave_fewer_to_gap_through(files, setup, path, kept):
    """The same morning in steps of a minute."""
    fine = load(files, step=60, start=path.times[0], end=path.times[-1])

    assert run(fine, setup).data["bankrupt_liquidations"] < kept.data["bankrupt_liquidations"]


def test_a_market_that_is_not_listed_gets_one(tmp_path):
    """A cheap token is traded in lots that are worth at least one quote unit."""
    rows = "".join(f"{1_600_000_000 + 600 * n},{0.0021 - 0.0001 * (n % 3):.4f}\n" for n in range(24))
    (tmp_path / "tiny.csv").write_text("ts,price\n" + rows)
    path = load([f"TINY={tmp_path / 'tiny.csv'}"], step=600)

    data = run(path, Setup(traders=10, liquidity=1_000_000)).data

    assert (data["prices"]["markets"], data["conservation_error"]) == (["TINY"], "0")
    assert data["trades"] > 0


def test_the_limit_of_memory_is_an_error(path, setup, monkeypatch):
    """It names the number and the ways out."""
    monkeypatch.setattr(backends, "MAX_TRANSACTIONS", 50)

    with pytest.raises(BadInput, match=r"9 kB of memory.*--chain anvil"):
        run(path, setup)


def test_an_unknown_chain_is_refused(path):
    """There are two."""
    with pytest.raises(BadInput, match="process or anvil"):
        make("mainnet", path)


@pytest.mark.parametrize("start", [0, 2**32])
def test_times_that_the_contracts_cannot_hold_are_refused(start):
    """They keep 32 bits of seconds, and a replay begins a week earlier."""
    with pytest.raises(BadInput, match="1970-01-08 02:00 and 2106"):
        make("process", PricePath(("ETH",), 300, (start, start + 300), ((1,), (1,))))


def test_the_worst_hour_is_the_one_that_moves_most():
    """Of the first market, up or down."""
    values = tuple((price,) for price in (100, 100, 100, 60, 60, 60, 60, 60))
    path = PricePath(("ETH",), 1800, tuple(range(0, 8 * 1800, 1800)), values)

    assert worst_hour(path) in ((1, 3), (2, 4))
