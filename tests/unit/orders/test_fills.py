"""OrderVerifier: how much of an order can be filled, how often, and by whom."""

from __future__ import annotations

import pytest
from order_world import CLOSED, OPEN, SUPERSEDED, reverts

from plimsoll.accounts import cross
from plimsoll.orders import ONE, Leg


def test_only_the_engine_fills(desk):
    """Anyone may send a batch; nobody speaks for the engine, the owner included."""
    order = desk.order()
    arguments = (order.values(), desk.sign(order), desk.maker, desk.taker, 0, order.size)
    for sender in (desk.maker, desk.taker):
        with reverts("OnlyEngine", sender):
            desk.by(sender, "fill", *arguments)
    assert desk.status(order) == (OPEN, 3 * ONE)


def test_a_filled_order_is_not_filled_again(desk):
    """The same bytes, a second time, and in parts."""
    order = desk.order()
    desk.fill(order)
    for size in (order.size, 1):
        with reverts("NonceUsed", desk.maker, 0):
            desk.fill(order, size)
    assert desk.status(order) == (CLOSED, 0)


def test_another_order_of_a_used_nonce_is_not_filled(desk):
    """The nonce is used up, whatever else changes."""
    desk.fill(desk.order(nonce=5))
    with reverts("NonceUsed", desk.maker, 5):
        desk.fill(desk.order(nonce=5, limit=1, size=9 * ONE))
    assert desk.used(5) == 1


def test_a_used_nonce_stays_used_when_its_neighbours_are(desk):
    """They share a word: each fill adds its bit and takes none."""
    orders = [desk.order(nonce=nonce) for nonce in (0, 1, 255)]
    for order in orders:
        desk.fill(order)
    for order in orders:
        with reverts("NonceUsed", desk.maker, order.nonce):
            desk.fill(order)
    assert all(desk.used(order.nonce) for order in orders)


@pytest.mark.parametrize("beyond", [1, ONE, 2**62])
def test_a_fill_beyond_the_size_is_refused(desk, beyond):
    """At once, and after others; a leg of a whole unit, so that any size is exact."""
    order = desk.order()
    with reverts("FillBeyondSize", desk.domain.digest(order), 0, order.size + beyond, order.size):
        desk.fill(order, order.size + beyond)
    desk.fill(order, ONE)
    with reverts("FillBeyondSize", desk.domain.digest(order), ONE, 2 * ONE + beyond, order.size):
        desk.fill(order, 2 * ONE + beyond)
    assert desk.status(order) == (OPEN, 2 * ONE)


def test_a_fill_of_nothing_is_refused(desk):
    """It would only make a log."""
    order = desk.order()
    with reverts("ZeroAmount"):
        desk.fill(order, 0)
    assert desk.status(order) == (OPEN, order.size)


def test_a_part_that_is_not_whole_is_refused(desk):
    """Half of 1e-8 of an instrument cannot be traded, although the whole order can."""
    order = desk.order(legs=(Leg(7, ONE // 2),), size=2 * ONE)
    with reverts("QuantityInexact", 7, 1, ONE // 2):
        desk.fill(order, 1)
    desk.fill(order, 2)
    assert desk.status(order) == (OPEN, 2 * ONE - 2)


def test_two_orders_of_one_nonce_are_not_both_filled_in_part(desk):
    """He signed the second in place of the first: the one that is filled first counts, and nothing adds up."""
    first, second = desk.order(), desk.order(limit=8 * 10**10)
    desk.fill(first, ONE)
    with reverts("NonceSuperseded", desk.maker, 0):
        desk.fill(second, ONE)
    assert (desk.status(first), desk.status(second)) == ((OPEN, 2 * ONE), (SUPERSEDED, 0))


def test_parts_add_up_to_the_whole(desk):
    """The last one uses up the nonce; nothing is left for another."""
    order = desk.order()
    seen = []
    for size in (ONE, 1, 2 * ONE - 2, 1):
        desk.fill(order, size)
        seen.append((desk.status(order)[1], desk.used()))

    assert seen == [(2 * ONE, 0), (2 * ONE - 1, 0), (1, 0), (0, 1)]
    with reverts("NonceUsed", desk.maker, 0):
        desk.fill(order, 1)


def test_fills_can_be_followed_from_the_log(desk):
    """Which order of whom, how much now, how much in all, and whether the nonce is gone."""
    order = desk.order(nonce=300)
    digest = desk.domain.digest(order)
    for size, filled, complete in ((ONE, ONE, False), (2 * ONE, 3 * ONE, True)):
        told = desk.event(desk.fill(order, size), "OrderFilled")
        assert told == {
            "hash": digest,
            "owner": desk.maker,
            "account": order.account,
            "nonce": 300,
            "size": size,
            "filled": filled,
            "complete": complete,
        }


def test_the_hash_is_returned(desk):
    """The engine logs it."""
    order = desk.order()
    data = desk.verifier.encode("fill", order.values(), desk.sign(order), desk.taker, desk.taker, 0, ONE)
    assert desk.engine.read("run", desk.verifier.address, data) == desk.domain.digest(order)


def test_nonces_of_different_owners_and_words_are_different(desk):
    """One bit each: its neighbours, the same bit of the next word, and everyone else's, stay."""
    desk.fill(desk.order(nonce=255))
    assert [desk.used(nonce) for nonce in (254, 255, 256, 511)] == [0, 1, 0, 0]
    assert desk.used(255, owner=desk.taker) == 0
    desk.fill(desk.order(nonce=2**256 - 1))
    assert desk.used(2**256 - 1) == 1


def test_accounts_of_one_owner_share_his_nonces(desk):
    """The owner signs, not the account."""
    desk.fill(desk.order())
    with reverts("NonceUsed", desk.maker, 0):
        desk.fill(desk.order(account=cross(desk.maker, 1)))
    assert desk.status(desk.order(account=cross(desk.maker, 1))) == (CLOSED, 0)
