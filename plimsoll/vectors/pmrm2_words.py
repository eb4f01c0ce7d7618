"""The account of a portfolio case as what a check hands a model, and in whole units as the engine keeps it.

One feed is the spot's, one the perp's, and each collateral has its own. The spot's asset is held with nothing in it,
so that an account without options knows its spot as well.

For a model, strikes and haircuts that no contract keeps are parted (plimsoll.vectors.parted); the engine
has the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import PPM_UNIT
from plimsoll.margin.portfolio_words import AccountView, ExpiryView, Option, Perp, Smile, Tag
from plimsoll.margin.rule_margin import AssetExposure
from plimsoll.vectors.field import wad
from plimsoll.vectors.parted import haircuts, strikes
from plimsoll.vectors.pmrm2_account import UNIT_PRICE, UNIT_SIZE, Account, Collateral, Feed, Leg
from plimsoll.vectors.pmrm2_parameters import COLLATERAL_FEED, PERP_FEED, SPOT_FEED

SMILE_LIMIT = Fraction(2**63 - 1, WAD)
SIGMA_LIMIT = Fraction(18)
FIELD, UNITS_TRIED = 2**24 - 1, 100_000

Doubt = tuple[int, int]


class Words:
    """Of one account. unit: WAD that one of a confidence's 24 bits is; parted: whether strikes and haircuts are."""

    def __init__(self, account: Account, unit: int, *, parted: bool):
        self._account, self._unit, self._parted = account, unit, parted

    def view(self) -> AccountView:
        account = self._account
        doubt, fine = self._doubt(account.confidence)
        assets = [AssetExposure(wad(account.cash), 0, 0, 0), AssetExposure(0, 0, 0, 0)]
        tags = [Tag(0, price=price(account.stable)), Tag(SPOT_FEED, doubt, 1, price(account.spot), fine)]
        for number, collateral in enumerate(account.collaterals):
            for asset, tag in self._collateral(collateral, COLLATERAL_FEED + number, len(assets)):
                assets.append(asset)
                tags.append(tag)
        return AccountView(tuple(assets), tuple(tags), self._perps(), self._expiries())

    def _doubt(self, confidence: Fraction) -> Doubt:
        """1 − confidence in units, and in 2^-16 of one beyond them."""
        return divmod(round((1 - confidence) * WAD * 2**16 / self._unit), 2**16)

    def _collateral(self, held: Collateral, feed: int, index: int) -> list[tuple[AssetExposure, Tag]]:
        value = held.amount * held.price / self._account.stable
        doubt, fine = self._doubt(held.confidence)
        found = []
        for part, (share, mm, im) in enumerate(haircuts(held.mm, held.im, parted=self._parted)):
            asset = AssetExposure(wad(value * share), mm + im, mm, mm + im)
            found.append((asset, Tag(feed, doubt, index + part, price(held.price / self._account.stable), fine)))
        return found

    def _perps(self) -> tuple[Perp, ...]:
        size, pnl = round(self._account.perps * UNIT_SIZE), wad(self._account.pnl)
        if size == 0 and pnl == 0:
            return ()
        notional = abs(size) * price(self._account.perp_price)
        doubt, fine = self._doubt(self._account.perp_confidence)
        return (Perp(notional, pnl, PERP_FEED, size < 0, abs(size), doubt, fine),)

    def _expiries(self) -> tuple[ExpiryView, ...]:
        views = []
        chains: dict[int, list[Leg]] = {}
        for leg in self._account.legs:
            chains.setdefault(leg.secs, []).append(leg)
        doubt = self._doubt(self._account.confidence)
        for i, secs in enumerate(sorted(chains)):
            feed, options = self._account.feeds[secs], self._options(chains[secs])
            if not options:
                continue
            doubts = [self._doubt(confidence) for confidence in feed.confidences]
            surface = smile(feed, self._account.spot, [units for units, _ in doubts])
            fines = (doubt[1], doubts[0][1], doubts[1][1], doubts[2][1])
            known = (secs, price(self._account.spot), surface, options, doubt[0], fines)
            views.append(ExpiryView(1, SPOT_FEED, *known, minutes=28_000_000 + i))
        return tuple(views)

    def _options(self, legs: list[Leg]) -> tuple[Option, ...]:
        held: dict[tuple[int, bool], int] = {}
        for leg in legs:
            rest = round(leg.amount * UNIT_SIZE)
            for code, share in strikes(leg.strike, parted=self._parted):
                quantity = round(rest * share)
                rest, key = rest - quantity, (code, leg.put)
                held[key] = held.get(key, 0) + quantity
        return tuple(Option(code, put, quantity) for (code, put), quantity in sorted(held.items()) if quantity)


def smile(feed: Feed, spot: Fraction, doubts: Sequence[int]) -> Smile:
    a, b, rho, m, sigma, reference, tau = feed.svi
    if sigma > SIGMA_LIMIT:
        # A smile as flat as that is level over all strikes there are.
        a, sigma = a + b * (sigma - SIGMA_LIMIT), SIGMA_LIMIT
    while max(abs(a), abs(b)) > SMILE_LIMIT:
        a, b, tau = a / 2, b / 2, tau / 2
    shape = (wad(a), wad(b), wad(rho), wad(m), wad(sigma), price(reference), wad(tau))
    return Smile(*shape, wad(feed.forward / spot), wad(feed.rate), *doubts)


def doubt_unit(account: Account) -> int:
    """What one of a confidence's 24 bits is, WAD: a ppm where all are whole ppm, else what comes nearest to all."""
    doubts = [1 - confidence for confidence in confidences(account)]
    if all(doubt * 10**6 % 1 == 0 for doubt in doubts):
        return PPM_UNIT
    largest = float(max(doubts))
    units = largest / np.arange(FIELD, FIELD - UNITS_TRIED, -1)
    multiples = np.array([float(doubt) for doubt in doubts])[:, None] / units
    worst = (np.abs(multiples - np.round(multiples)) * units).max(axis=0)
    return int(max(doubts) * WAD / (FIELD - int(worst.argmin()))) + 1


def threshold(account: Account, wanted: int, unit: int) -> int:
    """That of confidences, WAD: between what is below `wanted` and what is not, where no rounding crosses it."""
    known = [confidence * WAD for confidence in confidences(account)]
    if unit == PPM_UNIT:
        return wanted
    below = max((value for value in known if value < wanted), default=Fraction(0))
    return round((below + min((value for value in known if value >= wanted), default=Fraction(WAD))) / 2)


def confidences(account: Account) -> list[Fraction]:
    found = [account.confidence, account.perp_confidence, *(c.confidence for c in account.collaterals)]
    used = {leg.secs for leg in account.legs}
    return found + [confidence for secs in sorted(used) for confidence in account.feeds[secs].confidences]


def price(value: Fraction) -> int:
    """1e-10 quote."""
    return round(value * UNIT_PRICE)
