"""The strikes of one expiry of an account and their volatilities. Twin of contracts/margin/StrikeRecords.sol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isqrt

from plimsoll.margin import black76, svi_math
from plimsoll.margin.fixed_math import WAD, YEAR, exp_wad, ln_wad, truncate_div
from plimsoll.margin.portfolio_book import down
from plimsoll.margin.portfolio_parameters import Underlying
from plimsoll.margin.portfolio_words import ExpiryView, Option

MONTH = 30 * 86_400
POWER_LIMIT = 40 * WAD


@dataclass(frozen=True, slots=True)
class Shared:
    """What all strikes of an expiry share: the contract's struct Smile, in its units."""

    svi: svi_math.Smile
    scale: int
    ln_forward: int
    ln_reference: int
    up: int
    down: int
    least: int
    skews: tuple[tuple[int, int], tuple[int, int]]


@dataclass(slots=True)
class Chain:
    """The records, and what the options sum to: quantities, and puts times strike in quote WAD."""

    records: list[black76.Record]
    puts: int = 0
    strikes: int = 0
    naked: int = 0
    gross: int = 0


def shared(view: ExpiryView, forward: int, root: int, p: Underlying) -> Shared:
    smile = view.smile
    power = p.short_power if view.secs <= MONTH else p.long_power
    base = MONTH * WAD // max(view.secs, p.dte_floor, 1)
    scale = exp_wad(min(truncate_div(ln_wad(base) * power, WAD), POWER_LIMIT))
    ln_forward = ln_wad(forward * 10**8)
    return Shared(
        svi=svi_math.Smile(smile.a, smile.b, smile.rho, smile.m, smile.sigma),
        scale=(view.secs << 128) // (YEAR * smile.tau) if smile.tau else 0,
        ln_forward=ln_forward,
        ln_reference=ln_wad(smile.forward_ref * 10**8) if smile.forward_ref else ln_forward,
        up=WAD + p.vol_up * scale // WAD,
        down=max(0, WAD - p.vol_down * scale // WAD),
        least=((p.min_vol * root // WAD) << 64) // WAD,
        skews=_skews(root, p),
    )


def write(options: Sequence[Option], common: Shared) -> Chain:
    """One record per strike whose calls and puts do not cancel."""
    chain = Chain([], gross=sum(abs(o.quantity) for o in options))
    for _, same in groupby(options, key=lambda option: option.code):
        legs = list(same)
        strike, net = legs[0].strike, sum(o.quantity for o in legs)
        puts = sum(o.quantity for o in legs if o.put)
        chain.puts += puts
        chain.strikes += puts * strike
        if net:
            chain.naked += max(-net, 0)
            chain.records.append(_record(common, strike, net))
    return chain


def q64(x: int) -> int:
    """WAD to Q64, toward zero."""
    return truncate_div(x << 64, WAD)


def _skews(root: int, p: Underlying) -> tuple[tuple[int, int], tuple[int, int]]:
    """Slope and cap of the linear and the absolute skew, Q64."""
    star = down(down(root, p.width), down(p.vol_scale, root) + p.vol_static)
    star = max(star, p.min_k_star, 1)
    linear, absolute = down(p.linear_base, root) + p.linear_cap, down(p.abs_base, root) + p.abs_cap
    return (truncate_div(linear << 64, star), q64(linear)), (truncate_div(absolute << 64, star), q64(absolute))


def vols(common: Shared, strike: int) -> tuple[int, int, int, int, int]:
    """Total volatility of a strike, Q64, by kind."""
    ln_strike = _ln(strike)
    vol = isqrt(svi_math.total_variance(common.svi, ln_strike - common.ln_reference) * common.scale)
    k = q64(ln_strike - common.ln_forward)
    return (
        vol,
        max(vol * common.up // WAD, common.least),
        vol * common.down // WAD,
        _skewed(vol, k, *common.skews[0]),
        _skewed(vol, abs(k), *common.skews[1]),
    )


def _record(common: Shared, strike: int, net: int) -> black76.Record:
    words = tuple(map(black76.vol_word, vols(common, strike)))
    return black76.Record(q64(_ln(strike) - common.ln_forward), strike, net, words)


def _ln(strike: int) -> int:
    return ln_wad(strike * 10**8 or 1)


def _skewed(vol: int, k: int, slope: int, cap: int) -> int:
    more = k * slope >> 64
    more = max(-cap, more) if k < 0 else min(cap, more)
    return max(0, vol * (more + 2**64) >> 64)
