"""Seeded numbers over the whole of their ranges."""

from __future__ import annotations

import random


class Draw(random.Random):
    def bits(self, bits: int) -> int:
        """Unsigned, log-uniform, with the ends and small numbers often."""
        pick = self.random()
        if pick < 0.1:
            return self.choice([0, 1, (1 << bits) - 1, 1 << bits - 1])
        return self.getrandbits(self.randint(1, bits))

    def signed(self, bits: int) -> int:
        """Of either sign with |x| < 2^bits."""
        return self.bits(bits) * self.choice([1, -1])

    def fraction(self) -> int:
        """A WAD fraction in [0, 1], ends included."""
        return self.choice([0, 1, 10**18 - 1, 10**18, self.randint(0, 10**18), self.bits(59)])
