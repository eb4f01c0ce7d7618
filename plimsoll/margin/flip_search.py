"""The prices of one feed at which an account begins, or ceases, to be liquidatable.

Twin of contracts/libraries/FlipSearch.sol, where it says why there is at most one on each side.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from plimsoll.margin import price_word, volatility_math
from plimsoll.margin.account import Account, Price, PriceUse, Snapshot, assess, is_liquidatable

_HALVE_EVERY = 3


class Flip(NamedTuple):
    """`liquidatable` now, or bankrupt; the nearest prices (1e-10) at which it is the other. None: there is none."""

    liquidatable: bool
    below: int | None
    above: int | None


class _Point(NamedTuple):
    price: int
    excess: int
    lost: bool


def at(account: Account, snapshot: Snapshot, feed: int, price: int) -> _Point:
    """The account at another price of the feed."""
    found = assess(account, priced(snapshot, {feed: price}), PriceUse.TARGET)
    return _Point(price, found.equity - found.mm, is_liquidatable(account, found, snapshot))


def priced(snapshot: Snapshot, changes: dict[int, int]) -> Snapshot:
    """The snapshot as it would be if good reports of `changes` (by feed) came now, and moved no multiplier."""
    prices = dict(snapshot.prices)
    for feed, value in changes.items():
        word = volatility_math.reported(snapshot.prices[feed].to_word(), value, snapshot.time)
        prices[feed] = Price.from_word(word)
    return replace(snapshot, prices=prices)


def nearest(account: Account, snapshot: Snapshot, feed: int) -> Flip:
    """The nearest prices on both sides of the feed's last one at which the account is not what it is there."""
    here = at(account, snapshot, feed, snapshot.prices[feed].value)
    ends = []
    for end in (1, price_word.MAX_VALUE):
        found = None
        if here.price != end:
            other = _peak(account, snapshot, feed, here, end) if here.lost else at(account, snapshot, feed, end)
            if other.lost != here.lost:
                found = _between(account, snapshot, feed, other, here)
        ends.append(found)
    return Flip(here.lost, *ends)


def _between(account: Account, snapshot: Snapshot, feed: int, far: _Point, near: _Point) -> int:
    step = 1
    while abs(far.price - near.price) > 1:
        middle = at(account, snapshot, feed, _cut(far, near, halve=step % _HALVE_EVERY == 0))
        far, near = (middle, near) if middle.lost == far.lost else (far, middle)
        step += 1
    return far.price


def _cut(far: _Point, near: _Point, *, halve: bool) -> int:
    """A price strictly between the two."""
    distance = abs(far.price - near.price)
    part, total = distance // 2, abs(far.excess) + abs(near.excess)
    if not halve and total:
        part = distance * abs(far.excess) // total
    part = min(max(part, 1), distance - 1)
    return far.price + part if far.price < near.price else far.price - part


def _peak(account: Account, snapshot: Snapshot, feed: int, here: _Point, end: int) -> _Point:
    """Between `here`, where the account is lost, and `end`: where it is not, or where the excess is highest."""
    near, towards = here.price, 1 if end > here.price else -1
    best = at(account, snapshot, feed, near + towards)
    if not best.lost or best.excess <= here.excess:
        return best
    while abs(near - end) > 1:
        middle = (near + end) // 2
        best = at(account, snapshot, feed, middle)
        if not best.lost:
            return best
        beyond = at(account, snapshot, feed, middle + towards) if middle != end else best
        if not beyond.lost:
            return beyond
        if beyond.excess > best.excess:
            near = middle
        else:
            end = middle
    return best
