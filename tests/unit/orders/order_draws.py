"""Hypothesis strategies for orders."""

from __future__ import annotations

from hypothesis import strategies as st

from plimsoll.accounts import AccountId, Mode
from plimsoll.orders import ONE, Leg, Order

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


def whole(bits, *, signed=False):
    """All of a type's range, its ends more often."""
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return st.integers(lowest, highest) | st.sampled_from([lowest, highest])


@st.composite
def accounts(draw):
    mode = draw(st.sampled_from(Mode))
    market = draw(whole(16)) if mode == Mode.ISOLATED else 0
    return bytes(AccountId(draw(addresses), mode, market, draw(whole(72))))


@st.composite
def orders(draw):
    """Canonical orders, whole packages or whole quantities, in all their ranges."""
    instruments = sorted(draw(st.sets(whole(64), min_size=1, max_size=16)))
    if draw(st.booleans()):
        size, most = ONE * draw(st.integers(1, 2**20)), 2**42
        quantities = st.integers(-most, most).filter(bool)
    else:
        size, most = draw(st.integers(1, 2**40)), 2**22
        quantities = st.integers(-most, most).filter(bool).map(lambda units: units * ONE)
    legs = tuple(Leg(instrument, draw(quantities)) for instrument in instruments)
    terms = [draw(whole(128, signed=True)), draw(whole(32)), draw(whole(256)), *(draw(whole(b)) for b in (64, 32, 32))]
    return Order(draw(accounts()), legs, size, *terms, draw(addresses), draw(st.booleans()))
