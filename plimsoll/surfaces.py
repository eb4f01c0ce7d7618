"""Surface reports: what signers sign and `VolatilityFeed.update` takes.

    signer = SurfaceSigner(keys, feed_address, chain_id)
    eth = Quoted(market=0, expiry=minutes, surface=Surface(Smile(…), Fit(…), Terms(…)))
    report = signer.report(published_at, [eth, …])

Format and EIP-712 type: interfaces/IVolatilityFeed.sol; units: plimsoll.margin.surface_word.
`require_good` tells before signing what the contract would say after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from plimsoll import reports
from plimsoll.abi import keccak
from plimsoll.errors import BadInput
from plimsoll.margin import surface_word
from plimsoll.margin.surface_checks import Reason, Rules, crossing, examine
from plimsoll.margin.surface_word import KEY_SHIFT, MAX_EXPIRY, MAX_MARKET, STAMP_SHIFT, Fit, Smile, Surface, Terms
from plimsoll.margin.word import FieldOverflow
from plimsoll.reports import Signers

NAME = "Plimsoll Surfaces"
TYPE = keccak(b"SurfaceReport(uint256 publishedAt,uint256[] words)")
_LENGTHS = (32, 25, 30)
SURFACE_LENGTH = sum(_LENGTHS)

__all__ = [
    "Fit",
    "Quoted",
    "Reason",
    "Report",
    "Rules",
    "Smile",
    "Surface",
    "SurfaceSigner",
    "Terms",
    "decode",
    "encode_report",
    "require_good",
]


class Quoted(NamedTuple):
    """One surface in a report. `expiry` in minutes since 1970."""

    market: int
    expiry: int
    surface: Surface

    @property
    def key(self) -> int:
        return surface_word.key(self.market, self.expiry)

    def words(self) -> tuple[int, int, int]:
        """As they are signed: without when it was published and written, with its key."""
        for name, number, highest in (("market", self.market, MAX_MARKET), ("expiry", self.expiry, MAX_EXPIRY)):
            if not 0 <= number <= highest:
                raise BadInput(name, number, f"a report takes 0 to {highest}")
        try:
            word0, word1, word2 = self.surface.to_words()
        except FieldOverflow as error:
            raise BadInput("surface", self.key, str(error)) from None
        return word0, word1 & (1 << STAMP_SHIFT) - 1, word2 & (1 << KEY_SHIFT) - 1 | self.key << KEY_SHIFT

    @classmethod
    def from_words(cls, words: Sequence[int]) -> Quoted:
        word0, word1, word2 = words
        key = word2 >> KEY_SHIFT
        surface = Surface.from_words((word0, word1, word2 & (1 << KEY_SHIFT) - 1))
        return cls(surface_word.market_of(key), surface_word.expiry_of(key), surface)


class Report(NamedTuple):
    """A report taken apart. Nothing is verified. `absent` are the signers who did not sign."""

    published_at: int
    surfaces: tuple[Quoted, ...]
    signatures: tuple[bytes, ...]
    absent: tuple[str, ...]


def encode_report(published_at: int, words: Sequence[int], seals: Sequence[bytes]) -> bytes:
    """The report's bytes; `words` three per surface, `seals` as in plimsoll.prices."""
    items = []
    for at in range(0, len(words), 3):
        parts = zip(words[at : at + 3], _LENGTHS, strict=True)
        items.append(b"".join(word.to_bytes(length, "big") for word, length in parts))
    return reports.encode(published_at, items, seals)


def decode(report: bytes) -> Report:
    """The inverse of `encode_report`. Raises BadInput for bytes that are no report."""
    raw = reports.decode(report, SURFACE_LENGTH, "surface report")
    return Report(raw.published_at, tuple(map(_quoted, raw.items)), raw.signatures, raw.absent)


def _quoted(item: bytes) -> Quoted:
    words, at = [], 0
    for length in _LENGTHS:
        words.append(int.from_bytes(item[at : at + length], "big"))
        at += length
    return Quoted.from_words(words)


class SurfaceSigner(Signers):
    """Signs surface reports with several keys for one feed on one chain."""

    __slots__ = ()

    name, type_hash = NAME, TYPE

    def report(self, published_at: int, surfaces: Iterable[Quoted], signers: Iterable[str] | None = None) -> bytes:
        """A finished report, its surfaces put in order, all published at `published_at` (unix seconds)."""
        quoted = sorted(surfaces, key=lambda item: item.key)
        for one, other in pairwise(quoted):
            if one.key == other.key:
                raise BadInput(
                    "surfaces", (one.market, one.expiry), "a report holds one surface of a market and expiry"
                )
        words = [word for item in quoted for word in item.words()]
        return encode_report(published_at, words, self.seals(published_at, words, signers))


def require_good(surfaces: Iterable[Quoted], rules: Mapping[int, Rules], published_at: int, now: int) -> None:
    """BadInput, with the contract's reason, for the first surface that it would refuse, alone or beside its neighbour
    in `surfaces`. What is stored for other expiries is not known here."""
    quoted = sorted(surfaces, key=lambda item: item.key)
    for item in quoted:
        where = (item.market, item.expiry)
        if item.market not in rules:
            raise BadInput("surface", where, "the market has no rules (MARKET_UNKNOWN)")
        if refusal := examine(rules[item.market], item.surface, item.expiry * 60, published_at, now):
            remedy = f"{refusal.reason.name}: {refusal.value} against {refusal.limit}"
            raise BadInput("surface", where, remedy)
    for nearer, farther in pairwise(quoted):
        if nearer.market == farther.market and (found := crossing(nearer.surface, farther.surface)):
            remedy = f"CALENDAR_NEARER: total variance {found[1]} below {found[0]} of expiry {nearer.expiry}"
            raise BadInput("surface", (farther.market, farther.expiry), remedy)
