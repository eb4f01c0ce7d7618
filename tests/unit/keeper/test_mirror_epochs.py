"""A side is charged by one event: the mirror, the screen and the book see each of its positions as it stands now."""

from dataclasses import astuple, replace

from plimsoll import ledger
from plimsoll.actions import liquidate, trade_perp
from plimsoll.keeper.act import Result
from plimsoll.keeper.mirror import Mirror
from plimsoll.keeper.plan import Planner
from plimsoll.keeper.reader import Reader
from plimsoll.keeper.select import look
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import AccountState, PriceUse, assess
from plimsoll.margin.words import MarketTrade
from plimsoll.prices import PRICE
from plimsoll.testing import World

ETH, SIZE = 0, 10**8


def charge(crowd):
    """Longs went bankrupt, insurance and pool pay nothing: what is missing is charged to those who were short."""
    world = crowd.world
    crowd.join("taker", 100_000)
    for number in range(4):
        crowd.join(f"short {number}", 1_150, [(ETH, -4.5 - number / 10)])
    for number in range(4):
        crowd.join(f"long {number}", 1_000, [(ETH, 5)])
    word = MarketTrade.from_word(ledger.read(world.engine, [ledger.market(ETH, ledger.TRADE)])[0])
    world.config.write("setMarketTrade", ETH, astuple(replace(word, allocation=0)), sender=world.admin)
    mirror = Mirror(Reader(world), Settings())
    mirror.follow()
    world.post({1: 2_700 * PRICE})
    taker = world.actor("taker")
    world.execute(taker, *(liquidate(crowd.accounts["taker"], crowd.accounts[f"long {n}"]) for n in range(3)))
    world.config.write("setMarketTrade", ETH, astuple(word), sender=world.admin)
    return crowd, mirror


def exact(world, view):
    scores = view.rows.scores(view.snapshot)
    for row in range(len(view.rows)):
        account = view.rows.account(row)
        if account.header.markets == 0:
            continue
        found, chain = assess(account, view.snapshot, PriceUse.TARGET), world.assess(account.id)
        assert (found.equity, found.mm) == (chain.equity, chain.mm)
        assert abs(found.equity / 10**18 - scores.equity[row]) <= scores.bound[row]


def test_mirror_and_screen_follow_a_charge(crowd_of, logging_chain):
    crowd, mirror = charge(crowd_of(World.create(logging_chain(), insurance=0)))
    world = crowd.world
    view = mirror.follow()
    assert view.snapshot.markets[ETH].state.epoch > 0
    exact(world, view)
    fresh = Mirror(Reader(world), Settings()).follow()
    assert (view.rows.words == fresh.rows.words).all()
    exact(world, fresh)
    for number in (0, 2):  # those are touched, and written with the epoch
        world.execute(world.actor(f"short {number}"), trade_perp(crowd.accounts[f"short {number}"], ETH, SIZE))
    crowd.join("later", 2_000, [(ETH, 1)])
    view = mirror.follow()
    assert mirror.resyncs == 1
    exact(world, view)
    assert (view.rows.words == Mirror(Reader(world), Settings()).follow().rows.words).all()


def test_a_charged_winner_is_liquidated_as_predicted(crowd_of, keeper_of):
    """He was short and has paid; then the price goes up again."""
    crowd, _ = charge(crowd_of(World.create(insurance=0)))
    world = crowd.world
    world.post({1: 3_190 * PRICE})
    keeper = keeper_of(world, reserve=10**24, rescue=False)
    view = keeper.mirror.follow()
    planner = Planner(view, keeper.settings, keeper.account, keeper.settings.profit_to)
    batch = planner.liquidations(look(view, {crowd.accounts["taker"]}).liquidatable)
    assert batch is not None
    assert all(view.account(target).positions[ETH].epoch == 0 for target in batch.targets)
    assert keeper.writer.post(batch, planner, Result())
    assert planner._closed.quote == world.held(keeper.account)
    assert all(world.assess(target).state < AccountState.LIQUIDATABLE for target in batch.targets)
