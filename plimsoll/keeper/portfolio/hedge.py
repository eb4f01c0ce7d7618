"""Keeps the delta of the keeper's portfolio account within a band, by perps on the same market. Pure.

    hedging = Hedger(settings).plan(estate, greeks, tables)      trades, and what has to wait with the reason

Outside the band it is brought to its middle, not to its edge: each trade costs a transaction, so fewer and larger ones.
Where no options are left the perp is closed, whatever the band. The estate is changed by what is planned.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from plimsoll import actions
from plimsoll.actions import Action
from plimsoll.keeper.batch import ORDER_SECONDS
from plimsoll.keeper.book import Trade
from plimsoll.keeper.portfolio.deltas import Greeks, Lean, is_final, leans
from plimsoll.keeper.portfolio.estate import Estate
from plimsoll.keeper.portfolio.room import grows, room
from plimsoll.keeper.reader import Tables
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import PriceUse
from plimsoll.margin.fixed_math import BPS, positive


@dataclass(slots=True)
class Hedging:
    """`opening`: some trade adds to a position. `final`: markets whose perps are settled. `waits`: reasons."""

    trades: list[Trade] = field(default_factory=list)
    leans: list[Lean] = field(default_factory=list)
    final: list[int] = field(default_factory=list)
    waits: dict[int, str] = field(default_factory=dict)
    opening: bool = False

    @property
    def cost(self) -> int:
        """Over index, WAD."""
        return sum(trade.cost for trade in self.trades)

    @property
    def use(self) -> PriceUse:
        """As which the account is checked at the batch's end."""
        return PriceUse.OPEN if self.opening else PriceUse.ACQUIRE

    def __bool__(self) -> bool:
        return bool(self.trades or self.final)


@dataclass(frozen=True, slots=True)
class Hedger:
    settings: Settings

    def plan(self, estate: Estate, greeks: Greeks, tables: Tables, skip: Collection[int] = ()) -> Hedging:
        """Trades `estate` into its band, but for markets to `skip`."""
        equity = estate.equity(greeks.marks)
        found = Hedging(final=[market for market in estate.book.positions if is_final(estate, market)])
        found.leans = leans(estate, greeks.deltas)
        for lean in found.leans:
            wanted = self._wanted(lean, equity)
            if not wanted or lean.market in skip:
                continue
            taken = room(estate, tables, lean.market, wanted, self.settings.hedge_slippage)
            if taken.reason:
                found.waits[lean.market] = taken.reason
            if not taken.size or (abs(taken.size) * lean.price < self.settings.hedge_least and not lean.bare):
                continue
            found.opening |= grows(estate.size(lean.market), taken.size)
            found.trades.append(estate.trade(lean.market, taken.size))
        return found

    def _wanted(self, lean: Lean, equity: int) -> int:
        if lean.bare:
            return -lean.delta
        if abs(lean.value) * BPS <= positive(equity) * self.settings.hedge_band:
            return 0
        return 0 if abs(lean.value) < self.settings.hedge_least else -lean.delta

    def actions(self, estate: Estate, hedging: Hedging) -> list[Action]:
        """The trades, each with its limit, and what a closed market pays."""
        deadline = estate.snapshot.time + ORDER_SECONDS
        steps = [
            actions.trade_perp(estate.id, trade.market, trade.size, self._limit(trade), deadline)
            for trade in hedging.trades
        ]
        return steps + [actions.settle(market, [estate.id]) for market in hedging.final]

    def _limit(self, trade: Trade) -> int:
        off = trade.price * self.settings.hedge_slippage // BPS
        return trade.price + off if trade.size > 0 else trade.price - off
