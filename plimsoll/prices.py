"""Price reports: what signers sign and `OracleRouter.update` takes.

    signer = ReportSigner(keys, router_address, chain_id)
    report = signer.report(published_at, [Quote(feed=1, value=3000 * PRICE, confidence=300)])    a batch's prologue

Format and EIP-712 type: interfaces/IPriceFeed.sol. Values are integers at 1e-10 quote per unit, confidences ppm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from coincurve import PrivateKey, PublicKey

from plimsoll.abi import checksum, keccak, to_bytes
from plimsoll.errors import BadInput, KeyMissing

PRICE = 10**10  # one quote per unit
MAX_FEED, MAX_VALUE, MAX_CONFIDENCE = 2**8 - 1, 2**72 - 1, 2**24 - 1
SIGNATURE_LENGTH, ADDRESS_LENGTH = 65, 20
_HEADER_LENGTH, _PRICE_LENGTH = 7, 13

_DOMAIN_TYPE = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_REPORT_TYPE = keccak(b"PriceReport(uint256 publishedAt,uint256[] words)")


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
    name, version = keccak(b"Plimsoll Prices"), keccak(b"1")
    return keccak(_DOMAIN_TYPE + name + version + chain_id.to_bytes(32, "big") + bytes(12) + to_bytes(feed_address))


def struct_hash(published_at: int, words: Sequence[int]) -> bytes:
    packed = b"".join([word.to_bytes(32, "big") for word in words])
    return keccak(_REPORT_TYPE + published_at.to_bytes(32, "big") + keccak(packed))


def digest(domain: bytes, published_at: int, words: Sequence[int]) -> bytes:
    """What is signed: keccak256(0x1901 · domain separator · struct hash)."""
    return keccak(b"\x19\x01" + domain + struct_hash(published_at, words))


def encode_report(published_at: int, words: Sequence[int], seals: Sequence[bytes]) -> bytes:
    """The report's bytes. `seals`, one per signer by ascending address: his signature, or his address (20 bytes)."""
    present = sum(1 << number for number, seal in enumerate(seals) if len(seal) != ADDRESS_LENGTH)
    head = published_at.to_bytes(4, "big") + bytes((len(words),)) + present.to_bytes(2, "big")
    return b"".join((head, *[word.to_bytes(_PRICE_LENGTH, "big") for word in words], *seals))


def decode(report: bytes) -> Report:
    """The inverse of `encode_report`. Raises BadInput for bytes that are no report."""
    start = _HEADER_LENGTH + (report[4] if len(report) > 4 else 0) * _PRICE_LENGTH
    if len(report) < start:
        raise BadInput("price report", "0x" + report[:32].hex() + "…", f"it must have {start} bytes or more")
    prices = [report[at : at + _PRICE_LENGTH] for at in range(_HEADER_LENGTH, start, _PRICE_LENGTH)]
    present = int.from_bytes(report[5:7], "big")
    seals: list[bytes] = []
    at = start
    while at < len(report):
        length = SIGNATURE_LENGTH if present >> len(seals) & 1 else ADDRESS_LENGTH
        seals.append(report[at : at + length])
        at += length
    if at != len(report):
        raise BadInput("length of signatures", len(report) - start, "the last one is cut off")
    return Report(
        int.from_bytes(report[:4], "big"),
        tuple(Quote.from_word(int.from_bytes(price, "big")) for price in prices),
        tuple(seal for seal in seals if len(seal) == SIGNATURE_LENGTH),
        tuple(checksum(seal) for seal in seals if len(seal) == ADDRESS_LENGTH),
    )


def address_of(key: PublicKey) -> str:
    return checksum(keccak(key.format(compressed=False)[1:])[12:])


def sign(key: PrivateKey, message: bytes) -> bytes:
    """r · s · v over a digest; s is always the lower of the two."""
    signature = key.sign_recoverable(message, hasher=None)
    return signature[:64] + bytes((27 + signature[64],))


class ReportSigner:
    """Signs reports with several keys for one router on one chain. The keys never leave it, not even in its repr."""

    __slots__ = ("_domain", "_keys", "addresses", "chain_id", "feed_address", "others")

    def __init__(
        self, keys: Iterable[bytes | str], feed_address: str, chain_id: int, others: Iterable[str] = ()
    ) -> None:
        """`others`: the signers whose keys are elsewhere; a report names them too."""
        by_address = sorted((int(address, 16), address, key) for address, key in map(_open, keys))
        self.addresses = tuple(address for _, address, _ in by_address)
        if len(set(self.addresses)) != len(self.addresses):
            raise BadInput("signers", self.addresses, "each key may be given once")
        self._keys = tuple(key for _, _, key in by_address)
        self.others = tuple(map(checksum, others))
        self.feed_address, self.chain_id = checksum(feed_address), chain_id
        self._domain = domain_separator(feed_address, chain_id)

    def __repr__(self) -> str:
        return f"<ReportSigner of {len(self.addresses)} keys for {self.feed_address} on chain {self.chain_id}>"

    def signatures(self, published_at: int, words: Sequence[int], signers: Iterable[str] | None = None) -> list[bytes]:
        """By ascending signer address; of all keys, or only of those of `signers` (the others are offline)."""
        message = digest(self._domain, published_at, words)
        chosen = set(self.addresses if signers is None else signers)
        if unknown := chosen - set(self.addresses):
            raise BadInput("signers", sorted(unknown), f"the keys at hand are those of {', '.join(self.addresses)}")
        pairs = zip(self.addresses, self._keys, strict=True)
        return [sign(key, message) for address, key in pairs if address in chosen]

    def seals(self, published_at: int, words: Sequence[int], signers: Iterable[str] | None = None) -> list[bytes]:
        """What `encode_report` takes: all keys' signatures, or for the absent ones their addresses."""
        chosen = self.addresses if signers is None else tuple(signers)
        signed = iter(self.signatures(published_at, words, chosen))
        everyone = sorted({*self.addresses, *self.others}, key=lambda address: int(address, 16))
        return [next(signed) if address in chosen else to_bytes(address) for address in everyone]

    def report(self, published_at: int, quotes: Iterable[Quote], signers: Iterable[str] | None = None) -> bytes:
        """A finished report of `quotes`, all published at `published_at` (unix seconds)."""
        words = [quote.word() for quote in quotes]
        return encode_report(published_at, words, self.seals(published_at, words, signers))


def _open(key: bytes | str) -> tuple[str, PrivateKey]:
    try:
        secret = to_bytes(key)
        if len(secret) != 32:  # coincurve would pad a truncated key to another one
            raise ValueError
        private = PrivateKey(secret)
    except (ValueError, TypeError):
        raise KeyMissing("a signing key is not 32 bytes as hex; check where it comes from") from None
    return address_of(private.public_key), private
