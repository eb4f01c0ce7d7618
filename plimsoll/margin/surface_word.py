"""The three packed words of a volatility surface. Twin of contracts/libraries/SurfaceWord.sol.

    words = Surface.from_words(feed.read("read", [key(market, expiry)])) …  .to_words()

Layout, units and meaning: interfaces/IVolatilityFeed.sol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.margin.word import Word, sint, uint

STALE, DISPUTED, MISSING = 1, 2, 4

MAX_MARKET, MAX_EXPIRY = 2**6 - 1, 2**32 - 1
STAMP_SHIFT, KEY_SHIFT = 200, 200


def key(market: int, expiry: int) -> int:
    """`expiry` in minutes since 1970."""
    return market << 32 | expiry


def market_of(key: int) -> int:
    return key >> 32


def expiry_of(key: int) -> int:
    """Minutes since 1970."""
    return key & MAX_EXPIRY


@dataclass(frozen=True, slots=True)
class Smile(Word):
    """Word 0: total variance w(k) = a + b(ρ(k − m) + √((k − m)² + σ²)), σ in word 1. WAD."""

    a: int = sint(64)
    b: int = sint(64)
    rho: int = sint(64)
    m: int = sint(64)


@dataclass(frozen=True, slots=True)
class Fit(Word):
    """Word 1: σ, the forward (1e-10) and the time (WAD years) the smile was fitted at, and when it came."""

    sigma: int = uint(64)
    forward_ref: int = uint(72)
    tau: int = uint(64)
    published_at: int = uint(32)
    written_block: int = uint(24)


@dataclass(frozen=True, slots=True)
class Terms(Word):
    """Word 2: forward / spot (WAD), the rate (WAD per year), how uncertain forward, rate and vol are (ppm)."""

    carry: int = uint(64)
    rate: int = sint(64)
    forward_confidence: int = uint(24)
    rate_confidence: int = uint(24)
    vol_confidence: int = uint(24)
    status: int = uint(8)


class Surface(NamedTuple):
    """One market and expiry."""

    smile: Smile
    fit: Fit
    terms: Terms

    @classmethod
    def from_words(cls, words: Sequence[int]) -> Surface:
        word0, word1, word2 = words
        return cls(Smile.from_word(word0), Fit.from_word(word1), Terms.from_word(word2))

    def to_words(self) -> tuple[int, int, int]:
        return self.smile.to_word(), self.fit.to_word(), self.terms.to_word()
