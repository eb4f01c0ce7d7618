"""Price files: every defect is an error that names the file, the line, the value and what to do."""

from __future__ import annotations

import gzip

import pytest

from plimsoll.prices import PRICE
from plimsoll.sim.candles import PriceFileError, read

HEAD = "ts,open,high,low,close\n"
GOOD = HEAD + "0,10,12,9,11\n3600,11,11,8,9\n7200,9,10,9,10\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="ETHUSDT_1h.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_reads_exact_prices(file):
    """Decimal text becomes integers at 1e-10 without a float in between."""
    series = read(file(HEAD + "0,0.1,0.30000001,0.1,0.3\n60,1,1,1,1\n"))

    assert (series.candles[0].open, series.candles[0].high) == (PRICE // 10, 3_000_000_100)
    assert (series.interval, series.start, series.end) == (60, 0, 120)


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Date, Open ,HIGH,low,close,volume", "2020-03-12 00:00:00"),
        ("open_time,open,high,low,close", "2020-03-12T00:00:00Z"),
        ("timestamp,open,high,low,close", "1583971200000"),
        ("time,open,high,low,close", "1583971200"),
    ],
)
def test_knows_the_usual_columns(file, header, time):
    """Names in any case and spacing; times in seconds, milliseconds or ISO 8601."""
    later = "2020-03-12 01:00:00" if "-" in time else "1583974800"
    series = read(file(f"{header}\n{time},2,3,1,2,9\n{later},2,3,1,2,9\n"))

    assert [candle.time for candle in series.candles] == [1583971200, 1583974800]


def test_reads_gzip_by_its_content(file):
    """The name does not matter."""
    assert len(read(file(gzip.compress(GOOD.encode()), "x.csv")).candles) == 3


def test_reads_ticks(file):
    """A time and a price are ticks; they have no interval."""
    series = read(file("ts,price\n0,5\n7,6\n9,4\n"))

    assert (series.interval, series.end, series.candles[1].open) == (0, 9, 6 * PRICE)


def test_cuts_the_window(file):
    """From inclusive, to exclusive."""
    assert [c.time for c in read(file(GOOD), start=3600, end=7200 + 1).candles] == [3600, 7200]


@pytest.mark.parametrize(
    ("row", "value", "remedy"),
    [
        ("3600,11,11,8", "3600,11,11,8", "columns"),
        ("3600,11,11,8,x", "'x'", "decimal number"),
        ("3600,11,11,8,nan", "'nan'", "decimal number"),
        ("3600,11,11,8,inf", "'inf'", "decimal number"),
        ("3600,11,11,0,9", "'0'", "above zero"),
        ("3600,11,11,-8,9", "'-8'", "above zero"),
        ("3600,11,11,8,1e-11", "'1e-11'", "lies between"),
        ("3600,11,10,8,9", "11, 10, 8, 9", "between low and high"),
        ("3600,11,12,10,9", "11, 12, 10, 9", "between low and high"),
        ("soon,11,11,8,9", "'soon'", "ISO 8601"),
        ("0,11,11,8,9", "'0'", "ascend"),
    ],
)
def test_refuses_a_bad_row(file, row, value, remedy):
    """Line 3 is at fault, and the message says so."""
    path = file(HEAD + "0,10,12,9,11\n" + row + "\n7200,9,10,9,10\n")

    with pytest.raises(PriceFileError) as caught:
        read(path)

    assert f"{path}:3:" in str(caught.value)
    assert value in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "time column"),
        ("a,b\n1,2\n", "time column"),
        ("ts,volume\n1,2\n", "open, high, low, close"),
        ("ts,open,high\n1,2,3\n", "lacks low, close"),
        (HEAD, "no prices in the window"),
        (HEAD + "0,10,12,9,11\n", "two rows of the file"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (b"ts,price\n\xff\xfe,3\n", "cannot be read"),
    ],
)
def test_refuses_a_bad_file(file, text, remedy):
    """Missing columns, no rows, no text."""
    with pytest.raises(PriceFileError, match=remedy):
        read(file(text))


def test_refuses_a_missing_file(tmp_path):
    """The path is in the message."""
    with pytest.raises(PriceFileError, match=r"nowhere\.csv.*check the path"):
        read(tmp_path / "nowhere.csv")


def test_refuses_a_gap_unless_told_to_hold(file):
    """The line after the gap, its length and its end are named, and both ways out."""
    path = file(GOOD + "14400,10,11,9,10\n")

    with pytest.raises(PriceFileError, match=r":5: 'gap of 7200 s before 1970-01-01 04:00'.*--from.*see --gaps"):
        read(path)
    assert len(read(path, gaps="hold").candles) == 4


def test_refuses_a_silence_of_ticks(file):
    """Ten usual pauses and an hour are too long; shorter ones are ordinary."""
    with pytest.raises(PriceFileError, match="gap of 3601 s"):
        read(file("ts,price\n0,5\n5,6\n10,6\n3611,4\n"))
    assert len(read(file("ts,price\n0,5\n5,6\n10,6\n3610,4\n")).candles) == 4
