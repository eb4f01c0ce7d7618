"""From the slice to the money: what is taken is hedged, expires, is paid, and nothing is left but the profit."""

from __future__ import annotations

import pytest
from expiring_town import END, MINUTE, WINDOW, ExpiringTown
from portfolio_town import BEGIN, HOUR

from plimsoll.accounts import Mode

WAD = 10**18


@pytest.fixture(scope="module")
def _town(logging_chain):
    return ExpiringTown(logging_chain(timestamp=ExpiringTown.genesis()))


def held(town):
    return town.engine.read("held", town.keeper.portfolio, 0)


@pytest.mark.parametrize("mode", [Mode.PORTFOLIO, Mode.CROSS])
def test_what_was_taken_ends_flat_with_its_profit_realised(town, mode):
    """No option, no perp, and more quote than before: all of its equity is cash."""
    before, portfolio = held(town), town.keeper.portfolio
    town.keep(hedge_band=50)
    fund = town.sell("fund", 36_000, {1_900: 60, 1_950: 60}, mode=mode, days=1 / 3)
    taken, hedges, most = 0, 0, 0
    for quarter in range(1, 4 * 8 - 2):
        town.at(BEGIN + quarter * HOUR // 4)
        done, _ = town.cycle()
        taken, hedges = taken + done.liquidations, hedges + done.hedges
        most = max(most, abs(town.perp(portfolio)))
    assert taken and hedges >= 2 and most and town.desk.options(portfolio)
    town.through(END - WINDOW + MINUTE, END + 4 * MINUTE)
    assert town.flat(portfolio) and town.engine.read("options", portfolio) == ([], [])
    assert held(town) > before and town.assess(portfolio)[0].equity == held(town) * 10**12
    assert town.through(END + 5 * MINUTE, END + 5 * MINUTE)[0].sent == []
    assert fund.account


def test_in_the_last_half_hour_the_hedge_is_what_the_lens_says_is_open(town):
    """Minute by minute, and nothing of it is left when the settlement price is known."""
    town.keep(hedge_band=50)
    town.sell("fund", 36_000, {1_900: 60, 1_950: 60}, days=1 / 3)
    for hour in range(1, 8):
        town.at(BEGIN + hour * HOUR)
        town.cycle()
    portfolio = town.keeper.portfolio
    for number in range(1, 31):
        town.at(END - WINDOW + number * MINUTE)
        town.cycle()
        outside = abs(town.delta(portfolio)) * town.now.index["ETH"]
        equity, position = town.assess(portfolio)[0].equity / WAD, abs(town.perp(portfolio)) / 10**8
        # The look of this minute is in the block after: so much more of it is fixed since it was hedged.
        assert outside <= equity * 0.0055 + position * town.now.index["ETH"] / (31 - number)
    assert town.perp(portfolio) and not town.flat(portfolio)
    town.through(END + MINUTE, END + 2 * MINUTE)
    assert town.flat(portfolio)
