"""Who takes part in a replay, and when: all of it drawn from the seed before the first step, in seconds, not in steps.

So the same people want the same things at the same moments whatever the step, and with or without a keeper; what they
can do then depends on the chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from plimsoll.accounts import cross, isolated
from plimsoll.sim.scene import person

#: (leverage, share of the traders). The last two are the ones who gap through: they come back all the time.
LEVERAGES = ((2, 14), (3, 20), (5, 26), (8, 20), (12, 12), (16, 8))
GAMBLER = 16
ACTS_PER_HOUR = 0.25
GAMBLER_ACTS_PER_HOUR = 0.5


@dataclass
class Trader:
    """One account and its owner's habits. `margin` in whole quote; `collateral` is an asset number."""

    number: int
    owner: str
    account: bytes
    markets: tuple[int, ...]
    isolated: bool
    collateral: int
    margin: int
    leverage: int
    long_share: float
    reaction: str  # what he does about a margin call: "top up", "reduce" or "ignore"
    delay: int  # seconds until he does it
    top_ups: int
    due: int | None = field(default=None)  # when he will react to the call he has

    @property
    def gambler(self) -> bool:
        return self.leverage >= GAMBLER


@dataclass(frozen=True, order=True, slots=True)
class Impulse:
    """A trader wants to do something: which, and how much of it, is in the two draws."""

    time: int
    trader: int
    first: bool
    draw: float
    amount: float


@dataclass(frozen=True, order=True, slots=True)
class LpImpulse:
    """An LP asks to enter or leave with a share of what he brought."""

    time: int
    provider: int
    leave: bool
    share: float


@dataclass
class Population:
    traders: list[Trader]
    impulses: list[Impulse]
    providers: list[tuple[str, int]]  # address, whole quote
    lp_impulses: list[LpImpulse]


def populate(
    *, seed: int, traders: int, markets: int, assets: list[int], start: int, end: int, liquidity: int
) -> Population:
    """`assets`: numbers of the volatile collateral assets."""
    rng = Random(seed)
    people = [_trader(rng, number, markets, assets) for number in range(traders)]
    impulses = sorted(impulse for trader in people for impulse in _impulses(rng, trader, start, end))
    shares = (50, 30, 20)
    providers = [(person("provider", n), liquidity * share // 100) for n, share in enumerate(shares)]
    hours = max(1, (end - start) // 3600)
    asks = [
        LpImpulse(start + rng.randrange(end - start), rng.randrange(len(providers)), rng.random() < 0.5, 0.05)
        for _ in range(max(2, hours // 8))
    ]
    return Population(people, impulses, providers, sorted(asks))


def _trader(rng: Random, number: int, markets: int, assets: list[int]) -> Trader:
    leverage = rng.choices([x for x, _ in LEVERAGES], [weight for _, weight in LEVERAGES])[0]
    alone = rng.random() < 0.5 or leverage >= GAMBLER
    market = rng.randrange(markets)
    volatile = not alone and bool(assets) and rng.random() < 0.5
    owner = person("trader", number)
    margin = min(60_000, max(300, int(rng.lognormvariate(8.1, 0.9))))
    reaction = rng.choices(("top up", "reduce", "ignore"), (35, 20, 45))[0]
    return Trader(
        number=number,
        owner=owner,
        account=isolated(owner, market) if alone else cross(owner),
        markets=(market,) if alone else tuple(range(markets)),
        isolated=alone,
        collateral=rng.choice(assets) if volatile else 0,
        margin=margin if leverage < 12 else max(300, margin // 3),
        leverage=min(leverage, 4) if volatile else leverage,
        long_share=0.6,
        reaction=reaction,
        delay=rng.randrange(120, 3300),
        top_ups=rng.randrange(1, 4),
    )


def _impulses(rng: Random, trader: Trader, start: int, end: int) -> list[Impulse]:
    """First an entry within the first hour, then at exponential distances."""
    mean = 3600 / (GAMBLER_ACTS_PER_HOUR if trader.gambler else ACTS_PER_HOUR)
    time, first, found = start + rng.randrange(min(3600, end - start)), True, []
    while time < end:
        found.append(Impulse(time, trader.number, first, rng.random(), rng.random()))
        first = False
        time += 1 + int(rng.expovariate(1 / mean))
    return found
