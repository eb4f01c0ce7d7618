"""Liquidity and lending."""

from __future__ import annotations

from campaign.cast import MARKETS
from campaign.steps import choose


def request_entry(run, rng) -> None:
    name = rng.choice(("lp", "lp", "mallory", "carol"))
    amount = rng.choice((1, 1000, 50_000, 400_000)) * 10**6 + rng.randint(0, 10**6)
    for part in _split(rng, amount):
        run.call(name, run.world.pool, "requestDeposit", part, run.address(name))


def request_exit(run, rng) -> None:
    name = rng.choice(("lp", "lp", "provider", "mallory"))
    shares = run.book.lp[run.arena.holders.index(run.address(name))]
    if shares:
        part = rng.choice((shares, shares // 2, shares // 10, shares + 1))
        run.call(name, run.world.pool, "requestRedeem", part, run.address(name))


def _split(rng, amount: int) -> list[int]:
    return [amount] if rng.random() < 0.7 else [amount // 3] * 3


def execute_requests(run, rng) -> None:
    """Waits for the delay, mostly, and executes in some order."""
    if not run.pending:
        return request_entry(run, rng)
    if rng.random() < 0.8:
        _quietly(run, 3601)
    chosen = list(run.pending)
    rng.shuffle(chosen)
    if rng.random() < 0.2:
        chosen += [chosen[0], 10**6]
    run.call(rng.choice(("keeper", "mallory")), run.world.pool, "execute", chosen)
    return None


def _quietly(run, seconds: int) -> None:
    """Time passes at constant prices, with someone looking at them now and then."""
    for part in (seconds // 2, seconds - seconds // 2):
        run.post({}, seconds=part)
        run.call("keeper", run.world.pool, "observe")


def pool_errands(run, rng) -> None:
    pool = run.world.pool
    kind = rng.random()
    if kind < 0.3:
        run.call("keeper", pool, "observe")
    elif kind < 0.5:
        run.call("mallory", pool, "claim", run.address(rng.choice(("lp", "mallory"))))
    elif kind < 0.7 and run.pending:
        run.call("mallory", pool, "reclaim", rng.choice(list(run.pending)))
    else:
        run.call("mallory", run.world.engine, "refreshPool", rng.sample(MARKETS, rng.randint(1, 3)))


def lend(run, rng) -> None:
    name = rng.choice(("lender", "lender", "mallory", "alice"))
    asset = rng.choice((0, 0, 1, 3))
    place = run.arena.holders.index(run.address(name))
    purse, shares = run.book.holdings[asset][place], run.book.shares[asset][place]
    vault, me = run.arena.vaults[asset], run.address(name)
    kind = rng.random()
    if kind < 0.4 or not shares:
        run.call(name, vault, "deposit", rng.choice((1, 999, purse // 7, purse // 100)), me)
    elif kind < 0.5:
        run.call(name, vault, "mint", rng.choice((1, 7, shares // 3 + 1)), me)
    elif kind < 0.75:
        if rng.random() < 0.6:
            for seconds in (1, 3500, 150):
                run.post({}, seconds=seconds)
                run.call("keeper", run.world.engine, "observeExits")
        run.call(name, vault, "redeem", choose.part(rng, shares), me, me)
    else:
        run.call(name, vault, "withdraw", choose.part(rng, shares), me, me)
