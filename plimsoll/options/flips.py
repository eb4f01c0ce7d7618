"""Where an account with options begins, or ceases, to be liquidatable when one price moves.

Between two prices such an account may be lost and safe again (a butterfly), so halving between here and the end of the
axis (plimsoll.margin.flip_search) could miss what is near. This walks outward in steps and halves within the first one
that changes the answer. What comes and goes inside a single step is not seen.
"""

from __future__ import annotations

from plimsoll.margin import flip_search, price_word
from plimsoll.margin.account import Account, Snapshot
from plimsoll.margin.flip_search import Flip

#: Each step moves the price by this share of what it is; the last ones leave a tenth, or ten times, of it.
STEP, STEPS = (103, 100), 78
HALVINGS = 24


def nearest_of_options(account: Account, snapshot: Snapshot, feed: int) -> Flip:
    """To a ten-millionth of a step. `below`, `above`: the first prices found on which the answer is the other one."""
    price = snapshot.prices[feed].value
    lost = flip_search.at(account, snapshot, feed, price).lost
    ends = [_walk(account, snapshot, feed, price, lost, up=up) for up in (False, True)]
    return Flip(lost, *ends)


def _walk(account: Account, snapshot: Snapshot, feed: int, price: int, lost: bool, *, up: bool) -> int | None:
    near, (over, under) = price, STEP if up else STEP[::-1]
    for _ in range(STEPS):
        far = min(max(near * over // under, 1), price_word.MAX_VALUE)
        if far == near:
            return None
        if flip_search.at(account, snapshot, feed, far).lost != lost:
            return _halve(account, snapshot, feed, near, far, lost)
        near = far
    return None


def _halve(account: Account, snapshot: Snapshot, feed: int, near: int, far: int, lost: bool) -> int:
    for _ in range(HALVINGS):
        middle = (near + far) // 2
        if middle in (near, far):
            break
        if flip_search.at(account, snapshot, feed, middle).lost != lost:
            far = middle
        else:
            near = middle
    return far
