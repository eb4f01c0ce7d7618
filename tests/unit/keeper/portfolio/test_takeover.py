"""Slices of accounts with options: planned to the wei, most promising first, no more than gas and margin allow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from portfolio_town import BEGIN, HOUR

from plimsoll.abi import keccak
from plimsoll.accounts import Mode
from plimsoll.actions import borrow, lend, liquidate, trade_perp, withdraw
from plimsoll.contracts import events
from plimsoll.errors import Reverted
from plimsoll.keeper.act import Result
from plimsoll.keeper.portfolio.estate import Estate, parts
from plimsoll.keeper.portfolio.takeover import Queue
from plimsoll.keeper.select import look
from plimsoll.margin.account import PriceUse
from plimsoll.orders import ONE
from plimsoll.sim.scene import must

PUTS = {1_900: 100, 1_950: 100}
WAD = 10**18


def queue_of(town):
    """As the steward makes one, and who is liquidatable."""
    keeper = town.keeper
    view = keeper.mirror.follow()
    survey = look(view, keeper._own)
    planner = keeper.planner(view, survey)
    estate = keeper.steward._estate(planner)
    findings = [found for found in survey.liquidatable if found.by_options]
    series = {i for found in findings for i in found.account.options} | estate.options.keys()
    return Queue(keeper.steward.hedger, planner, estate, keeper.steward._greeks(series, planner)), findings


def execute(town, haul):
    """In the block that it was planned for."""
    town.chain.still = True
    try:
        return town.desk.execute(town.signer.address, *haul.actions)
    finally:
        town.chain.still = False


def assert_as_planned(town, estate):
    """What the chain has in the keeper's portfolio account, and makes of it, to the wei."""
    account = town.keeper.portfolio
    assert town.desk.options(account) == estate.options
    assert tuple(town.assess(account)[0]) == tuple(estate.assess(PriceUse.TARGET))
    engine = town.desk.deployment.engine
    for market in (0, 1):
        assert engine.read("position", account, market)[0] == estate.size(market)
    for asset in (0, 1, 2):
        assert engine.read("held", account, asset) == estate.book.held.get(asset, 0)
        assert engine.read("debtOf", account, asset) == estate.book.debt(asset)


# ---------------------------------------------------------------- what does not go


