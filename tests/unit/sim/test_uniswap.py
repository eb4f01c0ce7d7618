"""The demo's scene in process: a crash with loans that are swapped, and liquidated, on a real Uniswap."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from plimsoll.exchange import Exchange
from plimsoll.prices import PRICE
from plimsoll.sim.backends import make
from plimsoll.sim.prices import load, moment
from plimsoll.sim.replay import prepare
from plimsoll.sim.report import page
from plimsoll.sim.result import collect
from plimsoll.sim.setup import Setup
from plimsoll.sim.spot import Spot

QUOTE, WETH, WBTC = 0, 1, 2
SETUP = Setup(traders=12, seed=1, borrowers=16, exchange=True, keeper_float=100, lent=(1_500_000, 1_000_000))


@pytest.fixture(scope="module")
def crash(files):
    """The morning of 12 March 2020, when ether fell by a quarter in an hour."""
    path = load(files, step=300, start=moment("2020-03-12T08:00", ""), end=moment("2020-03-12T12:00", ""))
    replay = prepare(path, SETUP, make("process", path))
    replay.run()
    return replay


@pytest.fixture(scope="module")
def data(crash):
    return collect(crash).data


def test_loans_are_opened_and_liquidated_without_capital(crash, data):
    """The keeper began with a cushion; what it took it sold and repaid in the batch that took it."""
    loans, swaps = data["spot"]["loans"], data["spot"]["swaps"]
    keeper = crash.page.account(crash.page.row_of[crash.agents.keeper])

    assert loans["opened"] > SETUP.borrowers / 2 and loans["slices"] > loans["liquidated"] > 0
    assert swaps["keeper"]["swaps"] > 0 and Decimal(swaps["keeper"]["volume"]) > 0
    assert keeper.header.debts == 0 and not keeper.positions
    assert data["conservation_error"] == "0" and data["bad_debt"] == "0"


def test_volume_is_of_somebody(data):
    """Per step it adds up to the whole; borrowers pay the fee at least, and arbitrage pays the arbitrageur."""
    for who, row in data["spot"]["swaps"].items():
        assert sum(map(Decimal, data["spot"]["volume"][who])) == Decimal(row["volume"])
    assert float(data["spot"]["swaps"]["borrowers"]["cost_bps"]) > 0
    assert Decimal(data["spot"]["swaps"]["arbitrage"]["cost"]) < 0


def test_the_arbitrageur_leaves_every_pool_within_its_fee_of_the_index(crash, data):
    """After a step in which nobody but he has traded."""
    assert data["spot"]["swaps"]["arbitrage"]["swaps"] > 0
    crash.agents.clerk.look(crash.path.times[-1] + 300, crash.path.values[-1], crash.page)
    crash.backend.begin(crash.path.times[-1] + 300)
    orders = list(crash.agents.borrowers.venue.orders(crash.agents.clerk))
    crash.backend.send([order.tx for order in orders])
    exchange = Exchange.of(crash.scene.deployment)
    index = {asset: crash.agents.clerk.price_of_asset(asset) for asset in (QUOTE, WETH, WBTC)}

    for pool, state in zip(exchange.pools, exchange.states(), strict=True):
        wanted = index[pool.base] * PRICE // index[pool.quote]
        assert abs(state.price / wanted - 1) <= pool.fee / 10**6 * 1.01, pool


def test_utilisation_and_rates_are_those_of_the_chain(crash, data):
    """One value per step; somebody borrowed each asset."""
    for asset, row in enumerate(data["spot"]["lending"].values()):
        assert len(row["utilisation"]) == len(row["borrow_rate"]) == data["steps"]
        assert max(map(float, row["utilisation"])) > 0
        word = crash.page.snapshot.lending[asset]
        assert float(row["utilisation"][-1]) == pytest.approx(word.utilisation / 10**7, abs=1e-4)


def test_the_report_tells_of_it(data):
    """Loans, swaps, lending and who paid; without an exchange none of it."""
    text = page(data, {})
    for part in ("Borrowed spot", "loans opened", "Swapped on Uniswap", "Borrow rate", "Who paid for what was lost"):
        assert part in text
    assert "Borrowed spot" not in page({key: value for key, value in data.items() if key != "spot"}, {})


def test_the_same_again(crash, data, files):
    """To the byte."""
    again = prepare(crash.path, SETUP, make("process", crash.path))
    again.run()
    assert collect(again).data == data


def test_slices_of_accounts_without_a_loan_are_not_counted():
    """Nor loans of keepers."""
    spot = Spot()
    spot._taken(b"nobody")
    assert not +spot.counts


def test_other_replays_have_no_exchange(path):
    """Unless they ask for it."""
    from plimsoll.sim.scene import parameters

    assert parameters(path, replace(SETUP, exchange=False)).exchange is None
    assert [pool.name for pool in parameters(path, SETUP).exchange.pools] == ["WETH/USDC", "WBTC/USDC", "WETH/WBTC"]
