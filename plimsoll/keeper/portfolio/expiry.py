"""The last half hour of an expiry, and what follows: when to look at the price, and who is to be paid.

    expiries = read(view)                   those that are in their last half hour, or past it
    due(expiry, view, every)                a Look: to be taken now, or the reason why it waits
    payouts(expiries, view)                 final ones, and everybody in the mirror who still has options of them

Twin of OptionSettlement.observe as far as it says whether a look would count. A price stands for two minutes at most:
looks every minute leave no gap, and none of them is more than a thirtieth of the mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.keeper.mirror import View
from plimsoll.margin.account import is_good
from plimsoll.margin.option_series import MINUTE, expiry_of, key_of, market_of, payoff
from plimsoll.margin.settlement_math import COVERAGE, WINDOW
from plimsoll.margin.words import Settlement
from plimsoll.options.settling import Holder

LOOK, PAYOUT = 1, 2


@dataclass(frozen=True, slots=True)
class Expiry:
    """One market's expiry, and what was recorded of its price."""

    market: int
    expiry: int
    seen: Settlement

    @property
    def end(self) -> int:
        return self.expiry * MINUTE

    @property
    def key(self) -> int:
        return key_of(self.market, self.expiry)


class Look(NamedTuple):
    """`reason` is empty when it counts."""

    expiry: Expiry
    reason: str = ""


class Payout(NamedTuple):
    """Everybody in the mirror with options of one final expiry, losers first."""

    market: int
    expiry: int
    price: int
    holders: tuple[Holder, ...]


def tag(what: int, key: int) -> bytes:
    """Names an expiry among the targets of what was sent; no account's, since its owner would be nobody."""
    return bytes((what,)).rjust(20, b"\0") + key.to_bytes(12, "big")


# ---------------------------------------------------------------- the price


def read(view: View) -> list[Expiry]:
    """Those that somebody in the mirror has options of, from the last half hour on; their words are in the view."""
    known = sorted(view.snapshot.settlements.items())
    return [Expiry(key >> 32, key & 0xFFFFFFFF, seen) for key, seen in known if _opens(key) < view.head.time]


def _opens(key: int) -> int:
    return (key & 0xFFFFFFFF) * MINUTE - WINDOW


def due(expiry: Expiry, view: View, every: int) -> Look | None:
    """None when it is final, or was looked at less than `every` seconds and a block ago. A look at the end ends it."""
    now, seen = view.head.time, expiry.seen
    if seen.price:
        return None
    over = now >= expiry.end
    if over and seen.covered >= COVERAGE:
        return Look(expiry)  # whatever its price is now: the mean becomes final
    since = now - (seen.observed_at or expiry.end - WINDOW)
    if since + view.snapshot.globals.block_time < every and not (over and seen.observed_at < expiry.end):
        return None
    market = view.snapshot.markets[expiry.market]
    if not is_good(view.snapshot.price_in(market), market.risk.max_age, now):
        return Look(expiry, "the price is not good")
    return Look(expiry)


# ---------------------------------------------------------------- paying out


def payouts(expiries: Iterable[Expiry], view: View) -> list[Payout]:
    """By market and expiry, the oldest first."""
    finals = {expiry.key: expiry.seen.price for expiry in expiries if expiry.seen.price}
    if not finals:
        return []
    held: dict[int, list[Holder]] = {}
    for row, series in view.rows.options.items():
        for key, (count, worth) in _worth(series, finals).items():
            held.setdefault(key, []).append(Holder(bytes(view.rows.words[row, 0]), count, worth))
    ordered = sorted(held, key=lambda key: (key & 0xFFFFFFFF, key))
    return [Payout(key >> 32, key & 0xFFFFFFFF, finals[key], tuple(sorted(held[key], key=_loss))) for key in ordered]


def _worth(series: dict[int, int], finals: dict[int, int]) -> dict[int, tuple[int, int]]:
    """By final expiry how many series of it there are, and what they pay, WAD."""
    found: dict[int, tuple[int, int]] = {}
    for instrument, quantity in series.items():
        key = key_of(market_of(instrument), expiry_of(instrument))
        if price := finals.get(key):
            count, worth = found.get(key, (0, 0))
            found[key] = count + 1, worth + quantity * payoff(instrument, price)
    return found


def _loss(holder: Holder) -> int:
    return holder.worth
