"""Signed orders of two parties that trade with each other: what is signed, by whom, and how they hand it to each other.

    order = Order(account, (Leg(instrument, -2 * ONE),), size=3 * ONE, limit=-40 * PRICE, expiry=…, nonce=7)
    domain = Domain(verifier_address, chain_id)
    signature = OrderSigner(key, domain).sign(order)       refuses an account of another owner
    text = SignedOrder(order, signature, domain).text()    for the other party: plimsoll.signed_orders

Types and rules: interfaces/IOrderVerifier.sol. Sizes and quantities are integers at 1e-8, limits at 1e-10 quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey, PublicKey

from plimsoll.abi import checksum, keccak, to_bytes
from plimsoll.accounts import AccountId
from plimsoll.errors import BadInput, KeyMissing
from plimsoll.prices import address_of, sign

NAME, VERSION = "Plimsoll Orders", "1"
ONE = 10**8
MAX_LEGS = 16
ANYONE = "0x" + "00" * 20
_MAX_INT64 = 2**63 - 1
_MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_LEG = b"Leg(uint64 instrument,int64 quantity)"
_ORDER = (
    b"Order(bytes32 account,Leg[] legs,uint64 size,int128 limit,uint32 expiry,uint256 nonce,uint64 group,"
    b"uint32 groupEpoch,uint32 lockdown,address taker,bool reduceOnly)"
)
_DOMAIN_TYPE, _LEG_TYPE, _ORDER_TYPE = keccak(_DOMAIN), keccak(_LEG), keccak(_ORDER + _LEG)

#: field: (lowest, highest)
_RANGES = {
    "size": (1, 2**64 - 1),
    "limit": (-(2**127), 2**127 - 1),
    "expiry": (0, 2**32 - 1),
    "nonce": (0, 2**256 - 1),
    "group": (0, 2**64 - 1),
    "group_epoch": (0, 2**32 - 1),
    "lockdown": (0, 2**32 - 1),
}


@dataclass(frozen=True, slots=True)
class Leg:
    """`quantity` of `instrument` per package; negative sells."""

    instrument: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """As IOrderVerifier.Order. One that exists is canonical; anything else is a BadInput that names the field."""

    account: bytes
    legs: tuple[Leg, ...]
    size: int
    limit: int
    expiry: int
    nonce: int
    group: int = 0
    group_epoch: int = 0
    lockdown: int = 0
    taker: str = ANYONE
    reduce_only: bool = False

    def __post_init__(self) -> None:
        _require_account(self.account)
        object.__setattr__(self, "legs", tuple(self.legs))
        for name, (lowest, highest) in _RANGES.items():
            _require_within(f"order.{name}", getattr(self, name), lowest, highest)
        object.__setattr__(self, "taker", _address("order.taker", self.taker))
        if not isinstance(self.reduce_only, bool):
            raise BadInput("order.reduce_only", self.reduce_only, "it must be true or false")
        _require_legs(self.legs, self.size)

    @property
    def owner(self) -> str:
        return checksum(self.account[:20])

    def values(self) -> tuple[Any, ...]:
        """As the ABI takes it."""
        legs = [(leg.instrument, leg.quantity) for leg in self.legs]
        terms = (self.size, self.limit, self.expiry, self.nonce, self.group, self.group_epoch, self.lockdown)
        return (self.account, legs, *terms, self.taker, self.reduce_only)

    def struct_hash(self) -> bytes:
        account, legs, *terms, taker, reduce_only = self.values()
        hashed = keccak(b"".join(keccak(_LEG_TYPE + _words(leg)) for leg in legs))
        return keccak(
            _ORDER_TYPE + account + hashed + _words(terms) + bytes(12) + to_bytes(taker) + _words([reduce_only])
        )


@dataclass(frozen=True, slots=True)
class Domain:
    """The contract and the chain that an order is for, and no other."""

    verifier: str
    chain_id: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "verifier", _address("verifier", self.verifier))
        _require_within("chain_id", self.chain_id, 0, 2**256 - 1)

    def separator(self) -> bytes:
        name, version = keccak(NAME.encode()), keccak(VERSION.encode())
        return keccak(_DOMAIN_TYPE + name + version + _words([self.chain_id, int(self.verifier, 16)]))

    def digest(self, order: Order) -> bytes:
        """What is signed; `OrderVerifier.hashOf` says the same."""
        return keccak(b"\x19\x01" + self.separator() + order.struct_hash())

    def typed_data(self, order: Order) -> dict[str, Any]:
        """For a wallet's eth_signTypedData_v4."""
        names = ("account", "legs", *map(_camel, _RANGES), "taker", "reduceOnly")
        account, legs, *rest = order.values()
        message = dict(zip(names, ("0x" + account.hex(), [], *rest), strict=True))
        message["legs"] = [{"instrument": instrument, "quantity": quantity} for instrument, quantity in legs]
        domain = {"name": NAME, "version": VERSION, "chainId": self.chain_id, "verifyingContract": self.verifier}
        types = {kind.partition(b"(")[0].decode(): _members(kind) for kind in (_DOMAIN, _ORDER, _LEG)}
        return {"types": types, "primaryType": "Order", "domain": domain, "message": message}


