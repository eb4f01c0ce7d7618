"""The packed word of a price. Twin of contracts/libraries/PriceWord.sol; `now` stands for block.timestamp."""

from __future__ import annotations

MAX_VALUE = 2**72 - 1
MAX_CONFIDENCE = 2**24 - 1

WIDE = 1
DEVIATES = 2
REFERENCE_DOWN = 4

_UINT32 = 2**32 - 1
_VOLATILITY = 0xFFFFFF << 232
_LAST_GOOD = _VOLATILITY | 2**128 - 1


def value(word: int) -> int:
    return word & MAX_VALUE


def confidence(word: int) -> int:
    return word >> 72 & MAX_CONFIDENCE


def published_at(word: int) -> int:
    return word >> 96 & _UINT32


def seen_at(word: int) -> int:
    return word >> 128 & _UINT32


def written_block(word: int) -> int:
    """The block of the last change, modulo 2^32."""
    return word >> 160 & _UINT32


def disputed_until(word: int) -> int:
    return word >> 192 & _UINT32


def status(word: int) -> int:
    return word >> 224 & 0xFF


def mm_from(word: int) -> int:
    """What MM's multiplier was at the last sample, (m − 1)·64."""
    return word >> 232 & 0xFF


def multiplier(word: int) -> int:
    """What it moves to, and IM's multiplier already is, (m − 1)·64."""
    return word >> 240 & 0xFF


def phase(word: int) -> int:
    """When within the interval of published_at it began to move, in 1/128 of an interval."""
    return word >> 248


def volatility(word: int) -> int:
    """The three volatility fields, in place."""
    return word & _VOLATILITY


def pack_volatility(mm_from: int, multiplier: int, phase: int) -> int:
    """The volatility fields in place, the rest zero."""
    return mm_from << 232 | multiplier << 240 | phase << 248


def is_disputed(word: int, now: int) -> bool:
    return now < disputed_until(word)


def age(word: int, now: int) -> int:
    """Seconds since the last good price was published; zero while the signers' clock runs ahead."""
    return max(now - published_at(word), 0)


def pack(
    value: int,
    confidence: int,
    published_at: int,
    seen_at: int,
    written_block: int,
    disputed_until: int,
    status: int,
) -> int:
    """Nothing is masked but the block number, which wraps."""
    return (
        value
        | confidence << 72
        | published_at << 96
        | seen_at << 128
        | (written_block & _UINT32) << 160
        | disputed_until << 192
        | status << 224
    )


def rejected(word: int, seen_at: int, written_block: int, status: int) -> int:
    """`word` after a report that failed its tests: the last good price stays."""
    return (word & _LAST_GOOD) | pack(0, 0, 0, seen_at, written_block, disputed_until(word), status)


def with_dispute(word: int, until: int) -> int:
    return word & ~(_UINT32 << 192) | until << 192
