"""Sequences of steps: drawn from a seed, played, and shrunk when they break an invariant.

A step is a name and a seed of its own, interpreted in the state it meets. A sequence is thus a list that stays runnable
when steps are dropped: that is how a failing one is shrunk.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from campaign.arena import Arena
from campaign.broken import Broken
from campaign.closing import closing_checks
from campaign.run import Run
from campaign.steps import STEPS, WEIGHTS

LENGTH = 30


class Step(NamedTuple):
    name: str
    seed: int


def sequence(seed: int, number: int, length: int = LENGTH) -> list[Step]:
    rng = random.Random(f"{seed}/{number}")
    names, weights = zip(*WEIGHTS.items(), strict=True)
    chosen = rng.choices(names, weights, k=length)
    return [Step("open", rng.getrandbits(48)) for _ in range(3)] + [Step(n, rng.getrandbits(48)) for n in chosen[3:]]


def play(arena: Arena, plan: Sequence[Step], stats: Counter[str], finish: Any = None, **how: Any) -> Run:
    """Plays a sequence from the arena's beginning and undoes it. Raises Broken with the trace attached.

    `finish(run)` sees the state after the last step, in place of the closing checks.
    """
    checkpoint = arena.world.chain.snapshot()
    run = Run(arena, stats, **how)
    try:
        for step in plan:
            run.note(f"  {step.name} {step.seed}")
            run.rng = random.Random(step.seed)
            stats["steps"] += 1
            STEPS[step.name](run, run.rng)
        run.rng = random.Random(plan[0].seed)
        (finish or closing_checks)(run)
    except Broken as broken:
        broken.trace = run.trace  # type: ignore[attr-defined]
        raise
    finally:
        arena.world.chain.revert(checkpoint)
    return run


def shrink(arena: Arena, plan: list[Step], number: str, budget: float = 20.0, **how: Any) -> list[Step]:
    """The shortest sequence found by dropping steps that still breaks the same invariant."""
    deadline = time.monotonic() + budget

    def breaks(candidate: list[Step]) -> bool:
        try:
            play(arena, candidate, Counter(), **how)
        except Broken as broken:
            return broken.number == number
        return False

    chunk = len(plan) // 2
    while chunk and time.monotonic() < deadline:
        at = 1  # the first one's seed is that of what is tried at the end
        while at < len(plan) and time.monotonic() < deadline:
            candidate = plan[:at] + plan[at + chunk :]
            if breaks(candidate):
                plan = candidate
            else:
                at += chunk
        chunk //= 2
    return plan


def explain(arena: Arena, plan: list[Step], broken: Broken, name: str, **how: Any) -> Broken:
    """The failure again, shrunk, with what it takes to play it."""
    try:
        play(arena, shrink(arena, plan, broken.number, **how), Counter(), **how)
    except Broken as again:
        broken = again
    text = str(broken).removeprefix(f"{broken.number}: ")
    lines = [text, f"sequence {name}: python tests/invariant/campaign --replay {name}", "shrunk to:"]
    return Broken(broken.number, "\n".join([*lines, *getattr(broken, "trace", [])]))


_arena: Arena | None = None


def arena() -> Arena:
    """One per process: building it takes as long as hundreds of steps."""
    global _arena
    if _arena is None:
        _arena = Arena.build()
    return _arena


def campaign(seed: int, numbers: Iterable[int], stats: Counter[str] | None = None, **how: Any) -> Counter[str]:
    """Plays sequences; the first that breaks an invariant raises Broken with a shrunk report."""
    stats = Counter() if stats is None else stats
    place = arena()
    for number in numbers:
        plan = sequence(seed, number)
        try:
            play(place, plan, stats, **how)
        except Broken as broken:
            raise explain(place, plan, broken, f"{seed}/{number}", **how) from None
        stats["sequences"] += 1
    return stats


def survey(seed: int, numbers: Iterable[int], stats: Counter[str]) -> None:
    """Plays all, failing ones too, and prints each failure's first line."""
    for number in numbers:
        try:
            play(arena(), sequence(seed, number), stats)
        except Broken as broken:
            print(f"{seed}/{number}  {broken}"[:240], flush=True)
        stats["sequences"] += 1
