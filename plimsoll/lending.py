"""Lent assets as `lens.lending()` has them: one row per asset, accrued to the block."""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.contracts import Contract
from plimsoll.margin.words import Flow, Lending, Limits

WIDTH = 13
WORD = 32


class LentAsset(NamedTuple):
    """Amounts in token units, indices 1e-12, rates 1e-13 per year, utilisation 1e-7. Zeros: the asset is not lent."""

    asset: int
    lent: int
    borrowed: int
    cash: int
    reserve: int
    lent_index: int
    debt_index: int
    borrow_rate: int
    lend_rate: int
    utilisation: int
    supply_cap: int
    borrow_cap: int
    borrow_velocity: int
    net_borrowed: int


def table(lens: Contract, *, block: int | None = None) -> list[LentAsset]:
    """Every asset that has a vault."""
    raw = lens.read("lending", block=block)
    words = [int.from_bytes(raw[at : at + WORD], "big") for at in range(0, len(raw), WORD)]
    return [_row(words[at : at + WIDTH]) for at in range(0, len(words), WIDTH)]


def _row(words: list[int]) -> LentAsset:
    asset, lending, _debts, limits, flow = words[:5]
    caps = Limits.from_word(limits)
    used, borrowed = Lending.from_word(lending).utilisation, Flow.from_word(flow).net_borrowed
    return LentAsset._make((asset, *words[5:], used, caps.supply_cap, caps.borrow_cap, caps.borrow_velocity, borrowed))
