"""The mirror: events, pages and the chain say the same, and whatever is doubtful is read again."""

import random

import pytest

from plimsoll.actions import liquidate, margin_call, settle, trade_perp, withdraw
from plimsoll.errors import Halted, Reverted, RpcRefused
from plimsoll.keeper.mirror import Mirror, apply
from plimsoll.keeper.reader import Head, Reader, decode_page
from plimsoll.keeper.settings import Settings
from plimsoll.prices import PRICE

SIZE = 10**8
NAMES = [f"trader {number}" for number in range(6)]


def random_step(world, crowd, rng):
    name = rng.choice(NAMES)
    owner, account = world.actor(name), crowd.accounts[name]
    other = crowd.accounts[rng.choice(NAMES)]
    choice = rng.randrange(6)
    if choice == 0:
        world.post({1: rng.randrange(1500, 4500) * PRICE, 2: rng.randrange(40_000, 80_000) * PRICE})
    elif choice == 1:
        world.execute(owner, trade_perp(account, rng.randrange(3), rng.choice([-1, 1]) * rng.randrange(1, 3 * SIZE)))
    elif choice == 2:
        world.execute(owner, withdraw(account, 0, rng.randrange(1, 10**9), owner))
    elif choice == 3:
        world.execute(owner, margin_call(account, other, skip=True))
    elif choice == 4:
        world.execute(owner, liquidate(account, other, skip=True))
    else:
        world.execute(owner, settle(rng.randrange(3), list(crowd.accounts.values())))


@pytest.mark.parametrize("seed", range(8))
def test_events_lead_where_pages_do(logging_world, crowd_of, seed):
    """A mirror that followed every event holds the words that a fresh enumeration reads, account by account."""
    world, rng = logging_world, random.Random(seed)
    crowd = crowd_of(world)
    for name in NAMES[:3]:
        crowd.join(name, 5_000, [(0, 2), (1, -0.1)], weth=10**17 * rng.randrange(3))
    mirror = Mirror(Reader(world), Settings())
    mirror.follow()
    for name in NAMES[3:]:  # accounts opened after the enumeration
        crowd.join(name, 6_000, [(rng.randrange(3), rng.choice([-1, 1]))])
    taken = 0
    for _ in range(60):
        try:
            random_step(world, crowd, rng)
            taken += 1
        except Reverted:
            pass
        if rng.random() < 0.3:
            mirror.follow()
    view = mirror.follow() or mirror.view
    fresh = Mirror(Reader(world), Settings(page=4)).follow()
    assert mirror.resyncs == 1
    assert taken > 10
    assert (view.rows.words == fresh.rows.words).all()
    assert (view.rows.called, view.rows.clocked) == (fresh.rows.called, fresh.rows.clocked)
    assert mirror.differing(range(len(view.rows))) == []
    assert fresh.rows.scores(fresh.snapshot).equity.tolist() == pytest.approx(
        view.rows.scores(view.snapshot).equity.tolist(), rel=1e-12, abs=1e-9
    )


def test_rows_are_the_accounts_of_the_engine(world, crowd_of):
    """Balances and positions decoded from pages are what the engine's own views return."""
    crowd = crowd_of(world)
    crowd.join("long", 4_000, [(0, 3), (2, 10)], weth=10**17)
    crowd.join("short", 4_000, [(1, -0.2)])
    rows = Mirror(Reader(world), Settings(page=3)).follow().rows
    for account in crowd.accounts.values():
        found = rows.find(account)
        assert {a: world.held(account, a) for a in found.balances} == {a: b.held for a, b in found.balances.items()}
        positions = {market: (entry.size, entry.cost) for market, entry in found.positions.items()}
        assert {market: world.position(account, market) for market in positions} == positions


def test_a_changed_word_is_noticed(world, crowd_of):
    """The self-check names the account whose mirrored word differs from the chain's."""
    account = crowd_of(world).join("long", 4_000, [(0, 3)])
    mirror = Mirror(Reader(world), Settings())
    rows = mirror.follow().rows
    rows.held(account, 0, 1)
    assert [account] == mirror.differing(range(len(rows)))


class MovingReader(Reader):
    """A node whose blocks can be replaced."""

    def __init__(self, protocol):
        super().__init__(protocol)
        self.fork = 0

    def head(self):
        return self.header(self.chain.block()[0])

    def header(self, number):
        return Head(number, self.chain.block()[1], f"0x{number}-{self.fork}")


def test_a_replaced_block_is_read_again(logging_world, crowd_of):
    """When the block we stood on is another now, accounts are enumerated anew, and no event of the old one stays."""
    world = logging_world
    crowd = crowd_of(world)
    crowd.join("long", 4_000, [(0, 3)])
    reader = MovingReader(world)
    mirror = Mirror(reader, Settings())
    before = world.chain.snapshot()
    crowd.join("gone", 4_000, [(0, 1)])
    mirror.follow()
    world.chain.revert(before)
    reader.fork = 1
    world.chain.advance(5, 30)
    view = mirror.follow()
    assert mirror.resyncs == 2
    assert crowd.accounts["gone"] not in view.rows
    assert mirror.differing(range(len(view.rows))) == []


def test_going_back_and_gaps_are_read_again(logging_world, crowd_of):
    world = logging_world
    crowd_of(world).join("long", 4_000, [(0, 3)])
    mirror = Mirror(MovingReader(world), Settings(max_range=10))
    mirror.follow()
    world.chain.advance(5, 11)
    mirror.follow()
    assert mirror.resyncs == 2
    world.chain.advance(5, 10)
    mirror.follow()
    assert mirror.resyncs == 2


def test_no_new_block_is_no_view(logging_world):
    mirror = Mirror(Reader(logging_world), Settings())
    assert mirror.follow() is not None
    assert mirror.follow() is None


def test_an_event_that_does_not_fit_is_refused(logging_world, crowd_of):
    """An opening whose number does not follow the last account means that one was missed."""
    world = logging_world
    mirror = Mirror(Reader(world), Settings())
    view = mirror.follow()
    crowd = crowd_of(world)
    crowd.join("missed", 1_000)
    seen = len(world.chain.kept)
    crowd.join("heard", 1_000)
    with pytest.raises(Exception, match="AccountOpened does not fit"):
        apply(view.rows, [log for _, _, log in world.chain.kept[seen:]])


def test_a_page_of_another_width_is_refused():
    answer = (32).to_bytes(32, "big") + (96).to_bytes(32, "big") + bytes(96)
    with pytest.raises(Exception, match="another deployment"):
        decode_page(answer, 2)


class FrugalReader(Reader):
    """A node that has gas for three accounts at once, and refuses to look for events."""

    def page(self, start, count, tables, block):
        if count > 3:
            raise Halted("out of gas")
        return super().page(start, count, tables, block)

    def logs(self, first, last):
        raise RpcRefused("eth_getLogs", -32005, "query returned more than 10000 results")


def test_pages_shrink_to_what_the_node_can_do(logging_world, crowd_of):
    world, crowd = logging_world, crowd_of(logging_world)
    for number in range(9):
        crowd.join(f"t{number}", 1_000)
    mirror = Mirror(FrugalReader(world), Settings())
    assert len(mirror.follow().rows) == world.engine.read("accountCount")
    assert mirror.differing(range(20)) == []


def test_refused_events_are_replaced_by_pages(logging_world, crowd_of):
    world, crowd = logging_world, crowd_of(logging_world)
    mirror = Mirror(FrugalReader(world), Settings())
    mirror.follow()
    account = crowd.join("new", 1_000, [(0, 1)])
    assert account in mirror.follow().rows
    assert mirror.resyncs == 2
