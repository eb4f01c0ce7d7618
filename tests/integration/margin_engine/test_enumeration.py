"""MarginEngine: enumeration of accounts, raw slots and other views."""

import pytest
from helpers import reverts
from world import ETH, QUOTE, SIZE, USDC, WAD, WETH

from plimsoll import ledger
from plimsoll.actions import deposit, trade_perp, withdraw


def ids(world, start, count):
    return [bytes(one) for one in world.engine.accountsPage(start, count)]


@pytest.mark.parametrize(("start", "count"), [(0, 0), (5, 0), (5, 10), (10**6, 10), (2**256 - 1, 2**256 - 1)])
def test_pages_beyond_the_end_are_empty(world, start, count):
    """No page reverts."""
    assert ids(world, start, count) == []


def test_the_pool_and_insurance_come_first(world, account, counter_account, keeper_account):
    """In the order in which they were opened; nobody is missing."""
    assert [world.pool_account, world.insurance, account, counter_account, keeper_account] == ids(world, 0, 2**255)
    assert world.engine.accountCount() == 5


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_add_up(world, trader, size):
    """Whatever their size."""
    world.execute(trader, *(deposit(world.account(trader, n), QUOTE, 1) for n in range(1, 6)))
    count = world.engine.accountCount()
    pages = [one for start in range(0, count, size) for one in ids(world, start, size)]
    assert ids(world, 0, count) == pages
    assert len(set(pages)) == 10


def test_an_empty_account_stays_listed(world, trader, account):
    """Whoever was there once is there for good, and is listed only once."""
    world.execute(trader, withdraw(account, QUOTE, 10_000 * USDC, trader.address))
    world.execute(trader, deposit(account, QUOTE, USDC))
    assert 5 == world.engine.accountCount() == len(set(ids(world, 0, 99)))


def test_raw_slots_are_what_views_say(world, trader, account):
    """For indexers: the header, a balance, a position."""
    world.execute(trader, deposit(account, WETH, 3), trade_perp(account, ETH, -SIZE))
    header, balance, position = world.words(
        ledger.header(account), ledger.balance(account, QUOTE), ledger.position(account, ETH)
    )
    assert (header & 2**64 - 1, header >> 64 & 2**64 - 1) == (0b11, 1 << ETH)
    assert world.held(account) == balance & 2**128 - 1
    assert position & 2**64 - 1 == 2**64 - SIZE


def test_an_account_that_never_was(world, stranger):
    """Is worth nothing and healthy."""
    assert tuple(world.assess(world.account(stranger, 5))) == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("size", "mm", "im"), [(SIZE // 1000, 10, 15), (10 * SIZE, 750, 1500), (-20 * SIZE, 1500, 3000)]
)
def test_requirements_of_a_position(world, trader, account, size, mm, im):
    """Rates on the notional, floors below them; no profit, so IM is IM₀."""
    world.execute(trader, trade_perp(account, ETH, size))
    a = world.assess(account)
    assert (mm * WAD, im * WAD, im * WAD) == (a.mm, a.im0, a.im)
    assert abs(size) * 3000 * 10**10 == a.notional


def test_haircuts_join_once_there_is_an_exposure(world, trader, account):
    """Collateral counts in full, its haircut as a requirement."""
    world.execute(trader, deposit(account, WETH, 10**18), trade_perp(account, ETH, 10 * SIZE))
    a = world.assess(account)
    assert (a.mm, a.im0) == ((750 + 300) * WAD, (1500 + 600) * WAD)


@pytest.mark.parametrize("change", [1, 50])
def test_profit_counts_for_nine_tenths(world, trader, account, change):
    """IM carries the discount on unrealised profit; IM₀ does not."""
    world.execute(trader, trade_perp(account, ETH, 10 * SIZE))
    world.post({1: (3010 + change) * 10**10})
    a = world.assess(account)
    profit = a.equity - 10_000 * WAD
    assert profit > 0
    assert abs(a.im - a.im0 - profit // 10) <= 1


def test_who_owns_what(world):
    """The pool's and insurance's accounts by name."""
    assert world.pool_account == bytes(world.engine.poolAccount())
    assert world.insurance == bytes(world.engine.insuranceAccount())
    assert world.engine.locked() is False


@pytest.mark.parametrize("asset", [0, 1, 2])
def test_totals_are_custody(world, asset):
    """Every token in a vault is somebody's."""
    held, lent = world.engine.totals(asset)
    assert lent == 0
    assert held == world.vaults[asset].balance()


def test_an_index_without_a_vault_has_nothing(world):
    """Views do not revert for what is not there."""
    assert tuple(world.engine.totals(17)) == (0, 0)
    assert world.engine.held(world.insurance, 17) == 0


def test_strangers_change_no_lent_total(world, stranger):
    """Only the asset's vault does."""
    with reverts("NotAuthorized", (0).to_bytes(32, "big"), stranger):
        world.engine.changeLent(0, 1, 1, {"from": stranger})
