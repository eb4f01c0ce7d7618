"""Positions opened, changed and reduced."""

from __future__ import annotations

from campaign.cast import BPS, MARKETS, SIZE, TRADERS
from campaign.steps import choose
from campaign.steps.prices import freshen, prologue


def open_position(run, rng) -> None:
    freshen(run, rng)
    name = choose.trader(rng)
    account = choose.account(run, rng, name)
    market = choose.market(run, rng, account)
    actions = [run.trade(account, market, choose.size(run, rng, account, market))]
    if rng.random() < 0.35 or run.book.held(account) <= 0:
        purse = run.book.holdings[0][run.arena.holders.index(run.address(name))]
        actions.insert(0, run.deposit(account, 0, min(rng.choice((50, 500, 5_000, 50_000, 600_000)) * 10**6, purse)))
    if rng.random() < 0.1:
        actions.append(run.trade(account, market, choose.size(run, rng, account, market)))
    run.batch(name, *actions, prices=prologue(run, rng))


def trade(run, rng) -> None:
    """Adds, reduces, closes or flips an existing position."""
    freshen(run, rng, 0.7)
    held = [entry for entry in choose.with_position(run) if run.arena.owner(entry[0]) in TRADERS]
    if not held:
        return open_position(run, rng)
    account, market = rng.choice(held)
    size = run.book.size(account, market)
    change = rng.choice((-size, -size, -size // 2, -(size * 3) // 2, size // 3, -2 * size, rng.choice((1, -1))))
    if not change:
        return None
    how = {}
    if rng.random() < 0.2:
        how["limit_price"] = run.book.price(market) * rng.randint(9990, 10010) // BPS
    if rng.random() < 0.1:
        how["deadline"] = run.book.time + rng.choice((-1, 0, 10))
    owner = run.arena.owner(account)
    run.batch(owner, run.trade(account, market, change, **how), prices=prologue(run, rng))
    return None


def reduce(run, rng) -> None:
    """A reducing batch; on old prices too."""
    held = choose.with_position(run)
    if not held:
        return
    account, market = rng.choice(held)
    size = run.book.size(account, market)
    change = rng.choice((-size, -size, -size // 2, -size // 3, -2 * size, size))
    if not change:
        return
    actions = [run.trade(account, market, change)]
    if rng.random() < 0.2:
        actions.insert(0, run.deposit(account, 0, 10**6))
    if rng.random() < 0.1:
        actions.append(run.withdraw(account, 0, 1, "mallory"))
    run.batch(run.arena.owner(account), *actions, reducing=True)


def open_beside_a_dead_feed(run, rng) -> None:
    """New risk needs a good price of everything the account holds a position in, not only of what it trades."""
    freshen(run, rng)
    held = [(a, m) for a, m in choose.with_position(run) if run.arena.isolated_market(a) is None]
    if not held or not run.book.all_good:
        return
    account, market = rng.choice(held)
    feed = run.book.markets[market].risk.feed
    run.call("admin", run.world.router, "dispute", feed, run.book.time + 60)
    other = rng.choice([m for m in MARKETS if m != market])
    held_there = run.book.size(account, other)
    size = SIZE if held_there >= 0 else -SIZE
    owner = run.arena.owner(account)
    run.batch(owner, run.deposit(account, 0, 10**11), run.trade(account, other, size), refused="S-1")
