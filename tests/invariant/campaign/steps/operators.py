"""Operators: granted, locked out, and trying what they must not."""

from __future__ import annotations

from campaign.cast import MARKETS, ORDINARY, WAD
from campaign.steps import choose
from campaign.steps.prices import freshen


def operators(run, rng) -> None:
    name = rng.choice(ORDINARY)
    account = choose.account(run, rng, name)
    kind = rng.random()
    engine = run.world.engine
    granted = [key[0] for key in run.grants]
    if granted and kind > 0.35:
        account = rng.choice(granted)
        name = run.arena.owner(account)
    if kind < 0.35 or not granted:
        limits = (
            rng.choice((7, 1, 2, 7)),
            rng.choice((10**4, 10**5, 10**6, 10**7)),
            rng.choice((300, 1000, 2000, 10_000, 10_000)),
            rng.random() < 0.25,
            run.book.time + rng.choice((60, 10**5, 10**6)),
            rng.choice((1200, 2000, 5000, 20_000)),
            rng.choice((10, 200, 5000, 10**5)),
        )
        if run.call(name, engine, "setOperator", account, run.address("operator"), limits):
            run.grants[(account, "operator")] = limits
        return
    if kind < 0.42:
        if run.call(name, engine, "lockdown"):
            for key in [key for key in run.grants if run.arena.owner(key[0]) == name]:
                del run.grants[key]
        return
    _hostile_operator(run, rng, account)


def _hostile_operator(run, rng, account: bytes) -> None:
    """Churns, takes size, tries to move funds out."""
    freshen(run, rng)
    market = choose.market(run, rng, account)
    if run.book.size(account, market) == 0 and rng.random() < 0.5:
        market = rng.choice([m for m in MARKETS if run.book.size(account, m)] or [market])
    kind = rng.random()
    if kind < 0.15:
        mine = rng.choice(
            (
                run.withdraw(account, 0, 1, "operator"),
                run.transfer(account, run.arena.of(run.arena.owner(account))[0], 0, 1),
                run.margin_call(account, run.arena.of("bob")[0], skip=True),
                run.liquidate(account, run.arena.of("mallet")[0], WAD, skip=True),
            )
        )
        run.batch("operator", mine, refused="A-2")
        return
    size = run.book.size(account, market) if rng.random() < 0.4 else 0
    change = -size if size else choose.size(run, rng, account, market, rng.choice((0.5, 3.0, 8.0)))
    actions = [run.trade(account, market, change)]
    churn = rng.random() < 0.4
    if churn:
        actions.append(run.trade(account, market, -change))
    for _ in range(6 if churn else 1):
        run.batch("operator", *actions, label="operator", reducing=rng.random() < 0.1)
