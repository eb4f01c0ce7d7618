"""What a book is made of: words taken apart, one asset's loans, and what lies outside of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from campaign.cast import ASSETS, MARKETS
from plimsoll.margin import account as twin
from plimsoll.margin import epoch_math, interest_math, words
from plimsoll.margin.interest_math import INDEX_ONE

MARKET_WORDS = (
    words.MarketState,
    words.MarketRisk,
    words.MarketCosts,
    words.MarketTrade,
    words.MarketInsurance,
    words.MarketRamp,
    words.MarketLoss,
    words.MarketClosing,
)


@lru_cache(maxsize=1 << 18)
def decode(kind: type, word: int):
    """A word taken apart; most words do not change from step to step."""
    return kind.from_word(word)


@lru_cache(maxsize=1 << 14)
def decode_epoch(factors: int, terms: int) -> epoch_math.Epoch:
    return epoch_math.unpack(factors, terms)


@dataclass(frozen=True, slots=True)
class Outside:
    """What is not in the engine: tokens and shares by asset and holder, shares of pool and stake, the queues."""

    holdings: list[list[int]]
    shares: list[list[int]]
    supplies: list[int]
    lp: list[int]
    lp_supply: int
    escrowed: int
    claimable: dict[str, int]
    stake: list[int]
    stake_supply: int
    queued: list[int]
    queues: list[list[tuple[str, int]]]  # what waits, in order: to whom and how much
    set_aside: list[dict[str, int]]  # what could not be paid, by receiver


@dataclass(frozen=True, slots=True)
class Loans:
    """One asset's loans at a moment, as LendingBook would open them."""

    debt_index: int
    lent_index: int
    lent_shares: int
    debt_shares: int
    reserve: int

    @property
    def lent(self) -> int:
        return interest_math.amount_down(self.lent_shares, self.lent_index)

    @property
    def borrowed(self) -> int:
        return interest_math.amount_up(self.debt_shares, self.debt_index)

    @property
    def cash(self) -> int:
        return max(self.lent + self.reserve - self.borrowed, 0)

    @property
    def exact(self) -> int:
        """What the vault owes for it all, in 1e-12 of a unit."""
        return self.lent_shares * self.lent_index - self.debt_shares * self.debt_index + self.reserve * INDEX_ONE


@lru_cache(maxsize=1 << 16)
def account_of(account: bytes, row: tuple[int, ...]) -> twin.Account:
    header = decode(words.Header, row[0])
    return twin.Account(
        account,
        header,
        {asset: decode(words.Balance, row[1 + n]) for n, asset in enumerate(ASSETS)},
        {market: decode(words.Position, row[1 + len(ASSETS) + n]) for n, market in enumerate(MARKETS)},
    )
