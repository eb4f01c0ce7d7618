"""MarginEngine: Transfer, of collateral and of positions."""

import pytest
from helpers import ANY, every, reverts
from world import BITCOIN, BTC, ETH, ETH_FEED, ETHER, QUOTE, SIZE, UNIT, USDC, WAD, WBTC, WETH

from plimsoll.actions import deposit, margin_call, trade_perp, transfer, transfer_position

HELD = 10_000 * USDC


@pytest.fixture
def second(world, trader):
    """Another account of the trader, with 5,000."""
    account = world.account(trader, 1)
    world.fund(trader, account, 5000 * USDC)
    return account


@pytest.fixture
def long(world, trader, account):
    """Long 20 ETH."""
    world.execute(trader, trade_perp(account, ETH, 20 * SIZE))
    return account


# -------------------------------------------------------------------- collateral


def test_zero_is_refused(world, trader, account, second):
    """A transfer of nothing is a mistake."""
    with reverts("ZeroAmount"):
        world.execute(trader, transfer(account, second, QUOTE, 0))


def test_only_the_owner(world, stranger, account, second):
    """Nobody moves what is not his."""
    with reverts("NotAuthorized", account, stranger):
        world.execute(stranger, transfer(account, second, QUOTE, 1))


def test_only_to_an_account_of_ones_own(world, trader, account, counter_account):
    """Payments to others are withdrawals."""
    with reverts("AccountMismatch", account, counter_account):
        world.execute(trader, transfer(account, counter_account, QUOTE, 1))


def test_not_to_itself(world, trader, account):
    """An account is not its own partner."""
    with reverts("AccountMismatch", account, account):
        world.execute(trader, transfer(account, account, QUOTE, 1))


@pytest.mark.parametrize(("asset", "held"), [(QUOTE, HELD), (WETH, 0)])
def test_more_than_is_held(world, trader, account, second, asset, held):
    """Never into debt."""
    with reverts("InsufficientBalance", account, asset, held, held + 1):
        world.execute(trader, transfer(account, second, asset, held + 1))


def test_no_volatile_asset_into_an_isolated_account(world, trader, account):
    """An isolated account holds quote only, however it comes."""
    world.execute(trader, deposit(account, WETH, ETHER))
    isolated = world.account(trader, market=ETH)
    with reverts("AssetNotAllowed", isolated, WETH):
        world.execute(trader, transfer(account, isolated, WETH, 1))


def test_not_below_initial_margin(world, trader, long, second):
    """Margin does not leave through the side door."""
    with reverts("BelowInitialMargin", long, ANY, ANY):
        world.execute(trader, transfer(long, second, QUOTE, 9000 * USDC))


def test_not_from_a_called_account(world, trader, keeper, keeper_account, long, second):
    """Nothing leaves a called account."""
    world.bring_to(long, world.assess(long).mm + WAD)
    world.execute(keeper, margin_call(keeper_account, long))
    with reverts("AccountCalled", long, world.header(long).call_deadline):
        world.execute(trader, transfer(long, second, QUOTE, 1))