def test_nobody_is_taken_whom_the_margin_does_not_carry(town):
    """The reason is what to do about it; the engine would refuse too."""
    town.sell("fund", 90_000, PUTS)
    town.below_mm(town.desk.people[-1])
    town.drain(keep=100)
    queue, findings = queue_of(town)
    assert queue.haul(findings) is None
    assert "deposit quote" in queue.deferred[0].reason
    step = liquidate(town.keeper.portfolio, findings[0].id, WAD // 5, witness=findings[0].witness)
    with pytest.raises(Reverted, match=r"BelowInitialMargin|NegativeBalance"):
        town.desk.execute(town.signer.address, step)


def test_a_bonus_below_what_the_hedge_costs_waits(town):
    """It grows with shortfall and clock."""
    town.keep(min_profit=10**6 * WAD)
    fund = town.sell("fund", 90_000, PUTS)
    town.below_mm(fund)
    done, _ = town.cycle()
    assert done.deferred == 1 and done.liquidations == 0 and done.calls == 1


def test_a_target_beyond_the_gas_of_a_transaction_is_not_tried(town):
    """Of one transaction; the next one would take it no better."""
    town.keep(option_gas=500_000)
    town.sell("fund", 90_000, dict.fromkeys(range(1500, 2000, 25), 12))
    town.below_mm(town.desk.people[-1])
    queue, findings = queue_of(town)
    assert queue.haul(findings) is None and "500000 gas" in queue.deferred[0].reason


def test_without_a_model_for_portfolio_accounts_rule_accounts_wait(town):
    """There would be nowhere to hold them; nobody else is held up."""
    writer = town.sell("writer", 30_000, {1_900: 100}, mode=Mode.CROSS)
    town.at(BEGIN + 9 * HOUR)
    _, findings = queue_of(town)
    view = town.keeper.mirror.view
    bare = replace(view, tables=replace(view.tables, snapshot=replace(view.snapshot, portfolio=None)))
    planner, result = town.keeper.planner(bare, look(view, town.keeper._own)), Result()
    town.keeper.steward._take_over(findings, planner, result)
    assert "no model" in result.deferred[writer.account].reason and not result.batches


def test_nothing_is_planned_with_an_account_that_something_is_under_way_to(town):
    """What is in no block yet would be counted twice; once it is, the next one goes."""
    town.sell("fund", 90_000, PUTS)
    second = town.sell("second", 70_000, PUTS)
    town.below_mm(second)
    assert town.keeper.cycle().liquidations == 1
    town.at(BEGIN + 8 * HOUR)
    done = town.keeper.cycle()
    assert done.liquidatable == 1 and done.liquidations == 0
    town.keeper.wallet.mine()
    town.at(BEGIN + 8 * HOUR + 60)
    assert town.cycle()[0].liquidations >= 1


# ---------------------------------------------------------------- to the wei


def test_what_is_planned_is_what_the_chain_has(town):
    """Of a portfolio account, by witness, with its hedge: options, cash, position, equity and requirements."""
    town.keep(hedge_band=0)
    fund = town.sell("fund", 90_000, PUTS)
    town.below_mm(fund)
    queue, findings = queue_of(town)
    haul = queue.haul(findings)
    assert haul.hedging.trades and haul.takes[0].finding.witness
    execute(town, haul)
    assert_as_planned(town, haul.estate)


def test_a_rule_account_with_a_perp_and_a_debt_is_planned_to_the_wei(town):
    """Its quote debt is repaid in the same transaction."""
    lenders(town, 400_000)
    writer = town.desk.person("writer", Mode.CROSS)
    collateral(town, writer, 40)
    town.trade(writer, {town.put(1_950): -60 * ONE})
    town.desk.execute(writer.address, trade_perp(writer.account, 0, 10 * ONE))
    owed = 30_000 * 10**6
    town.desk.execute(writer.address, borrow(writer.account, 0, owed))
    town.desk.execute(writer.address, withdraw(writer.account, 0, owed, writer.address))
    town.below_mm(writer)
    queue, findings = queue_of(town)
    haul = queue.haul(findings)
    execute(town, haul)
    assert haul.estate.book.held[1] and not haul.estate.book.owed
    assert_as_planned(town, haul.estate)


@pytest.mark.parametrize("factor", [0.9, 0.5], ids=["insurance pays", "lenders of the quote asset pay too"])
def test_a_bankrupt_account_brings_what_insurance_and_lenders_pay(town, factor):
    """To the unit, and never a loss."""
    lenders(town, 100_000)
    town.sell("fund", 60_000, PUTS)
    town.keep(hedge=False)
    town.at(BEGIN + 10 * HOUR)
    town.price(BEGIN + 10 * HOUR + 60, factor)
    queue, findings = queue_of(town)
    before = town.assess(town.keeper.portfolio)[0].equity
    haul = queue.haul(findings)
    assert findings[0].assessment.equity < 0
    receipt = execute(town, haul)
    assert_as_planned(town, haul.estate)
    assert haul.gain >= 0 and town.assess(town.keeper.portfolio)[0].equity - before == haul.gain
    assert len(events(receipt.logs, "InsurancePaid")) == 1
    assert bool(events(receipt.logs, "OptionLossCovered")) == (factor == 0.5)


def test_parts_of_options_are_the_engine_s():
    """Longs down, shorts up, and whole where next to nothing would be left."""
    assert parts({1: 1_000, 2: -1_001}, WAD // 3) == {1: 333, 2: -334}
    assert parts({1: 1_000, 2: -1_001}, WAD - WAD // 500) == {1: 1_000, 2: -1_001}
    assert parts({1: 2}, WAD // 3) == {1: 2} and parts({1: 100}, 0) == {}


def test_an_account_that_nothing_was_done_to_is_assessed_as_it_is(town):
    """With options, and with a position that is older than the view."""
    town.sell("fund", 90_000, PUTS)
    town.desk.execute(town.bank.address, trade_perp(town.bank.account, 0, 3 * ONE))
    town.at(BEGIN + HOUR)
    view = town.keeper.mirror.follow()
    account = view.account(town.bank.account)
    estate = Estate.of(town.keeper.planner(view, look(view)).book(account.id), account, account.id)
    assert estate.account().options == account.options and estate.size(0) == 3 * ONE
    marks = town.keeper.steward._greeks(estate.options.keys(), town.keeper.planner(view, look(view))).marks
    assert estate.equity(marks) == pytest.approx(town.assess(account.id)[0].equity, rel=1e-9)
    assert tuple(estate.assess(PriceUse.TARGET)) == tuple(town.assess(account.id)[0])


# ---------------------------------------------------------------- several


def crowd(town):
    """Three who fall below MM together, and one of them brings most."""
    funds = [town.sell(f"fund {n}", cash, {1_900: size, 1_950: size}) for n, (cash, size) in enumerate(SIZES)]
    town.at(BEGIN + 7 * HOUR)
    assert all(town.assess(fund.account)[1] == 3 for fund in funds)
    return funds


SIZES = ((15_000, 20), (45_000, 60), (30_000, 40))


def test_all_that_fit_go_in_one_transaction_the_most_promising_first(town):
    """One check of the keeper's account and one hedge for all of them."""
    funds = crowd(town)
    done, told = town.cycle()
    taken = [event.args["target"] for event in told if event.name == "Liquidated"]
    assert done.liquidations == 3 and len(done.sent) == 1
    assert taken == [funds[1].account, funds[2].account, funds[0].account]
    assert len([event for event in told if event.name == "Traded"]) == 1
    assert town.assess(town.keeper.portfolio)[1] == 0


def test_what_gas_does_not_allow_goes_in_the_next_transaction_of_the_block(town):
    """Each within the cap, until the settings' number of them."""
    crowd(town)
    town.keep(option_gas=600_000)
    done, told = town.cycle()
    assert done.liquidations == 3 and len(done.sent) == 3 and done.deferred == 0
    town_left = [event for event in told if event.name == "Liquidated"]
    assert len(town_left) == 3


def test_the_rest_waits_where_the_margin_ends(town):
    """The first are taken; the last is called, and its reason is the margin."""
    funds = crowd(town)
    town.drain(keep=14_000)
    town.keep(hedge=False)
    done, told = town.cycle()
    taken = {event.args["target"] for event in told if event.name == "Liquidated"}
    assert 0 < len(taken) < 3 and done.deferred == 3 - len(taken) == done.calls
    found, state = town.assess(town.keeper.portfolio)
    assert state == 0 and found.equity >= found.im * 11 // 10
    assert {fund.account for fund in funds} > taken


def test_a_hedge_makes_room_for_more(town):
    """The same money carries a larger slice when its direction is hedged in the same transaction."""
    fractions = []
    for hedge in (False, True):
        with town.restored():
            town.keep(hedge=hedge)
            town.sell("fund", 900_000, {1_900: 1_000, 1_950: 1_000})
            town.at(BEGIN + 9 * HOUR)
            town.drain(keep=260_000)
            _, told = town.cycle()
            (sold,) = [event for event in told if event.name == "Liquidated"]
            fractions.append(sold.args["fraction"])
    assert fractions[1] > fractions[0] * 105 // 100


def test_where_the_hedge_is_refused_the_slice_is_taken_without_it(town):
    """A market whose room the twin misjudged must not keep anybody in danger; it is hedged when it can be."""
    town.keep(hedge_band=0)
    town.sell("fund", 90_000, PUTS)
    town.at(BEGIN + 9 * HOUR)
    steward = town.keeper.steward
    real = steward.writer.simulate
    skewed = keccak(b"SkewCapExceeded(uint256,uint256,uint256)")[:4] + bytes(96)

    def full(batch, planner):
        return Reverted(skewed, 0) if len(batch.actions) > 1 else real(batch, planner)

    steward.writer.simulate = full
    done, _ = town.cycle()
    assert done.liquidations == 1 and done.hedges == 0
    steward.writer.simulate = real
    town.at(BEGIN + 9 * HOUR + 60)
    assert town.cycle()[0].hedges == 1 and abs(town.delta(town.keeper.portfolio)) < 1e-3


def test_a_slice_that_the_chain_refuses_is_halved(town):
    """Whatever the twin thought: a simulation has the last word, and the others go on."""
    town.sell("fund", 90_000, PUTS)
    town.at(BEGIN + 9 * HOUR)
    steward = town.keeper.steward
    real, seen = steward.writer.simulate, []

    def refuse(batch, planner):
        seen.append(batch)
        return Reverted(bytes(4), 0) if len(seen) == 1 else real(batch, planner)

    steward.writer.simulate = refuse
    done, told = town.cycle()
    (sold,) = [event for event in told if event.name == "Liquidated"]
    assert done.liquidations == 1 and sold.args["fraction"] < WAD


def collateral(town, person, ether):
    """WETH into its account."""
    must(town.chain, town.desk.deposited(person.address, person.account, 1, ether * 10**18))


def lenders(town, quote):
    """Somebody lends that much of the quote asset."""
    lender = town.desk.person("lender", Mode.CROSS)
    town.desk.fund(lender.account, lender.address, quote)
    town.desk.execute(lender.address, lend(lender.account, 0, quote * 10**6))
