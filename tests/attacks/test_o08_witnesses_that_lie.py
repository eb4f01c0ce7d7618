"""O-08: a witness that lies.

A portfolio account is liquidated on the word of whoever names one scenario per underlying and one for the joint term.
He may name the wrong ones, none, too many, bytes that mean nothing, or the ones that are worst at another price; he
may call early, take more, or pay less by it.

Rule: equity is exact whatever he says, requirements are lower bounds; so a proof by witness is a proof by all
scenarios, takes no larger part, pays no lower price, ends no call, and earns no bounty. What proves nothing fails,
with the level that it reached.
"""

from __future__ import annotations

import random

import pytest
from desk import BTC, ETH, LIQUIDATABLE, PRICE, SIZE, WAD, expect
from listed_desk import ListedDesk

from plimsoll.actions import liquidate, margin_call, trade_perp
from plimsoll.errors import Reverted

SCENARIOS = 35


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture
def fund(desk):
    """Options on two underlyings, hedged with a perp, just above its maintenance margin."""
    fund, maker = desk.portfolio("fund", 25_000), desk.trader("maker", 2_000_000)
    desk.match(maker, fund, [(desk.call(3_000), 20 * SIZE), (desk.put_on(2_700), 10 * SIZE)])
    desk.match(maker, fund, [(desk.call(66_000, market=BTC), SIZE // 2)])
    desk.act(fund, trade_perp(fund, ETH, 4 * SIZE))
    desk.fall_below(fund, 1.02, step=0.002)
    return fund


@pytest.fixture
def keeper(desk):
    return desk.trader("keeper", 1_000_000)


def lies(count=60, seed=8):
    """Every single scenario, and what comes to mind."""
    draw = random.Random(seed)
    yield from (bytes([k, k, k]) for k in range(SCENARIOS + 1))
    yield from (bytes(draw.randrange(256) for _ in range(draw.randrange(1, 6))) for _ in range(count))
    yield from (b"\0", b"\xff", b"\xff" * 3, bytes(2_000), b"\x22\x22\x22\x22")


def test_no_witness_says_more_than_all_scenarios(desk, fund):
    """Equity to the wei, and every requirement at most that of the full check, which the best one reaches."""
    whole = desk.assess(fund)
    levels = set()
    for witness in lies():
        equity, im, im0, mm, notional = desk.engine.read("assessWitness", fund, witness)
        assert (equity, notional) == (whole.equity, whole.notional)
        assert im <= whole.im and im0 <= whole.im0 and mm <= whole.mm
        levels.add(mm)
    assert len(levels) > 10
    assert desk.engine.read("assessWitness", fund, desk.witness(fund))[3] == whole.mm


def test_a_healthy_account_is_taken_by_no_witness(desk, fund, keeper):
    """Each fails with the level that it reached; `skip` passes over; nothing changes."""
    before = desk.options(fund), desk.held(fund)
    whole = desk.assess(fund)
    assert whole.equity >= whole.mm
    for witness in lies(10):
        mm = desk.engine.read("assessWitness", fund, witness)[3]
        with expect("WitnessInsufficient", fund, whole.equity, mm):
            desk.act(keeper, liquidate(keeper, fund, witness=witness))
    desk.act(keeper, liquidate(keeper, fund, skip=True, witness=b"\0\0\0"))
    assert (desk.options(fund), desk.held(fund)) == before


def test_a_liquidatable_one_is_taken_by_the_ones_that_prove_it(desk, fund, keeper):
    """Those below their level go through, for no more and no cheaper than by all scenarios; others are refused."""
    found = desk.fall_below(fund, step=0.002)
    assert found.state == LIQUIDATABLE
    (told,) = _once(desk, keeper, fund, b"")
    most, price = told.args["fraction"], told.args["paid"] * WAD // told.args["fraction"]
    proven = 0
    for witness in [desk.witness(fund), *lies(20)]:
        mm = desk.engine.read("assessWitness", fund, witness)[3]
        if found.equity >= mm:
            with expect("WitnessInsufficient", fund, found.equity, mm):
                _once(desk, keeper, fund, witness)
            continue
        (told,) = _once(desk, keeper, fund, witness)
        proven += 1
        assert told.args["mm"] == mm and told.args["fraction"] <= most
        assert told.args["paid"] * WAD // told.args["fraction"] >= price - 1
    assert proven >= 1


def _once(desk, keeper, fund, witness):
    mark = desk.chain.snapshot()
    try:
        return desk.events(desk.act(keeper, liquidate(keeper, fund, witness=witness)), "Liquidated")
    finally:
        desk.chain.revert(mark)


def test_yesterday_s_witness_is_judged_at_today_s_price(desk, fund, keeper):
    """The worst scenario of a fallen market proves nothing about one that has risen, unless it does."""
    old = desk.witness(fund)
    desk.fresh({1: 2_000 * PRICE})
    found = desk.assess(fund)
    mm = desk.engine.read("assessWitness", fund, old)[3]
    assert mm <= found.mm
    outcome = desk.assess(fund).state == LIQUIDATABLE
    try:
        desk.act(keeper, liquidate(keeper, fund, witness=old))
        assert found.equity < mm and outcome
    except Reverted as error:
        assert error.name == "WitnessInsufficient" and error.values == (fund, found.equity, mm)


def test_a_call_by_a_lie_is_refused_and_by_a_proof_unpaid(desk, fund, keeper):
    """No bounty, and a call that all scenarios would have made."""
    found = desk.assess(fund)
    level = desk.call_margin(fund)
    assert found.mm <= found.equity < level
    with expect("WitnessInsufficient") as caught:
        desk.act(keeper, margin_call(keeper, fund, witness=b"\xff\xff\xff"))
    assert caught.value.values[:2] == (fund, found.equity) and caught.value.values[2] <= found.equity
    held = desk.held(keeper), desk.held(fund)
    desk.act(keeper, margin_call(keeper, fund, witness=desk.witness(fund)))
    assert desk.header(fund).call_deadline and (desk.held(keeper), desk.held(fund)) == held


def test_by_rule_there_is_no_witness(desk, keeper):
    """What is sent along with a cross account is ignored: the full requirement, to the wei."""
    plain, maker = desk.trader("plain", 12_000), desk.trader("maker", 2_000_000)
    desk.match(maker, plain, [(desk.call(3_000), 15 * SIZE)])
    whole = desk.assess(plain)
    for witness in (b"\0", b"\xff" * 4):
        assert desk.engine.read("assessWitness", plain, witness) == whole[:5]
        with expect("AccountHealthy", plain, whole.equity, whole.mm):
            desk.act(keeper, liquidate(keeper, plain, witness=witness))
