"""One sequence under way, and the playing, shrinking and naming of sequences."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaign.broken import Broken
from campaign.run import FORBIDDEN
from campaign.sequences import Step

from option_campaign import checks, steps
from option_campaign.arena import Arena
from option_campaign.state import State
from plimsoll import contracts
from plimsoll.actions import Action
from plimsoll.errors import Halted, Reverted

LENGTH = 30


@dataclass
class Tx:
    """One transaction that took effect.

    `parties` consented to be changed, `targets` need not; `opened` took risk, out of `left` something went.
    """

    label: str
    before: State
    after: State
    logs: Any
    parties: frozenset[bytes] = frozenset()
    targets: frozenset[bytes] = frozenset()
    opened: frozenset[bytes] = frozenset()
    left: frozenset[bytes] = frozenset()
    proofs: dict[bytes, bytes] = field(default_factory=dict)
    reducing: bool = False

    def found(self, name: str) -> list[Any]:
        return contracts.events(self.logs, name)


class Run:
    """Steps call `send`; the checks run inside."""

    def __init__(self, arena: Arena, stats: Counter[str], enforced: Iterable[Any] | None = None) -> None:
        self.arena, self.world, self.stats = arena, arena.world, stats
        self.chain = arena.world.chain
        self.enforced = tuple(checks.CHECKS if enforced is None else enforced)
        self.trace: list[str] = []
        self.rng = random.Random(0)
        self.state = State(arena)

    def note(self, text: str) -> None:
        self.trace.append(text)

    def send(
        self,
        sender: str,
        actions: Sequence[Action],
        label: str,
        *,
        reducing: bool = False,
        must: str = "",
        refused: str = "",
        **about: Any,
    ) -> Tx | None:
        """A batch. `must`: what a refusal breaks. `refused`: what success breaks."""
        before = self.state
        try:
            receipt = self.world.execute(sender, *actions, reducing=reducing)
        except (Reverted, Halted) as error:
            return self._failed(label, error, must)
        if refused:
            raise Broken(refused, f"{label} should have been refused")
        self.stats[f"done {label}"] += 1
        self.note(f"    {label} {_shown(about)}")
        return self._judge(Tx(label, before, State(self.arena), receipt.logs, reducing=reducing, **about))

    def call(self, contract: Any, name: str, *args: Any, must: str = "") -> Tx | None:
        before = self.state
        try:
            receipt = contract.write(name, *args, sender=self.world.admin)
        except (Reverted, Halted) as error:
            return self._failed(name, error, must)
        self.stats[f"done {name}"] += 1
        self.note(f"    {name}")
        return self._judge(Tx(name, before, State(self.arena), receipt.logs))

    def _failed(self, label: str, error: Exception, must: str) -> None:
        name = error.name if isinstance(error, Reverted) else "halted"
        self.note(f"    {label}: {error}")
        self.stats[f"reverted {label} {name}"] += 1
        if name in FORBIDDEN or name == "halted" or name.startswith("0x"):
            raise Broken("L-2", f"{label} failed with an undocumented error: {error!s}") from error
        if must:
            raise Broken(must, f"{label} was refused: {error}") from error

    def _judge(self, tx: Tx) -> Tx:
        self.state = tx.after
        for check in self.enforced:
            check(self, tx)
        return tx

    def look(self) -> None:
        """After time or prices moved, which nobody is judged for."""
        self.state = State(self.arena)


def _shown(about: dict[str, Any]) -> str:
    return " ".join(f"{key}={_brief(value)}" for key, value in about.items() if value)


def _brief(value: Any) -> str:
    if isinstance(value, frozenset):
        return ",".join(sorted(one[:2].hex() + one[20:24].hex() for one in value))
    return str(value)


# ---------------------------------------------------------------- sequences

_arena: Arena | None = None


def arena() -> Arena:
    global _arena
    if _arena is None:
        _arena = Arena.build()
    return _arena


def sequence(seed: int, number: int, length: int = LENGTH) -> list[Step]:
    rng = random.Random(f"options {seed}/{number}")
    names, weights = zip(*steps.WEIGHTS.items(), strict=True)
    chosen = ["fill"] * 5 + rng.choices(names, weights, k=length - 5)
    return [Step(name, rng.getrandbits(48)) for name in chosen]


def play(place: Arena, plan: Sequence[Step], stats: Counter[str], **how: Any) -> Run:
    """Plays a sequence from the arena's beginning and undoes it. Raises Broken with the trace attached."""
    checkpoint, world = place.world.chain.snapshot(), place.world
    kept = dict(world.prices), dict(world.vols)
    run = Run(place, stats, **how)
    try:
        for step in plan:
            run.note(f"  {step.name} {step.seed}")
            run.rng = random.Random(step.seed)
            stats["steps"] += 1
            steps.STEPS[step.name](run, run.rng)
        run.rng = random.Random(plan[0].seed)
        steps.finish(run, run.rng)
    except Broken as broken:
        broken.trace = run.trace  # type: ignore[attr-defined]
        raise
    finally:
        world.chain.revert(checkpoint)
        world.prices, world.vols = kept
    return run


def shrink(place: Arena, plan: list[Step], number: str, budget: float = 20.0, **how: Any) -> list[Step]:
    deadline, chunk = time.monotonic() + budget, len(plan) // 2

    def breaks(candidate: list[Step]) -> bool:
        try:
            play(place, candidate, Counter(), **how)
        except Broken as broken:
            return broken.number == number
        return False

    while chunk and time.monotonic() < deadline:
        at = 1
        while at < len(plan) and time.monotonic() < deadline:
            candidate = plan[:at] + plan[at + chunk :]
            plan, at = (candidate, at) if breaks(candidate) else (plan, at + chunk)
        chunk //= 2
    return plan


def campaign(seed: int, numbers: Iterable[int], stats: Counter[str] | None = None, **how: Any) -> Counter[str]:
    """Plays sequences; the first that breaks an invariant raises Broken with a shrunk report."""
    stats = Counter() if stats is None else stats
    for number in numbers:
        plan = sequence(seed, number)
        try:
            play(arena(), plan, stats, **how)
        except Broken as broken:
            try:
                play(arena(), shrink(arena(), plan, broken.number, **how), Counter(), **how)
            except Broken as again:
                broken = again
            lines = [str(broken).removeprefix(f"{broken.number}: "), f"options sequence {seed}/{number}, shrunk to:"]
            raise Broken(broken.number, "\n".join([*lines, *getattr(broken, "trace", [])])) from None
        stats["sequences"] += 1
    return stats
