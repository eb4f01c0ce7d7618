"""Prices move, feeds fail, time passes."""

from __future__ import annotations

from campaign.cast import BPS


def freshen(run, rng, chance: float = 0.9) -> None:
    """Mostly people act on fresh prices."""
    if not run.book.all_good and rng.random() < chance:
        run.post({}, seconds=2)


def prologue(run, rng) -> bytes:
    """Sometimes a batch brings prices: new ones, those already there, old ones, or a subset."""
    if rng.random() > 0.25:
        return b""
    if rng.random() < 0.7:
        run.advance(rng.choice((1, 2, 12)))
    drift = {feed: run.prices[feed] * rng.randint(9970, 10030) // BPS for feed in (1, 2, 3)}
    how = rng.random()
    if how < 0.7:
        run.prices.update(drift)
        return run.report(drift)
    if how < 0.85:
        return run.report(drift, at=run.chain.block()[1] - rng.randint(1, 100))  # backwards, most of the time
    return run.report(drift, feeds=(rng.choice((1, 2, 3)),))


def tick(run, rng) -> None:
    """All prices a little, or one of them a lot."""
    moves = {feed: run.prices[feed] * rng.randint(9950, 10050) // BPS for feed in (1, 2, 3)}
    if rng.random() < 0.25:
        feed = rng.choice((1, 2, 3))
        moves[feed] = run.prices[feed] * rng.choice((7000, 8500, 9300, 10700, 11500, 13000)) // BPS
    run.post(moves, seconds=rng.choice((1, 2, 12, 12, 30, 300)))


def wait(run, rng) -> None:
    """Funding, deadlines, windows; with or without prices after it."""
    seconds = rng.choice((61, 600, 3601, 3601, 7200, 86_400))
    if rng.random() < 0.5:
        run.advance(seconds)
    else:
        run.post({}, seconds=seconds)


def bad_feeds(run, rng) -> None:
    kind = rng.random()
    feed = rng.choice((1, 2, 3))
    if kind < 0.4:
        until = run.book.time + rng.choice((60, 3600))
        run.call("admin", run.world.router, "dispute", feed, until)
    elif kind < 0.6:
        run.advance(12)
        run.update(run.report({feed: run.prices[feed] * 2}, confidence=900_000, feeds=(feed,)))  # too wide: rejected
    elif kind < 0.75:
        run.update(run.report({feed: run.prices[feed] * 9 // 10}, at=run.book.time - rng.randint(0, 200)))
    elif kind < 0.9:  # twice in a block
        run.post({feed: run.prices[feed] * 101 // 100}, seconds=2)
        run.update(run.report({feed: run.prices[feed] * 99 // 100}, at=run.book.time + 5))
        run.prices[feed] = run.book.prices[feed].value
    else:
        run.update(run.report({}, at=run.book.time + 16))  # from the future
