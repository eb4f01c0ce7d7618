"""Account ids: owner (20 bytes) · mode (1) · market (2) · index (9), as bytes32 and as text.

    CROSS account 0 of 0xAb…      0xAb…/cross/0
    ISOLATED in market 2, index 1  0xAb…/isolated:2/1
    ISOLATED to asset 1 against 0  0xAb…/pair:1-0/0
    PORTFOLIO account 3            0xAb…/portfolio/3

`AccountId.parse` takes either text or the 32 bytes as hex, and raises BadInput.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from plimsoll.abi import checksum
from plimsoll.errors import BadInput

_TEXT = re.compile(r"(0x[0-9a-fA-F]{40})/(?:(cross|portfolio)|isolated:(\d+)|pair:(\d+)-(\d+))(?:/(\d+))?")
_FORM = "write 0xOWNER/cross/0, 0xOWNER/isolated:2/1, 0xOWNER/pair:1-0/0 (collateral, debt) or 32 bytes as hex"
#: In the market of an account that is isolated to a collateral/debt pair: 0x8000 | collateral << 6 | debt.
PAIR = 0x8000


class Mode(IntEnum):
    CROSS = 0
    ISOLATED = 1
    PORTFOLIO = 2


@dataclass(frozen=True, slots=True)
class AccountId:
    """One account. `market` is 0 unless the account is isolated."""

    owner: str
    mode: Mode = Mode.CROSS
    market: int = 0
    index: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.market < 1 << 16 or (self.market and self.mode != Mode.ISOLATED):
            raise BadInput("market", self.market, "only an isolated account has one, from 0 to 65535")
        if not 0 <= self.index < 1 << 72:
            raise BadInput("account index", self.index, "it has 9 bytes")
        object.__setattr__(self, "owner", checksum(self.owner))

    def __bytes__(self) -> bytes:
        return pack(self.owner, self.mode, self.market, self.index)

    def __str__(self) -> str:
        place = f"isolated:{self.market}" if self.mode == Mode.ISOLATED else self.mode.name.lower()
        collateral, debt = self.market >> 6 & 63, self.market & 63
        if self.mode == Mode.ISOLATED and collateral != debt and self.market == PAIR | collateral << 6 | debt:
            place = f"pair:{collateral}-{debt}"
        return f"{self.owner}/{place}/{self.index}"

    @classmethod
    def unpack(cls, raw: bytes) -> AccountId:
        if len(raw) != 32 or raw[20] > Mode.PORTFOLIO:
            raise BadInput("account", "0x" + raw.hex(), _FORM)
        market, index = int.from_bytes(raw[21:23], "big"), int.from_bytes(raw[23:], "big")
        return cls(checksum(raw[:20]), Mode(raw[20]), market, index)

    @classmethod
    def parse(cls, text: str) -> AccountId:
        if re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
            return cls.unpack(bytes.fromhex(text[2:]))
        match = _TEXT.fullmatch(text)
        if match is None:
            raise BadInput("account", text, _FORM)
        owner, mode, market, collateral, debt, index = match.groups()
        if collateral is not None:
            return cls(owner, Mode.ISOLATED, pair_code(int(collateral), int(debt)), int(index or 0))
        if market is not None:
            return cls(owner, Mode.ISOLATED, int(market), int(index or 0))
        return cls(owner, Mode[mode.upper()], 0, int(index or 0))


def pair_code(collateral: int, debt: int) -> int:
    """The market of an account that is isolated to a collateral/debt pair of assets."""
    if not (0 <= collateral < 64 and 0 <= debt < 64 and collateral != debt):
        raise BadInput("pair", (collateral, debt), "two different assets by number, from 0 to 63")
    return PAIR | collateral << 6 | debt


@lru_cache(maxsize=1 << 16)
def pack(owner: str, mode: int, market: int, index: int) -> bytes:
    """The 32 bytes of an account id."""
    return bytes.fromhex(owner[2:]) + bytes([mode]) + market.to_bytes(2, "big") + index.to_bytes(9, "big")


def cross(owner: str, index: int = 0) -> bytes:
    return pack(owner, Mode.CROSS, 0, index)


def isolated(owner: str, market: int, index: int = 0) -> bytes:
    return pack(owner, Mode.ISOLATED, market, index)
