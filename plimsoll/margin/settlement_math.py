"""How an expiry's settlement price comes about, and what it will be if the price stays where it is. Twin of
contracts/libraries/SettlementMath.sol.

known = known_of(settlement, expiry, time, failed=False)      None where an option is written on the spot
known.price(spot), known.carry(carry), known.share            what it is written on, its basis, its part of a move
"""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.margin.fixed_math import WAD, truncate_div
from plimsoll.margin.option_series import MINUTE
from plimsoll.margin.words import Settlement

WINDOW, COVERAGE, MAX_STEP = 1_800, 1_200, 120  # seconds
REST_BIT, TOTAL_BIT, WEIGHTED_BIT = 120, 136, 160
PRICE_MASK, CARRY_MASK = 2**72 - 1, 2**64 - 1


@dataclass(frozen=True, slots=True)
class Known:
    """Σ price × seconds recorded, and how many of `total` seconds the price of now counts for."""

    weighted: int
    rest: int
    total: int

    @property
    def share(self) -> float:
        """What of a move of the spot reaches the settlement price."""
        return self.rest / self.total

    def price(self, spot: int) -> int:
        return (self.weighted + self.rest * spot) // self.total

    def carry(self, value: int) -> int:
        """A surface's carry, WAD, as far as it is still open: toward one."""
        return WAD + truncate_div((value - WAD) * self.rest, self.total) if value else 0

    def to_bits(self) -> int:
        """As they lie in the first word of an expiry (IOptionModel)."""
        return self.rest << REST_BIT | self.total << TOTAL_BIT | self.weighted << WEIGHTED_BIT

    def enter(self, words: list[int]) -> list[int]:
        """The five words of an expiry whose price it is of, that were made at the spot."""
        first, second, *curve, third = words
        second = second & ~PRICE_MASK | self.price(second & PRICE_MASK)
        return [first | self.to_bits(), second, *curve, third & ~CARRY_MASK | self.carry(third & CARRY_MASK)]

    @classmethod
    def of_bits(cls, first: int) -> Known | None:
        total = first >> TOTAL_BIT & 0xFFFF
        return cls(first >> WEIGHTED_BIT, first >> REST_BIT & 0xFFFF, total) if total else None


def step(observed_at: int, end: int, time: int) -> int:
    """The seconds that a look at `time` stands for, within the window."""
    since = observed_at or end - WINDOW
    until = min(time, end) if since < end else time
    return min(until - since, MAX_STEP)


def known_of(settlement: Settlement, expiry: int, time: int, *, failed: bool) -> Known | None:
    """None before the window, and once the price is final. `expiry` in minutes; `failed`: the price is not good."""
    end = expiry * MINUTE
    if settlement.price or time <= end - WINDOW:
        return None
    covered = settlement.covered
    if time >= end and failed and covered >= COVERAGE:
        return Known(settlement.weighted, 0, covered)
    total = covered + max(end - time, 0) + step(settlement.observed_at, end, time)
    total = max(total, COVERAGE)
    return Known(settlement.weighted, total - covered, total)
