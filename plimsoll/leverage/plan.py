"""`LeverPlan`: what a batch for another leverage does, what it costs, and what it cannot exceed."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.actions import Action, Batch, batch
from plimsoll.chain.base import Receipt
from plimsoll.deploy import Deployment
from plimsoll.errors import TransactionFailed
from plimsoll.margin.flip_search import Flip
from plimsoll.previews import Outcome


@dataclass(frozen=True)
class SwapTerms:
    """What a plan's swap does as quoted, and at worst (`most_in`, `least_out`). All zero: nothing is swapped.

    `impact`: bps that it pays more than its pools' price, their fee included; `fee`: what of it is the pools' fee.
    """

    asset_in: int
    asset_out: int
    amount_in: int
    amount_out: int
    most_in: int
    least_out: int
    impact: int
    fee: int


@dataclass(frozen=True)
class LeverPlan:
    """Amounts in token units, values quote WAD, prices 1e-10, rates 1e-13 per year, leverage in hundredths.

    `cost`: what equity loses by the swap, at index. `break_even`: ppm that the asset's price must rise until getting
    out, at the same cost, leaves the equity of before; interest not included. `after` is the engine's own preview, None
    when the batch would fail on the way; `refusal` says why it would fail, None if it would not.
    """

    account: bytes
    block: int
    asset: int
    debt_asset: int
    swap: SwapTerms
    borrowed: int
    repaid: int
    max_leverage: int
    before: Outcome
    after: Outcome | None
    liquidation_before: Flip
    liquidation_after: Flip
    borrow_rate: int
    borrow_rate_after: int
    cost: int
    break_even: int
    actions: tuple[Action, ...]
    prices: bytes = b""
    refusal: TransactionFailed | None = None

    @property
    def batch(self) -> Batch:
        return batch(self.actions, self.prices)

    def execute(self, deployment: Deployment, *, sender: str) -> Receipt:
        """Sends it. Raises Reverted, and then nothing has changed."""
        return deployment.engine.write("execute", self.batch, sender=sender)
