"""Who paid for what bankrupt accounts lacked: stages of the waterfall in its order, from the events of each.

insured           insurance, in quote, of the deficits alone (what the taker gets beyond is not a loss)
pool              the market's allocation of the pool
winners           the winning side, through a side epoch
lenders           lenders of the quote asset, for a market
pool beyond       what is left of a market's loss
reserve           interest put aside, of the asset that was owed
insurance asset   insurance's holding of the asset that was owed
debt lenders      lenders of the asset that was owed
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from plimsoll.contracts import Event
from plimsoll.sim.page import Page
from plimsoll.units import quote

STAGES = ("insured", "pool", "winners", "lenders", "pool beyond", "reserve", "insurance asset", "debt lenders")


@dataclass
class Waterfall:
    """Quote WAD by cause (a market or an asset, by name) and stage. Assets count at the price of the step."""

    markets: list[str]
    assets: list[str]
    deficit: int = 0
    paid: dict[str, Counter[str]] = field(default_factory=dict)
    _levied: int = 0

    @property
    def uninsured(self) -> int:
        """The bad debt: deficits less what insurance paid of them."""
        return self.deficit - sum(row["insured"] for row in self.paid.values())

    def event(self, event: Event, page: Page) -> None:
        handler = getattr(self, "_on_" + event.name, None)
        if handler is not None:
            handler(event.args, page)

    def _on_LossRecognised(self, args: dict[str, Any], page: Page) -> None:
        self.deficit += args["deficit"]
        self._add("all", "insured", args["insured"])

    def _on_LendersLost(self, args: dict[str, Any], page: Page) -> None:
        """Of a market, unless a debt that is forgiven says next that it was its own."""
        self._levied = page.value(args["asset"], args["amount"])

    def _on_PoolPaid(self, args: dict[str, Any], page: Page) -> None:
        name = self.markets[args["market"]]
        self._add(name, "pool", args["amount"])
        self._add(name, "pool beyond", args["beyond"])
        self._add(name, "lenders", self._levied)
        self._levied = 0

    def _on_SideCharged(self, args: dict[str, Any], page: Page) -> None:
        self._add(self.markets[args["market"]], "winners", args["amount"])

    def _on_DebtForgiven(self, args: dict[str, Any], page: Page) -> None:
        asset, name = args["asset"], f"{self.assets[args['asset']]} debt"
        rest = args["amount"] - args["fromReserve"] - args["fromInsurance"]
        self._add(name, "reserve", page.value(asset, args["fromReserve"]))
        self._add(name, "insurance asset", page.value(asset, args["fromInsurance"]))
        self._add(name, "debt lenders", page.value(asset, rest))
        self._levied = 0

    def _add(self, name: str, stage: str, amount: int) -> None:
        if amount:
            self.paid.setdefault(name, Counter())[stage] += amount

    def data(self) -> dict[str, dict[str, str]]:
        return {name: {stage: quote(row[stage]) for stage in STAGES} for name, row in self.paid.items()}
