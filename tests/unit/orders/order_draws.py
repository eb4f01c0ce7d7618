"""Orders for Hypothesis: drawn from a seed, since sixteen legs one by one take it longer than what is tested."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from plimsoll.accounts import AccountId, Mode
from plimsoll.orders import ONE, Leg, Order


def address(random):
    return f"0x{random.getrandbits(160):040x}"


def whole(random, bits, *, signed=False):
    """Of all of a type's range, its ends more often."""
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return random.choice((lowest, highest, random.randint(lowest, highest), random.randint(lowest, highest)))


def account(random):
    mode = random.choice(list(Mode))
    market = whole(random, 16) if mode == Mode.ISOLATED else 0
    return bytes(AccountId(address(random), mode, market, whole(random, 72)))


def order(random):
    """Canonical, with whole packages or whole quantities, and everything else in all its range."""
    instruments = sorted({whole(random, 64) for _ in range(random.randint(1, 16))})
    size, unit, most = random.choice(
        ((random.randint(1, 2**20) * ONE, 1, 2**42), (random.randint(1, 2**40), ONE, 2**22))
    )
    quantities = [random.choice((-1, 1)) * random.randint(1, most) * unit for _ in instruments]
    terms = [whole(random, bits, signed=bits == 128) for bits in (128, 32, 256, 64, 32, 32)]
    legs = tuple(map(Leg, instruments, quantities))
    return Order(account(random), legs, size, *terms, address(random), random.random() < 0.5)


def orders():
    return st.integers(0, 2**32).map(lambda seed: order(Random(seed)))
