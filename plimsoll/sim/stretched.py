"""Accounts that always take the most leverage that their market's table gives at their size, tier by tier.

Each has a notional inside its tier and half of them are short. When flat it brings (or takes out) money until its
initial margin is just covered and opens; with a profit it closes, to begin at the maximum again; after a liquidation
it comes back with new money. It answers no margin call.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from plimsoll.accounts import isolated
from plimsoll.actions import withdraw
from plimsoll.deploy.parameters import Market
from plimsoll.sim.clerk import Clerk, Order
from plimsoll.sim.scene import person

THOUSAND = 1000
ACT_SECONDS = 5400  # on average between two looks at one's account
CUSHION = 1.02  # over the initial margin
COSTS = 0.003  # fee, spread and premium of the opening, of the notional
PROFIT = 1.3  # equity / initial margin at which it closes


@dataclass(frozen=True, slots=True)
class Stretched:
    """One account; `notional` in whole quote, `tier` from 1."""

    owner: str
    account: bytes
    market: int
    tier: int
    notional: int
    long: bool


@dataclass
class Crowd:
    """All of them, and when each looks at its account."""

    people: list[Stretched] = field(default_factory=list)
    looks: list[tuple[int, int]] = field(default_factory=list)  # time, who
    _at: int = 0

    def orders(self, clerk: Clerk) -> Iterator[Order]:
        until = bisect_right(self.looks, (clerk.time, len(self.people)))
        for _, number in self.looks[self._at : until]:
            yield from act(self.people[number], clerk)
        self._at = until

    def label(self, one: Stretched, symbols: Sequence[str]) -> str:
        return f"{symbols[one.market]} tier {one.tier}"


def gather(*, seed: int, markets: Sequence[Market], per_tier: Sequence[int], start: int, end: int) -> Crowd:
    """`per_tier`: how many in each tier on each side of each market."""
    rng, crowd = Random(f"stretched {seed}"), Crowd()
    for number, market in enumerate(markets):
        first, second = market.bound1 * THOUSAND, market.bound2 * THOUSAND
        ranges = ((first // 100, first), (first + first // 10, second), (second + second // 10, 3 * second // 2))
        for tier, (low, high) in enumerate(ranges, 1):
            for one in range(2 * per_tier[tier - 1]):
                notional = rng.randrange(low, high)
                owner = person("stretched", len(crowd.people))
                account = isolated(owner, number)
                crowd.people.append(Stretched(owner, account, number, tier, notional, one % 2 == 0))
    for who in range(len(crowd.people)):
        time = start + rng.randrange(min(3600, end - start))
        while time < end:
            crowd.looks.append((time, who))
            time += 1 + int(rng.expovariate(1 / ACT_SECONDS))
    crowd.looks.sort()
    return crowd


def act(one: Stretched, clerk: Clerk) -> Iterator[Order]:
    page, row = clerk.page, clerk.page.row_of.get(one.account)
    market = clerk.scene.deployment.parameters.markets[one.market]
    margin = requirement(one.notional, market) * page.multiplier(market.feed)
    positions = clerk.positions(row)
    if row is not None and positions:
        if float(page.scores.equity[row]) > PROFIT * margin:
            yield clerk.order("trade", one, *(clerk.trade(one, number, -size) for number, size in positions))
        return
    held = page.table.held_exact(row) // 10**6 if row is not None else 0
    wanted = int(margin * CUSHION + COSTS * one.notional) + 1
    if held > wanted:
        yield clerk.order("withdrawal", one, withdraw(one.account, 0, (held - wanted) * 10**6, one.owner))
    else:
        yield from clerk.deposit(one, 0, (wanted - held) * 10**6)
    size = clerk.size(one.market, one.notional)
    yield clerk.order("trade", one, clerk.trade(one, one.market, size if one.long else -size))


def requirement(notional: float, market: Market) -> float:
    """Initial margin of the tiers, without volatility."""
    bounds = (0.0, market.bound1 * THOUSAND, market.bound2 * THOUSAND)
    found = 0.0
    for number, rate in enumerate(market.im_rates):
        top = bounds[number + 1] if number < 2 else float("inf")
        found += max(0.0, min(notional, top) - bounds[number]) * rate / 10_000
    return found
