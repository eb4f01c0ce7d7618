"""Margin by scenarios, for portfolio accounts. Twin of contracts/margin/PortfolioMargin.sol, equal to the wei."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from plimsoll.margin import option_strips
from plimsoll.margin.fixed_math import BPS, PPM, WAD, ceil_div, positive
from plimsoll.margin.portfolio_book import Book, Group, down, up
from plimsoll.margin.portfolio_parameters import RESERVE_ALWAYS, Parameters
from plimsoll.margin.portfolio_words import ONE, AccountView, Perp
from plimsoll.margin.rule_margin import Assessment

LOSS_LIMIT, VALUE_LIMIT = 2**150, 2**160


class Worst(NamedTuple):
    """The witness that reaches the full requirement, and each underlying's worst scenario by its place."""

    witness: bytes
    joint: int
    scenarios: dict[int, int]


class PortfolioMargin:
    """The contract's parameters, checked as its constructor does."""

    def __init__(self, parameters: Parameters):
        parameters.check()
        self.parameters = parameters
        self._logs: dict[int, int] = {}

    def assess(self, view: AccountView, witness: bytes | None = None) -> Assessment:
        """An empty witness, or none, evaluates everything."""
        book = self.book(view, witness)
        return self._sum(book, view.tags[0].price if view.tags else 0)

    def best_witness(self, view: AccountView) -> Worst:
        """What a keeper sends: the joint term's scenario, then one per underlying; 255 where there is none."""
        book = self.book(view)
        scenarios = {u: _worst(group.pnl) for u, group in book.groups.items()}
        joint = 0
        if self.parameters.rho:
            sums = [_joint_loss(book, k, initial=False) for k in range(book.scenarios + 1)]
            joint = max(range(len(sums)), key=sums.__getitem__)
        places = range(len(self.parameters.underlyings) + 1)
        named = bytes([joint, *(scenarios.get(u, 255) for u in places)])
        return Worst(named, joint, scenarios)

    def book(self, view: AccountView, witness: bytes | None = None) -> Book:
        """Everything but the sum: the scenarios' PnL by underlying."""
        book = Book(self.parameters, witness, self._ln)
        option_strips.spots(book, view.expiries)
        _spots(book, view)
        _perps(book, view.perps)
        _assets(book, view)
        option_strips.run(book, view.expiries)
        for group in book.groups.values():
            _move(book, group)
        return book

    def _ln(self, ratio: int) -> int:
        if ratio not in self._logs:
            self._logs[ratio] = option_strips.ln(ratio)
        return self._logs[ratio]

    def _sum(self, book: Book, quote: int) -> Assessment:
        p = self.parameters
        if not book.exposed and not p.flags & RESERVE_ALWAYS:
            return Assessment(book.equity, 0, 0, 0, book.notional)
        calm, wild = _span(book, initial=False), _span(book, initial=True)
        price = quote * 10**8
        depeg = up(p.peg_threshold - price, p.peg_factor) if 0 < price < p.peg_threshold else 0
        mm = book.mm + up(calm, p.mm_factor)
        im0 = book.im0 + up(calm, p.im_factor)
        im = book.im + up(wild, p.im_factor + depeg)
        profit = ceil_div(positive(book.profit) * (BPS - p.pnl_share), BPS)
        im = max(im, p.im_floor) + profit
        return Assessment(book.equity, im, max(im0, p.im_floor), max(mm, p.mm_floor), book.notional)


def _spots(book: Book, view: AccountView) -> None:
    """An asset whose feed is an underlying's own tells its spot, even where nothing else does."""
    for tag in view.tags:
        claim = book.parameters.claim(tag.feed)
        if claim is None:
            continue
        group = book.group(claim.underlying)
        if not group.spot and tag.feed == group.params.feed:
            group.spot = tag.price
            group.spot_doubt = group.doubt = book.doubt_of(tag.doubt, tag.fine)


def _perps(book: Book, perps: Iterable[Perp]) -> None:
    for perp in perps:
        book.equity += perp.pnl
        book.profit += perp.pnl
        book.exposed |= perp.notional > 0 or perp.pnl < 0
        if not perp.notional:
            continue
        book.notional += perp.notional
        group = book.group_of(perp.feed)
        group.linear += -perp.notional if perp.short else perp.notional
        group.mult_im, group.mult_mm = max(group.mult_im, perp.mult_im), max(group.mult_mm, perp.mult_mm)
        doubt = book.doubt_of(perp.doubt, perp.fine)
        group.doubt = max(group.doubt, doubt)
        notional = perp.size * group.spot if perp.size and group.spot else perp.notional
        group.size += notional
        mm, more = up(notional, group.params.mm_perp), up(notional, group.params.im_perp)
        book.mm += mm
        book.im0 += mm + more
        book.im += mm + more + book.doubtful(max(doubt, group.spot_doubt), notional)


def _assets(book: Book, view: AccountView) -> None:
    for asset, tag in zip(view.assets, view.tags, strict=True):
        book.equity += asset.value
        book.exposed |= asset.value < 0
        size = abs(asset.value)
        book.im += ceil_div(size * asset.haircut_im, BPS)
        book.mm += ceil_div(size * asset.haircut_mm, BPS)
        book.im0 += ceil_div(size * asset.haircut_im0, BPS)
        size = min(size, VALUE_LIMIT)
        doubt, claim = book.doubt_of(tag.doubt, tag.fine), book.parameters.claim(tag.feed)
        if claim is not None:
            group = book.group(claim.underlying)
            doubt = max(doubt, group.spot_doubt)
            if claim.cancels:
                group.linear += -size if asset.value < 0 else size
        book.im += book.doubtful(doubt, size)


def _move(book: Book, group: Group) -> None:
    """What an underlying has beside options: what moves with the spot, and what its size needs."""
    p, size = group.params, group.size
    more = up(positive(size - p.tier_bound1 * WAD), p.tier_rate1)
    more += up(positive(size - p.tier_bound2 * WAD), p.tier_rate2)
    book.mm, book.im0, book.im = book.mm + more, book.im0 + more, book.im + more
    for k in group.scenarios():
        if k < book.scenarios:
            scenario = p.scenarios[k]
            group.pnl[k] += down(down(group.linear, scenario.spot - WAD), scenario.damping)


def _worst(pnl: list[int]) -> int:
    return min(range(len(pnl)), key=pnl.__getitem__)


def _span(book: Book, initial: bool) -> int:
    rho, span = book.parameters.rho, 0
    for group in book.groups.values():
        worst = max([0, *(-group.pnl[k] for k in group.scenarios())])
        span += ceil_div(worst * (group.mult_im if initial else group.mult_mm), ONE)
    if rho:
        mask = book.bit(0) if book.witness else book.everything
        joint = max([0, *(_joint_loss(book, k, initial) for k in range(book.scenarios + 1) if mask >> k & 1)])
        span = ceil_div(span * (PPM - rho) + joint * rho, PPM)
    return min(span, LOSS_LIMIT)


def _joint_loss(book: Book, k: int, initial: bool) -> int:
    loss = sum(-group.pnl[k] * (group.mult_im if initial else group.mult_mm) for group in book.groups.values())
    return (loss + ONE - 1) >> 14
