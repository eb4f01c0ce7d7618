"""The winning side's epoch on the deployed bytecode: exact in sum, once for each, whenever touched. DESIGN 4.5."""

from __future__ import annotations

import itertools

import pytest
from crash import MILLION, Crash
from desk import ETH, PRICE, QUOTE, SIZE, USDC, WAD, expect

from plimsoll import ledger
from plimsoll.actions import liquidate, settle, trade_perp, transfer_position, withdraw
from plimsoll.margin.words import Position, Untouched

SLACK = 2


@pytest.mark.parametrize("side", [1, -1])
def test_the_deficit_is_charged_to_those_across_to_the_wei(side):
    crash = Crash.create(side=side)
    desk = crash.desk
    crash.move(230)
    deficit = -crash.equity(crash.victim)
    assert deficit > 0
    before = [crash.equity(winner) for winner in crash.winners]
    profits = [desk.position_pnl(winner, ETH)[0] for winner in crash.winners]
    pool = desk.pool_equity()[0]
    receipt = crash.liquidate()
    told = crash.told(receipt)
    assert told["recognised"] == deficit == told["pool"] + told["side"] + told["lenders"] + told["beyond"]
    assert told["side"] > 0 and told["beyond"] == 0

    (charged,) = desk.events(receipt, "SideCharged")
    assert charged.args["long"] == (side == 1)
    after = [crash.equity(winner) for winner in crash.winners]
    taken = [old - new for old, new in zip(before, after, strict=True)]
    assert told["side"] <= sum(taken) <= told["side"] + SLACK * len(taken)
    for part, profit in zip(taken, profits, strict=True):
        assert 0 <= part * charged.args["net"] - profit * charged.args["amount"] <= SLACK * charged.args["net"]
    assert pool - desk.pool_equity()[0] == told["pool"]


@pytest.mark.parametrize("way", ["settle", "trade", "transfer", "liquidation"])
def test_a_view_before_and_a_touch_after_agree_to_the_wei(way):
    crash = Crash.create()
    desk, winner = crash.desk, crash.winners[0]
    crash.move(230)
    crash.liquidate()
    seen = desk.position(winner, ETH)
    assert desk.assess(winner)[:5] == desk.twin(winner)[:5]
    stale = Position.from_word(ledger.read(desk.engine, [ledger.position(winner, ETH)])[0])
    assert stale.epoch == 0 and stale.cost < seen[1]
    if way == "settle":
        expected = desk.position_pnl(winner, ETH)[0]
        receipt = desk.act(crash.taker, settle(ETH, [winner]))
        assert seen[1] in [e.args["cost"] for e in desk.events(receipt, "PositionChanged")]
        assert 0 <= expected - sum(e.args["realised"] for e in desk.events(receipt, "Settled")) < 10**12
    elif way == "trade":
        fill = desk.fill(ETH, SIZE)
        crash.open(winner, SIZE)
        index = desk.market_words(ETH).state.funding_index
        assert desk.position(winner, ETH) == (seen[0] + SIZE, seen[1] + fill.cost - SIZE * index)
    elif way == "transfer":
        other = desk.trader("winner 0", 50_000, index=1)
        desk.act(winner, transfer_position(winner, other, ETH, seen[0]))
        assert desk.position(other, ETH) == seen
    else:
        desk.post({1: 2_000 * PRICE})
        desk.act(crash.taker, liquidate(crash.taker, winner))
    stored = Position.from_word(ledger.read(desk.engine, [ledger.position(crash.winners[0], ETH)])[0])
    assert stored == Position() or stored.epoch == 1


def test_i3_all_touched_the_sums_are_those_of_the_positions():
    crash = Crash.create((17.31, 0.00000001, 55, 3.7, 1.00000007), margin=13_000)
    desk = crash.desk
    crash.move(235)
    crash.liquidate()
    stored, found = crash.sums()
    assert stored[:2] == found[:2]
    assert stored[2] > found[2]
    crash.settle_all()
    stored, found = crash.sums()
    assert stored == found
    for long in (True, False):
        left = Untouched.from_word(ledger.read(desk.engine, [ledger.untouched(ETH, long)])[0])
        assert left.size == 0
        assert abs(left.cost) < 2**20  # a millionth of a wei


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_touches_is_nobodys_business(order):
    crash = Crash.create((30, 50, 20))
    desk = crash.desk
    crash.move(230)
    crash.liquidate()
    expected = [desk.position(winner, ETH) for winner in crash.winners]
    equities = [crash.equity(winner) for winner in crash.winners]
    for number in order:
        desk.act(crash.taker, settle(ETH, [crash.winners[number]]))
    assert [crash.equity(winner) for winner in crash.winners] == equities
    assert [desk.position(winner, ETH)[0] for winner in crash.winners] == [size for size, _ in expected]


