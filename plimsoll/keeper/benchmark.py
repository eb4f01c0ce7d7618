"""How fast accounts are read and scored: `plimsoll bench keeper` prints this (goals: docs/performance.md).

Raw pages and on-chain health are read from an Anvil of our own, whose storage is loaded directly; the screen runs on
accounts in memory.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from plimsoll import ledger
from plimsoll.abi import keccak
from plimsoll.chain import Anvil
from plimsoll.keeper.mirror import Mirror
from plimsoll.keeper.reader import PAGE_GAS, Reader, decode_page
from plimsoll.keeper.rows import Rows
from plimsoll.keeper.settings import Settings
from plimsoll.margin.benchmark import screen_speed
from plimsoll.margin.words import Balance, Header, Position
from plimsoll.testing import World

ACCOUNTS_SLOT = 14  # of the engine's `accounts` array; docs/storage.md
GOALS = {"raw_pages": 50_000, "health_pages": 10_000, "screen": 5_000_000}
SIZES = (10**8, 10**7, 10**10)  # about 3,000, 6,000 and 15,000 quote at the world's first prices
PRICES = (3000 * 10**10, 60_000 * 10**10, 150 * 10**10)


def keeper_speed(*, accounts: int = 20_000, page: int = 1_000, health: int = 4_000, rounds: int = 5) -> dict[str, Any]:
    """Accounts per second of each way to look at them: the best of `rounds`."""
    with Anvil(automine=True) as chain:
        world = World.create(chain)
        chain.set_storage_many(world.engine.address, _storage(world, accounts))
        world.post({})
        assert world.engine.read("accountCount") >= accounts
        reader = Reader(world)
        raw = _pages(reader, page, rounds)
        on_chain = _health(reader, min(health, accounts), rounds)
    screen = screen_speed()
    return {
        "accounts": accounts,
        "positions": 3,
        "raw_pages": raw,
        "health_pages": on_chain,
        "screen": screen,
        "goals": GOALS,
        "reached": {
            "raw_pages": raw["accounts_per_second"] >= GOALS["raw_pages"],
            "health_pages": on_chain["accounts_per_second"] >= GOALS["health_pages"],
            "screen": screen["accounts_per_second"] >= GOALS["screen"],
        },
    }


def _storage(world: World, count: int) -> Iterator[tuple[int, int]]:
    """`count` accounts with quote and three positions each, behind those that exist."""
    rng, first = random.Random(1), int(world.engine.read("accountCount"))
    start = int.from_bytes(keccak(ACCOUNTS_SLOT.to_bytes(32, "big")), "big")
    yield ACCOUNTS_SLOT, first + count
    header = Header(assets=1, markets=0b111, listed=1).to_word()
    for number in range(count):
        id = keccak(b"benchmark account %d" % number)[:20] + bytes(12)
        yield (start + first + number) % 2**256, int.from_bytes(id, "big")
        yield ledger.header(id), header
        yield ledger.balance(id, 0), Balance(held=rng.randrange(1_000, 5_000) * 10**6).to_word()
        for market, (size, price) in enumerate(zip(SIZES, PRICES, strict=True)):
            signed = rng.choice((-1, 1)) * size
            yield ledger.position(id, market), Position(size=signed, cost=signed * price).to_word()


def _pages(reader: Reader, page: int, rounds: int) -> dict[str, Any]:
    """From the calls to rows of decoded words: what an enumeration does."""
    mirror = Mirror(reader, Settings(page=page))
    head = reader.head()
    tables = reader.tables(head)

    def read() -> int:
        rows = Rows(tables.asset_mask, tables.market_mask)
        rows.load(mirror.read_all(tables, head.number))
        return len(rows)

    return _measured(read, rounds) | {"page": page, "words_per_account": tables.width}


def _health(reader: Reader, count: int, rounds: int) -> dict[str, Any]:
    """Equity and requirements computed by the contracts themselves."""
    page, block = 500, reader.head().number
    existing = 4

    def one(at: int) -> int:
        data = reader.lens.encode("healthPage", existing + at, page)
        words = decode_page(reader.chain.call(reader.lens.address, data, block=block, gas=PAGE_GAS), 2)
        assert (words[:, 1, 31] != 255).all()
        return len(words)

    def read() -> int:
        with ThreadPoolExecutor(Settings().readers) as pool:
            return sum(pool.map(one, range(0, count, page)))

    return _measured(read, rounds) | {"page": page}


def _measured(read: Callable[[], int], rounds: int) -> dict[str, Any]:
    read()
    best, done = float("inf"), 0
    for _ in range(rounds):
        started = time.perf_counter()
        done = read()
        best = min(best, time.perf_counter() - started)
    return {"accounts": done, "seconds": round(best, 4), "accounts_per_second": int(done / best)}
