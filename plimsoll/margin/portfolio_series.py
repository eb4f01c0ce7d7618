"""The value of every series in every scenario, in floats: what portfolio_screen.py multiplies accounts with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import erfc, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.margin import strike_records
from plimsoll.margin.black76 import MAX_TOTAL_VOL, MIN_TOTAL_VOL, ONE
from plimsoll.margin.fixed_math import WAD, sqrt_years
from plimsoll.margin.option_strips import Strip
from plimsoll.margin.portfolio_book import Book
from plimsoll.margin.portfolio_margin import PortfolioMargin
from plimsoll.margin.portfolio_parameters import Kind, Parameters, Underlying, vol_kind
from plimsoll.margin.portfolio_words import ExpiryView, Option

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ABOUT = 3  # columns before the scenarios: both basis shocks and the mark
TURNING = {Kind.LINEAR: 1.0, Kind.ABSOLUTE: 1.0, Kind.JOINT_LINEAR: 2.0, Kind.JOINT_ABSOLUTE: 2.0}


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """Series in the order of `chains` and their options; arrays as the kernel of portfolio_screen.py takes them."""

    parameters: Parameters
    expiry_of: Ints
    pair: Ints
    values: Floats
    terms: Floats
    group_of: Ints
    scenarios: Floats
    extra: Floats

    @classmethod
    def build(cls, model: PortfolioMargin, chains: Sequence[ExpiryView]) -> SeriesTable:
        """chains: every expiry with its series; their quantities do not matter."""
        p = model.parameters
        joint = any(kind >= Kind.JOINT_LINEAR for u in p.underlyings for _, kind, _ in u.scenarios)
        values, terms, groups, expiry_of, pair = [], [], [], [], []
        for e, view in enumerate(chains):
            claim = p.claim(view.feed)
            if claim is None:
                raise ValueError(f"feed {view.feed} has no underlying in the parameters")
            groups.append(claim.underlying)
            book = Book(p, None, strike_records.q64)
            strip = Strip(book, book.group_of(view.feed), replace(view, options=()))
            terms.append(_terms(p, p.underlyings[claim.underlying], view, strip))
            for option in view.options:
                values.append(_values(p.underlyings[claim.underlying], view, strip, option, joint))
                expiry_of.append(e)
                pair.append(e << 28 | option.code)
        return cls(
            p,
            np.array(expiry_of, np.int64),
            np.array(pair, np.int64),
            np.array(values),
            np.array(terms),
            np.array(groups, np.int64),
            np.array([[_scenario(s) for s in u.scenarios] for u in p.underlyings]),
            np.array([_extra(u, g, chains, groups) for g, u in enumerate(p.underlyings)]),
        )

    def arrays(self) -> tuple[Any, ...]:
        return self.expiry_of, self.pair, self.values, self.terms, self.group_of, self.scenarios, self.extra


def _terms(p: Parameters, u: Underlying, view: ExpiryView, strip: Strip) -> list[float]:
    spot = view.spot / 10**10
    smile, (fine_spot, *fines) = view.smile, view.fines
    book = Book(p, None, strike_records.q64)
    doubts = [book.doubt_of(view.doubt, fine_spot)]
    doubts += map(book.doubt_of, (smile.doubt_forward, smile.doubt_rate, smile.doubt_vol), fines)
    doubt = max(doubts)
    charged = view.secs and doubt + p.confidence_threshold > WAD
    basis = u.basis_add + u.basis_mult * view.secs // (365 * 86_400)
    return [
        *(x / ONE for x in (strip.discount, strip.long, strip.short)),
        basis / WAD,
        spot,
        spot * u.mm_option / WAD,
        spot * u.im_option / WAD,
        spot * doubt / WAD * p.confidence_margin / WAD if charged else 0.0,
    ]


def _scenario(s: tuple[int, Kind, int]) -> tuple[float, float, float]:
    spot, kind, damping = s
    return (spot - WAD) / WAD, damping / WAD, TURNING.get(kind, 0.0)


def _extra(u: Underlying, g: int, chains: Sequence[ExpiryView], groups: Sequence[int]) -> list[float]:
    own = [view for view, group in zip(chains, groups, strict=True) if group == g]
    im = max([1 << 14, *(view.mult_im for view in own)]) / 2**14
    mm = max([1 << 14, *(view.mult_mm for view in own)]) / 2**14
    return [im, mm, u.tier_bound1, u.tier_rate1 / WAD, u.tier_bound2, u.tier_rate2 / WAD]


def _values(u: Underlying, view: ExpiryView, strip: Strip, option: Option, joint: bool) -> list[float]:
    """Undiscounted, per unit: both basis shocks, the mark, the scenarios, and the levels of joint ones."""
    common = strike_records.shared(view, strip.forward, sqrt_years(view.secs), u)
    vols = strike_records.vols(common, option.strike)
    forward, strike, share = strip.forward / 10**10, option.strike / 10**10, strip.share / WAD

    def value(kind: int, spot: int) -> float:
        shocked = forward * (1 + (spot - WAD) / WAD * share)
        vol = min(max(vols[vol_kind(kind)], MIN_TOTAL_VOL), MAX_TOTAL_VOL) / ONE
        call = black76_call(shocked, strike, vol)
        return call - shocked + strike if option.put else call

    row = [value(Kind.NONE, spot) for spot in (u.basis_up, u.basis_down, WAD)]
    row += [value(kind, spot) for spot, kind, _ in u.scenarios]
    if joint:
        row += [value(Kind.NONE, spot) for spot, _, _ in u.scenarios]
    return row


def black76_call(forward: float, strike: float, vol: float) -> float:
    """F·Φ(d1) − K·Φ(d2), undiscounted, at total volatility `vol` > 0."""
    if strike <= 0:
        return forward
    d1 = log(forward / strike) / vol + vol / 2
    return max(forward * _normal(d1) - strike * _normal(d1 - vol), 0.0)


def _normal(d: float) -> float:
    return erfc(-d / sqrt(2)) / 2
