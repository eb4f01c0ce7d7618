"""Who pays for a bankrupt account: each stage in turn, exhausted and not; the sum is the loss to the wei. DESIGN 4.5."""

from __future__ import annotations

import pytest
from crash import MILLION, Crash
from desk import BTC, ETH, PRICE, QUOTE, SIZE, UNIT, USDC, WAD, WETH, Desk

from plimsoll import ledger
from plimsoll.actions import borrow, liquidate
from plimsoll.margin import epoch_math
from plimsoll.margin.words import Untouched

STAGES = ("pool", "side", "lenders", "beyond")


def scarce(**options):
    """Across the loser, who lacks about 3,500, they have won less than 3,000: the rest was won beside him."""
    crash = Crash.create(entries=(3_200, 3_200), beside=3_480, **options)
    crash.move(230)
    return crash


def exact(crash, receipt):
    told = crash.told(receipt)
    assert told["recognised"] == sum(told[stage] for stage in STAGES)
    return told


@pytest.mark.parametrize(
    "insurance, cap", [(100_000, 50_000), (1_000, 50_000), (100_000, 700), (100_000, 0), (0, 50_000)]
)
def test_insurance_first_within_its_cap(insurance, cap):
    crash = Crash.create(insurance=insurance or 1)
    desk = crash.desk
    desk.config.write("setInsuranceCap", ETH, cap, sender=desk.admin)
    crash.move(230)
    found, fund = desk.assess(crash.victim), desk.held(desk.insurance)
    bonus = desk.snapshot_words().terms.bonus_start
    wanted = -found.equity + found.mm * bonus // 10_000
    receipt = crash.liquidate()
    paid = min(wanted, fund * UNIT, cap * WAD) // UNIT * UNIT
    assert (fund - desk.held(desk.insurance)) * UNIT == paid
    (recognised,) = desk.events(receipt, "LossRecognised")
    assert recognised.args == {"target": crash.victim, "deficit": -found.equity, "insured": min(paid, -found.equity)}
    assert exact(crash, receipt)["recognised"] == max(-found.equity - paid, 0)


