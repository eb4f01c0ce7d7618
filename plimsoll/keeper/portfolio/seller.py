"""Sells what the keeper holds to whoever left a signed order that is good enough, and hedges what is left.

    seller.sell(estate, greeks, planner, result)       at most one order per block: what it leaves is known afterwards

Of several the one that brings most over the marks comes first. The engine checks signature, status, band and both
margins; what it refuses in a simulation is tried again later, each time after twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from plimsoll import actions, units
from plimsoll.errors import BadInput, ChainUnreachable, PlimsollError
from plimsoll.keeper.act import Result, Writer
from plimsoll.keeper.batch import ORDER_SECONDS, Batch
from plimsoll.keeper.patience import Patience
from plimsoll.keeper.plan import Planner
from plimsoll.keeper.portfolio.bids import Bids, Offer, offer_of, reducing, why_not
from plimsoll.keeper.portfolio.deltas import Greeks
from plimsoll.keeper.portfolio.estate import Estate
from plimsoll.keeper.portfolio.hedge import Hedger, Hedging
from plimsoll.keeper.settings import Settings
from plimsoll.margin.account import QUOTE, PriceUnusable, SurfaceUnusable
from plimsoll.options.trading import ENDED, Terms, domain_of, order_of, package_price, to_limit
from plimsoll.signed_orders import SignedOrder

log: structlog.stdlib.BoundLogger = structlog.get_logger("plimsoll.keeper")


class Seller:
    def __init__(self, deployment: Any, writer: Writer, settings: Settings, hedger: Hedger) -> None:
        self.deployment, self.writer, self.settings, self.hedger = deployment, writer, settings, hedger
        self.bids = Bids(settings.orders, domain_of(deployment)) if settings.orders else None
        self.patience = Patience()

    def sell(self, estate: Estate, greeks: Greeks | None, planner: Planner, result: Result) -> bool:
        """Whether something was sent, or would be."""
        if self.bids is None or not estate.options:
            return False
        for offer in self._offers(self.bids.read(), estate, planner):
            try:
                reason = self._fill(offer, estate, greeks, planner, result)
            except BadInput as error:  # an order of ours that cannot be written: a nonce of this second that is used
                reason = str(error)
            if not reason:
                return True
            self._wait(offer.signed, reason, planner.view.head.time)
        return False

    # ---------------------------------------------------------------- choosing

    def _offers(self, orders: Sequence[SignedOrder], estate: Estate, planner: Planner) -> list[Offer]:
        found, now = list[Offer](), planner.view.head.time
        for signed in orders:
            if not self.patience.ready(signed.digest, now):
                continue
            offer, reason = self._judged(signed, estate, planner)
            if offer is None:
                self._wait(signed, reason, now)
            else:
                found.append(offer)
        return sorted(found, key=lambda offer: -offer.over_mark)

    def _judged(self, signed: SignedOrder, estate: Estate, planner: Planner) -> tuple[Offer | None, str]:
        """Nothing that somebody writes into a file ends a block."""
        try:
            return self._offer(signed, estate, planner)
        except ChainUnreachable:
            raise
        except PlimsollError as error:
            return None, str(error)

    def _offer(self, signed: SignedOrder, estate: Estate, planner: Planner) -> tuple[Offer | None, str]:
        order, view = signed.order, planner.view
        if reason := why_not(order, estate.id, planner.sender, view.head.time):
            return None, reason
        if not reducing(order, order.size, estate.options):
            return None, "it reduces nothing that the keeper has"
        if not signed.is_valid(self.deployment.chain):
            return None, "its owner did not sign it"
        status, left = self.deployment.verifier.read("statusOf", order.values(), block=view.head.number)
        if not left:
            return None, ENDED[status]
        size = reducing(order, int(left), estate.options)
        wanted = [leg.instrument for leg in order.legs]
        found = self.deployment.option_lens.read("quotes", wanted, block=view.head.number)
        quotes = dict(zip(wanted, found, strict=True))
        offer = offer_of(signed, size, quotes, view.snapshot, self.settings.order_discount) if size else None
        if offer is None:
            return None, "it pays less than its band lets anybody pay" if size else "too little of it is left"
        if not offer.is_good:
            return None, f"it pays {units.quote(-offer.over_mark)} less than the marks"
        return offer, ""

    # ---------------------------------------------------------------- filling

    def _fill(self, offer: Offer, estate: Estate, greeks: Greeks | None, planner: Planner, result: Result) -> str:
        """Why it was not, or nothing. With the hedge that it calls for, or without where that is refused."""
        after = estate.clone()
        for instrument, change in offer.changes().items():
            after.add(instrument, change)
        after.book.hold(QUOTE, (offer.premium - offer.fee) // after.book.unit)
        hedging = self._hedging(after, greeks, planner)
        error = ""
        for trades in (hedging, Hedging()) if hedging else (Hedging(),):
            steps = (self._match(offer, estate.id, planner), *self.hedger.actions(after, trades))
            batch = Batch("sell", steps, (bytes(offer.signed.digest),), trades=tuple(trades.trades), has_options=True)
            refused = self.writer.simulate(batch, planner)
            error = str(refused) if refused else ""
            if refused is None:
                sent = self.writer.post(batch, planner, result) or self.writer.wallet is None
                self._tell(offer)
                return "" if sent else "it could not be sent"
        return error

    def _hedging(self, after: Estate, greeks: Greeks | None, planner: Planner) -> Hedging:
        if greeks is None or not self.settings.hedge:
            return Hedging()
        trial = after.clone()
        try:
            hedging = self.hedger.plan(trial, greeks, planner.view.tables)
            return hedging if trial.carries(hedging.use, 0) else Hedging()
        except (PriceUnusable, SurfaceUnusable):
            return Hedging()

    def _match(self, offer: Offer, account: bytes, planner: Planner) -> actions.Action:
        """The keeper's side needs no signature: it sends the batch itself."""
        mirror, prices = offer.mirror(), list(offer.prices)
        limit, until = to_limit(package_price(mirror, prices)), planner.view.head.time + ORDER_SECONDS
        terms = Terms.read(self.deployment, planner.sender)
        own = order_of(account, mirror, terms, size=offer.size, limit=limit, expiry=until, reduce_only=True)
        return actions.match(offer.signed.values, (own.values(), b""), offer.size, prices)

    # ---------------------------------------------------------------- telling

    def _tell(self, offer: Offer) -> None:
        self.patience.well(offer.signed.digest)
        facts = {"order": "0x" + offer.signed.digest.hex(), "size": units.size(offer.size)}
        facts |= {"premium": units.quote(offer.premium), "over_mark": units.quote(offer.over_mark)}
        facts |= {"fee": units.quote(offer.fee)}
        log.info("sell", dry_run=self.writer.wallet is None, **facts)

    def _wait(self, signed: SignedOrder, reason: str, now: int) -> None:
        retry = self.patience.failed(signed.digest, now)
        log.info("order waits", order="0x" + signed.digest.hex(), reason=reason, retry_in=retry)
