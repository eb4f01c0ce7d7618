"""12 March 2020, MakerDAO, Black Thursday: 8.32 million dollars of collateral sold for nothing.

ETH fell by half in a day; gas rose to many times its price, and keepers that did not adjust, or had no DAI left,
stayed away. In over a thousand auctions the only bid was zero: the collateral went to whoever was there, for free,
and the debt stayed.

Property: there is no sale below reserve. However late, and alone, a keeper comes: for the slice x he takes from an
account at most (d + φ)·MM·x of its equity, d at most what the clock has come to, and never more than MM in all. He
needs no capital, gas at ten times its price is earned by waiting for the clock, and the smallest account is worth his
while.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import ETH, PRICE, QUOTE, SIZE, WAD, expect
from levels import sink

from plimsoll.actions import liquidate, margin_call, trade_perp, withdraw
from plimsoll.errors import Reverted

BONUS, SLOPE, SHARE, RAMP = 500, 5_000, 500, 3_600  # d₀, its slope, φ in bps; seconds to d = 1 − φ
LIQUIDATE_ONE = json.loads((Path(__file__).resolve().parents[2] / "gas.json").read_text())["liquidate_one"]
#: One gwei: a liquidation costs its keeper about 0.4 quote.
GAS_PRICE = 10**9


def debtor(desk, side=1, units=100, margin=20_000):
    account = desk.trader("debtor", margin)
    desk.trade(account, ETH, side * units * SIZE)
    return account


def call_and_wait(desk, account, seconds):
    """Starts the clock, as anyone may, and lets it run."""
    watch = desk.trader("watch", 1)
    desk.act(watch, margin_call(watch, account))
    if seconds:
        desk.chain.advance(seconds)
        desk.post({})


@pytest.mark.parametrize("late", [0, 60, 900, 1_800, 3_600, 10_800])
@pytest.mark.parametrize("health", [0.97, 0.8, 0.5, 0.2])
@pytest.mark.parametrize("side", [1, -1])
def test_no_sale_below_reserve_however_late_the_only_keeper(desk, side, health, late):
    account, keeper = debtor(desk, side), desk.trader("keeper", 0)
    sink(desk, account, ETH, health)
    call_and_wait(desk, account, late)
    elapsed = desk.now - desk.header(account).clock_start
    before, insurance = desk.assess(account), desk.held(desk.insurance)
    size = desk.position(account, ETH)[0]
    receipt = desk.act(keeper, liquidate(keeper, account), trade_perp(keeper, ETH, -_part(desk, account, size)))
    event = desk.events(receipt, "Liquidated")[0].args
    x, paid = event["fraction"], event["paid"] + event["toInsurance"]
    taken = before.equity * x // WAD - paid
    d = BONUS + SLOPE * (before.mm - before.equity) // before.mm + (10_000 - BONUS) * min(elapsed, RAMP) // RAMP + 1
    d = min(d, 10_000 - SHARE)
    assert 0 <= taken <= before.mm * d // 10_000 * x // WAD + 10**13
    # In all, insurance included, not more than MM; a bid of zero would have been all of the slice.
    lost = before.equity - desk.assess(account).equity
    assert lost <= before.mm * x // WAD
    assert desk.held(desk.insurance) >= insurance
    assert desk.assess(account).equity >= 0
    if late == 0 and health > 0.5:
        assert taken * 2 < before.equity * x // WAD


def _part(desk, account, size):
    found = desk.slice(account)
    whole = abs(size) * found.max_fraction // WAD
    return whole if size > 0 else -whole


def test_a_keeper_without_capital_takes_slice_sells_and_leaves_with_the_profit(desk):
    """In one batch, from an empty account, to an address of his choice."""
    account, keeper, safe = debtor(desk), desk.trader("keeper", 0), desk.actor("safe")
    sink(desk, account, ETH, 0.5)
    size = _part(desk, account, 100 * SIZE)
    checkpoint = desk.chain.snapshot()
    desk.act(keeper, liquidate(keeper, account), trade_perp(keeper, ETH, -size))
    profit = desk.held(keeper)
    assert desk.position(keeper, ETH) == (0, 0)
    desk.chain.revert(checkpoint)
    desk.act(keeper, liquidate(keeper, account), trade_perp(keeper, ETH, -size), withdraw(keeper, QUOTE, profit, safe))
    assert desk.token(QUOTE).read("balanceOf", safe) == profit > 0


@pytest.mark.parametrize("times", [1, 10])
def test_gas_at_ten_times_its_price_is_earned_by_the_clock(desk, times):
    """The smallest account there is, at the floor of 10: 150 of notional. The keeper's limit is what his gas costs
    him."""
    account, keeper, watch = desk.trader("debtor", 16), desk.trader("keeper", 1_000), desk.trader("watch", 1)
    desk.trade(account, ETH, SIZE // 20)
    desk.post({1: desk.price_for(account, ETH, 9 * WAD)})
    cost = times * LIQUIDATE_ONE * GAS_PRICE * desk.prices[1] // PRICE
    desk.act(watch, margin_call(watch, account))
    waited = 0
    while True:
        try:
            receipt = desk.act(keeper, liquidate(keeper, account, WAD, cost))
            break
        except Reverted as refused:
            assert refused.name == "BonusBelowLimit"
            assert refused.values[::2] == (account, cost)
            waited += 60
            assert waited <= RAMP
            desk.chain.advance(60)
            desk.post({})
    (event,) = desk.events(receipt, "Liquidated")
    assert (waited == 0) == (times == 1)
    assert event.args["equity"] - event.args["paid"] - event.args["toInsurance"] >= cost
    assert (desk.position(account, ETH), desk.held(account) >= 0) == ((0, 0), True)
    # With the bonus of the start and no clock, 1 quote here, ten times the gas would have kept him away for good.
    start = 10 * WAD * (BONUS + SLOPE // 10) // 10_000
    assert (10 * cost // times > start) and cost // times < start


def test_the_account_keeps_what_exceeds_its_margin(desk):
    """A zero bid is impossible: above MM nothing is for sale, whoever asks and whatever the clock says."""
    account, keeper = debtor(desk), desk.trader("keeper", 100_000)
    sink(desk, account, ETH, 0.9)
    call_and_wait(desk, account, RAMP)
    desk.post({1: desk.prices[1] * 102 // 100})
    found = desk.assess(account)
    assert found.mm < found.equity
    with expect("AccountHealthy", account, found.equity, found.mm):
        desk.act(keeper, liquidate(keeper, account))
