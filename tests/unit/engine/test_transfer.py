"""Transfer: collateral, or part of a position with its own cost, between accounts of one owner; both ends are
checked."""

from __future__ import annotations

import pytest
from desk import BTC, ETH, PRICE, QUOTE, SIZE, USDC, WAD, WETH, expect

from plimsoll.actions import margin_call, trade_perp, transfer, transfer_position
from plimsoll.margin import position_math


@pytest.fixture
def two(desk):
    return desk.trader("alice", 10_000), desk.trader("alice", 10_000, index=1)


def test_nothing(desk, two):
    with expect("ZeroAmount"):
        desk.act(two[0], transfer(*two, QUOTE, 0))


def test_only_between_accounts_of_one_owner(desk, two):
    one, other = two[0], desk.trader("bob", 1)
    for order in (transfer(one, other, QUOTE, 1), transfer_position(one, other, ETH, 1)):
        with expect("AccountMismatch", one, other):
            desk.act(one, order)
    with expect("NotAuthorized", one, desk.owner(other)):
        desk.act(other, transfer(one, other, QUOTE, 1))


def test_not_to_itself(desk, two):
    for order in (transfer(two[0], two[0], QUOTE, 1), transfer_position(two[0], two[0], ETH, 1)):
        with expect("AccountMismatch", two[0], two[0]):
            desk.act(two[0], order)


def test_not_out_of_a_called_account(desk, two):
    one, other = two
    desk.trade(one, ETH, 60 * SIZE)
    desk.post({1: 2_900 * PRICE})
    caller = desk.trader("bob", 1)
    desk.act(caller, margin_call(caller, one))
    for order in (transfer(one, other, QUOTE, 1), transfer_position(one, other, ETH, SIZE)):
        with expect("AccountCalled", one, desk.now + 3_600):
            desk.act(one, order)
    desk.act(other, transfer(other, one, QUOTE, 5_000 * USDC))  # into it, so that it is cured
    assert desk.header(one).call_deadline == 0


def test_the_giver_is_held_to_removal_margin(desk, two):
    one, other = two
    desk.trade(one, ETH, 20 * SIZE)
    found = desk.assess(one)
    spare = (found.equity - 6_000 * WAD) // 10**12
    with expect("BelowInitialMargin", one, found.equity - (spare + 1) * 10**12, 6_000 * WAD):
        desk.act(one, transfer(one, other, QUOTE, spare + 1))
    desk.act(one, transfer(one, other, QUOTE, spare))
    assert desk.held(other) == 10_000 * USDC + spare


def test_the_taker_of_a_position_is_held_to_im(desk, two):
    one, _ = two
    poor = desk.trader("alice", 100, index=5)
    desk.trade(one, ETH, 20 * SIZE)
    _, cost = desk.position(one, ETH)
    with expect("BelowInitialMargin", poor, 100 * WAD + 60_000 * WAD - cost, 3_000 * WAD):
        desk.act(one, transfer_position(one, poor, ETH, 20 * SIZE))


@pytest.mark.parametrize("have, size", [(5, 6), (5, -1), (5, 0), (-5, 1), (-5, -6), (0, 1)])
def test_no_more_than_there_is_and_not_the_other_way(desk, two, have, size):
    if have:
        desk.trade(two[0], ETH, have * SIZE)
    with expect("InsufficientBalance", two[0], ETH, abs(have) * SIZE, abs(size) * SIZE):
        desk.act(two[0], transfer_position(*two, ETH, size * SIZE))


def test_an_isolated_account_stays_in_its_market(desk, two):
    one = two[0]
    isolated = desk.trader("alice", 1_000, market=BTC)
    desk.fund(one, WETH, WAD)
    desk.trade(one, ETH, SIZE)
    with expect("MarketNotAllowed", isolated, ETH):
        desk.act(one, transfer_position(one, isolated, ETH, SIZE))
    with expect("AssetNotAllowed", isolated, WETH):
        desk.act(one, transfer(one, isolated, WETH, 1))
    desk.trade(isolated, BTC, SIZE // 100)
    desk.act(isolated, transfer_position(isolated, one, BTC, SIZE // 200))
    assert desk.position(one, BTC)[0] == SIZE // 200


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("part", [1, 7, 12 * SIZE // 5, 12 * SIZE - 1, 12 * SIZE])
def test_a_position_goes_with_its_cost_rounded_up_for_who_receives_it(desk, two, side, part):
    one, other = two
    desk.trade(one, ETH, side * 12 * SIZE)
    desk.post({1: 3_010 * PRICE})
    size, cost = desk.position(one, ETH)
    equity, state = desk.total_equity(), desk.market_words(ETH)
    desk.act(one, transfer_position(one, other, ETH, side * part))
    moved = cost if part == 12 * SIZE else position_math.cost_of(side * part, size, cost)
    assert desk.position(other, ETH) == (side * part, moved)
    assert desk.position(one, ETH) == (size - side * part, cost - moved)
    after = desk.market_words(ETH)
    assert (after.state.long_size, after.state.short_size) == (state.state.long_size, state.state.short_size)
    assert desk.total_equity() == equity
    for account in two:
        assert desk.assess(account)[:5] == desk.twin(account)


def test_opposite_positions_net_out_and_what_is_won_and_lost_is_paid(desk, two):
    """Long 10 from 3,000 against short 10 from 3,100, at 3,050: sizes vanish, cash moves, nothing is created."""
    one, other = two
    desk.trade(one, ETH, 10 * SIZE)
    desk.post({1: 3_100 * PRICE})
    desk.trade(other, ETH, -10 * SIZE)
    desk.post({1: 3_050 * PRICE})
    equity = desk.total_equity()
    both = desk.assess(one).equity + desk.assess(other).equity
    desk.act(one, transfer_position(one, other, ETH, 10 * SIZE))
    assert desk.position(one, ETH) == desk.position(other, ETH) == (0, 0)
    state = desk.market_words(ETH).state
    assert (state.long_size, state.short_size) == (0, 0)
    assert (desk.held(one), desk.held(other)) == (10_000 * USDC, desk.held(other))
    assert 0 <= both - desk.assess(one).equity - desk.assess(other).equity < 10**12
    assert desk.total_equity() == equity
    # 1,000 won and lost on the way: 100 × 10, less fees and spreads of two fills.
    assert 10_900 * USDC < desk.held(other) < 11_000 * USDC


def test_i3_sums_and_contributions_survive_transfers_across_zero(desk, two):
    one, other = two
    desk.trade(one, ETH, 10 * SIZE)
    desk.trade(other, ETH, -4 * SIZE)
    desk.act(one, transfer_position(one, other, ETH, 7 * SIZE), trade_perp(one, ETH, SIZE))
    words = desk.market_words(ETH)
    positions = [desk.position(account, ETH) for account in two]
    assert [size for size, _ in positions] == [4 * SIZE, 3 * SIZE]
    assert (words.state.long_size, words.state.short_size) == (7 * SIZE, 0)
    assert words.costs.long_cost == sum(cost for _, cost in positions)
    assert words.costs.short_cost == 0


def test_collateral_of_every_kind(desk, two):
    one, other = two
    desk.fund(one, WETH, 3 * WAD)
    total = desk.engine.read("totals", WETH)
    desk.act(one, transfer(one, other, WETH, WAD), transfer(one, other, QUOTE, 10_000 * USDC))
    assert (desk.held(one, WETH), desk.held(other, WETH)) == (2 * WAD, WAD)
    assert (desk.held(one), desk.held(other)) == (0, 20_000 * USDC)
    assert desk.header(one).assets == 1 << WETH
    assert desk.engine.read("totals", WETH) == total
