"""Where the engine keeps its words: slots of `Ledger.State` (docs/storage.md), and reading them.

    words = read(engine, [market(3, RISK), asset(0)])       -> [int, int]
    MarketRisk.from_word(words[0])                          plimsoll.margin.words decodes

tests/unit/deploy/test_ledger_slots.py compares the numbers with the compiler's own layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from plimsoll.abi import keccak

if TYPE_CHECKING:
    from plimsoll.contracts import Contract

GLOBALS, POOL, TERMS, LISTED_MARKETS = 0, 1, 2, 3
HEADERS, BALANCES, POSITIONS, ASSETS, TOTALS, VAULTS, MARKETS = 4, 5, 6, 7, 8, 9, 10
LENDING, DEBTS, LIMITS, FLOWS, PAIRS, MODEL_RAMP = 15, 16, 17, 18, 19, 20
ANCHORS, EPOCHS, UNTOUCHED, DEBT_INSURANCE = 21, 22, 23, 24
STAKE = 25
OPTIONS, SETTLEMENTS, OPTION_SETUP, PORTFOLIO_RAMP, SURFACES, VERIFIER = 26, 27, 28, 29, 30, 31

# Words of one market, from its first slot on.
STATE, RISK, COSTS, TRADE, INSURANCE, RAMP, LOSS, CLOSING = 0, 1, 2, 3, 4, 5, 6, 7


@lru_cache(maxsize=1 << 16)
def entry(key: int | bytes, slot: int) -> int:
    """The slot of `mapping[key]` for a mapping at `slot`."""
    raw = key if isinstance(key, bytes) else key.to_bytes(32, "big")
    return int.from_bytes(keccak(raw.rjust(32, b"\0") + slot.to_bytes(32, "big")), "big")


def asset(number: int) -> int:
    return entry(number, ASSETS)


def vault(number: int) -> int:
    return entry(number, VAULTS)


def totals(number: int) -> int:
    return entry(number, TOTALS)


def lending(number: int) -> int:
    return entry(number, LENDING)


def debts(number: int) -> int:
    return entry(number, DEBTS)


def limits(number: int) -> int:
    return entry(number, LIMITS)


def flows(number: int) -> int:
    return entry(number, FLOWS)


def debt_insurance(asset: int) -> int:
    return entry(asset, DEBT_INSURANCE)


def pair(code: int) -> int:
    return entry(code, PAIRS)


def market(number: int, word: int) -> int:
    return entry(number, MARKETS) + word


def epoch(market: int, number: int) -> tuple[int, int]:
    """Both words of one epoch's record."""
    first = entry(number, entry(market, EPOCHS))
    return first, first + 1


def untouched(market: int, long: bool) -> int:
    return entry(int(long), entry(market, UNTOUCHED))


def header(account: bytes) -> int:
    return entry(account, HEADERS)


def balance(account: bytes, asset: int) -> int:
    return entry(asset, entry(account, BALANCES))


def position(account: bytes, market: int) -> int:
    return entry(market, entry(account, POSITIONS))


def options(account: bytes, slot: int) -> int:
    """Slot `slot` of an account's options: positions 2·slot and 2·slot + 1."""
    return entry(slot, entry(account, OPTIONS))


def settlement(market: int, expiry: int) -> int:
    return entry(market << 32 | expiry, SETTLEMENTS)


def read(engine: Contract, slots: Iterable[int], *, block: int | None = None) -> list[int]:
    """The engine's words at `slots`, in one call."""
    keys = [slot.to_bytes(32, "big") for slot in slots]
    return [int.from_bytes(word, "big") for word in engine.read("slots", keys, block=block)]
