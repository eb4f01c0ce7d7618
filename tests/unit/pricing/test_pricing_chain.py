"""Recorded chains: refusals that name file and line, and surfaces without arbitrage from real quotes."""

import csv
import gzip
import json
from dataclasses import fields, replace

import numpy as np
import pytest

from plimsoll.errors import BadInput
from plimsoll.pricing import black76, svi
from plimsoll.pricing.chain import COLUMNS, load_chain, load_chains
from plimsoll.pricing.surfaces import ChainSurfaces, fit_chain

ROW = {"timestamp": "2026-01-15T08:00:00+00:00", "expiry_datetime": "2026-01-25T08:00:00+00:00", "currency": "BTC"}
ROW |= {"option_type": "call", "underlying": "100", "index_price": "99", "strike": "110", "implied_volatility": "0.5"}
ROW |= {"mark_price": "0.01", "bid_price": "", "ask_price": "0.012", "open_interest": "3"}
QUIET = "20260115T153452Z"
STAMPS = ["20251230T173115Z", QUIET, "20260204T213308Z", "20260205T155132Z", "20260520T115513Z"]


@pytest.fixture
def written(tmp_path):
    """`written(row, …)`: a file with these rows, each given by what differs from ROW."""

    def write(*rows, columns=COLUMNS):
        path = tmp_path / "chain.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(ROW | row for row in rows)
        return path

    return write


@pytest.fixture(scope="module")
def quiet(recorded):
    chain = load_chain(recorded(QUIET), "BTC")
    return chain, fit_chain(chain)


