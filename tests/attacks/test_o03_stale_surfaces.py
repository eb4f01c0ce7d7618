"""O-03: a stale oracle that stops liquidations (Code4rena on Panoptic v2: M-06).

There every liquidation asked the oracle, and the oracle reverted when it was stale: in the very hours in which nobody
reports, nobody could be liquidated.

Rule: a surface that is old, disputed or gone refuses new risk and nothing else. Checks of who is in trouble take the
last good surface; a price that failed is moved in his favour, and below the level even so is proof.
"""

from __future__ import annotations

import pytest
from desk import CALLED, ETH, LIQUIDATABLE, PRICE, SIZE, expect
from listed_desk import ListedDesk

from plimsoll.actions import liquidate, margin_call, trade_perp, withdraw
from plimsoll.margin.option_series import key_of

AGE = 1_200


@pytest.fixture
def desk():
    return ListedDesk.create().with_options()


@pytest.fixture
def maker(desk):
    return desk.trader("maker", 1_000_000)


def seller(desk, maker, mode):
    account = desk.portfolio("seller", 12_000) if mode == "portfolio" else desk.trader("seller", 12_000)
    desk.match(maker, account, [(desk.call(3000), 15 * SIZE)])
    return account


def lose(desk, how):
    """The surface, in one of the ways in which it can be lost; prices go on."""
    if how == "stale":
        desk.chain.advance(AGE + 1)
    elif how == "disputed":
        desk.surfaces.write("dispute", ETH, desk.now + 3_600, sender=desk.admin)
    elif how == "refused":
        bad = desk.quoted(ETH, desk.expiry, 9.0)  # 900 %: out of range, so the last good one stays and grows old
        desk.chain.advance(AGE + 1)
        receipt = desk.surfaces.write("update", desk.surface_signer.report(desk.now, [bad]), sender=desk.admin)
        assert desk.events(receipt, "SurfaceRejected") and not desk.events(receipt, "SurfaceStored")
    elif how == "unruled":
        desk.chain.advance(100 * AGE)
    desk.post({})


WAYS = ["stale", "disputed", "refused", "unruled"]


@pytest.mark.parametrize("how", WAYS)
def test_new_risk_is_refused(desk, maker, how):
    """A trade in options, a perp beside short options, a withdrawal beside them; not closing what is there."""
    account = seller(desk, maker, "portfolio")
    lose(desk, how)
    for action in (
        trade_perp(account, ETH, SIZE // 100),
        withdraw(account, 0, 1, desk.owner(account)),
    ):
        with expect("SurfaceUnusable") as caught:
            desk.act(account, action)
        assert caught.value.values[:2] == (ETH, desk.expiry)
    with expect("SurfaceUnusable"):
        desk.match(maker, account, [(desk.call(3000), SIZE)])
    closing = desk.filling(maker, account, [(desk.call(3000), -SIZE)])
    desk.execute(desk.admin, closing, reducing=True)
    assert desk.options(account) == {desk.call(3000): -14 * SIZE}


@pytest.mark.parametrize("how", WAYS)
def test_a_long_changes_hands_at_a_fresh_surface_only(desk, maker, how):
    """Neither side is short after it, so neither check needs a surface; the mark that the fill is held to does."""
    account, buyer = seller(desk, maker, "portfolio"), desk.trader("buyer", 100_000)
    lose(desk, how)
    with expect("SurfaceUnusable") as caught:
        desk.match(buyer, maker, [(desk.call(3000), SIZE)])
    assert caught.value.values[:2] == (ETH, desk.expiry)
    assert desk.options(buyer) == {} and desk.options(account) == {desk.call(3000): -15 * SIZE}


@pytest.mark.parametrize("mode", ["portfolio", "cross"])
@pytest.mark.parametrize("how", WAYS)
def test_whoever_is_below_maintenance_is_liquidated(desk, maker, how, mode):
    """At the last good surface, to the wei as in the twin, by witness too."""
    account = seller(desk, maker, mode)
    lose(desk, how)
    keeper = desk.trader("keeper", 1_000_000)
    desk.post({1: 3_700 * PRICE})
    found = desk.assess(account)
    assert found.state == LIQUIDATABLE and found[:5] == desk.twin(account)
    witness = desk.witness(account) if mode == "portfolio" else b""
    # Who takes it acquires, and is judged at the last surface too: he needs no report to help.
    desk.act(keeper, liquidate(keeper, account, witness=witness))
    after = desk.assess(account)
    assert desk.options(keeper) and after.equity >= after.mm


def test_a_dead_feed_besides_stops_it_neither(desk, maker):
    """Half an hour without a price: moved in his favour he is still below."""
    account, keeper = seller(desk, maker, "portfolio"), desk.trader("keeper", 1_000_000)
    desk.post({1: 4_500 * PRICE})
    desk.chain.advance(AGE + 1_800)
    found = desk.assess(account)
    assert found.equity < found.mm and found[:5] == desk.twin(account)
    desk.act(keeper, liquidate(keeper, account, 5 * 10**17))
    assert desk.options(keeper)


def test_margin_is_called_and_the_clock_runs(desk, maker):
    """A warning needs no surface of this minute."""
    account, keeper = seller(desk, maker, "portfolio"), desk.trader("keeper", 1_000_000)
    lose(desk, "stale")
    price = 3_000
    while desk.assess(account).equity >= desk.call_margin(account):
        price += 5
        desk.post({1: price * PRICE})
    desk.act(keeper, margin_call(keeper, account))
    assert desk.assess(account).state == CALLED


def test_a_surface_once_there_is_never_gone(desk, maker):
    """Refusals, disputes and time leave the three words as they were."""
    key = key_of(ETH, desk.expiry)
    was = desk.surfaces.read("read", [key])
    for how in WAYS:
        lose(desk, how)
        now = desk.surfaces.read("read", [key])
        assert now[:2] == was[:2] and now[2] % 2**200 == was[2] % 2**200
