"""What becomes of borrowed spot in a replay: loans opened, raised, repaid, liquidated; swaps; utilisation and rates.

Swaps are those of the deployment's Uniswap, from its pools' own events. `cost` is what a swap brings less than the
index says, fee and price impact together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.chain.base import Log
from plimsoll.contracts import Event, topic
from plimsoll.exchange.swaps import Pool
from plimsoll.margin.account import DEBT
from plimsoll.margin.interest_math import borrow_rate, project
from plimsoll.sim.page import Page
from plimsoll.sim.uniswap import ARBITRAGEUR
from plimsoll.units import quote

SWAP = topic("Swap(address,address,int256,int256,uint160,uint128,int24)")
WORD, SIGN = 32, 1 << 255
BPS, RATE, SHARE = 10_000, 10**13, 10**7
WHO = ("borrowers", "keeper", "arbitrage")


@dataclass
class Spot:
    """Counts, quote WAD by who swapped, and per step and asset utilisation (1e-7) and borrow rate (1e-13 a year)."""

    pools: Sequence[Pool] = ()
    counts: Counter[str] = field(default_factory=Counter)
    volume: Counter[str] = field(default_factory=Counter)
    cost: Counter[str] = field(default_factory=Counter)
    largest: dict[str, tuple[int, int]] = field(default_factory=dict)
    steps: dict[str, list[int]] = field(default_factory=lambda: {who: [] for who in WHO})
    utilisation: list[list[int]] = field(default_factory=list)
    rates: list[list[int]] = field(default_factory=list)
    _owed: dict[tuple[bytes, int], int] = field(default_factory=dict)
    _ended: set[bytes] = field(default_factory=set)
    _swaps: list[tuple[int, int]] = field(default_factory=list)
    _now: Counter[str] = field(default_factory=Counter)
    _by_address: dict[str, Pool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_address = {pool.address.lower(): pool for pool in self.pools}

    # ---------------------------------------------------------------- loans

    def begin(self) -> None:
        """Logs of a beat of a step follow."""
        self._ended.clear()
        self._swaps.clear()

    def event(self, event: Event, keepers: Iterable[bytes]) -> None:
        if event.name == "SharesChanged" and event.args["account"] not in keepers:
            self._loan(event.args)
        elif event.name == "Liquidated":
            self._taken(event.args["target"])
        elif event.name == "Called":
            self._settle("keeper" if event.args["account"] in keepers else "borrowers")

    def _loan(self, args: dict[str, Any]) -> None:
        account, key = args["account"], (args["account"], args["asset"])
        before, after = self._owed.get(key, 0), args["shares"] if args["kind"] == DEBT else 0
        if after > before:
            self.counts["raised" if before else "opened"] += 1
        elif before and not after:
            self.counts["repaid"] += 1
            self._ended.add(account)
        self._owed[key] = after

    def _taken(self, target: bytes) -> None:
        """A slice of somebody who owes, or owed until this slice."""
        ended = target in self._ended
        if not ended and not any(owed for (account, _), owed in self._owed.items() if account == target):
            return
        self.counts["slices"] += 1
        if ended:
            self._ended.discard(target)
            self.counts["repaid"] -= 1
            self.counts["liquidated"] += 1

    # ---------------------------------------------------------------- swaps

    def log(self, log: Log, page: Page) -> None:
        """A swap waits for the engine's `Called`, which says whose it is; the arbitrageur's has none."""
        pool = self._by_address.get(log.address.lower())
        if pool is None or log.topics[0] != SWAP:
            return
        amounts = [_signed(log.data[at : at + WORD]) for at in (0, WORD)]
        base, other = amounts if pool.pair.base_is_token0 else amounts[::-1]
        values = page.value(pool.base, abs(base)), page.value(pool.quote, abs(other))
        paid, got = values if base > 0 else values[::-1]
        self._swaps.append((paid, paid - got))
        if "0x" + log.topics[2][-20:].hex() == ARBITRAGEUR.lower():
            self._settle("arbitrage")

    def _settle(self, who: str) -> None:
        for paid, cost in self._swaps:
            self.counts[f"swaps {who}"] += 1
            self.volume[who] += paid
            self._now[who] += paid
            self.cost[who] += cost
            self.largest[who] = max(self.largest.get(who, (0, 0)), (paid, cost))
        self._swaps.clear()

    # ---------------------------------------------------------------- a step's close

    def close(self, page: Page) -> None:
        found = [page.snapshot.lending[asset] for asset in range(page.assets)]
        self.utilisation.append([word.utilisation for word in found])
        self.rates.append([_rate(word, page.snapshot.time) for word in found])
        for who in WHO:
            self.steps[who].append(self._now[who])
        self._now.clear()

    def data(self, symbols: Sequence[str]) -> dict[str, Any]:
        names = ("opened", "raised", "repaid", "liquidated", "slices")
        return {
            "loans": {name: self.counts[name] for name in names},
            "swaps": {who: self._swapped(who) for who in WHO},
            "volume": {who: [quote(value) for value in self.steps[who]] for who in WHO},
            "lending": {symbol: self._lent(asset) for asset, symbol in enumerate(symbols)},
        }

    def _swapped(self, who: str) -> dict[str, Any]:
        paid, cost = self.largest.get(who, (0, 0))
        volume = self.volume[who]
        return {
            "swaps": self.counts[f"swaps {who}"],
            "volume": quote(volume),
            "cost": quote(self.cost[who]),
            "cost_bps": f"{self.cost[who] * BPS / volume:.2f}" if volume else "0",
            "largest": quote(paid),
            "largest_cost_bps": f"{cost * BPS / paid:.2f}" if paid else "0",
        }

    def _lent(self, asset: int) -> dict[str, list[str]]:
        return {
            "utilisation": [f"{row[asset] / SHARE:.4f}" for row in self.utilisation],
            "borrow_rate": [f"{row[asset] / RATE:.4f}" for row in self.rates],
        }


def _rate(word: Any, time: int) -> int:
    if not word.accrued_at:
        return 0
    elapsed = max(0, time - word.accrued_at)
    rate, _, _ = project(
        word.rate_at_target, word.utilisation, word.reserve_share, elapsed, word.debt_index, word.lent_index
    )
    return borrow_rate(rate, word.utilisation)


def _signed(word: bytes) -> int:
    value = int.from_bytes(word, "big")
    return value - (1 << 256) if value & SIGN else value
