"""Borrow, Repay, Lend and Recall; what they cost and earn, their caps, pair accounts and slices of borrowers."""

import pytest
from helpers import ANY, only, reverts
from world import (
    BITCOIN,
    DAY,
    ETH,
    ETH_FEED,
    ETHER,
    HEALTHY,
    LIQUIDATABLE,
    QUOTE,
    SIZE,
    UNIT,
    USDC,
    WAD,
    WBTC,
    WETH,
)

from plimsoll.actions import borrow, deposit, lend, liquidate, recall, repay, trade_perp, transfer, withdraw
from plimsoll.margin.account import PAIR
from plimsoll.prices import PRICE

MILLION = 1_000_000 * USDC
WETH_AGAINST_QUOTE = PAIR | WETH << 6 | QUOTE
SECONDS = USDC // 100  # more than the interest of the seconds that pass between two transactions here
KINDS = {"borrow": borrow, "repay": repay, "lend": lend, "recall": recall}


@pytest.fixture
def lender(world, sponsor):
    """The sponsor's account that lends a million."""
    return world.lend_out(sponsor, QUOTE, MILLION)


@pytest.fixture
def borrower(world, trader, lender):
    """An account of the trader with 10 WETH, worth 30,000, and somebody to borrow from."""
    account = world.account(trader, 1)
    world.fund(trader, account, 10 * ETHER, WETH)
    return account


@pytest.fixture
def indebted(world, trader, borrower):
    """It has borrowed 23,990 and taken them out: IM is 6,000, MM 3,000."""
    amount = 23_990 * USDC
    world.execute(trader, borrow(borrower, QUOTE, amount), withdraw(borrower, QUOTE, amount, trader.address))
    return borrower


def set_quote_limits(world, *, supply=10**16, cap=10**16, velocity=10_000):
    world.config.setAsset(QUOTE, (6, 0, 0, 0, 60, 0, supply, cap, velocity, 1000), {"from": world.admin})


# -------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", KINDS)
def test_nothing_for_nothing(world, trader, account, name):
    """An amount of zero is a mistake."""
    with reverts("ZeroAmount"):
        world.execute(trader, KINDS[name](account, QUOTE, 0))


@pytest.mark.parametrize("name", KINDS)
def test_only_the_owner(world, stranger, account, name):
    """Nobody borrows for another, nor pays out of his balance."""
    with reverts("NotAuthorized", account, stranger):
        world.execute(stranger, KINDS[name](account, QUOTE, 1))


@pytest.mark.parametrize("name", ["borrow", "recall"])
def test_not_in_a_reducing_batch(world, trader, borrower, name):
    """What old prices may assess adds no debt, and takes no collateral out of its market."""
    action = KINDS[name](borrower, QUOTE, USDC)
    with reverts("RiskInReducingBatch", borrower, action[0]):
        world.execute(trader, action, reducing=True)


def test_not_during_a_pause(world, deployer, trader, borrower):
    """A loan is new risk."""
    until = world.now + DAY
    world.engine.pauseRisk(until, {"from": deployer})
    with reverts("NewRiskPaused", until):
        world.execute(trader, borrow(borrower, QUOTE, USDC))


def test_not_both_in_one_asset(world, trader, borrower):
    """Whoever owes an asset does not lend it."""
    world.execute(trader, borrow(borrower, QUOTE, USDC))
    with reverts("LendingAndBorrowing", borrower, QUOTE):
        world.execute(trader, lend(borrower, QUOTE, 1))


def test_nothing_owed(world, trader, account):
    """Nothing to repay."""
    with reverts("NothingOwed", account, QUOTE):
        world.execute(trader, repay(account, QUOTE, 1))


# -------------------------------------------------------------------- borrowing and paying back


def test_a_loan_enters_what_is_held(world, trader, borrower):
    """Nothing leaves custody; the debt's shares are rounded up, and all of it is told."""
    vault = world.vaults[QUOTE].balance()
    tx = world.execute(trader, borrow(borrower, QUOTE, 10_000 * USDC))
    assert world.held(borrower) == 10_000 * USDC
    assert world.debt(borrower) == 10_000 * USDC + 1
    assert world.header(borrower).debts == 1
    assert vault == world.vaults[QUOTE].balance()
    assert world.loans(QUOTE).cash == MILLION - 10_000 * USDC - 1
    assert (borrower, 2) == tuple(only(tx, "SharesChanged")[key] for key in ("account", "kind"))
    assert world.loans(QUOTE).debt_shares == only(tx, "LendingTotals")["debtShares"]
    assert only(tx, "BorrowFlow")["netBorrowed"] == 10_000 * USDC
    assert world.surplus(QUOTE) == 1


