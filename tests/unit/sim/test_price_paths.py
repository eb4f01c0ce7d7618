"""Candles as a path of prices on one clock."""

from __future__ import annotations

import pytest

from plimsoll.errors import BadInput
from plimsoll.prices import PRICE
from plimsoll.sim.prices import load, moment, seconds

HEAD = "ts,open,high,low,close\n"


@pytest.fixture
def path_of(tmp_path):
    def build(text, step=300, name="ETHUSDT.csv", **options):
        (tmp_path / name).write_text(text)
        return load([str(tmp_path / name)], step=step, **options)

    return build


def column(path, market=0):
    return [row[market] / PRICE for row in path.values]


def test_a_falling_candle_makes_its_high_first(path_of):
    """Open 100 → high 104 after 20 minutes → low 80 after 40 → close 92; straight in between."""
    path = path_of(HEAD + "0,100,104,80,92\n3600,92,92,92,92\n")

    expected = [100, 101, 102, 103, 104, 98, 92, 86, 80, 83, 86, 89, 92]
    assert pytest.approx(expected, abs=0.02) == column(path)[:13]


def test_a_rising_candle_makes_its_low_first(path_of):
    """Open 100 → low 96 → high 120 → close 108."""
    path = path_of(HEAD + "0,100,120,96,108\n3600,108,108,108,108\n", step=1200)

    assert pytest.approx([100, 96, 120, 108], abs=0.02) == column(path)[:4]


@pytest.mark.parametrize("step", [60, 300, 900, 1200])
def test_no_step_passes_over_an_extreme(path_of, step):
    """Whatever the step up to a third of the candle, high and low are told to the chain."""
    values = column(path_of(HEAD + "0,100,104,80,92\n3600,92,95,91,93\n", step=step))

    assert {104.0, 80.0, 95.0, 91.0} <= set(values)


def test_ticks_are_joined_by_lines(path_of):
    """Half-way between two ticks is half-way between their prices."""
    assert column(path_of("ts,price\n0,10\n100,20\n200,10\n", step=50)) == [10, 15, 20, 15, 10]


def test_prices_are_exact_integers_at_the_corners(path_of):
    """Where a candle opens the price is its open to the last digit."""
    path = path_of(HEAD + "0,0.1234567891,0.2,0.1,0.15\n3600,0.1500000007,0.2,0.1,0.15\n")

    assert (path.values[0][0], path.values[12][0]) == (1234567891, 1500000007)


def test_the_last_price_stands_through_a_held_gap(path_of):
    """From the close before it to the next open."""
    path = path_of(HEAD + "0,10,10,10,10\n3600,10,11,10,11\n14400,30,30,30,30\n", step=3600, gaps="hold")

    assert pytest.approx([10, 10, 11, 11, 30, 30], abs=0.01) == column(path)


def test_markets_share_the_time_they_have_in_common(tmp_path):
    """From the later start to the earlier end."""
    (tmp_path / "ETHUSDT.csv").write_text(HEAD + "0,1,1,1,1\n3600,1,1,1,1\n7200,1,1,1,1\n")
    (tmp_path / "b.csv").write_text(HEAD + "3600,2,2,2,2\n7200,2,2,2,2\n10800,2,2,2,2\n")

    path = load([str(tmp_path / "ETHUSDT.csv"), f"BTC={tmp_path / 'b.csv'}"], step=3600)

    assert (path.symbols, path.times) == (("ETH", "BTC"), (3600, 7200, 10800))


def test_files_that_do_not_overlap_are_refused(tmp_path):
    """With both files in the message."""
    (tmp_path / "ETHUSDT.csv").write_text(HEAD + "0,1,1,1,1\n3600,1,1,1,1\n")
    (tmp_path / "BTCUSDT.csv").write_text(HEAD + "7200,2,2,2,2\n10800,2,2,2,2\n")

    with pytest.raises(BadInput, match=r"ETHUSDT.*BTCUSDT.*cover 0 s"):
        load([str(tmp_path / "ETHUSDT.csv"), str(tmp_path / "BTCUSDT.csv")])


