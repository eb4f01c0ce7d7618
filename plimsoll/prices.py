"""Price reports: what signers sign and `OracleRouter.update` takes.

    signer = ReportSigner(keys, router_address, chain_id)
    report = signer.report(published_at, [Quote(feed=1, value=3000 * PRICE, confidence=300)])    a batch's prologue

Format and EIP-712 type: interfaces/IPriceFeed.sol. Values are integers at 1e-10 quote per unit, confidences ppm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from plimsoll import reports
from plimsoll.abi import keccak
from plimsoll.errors import BadInput
from plimsoll.reports import Signers, address_of, sign

PRICE = 10**10  # one quote per unit
MAX_FEED, MAX_VALUE, MAX_CONFIDENCE = 2**8 - 1, 2**72 - 1, 2**24 - 1
_PRICE_LENGTH = 13

NAME = "Plimsoll Prices"
TYPE = keccak(b"PriceReport(uint256 publishedAt,uint256[] words)")

__all__ = [
    "PRICE",
    "Quote",
    "Report",
    "ReportSigner",
    "StoredEntry",
    "StoredPrice",
    "address_of",
    "decode",
    "digest",
    "domain_separator",
    "encode_report",
    "sign",
]


class Quote(NamedTuple):
    """One price in a report."""

    feed: int
    value: int
    confidence: int = 0

    def word(self) -> int:
        """feed (8 bits, lowest) · confidence (24) · value (72)."""
        for name, number, lowest, highest in (
            ("feed", self.feed, 1, MAX_FEED),
            ("confidence", self.confidence, 0, MAX_CONFIDENCE),
            ("price", self.value, 1, MAX_VALUE),
        ):
            if not lowest <= number <= highest:
                raise BadInput(name, number, f"a report takes {lowest} to {highest}")
        return self.feed | self.confidence << 8 | self.value << 32

    @classmethod
    def from_word(cls, word: int) -> Quote:
        return cls(word & MAX_FEED, word >> 32, word >> 8 & MAX_CONFIDENCE)


class Report(NamedTuple):
    """A report taken apart. Nothing is verified. `absent` are the signers who did not sign."""

    published_at: int
    quotes: tuple[Quote, ...]
    signatures: tuple[bytes, ...]
    absent: tuple[str, ...]


class StoredPrice(NamedTuple):
    """A word of `OracleRouter.read` taken apart (contracts/libraries/PriceWord.sol)."""

    value: int
    confidence: int
    published_at: int
    seen_at: int
    written_block: int
    disputed_until: int
    status: int
    mm_from: int = 0
    multiplier: int = 0
    phase: int = 0

    @classmethod
    def from_word(cls, word: int) -> StoredPrice:
        return cls(*_fields(word, (72, 24, 32, 32, 32, 32, 8, 8, 8, 8)))


class StoredEntry(NamedTuple):
    """An entry of the event `PricesStored`. `variance` is zero unless the price was a volatility sample."""

    feed: int
    confidence: int
    value: int
    mm_from: int
    multiplier: int
    phase: int
    published_at: int
    variance: int

    @classmethod
    def from_word(cls, word: int) -> StoredEntry:
        return cls(*_fields(word, (8, 24, 72, 8, 8, 8, 32, 72)))


def _fields(word: int, widths: Sequence[int]) -> list[int]:
    """Lowest first."""
    fields = []
    for bits in widths:
        fields.append(word & (1 << bits) - 1)
        word >>= bits
    return fields


def domain_separator(feed_address: str, chain_id: int) -> bytes:
    return reports.domain_separator(NAME, feed_address, chain_id)


def digest(domain: bytes, published_at: int, words: Sequence[int]) -> bytes:
    """What is signed: keccak256(0x1901 · domain separator · struct hash)."""
    return reports.digest(domain, TYPE, published_at, words)


def encode_report(published_at: int, words: Sequence[int], seals: Sequence[bytes]) -> bytes:
    """The report's bytes. `seals`, one per signer by ascending address: his signature, or his address (20 bytes)."""
    prices = [word.to_bytes(_PRICE_LENGTH, "big") for word in words]
    return reports.encode(published_at, prices, seals)


def decode(report: bytes) -> Report:
    """The inverse of `encode_report`. Raises BadInput for bytes that are no report."""
    raw = reports.decode(report, _PRICE_LENGTH, "price report")
    quotes = tuple(Quote.from_word(int.from_bytes(price, "big")) for price in raw.items)
    return Report(raw.published_at, quotes, raw.signatures, raw.absent)


class ReportSigner(Signers):
    """Signs price reports with several keys for one router on one chain."""

    __slots__ = ()

    name, type_hash = NAME, TYPE

    def report(self, published_at: int, quotes: Iterable[Quote], signers: Iterable[str] | None = None) -> bytes:
        """A finished report of `quotes`, all published at `published_at` (unix seconds)."""
        words = [quote.word() for quote in quotes]
        return encode_report(published_at, words, self.seals(published_at, words, signers))
