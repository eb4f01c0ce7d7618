"""Any sequence of fills and cancellations: no order is filled beyond its size, no nonce for two, nothing comes back."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from order_world import CLOSED, EXPIRED, GROUP_CANCELLED, LOCKED_DOWN, OPEN, SUPERSEDED, build

from plimsoll import contracts
from plimsoll.errors import Reverted
from plimsoll.orders import ONE, Leg

CHOICES = st.integers(0, 7)


class Orders(RuleBasedStateMachine):
    """Orders that share nonces and groups, before a model that knows only what was filled and what was cancelled."""

    @initialize()
    def begin(self):
        self.desk = build()
        self.start = self.desk.now
        self.orders = [
            self.desk.order(
                legs=(Leg(number, ONE // 2),),
                size=(2 + number) * ONE,
                nonce=(0, 1, 1, 255, 256, 257, 257, 257)[number],
                group=(0, 0, 0, 1, 1, 2, 1, 0)[number],
                expiry=self.start + 100 * (number + 1),
            )
            for number in range(8)
        ]
        self.filled = Counter()
        self.first = {}  # nonce: the order that was filled first
        self.cancelled = set()
        self.used = 0
        self.epochs, self.lockdowns = Counter(), 0

    def expected(self, order):
        """What the contract has to say, by the model alone."""
        mine = self.orders.index(order)
        if order.nonce in self.cancelled or self.filled[self.first.get(order.nonce)] >= self.size_of(order.nonce):
            return CLOSED
        if self.first.get(order.nonce, mine) != mine:
            return SUPERSEDED
        if self.desk.now > order.expiry:
            return EXPIRED
        if order.group and self.epochs[order.group]:
            return GROUP_CANCELLED
        return LOCKED_DOWN if self.lockdowns else OPEN

    def size_of(self, nonce):
        return self.orders[self.first[nonce]].size if nonce in self.first else 1

    @rule(number=CHOICES, part=st.sampled_from([1, 2, ONE - 2, ONE, ONE + 2, 3 * ONE]) | st.just(None))
    def fill(self, number, part):
        order = self.orders[number]
        size = order.size if part is None else part
        state, left = self.expected(order), order.size - self.filled[number]
        allowed = state == OPEN and size <= left and size % 2 == 0
        try:
            receipt = self.desk.fill(order, size, lockdown=self.lockdowns)
        except Reverted:
            assert not allowed
            return
        assert allowed
        self.filled[number] += size
        self.first.setdefault(order.nonce, number)
        (told,) = contracts.events(receipt.logs, "OrderFilled")
        assert (told.args["filled"], told.args["complete"]) == (self.filled[number], size == left)

    @rule(nonces=st.lists(st.sampled_from([0, 1, 255, 256, 257]), max_size=2))
    def cancel(self, nonces):
        self.desk.by(self.desk.maker, "cancel", nonces)
        self.cancelled |= set(nonces)

    @rule(word=st.integers(0, 1), mask=st.sampled_from([0, 0b10, 1 << 255]))
    def cancel_word(self, word, mask):
        self.desk.by(self.desk.maker, "cancelWord", word, mask)
        self.cancelled |= {word << 8 | bit for bit in range(256) if mask >> bit & 1}

    @rule(group=st.integers(1, 2))
    def cancel_group(self, group):
        self.desk.by(self.desk.maker, "cancelGroup", group)
        self.epochs[group] += 1

    @rule(seconds=st.integers(1, 150))
    def wait(self, seconds):
        self.desk.chain.advance(seconds)

    @rule()
    def lock_down(self):
        self.desk.engine.write("lockdown", sender=self.desk.maker)
        self.lockdowns += 1

    @rule(nonce=st.sampled_from([0, 1, 255, 256, 257]))
    def another_owner_does_the_same(self, nonce):
        self.desk.by(self.desk.taker, "cancel", [nonce])
        self.desk.by(self.desk.taker, "cancelGroup", 1)

    @invariant()
    def nothing_is_filled_beyond_its_size(self):
        for number, order in enumerate(getattr(self, "orders", ())):
            assert self.filled[number] <= order.size
            state = self.expected(order)
            left = order.size - self.filled[number] if state == OPEN else 0
            assert self.desk.status(order) == (state, left)
        by_nonce = Counter(self.orders[number].nonce for number, filled in self.filled.items() if filled)
        assert all(count == 1 for count in by_nonce.values())


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
