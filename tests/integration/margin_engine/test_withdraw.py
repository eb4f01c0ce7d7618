"""MarginEngine: Withdraw."""

import pytest
from helpers import ANY, only, reverts
from world import BITCOIN, DAY, ETH, ETH_FEED, ETHER, NOBODY, QUOTE, SIZE, UNIT, USDC, WAD, WBTC, WETH

from plimsoll.actions import deposit, margin_call, trade_perp, withdraw
from plimsoll.prices import PRICE

HELD = 10_000 * USDC


@pytest.fixture
def holding(world, trader, account):
    """The account also holds 2 WETH and 0.1 WBTC."""
    world.execute(trader, deposit(account, WETH, 2 * ETHER), deposit(account, WBTC, BITCOIN // 10))
    return account


@pytest.fixture
def long(world, trader, account):
    """Long 25 ETH: 75,000 of notional on 10,000."""
    world.execute(trader, trade_perp(account, ETH, 25 * SIZE))
    return account


def test_zero_is_refused(world, trader, account):
    """A withdrawal of nothing is a mistake."""
    with reverts("ZeroAmount"):
        world.execute(trader, withdraw(account, QUOTE, 0, trader.address))


def test_only_the_owner(world, trader, stranger, account):
    """Nobody else takes anything out."""
    with reverts("NotAuthorized", account, stranger):
        world.execute(stranger, withdraw(account, QUOTE, 1, stranger.address))


def test_nobody_withdraws_from_insurance(world, sponsor):
    """What was given to insurance is insurance's."""
    with reverts("NotAuthorized", world.insurance, sponsor):
        world.execute(sponsor, withdraw(world.insurance, QUOTE, 1, sponsor.address))


def test_nobody_withdraws_from_the_pool(world, provider):
    """LPs leave through the pool's queue only."""
    with reverts("NotAuthorized", world.pool_account, provider):
        world.execute(provider, withdraw(world.pool_account, QUOTE, 1, provider.address))


@pytest.mark.parametrize("excess", [1, HELD])
def test_more_than_is_held(world, trader, account, excess):
    """No debt is ever opened."""
    with reverts("InsufficientBalance", account, QUOTE, HELD, HELD + excess):
        world.execute(trader, withdraw(account, QUOTE, HELD + excess, trader.address))


@pytest.mark.parametrize("asset", [WETH, WBTC])
def test_an_asset_that_is_not_held(world, trader, account, asset):
    """Nor of another asset."""
    with reverts("InsufficientBalance", account, asset, 0, 1):
        world.execute(trader, withdraw(account, asset, 1, trader.address))


def test_an_unknown_asset(world, trader, account):
    """An asset without a vault has no way out either."""
    with reverts("UnknownAsset", 9):
        world.execute(trader, withdraw(account, 9, 1, trader.address))


def test_to_nobody(world, trader, account):
    """The token refuses the zero address."""
    with reverts("ERC20InvalidReceiver", NOBODY):
        world.execute(trader, withdraw(account, QUOTE, USDC, NOBODY))


def test_below_initial_margin(world, trader, long):
    """What supports a position stays."""
    with reverts("BelowInitialMargin", long, ANY, ANY):
        world.execute(trader, withdraw(long, QUOTE, 9000 * USDC, trader.address))


def test_a_tenth_of_the_notional_stays(world, trader, long):
    """Removal is stricter than trading: 5 % would do for a trade, 10 % must remain."""
    a = world.assess(long)
    floor = a.notional // 10
    assert a.im < floor < a.equity
    leaves_less = (a.equity - floor) // UNIT + 1
    with reverts("BelowInitialMargin", long, ANY, floor):
        world.execute(trader, withdraw(long, QUOTE, leaves_less, trader.address))
    world.execute(trader, withdraw(long, QUOTE, leaves_less - USDC, trader.address))
    assert world.assess(long).equity >= floor


def test_from_a_called_account(world, trader, keeper, keeper_account, long):
    """No margin leaves a called account, whatever is left of it."""
    a = world.assess(long)
    world.bring_to(long, a.mm + WAD)
    world.execute(keeper, margin_call(keeper_account, long))
    deadline = world.header(long).call_deadline
    with reverts("AccountCalled", long, deadline):
        world.execute(trader, withdraw(long, QUOTE, 1, trader.address))


def test_with_a_position_and_a_stale_price(world, trader, long):
    """A price that is too old proves no margin."""
    world.later(61)
    with reverts("PriceUnusable", ETH_FEED, ANY, 0):
        world.execute(trader, withdraw(long, QUOTE, USDC, trader.address))


def test_more_than_custody_gives_to_a_blacklisted_receiver_is_refused_whole(world, trader, account):
    """A withdrawal that cannot be paid changes nothing."""
    with reverts("ERC20InvalidReceiver", NOBODY):
        world.execute(trader, withdraw(account, QUOTE, HELD, NOBODY))
    assert world.held(account) == HELD


@pytest.mark.parametrize(
    ("asset", "amount"), [(QUOTE, 1), (QUOTE, HELD), (WETH, 1), (WETH, 2 * ETHER), (WBTC, 1), (WBTC, BITCOIN // 10)]
)
def test_tokens_leave_custody_unit_for_unit(world, trader, holding, asset, amount):
    """What leaves the account arrives in the wallet."""
    token, vault = world.tokens[asset], world.vaults[asset]
    before = (token.balanceOf(trader), vault.balance(), world.held(holding, asset), world.engine.totals(asset)[0])
    world.execute(trader, withdraw(holding, asset, amount, trader.address))
    after = (token.balanceOf(trader), vault.balance(), world.held(holding, asset), world.engine.totals(asset)[0])
    assert (before[0] + amount, *(value - amount for value in before[1:])) == after


def test_a_withdrawal_says_where_to(world, trader, stranger, account):
    """Withdrawn names the receiver, who may be anyone."""
    tx = world.execute(trader, withdraw(account, QUOTE, 7 * USDC, stranger.address))
    assert {"account": account, "asset": QUOTE, "to": stranger, "amount": 7 * USDC} == only(tx, "Withdrawn")
    assert world.tokens[QUOTE].balanceOf(stranger) == 7 * USDC


def test_without_a_position_no_price_is_needed(world, trader, holding):
    """With every feed dead for a day, an account without risk gets everything out."""
    world.later(DAY)
    for asset, amount in ((QUOTE, HELD), (WETH, 2 * ETHER), (WBTC, BITCOIN // 10)):
        world.execute(trader, withdraw(holding, asset, amount, trader.address))
    assert world.assess(holding).equity == 0


def test_the_last_unit_clears_the_asset(world, trader, holding):
    """The header's bit goes with the balance."""
    assert world.header(holding).assets == 0b111
    world.execute(trader, withdraw(holding, WETH, 2 * ETHER, trader.address))
    assert world.header(holding).assets == 0b101


def test_the_price_may_come_with_the_batch(world, trader, long):
    """The prologue makes a stale account fresh again."""
    world.later(600)
    prices = world.report({ETH_FEED: 3000 * PRICE})
    world.execute(trader, withdraw(long, QUOTE, USDC, trader.address), prices=prices)
    assert world.held(long) == HELD - USDC


def test_a_volatile_asset_supports_only_its_haircut(world, trader, long):
    """A failed collateral feed counts for nothing, so it cannot back what is taken out."""
    world.execute(trader, deposit(long, WBTC, BITCOIN))
    world.later(61)
    fresh = {ETH_FEED: 3000 * PRICE}
    with reverts("BelowInitialMargin", long, ANY, ANY):
        world.execute(trader, withdraw(long, QUOTE, 5000 * USDC, trader.address), prices=world.report_of(fresh))
    world.execute(trader, withdraw(long, QUOTE, 5000 * USDC, trader.address), prices=world.report())
    assert world.held(long) == HELD - 5000 * USDC