def test_the_largest_step_is_found(path_of):
    """By its size, with the time at which it ended; the deepest fall beside it."""
    path = path_of("ts,price\n0,100\n10,90\n20,120\n30,119\n", step=10)

    assert path.largest(0) == (pytest.approx(1 / 3), 20)
    assert path.deepest(0) == (pytest.approx(-0.1), 10)


@pytest.mark.parametrize(("text", "value"), [("5m", 300), ("30s", 30), ("1h", 3600), ("900", 900)])
def test_steps_have_units(text, value):
    """Seconds unless said otherwise."""
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5x", "1s", "25h", "-5m"])
def test_odd_steps_are_refused(text):
    """With what would be accepted."""
    with pytest.raises(BadInput, match="30s, 5m or 1h"):
        seconds(text)


def test_days_are_utc():
    """Whatever the machine's time zone."""
    assert moment("2020-03-12", "--from") == 1583971200
    with pytest.raises(BadInput, match="2020-03-12"):
        moment("yesterday", "--from")


def test_a_market_that_nobody_can_guess_is_asked_for(tmp_path):
    """And one market has one file."""
    with pytest.raises(BadInput, match="SYMBOL=FILE"):
        load([str(tmp_path / "prices.csv")])
    with pytest.raises(BadInput, match="one file per market"):
        load([str(tmp_path / "ETHUSDT.csv"), str(tmp_path / "ETHUSD.csv")])


def test_in_an_outage_nothing_is_told(path_of):
    """From the end of the last candle to the next one, exclusive; the market's own price still moves on the path."""
    path = path_of(HEAD + "0,10,10,10,10\n3600,10,11,10,11\n14400,30,30,30,30\n", step=3600, gaps="outage")

    assert dict(path.silent) == {2: {0}, 3: {0}}
    assert path.told(2) == (None,)
    assert path.told(4) == (30 * PRICE,)


def test_ticks_that_are_far_apart_are_an_outage(path_of):
    """A minute after the last one it is no longer known."""
    path = path_of("ts,price\n0,10\n30,11\n300,20\n330,20\n", step=30, gaps="outage")

    assert sorted(path.silent) == [3, 4, 5, 6, 7, 8, 9]


def test_prices_are_counted_in_the_quote_asset(path_of, tmp_path):
    """100 dollars are 125 of a quote asset that trades at 0.8; while it has no price nothing has one."""
    (tmp_path / "usdc.csv").write_text("ts,price\n0,1\n60,0.8\n")
    path = path_of("ts,price\n0,100\n60,100\n", step=60, quote=str(tmp_path / "usdc.csv"))
    assert column(path) == [100, 125]

    (tmp_path / "usdc.csv").write_text("ts,price\n0,1\n240,1\n")
    path = path_of(
        "ts,price\n0,100\n60,100\n120,100\n180,100\n240,100\n", step=60, quote=str(tmp_path / "usdc.csv"), gaps="outage"
    )
    assert sorted(path.silent) == [1, 2, 3]


def test_hours_before_the_start_are_known(path_of):
    """As many as were asked for and the file has, oldest first; the first of them is the first that the chain hears."""
    rows = "".join(f"{3600 * n},{100 + n},{100 + n},{100 + n},{100 + n}\n" for n in range(10))

    path = path_of(HEAD + rows, step=3600, start=5 * 3600, warm_up=3)
    assert [(time, values[0] // PRICE) for time, values in path.before] == [(7200, 102), (10800, 103), (14400, 104)]
    assert (path.begin, path.first[0], path.times[0]) == (7200, 102 * PRICE, 18000)

    assert len(path_of(HEAD + rows, step=3600, start=5 * 3600, warm_up=99).before) == 5
