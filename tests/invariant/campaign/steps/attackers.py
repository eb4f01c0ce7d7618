"""Attacks by trading: round trips, self-liquidation, stale prices, margin that is there only while one looks."""

from __future__ import annotations

from campaign.broken import Broken
from campaign.cast import ATTACKERS, BPS, UNIT, WAD
from campaign.steps import choose
from campaign.steps.lps import execute_requests, request_entry
from campaign.steps.prices import freshen
from plimsoll.margin.account import PriceUse


def flash(run, rng) -> None:
    """All out and in again within one batch; margin that is only there while the trade looks."""
    freshen(run, rng)
    name = rng.choice(("mallory", "mallet"))
    account = choose.account(run, rng, name)
    held = run.book.held(account)
    if rng.random() < 0.5 and held > 0:
        out, back = run.withdraw(account, 0, held, name), run.deposit(account, 0, held)
        run.batch(name, out, back, label="flash")
        return
    market = choose.market(run, rng, account)
    purse = 100_000 * 10**6
    size = int(purse * UNIT * 15 // run.book.price(market)) * rng.choice((1, -1))
    run.batch(
        name,
        run.deposit(account, 0, purse),
        run.trade(account, market, size),
        run.withdraw(account, 0, purse, name),
        label="flash leverage",
    )


def insolvency_in_a_batch(run, rng) -> None:
    """T-1: one account empties itself with the check deferred, the owner's other one takes it in the same batch."""
    freshen(run, rng)
    held = [(a, m) for a, m in choose.with_position(run) if run.arena.owner(a) in ATTACKERS]
    if not held:
        return pair(run, rng)
    target, market = rng.choice(held)
    name = run.arena.owner(target)
    account = rng.choice([a for a in run.arena.of(name) if a != target])
    size = run.book.size(target, market)
    first = rng.choice(
        (
            run.withdraw(target, 0, max(run.book.held(target), 1), name),
            run.trade(target, market, size),
            run.deposit(target, 0, 1),
            run.transfer(target, account, 0, max(run.book.held(target), 1)),
        )
    )
    then = rng.choice((run.liquidate(account, target), run.margin_call(account, target)))
    run.batch(name, first, then, label="insolvency in a batch", refused="S-3")
    if rng.random() < 0.5:  # and the other way round: nothing touches a target after it was taken
        run.batch(name, then, first, label="touch a target", refused="S-3")
    return None


def self_liquidation(run, rng) -> None:
    """An attacker's account is brought below its margin and taken by himself or his partner, in one slice or many."""
    held = [(a, m) for a, m in choose.with_position(run) if run.arena.owner(a) in ATTACKERS]
    if not held:
        return pair(run, rng)
    account, market = rng.choice(held)
    book = run.book
    found = book.assess(account, PriceUse.REDUCE)
    goal = int(found.mm * rng.choice((0.99, 0.8, 0.5, 0.1, 0.04, -0.2)))
    feed, now = book.markets[market].risk.feed, run.prices[book.markets[market].risk.feed]
    price = book.price(market) + (goal - found.equity) // book.size(account, market)
    if now * 6 // 10 < price < now * 16 // 10:
        run.post({feed: price})
    taker = rng.choice([a for a in run.arena.of(*ATTACKERS) if a != account])
    name = run.arena.owner(taker)
    if rng.random() < 0.4:
        run.batch(
            "mallory", run.margin_call(run.arena.of("mallory")[0], account, skip=True)
        ) if account != run.arena.of("mallory")[0] else None
        run.advance(rng.choice((1, 600, 3601)))
        run.post({})
    for _ in range(rng.choice((1, 1, 3))):
        run.batch(name, run.liquidate(taker, account, rng.choice((WAD, WAD // 5)), skip=True), label="self-liquidation")
    return None


def pair(run, rng) -> None:
    """T-8: small opposite accounts, to let insurance pay for the losing one."""
    freshen(run, rng)
    market = 0
    one, other = run.arena.of("mallory")[2], run.arena.of("mallet")[0]
    margin = rng.choice((20, 40, 400)) * 10**6
    size = margin * UNIT * rng.choice((5, 15, 18)) // run.book.price(market)
    for account, sign in ((one, 1), (other, -1)):
        name = run.arena.owner(account)
        run.batch(name, run.deposit(account, 0, margin), run.trade(account, market, sign * size))
    if rng.random() < 0.7:
        run.post({1: run.prices[1] * rng.choice((9000, 9400, 10600, 11000)) // BPS})
        taker = run.arena.of("mallory")[1]
        for account in (one, other):
            run.batch("mallory", run.liquidate(taker, account, skip=True), label="farming")


def round_trip(run, rng) -> None:
    """S-6: in and out at constant prices, split or whole, alone or with LP requests around it."""
    freshen(run, rng, 1.0)
    name = rng.choice(("mallory", "mallet"))
    account = choose.account(run, rng, name)
    market = choose.market(run, rng, account)
    size = choose.size(run, rng, account, market, 15.0)
    run.batch(name, run.deposit(account, 0, 20_000 * 10**6))
    parts = rng.choice((1, 1, 2, 5))
    if rng.random() < 0.3:
        request_entry(run, rng)
    for _ in range(parts):
        if size // parts:
            run.batch(name, run.trade(account, market, size // parts))
    if rng.random() < 0.3:
        execute_requests(run, rng)
    now = run.book.size(account, market)
    if now:
        run.batch(name, run.trade(account, market, -now))


def stale_prices(run, rng) -> None:
    """T-3: open at the old price, see the new one, close at it, within one block and within one batch."""
    name = "mallory"
    account = choose.account(run, rng, name)
    market = choose.market(run, rng, account)
    run.post({}, seconds=2)
    run.advance(rng.choice((1, 12, 55)))
    size = choose.size(run, rng, account, market, 10.0)
    feed = run.book.markets[market].risk.feed
    fresh = run.prices[feed] * (10_000 + (30 if size > 0 else -30)) // BPS
    if run.batch(name, run.trade(account, market, size)) is None:
        return
    close = run.trade(account, market, -run.book.size(account, market)) if run.book.size(account, market) else None
    run.prices[feed] = fresh
    report = run.report({feed: fresh})
    if close:
        run.batch(name, close, prices=report)
    # A second price in the same block must not move anything.
    before = dict(run.book.raw_prices)
    run.update(run.report({feed: fresh * 101 // 100}, at=run.book.time + 5))
    run.prices[feed] = run.book.prices[feed].value
    if close and before[feed] != run.book.raw_prices[feed]:
        raise Broken("F-1", "a feed moved twice in one block")
