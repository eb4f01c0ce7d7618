"""Keys. A Signer signs transactions and never shows its key: not in repr, not in an error, not in a pickle.

    Signer.from_env("PLIMSOLL_KEY")        the variable holds the key as hex
    Signer.from_file(path)                 a file with the key as hex, or a keystore (password in PLIMSOLL_KEY_PASSWORD)
    Signer.find()                          PLIMSOLL_KEY, then the file named by PLIMSOLL_KEY_FILE, else None

Keys are never taken from a command line, where every process of the machine can read them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from eth_account import Account

from plimsoll.abi import checksum
from plimsoll.errors import KeyMissing

ENV = "PLIMSOLL_KEY"
ENV_FILE = "PLIMSOLL_KEY_FILE"
ENV_PASSWORD = "PLIMSOLL_KEY_PASSWORD"


class Signer:
    """One private key, seen only as its `address`."""

    __slots__ = ("__account", "address")

    def __init__(self, key: bytes | str) -> None:
        try:
            self.__account = Account.from_key(key)
        except Exception:  # its message may quote the key
            raise KeyMissing("the key is not 32 bytes as hex; check where it comes from") from None
        self.address = checksum(self.__account.address)

    def __repr__(self) -> str:
        return f"<Signer {self.address}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Signer is not copied or pickled")

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """(raw transaction, its hash), both as hex."""
        signed = self.__account.sign_transaction(transaction)
        return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()

    def sign_digest(self, digest: bytes) -> bytes:
        """r · s · v over 32 bytes, such as the EIP-712 digest of an order; s is the lower of the two."""
        return bytes(self.__account.unsafe_sign_hash(digest).signature)

    @classmethod
    def from_env(cls, name: str = ENV) -> Signer:
        value = os.environ.get(name, "").strip()
        if not value:
            raise KeyMissing(f"no key in the environment variable {name}; set it, or name a key file in {ENV_FILE}")
        return cls(value)

    @classmethod
    def from_file(cls, path: str | Path, *, password_env: str = ENV_PASSWORD) -> Signer:
        try:
            text = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise KeyMissing(
                f"cannot read the key file {path}: {type(error).__name__}; check path and rights"
            ) from None
        if not text.startswith("{"):
            return cls(text)
        password = os.environ.get(password_env)
        if password is None:
            raise KeyMissing(f"{path} is an encrypted keystore; put its password into {password_env}")
        try:
            return cls(bytes(Account.decrypt(json.loads(text), password)))
        except (ValueError, KeyError, TypeError):
            raise KeyMissing(f"{path} is damaged, or {password_env} is not its password") from None

    @classmethod
    def find(cls) -> Signer | None:
        """The key named by the environment, or None: then everything is a dry run."""
        if os.environ.get(ENV, "").strip():
            return cls.from_env()
        if path := os.environ.get(ENV_FILE, "").strip():
            return cls.from_file(path)
        return None