class OrderSigner:
    """Signs orders of one key's accounts for one domain. The key never leaves it, not even in its repr."""

    __slots__ = ("__key", "address", "domain")

    def __init__(self, key: bytes | str, domain: Domain) -> None:
        try:
            secret = to_bytes(key)
            if len(secret) != 32:  # coincurve would pad a truncated key to another one
                raise ValueError
            self.__key = PrivateKey(secret)
        except (ValueError, TypeError):
            raise KeyMissing("the signing key is not 32 bytes as hex; check where it comes from") from None
        self.address, self.domain = address_of(self.__key.public_key), domain

    def __repr__(self) -> str:
        return f"<OrderSigner {self.address} for {self.domain.verifier} on chain {self.domain.chain_id}>"

    def __reduce__(self) -> str:
        raise TypeError("an OrderSigner is not copied or pickled")

    def sign(self, order: Order) -> bytes:
        """65 bytes: r, the lower s, v. Raises BadInput when the account is another owner's."""
        if order.owner != self.address:
            raise BadInput(
                "order.account", str(AccountId.unpack(order.account)), f"the key at hand is {self.address}'s"
            )
        return sign(self.__key, self.domain.digest(order))


def signer_of(digest: bytes, signature: bytes) -> str | None:
    """The address whose key made the signature, by the rules of OrderVerifier; None when there is none."""
    if len(signature) != 65 or signature[64] not in (27, 28) or int.from_bytes(signature[32:64], "big") > _MAX_S:
        return None
    compact = signature[:64] + bytes((signature[64] - 27,))
    try:
        return address_of(PublicKey.from_signature_and_message(compact, digest, hasher=None))
    except ValueError:  # r or s are no coordinates: nobody's signature
        return None


# ---------------------------------------------------------------------------------------------- one spelling


def scaled(leg: Leg, size: int, where: str = "leg") -> int:
    """What `size` packages of the leg come to: whole at 1e-8, and within int64."""
    change, rest = divmod(size * leg.quantity, ONE)
    if rest:
        raise BadInput(f"{where}.quantity", leg.quantity, f"times the size {size} it is not whole at 1e-8")
    if max(abs(change), abs(leg.quantity)) > _MAX_INT64:
        raise BadInput(f"{where}.quantity", leg.quantity, f"it, or it times the size {size}, is beyond int64")
    return change


def _require_legs(legs: tuple[Leg, ...], size: int) -> None:
    if not 1 <= len(legs) <= MAX_LEGS:
        raise BadInput("order.legs", len(legs), f"an order has 1 to {MAX_LEGS}")
    for number, leg in enumerate(legs):
        where = f"order.legs[{number}]"
        _require_within(f"{where}.instrument", leg.instrument, 0, 2**64 - 1)
        _require_within(f"{where}.quantity", leg.quantity, -_MAX_INT64, _MAX_INT64)
        if not leg.quantity:
            raise BadInput(f"{where}.quantity", 0, "a leg without a quantity is none")
        if number and leg.instrument <= legs[number - 1].instrument:
            raise BadInput(f"{where}.instrument", leg.instrument, "legs ascend by instrument, each once")
        scaled(leg, size, where)


def _require_within(where: str, value: object, lowest: int, highest: int) -> None:
    if type(value) is not int or not lowest <= value <= highest:
        raise BadInput(where, value, f"it must be a whole number from {lowest} to {highest}")


def _require_account(account: object) -> None:
    if not isinstance(account, bytes):
        raise BadInput("order.account", account, "it must be 32 bytes")
    AccountId.unpack(account)


def _address(where: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("0x[0-9a-fA-F]{40}", value):
        raise BadInput(where, value, "it must be an address, 20 bytes as hex")
    return checksum(value)


# ---------------------------------------------------------------------------------------------- words and names


def _words(values: Iterable[int]) -> bytes:
    return b"".join(int(value).to_bytes(32, "big", signed=value < 0) for value in values)


def _members(kind: bytes) -> list[dict[str, str]]:
    """The members of "Name(type name,…)"."""
    inner = kind.decode().partition("(")[2].rstrip(")")
    return [dict(zip(("type", "name"), member.split(" "), strict=True)) for member in inner.split(",")]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