@pytest.mark.parametrize("allocation", [0, 20, 45, 60, 3_000])
@pytest.mark.parametrize("lent", [0, 100, 10_000])
def test_every_stage_in_turn(allocation, lent):
    crash = scarce()
    desk = crash.desk
    if lent:
        crash.lend(lent)
    desk.set_trade(ETH, allocation=allocation)
    desk.post({}, seconds=1)
    pool, cash = desk.pool_equity()[0], desk.held(desk.pool_account)
    mine, winners = crash.equity(crash.taker), sum(map(crash.equity, crash.winners))
    own = -sum(desk.position_pnl(one, ETH)[0] for one in desk.everyone() if desk.position(one, ETH) != (0, 0))
    receipt = crash.liquidate()
    told = exact(crash, receipt)
    room = max(own + pool * allocation // 10_000, 0)
    assert abs(told["pool"] - min(room, told["recognised"])) < 10**13
    if told["lenders"] or told["beyond"]:
        (charged,) = desk.events(receipt, "SideCharged")
        assert charged.args["amount"] == charged.args["net"]
        assert told["lenders"] == min(lent * WAD, (told["recognised"] - told["pool"] - told["side"]) // UNIT * UNIT)
    assert (desk.held(desk.pool_account) - cash) * UNIT == told["lenders"]
    assert pool - desk.pool_equity()[0] == told["pool"] + told["beyond"]
    assert told["side"] <= winners - sum(map(crash.equity, crash.winners)) <= told["side"] + 4
    assert abs(crash.equity(crash.taker) - mine) < UNIT
    if allocation == 0:
        assert told["side"] and (told["beyond"] or told["lenders"])
    if allocation == 3_000:
        assert told["pool"] == told["recognised"]


def test_the_pool_pays_no_more_than_its_allocation_in_a_window():
    """Deficit by deficit, and though the winners have been paid out in between."""
    crash = Crash.create((100, 50), loser=120, margin=45_000)
    desk = crash.desk
    victims = [desk.trader(f"one {number}", 1_000) for number in range(6)]
    for victim in victims:
        crash.open(victim, -5 * SIZE)
    desk.set_trade(ETH, allocation=10)
    crash.settle_all()
    crash.move(400)
    allocation = max(desk.pool_equity()[0], 0) * 10 // 10_000
    spent = 0
    for victim in victims:
        told = exact(crash, crash.liquidate(victim))
        words = desk.market_words(ETH)
        spent = words.loss.pool_spent
        crash.settle_all()
        desk.post({}, seconds=1)
    assert 0 < spent <= allocation
    assert told["side"] > 0
    # A window later there is room again.
    desk.chain.advance(desk.snapshot_words().terms.insurance_window)
    desk.post({})
    assert exact(crash, crash.liquidate())["pool"] > 0


def test_lenders_pay_as_far_as_their_cash_and_no_held_balance_pays():
    crash = scarce()
    desk = crash.desk
    lender, saver = crash.lend(150), desk.trader("saver", 5_000)
    receipt = crash.liquidate()
    told = exact(crash, receipt)
    assert told["lenders"] == 150 * WAD
    assert told["beyond"] > 0
    assert desk.lent(lender, QUOTE) == 0
    assert desk.held(saver) == 5_000 * USDC
    assert desk.surplus(QUOTE) >= 0


def test_conservation_after_each_stage():
    """I-1, I-2: what all have is what was paid in, to two wei per position nobody has touched, to the wei once all are."""
    crash = scarce()
    desk = crash.desk
    crash.lend(150)
    start = desk.total_equity()
    crash.liquidate()
    people = len(desk.everyone())
    assert -2 * people <= desk.total_equity() - start <= 0
    crash.settle_all()
    assert -UNIT < desk.total_equity() - start <= 0  # a unit of the lenders' index
    stored, found = crash.sums()
    assert stored == found
    assert desk.surplus(QUOTE) >= 0


def test_several_markets_and_debts_share_by_their_losses():
    desk = Desk.create(insurance=0)
    taker = desk.trader("taker", 10 * MILLION)
    lender = desk.lender("lender", WETH, 100 * 10**18)
    both = desk.trader("both", 60_000)
    desk.act(both, borrow(both, WETH, 5 * 10**18))
    # What was borrowed goes: the account owes it and no longer has it.
    desk.act(both, *_sell(desk, both, WETH, 5 * 10**18))
    desk.trade(both, ETH, -60 * SIZE)
    desk.trade(both, BTC, 3 * SIZE)
    desk.post({1: 3_700 * PRICE, 2: 52_000 * PRICE})
    found = desk.assess(both)
    assert found.equity < 0
    losses = {m: -sum(desk.position_pnl(both, m)) for m in (ETH, BTC)}
    owed = desk.debt(both, WETH) * desk.prices[1] // 10**10
    receipt = desk.act(taker, liquidate(taker, both))
    written = {e.args["market"]: e.args["amount"] for e in desk.events(receipt, "LossWrittenDown")}
    (forgiven,) = desk.events(receipt, "DebtForgiven")
    whole = sum(losses.values()) + owed
    for market, loss in losses.items():
        assert abs(written[market] - -found.equity * loss // whole) <= 2 * 10**12
    share = -found.equity - sum(written.values())
    assert 0 <= forgiven.args["amount"] * desk.prices[1] // 10**10 - share < 10**4
    assert desk.lent(lender, WETH) < 100 * 10**18
    assert desk.debt(both, WETH) == 0


def _sell(desk, account, asset, amount):
    from plimsoll.actions import withdraw

    return [withdraw(account, asset, amount, desk.owner(account))]


def test_worthless_dust_blocks_nothing():
    """One wei of an asset without a price, in an account that has lost everything: recognised all the same."""
    crash = Crash.create()
    desk = crash.desk
    desk.fund(crash.victim, WETH, 1)
    crash.move(230)
    told = exact(crash, crash.liquidate())
    assert told["recognised"] > 0
    assert desk.position(crash.victim, ETH) == (0, 0)


def test_epochs_used_up_pass_the_side_over():
    """65,535 are all that a market can count: after them the pool keeps the loss, and nothing reverts."""
    crash = Crash.create()
    desk = crash.desk
    crash.move(230)
    words = desk.market_words(ETH)
    factors, terms = epoch_math.pack(epoch_math.Epoch(long=True))
    whole = Untouched(words.state.long_size << 64, words.costs.long_cost << 40)
    slots = {
        ledger.market(ETH, ledger.STATE): words.state.to_word() | 65_535 << 240,
        ledger.untouched(ETH, True): whole.to_word(),
        **dict(zip(ledger.epoch(ETH, 65_535), (factors, terms), strict=True)),
    }
    for slot, word in slots.items():
        desk.chain.set_storage(desk.engine.address, slot, word)
    told = exact(crash, crash.liquidate())
    assert told["side"] == 0
    assert told["beyond"] == told["recognised"] - told["pool"] > 0
