"""One spelling of an order: what its legs may be, by contract and twin alike."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from order_draws import orders
from order_world import reverts

from plimsoll.errors import BadInput, Reverted
from plimsoll.orders import ONE, Leg, Order, scaled

MAX = 2**63 - 1
#: legs, size, the contract's error and its values, the field that the twin names
MALFORMED = {
    "none": ([], ONE, ("LegCountInvalid", 0, 16), "order.legs"),
    "seventeen": ([(n, ONE) for n in range(17)], ONE, ("LegCountInvalid", 17, 16), "order.legs"),
    "repeated": ([(5, ONE), (5, ONE)], ONE, ("LegsNotAscending", 5, 5), "order.legs[1].instrument"),
    "descending": ([(1, ONE), (6, ONE), (5, ONE)], ONE, ("LegsNotAscending", 5, 6), "order.legs[2].instrument"),
    "empty": ([(1, ONE), (2, 0)], ONE, ("LegQuantityZero", 2), "order.legs[1].quantity"),
    "no size": ([(1, ONE)], 0, ("ZeroAmount",), "order.size"),
    "inexact": ([(1, ONE), (2, 1)], ONE + 1, ("QuantityInexact", 2, ONE + 1, 1), "order.legs[1].quantity"),
    "inexact below zero": ([(1, -1)], 3, ("QuantityInexact", 1, 3, -1), "order.legs[0].quantity"),
    "beyond": ([(1, MAX)], 2 * ONE, ("QuantityOverflow", 1, 2 * ONE, MAX), "order.legs[0].quantity"),
    "just beyond": ([(1, -ONE)], 2**63, ("QuantityOverflow", 1, 2**63, -ONE), "order.legs[0].quantity"),
    "without opposite": (
        [(1, -(2**63))],
        ONE // 2,
        ("QuantityOverflow", 1, ONE // 2, -(2**63)),
        "order.legs[0].quantity",
    ),
    "largest": ([(1, MAX)], 2**64 - 1, ("QuantityInexact", 1, 2**64 - 1, MAX), "order.legs[0].quantity"),
}


def changed(desk, legs, size):
    """The values of an order with other legs and another size, canonical or not."""
    account, _, _, *rest = desk.order().values()
    return (account, legs, size, *rest)


def accepted(desk, values):
    """Whether the contract takes it; it fills unsigned orders of who sends them."""
    try:
        desk.send(values, values[2], b"", caller=desk.maker)
    except Reverted as error:
        assert error.name in {malformed[2][0] for malformed in MALFORMED.values()}
        return False
    return True


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_order_is_refused(desk, case):
    """By the fill, by the view and by the twin, each naming what is wrong."""
    legs, size, error, field = MALFORMED[case]
    values = changed(desk, legs, size)
    with reverts(*error):
        desk.send(values, size or 1, b"", caller=desk.maker)
    with reverts(*error):
        desk.verifier.read("statusOf", values)
    with pytest.raises(BadInput) as caught:
        Order(values[0], tuple(Leg(*leg) for leg in legs), *values[2:])
    assert caught.value.what == field


@pytest.mark.parametrize(
    ("legs", "size"),
    [
        ([(0, MAX)], ONE),
        ([(0, -MAX), (2**64 - 1, 1)], ONE),
        ([(7, ONE)], MAX),
        ([(7, 1)], ONE * (2**64 // ONE - 1)),
        ([(n, (-1) ** n) for n in range(16)], ONE),
        ([(7, ONE * ONE)], 1),
    ],
)
def test_the_widest_orders_are_taken(desk, legs, size):
    """The ends of every range."""
    values = changed(desk, legs, size)
    desk.send(values, size, b"", caller=desk.maker)
    assert desk.used() == 1


@settings(max_examples=150, deadline=None)
@given(
    legs=st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3) | st.integers(-(2**63), MAX)), max_size=4),
    size=st.integers(0, 5) | st.integers(0, 2**64 - 1) | st.integers(1, 2**30).map(lambda packages: packages * ONE),
)
@example(legs=[(1, -(2**63))], size=ONE)
@example(legs=[(1, ONE)], size=MAX)
def test_contract_and_twin_take_the_same_orders(deployed_orders, legs, size):
    """Whatever the one refuses the other does."""
    desk = deployed_orders
    snapshot = desk.chain.snapshot()
    values = changed(desk, legs, size)
    try:
        Order(values[0], tuple(Leg(*leg) for leg in legs), *values[2:])
        ours = True
    except BadInput:
        ours = False
    if size:
        theirs = accepted(desk, values)
        desk.chain.revert(snapshot)
        assert theirs == ours
    else:
        desk.chain.revert(snapshot)
        assert not ours


@settings(max_examples=50, deadline=None)
@given(order=orders())
def test_a_whole_order_comes_to_whole_quantities(order):
    """Times its size, in exact fractions; never beyond what an int64 and its opposite hold."""
    for leg in order.legs:
        change = scaled(leg, order.size)
        assert change * ONE == leg.quantity * order.size
        assert -MAX <= change <= MAX