def test_it_leaves_within_initial_margin(world, trader, borrower):
    """10 WETH at 3,000 with a fifth off carry 24,000."""
    amount = 24_000 * USDC
    world.execute(trader, borrow(borrower, QUOTE, amount), withdraw(borrower, QUOTE, amount - 1, trader.address))
    with reverts("BelowInitialMargin", borrower, ANY, 6000 * WAD):
        world.execute(trader, withdraw(borrower, QUOTE, 1, trader.address))
    a = world.assess(borrower)
    assert (a.im, a.mm) == (6000 * WAD, 3000 * WAD)


def test_a_volatile_debt_needs_margin_too(world, trader, sponsor, account):
    """Its haircuts are of its value, whichever way it points."""
    world.lend_out(sponsor, WETH, 100 * ETHER)
    world.execute(trader, borrow(account, WETH, ETHER), withdraw(account, WETH, ETHER, trader.address))
    a = world.assess(account)
    assert abs(a.equity - 7000 * WAD) < SECONDS * UNIT
    assert abs(a.im - 600 * WAD) < SECONDS * UNIT
    assert abs(a.mm - 300 * WAD) < SECONDS * UNIT


def test_a_loan_is_margin_for_a_perp(world, trader, borrower):
    """Collateral in WETH, cash from lenders, a position: one account, one check."""
    world.execute(trader, borrow(borrower, QUOTE, 5000 * USDC), trade_perp(borrower, ETH, -10 * SIZE))
    a = world.assess(borrower)
    assert abs(a.im - (1500 + 6000) * WAD) < WAD
    assert a.state == HEALTHY