@pytest.mark.parametrize(("asset", "amount"), [(QUOTE, 1), (QUOTE, HELD), (WETH, ETHER), (WBTC, BITCOIN // 3)])
def test_collateral_moves_unit_for_unit(world, trader, account, second, asset, amount):
    """Both balances change; totals and custody do not."""
    if asset != QUOTE:
        world.execute(trader, deposit(account, asset, amount))
    here, there, totals = world.held(account, asset), world.held(second, asset), world.engine.totals(asset)
    tx = world.execute(trader, transfer(account, second, asset, amount))
    assert (here - amount, there + amount) == (world.held(account, asset), world.held(second, asset))
    assert totals == world.engine.totals(asset)
    assert [account, second] == [event["account"] for event in every(tx, "HeldChanged")]


def test_a_transfer_opens_the_account_it_reaches(world, trader, account):
    """An account that exists by a transfer is enumerated like any other."""
    isolated, number = world.account(trader, market=BTC), world.engine.accountCount()
    world.execute(trader, transfer(account, isolated, QUOTE, 500 * USDC))
    assert isolated == bytes(world.engine.accountsPage(number, 1)[0])
    assert world.assess(isolated).equity == 500 * WAD


# -------------------------------------------------------------------- positions


@pytest.mark.parametrize("size", [20 * SIZE + 1, -1, -20 * SIZE, 0])
def test_not_more_than_there_is_nor_the_other_way(world, trader, long, second, size):
    """A part of a position has its sign and is no larger."""
    with reverts("InsufficientBalance", long, ETH, 20 * SIZE, abs(size)):
        world.execute(trader, transfer_position(long, second, ETH, size))


def test_no_position_there(world, trader, long, second):
    """Nothing comes of nothing."""
    with reverts("InsufficientBalance", long, BTC, 0, SIZE):
        world.execute(trader, transfer_position(long, second, BTC, SIZE))


def test_not_into_another_markets_isolated_account(world, trader, long):
    """An isolated account has the market of its id and no other."""
    isolated = world.account(trader, market=BTC)
    world.fund(trader, isolated, 1000 * USDC)
    with reverts("MarketNotAllowed", isolated, ETH):
        world.execute(trader, transfer_position(long, isolated, ETH, SIZE))


def test_the_receiver_must_carry_it(world, trader, long):
    """The position brings its requirement along."""
    empty = world.account(trader, 2)
    with reverts("BelowInitialMargin", empty, ANY, ANY):
        world.execute(trader, transfer_position(long, empty, ETH, 10 * SIZE))


def test_not_at_a_stale_price(world, trader, long, second):
    """Both accounts are checked at fresh prices."""
    world.later(61)
    with reverts("PriceUnusable", ETH_FEED, ANY, 0):
        world.execute(trader, transfer_position(long, second, ETH, SIZE))


@pytest.mark.parametrize("size", [1, 7 * SIZE, 13 * SIZE + 5, 20 * SIZE])
def test_size_and_cost_are_conserved(world, trader, long, second, size):
    """The part goes with its own cost, rounded up for its receiver; nothing is created."""
    old_size, old_cost = world.position(long)
    world.execute(trader, transfer_position(long, second, ETH, size))
    left, moved = world.position(long), world.position(second)
    assert (old_size - size, size) == (left[0], moved[0])
    assert old_cost == left[1] + moved[1]
    assert moved[1] == -(-old_cost * size // old_size)


def test_the_markets_sums_stand(world, trader, long, second):
    """A transfer is no trade: neither skew nor the pool's books move."""
    before = world.market_words(ETH)
    tx = world.execute(trader, transfer_position(long, second, ETH, 5 * SIZE))
    after = world.market_words(ETH)
    assert (before.state.skew, before.state.open_interest) == (after.state.skew, after.state.open_interest)
    assert before.costs == after.costs
    assert "Traded" not in tx.events
    assert [long, second] == [event["account"] for event in every(tx, "PositionChanged")]


def test_total_equity_is_conserved(world, trader, long, second):
    """Between the two accounts nothing is lost."""
    before = world.assess(long).equity + world.assess(second).equity
    world.execute(trader, transfer_position(long, second, ETH, 9 * SIZE))
    after = world.assess(long).equity + world.assess(second).equity
    assert abs(before - after) < UNIT  # funding of a second at most


def test_opposite_positions_net(world, trader, long, second):
    """A long part on a short of the same size leaves nothing but cash."""
    world.execute(trader, trade_perp(second, ETH, -20 * SIZE))
    world.execute(trader, transfer_position(long, second, ETH, 20 * SIZE))
    assert world.position(long) == (0, 0)
    assert world.position(second) == (0, 0)
    assert world.market_words(ETH).state.open_interest == 0
    assert 0 == world.header(second).markets == world.header(long).markets


def test_position_and_margin_in_one_batch(world, trader, long):
    """An empty account receives both and stands on its own."""
    isolated = world.account(trader, market=ETH)
    world.execute(
        trader, transfer(long, isolated, QUOTE, 8000 * USDC), transfer_position(long, isolated, ETH, 20 * SIZE)
    )
    assert world.position(isolated)[0] == 20 * SIZE
    assert world.assess(long).notional == 0
