"""Parameters read back out of a model's words."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from plimsoll.deploy.portfolio_defaults import portfolio, underlying
from plimsoll.margin import option_strips
from plimsoll.margin.portfolio_layout import parameters_of
from plimsoll.margin.portfolio_parameters import Claim, Kind, Parameters, Underlying

NAMES = [field.name for field in fields(Underlying) if field.name not in ("feed", "scenarios")]


def test_what_the_contract_stores_is_what_it_was_given():
    """With what it derived, and without."""
    given = portfolio((1, 2, 7))
    assert parameters_of(given.to_words()) == given
    assert parameters_of(given.finished_words(option_strips.ln)) == given


@pytest.mark.parametrize("name", NAMES)
def test_each_field_is_read_from_its_own_place(name):
    """One of a thousand in it, the others as they are."""
    one = replace(underlying(3), **{name: 1_000})
    given = Parameters((underlying(1), one), 1, 2, feeds={1: Claim(0), 3: Claim(1, cancels=True)})
    assert parameters_of(given.to_words()).underlyings[1] == one


def test_negative_numbers_and_every_kind_come_back():
    """Skews and static volatility may fall."""
    scenarios = tuple(item._replace(kind=kind) for item, kind in zip(underlying(1).scenarios, Kind, strict=False))
    one = replace(underlying(1), scenarios=scenarios, vol_scale=-1, linear_base=-(2**78), abs_base=-7)
    assert parameters_of(Parameters((one,), 1, 1, feeds={1: Claim(0)}).to_words()).underlyings == (one,)
