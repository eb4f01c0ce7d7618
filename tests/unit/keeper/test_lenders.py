"""Who lends and who owes the same asset: never in one batch, and neither keeps the other waiting without need."""

from __future__ import annotations

import pytest
from keeper_town import BTC, ETHER, USD, USDC, WBTC, WETH, planned

from plimsoll import actions
from plimsoll.actions import lend
from plimsoll.keeper.batch import kinds_of
from plimsoll.keeper.select import look
from plimsoll.margin.account import DEBT, LENT, AccountState

LIQUIDATABLE = AccountState.LIQUIDATABLE
HOUR = 3600


def lender(town, name, lent, *, idle=0):
    """Lends `lent` of USDC against a debt of WBTC."""
    world, owner = town.world, town.world.actor(name)
    account = town.join(name, {USDC: lent + idle})
    world.execute(owner, lend(account, USDC, lent))
    town.join(name, {}, {WBTC: BTC * 4 // 10})
    return account


def both(batch):
    """Whether the batch takes over somebody who lends USDC and somebody who owes it."""
    kinds = {kinds_of(take.finding.account).get(USDC) for take in batch.takes}
    return {DEBT, LENT} <= kinds


def errors_of(keeper, monkeypatch):
    """What simulations of the keeper's batches say."""
    found, simulate = [], keeper.writer.simulate

    def told(batch, planner):
        error = simulate(batch, planner)
        found.append(error and error.name)
        return error

    monkeypatch.setattr(keeper.writer, "simulate", told)
    return found


def test_one_batch_with_both_is_refused(town, keeper_of):
    """The engine's word: also with `skip`, and before anything could be sold or repaid."""
    world = town.world
    lending = lender(town, "lending", 30_000 * USD)
    borrowing = town.join("borrowing", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650, 2: 69_000})
    keeper = keeper_of(world)
    for first, second in ((lending, borrowing), (borrowing, lending)):
        takes = [actions.liquidate(keeper.account, target, skip=True) for target in (first, second)]
        with pytest.raises(Exception, match="LendingAndBorrowing"):
            world.execute(keeper.address, *takes)


def test_whose_lenders_wait_goes_last_and_blocks_nobody(town, keeper_of, monkeypatch):
    """The lender is the more urgent; his shares would stay, and keep the keeper from taking the borrower."""
    world = town.world
    lending = lender(town, "lending", 30_000 * USD)
    borrowing = town.join("borrowing", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650, 2: 69_500})
    assert world.engine.read("exitsWait", USDC)
    keeper = keeper_of(world, reserve=0)
    world.fund(keeper.account, USDC, 20_000 * USD)
    world.post({})
    view = keeper.mirror.follow()
    assert [finding.id for finding in look(view).liquidatable] == [lending, borrowing]
    planner, batch = planned(keeper_of(world, reserve=0))
    assert [take.finding.id for take in batch.takes] == [borrowing]
    assert "would lend and owe asset 0" in planner.deferred[0].reason
    keeper = keeper_of(world, reserve=0)
    errors = errors_of(keeper, monkeypatch)
    keeper.cycle()
    assert world.assess(borrowing).state < LIQUIDATABLE
    assert "LendingAndBorrowing" not in errors


def test_where_lenders_may_leave_both_are_taken_in_one_block(town, keeper_of, monkeypatch):
    """Two transactions: what the first lends is recalled, or what it owes is repaid, before the second."""
    world = town.world
    lending = lender(town, "lending", 30_000 * USD)
    borrowing = town.join("borrowing", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    for step in range(1, 13):  # so slowly that nobody has to wait
        world.chain.advance(HOUR)
        town.move({1: 3_000 - 350 * step // 12, 2: 60_000 + 8_500 * step // 12})
        world.engine.write("observeExits", sender=world.admin)
    assert not world.engine.read("exitsWait", USDC)
    keeper = keeper_of(world, reserve=0)
    errors = errors_of(keeper, monkeypatch)
    done = keeper.cycle()
    assert (done.liquidations, len(done.sent)) == (2, 2)
    assert all(world.assess(account).state < LIQUIDATABLE for account in (lending, borrowing))
    assert errors == [None, None]


def test_lent_dust_counts_though_its_slice_is_nothing(town, keeper_of, monkeypatch):
    """One unit lent: the part rounds down to no share at all, and the engine still refuses the two together."""
    world = town.world
    dust = lender(town, "dust", 1, idle=30_000 * USD)
    borrowing = town.join("borrowing", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    town.move({1: 2_650, 2: 69_000})
    keeper = keeper_of(world, reserve=0)
    errors = errors_of(keeper, monkeypatch)
    _, batch = planned(keeper_of(world, reserve=0))
    assert not both(batch)
    assert keeper.cycle().liquidations == 2
    assert all(world.assess(account).state < LIQUIDATABLE for account in (dust, borrowing))
    assert "LendingAndBorrowing" not in errors


def test_lent_crumbs_do_not_keep_borrowers_out(town, keeper_of):
    """Five units lent are worth no transaction, but for the borrowers that they would keep out of the account."""
    world = town.world
    keeper = keeper_of(world, reserve=0)
    world.fund(keeper.account, USDC, 5)
    world.execute(keeper.address, lend(keeper.account, USDC, 5))
    borrowing = town.join("borrowing", {WETH: 10 * ETHER}, {USDC: 23_900 * USD})
    for _ in range(3):
        world.chain.advance(HOUR)
        world.post({})
        world.engine.write("observeExits", sender=world.admin)
    keeper.cycle()
    assert world.engine.read("lentOf", keeper.account, USDC) == 0
    town.move({1: 2_650})
    assert keeper.cycle().liquidations == 1
    assert world.assess(borrowing).state < LIQUIDATABLE
