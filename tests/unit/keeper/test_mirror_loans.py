"""The mirror follows what is lent and owed: events, pages, the screen and the chain say the same."""

import random

import numpy as np
import pytest

from plimsoll.actions import borrow, deposit, lend, liquidate, recall, repay, withdraw
from plimsoll.errors import Reverted
from plimsoll.keeper.mirror import Mirror
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import PriceUse, assess
from plimsoll.prices import PRICE
from plimsoll.testing import World
from plimsoll.testing.spot import PAIR, SpotScene

USDC, WETH = 0, 1
UNITS = {USDC: 10**6, WETH: 10**15}


@pytest.fixture
def crowd(crowd_of, logging_chain):
    crowd = crowd_of(World.create(logging_chain(), parameters=SpotScene.parameters()))
    for number in range(3):
        crowd.join(f"cross {number}", 9_000, weth=3 * 10**18)
        crowd.join(f"pair {number}", 9_000, weth=3 * 10**18, market=PAIR)
    world = crowd.world
    world.execute(world.actor("cross 0"), lend(crowd.accounts["cross 0"], USDC, 8_000 * 10**6))
    world.execute(world.actor("cross 1"), lend(crowd.accounts["cross 1"], WETH, 2 * 10**18))
    return crowd


def step(crowd, rng):
    world, name = crowd.world, rng.choice(sorted(crowd.accounts))
    owner, account = world.actor(name), crowd.accounts[name]
    asset = rng.choice([USDC, WETH])
    amount = rng.choice([1, rng.randrange(1, 6_000 * UNITS[asset]), 2**256 - 1])
    choice = rng.randrange(8)
    if choice == 0:
        world.post({1: rng.randrange(2_000, 4_000) * PRICE}, seconds=rng.randrange(1, 10**6))
    elif choice == 1:
        world.mint(owner, asset, 10**21)
        world.execute(owner, deposit(account, asset, rng.randrange(1, 3_000 * UNITS[asset])))
    elif choice == 2:
        target = rng.choice(sorted(crowd.accounts.values()))
        world.execute(owner, liquidate(account, target, skip=True))
    elif choice == 3:
        world.execute(owner, withdraw(account, asset, amount, owner))
    else:
        world.execute(owner, (borrow, repay, lend, recall)[choice - 4](account, asset, amount))


@pytest.mark.parametrize("seed", range(6))
def test_events_lead_where_pages_do(crowd, seed):
    """Lent shares, debts and their number in the header, pairs included; and the cash that may be recalled."""
    world, rng = crowd.world, random.Random(seed)
    mirror = Mirror(Reader(world), Settings())
    mirror.follow()
    taken = 0
    for _ in range(90):
        try:
            step(crowd, rng)
            taken += 1
        except Reverted:
            pass
        if rng.random() < 0.3:
            mirror.follow()
    view = mirror.follow() or mirror.view
    fresh = Mirror(Reader(world), Settings(page=4)).follow()
    assert (mirror.resyncs, taken > 15) == (1, True)
    assert (view.rows.words == fresh.rows.words).all()
    scores, anew = view.rows.scores(view.snapshot), fresh.rows.scores(fresh.snapshot)
    assert np.array_equal(scores.equity, anew.equity)
    assert np.array_equal(scores.candidate, anew.candidate)
    for asset in UNITS:
        assert view.tables.lent_cash[asset] == world.engine.read("lendingOf", asset)[7]
    owing = 0
    for row, id in enumerate(crowd.accounts.values()):
        account = view.account(id)
        found, chain = assess(account, view.snapshot, PriceUse.TARGET), world.assess(id)
        assert (found.equity, found.mm) == (chain.equity, chain.mm), row
        owing += account.header.debts
    assert owing


def test_a_loan_is_accrued_without_an_event(crowd):
    """Time alone makes a borrower liquidatable: the screen sees it."""
    world = crowd.world
    borrower, owner = crowd.accounts["pair 1"], world.actor("pair 1")
    world.execute(owner, withdraw(borrower, USDC, 9_000 * 10**6, owner))
    world.execute(owner, borrow(borrower, USDC, 7_900 * 10**6), withdraw(borrower, USDC, 7_900 * 10**6, owner))
    mirror = Mirror(Reader(world), Settings())
    view = mirror.follow()
    row = view.rows.row_of[borrower]
    assert not view.rows.scores(view.snapshot).candidate[row]
    world.chain.advance(365 * 86_400)
    world.post({1: 3_000 * PRICE, 2: 60_000 * PRICE})
    view = mirror.follow()
    assert view.rows.scores(view.snapshot).candidate[row]
    assert world.assess(borrower).state >= 3
