"""From amounts to a plan: the hard limits, what it costs, and what the engine says to it."""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.abi import checksum
from plimsoll.actions import Action, batch, limit
from plimsoll.exchange import Quote
from plimsoll.leverage.book import Book
from plimsoll.leverage.errors import CannotLever
from plimsoll.leverage.plan import LeverPlan, SwapTerms
from plimsoll.leverage.rates import Loans
from plimsoll.margin.account import Account
from plimsoll.margin.fixed_math import BPS, ceil_div, positive
from plimsoll.previews import Preview, leverage, preview

MILLION = 10**6


class Draft(NamedTuple):
    """`bought`: which of the two the swap buys. `most_in`, `least_out`: what it may cost at worst."""

    book: Book
    asset: int
    owed: int
    bought: int
    swap: Quote | None
    most_in: int
    least_out: int
    borrowed: int
    repaid: int
    steps: tuple[Action, ...]
    loans: Loans | None

    @property
    def sold(self) -> int:
        return self.owed if self.bought == self.asset else self.asset

    @property
    def amounts(self) -> tuple[int, int]:
        return (self.swap.amount_in, self.swap.amount_out) if self.swap else (0, 0)

    def changes(self, amount_in: int, amount_out: int) -> dict[int, int]:
        return {self.sold: -amount_in, self.bought: amount_out}


def finished(draft: Draft, slippage: int, goal: int, bound: int | None, prices: bytes) -> LeverPlan:
    """`bound`: the caller's own maximum leverage; without one, what slippage on swap and prices may lead to."""
    book, account = draft.book, draft.book.account.id
    maximum = bound or max(goal, _worst(draft, slippage))
    steps = (*draft.steps, limit(account, maximum))
    before, found = _previewed(book, (), prices).outcomes.get(account), _previewed(book, steps, prices)
    if before is None:
        raise CannotLever("account", "0x" + account.hex(), "the engine cannot assess it now; are its prices there?")
    cost, break_even = _costs(draft)
    return LeverPlan(
        account=account,
        block=book.snapshot.block,
        asset=draft.asset,
        debt_asset=draft.owed,
        swap=_terms(draft),
        borrowed=draft.borrowed,
        repaid=draft.repaid,
        max_leverage=maximum,
        before=before,
        after=found.outcomes.get(account),
        liquidation_before=book.liquidation(draft.asset),
        liquidation_after=book.liquidation(draft.asset, _after(draft)),
        borrow_rate=draft.loans.rate() if draft.loans else 0,
        borrow_rate_after=draft.loans.rate(draft.borrowed - draft.repaid) if draft.loans else 0,
        cost=cost,
        break_even=break_even,
        actions=steps,
        prices=prices,
        refusal=found.refusal,
    )


def _previewed(book: Book, steps: tuple[Action, ...], prices: bytes) -> Preview:
    account = book.account.id
    return preview(book.deployment.engine, batch(steps, prices), [account], sender=checksum(account[:20]))


def _terms(draft: Draft) -> SwapTerms:
    impact, limits = draft.swap.impact if draft.swap else 0, (draft.most_in, draft.least_out)
    return SwapTerms(draft.sold, draft.bought, *draft.amounts, *limits, impact, _fee(draft))


def _after(draft: Draft) -> Account:
    held = draft.changes(*draft.amounts)
    held[draft.owed] += draft.borrowed - min(draft.repaid, draft.book.owed(draft.owed))
    return draft.book.moved(held, draft.owed, draft.borrowed - draft.repaid)


def _worst(draft: Draft, slippage: int) -> int:
    """Leverage if the swap gives the least it may and the index moves against the account by as much again."""
    exposure, equity = draft.book.measure(draft.changes(draft.most_in, draft.least_out))
    found = leverage(exposure, equity - exposure * slippage // BPS)
    if not found and exposure:
        raise CannotLever("slippage", slippage, "at such a price nothing would back the account: allow less")
    return max(found or 0, 1)


def _costs(draft: Draft) -> tuple[int, int]:
    """What equity loses at index, and how far (ppm) the asset must rise until getting out leaves what there was."""
    book, (amount_in, amount_out) = draft.book, draft.amounts
    if not draft.swap:
        return 0, 0
    exposure, equity = book.measure(draft.changes(amount_in, amount_out))
    cost = book.measure({})[1] - equity
    if draft.bought != draft.asset or not exposure:
        return cost, 0
    bought = book.value(draft.asset, amount_out)
    whole = abs(book.value(draft.asset, book.net.get(draft.asset, 0) + amount_out))
    out = ceil_div(positive(cost) * whole, bought) if bought else 0
    return cost, positive(ceil_div((cost + out) * MILLION, whole)) if whole else 0


def _fee(draft: Draft) -> int:
    if not draft.swap:
        return 0
    rate = sum(hop.pool.fee for hop in draft.swap.route)
    return ceil_div(draft.book.value(draft.sold, draft.swap.amount_in) * rate, MILLION)
