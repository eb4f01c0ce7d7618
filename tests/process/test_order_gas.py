"""What a fill costs by itself, every slot cold: execution gas, without the 21,000 and the calldata of its transaction.

pytest -p no:pytest-brownie -s tests/process/test_order_gas.py          prints the figures
"""

from __future__ import annotations

import pytest
from coincurve import PrivateKey

from plimsoll import contracts
from plimsoll.accounts import cross
from plimsoll.chain import Anvil
from plimsoll.contracts import Contract
from plimsoll.orders import ONE, Domain, Leg, Order
from plimsoll.prices import address_of, sign

pytestmark = pytest.mark.anvil
KEY = PrivateKey(bytes([1]) * 32)
#: Most that may be spent. The bitmap's word is in use unless it says so.
BOUNDS = {
    "whole": 20_000,
    "whole, 16 legs": 36_500,
    "whole, first of a word": 37_000,
    "first part": 37_000,
    "next part": 20_000,
    "last part": 20_000,
    "whole, by a wallet": 30_000,
}


class Desk:
    """Fills are sent by the engine, which is a plain account here."""

    def __init__(self, chain):
        self.chain, self.engine = chain, chain.accounts[1]
        self.verifier = self.put("OrderVerifier", self.engine)
        self.domain = Domain(self.verifier.address, chain.chain_id)
        self.owner = address_of(KEY.public_key)
        self.wallet = self.put("MockWallet", self.owner).address

    def put(self, name, *args):
        artifact = contracts.load()[name]
        receipt = self.chain.deploy(self.chain.accounts[0], artifact.creation(*args))
        return Contract(self.chain, receipt.contract_address, artifact)

    def fill(self, nonce, size=3 * ONE, legs=1, owner=None):
        """Execution gas of one fill in a transaction of its own."""
        account, taker = cross(owner or self.owner), self.chain.accounts[2]
        chosen = tuple(Leg(3 << 56 | number, (-1) ** number * ONE) for number in range(legs))
        order = Order(account, chosen, 3 * ONE, 10**11, 2**32 - 1, nonce)
        arguments = (order.values(), sign(KEY, self.domain.digest(order)), taker, taker, 0, size)
        data = self.verifier.encode("fill", *arguments)
        used = self.chain.send(self.engine, self.verifier.address, data).gas_used
        return used - 21_000 - sum(16 if byte else 4 for byte in data)


@pytest.fixture(scope="module")
def figures():
    with Anvil(accounts=3) as chain:
        desk = Desk(chain)
        found = {"whole, first of a word": desk.fill(0), "whole": desk.fill(1), "whole, 16 legs": desk.fill(2, legs=16)}
        found |= {f"{name} part": desk.fill(3, ONE) for name in ("first", "next", "last")}
        desk.fill(0, owner=desk.wallet)
        return found | {"whole, by a wallet": desk.fill(1, owner=desk.wallet)}


@pytest.mark.parametrize("what", BOUNDS)
def test_a_fill_stays_within_its_bound(figures, what):
    """A fresh order that is filled at once writes one word, and that is most of what it costs."""
    print(f"{what}: {figures[what]:,}")
    assert figures[what] <= BOUNDS[what]


def test_a_further_leg_is_cheap(figures):
    """Read, checked and hashed."""
    leg = -(-(figures["whole, 16 legs"] - figures["whole"]) // 15)
    print(f"a further leg: {leg:,}")
    assert leg <= 1_100