@pytest.mark.parametrize("days", [1, 30, 365])
def test_all_of_a_debt_is_paid_back(world, trader, borrower, days):
    """Whatever has accrued, and without any price; a tenth of it is insurance's."""
    world.execute(trader, borrow(borrower, QUOTE, 10_000 * USDC))
    world.later(days * DAY)
    world.fund(trader, borrower, 5000 * USDC)
    owed = world.debt(borrower)
    tx = world.execute(trader, repay(borrower, QUOTE))
    held = only(tx, "HeldChanged")["held"]
    assert 0 <= 15_000 * USDC - held - owed <= SECONDS
    assert (world.debt(borrower), world.header(borrower).debts) == (0, 0)
    interest, loans = 5000 * USDC - held, world.loans(QUOTE)
    assert loans.borrowed == 0
    little = 5 + interest // 1000  # compound interest at one end, simple at the other
    assert 0 <= interest * 9 // 10 - (loans.lent - MILLION) + 1 <= little
    assert abs(loans.reserve - interest // 10) <= little
    assert 0 <= world.surplus(QUOTE) <= 4


def test_no_more_is_taken_than_is_owed(world, trader, borrower):
    """An amount beyond the debt is clipped to it."""
    world.execute(trader, borrow(borrower, QUOTE, 1000 * USDC), deposit(borrower, QUOTE, 1000 * USDC))
    world.execute(trader, repay(borrower, QUOTE, 1500 * USDC))
    assert 999 * USDC < world.held(borrower) < 1000 * USDC
    assert world.debt(borrower) == 0


def test_a_part_is_paid_back_in_a_reducing_batch(world, trader, indebted):
    """Below IM, at an old price: paying back is always allowed."""
    world.post({ETH_FEED: 2900 * PRICE})
    world.later(600)
    owed = world.debt(indebted)
    world.execute(trader, deposit(indebted, QUOTE, 100 * USDC), repay(indebted, QUOTE, 100 * USDC), reducing=True)
    assert 0 <= world.debt(indebted) - (owed - 100 * USDC) <= SECONDS


def test_insurance_collects_its_reserve(world, trader, stranger, borrower):
    """Anyone moves it."""
    world.execute(trader, borrow(borrower, QUOTE, 10_000 * USDC))
    world.later(30 * DAY)
    held, reserve = world.held(world.insurance), world.loans(QUOTE).reserve
    assert reserve > 0
    world.engine.collectReserve(QUOTE, {"from": stranger})
    assert 0 <= world.held(world.insurance) - held - reserve <= SECONDS
    assert world.loans(QUOTE).reserve == 0


# -------------------------------------------------------------------- lending and recalling


@pytest.mark.parametrize(("asset", "amount"), [(QUOTE, 7000 * USDC), (WETH, 3 * ETHER), (WBTC, BITCOIN)])
def test_lending_and_back(world, trader, account, asset, amount):
    """Between two pockets of one account: custody and equity stand."""
    if asset != QUOTE:
        world.execute(trader, deposit(account, asset, amount))
    held, vault, equity = world.held(account, asset), world.vaults[asset].balance(), world.assess(account).equity
    tx = world.execute(trader, lend(account, asset, amount))
    assert (held - amount, amount) == (world.held(account, asset), world.engine.lentOf(account, asset))
    assert only(tx, "SharesChanged")["kind"] == 1
    assert (vault, equity) == (world.vaults[asset].balance(), world.assess(account).equity)
    world.execute(trader, recall(account, asset))
    assert (held, 0) == (world.held(account, asset), world.engine.lentOf(account, asset))


def test_what_is_lent_still_backs_a_position(world, trader, account):
    """Lent quote counts as held quote does."""
    world.execute(trader, lend(account, QUOTE, 10_000 * USDC), trade_perp(account, ETH, 40 * SIZE))
    assert world.held(account) == 0
    assert world.assess(account).state == HEALTHY


def test_more_than_is_held_is_not_lent(world, trader, account):
    """Never on credit."""
    with reverts("InsufficientBalance", account, QUOTE, 10_000 * USDC, 10_001 * USDC):
        world.execute(trader, lend(account, QUOTE, 10_001 * USDC))


def test_what_is_borrowed_is_not_recalled(world, trader, sponsor, lender, indebted):
    """A lender waits for an hour without a move, and takes what is there."""
    with reverts("ExitWaits", QUOTE):
        world.execute(sponsor, recall(lender, QUOTE, USDC))
    world.calm()
    cash = world.loans(QUOTE).cash
    with reverts("LentCashMissing", QUOTE, ANY, ANY):
        world.execute(sponsor, recall(lender, QUOTE, cash + USDC))
    world.execute(sponsor, recall(lender, QUOTE, cash))
    assert cash == world.held(lender)
    with reverts("LentCashMissing", QUOTE, 1000 * USDC, ANY):
        world.execute(trader, borrow(indebted, QUOTE, 1000 * USDC), deposit(indebted, QUOTE, 2000 * USDC))


def test_the_vaults_lenders_have_the_same_index(world, trader, counterparty, lender, indebted):
    """A share of the ERC-4626 earns what an account's does."""
    vault = world.vaults[QUOTE]
    vault.deposit(MILLION, counterparty, {"from": counterparty})
    world.later(30 * DAY)
    index = world.loans(QUOTE).lent_index
    assert index > 10**12
    assert vault.balanceOf(counterparty) * index // 10**12 == vault.convertToAssets(vault.balanceOf(counterparty))
    assert 0 <= world.loans(QUOTE).lent - 2 * world.engine.lentOf(lender, QUOTE) <= 2 * 10**6


# -------------------------------------------------------------------- caps


def test_the_borrow_cap(world, trader, borrower):
    """Counts what is owed, rounded up."""
    set_quote_limits(world, cap=1000 * USDC)
    with reverts("BorrowCapExceeded", QUOTE, 1000 * USDC + 1, 1000 * USDC):
        world.execute(trader, borrow(borrower, QUOTE, 1000 * USDC))
    world.execute(trader, borrow(borrower, QUOTE, 1000 * USDC - 1))


@pytest.mark.parametrize("velocity", [1000, 5000])
def test_the_borrow_velocity(world, trader, borrower, velocity):
    """A share of the cap an hour, net; the next hour begins anew."""
    set_quote_limits(world, cap=10_000 * USDC, velocity=velocity)
    limit = 10_000 * USDC * velocity // 10_000
    with reverts("BorrowVelocityExceeded", QUOTE, limit + 1, limit):
        world.execute(trader, borrow(borrower, QUOTE, limit + 1))
    world.execute(trader, borrow(borrower, QUOTE, limit))
    with reverts("BorrowVelocityExceeded", QUOTE, limit + USDC, limit):
        world.execute(trader, borrow(borrower, QUOTE, USDC))
    world.later(3600)
    world.post()
    world.execute(trader, borrow(borrower, QUOTE, USDC))


def test_the_supply_cap_is_of_held_and_lent(world, trader, lender, account):
    """Lending moves nothing against it; a deposit does."""
    held, _ = world.engine.totals(QUOTE)
    set_quote_limits(world, supply=held + MILLION, cap=0, velocity=0)
    world.execute(trader, lend(account, QUOTE, 1000 * USDC))
    with reverts("SupplyCapExceeded", QUOTE, ANY, held + MILLION):
        world.execute(trader, deposit(account, QUOTE, 1))


# -------------------------------------------------------------------- pair accounts


@pytest.fixture
def pair(world, trader, lender):
    """An account isolated to WETH against the quote asset (20 and 17 percent), with 10 WETH."""
    account = world.account(trader, market=WETH_AGAINST_QUOTE)
    world.fund(trader, account, 10 * ETHER, WETH)
    return account


def test_only_its_own_assets_enter_a_pair(world, trader, account, pair):
    """By no way."""
    world.execute(trader, deposit(account, WBTC, BITCOIN))
    with reverts("AssetNotAllowed", pair, WBTC):
        world.execute(trader, transfer(account, pair, WBTC, 1))
    world.execute(trader, deposit(account, WETH, ETHER), lend(account, WETH, ETHER))
    with reverts("AssetNotAllowed", pair, WETH):
        world.execute(trader, borrow(pair, WETH, 1))
    with reverts("MarketNotAllowed", pair, ETH):
        world.execute(trader, trade_perp(pair, ETH, SIZE))


def test_a_pair_has_its_own_haircuts(world, trader, pair):
    """Of the collateral; the debt has none, so what is borrowed is worth 1 − haircut of it at most."""
    amount = 23_999 * USDC
    world.execute(trader, borrow(pair, QUOTE, amount), withdraw(pair, QUOTE, amount, trader.address))
    a = world.assess(pair)
    assert (a.im, a.mm) == (6000 * WAD, 5100 * WAD)
    with reverts("BelowInitialMargin", pair, ANY, 6000 * WAD):
        world.execute(trader, borrow(pair, QUOTE, 2 * USDC), withdraw(pair, QUOTE, 2 * USDC, trader.address))


@pytest.mark.parametrize("code", [PAIR | WETH << 6 | WBTC, PAIR | QUOTE << 6 | WETH])
def test_an_unlisted_pair(world, trader, code):
    """Opens no account."""
    account = world.account(trader, market=code)
    with reverts("MarketNotAllowed", account, code):
        world.execute(trader, deposit(account, WETH, ETHER))


# -------------------------------------------------------------------- liquidation


def test_a_healthy_borrower_is_left_alone(world, keeper, keeper_account, indebted):
    """As any other account."""
    with reverts("AccountHealthy", indebted, ANY, 3000 * WAD):
        world.execute(keeper, liquidate(keeper_account, indebted))


def test_a_slice_is_of_collateral_and_debt(world, keeper, keeper_account, indebted):
    """At 2,650 there are 2,500 against an MM of 2,650; its taker may pay the debt in the same batch."""
    world.post({ETH_FEED: 2650 * PRICE})
    before, owed = world.assess(indebted), world.debt(indebted)
    assert before.state == LIQUIDATABLE
    tx = world.execute(keeper, liquidate(keeper_account, indebted), repay(keeper_account, QUOTE))
    fraction = only(tx, "Liquidated")["fraction"]
    assert 0 < fraction < WAD
    assert 10 * ETHER * fraction // WAD == world.held(keeper_account, WETH)
    assert abs(owed - owed * fraction // WAD - world.debt(indebted)) <= SECONDS
    assert (world.debt(keeper_account), world.header(keeper_account).debts) == (0, 0)
    after = world.assess(indebted)
    assert after.equity * before.mm > before.equity * after.mm
    assert after.equity > after.mm
    assert 0 <= world.surplus(QUOTE) <= 4


def test_bad_debt_is_the_lenders_after_reserve_and_insurance(world, keeper, keeper_account, lender, indebted):
    """What collateral does not cover lowers the index of all lenders, and no held balance."""
    world.post({ETH_FEED: 2000 * PRICE})
    held, equity = world.held(world.insurance), world.assess(keeper_account).equity
    deficit = -world.assess(indebted).equity
    assert deficit > 3900 * WAD
    tx = world.execute(keeper, liquidate(keeper_account, indebted))
    event = only(tx, "DebtForgiven")
    lost = only(tx, "LendersLost")["amount"] if "LendersLost" in tx.events else 0
    paid = held - world.held(world.insurance)
    assert event["amount"] == event["fromReserve"] + event["fromInsurance"] + lost
    assert abs(paid * UNIT + (lost + event["fromReserve"]) * UNIT - deficit) < 200 * WAD  # and the taker's bonus
    assert abs(MILLION - lost - world.engine.lentOf(lender, QUOTE)) <= 2 * USDC
    assert (world.debt(indebted), world.held(indebted, WETH)) == (0, 0)
    assert world.assess(keeper_account).equity >= equity - UNIT
    assert 0 <= world.surplus(QUOTE) <= 2 * USDC
