"""`plimsoll losses` reads the waterfall from events: every payer by name, and the parts add up to the loss."""

from __future__ import annotations

from decimal import Decimal

from crash import Crash
from desk import ETH

from plimsoll import contracts, losses


def told(crash, receipt, block=7):
    found = [(block, event) for event in contracts.events(receipt.logs)]
    return list(losses.collect(crash.desk.deployed, found))


def test_nothing_is_told_where_nothing_was_lost():
    crash = Crash.create()
    crash.move(10)
    receipt = crash.desk.post({1: crash.desk.prices[1]})
    assert told(crash, receipt) == []


def test_every_payer_of_a_markets_loss_is_named_and_the_parts_are_the_whole():
    crash = Crash.create(entries=(3_200, 3_200), beside=3_480)
    crash.move(230)
    crash.lend(100)
    (loss,) = told(crash, crash.liquidate())
    payers = [step.payer for step in loss.steps]
    symbol = crash.desk.deployed.parameters.markets[ETH].symbol
    assert payers[0] == f"longs of {symbol}"
    assert "lenders of USDC" in payers
    assert sum(Decimal(step.amount) for step in loss.steps) == Decimal(loss.deficit)
    assert loss.block == 7 and loss.insured == "0"


def test_insurance_comes_first():
    crash = Crash.create(insurance=100_000)
    crash.desk.config.write("setInsuranceCap", ETH, 700, sender=crash.desk.admin)
    crash.move(230)
    (loss,) = told(crash, crash.liquidate())
    assert loss.steps[0] == losses.Step("insurance", "USDC", loss.insured)
    assert Decimal(loss.insured) == 700
    assert sum(Decimal(step.amount) for step in loss.steps) == Decimal(loss.deficit)
