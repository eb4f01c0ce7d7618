"""One call of `plimsoll option settle`: observe, and settle when the price is final."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plimsoll import contracts, units
from plimsoll.accounts import AccountId
from plimsoll.actions import batch, settle_options
from plimsoll.deploy.local_prices import LocalPrices
from plimsoll.errors import TransactionFailed
from plimsoll.options.settling import batches, holders

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

COVERAGE = 1200  # OptionSettlement.COVERAGE


@dataclass(frozen=True)
class Round:
    """`sender` None: a dry run."""

    deployment: Deployment
    market: int
    expiry: int
    sender: str | None

    def run(self, prices: Mapping[int, int], batch_size: int) -> dict[str, Any]:
        price, covered = self._settlement()
        observed = None
        if not price:
            observed = self._observe(prices)
            price, covered = self._settlement()
        symbol = self.deployment.parameters.markets[self.market].symbol
        data: dict[str, Any] = {"market": symbol, "expiry": self.expiry, "dry_run": self.sender is None}
        data |= {"final": bool(price), "price": units.price(price) if price else None}
        data |= {"covered": covered, "needed": COVERAGE, "observation": observed, "accounts": [], "transactions": []}
        if price:
            self._settle(data, price, batch_size)
        return data

    def _settlement(self) -> tuple[int, int]:
        price, covered = self.deployment.engine.read("settlementOf", self.market, self.expiry)
        return int(price), int(covered)

    def _observe(self, prices: Mapping[int, int]) -> str | None:
        """None when it counted (or would); else why not. `prices` by feed: posted first, on a local chain."""
        d = self.deployment
        if self.sender is None:
            try:
                d.engine.read("observeExpiry", self.market, self.expiry)
            except TransactionFailed as error:
                return str(error)
            return None
        if prices:
            LocalPrices(d).post(prices, self.sender)
        d.engine.write("observeExpiry", self.market, self.expiry, sender=self.sender)
        return None

    def _settle(self, data: dict[str, Any], price: int, batch_size: int) -> None:
        d = self.deployment
        found = holders(d, self.market, self.expiry, price)
        rows = {holder.account: _row(holder.account, holder.series, holder.worth) for holder in found}
        data["accounts"] = list(rows.values())
        if self.sender is None:
            return
        for part in batches(found, batch_size):
            action = settle_options(self.market, self.expiry, [holder.account for holder in part])
            receipt = d.engine.write("execute", batch([action]), sender=self.sender)
            data["transactions"].append(receipt.tx_hash)
            for event in contracts.events(receipt.logs, "OptionsSettled"):
                row = rows[bytes(event.args["account"])]
                row |= {"paid": units.quote(event.args["paid"]), "left": units.quote(event.args["left"])}


def _row(account: bytes, series: int, worth: int) -> dict[str, Any]:
    return {"account": str(AccountId.unpack(account)), "series": series, "worth": units.quote(worth)} | {
        "paid": None,
        "left": None,
    }
