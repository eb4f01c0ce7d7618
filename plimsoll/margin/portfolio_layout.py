"""A portfolio model's parameters out of the words that its contract stores.

parameters_of(model.read("parameters"))         what Parameters.to_words was given; what is derived is left out
"""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.margin.portfolio_parameters import BODY, CANCELS, HEAD, Claim, Kind, Parameters, Scenario, Underlying

_FIELD, _SIGN = 2**80 - 1, 2**79
#: The fields of the words of a body, three each, in their order.
_FIELDS = (
    *("vol_up", "vol_down", "min_vol", "short_power", "long_power", "dte_floor", "min_k_star", "width", "vol_static"),
    *("vol_scale", "linear_cap", "linear_base", "abs_cap", "abs_base", "feed", "long_discount", "long_mult"),
    *("long_add", "short_discount", "short_mult", "short_add", "basis_up", "basis_down", "basis_add", "basis_mult"),
    *("mm_perp", "im_perp", "mm_option", "im_option", "tier_rate1", "tier_bound1", "tier_bound2", "tier_rate2"),
)


def parameters_of(words: Sequence[int]) -> Parameters:
    """The inverse of `Parameters.to_words`, also for what the contract has filled in."""
    first, factors, peg, floors = words[:4]
    count, scenarios = first & 0xFF, first >> 8 & 0xFF
    size = BODY + scenarios
    starts = range(HEAD, HEAD + count * size, size)
    im_factor, mm_factor, peg_threshold = _triple(factors)
    peg_factor, confidence_threshold, confidence_margin = _triple(peg)
    return Parameters(
        underlyings=tuple(_underlying(words[at : at + size]) for at in starts),
        im_factor=im_factor,
        mm_factor=mm_factor,
        rho=first >> 16 & 0xFFFFFF,
        pnl_share=first >> 40 & 0xFFFF,
        settlement_window=first >> 56 & 0xFFFFFF,
        flags=first >> 80 & 0xFFFF,
        doubt_unit=first >> 96,
        peg_threshold=peg_threshold,
        peg_factor=peg_factor,
        confidence_threshold=confidence_threshold,
        confidence_margin=confidence_margin,
        mm_floor=floors & 2**128 - 1,
        im_floor=floors >> 128,
        feeds=_feeds(words[4:HEAD]),
    )


def _underlying(words: Sequence[int]) -> Underlying:
    values = [value for word in words[: BODY - 1] for value in _triple(word)]
    scenarios = tuple(
        Scenario(word & 2**64 - 1, Kind(word >> 128 & 0xFF), word >> 64 & 2**64 - 1) for word in words[BODY:]
    )
    return Underlying(scenarios=scenarios, **dict(zip(_FIELDS, values, strict=True)))


def _feeds(words: Sequence[int]) -> dict[int, Claim]:
    table = b"".join(word.to_bytes(32, "big") for word in words)
    return {feed: Claim((entry & ~CANCELS) - 1, bool(entry & CANCELS)) for feed, entry in enumerate(table) if entry}


def _triple(word: int) -> tuple[int, int, int]:
    one, two, three = (word >> shift & _FIELD for shift in (0, 80, 160))
    return _signed(one), _signed(two), _signed(three)


def _signed(value: int) -> int:
    return value - 2 * _SIGN if value & _SIGN else value
