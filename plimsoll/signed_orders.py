"""Signed orders as text, for parties that quote each other: what one prints, the other reads, whole and of his chain.

    {"chainId": 31337, "verifier": "0x…", "signature": "0x…",
     "order": {"account": "0x…/cross/0", "legs": [{"instrument": "…", "quantity": "…"}], "size": "…", "limit": "…",
               "expiry": "…", "nonce": "…", "group": "0", "groupEpoch": "0", "lockdown": "0", "taker": "0x…",
               "reduceOnly": false}}

Whole numbers are text, since a JSON number loses digits in many readers; as numbers they are understood too. Unknown,
repeated or missing fields are refused: nobody signs what he has not read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll.abi import encoder, to_bytes
from plimsoll.accounts import AccountId
from plimsoll.chain.base import Chain
from plimsoll.errors import BadInput, TransactionFailed
from plimsoll.orders import ANYONE, Domain, Leg, Order, signer_of

_NUMBERS = ("size", "limit", "expiry", "nonce", "group", "groupEpoch", "lockdown")
#: What an order has when the text does not say.
_DEFAULTS: dict[str, Any] = {"group": 0, "groupEpoch": 0, "lockdown": 0, "taker": ANYONE, "reduceOnly": False}
_FIELDS = ("account", "legs", *_NUMBERS, "taker", "reduceOnly")
_VALID = bytes.fromhex("1626ba7e")
_ASK = encoder("(bytes32,bytes)")


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order with its signature, which is empty when the owner himself sends the batch."""

    order: Order
    signature: bytes
    domain: Domain

    @property
    def digest(self) -> bytes:
        return self.domain.digest(self.order)

    @property
    def values(self) -> tuple[Any, ...]:
        """As the ABI takes IOrderVerifier.SignedOrder."""
        return (self.order.values(), self.signature)

    def is_valid(self, chain: Chain | None = None) -> bool:
        """Whether its owner signed it: by key or, when `chain` can ask him, as the contract that he is (ERC-1271)."""
        if self.signature and signer_of(self.digest, self.signature) == self.order.owner:
            return True
        if chain is None or not self.signature or not chain.code(self.order.owner):
            return False
        try:
            return chain.call(self.order.owner, _VALID + _ASK((self.digest, self.signature)))[:32] == _VALID + bytes(28)
        except TransactionFailed:
            return False

    # ------------------------------------------------------------------ text

    def to_json(self) -> dict[str, Any]:
        account, legs, *numbers, taker, reduce_only = self.order.values()
        order = {
            "account": str(AccountId.unpack(account)),
            "legs": [{"instrument": str(instrument), "quantity": str(quantity)} for instrument, quantity in legs],
            **dict(zip(_NUMBERS, map(str, numbers), strict=True)),
            "taker": taker,
            "reduceOnly": reduce_only,
        }
        domain = {"chainId": self.domain.chain_id, "verifier": self.domain.verifier}
        return domain | {"signature": "0x" + self.signature.hex(), "order": order}

    def text(self) -> str:
        return json.dumps(self.to_json(), indent=2) + "\n"

    @classmethod
    def from_json(cls, raw: Any, domain: Domain | None = None) -> SignedOrder:
        """The order in `raw`, which must be for `domain` if that is given. Raises BadInput naming the field."""
        fields = _object("signed order", raw, ("chainId", "verifier", "signature", "order"))
        found = Domain(fields["verifier"], _number("chainId", fields["chainId"]))
        if domain is not None and found != domain:
            at = f"it is for {found.verifier} on chain {found.chain_id}"
            raise BadInput("signed order", f"{domain.verifier} on chain {domain.chain_id}", at)
        return cls(_order(fields["order"]), _bytes("signature", fields["signature"]), found)

    @classmethod
    def parse(cls, text: str, domain: Domain | None = None) -> SignedOrder:
        try:
            raw = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise BadInput("signed order", text[:60], f"it is no JSON: {error}") from None
        return cls.from_json(raw, domain)

    @classmethod
    def read(cls, path: str | Path, domain: Domain | None = None) -> SignedOrder:
        """From a file, or from stdin when `path` is "-"."""
        if str(path) == "-":
            return cls.parse(sys.stdin.read(), domain)
        try:
            return cls.parse(Path(path).read_text(), domain)
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("file of a signed order", str(path), f"cannot read it: {error}") from None


def _order(raw: Any) -> Order:
    fields = _DEFAULTS | _object("order", raw, _FIELDS, _DEFAULTS)
    if not isinstance(fields["account"], str):
        raise BadInput("order.account", fields["account"], "it must be text")
    if not isinstance(fields["legs"], list):
        raise BadInput("order.legs", fields["legs"], "it must be a list")
    legs = tuple(_leg(f"order.legs[{number}]", leg) for number, leg in enumerate(fields["legs"]))
    size, limit, expiry, nonce, *cancelled_by = [_number(f"order.{name}", fields[name]) for name in _NUMBERS]
    terms = (bytes(AccountId.parse(fields["account"])), legs, size, limit, expiry, nonce)
    group, group_epoch, lockdown = cancelled_by
    return Order(*terms, group, group_epoch, lockdown, fields["taker"], fields["reduceOnly"])


def _leg(where: str, raw: Any) -> Leg:
    fields = _object(where, raw, ("instrument", "quantity"))
    return Leg(*(_number(f"{where}.{name}", fields[name]) for name in ("instrument", "quantity")))


def _object(where: str, raw: Any, names: Sequence[str], optional: Container[str] = ()) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadInput(where, raw, "it must be a JSON object")
    if unknown := sorted(set(raw) - set(names)):
        raise BadInput(where, unknown, f"there is no such field; there are {', '.join(names)}")
    if missing := [name for name in names if name not in raw and name not in optional]:
        raise BadInput(where, missing, "these fields are missing")
    return raw


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput("signed order", repeated, "each field may be given once")
    return dict(pairs)


def _number(where: str, raw: Any) -> int:
    if type(raw) is int:
        return raw
    digits = raw.removeprefix("-") if isinstance(raw, str) else ""
    if not digits.isascii() or not digits.isdigit() or len(digits) > 78:
        raise BadInput(where, raw, "it must be a whole number")
    return int(raw)


def _bytes(where: str, raw: Any) -> bytes:
    try:
        if not isinstance(raw, str) or not raw.startswith("0x"):
            raise ValueError
        return to_bytes(raw)
    except ValueError:
        raise BadInput(where, raw, "it must be bytes as hex, 0x…") from None
