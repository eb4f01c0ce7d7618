"""Prices on a local chain, where the signers' keys are known and the references are mocks.

    prices = LocalPrices(deployment)
    prices.post({1: 3000 * PRICE}, sender=owner)          # mock references first, then a signed report of its own
    prices.report({1: 3010 * PRICE})                      # a batch's prologue
    prices.transactions({1: 3000 * PRICE}, owner)         # what `post` sends, for Chain.send_many

The chain takes one price per feed and block, and only a later one: call `chain.advance` between two posts.
"""

from __future__ import annotations

from collections.abc import Mapping

from plimsoll.chain.base import Tx
from plimsoll.deploy.defaults import local_signer_keys
from plimsoll.deploy.deployment import Deployment
from plimsoll.errors import BadInput
from plimsoll.prices import Quote, ReportSigner

GAS = 1_000_000
CONFIDENCE = 300  # ppm


class LocalPrices:
    """Signs and posts. Raises BadInput when the deployment's signers are not the local ones."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.signer = ReportSigner(local_signer_keys(), deployment.feed.address, deployment.manifest.chain_id)
        known = {address.lower() for address in self.signer.addresses}
        if unknown := {s for s in deployment.parameters.oracle.signers if s.lower() not in known}:
            raise BadInput("signers", sorted(unknown), "their keys are not the local ones; sign reports elsewhere")

    def report(self, prices: Mapping[int, int], *, published_at: int | None = None) -> bytes:
        """A report by the whole quorum. `prices` by feed number, 1e-10 quote; published now unless said otherwise."""
        published_at = self.deployment.chain.block()[1] if published_at is None else published_at
        quotes = [Quote(feed, value, CONFIDENCE) for feed, value in sorted(prices.items())]
        return self.signer.report(published_at, quotes)

    def transactions(self, prices: Mapping[int, int], sender: str, *, published_at: int | None = None) -> list[Tx]:
        """Moves the mock references along, then the signed prices."""
        d = self.deployment
        txs = [self._reference(feed, value, sender) for feed, value in sorted(prices.items()) if feed in d.aggregators]
        data = d.router.encode("update", self.report(prices, published_at=published_at))
        return [*txs, Tx(sender, d.router.address, data, 0, GAS)]

    def _reference(self, feed: int, value: int, sender: str) -> Tx:
        aggregator = self.deployment.aggregators[feed]
        return Tx(sender, aggregator.address, aggregator.encode("setAnswer", value // 100), 0, GAS)  # 8 decimals

    def post(self, prices: Mapping[int, int], sender: str, *, published_at: int | None = None) -> None:
        for receipt in self.deployment.chain.send_many(self.transactions(prices, sender, published_at=published_at)):
            if receipt.error:
                raise receipt.error
