"""What prices and surfaces have in common: a report that a quorum signs (interfaces/ISignedReports.sol).

plimsoll.prices and plimsoll.surfaces say what is in one; this module hashes, signs, and takes apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from coincurve import PrivateKey, PublicKey

from plimsoll.abi import checksum, keccak, to_bytes
from plimsoll.errors import BadInput, KeyMissing

SIGNATURE_LENGTH, ADDRESS_LENGTH = 65, 20
MAX_ITEMS = 2**8 - 1
_HEADER_LENGTH = 7

_DOMAIN_TYPE = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")


class RawReport(NamedTuple):
    """A report taken apart, what it says still in bytes. Nothing is verified. `absent` did not sign."""

    published_at: int
    items: tuple[bytes, ...]
    signatures: tuple[bytes, ...]
    absent: tuple[str, ...]


def domain_separator(name: str, address: str, chain_id: int) -> bytes:
    hashed = keccak(name.encode()) + keccak(b"1")
    return keccak(_DOMAIN_TYPE + hashed + chain_id.to_bytes(32, "big") + bytes(12) + to_bytes(address))


def digest(domain: bytes, type_hash: bytes, published_at: int, words: Sequence[int]) -> bytes:
    """What is signed: keccak256(0x1901 · domain separator · struct hash)."""
    packed = b"".join([word.to_bytes(32, "big") for word in words])
    struct = keccak(type_hash + published_at.to_bytes(32, "big") + keccak(packed))
    return keccak(b"\x19\x01" + domain + struct)


def encode(published_at: int, items: Sequence[bytes], seals: Sequence[bytes]) -> bytes:
    """The report's bytes. `seals`, one per signer by ascending address: his signature, or his address (20 bytes)."""
    if len(items) > MAX_ITEMS:
        raise BadInput("number of entries", len(items), f"a report holds {MAX_ITEMS}")
    present = sum(1 << number for number, seal in enumerate(seals) if len(seal) != ADDRESS_LENGTH)
    head = published_at.to_bytes(4, "big") + bytes((len(items),)) + present.to_bytes(2, "big")
    return b"".join((head, *items, *seals))


def decode(report: bytes, length: int, what: str) -> RawReport:
    """The inverse of `encode` for items of `length` bytes. Raises BadInput, naming `what`, for bytes that are none."""
    start = _HEADER_LENGTH + (report[4] if len(report) > 4 else 0) * length
    if len(report) < start:
        raise BadInput(what, "0x" + report[:32].hex() + "…", f"it must have {start} bytes or more")
    items = tuple(report[at : at + length] for at in range(_HEADER_LENGTH, start, length))
    present = int.from_bytes(report[5:7], "big")
    seals: list[bytes] = []
    at = start
    while at < len(report):
        size = SIGNATURE_LENGTH if present >> len(seals) & 1 else ADDRESS_LENGTH
        seals.append(report[at : at + size])
        at += size
    if at != len(report):
        raise BadInput("length of signatures", len(report) - start, "the last one is cut off")
    return RawReport(
        int.from_bytes(report[:4], "big"),
        items,
        tuple(seal for seal in seals if len(seal) == SIGNATURE_LENGTH),
        tuple(checksum(seal) for seal in seals if len(seal) == ADDRESS_LENGTH),
    )


def address_of(key: PublicKey) -> str:
    return checksum(keccak(key.format(compressed=False)[1:])[12:])


def sign(key: PrivateKey, message: bytes) -> bytes:
    """r · s · v over a digest; s is always the lower of the two."""
    signature = key.sign_recoverable(message, hasher=None)
    return signature[:64] + bytes((27 + signature[64],))


class Signers:
    """Several keys, for one contract on one chain. They never leave it, not even in its repr."""

    __slots__ = ("_domain", "_keys", "addresses", "chain_id", "feed_address", "others")

    #: EIP-712: the domain's name and the hash of the report's type.
    name: ClassVar[str]
    type_hash: ClassVar[bytes]

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
        self._domain = domain_separator(self.name, feed_address, chain_id)

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"<{kind} of {len(self.addresses)} keys for {self.feed_address} on chain {self.chain_id}>"

    def signatures(self, published_at: int, words: Sequence[int], signers: Iterable[str] | None = None) -> list[bytes]:
        """By ascending signer address; of all keys, or only of those of `signers` (the others are offline)."""
        message = digest(self._domain, self.type_hash, published_at, words)
        chosen = set(self.addresses if signers is None else signers)
        if unknown := chosen - set(self.addresses):
            raise BadInput("signers", sorted(unknown), f"the keys at hand are those of {', '.join(self.addresses)}")
        pairs = zip(self.addresses, self._keys, strict=True)
        return [sign(key, message) for address, key in pairs if address in chosen]

    def seals(self, published_at: int, words: Sequence[int], signers: Iterable[str] | None = None) -> list[bytes]:
        """What `encode` takes: all keys' signatures, or for the absent ones their addresses."""
        chosen = self.addresses if signers is None else tuple(signers)
        signed = iter(self.signatures(published_at, words, chosen))
        everyone = sorted({*self.addresses, *self.others}, key=lambda address: int(address, 16))
        return [next(signed) if address in chosen else to_bytes(address) for address in everyone]


def _open(key: bytes | str) -> tuple[str, PrivateKey]:
    try:
        secret = to_bytes(key)
        if len(secret) != 32:  # coincurve would pad a truncated key to another one
            raise ValueError
        private = PrivateKey(secret)
    except (ValueError, TypeError):
        raise KeyMissing("a signing key is not 32 bytes as hex; check where it comes from") from None
    return address_of(private.public_key), private
