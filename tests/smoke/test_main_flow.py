"""One story, in order: fund, price, open, call, liquidate, settle, withdraw; then a spot loan.

Each test goes on where the last ended.
"""

from helpers import every, only, reverts, stored_prices
from world import CALLED, ETH, ETH_FEED, ETHER, HEALTHY, HOUR, LIQUIDATABLE, QUOTE, SIZE, USDC, WAD, WETH

from plimsoll.actions import borrow, liquidate, margin_call, repay, settle, trade_perp, withdraw
from plimsoll.prices import PRICE


def test_everything_is_deployed(world):
    """Vaults know their engine, the engine its router."""
    assert [world.engine] * 3 == [vault.engine() for vault in world.vaults]
    assert world.router == world.engine.ROUTER()
    assert world.config.marketCount() == 5


def test_the_first_price(world):
    """Signed by the quorum, stored by anyone."""
    tx = world.post()
    assert len(stored_prices(tx)) == 5
    assert world.snapshot().prices[ETH_FEED].value == 3000 * PRICE


def test_liquidity_comes_through_the_queue(world, provider):
    """A request, its delay, its execution."""
    world.provide(provider, 1_000_000 * USDC)
    assert world.pool.totalAssets() == 1_000_000 * USDC
    assert world.pool.balanceOf(provider) > 0


def test_deposits(world, trader, keeper, account, keeper_account):
    """Margin, and insurance."""
    for actor in (trader, keeper):
        world.equip(actor, QUOTE, 100_000 * USDC)
    world.fund(trader, account, 10_000 * USDC)
    world.fund(keeper, keeper_account, 50_000 * USDC)
    world.fund(keeper, world.insurance, 10_000 * USDC)
    assert world.assess(account).equity == 10_000 * WAD


def test_a_position_beyond_the_margin_is_refused(world, trader, account):
    """The check is the last word."""
    prices = world.report()
    with reverts("BelowInitialMargin"):
        world.execute(trader, trade_perp(account, ETH, 80 * SIZE), prices=prices)


def test_a_position_is_opened(world, trader, account):
    """40 ETH with the price in the prologue."""
    prices = world.report()
    tx = world.execute(trader, trade_perp(account, ETH, 40 * SIZE), prices=prices)
    assert only(tx, "Traded")["size"] == 40 * SIZE
    assert world.assess(account).state == HEALTHY


def test_margin_is_called(world, keeper, account, keeper_account):
    """The price falls; the keeper gets his bounty."""
    world.bring_to(account, 3500 * WAD)
    tx = world.execute(keeper, margin_call(keeper_account, account))
    assert only(tx, "MarginCalled")["bounty"] == WAD
    assert world.assess(account).state == CALLED


def test_the_called_account_is_liquidated(world, keeper, account, keeper_account):
    """It falls further: a part goes to the keeper at a discount, the rest stands."""
    world.bring_to(account, 2000 * WAD)
    assert world.assess(account).state == LIQUIDATABLE
    tx = world.execute(keeper, liquidate(keeper_account, account))
    assert 0 < only(tx, "Liquidated")["fraction"] < WAD
    assert world.position(keeper_account)[0] > 0
    assert world.assess(account).equity > world.assess(account).mm
    assert "MarginCallCleared" in tx.events


def test_both_are_settled(world, keeper, account, keeper_account):
    """Losses are paid to the pool."""
    cash = world.held(world.pool_account)
    world.post()
    tx = world.execute(keeper, settle(ETH, [account, keeper_account]))
    assert cash - sum(event["realised"] for event in every(tx, "Settled")) // 10**12 == world.held(world.pool_account)


def test_positions_are_closed(world, trader, keeper, account, keeper_account):
    """The market ends empty."""
    for owner, one in ((trader, account), (keeper, keeper_account)):
        world.execute(owner, trade_perp(one, ETH, -world.position(one)[0]), prices=world.report())
    assert world.market_words(ETH).state.open_interest == 0


def test_everyone_withdraws(world, trader, keeper, account, keeper_account):
    """All that is left, without any price."""
    world.later(2 * HOUR)
    for owner, one in ((trader, account), (keeper, keeper_account)):
        held, wallet = world.held(one), world.tokens[QUOTE].balanceOf(owner)
        world.execute(owner, withdraw(one, QUOTE, held, owner.address))
        assert wallet + held == world.tokens[QUOTE].balanceOf(owner)
    assert world.vaults[QUOTE].balance() == world.held(world.pool_account) + world.held(world.insurance)


def test_a_spot_loan_is_taken(world, provider, trader):
    """24,000 less a little on 10 WETH, paid out."""
    world.lend_out(provider, QUOTE, 100_000 * USDC)
    world.equip(trader, WETH, 10 * ETHER)
    world.post({ETH_FEED: 3000 * PRICE})
    loan = world.account(trader, 1)
    world.fund(trader, loan, 10 * ETHER, WETH)
    wallet = world.tokens[QUOTE].balanceOf(trader)
    world.execute(trader, borrow(loan, QUOTE, 23_990 * USDC), withdraw(loan, QUOTE, 23_990 * USDC, trader.address))
    assert world.tokens[QUOTE].balanceOf(trader) == wallet + 23_990 * USDC
    assert world.assess(loan).state == HEALTHY


def test_a_slice_of_it_is_liquidated(world, trader, keeper, keeper_account):
    """The price falls; collateral and debt go over alike, and the keeper pays that debt at once."""
    loan = world.account(trader, 1)
    world.fund(keeper, keeper_account, 20_000 * USDC)
    world.post({ETH_FEED: 2650 * PRICE})
    before = world.assess(loan)
    assert before.state == LIQUIDATABLE
    tx = world.execute(keeper, liquidate(keeper_account, loan), repay(keeper_account, QUOTE))
    assert 0 < only(tx, "Liquidated")["fraction"] < WAD
    assert world.held(keeper_account, WETH) + world.held(loan, WETH) == 10 * ETHER
    assert world.debt(keeper_account) == 0 < world.debt(loan)
    after = world.assess(loan)
    assert after.equity > after.mm
    assert 0 <= world.surplus(QUOTE) <= 4
