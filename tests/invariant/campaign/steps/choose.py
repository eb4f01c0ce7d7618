"""Whom, what and how much: how steps choose."""

from __future__ import annotations

from campaign.cast import ASSETS, MARKETS, TRADERS, WAD
from plimsoll.margin.account import AccountState


def trader(rng) -> str:
    return rng.choices(TRADERS, (3, 3, 2, 3, 2))[0]


def account(run, rng, *owners: str) -> bytes:
    return rng.choice(run.arena.of(*owners))


def market(run, rng, account: bytes) -> int:
    own = run.arena.isolated_market(account)
    return rng.choice(MARKETS) if own is None or rng.random() < 0.03 else own


def with_position(run) -> list[tuple[bytes, int]]:
    book = run.book
    return [(a, m) for a in run.arena.accounts for m in MARKETS if book.size(a, m)]


def part(rng, whole: int) -> int:
    """Some of it: all, nearly all, a dust, one more than all, or anything between."""
    return max(rng.choice((whole, whole, whole + 1, whole // 2, whole - 1, 1, rng.randint(0, max(whole, 0)))), 0)


def below(run, *states: AccountState) -> list[bytes]:
    return [a for a in run.arena.accounts if run.book.at_risk(a) and run.book.state(a) in states]


def liquidatable(run) -> list[bytes]:
    return below(run, AccountState.LIQUIDATABLE, AccountState.BANKRUPT)


def compatible(run, targets: list[bytes]) -> list[bytes]:
    """Those that one account can take in one batch: it lends an asset or owes it, never both."""
    kinds: dict[int, int] = {}
    chosen = []
    for target in targets:
        own = {asset: b.kind for asset, b in run.book.accounts[target].balances.items() if b.shares}
        if all(kinds.get(asset, kind) == kind for asset, kind in own.items()):
            kinds |= own
            chosen.append(target)
    return chosen


def size(run, rng, account: bytes, market: int, most: float = 21.0) -> int:
    """A size of up to `most` times the account's equity."""
    equity = max(run.book.equity(account), 10 * WAD)
    notional = int(equity * rng.uniform(0.05, most))
    size = max(notional // run.book.price(market), 1)
    return size if rng.random() < 0.5 else -size


def with_debt(run, *owners: str) -> list[tuple[bytes, int]]:
    """Accounts and what they owe."""
    book = run.book
    chosen = run.arena.all_of(*owners) if owners else run.arena.accounts
    return [(a, asset) for a in chosen for asset in ASSETS if book.debt(a, asset)]


def with_lent(run, *owners: str) -> list[tuple[bytes, int]]:
    book = run.book
    chosen = run.arena.all_of(*owners) if owners else run.arena.accounts
    return [(a, asset) for a in chosen for asset in ASSETS if book.lent(a, asset)]
