"""Sequences of actions by ordinary people and attackers; every invariant is asked after each transaction.

    python tests/invariant/campaign.py --seed 7 --count 100        run sequences 7/0 … 7/99
    python tests/invariant/campaign.py --replay 7/42               run one, then shrink it when it fails

A step is a name and a seed of its own, interpreted in the state it meets. A sequence is thus a list that stays runnable
when steps are dropped: that is how a failing one is shrunk.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import campaign_checks as checks
import campaign_steps as steps
from campaign_checks import TOPICS, Broken
from campaign_state import Arena, Book

from plimsoll import actions as act
from plimsoll import contracts
from plimsoll.errors import Halted, Reverted
from plimsoll.prices import Quote

LENGTH = 30
#: Errors that no caller may ever meet: arithmetic, casts and library failures nobody documented.
FORBIDDEN = frozenset(
    ("", "Panic", "Error", "Overflow", "MulDivFailed", "FullMulDivFailed", "DivFailed", "ExpOverflow")
)


class Step(NamedTuple):
    name: str
    seed: int


class Act(NamedTuple):
    """One action of a batch with what the checks need to know of it."""

    name: str
    account: bytes
    raw: act.Action
    about: dict[str, Any]


@dataclass
class Risk:
    strict: bool = False
    removed: bool = False


@dataclass
class Tx:
    """One transaction that took effect."""

    label: str
    sender: str
    actors: frozenset[str]
    start: Book
    before: Book
    after: Book
    logs: Any
    pending_before: dict[int, tuple[str, str, int]]
    is_batch: bool = False
    reducing: bool = False
    accounts: set[bytes] = field(default_factory=set)
    traders: set[bytes] = field(default_factory=set)
    targets: set[bytes] = field(default_factory=set)
    operated: set[bytes] = field(default_factory=set)
    risk: dict[bytes, Risk] = field(default_factory=dict)
    contributed: set[int] = field(default_factory=set)
    orders: list[dict[str, Any]] = field(default_factory=list)
    removed: set[bytes] = field(default_factory=set)
    commons: int = 0
    _events: dict[str, list[Any]] | None = None

    def found(self, name: str) -> list[Any]:
        """The watched events of that name."""
        if self._events is None:
            self._events = {}
            for log in self.logs:
                if log.topics and log.topics[0] in TOPICS:
                    event = contracts.decode_event(log)
                    self._events.setdefault(event.name, []).append(event)
        return self._events.get(name, [])

    def executed(self) -> list[int]:
        """LP requests that were executed, by id."""
        return [event.args["id"] for name in ("DepositExecuted", "RedeemExecuted") for event in self.found(name)]


class Run:
    """One sequence under way. Steps call `batch`, `call`, `post` and `advance`; the checks run inside."""

    def __init__(
        self, arena: Arena, stats: Counter[str], observers: Iterable[Any] = (), enforced=checks.CHECKS, ignored=()
    ) -> None:
        self.arena, self.stats, self.world = arena, stats, arena.world
        self.chain, self.enforced, self.observers = arena.world.chain, enforced, tuple(observers)
        self.ignored = frozenset(ignored)
        self.prices = arena.start_prices()
        self.pending: dict[int, tuple[str, str, int]] = {}
        self.donated = [0, 0, 0, 0]
        self.donated_pool = self.donated_lp = 0
        self.grants: dict[tuple[bytes, str], tuple[int, ...]] = {}
        self.spent: dict[tuple[bytes, str, int], int] = {}
        self.rng = random.Random(0)
        self.commons = 0  # what lies in Executor and goes to whoever calls next
        self.trace: list[str] = []
        self.book = arena.read()

    # ---------------------------------------------------------------- sending

    def sampled(self) -> bytes:
        return self.rng.choice(list(self.arena.accounts))

    def note(self, text: str) -> None:
        self.trace.append(text)

    def failed(self, label: str, error: Exception, must: str, excused: tuple[str, ...] = ()) -> None:
        name = error.name if isinstance(error, Reverted) else "halted"
        self.note(f"    {label}: {error}")
        self.stats[f"reverted {label} {name}"] += 1
        if name in FORBIDDEN or name == "halted" or name.startswith("0x"):
            raise Broken("L-2", f"{label} failed with an undocumented error: {error!s}") from error
        if must and name not in excused:
            raise Broken(must, f"{label} was refused: {error}") from error

    def batch(
        self,
        sender: str,
        *actions: Act,
        label: str = "",
        prices: bytes = b"",
        reducing: bool = False,
        must: str = "",
        refused: str = "",
        excused: tuple[str, ...] = (),
    ) -> Tx | None:
        """Sends a batch. `must`: what a refusal breaks, save by `excused` errors. `refused`: what success breaks."""
        label = label or "+".join(dict.fromkeys(action.name for action in actions))
        start = before = self.book
        if prices:
            before = self._after_prologue(prices)
            if before is None:
                return None
        data = act.batch([action.raw for action in actions], prices, reducing)
        pending = dict(self.pending)
        try:
            receipt = self.world.engine.write("execute", data, sender=self.address(sender))
        except (Reverted, Halted) as error:
            self.failed(label, error, must, excused)
            return None
        self.note(f"    {label} by {sender}" + (" (reducing)" if reducing else "") + _shown(self, actions))
        self.stats[f"done {label}"] += 1
        if refused:
            raise Broken(refused, f"{label} by {sender} should have been refused")
        tx = self._tx(label, sender, start, before, receipt, pending)
        tx.is_batch, tx.reducing, tx.commons = True, reducing, self.commons
        for action in actions:
            _classify(self, tx, action)
        self.judge(tx)
        return tx

    def call(
        self, sender: str, contract: Any, name: str, *args: Any, must: str = "", refused: str = "", commons: int = 0
    ) -> Tx | None:
        """A transaction to any other contract."""
        start, pending = self.book, dict(self.pending)
        try:
            receipt = contract.write(name, *args, sender=self.address(sender))
        except (Reverted, Halted) as error:
            self.failed(name, error, must)
            return None
        self.note(f"    {contract.artifact.name}.{name} by {sender}")
        self.stats[f"done {name}"] += 1
        if refused:
            raise Broken(refused, f"{name} by {sender} should have been refused")
        tx = self._tx(name, sender, start, start, receipt, pending)
        tx.commons = commons
        self.judge(tx)
        return tx

    def address(self, name: str) -> str:
        return self.world.admin if name == "admin" else self.arena.people.get(name) or self.world.actor(name)

    def _tx(self, label, sender, start, before, receipt, pending) -> Tx:
        self.book = self.arena.read()
        tx = Tx(label, sender, frozenset((sender,)), start, before, self.book, receipt.logs, pending)
        self._follow_requests(tx)
        return tx

    def judge(self, tx: Tx) -> None:
        for events in tx._events.values() if tx._events else ():
            self.stats[f"event {events[0].name}"] += len(events)
        for observer in self.observers:
            observer(self, tx.logs)
        for check in self.enforced:
            try:
                check(self, tx)
            except Broken as broken:
                if broken.number not in self.ignored:
                    raise

    def _follow_requests(self, tx: Tx) -> None:
        names = self.arena.names
        for event in tx.found("DepositRequested"):
            self.pending[event.args["id"]] = ("deposit", names[event.args["controller"]], event.args["assets"])
        for event in tx.found("RedeemRequested"):
            self.pending[event.args["id"]] = ("redeem", names[event.args["controller"]], event.args["shares"])
        for name in ("DepositExecuted", "RedeemExecuted", "RequestReclaimed"):
            for event in tx.found(name):
                self.pending.pop(event.args["id"])

    def _after_prologue(self, prices: bytes) -> Book | None:
        """The state between the prices of a batch and its first action."""
        checkpoint = self.chain.snapshot()
        try:
            self.world.router.write("update", prices, sender=self.world.admin)
            return self.arena.read()
        except Reverted as error:
            self.failed("prologue", error, "")
            return None
        finally:
            self.chain.revert(checkpoint)

    # ---------------------------------------------------------------- prices and time

    def report(self, changes: dict[int, int], *, at: int | None = None, confidence: int = 100, feeds=None) -> bytes:
        """A signed report of all feeds (or of `feeds`), published now unless said otherwise."""
        prices = {**self.prices, **changes}
        chosen = sorted(feeds or prices)
        return self.world.signer.report(
            self.chain.block()[1] if at is None else at, [Quote(feed, prices[feed], confidence) for feed in chosen]
        )

    def advance(self, seconds: int) -> None:
        self.chain.advance(seconds)
        self.book = self.arena.read()

    def post(self, changes: dict[int, int], *, seconds: int = 2, **how: Any) -> None:
        """Time passes, then anyone posts prices. Worth changes here and only here."""
        if seconds:
            self.advance(seconds)
        self.prices.update(changes)
        self.update(self.report(changes, **how))

    def update(self, report: bytes) -> None:
        before = self.book
        try:
            receipt = self.world.router.write("update", report, sender=self.address("mallory"))
        except (Reverted, Halted) as error:
            self.failed("update", error, "")
            return
        self.book = self.arena.read()
        moved = {f: p.value / 1e10 for f, p in self.book.prices.items() if p.value != before.prices[f].value}
        self.note(f"    prices at {self.book.time}: {moved}")
        for observer in self.observers:
            observer(self, receipt.logs)
        tx = Tx("update", "mallory", frozenset(), before, before, self.book, receipt.logs, dict(self.pending))
        checks.f2_a_feed_moves_once_per_block_and_forward(self, tx)
        checks.i2_perp_pnl_sums_to_zero(self, tx)

    # ---------------------------------------------------------------- builders

    def deposit(self, account: bytes, asset: int, amount: int) -> Act:
        return Act("deposit", account, act.deposit(account, asset, amount), {"asset": asset, "amount": amount})

    def withdraw(self, account: bytes, asset: int, amount: int, to: str) -> Act:
        raw = act.withdraw(account, asset, amount, self.address(to))
        return Act("withdraw", account, raw, {"asset": asset, "amount": amount, "receiver": to})

    def transfer(self, account: bytes, to: bytes, asset: int, amount: int) -> Act:
        return Act("transfer", account, act.transfer(account, to, asset, amount), {"to": to, "amount": amount})

    def transfer_position(self, account: bytes, to: bytes, market: int, size: int) -> Act:
        raw = act.transfer_position(account, to, market, size)
        return Act("move", account, raw, {"to": to, "market": market, "size": size})

    def trade(self, account: bytes, market: int, size: int, **how: Any) -> Act:
        about = {"market": market, "size": size} | how
        return Act("trade", account, act.trade_perp(account, market, size, **how), about)

    def liquidate(self, account: bytes, target: bytes, fraction: int = act.WAD, **how: Any) -> Act:
        raw = act.liquidate(account, target, fraction, **how)
        return Act("liquidate", account, raw, {"target": target, "fraction": fraction})

    def margin_call(self, account: bytes, target: bytes, *, skip: bool = False) -> Act:
        return Act("call", account, act.margin_call(account, target, skip=skip), {"target": target})

    def settle(self, market: int, accounts: Sequence[bytes]) -> Act:
        return Act("settle", bytes(32), act.settle(market, accounts), {"market": market, "accounts": accounts})

    def exchange(
        self, account: bytes, asset_in: int, amount: int, asset_out: int, least: int, target: str, data: bytes
    ) -> Act:
        raw = act.call(account, asset_in, amount, asset_out, least, target, data)
        return Act("exchange", account, raw, {"out": asset_out})


def _shown(run: Run, actions: Sequence[Act]) -> str:
    def value(item: Any) -> str:
        if isinstance(item, bytes) and len(item) == 32:
            return f"{run.arena.owner(item) or 'special'}:{item[20:23].hex()}/{item[-1]}"
        return str([value(entry) for entry in item]) if isinstance(item, list) else str(item)

    return "".join(
        f"\n        {a.name} {value(a.account)} " + " ".join(f"{k}={value(v)}" for k, v in a.about.items())
        for a in actions
    )


def _classify(run: Run, tx: Tx, action: Act) -> None:
    """What the engine should have found out about each account, worked out from the actions alone."""
    name, account, about = action.name, action.account, action.about
    owner = run.arena.owner(account)
    if name == "settle":
        tx.contributed.add(about["market"])
        tx.targets |= set(about["accounts"])
        return
    tx.accounts.add(account)
    if name == "deposit":
        return
    if owner == tx.sender:
        tx.actors |= {owner}
    if name == "trade":
        tx.traders.add(account)
        tx.orders.append(about)
        if owner != tx.sender:
            tx.operated.add(account)
            tx.actors |= {owner}
        if not tx.found("Liquidated"):
            tx.contributed.add(about["market"])
        risk = tx.risk.setdefault(account, Risk())
        sizes = tx.__dict__.setdefault("sizes", {})
        key = (account, about["market"])
        old = sizes.get(key, tx.before.size(*key))
        new = sizes[key] = old + about["size"]
        opening = abs(new) > abs(old) or new * old < 0
        if opening and not tx.found("Liquidated") and "moved" not in tx.__dict__:
            risk.strict = True
    elif name in ("withdraw", "exchange"):
        tx.removed.add(account)
        risk = tx.risk.setdefault(account, Risk())
        risk.strict = risk.removed = True
    elif name in ("transfer", "move"):
        tx.removed.add(account)
        risk = tx.risk.setdefault(account, Risk())
        risk.strict = risk.removed = True
        tx.risk.setdefault(about["to"], Risk()).strict = True
        tx.accounts.add(about["to"])
        tx.__dict__["moved"] = True
    elif name == "liquidate":
        tx.risk.setdefault(account, Risk())
        tx.targets.add(about["target"])
    elif name == "call":
        tx.targets.add(about["target"])


# ---------------------------------------------------------------- sequences


def sequence(seed: int, number: int, length: int = LENGTH) -> list[Step]:
    rng = random.Random(f"{seed}/{number}")
    names, weights = zip(*steps.WEIGHTS.items(), strict=True)
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
            steps.STEPS[step.name](run, run.rng)
        run.rng = random.Random(1)
        (finish or steps.closing_checks)(run)
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
        at = 0
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
    lines = [text, f"sequence {name}: python tests/invariant/campaign.py --replay {name}", "shrunk to:"]
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--replay", metavar="SEED/NUMBER")
    parser.add_argument("--stats", action="store_true")
    parser.add_argument("--survey", action="store_true", help="go on after failures and list them")
    parser.add_argument("--quick", action="store_true", help="do not shrink a failure")
    parser.add_argument("--without", nargs="*", default=(), metavar="NUMBER", help="invariants not to ask for")
    args = parser.parse_args()
    stats: Counter[str] = Counter()
    started = time.monotonic()
    try:
        if args.replay:
            seed, _, number = args.replay.partition("/")
            campaign(int(seed), [int(number)], stats)
        elif args.survey:
            survey(args.seed, range(args.first, args.first + args.count), stats)
        elif args.quick:
            for number in range(args.first, args.first + args.count):
                play(arena(), sequence(args.seed, number), stats, ignored=args.without)
                stats["sequences"] += 1
        else:
            campaign(args.seed, range(args.first, args.first + args.count), stats, ignored=args.without)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    elapsed = time.monotonic() - started
    if args.stats:
        for key, count in sorted(stats.items()):
            print(f"{count:8d}  {key}")
    print(f"{stats['sequences']} sequences, {stats['steps']} steps in {elapsed:.1f} s")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(__import__("pathlib").Path(__file__).parent))
    sys.exit(main())
