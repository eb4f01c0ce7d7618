"""What an account gains or loses when spot and volatility move: a grid, in floats, for people to look at.

    book = read(deployment, account)
    grid = heatmap(book, spots=[-0.3, 0, 0.3], vols=[-0.25, 0, 0.5])
    grid[1][2]                                   PnL in quote, at unmoved spot and volatilities half as high again

Spots move together, all of them or those of one feed; every strike's volatility is multiplied; time stands still. Marks
are those of the account's model: discounted in portfolio accounts. A cell is equity there less equity here, at index:
no fees, no spread. `engine.assessAt` says the same of a column of unmoved volatility.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plimsoll import ledger
from plimsoll.accounts import AccountId, Mode
from plimsoll.margin import option_series
from plimsoll.margin.settlement_math import Known, known_of
from plimsoll.margin.surface_word import Surface
from plimsoll.margin.valuation import is_good
from plimsoll.margin.words import Header, MarketClosing, MarketRisk, Price, Settlement
from plimsoll.pricing import black76
from plimsoll.pricing.normal import Floats
from plimsoll.pricing.svi import Slice

if TYPE_CHECKING:
    from plimsoll.deploy import Deployment

PRICE, SIZE, WAD, YEAR = 1e10, 1e8, 1e18, 365 * 86_400
SPOTS = tuple(round(-0.5 + 0.05 * n, 2) for n in range(21))
VOLS = (-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Strip:
    """The options of one market and expiry. `vol` None: nothing but the pay-off is left. `moving`: what of `spot`, that
    they are written on, moves with the feed's price: all until half an hour before the expiry, nothing of a final one.
    """

    feed: int
    spot: float
    carry: float
    years: float
    discount: float
    vol: Floats | None
    moving: float
    strike: Floats
    call: np.ndarray[tuple[int], np.dtype[np.bool_]]
    quantity: Floats

    def value(self, spot_factor: float, vol_factor: float) -> float:
        spot = self.spot + self.moving * (spot_factor - 1)
        if self.vol is None:
            paid = black76.intrinsic(np.full_like(self.strike, spot), self.strike, self.call)
            return float(self.quantity @ paid)
        prices = black76.price(
            spot * self.carry, self.strike, self.vol * vol_factor, self.years, self.call, self.discount
        )
        return float(self.quantity @ prices)


@dataclass(frozen=True, slots=True)
class Book:
    """`linear`: feed → units that move with its spot, perps and collateral; `spots`: feed → price."""

    spots: dict[int, float]
    linear: dict[int, float]
    strips: tuple[Strip, ...]
    block: int

    def gain(self, spot: float, vol: float, feed: int | None = None) -> float:
        """Against the book as it is."""
        total = 0.0
        for number, units in self.linear.items():
            if feed in (None, number):
                total += units * self.spots[number] * spot
        for strip in self.strips:
            factor = 1 + spot if feed in (None, strip.feed) else 1.0
            total += strip.value(factor, 1 + vol) - strip.value(1.0, 1.0)
        return total


def heatmap(
    book: Book, spots: Sequence[float] = SPOTS, vols: Sequence[float] = VOLS, feed: int | None = None
) -> list[list[float]]:
    """A row per spot move, a column per volatility move, both as shares of what is."""
    return [[book.gain(spot, vol, feed) for vol in vols] for spot in spots]


# ---------------------------------------------------------------- reading


def read(d: Deployment, account: bytes, *, block: int | None = None) -> Book:
    """What the account has, at `block` (default: now)."""
    number, time = d.chain.block()
    block = number if block is None else block
    instruments, quantities = d.engine.read("options", account, block=block)
    spots: dict[int, float] = {}
    linear: dict[int, float] = {}
    for feed, spot, units in _linear(d, account, block):
        spots[feed], linear[feed] = spot, units
    held = dict(zip(instruments, quantities, strict=True))
    portfolio = AccountId.unpack(account).mode == Mode.PORTFOLIO
    groups = dict.fromkeys(map(option_series.group_of, held))
    strips = []
    for group in groups:
        own = {i: q for i, q in held.items() if option_series.group_of(i) == group}
        strips.append(_strip(d, own, time, block, portfolio=portfolio))
    return Book(spots, linear, tuple(strips), block)


def _linear(d: Deployment, account: bytes, block: int) -> list[tuple[int, float, float]]:
    """(feed, spot, units) of assets and perps."""
    header = Header.from_word(ledger.read(d.engine, [ledger.header(account)], block=block)[0])
    units: dict[int, float] = {}
    for number, asset in enumerate(d.parameters.assets):
        if header.assets >> number & 1 and asset.feed:
            parts = [d.engine.read(name, account, number, block=block) for name in ("held", "lentOf", "debtOf")]
            amount = (parts[0] + parts[1] - parts[2]) / 10**asset.decimals
            units[asset.feed] = units.get(asset.feed, 0.0) + amount
    for number, market in enumerate(d.parameters.markets):
        if header.markets >> number & 1 and not _final_price(d, number, block):
            size = d.engine.read("position", account, number, block=block)[0] / SIZE
            units[market.feed] = units.get(market.feed, 0.0) + size
    words = d.router.read("read", list(units), block=block)
    return [(feed, (word & (1 << 72) - 1) / PRICE, units[feed]) for feed, word in zip(units, words, strict=True)]


def _strip(d: Deployment, own: dict[int, int], time: int, block: int, *, portfolio: bool) -> Strip:
    first = next(iter(own))
    market, expiry = option_series.market_of(first), option_series.expiry_of(first)
    feed = d.parameters.markets[market].feed
    final = _final_price(d, market, block)
    price = Price(value=final, published_at=time) if final else _price(d, feed, block)
    settlement, known = _settlement(d, (market, expiry), price, (time, block))
    written, share = (known.price(price.value), known.share) if known else (price.value, 1.0)
    years = max(expiry * option_series.MINUTE - time, 0) / YEAR
    words = d.surfaces.read("read", [option_series.key_of(market, expiry)], block=block)
    surface = Surface.from_words(words)
    live = years > 0 and surface.terms.carry and surface.fit.forward_ref
    rate = max(surface.terms.rate, 0) / WAD
    strike = np.array([option_series.strike_of(i) / PRICE for i in own])
    carry = known.carry(surface.terms.carry) if known else surface.terms.carry
    return Strip(
        feed=feed,
        spot=(settlement.price or written) / PRICE,
        carry=carry / WAD,
        years=years,
        discount=float(np.exp(-rate * years)) if portfolio else 1.0,
        vol=_vols(surface, strike) if live else None,
        moving=0.0 if settlement.price or final else price.value / PRICE * share,
        strike=strike,
        call=np.array([not option_series.is_put(i) for i in own]),
        quantity=np.array([q / SIZE for q in own.values()]),
    )


def _price(d: Deployment, feed: int, block: int) -> Price:
    return Price.from_word(d.router.read("read", [feed], block=block)[0])


def _settlement(
    d: Deployment, series: tuple[int, int], price: Price, now: tuple[int, int]
) -> tuple[Settlement, Known | None]:
    """What was recorded of an expiry's price, and what is known of it; `now` is time and block."""
    (market, expiry), (time, block) = series, now
    slots = [ledger.settlement(market, expiry), ledger.market(market, ledger.RISK)]
    words = ledger.read(d.engine, slots, block=block)
    settlement = Settlement.from_word(words[0])
    failed = not is_good(price, MarketRisk.from_word(words[1]).max_age, time)
    return settlement, known_of(settlement, expiry, time, failed=failed)


def _final_price(d: Deployment, market: int, block: int) -> int:
    """Of a market that was closed; zero while its feed counts."""
    word = ledger.read(d.engine, [ledger.market(market, ledger.CLOSING)], block=block)[0]
    return MarketClosing.from_word(word).final_price


def _vols(surface: Surface, strike: Floats) -> Floats:
    """As SviMath has it: no farther out than four deviations at the money."""
    smile, fit = surface.smile, surface.fit
    shape = (smile.a / WAD, smile.b / WAD, smile.rho / WAD, smile.m / WAD, fit.sigma / WAD)
    found = Slice(*shape, forward=fit.forward_ref / PRICE, years=fit.tau / WAD)
    edge = 4 * np.sqrt(max(found.a + found.b * found.sigma, 0.0))
    k = np.clip(found.moneyness(strike), -edge, edge)
    return np.sqrt(np.maximum(found.variance(k), 0.0) / found.years)
