"""OrderVerifier: what ends an order before it is filled: time, its owner, and whom it was meant for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from order_world import CLOSED, EXPIRED, GROUP_CANCELLED, LOCKED_DOWN, MAKER, OPEN, reverts

from plimsoll import contracts
from plimsoll.orders import ONE

# ---------------------------------------------------------------- time


def test_an_order_is_refused_one_second_after_its_expiry(desk):
    """It is good in the second that it names."""
    order = desk.order()
    desk.chain.set_timestamp(order.expiry + 1)
    with reverts("OrderExpired", order.expiry, order.expiry + 1):
        desk.fill(order)
    assert desk.status(order) == (EXPIRED, 0)


def test_an_order_is_filled_in_its_last_second(desk):
    """Also the rest of one that was filled before."""
    order = desk.order()
    desk.fill(order, ONE)
    desk.chain.set_timestamp(order.expiry)
    assert desk.status(order) == (OPEN, 2 * ONE)
    desk.fill(order, 2 * ONE)
    assert desk.status(order) == (CLOSED, 0)


# ---------------------------------------------------------------- nonces


def test_a_cancelled_nonce_is_refused(desk):
    """Of a fresh order and of one that was filled in part."""
    fresh, begun = desk.order(nonce=1), desk.order(nonce=2)
    desk.fill(begun, ONE)
    desk.by(desk.maker, "cancel", [1, 2])
    for order in (fresh, begun):
        with reverts("NonceUsed", desk.maker, order.nonce):
            desk.fill(order, ONE)
        assert desk.status(order) == (CLOSED, 0)


def test_strangers_cancel_only_their_own(desk):
    """The nonces of who sends it, whatever he names."""
    order = desk.order(group=4)
    desk.by(desk.taker, "cancel", [order.nonce])
    desk.by(desk.taker, "cancelWord", 0, 2**256 - 1)
    desk.by(desk.taker, "cancelGroup", 4)
    assert desk.status(order) == (OPEN, order.size)
    assert desk.used(0, owner=desk.taker) == 1


def test_nonces_of_several_words_are_cancelled_together(desk):
    """Consecutive ones of a word in one write and one log; others as they come, repeated ones too."""
    nonces = [1, 3, 3, 256, 5, 2**256 - 1]
    receipt = desk.by(desk.maker, "cancel", nonces)
    told = [(event.args["word"], event.args["mask"]) for event in contracts.events(receipt.logs, "NoncesCancelled")]
    assert told == [(0, 0b1010), (1, 1), (0, 1 << 5), (2**248 - 1, 1 << 255)]
    assert [desk.used(nonce) for nonce in (0, *nonces)] == [0, 1, 1, 1, 1, 1, 1]


def test_a_word_is_cancelled_whole_or_by_mask(desk):
    """A mask adds; nothing brings a nonce back."""
    told = desk.event(desk.by(desk.maker, "cancelWord", 1, 0b110), "NoncesCancelled")
    assert told == {"owner": desk.maker, "word": 1, "mask": 0b110}
    desk.by(desk.maker, "cancelWord", 1, 0)
    assert [desk.used(nonce) for nonce in (256, 257, 258, 259)] == [0, 1, 1, 0]
    desk.by(desk.maker, "cancelWord", 1, 2**256 - 1)
    assert desk.verifier.read("noncesOf", desk.maker, 1) == 2**256 - 1
    assert desk.verifier.read("noncesOf", desk.maker, 2) == 0


def test_cancelling_nothing_changes_nothing(desk):
    """An empty list is no error: whoever builds one from what is open may find nothing."""
    assert desk.by(desk.maker, "cancel", []).logs == []
    assert desk.used() == 0


# ---------------------------------------------------------------- groups


def test_orders_of_a_cancelled_group_are_refused(desk):
    """All of them at once, begun or not; those of other groups and of none stay."""
    gone, begun, other, alone = (desk.order(nonce=n, group=g) for n, g in ((1, 9), (2, 9), (3, 8), (4, 0)))
    desk.fill(begun, ONE)
    told = desk.event(desk.by(desk.maker, "cancelGroup", 9), "GroupCancelled")
    assert told == {"owner": desk.maker, "group": 9, "epoch": 1}
    for order in (gone, begun):
        with reverts("GroupEpochMismatch", 9, 0, 1):
            desk.fill(order, ONE)
        assert desk.status(order) == (GROUP_CANCELLED, 0)
    for order in (other, alone):
        desk.fill(order)
        assert desk.status(order) == (CLOSED, 0)


def test_orders_of_the_groups_new_epoch_are_filled(desk):
    """One signed ahead for a later epoch is not: it would survive the next cancelling."""
    desk.by(desk.maker, "cancelGroup", 9)
    assert desk.verifier.read("groupEpochOf", desk.maker, 9) == 1
    with reverts("GroupEpochMismatch", 9, 2, 1):
        desk.fill(desk.order(group=9, group_epoch=2))
    desk.fill(desk.order(group=9, group_epoch=1))
    assert desk.used() == 1


def test_there_is_no_group_zero(desk):
    """It means none, so cancelling it would cancel nothing, silently."""
    with reverts("GroupMissing"):
        desk.by(desk.maker, "cancelGroup", 0)
    assert desk.verifier.read("groupEpochOf", desk.maker, 0) == 0


# ---------------------------------------------------------------- lockdown


def test_orders_from_before_a_lockdown_are_refused(desk):
    """Every order of the owner, by the engine's own counter: a fill is handed it, the view reads it."""
    order = desk.order()
    desk.engine.write("lockdown", sender=desk.maker)
    with reverts("LockdownMismatch", 0, 1):
        desk.fill(order, lockdown=1)
    assert desk.status(order) == (LOCKED_DOWN, 0)
    later = replace(order, lockdown=1)
    assert desk.status(later) == (OPEN, order.size)
    desk.fill(later, lockdown=1)
    assert desk.used() == 1


def test_an_order_for_a_lockdown_to_come_is_refused(desk):
    """It would be a way around the next one."""
    order = desk.order(lockdown=1)
    with reverts("LockdownMismatch", 1, 0):
        desk.fill(order)
    assert desk.status(order) == (LOCKED_DOWN, 0)


def test_another_owners_lockdown_changes_nothing(desk):
    """A lockdown is one's own."""
    desk.engine.write("lockdown", sender=desk.taker)
    assert desk.status(desk.order()) == (OPEN, 3 * ONE)


# ---------------------------------------------------------------- the other side


def test_an_order_for_one_taker_is_refused_to_others(desk):
    """Owners are compared: who sends the batch is another matter."""
    named = desk.chain.accounts[2]
    order = desk.order(taker=named)
    with reverts("CounterpartyNotAllowed", named, desk.taker):
        desk.fill(order, caller=named, counterparty=desk.taker)
    desk.fill(order, caller=desk.taker, counterparty=named)
    assert desk.status(order) == (CLOSED, 0)


@pytest.mark.parametrize("reduce_only", [False, True])
def test_terms_that_the_engine_holds_are_signed_too(desk, reduce_only):
    """Limit and reduce-only are not judged here, but nobody can change them."""
    order = desk.order(reduce_only=reduce_only)
    signature = desk.sign(order, MAKER)
    for changed in (replace(order, reduce_only=not reduce_only), replace(order, limit=order.limit + 1)):
        with reverts("SignatureInvalid", desk.maker, desk.domain.digest(changed)):
            desk.fill(changed, signature=signature)
    desk.fill(order, signature=signature)
    assert desk.used() == 1
