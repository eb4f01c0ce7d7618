"""Settling an expiry: its price observed, then every account that has some of it paid out, losers first.

owed = holders(deployment, market, expiry, price)         [(account, worth)], losers first
for part in batches(owed): engine.execute(settle_options(…))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plimsoll import ledger
from plimsoll.margin import option_series
from plimsoll.margin.words import Header

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

PAGE = 500
BATCH = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """`worth`: what its options of the expiry pay at the settlement price, quote WAD; below zero it owes."""

    account: bytes
    series: int
    worth: int


def holders(d: Deployment, market: int, expiry: int, price: int, *, block: int | None = None) -> list[Holder]:
    """Every account with a series of the expiry, losers first."""
    block = d.chain.block()[0] if block is None else block
    found = []
    for account in _with_options(d, block):
        instruments, quantities = d.engine.read("options", account, block=block)
        own = [
            (instrument, quantity)
            for instrument, quantity in zip(instruments, quantities, strict=True)
            if option_series.market_of(instrument) == market and option_series.expiry_of(instrument) == expiry
        ]
        if own:
            worth = sum(quantity * option_series.payoff(instrument, price) for instrument, quantity in own)
            found.append(Holder(account, len(own), worth))
    return sorted(found, key=lambda holder: holder.worth)


def _with_options(d: Deployment, block: int) -> Iterator[bytes]:
    count = d.engine.read("accountCount", block=block)
    for start in range(0, count, PAGE):
        page = [bytes(account) for account in d.engine.read("accountsPage", start, PAGE, block=block)]
        words = ledger.read(d.engine, [ledger.header(account) for account in page], block=block)
        for account, word in zip(page, words, strict=True):
            if Header.from_word(word).options:
                yield account


def batches(found: list[Holder], size: int = BATCH) -> Iterator[list[Holder]]:
    """In order, so that losers' cash is there for the winners of later batches."""
    for start in range(0, len(found), size):
        yield found[start : start + size]
