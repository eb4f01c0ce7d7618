"""What moves the keeper's portfolio account: the delta of each of its series, as OptionLens has it, and of the whole.

    greeks = read(lens, instruments, block)     of series, in one call
    leans(estate, greeks.deltas)                by underlying: what the account is long (or short), 1e-8

Options, perps, and what it holds, lends and owes of an underlying count, as in `plimsoll account greeks`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from plimsoll.contracts import Contract
from plimsoll.keeper.portfolio.estate import Estate
from plimsoll.margin.account import CLOSING, QUOTE
from plimsoll.margin.fixed_math import WAD, truncate_div
from plimsoll.margin.option_series import market_of

ONE = 10**8


@dataclass(frozen=True, slots=True)
class Lean:
    """`delta` in 1e-8 of the underlying, perps included; traded in `market`. `bare`: no options are left there."""

    market: int
    delta: int
    price: int
    bare: bool

    @property
    def value(self) -> int:
        """WAD of quote, signed."""
        return self.delta * self.price


@dataclass(frozen=True, slots=True)
class Greeks:
    """Of series: delta in units of the underlying per unit, WAD; mark in quote, 1e-10."""

    deltas: Mapping[int, int]
    marks: Mapping[int, int]


def read(lens: Contract, instruments: Collection[int], block: int) -> Greeks:
    """One call."""
    asked = sorted(instruments)
    quotes = lens.read("quotes", asked, block=block) if asked else []
    found = dict(zip(asked, quotes, strict=True))
    deltas = {instrument: int(quote.delta) for instrument, quote in found.items()}
    return Greeks(deltas, {instrument: int(quote.mark) for instrument, quote in found.items()})


def leans(estate: Estate, deltas: Mapping[int, int]) -> list[Lean]:
    """One per underlying with options; where none are left, one per perp. Markets at a final price move nothing."""
    snapshot, options = estate.snapshot, dict[int, int]()
    for instrument, quantity in estate.options.items():
        market = market_of(instrument)
        options[market] = options.get(market, 0) + quantity * deltas[instrument]
    live = [market for market in sorted({*options, *estate.book.positions}) if not is_final(estate, market)]
    by_feed: dict[int, list[int]] = {}
    for market in live:
        by_feed.setdefault(snapshot.markets[market].risk.feed, []).append(market)
    found = []
    for feed, markets in by_feed.items():
        price = snapshot.price_in(snapshot.markets[markets[0]]).value
        leading = [market for market in markets if market in options]
        if not leading:
            found += [Lean(market, estate.size(market), price, bare=True) for market in markets]
            continue
        delta = truncate_div(sum(options[market] for market in leading), WAD)
        delta += sum(estate.size(market) for market in markets) + _collateral(estate, feed)
        found.append(Lean(leading[0], delta, price, bare=False))
    return found


def is_final(estate: Estate, market: int) -> bool:
    """Closed, and at its final price: its perps are settled, not traded."""
    entry = estate.snapshot.markets[market]
    return bool(entry.risk.flags & CLOSING and entry.closing.final_price)


def _collateral(estate: Estate, feed: int) -> int:
    assets = estate.snapshot.assets
    own = [asset for asset in {*estate.book.held, *estate.book.lent, *estate.book.owed} if asset != QUOTE]
    return sum(estate.units(a) * ONE // 10 ** assets[a].decimals for a in own if assets[a].feed == feed)
