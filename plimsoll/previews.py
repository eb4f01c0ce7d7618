"""What a batch would do, without sending it.

    found = preview(engine, batch([borrow(account, 0, 10**9)]), [account], sender=owner)
    found.outcomes[account].equity, .leverage, .state      as they would be at the end
    found.refusal                                           why `execute` would refuse it; None: it would not

The engine runs the batch for `sender`, tells, and reverts. Where an action fails there is no outcome, only the refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from plimsoll.actions import Batch
from plimsoll.contracts import Contract
from plimsoll.errors import Reverted, TransactionFailed
from plimsoll.margin.account import AccountState
from plimsoll.margin.fixed_math import ceil_div

HUNDRED = 100


class Outcome(NamedTuple):
    """One account. Quote WAD; `exposure` is the sum of absolute notional, of perps and of all but the quote asset."""

    equity: int
    im: int
    im0: int
    mm: int
    notional: int
    state: AccountState
    exposure: int

    @property
    def leverage(self) -> int | None:
        """exposure / equity in hundredths, rounded up; None when nothing backs the exposure."""
        return leverage(self.exposure, self.equity)


@dataclass(frozen=True)
class Preview:
    outcomes: dict[bytes, Outcome] = field(default_factory=dict)
    refusal: TransactionFailed | None = None


def leverage(exposure: int, equity: int) -> int | None:
    if equity <= 0:
        return 0 if exposure == 0 else None
    return ceil_div(exposure * HUNDRED, equity)


def preview(
    engine: Contract, batch: Batch, accounts: Iterable[bytes], *, sender: str, block: int | None = None
) -> Preview:
    """`batch` as `sender` would send it at `block` (default: now), and what `accounts` would be then."""
    ids = list(accounts)
    block = engine.chain.block()[0] if block is None else block
    refusal: TransactionFailed | None = None
    try:
        engine.read("execute", batch, sender=sender, block=block)
    except TransactionFailed as error:
        refusal = error
    try:
        engine.read("preview", batch, ids, sender=sender, block=block)
    except Reverted as error:
        if error.name == "Previewed":
            return Preview(dict(zip(ids, _outcomes(error), strict=True)), refusal)
        return Preview({}, error)
    except TransactionFailed as error:
        return Preview({}, error)
    raise AssertionError("a preview that did not revert")


def _outcomes(error: Reverted) -> list[Outcome]:
    numbers, states, exposures = error.values
    return [
        Outcome._make((*five, AccountState(state), exposure))
        for five, state, exposure in zip(numbers, states, exposures, strict=True)
    ]