def test_who_comes_later_pays_nothing():
    crash = Crash.create()
    desk = crash.desk
    crash.move(230)
    late = desk.trader("late", 50_000)
    crash.liquidate()
    crash.open(late, 10 * SIZE)
    size, cost = desk.position(late, ETH)
    desk.act(crash.taker, settle(ETH, crash.winners))
    assert desk.position(late, ETH) == (size, cost)


def test_o2_bystanders_keep_what_they_have_to_the_wei():
    crash = Crash.create()
    desk = crash.desk
    saver, lender = desk.trader("saver", 5_000), crash.lend(1_000)
    btc = desk.trader("btc", 50_000)
    desk.trade(btc, 1, SIZE)
    short = desk.trader("short too", 50_000)
    crash.open(short, -SIZE)
    crash.move(230)
    before = [desk.assess(account) for account in (saver, lender, btc, short)]
    crash.liquidate()
    assert [desk.assess(account) for account in (saver, lender, btc, short)] == before


def test_flat_positions_take_no_part():
    """A claim of one who has closed, and a debt of one: neither is charged, neither is forgiven."""
    crash = Crash.create((60, 40, 10))
    desk = crash.desk
    crash.move(200)
    closed = crash.winners[2]
    desk.act(closed, withdraw(closed, QUOTE, 40_000 * USDC, desk.owner(closed)))
    crash.open(closed, -10 * SIZE)
    crash.move(235)
    flat = desk.market_words(ETH).loss.flat_cost
    assert flat == desk.position(closed, ETH)[1]
    held, position = desk.held(closed), desk.position(closed, ETH)
    crash.liquidate()
    desk.act(crash.taker, settle(ETH, [closed]))
    assert (desk.held(closed), desk.position(closed, ETH)) == (held, position) or position != (0, 0)


def test_deficits_one_after_the_other():
    """Each opens an epoch; a first touch after all of them costs two records, and the sum is exact."""
    crash = Crash.create((80, 50), loser=100)
    desk = crash.desk
    victims = [desk.trader(f"another {number}", 1_000) for number in range(6)]
    for victim in victims:
        crash.open(victim, -5 * SIZE)
    crash.move(260)
    before = [crash.equity(winner) for winner in crash.winners]
    side = recognised = 0
    for victim in [*victims, crash.victim]:
        told = crash.told(crash.liquidate(victim))
        assert told["recognised"] == told["pool"] + told["side"] + told["lenders"] + told["beyond"]
        side, recognised = side + told["side"], recognised + told["recognised"]
        desk.post({}, seconds=1)
    assert desk.market_words(ETH).state.epoch >= 5
    taken = sum(before) - sum(crash.equity(winner) for winner in crash.winners)
    funding = 10**15
    assert side - funding <= taken <= side + funding + SLACK * len(before)
    gas = [desk.act(crash.taker, settle(ETH, [winner])).gas_used for winner in crash.winners]
    assert max(gas) < 250_000
    stored, found = crash.sums()
    crash.settle_all()
    stored, found = crash.sums()
    assert stored == found


def test_a_winner_keeps_at_least_nothing_and_cannot_withdraw_what_he_no_longer_has():
    crash = Crash.create((30, 20), margin=8_000)
    desk, winner = crash.desk, crash.winners[0]
    crash.move(235)
    crash.liquidate()
    pnl = desk.position_pnl(winner, ETH)[0]
    assert pnl >= 0
    equity = crash.equity(winner)
    with expect("InsufficientBalance"):
        desk.act(winner, withdraw(winner, QUOTE, equity // 10**12 + 10**6, desk.owner(winner)))
    assert desk.held(winner) == 50_000 * USDC
    assert MILLION > WAD // 10**18
