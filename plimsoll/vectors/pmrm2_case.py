"""A published portfolio case (PMRM_2): parameters, account, and what it should come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import Parameters
from plimsoll.margin.portfolio_words import AccountView
from plimsoll.vectors.field import Field
from plimsoll.vectors.pmrm2_account import read_account
from plimsoll.vectors.pmrm2_parameters import read_parameters
from plimsoll.vectors.pmrm2_words import Words, doubt_unit, threshold

PARTS = ("Scenario", "Parameters", "Result")
#: What rounding a confidence to whole units may move initial margin by, of gross notional.
DOUBT_LOSS = Fraction(4, 10**9)
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Case:
    """What a file holds; im and mm are net: equity less the requirement. gross: gross notional, quote.

    view: as the engine keeps it, but for its clock; exact: as a model is told it; enlarged: how much larger both are.
    """

    name: str
    parameters: Parameters
    view: AccountView
    exact: AccountView
    im: Fraction
    mm: Fraction
    gross: Fraction
    options: int
    enlarged: int = 1

    @property
    def kept(self) -> bool:
        """Whether the engine keeps it exactly: expiries on whole minutes of one clock, whole units of confidences."""
        rests = {expiry.secs % MINUTE for expiry in self.view.expiries}
        expired = any(expiry.secs == 0 for expiry in self.view.expiries)
        return self.view == self.exact and len(rests) <= 1 and not expired and self._doubt_lost() <= DOUBT_LOSS

    def _doubt_lost(self) -> Fraction:
        fines = [tag.fine for tag in self.view.tags] + [perp.fine for perp in self.view.perps]
        fines += [fine for expiry in self.view.expiries for fine in expiry.fines]
        lost = max(min(fine, 2**16 - fine) for fine in fines)
        return Fraction(lost * self.parameters.doubt_unit * self.parameters.confidence_margin, 2**16 * WAD**2)


def load(path: Path, name: str | None = None) -> Case:
    return parse(Field.read(path, name))


def is_case(field: Field) -> bool:
    """Whether it has anything of a case."""
    return isinstance(field.value, dict) and any(part in field for part in PARTS)


def parse(root: Field) -> Case:
    scenario, parameters, result = (root[part] for part in PARTS)
    account = read_account(scenario)
    model = read_parameters(parameters, tuple(collateral.cancels for collateral in account.collaterals))
    unit, large = doubt_unit(account), account.enlarged()
    fence = threshold(account, model.confidence_threshold, unit)
    return Case(
        name=root.file.removesuffix(".json"),
        parameters=replace(model, doubt_unit=unit, confidence_threshold=fence),
        view=Words(large, unit, parted=False).view(),
        exact=Words(large, unit, parted=True).view(),
        im=result["IM"].number(),
        mm=result["MM"].number(),
        gross=max(account.gross, Fraction(1)),
        options=len(account.legs),
        enlarged=large.size * large.money,
    )


def of(name: str, content: Any) -> Case:
    """From JSON that has been read already."""
    return parse(Field(name, "", content))
