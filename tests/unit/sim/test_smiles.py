"""Between two chains: both ends as they are, a feed that takes everything between, and no arbitrage on the way."""

from __future__ import annotations

import numpy as np
import pytest

from plimsoll.contracts import ROOT
from plimsoll.deploy.defaults import SURFACES
from plimsoll.errors import BadInput
from plimsoll.pricing import svi
from plimsoll.pricing.svi import Slice
from plimsoll.sim.option_fall import AFTER, BEFORE
from plimsoll.sim.smiles import Fall, Line, NoSurface, surface_of
from plimsoll.surfaces import require_good

BEGIN, DAY, HOUR, YEAR = 1_770_240_000, 86_400, 3_600, 365 * 86_400
MARKETS, RULES = {"ETH": 0}, {0: SURFACES}


@pytest.fixture(scope="session")
def recorded_fall():
    """Real chains of ETH, expiries of the first nine days."""
    return Fall.load(ROOT / "data" / BEFORE, ROOT / "data" / AFTER, ("ETH",), 9 * DAY)


def smile(vol, years, forward=2_000.0):
    return Slice(a=0.6 * vol**2 * years, b=2 * vol**2 * years, rho=-0.3, m=0.0, sigma=0.2, forward=forward, years=years)


def made(*vols, end=10 * HOUR):
    """One expiry a week: its volatility at first and at last, None for one that expires on the way."""
    lines = []
    for week, (first, last) in enumerate(vols, 1):
        expiry = BEGIN + (7 * week * DAY if last else 5 * HOUR)
        then = smile(last, (expiry - BEGIN - end) / YEAR, 1_800.0) if last else None
        lines.append(Line(expiry, smile(first, (expiry - BEGIN) / YEAR), then, (1.0, 1.002)))
    return Fall(BEGIN, BEGIN + end, {"ETH": (2_000.0, 1_800.0)}, {"ETH": tuple(lines)}, {})


def test_a_fall_backwards_is_refused():
    """The file that must be later is named."""
    with pytest.raises(BadInput, match="it must be later"):
        Fall.load(ROOT / "data" / AFTER, ROOT / "data" / BEFORE, ("ETH",), 2 * DAY)


def test_a_smile_that_no_lift_saves_is_an_error():
    """Twenty times the variance nearer than farther: nothing is signed."""
    crossed = made((2.0, 2.0), (0.2, 0.2))
    with pytest.raises(NoSurface, match="crosses the expiry before it"):
        crossed.at(BEGIN).quoted(MARKETS, RULES)


def test_both_ends_are_the_recorded_ones(recorded_fall):
    """Index, forward and volatility at several strikes."""
    for at, end in ((recorded_fall.begin, 0), (recorded_fall.end, 1)):
        moment = recorded_fall.at(at)
        assert moment.index["ETH"] == recorded_fall.index["ETH"][end]
        for line in recorded_fall.lines["ETH"]:
            known = (line.first, line.last)[end]
            if known is None:
                continue
            found = moment.smile("ETH", line.expiry)
            strikes = known.forward * np.array([0.8, 0.95, 1.0, 1.1])
            assert found.forward == pytest.approx(known.forward, rel=1e-12)
            assert found.vol(strikes) == pytest.approx(known.vol(strikes), rel=1e-5)  # whole seconds


def test_everything_between_is_taken_by_the_feed(recorded_fall):
    """Every quarter of an hour, and each smile admits no butterfly by the float checks either."""
    count = 0
    for moment in recorded_fall.moments(900):
        quoted = moment.quoted(MARKETS, RULES)
        require_good(quoted, RULES, moment.time, moment.time)
        assert all(svi.butterfly_ok(smile) for smile in moment.smiles["ETH"].values())
        count += len(quoted)
    assert count > 300


def test_lifts_are_small(recorded_fall):
    """At most a twentieth of the variance at the money."""
    for moment in recorded_fall.moments(1_800):
        for item in moment.quoted(MARKETS, RULES):
            plain = moment.smile("ETH", item.expiry * 60)
            lift = item.surface.smile.a / 1e18 - plain.a
            assert -1e-12 < lift < 0.05 * plain.variance(0.0)


def test_what_is_told_has_the_time_that_is_left(recorded_fall):
    """To the second, also where the fit was made hours before."""
    moment = recorded_fall.at(recorded_fall.begin + 5 * HOUR)
    for item in moment.quoted(MARKETS, RULES):
        assert item.surface.fit.tau == (item.expiry * 60 - moment.time) * 10**18 // YEAR


def test_an_expiry_that_ends_on_the_way_keeps_its_volatility():
    """Its variance shrinks with what is left; a quarter of an hour before the end it is told no more."""
    both = made((0.6, None), (0.6, 0.8))
    line = both.lines["ETH"][0]
    for hours in (1, 4):
        found = both.at(BEGIN + hours * HOUR).smile("ETH", line.expiry)
        assert found.vol(found.forward) == pytest.approx(line.first.vol(line.first.forward), rel=1e-12)
    assert line.expiry not in both.at(BEGIN + 5 * HOUR - 600).smiles["ETH"]


def test_halfway_is_halfway():
    """Index, carry and variance are straight lines."""
    moment = made((0.6, 0.8)).at(BEGIN + 5 * HOUR)
    line = made((0.6, 0.8)).lines["ETH"][0]
    found = moment.smile("ETH", line.expiry)
    mean = (float(line.first.variance(0.0)) + float(line.last.variance(0.0))) / 2
    assert moment.index["ETH"] == 1_900.0 and found.forward == pytest.approx(1_900 * 1.001)
    assert float(found.variance(0.0)) == pytest.approx(mean, rel=1e-12)
    assert surface_of(found, 1_900.0, line.expiry, moment.time).terms.carry == round(1.001 * 10**18)