# ---------------------------------------------------------------- what is refused


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Absent, or not the gzip it says it is."""
    damaged = tmp_path / "chain.csv.gz"
    damaged.write_bytes(gzip.compress(b"timestamp")[:-4])
    for path in (tmp_path / "absent.csv", damaged):
        with pytest.raises(BadInput, match=str(path)):
            load_chain(path)


def test_missing_columns_are_named(written):
    """All of them."""
    columns = [name for name in COLUMNS if name not in ("strike", "mark_price")]
    with pytest.raises(BadInput, match="lacks the columns strike, mark_price"):
        load_chain(written({}, columns=columns))


@pytest.mark.parametrize(
    ("column", "value"),
    [("strike", "0"), ("strike", "cheap"), ("implied_volatility", ""), ("underlying", "nan"), ("mark_price", "-1")]
    + [("timestamp", "2026-01-15T08:00:00"), ("expiry_datetime", "soon"), ("option_type", "straddle")],
)
def test_a_bad_cell_is_named_with_its_line(written, column, value):
    """The second row of options, the third line."""
    with pytest.raises(BadInput, match=rf"chain\.csv:3 {column}"):
        load_chain(written({}, {column: value}))


def test_a_file_without_options_is_refused(written):
    """So is a chain with too few of them to fit."""
    with pytest.raises(BadInput, match="no rows"):
        load_chain(written())
    with pytest.raises(BadInput, match="no expiry has quotes"):
        fit_chain(load_chain(written({}, {"strike": "120"})))


def test_one_of_several_chains_must_be_named(written):
    """The error lists them."""
    path = written({}, {"currency": "ETH"})
    with pytest.raises(BadInput, match="BTC, ETH"):
        load_chain(path)
    with pytest.raises(BadInput, match="BTC, ETH"):
        load_chain(path, "SOL")

    assert load_chain(path, "ETH").underlying == "ETH"


@pytest.mark.parametrize("change", [{"format": 2}, {"surfaces": [{}]}, {"surfaces": 5}, {"index": "much"}])
def test_json_of_another_shape_is_refused(change):
    """By field."""
    raw = {"format": 1, "underlying": "BTC", "time": 0, "index": 1, "surfaces": [], "skipped": []}
    with pytest.raises(BadInput):
        ChainSurfaces.from_json(raw | change)

    assert ChainSurfaces.from_json(raw).surfaces == ()


# ---------------------------------------------------------------- reading


def test_a_row_becomes_an_option(written):
    """Coin prices in quote, years of 365 days, the rate that the forward implies; no bid is NaN."""
    chain = load_chain(written({}, {"strike": "90", "option_type": "put"}))
    (expiry,) = chain.expiries

    assert (chain.index, expiry.forward, expiry.years) == (99, 100, 10 / 365)
    assert expiry.rate == pytest.approx(np.log(100 / 99) * 36.5)
    assert (expiry.strike.tolist(), expiry.call.tolist()) == ([90, 110], [False, True])
    assert (expiry.mark[1], expiry.ask[1], expiry.open_interest[1]) == (1.0, 1.2, 3)
    assert np.isnan(expiry.bid).all()


def test_what_has_expired_is_left_out(written):
    """Also what expires at that second."""
    rows = [{"expiry_datetime": f"2026-01-{day}T08:00:00+00:00"} for day in (14, 15, 16)]

    assert [expiry.years for expiry in load_chain(written(*rows)).expiries] == [1 / 365]


def test_recorded_marks_are_black_76_of_their_volatility(recorded):
    """Undiscounted, on each row's forward: half the marks of every expiry within a fifth of a basis point of it.

    (Marks and forwards were read seconds apart.) At years of 365.25 days the longest expiry is off twice as far.
    """
    options = 0
    for chain in load_chains(recorded("20251230T173115Z")).values():
        for e in chain.expiries:
            model = black76.price(e.forwards, e.strike, e.vol, e.years, e.call)
            off = np.median(np.abs(model - e.mark) / e.forward)
            assert off < 2e-5
            options += len(e.strike)
        shorter = black76.price(e.forwards, e.strike, e.vol, e.years * 365 / 365.25, e.call)
        assert np.median(np.abs(shorter - e.mark) / e.forward) > 2 * off

    assert options == 1_304


# ---------------------------------------------------------------- fitting


def no_arbitrage(surfaces):
    """By prices rather than formulas: calls fall and are convex in strike, total variance rises with time."""
    k = np.linspace(-2.5, 2.5, 2_001)
    before = 0.0
    for surface in surfaces.surfaces:
        smile = surface.smile
        strike = np.exp(k)
        call = black76.price(1.0, strike, smile.vol(smile.forward * strike), smile.years)
        slope = np.diff(call) / np.diff(strike)
        assert np.all(slope <= 1e-12)
        assert np.all(np.diff(slope) >= -1e-11)
        assert np.all(smile.variance(k) >= before)
        assert svi.butterfly_ok(smile)
        before = smile.variance(k)
    for near, far in zip(surfaces.surfaces, surfaces.surfaces[1:], strict=False):
        assert svi.calendar_ok(near.smile, far.smile)


def test_a_quiet_day_is_fitted_without_arbitrage(quiet):
    """Twelve expiries; errors in vol points (weighted by vega) and of the forward."""
    chain, surfaces = quiet
    no_arbitrage(surfaces)
    misses = [surface.miss for surface in surfaces.surfaces]

    assert len(surfaces.surfaces) == len(chain.expiries) == 12
    assert surfaces.skipped == ()
    assert max(miss.price_max for miss in misses) < 1e-3
    assert max(miss.vol_rms for miss in misses[1:]) < 0.5  # the day that is left has wings that SVI cannot bend to
    assert np.mean([miss.vol_rms for miss in misses]) < 0.5


def test_surfaces_survive_json(quiet):
    """To the last bit."""
    _, surfaces = quiet

    assert ChainSurfaces.from_json(json.loads(json.dumps(surfaces.to_json()))) == surfaces


def test_rounded_surfaces_are_still_without_arbitrage(quiet):
    """To 1e-18 as signed feeds hold them, and to 1e-10: volatilities move by less than 1e-6."""
    _, surfaces = quiet
    for digits in (18, 10):
        rounded = []
        for surface in surfaces.surfaces:
            smile = surface.smile
            values = {f.name: round(getattr(smile, f.name), digits) for f in fields(smile)}
            rounded.append(replace(surface, smile=replace(smile, **values)))
            strike = smile.forward * np.exp(np.linspace(-1, 1, 101))
            assert np.max(np.abs(rounded[-1].smile.vol(strike) - smile.vol(strike))) < 1e-6
        no_arbitrage(replace(surfaces, surfaces=tuple(rounded)))


@pytest.mark.slow
@pytest.mark.parametrize("stamp", STAMPS)
def test_every_recorded_chain_is_fitted_without_arbitrage(recorded, stamp):
    """The crash of February 2026 too, where the marks themselves bend the most."""
    for chain in load_chains(recorded(stamp)).values():
        surfaces = fit_chain(chain)
        no_arbitrage(surfaces)
        misses = [surface.miss for surface in surfaces.surfaces]
        assert np.mean([miss.vol_rms for miss in misses]) < 1.0
        assert max(miss.price_max for miss in misses) < 0.011
