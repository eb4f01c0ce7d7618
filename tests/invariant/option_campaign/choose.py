"""Whom and what a step picks: accounts, series, prices."""

from __future__ import annotations

from option_campaign.arena import ISOLATED, MARKETS
from plimsoll.abi import checksum
from plimsoll.margin.option_series import expiry_of, market_of, pack


def owner(account: bytes) -> str:
    return checksum(account[:20])


def live(run, market: int) -> list[int]:
    return [expiry for expiry in run.arena.expiries[market] if expiry * 60 > run.state.time + 600]


def band(run, market: int) -> int:
    rate = run.state.snapshot.markets[market].risk.mm_rate1
    return run.state.price(market) * rate // 20_000


def series(run, rng, market: int) -> int | None:
    expiries = live(run, market)
    if not expiries:
        return None
    strike = run.state.price(market) * rng.choice((70, 85, 95, 100, 105, 115, 130)) // 100
    digits = 10 ** max(len(str(strike)) - 3, 0)
    return pack(market, rng.choice(expiries), strike // digits * digits, put=rng.random() < 0.5)


def bound(account: bytes) -> set[int]:
    return {int.from_bytes(account[21:23], "big")} if account[20] == ISOLATED else set(MARKETS)


def partners(run, rng) -> tuple[bytes, bytes, list[int]]:
    """Two accounts and the markets that both may trade."""
    one = rng.choice(list(run.arena.accounts))
    others = [a for a in run.arena.accounts if a != one and bound(a) & bound(one)]
    two = rng.choice(others + run.arena.of("maker") * (one not in run.arena.of("maker")) * 3)
    return one, two, sorted(bound(one) & bound(two))


def price_of(run, rng, instrument: int, edge: float = 0.3) -> int:
    market = market_of(instrument)
    mark = run.state.price(market) if not expiry_of(instrument) else run.world.mark(instrument)
    return max(mark + int(band(run, market) * rng.uniform(-edge, edge)), 0)
