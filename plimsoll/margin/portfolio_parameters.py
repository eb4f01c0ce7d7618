"""The parameters of a portfolio model and what they may be. Twin of contracts/margin/PortfolioParameters.sol.

Numbers are WAD unless said; the layout is that file's. A refusal carries the contract's error by name, with its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from plimsoll.margin.fixed_math import BPS, PPM, WAD

HEAD = BODY = 12
MAX_UNDERLYINGS, MAX_SCENARIOS = 32, 40
RESERVE_ALWAYS, LENIENT = 1, 2
PPM_UNIT = WAD // PPM
CANCELS = 0x40


class Kind(IntEnum):
    """Kinds of a scenario; the first five are also those of a strip's records."""

    NONE = 0
    UP = 1
    DOWN = 2
    LINEAR = 3
    ABSOLUTE = 4
    JOINT_LINEAR = 5
    JOINT_ABSOLUTE = 6


class ParameterError(ValueError):
    """A parameter outside its bounds: `name` and `values` are those of the contract's error."""

    def __init__(self, name: str, *values: int):
        super().__init__(f"{name}{values}")
        self.name, self.values = name, values


class Scenario(NamedTuple):
    """spot and damping in WAD."""

    spot: int
    kind: Kind = Kind.NONE
    damping: int = WAD


class Claim(NamedTuple):
    """Which underlying a feed belongs to, and whether assets of that feed cancel its risk."""

    underlying: int
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class Underlying:
    """One underlying: dte_floor in seconds, tier bounds in whole quote, the rest in WAD."""

    feed: int
    scenarios: tuple[Scenario, ...]
    vol_up: int
    vol_down: int
    min_vol: int
    short_power: int
    long_power: int
    dte_floor: int
    min_k_star: int
    width: int
    vol_static: int
    vol_scale: int
    linear_cap: int
    linear_base: int
    abs_cap: int
    abs_base: int
    long_discount: int
    long_mult: int
    long_add: int
    short_discount: int
    short_mult: int
    short_add: int
    basis_up: int
    basis_down: int
    basis_add: int
    basis_mult: int
    mm_perp: int
    im_perp: int
    mm_option: int
    im_option: int
    tier_rate1: int = 0
    tier_bound1: int = 0
    tier_bound2: int = 0
    tier_rate2: int = 0

    def body(self) -> list[int]:
        """The twelve words, with what is derived left zero."""
        return [
            triple(self.vol_up, self.vol_down, self.min_vol),
            triple(self.short_power, self.long_power, self.dte_floor),
            triple(self.min_k_star, self.width, self.vol_static),
            triple(self.vol_scale, self.linear_cap, self.linear_base),
            triple(self.abs_cap, self.abs_base, self.feed),
            triple(self.long_discount, self.long_mult, self.long_add),
            triple(self.short_discount, self.short_mult, self.short_add),
            triple(self.basis_up, self.basis_down, self.basis_add),
            triple(self.basis_mult, self.mm_perp, self.im_perp),
            triple(self.mm_option, self.im_option, self.tier_rate1),
            triple(self.tier_bound1, self.tier_bound2, self.tier_rate2),
            0,
        ]

    def known(self, scenario: Scenario) -> int:
        """Whose value a scenario has without an evaluation of its own: 1 the mark's, 2 and 3 the basis shocks'."""
        if scenario.kind != Kind.NONE:
            return 0
        return {self.basis_down: 3, self.basis_up: 2, WAD: 1}.get(scenario.spot, 0)

    def kinds(self) -> int:
        """Bitmap of the volatilities that its scenarios use."""
        bits = 1
        for scenario in self.scenarios:
            bits |= 1 << vol_kind(scenario.kind)
        return bits


@dataclass(frozen=True, slots=True)
class Parameters:
    """rho in ppm, pnl_share in bps, settlement_window in seconds, floors in quote WAD, factors in WAD.

    doubt_unit: WAD that one unit of a confidence is.
    """

    underlyings: tuple[Underlying, ...]
    im_factor: int
    mm_factor: int
    rho: int = 0
    pnl_share: int = BPS
    settlement_window: int = 0
    flags: int = 0
    peg_threshold: int = 0
    peg_factor: int = 0
    confidence_threshold: int = 0
    confidence_margin: int = 0
    mm_floor: int = 0
    im_floor: int = 0
    doubt_unit: int = PPM_UNIT
    feeds: Mapping[int, Claim] = field(default_factory=dict)

    @property
    def scenario_count(self) -> int:
        return len(self.underlyings[0].scenarios) if self.underlyings else 0

    def claim(self, feed: int) -> Claim | None:
        return self.feeds.get(feed)

    def to_words(self) -> list[int]:
        """What the constructor of the contract takes."""
        first = len(self.underlyings) | self.scenario_count << 8 | self.rho << 16 | self.pnl_share << 40
        words = [
            first | self.settlement_window << 56 | self.flags << 80 | self.doubt_unit << 96,
            triple(self.im_factor, self.mm_factor, self.peg_threshold),
            triple(self.peg_factor, self.confidence_threshold, self.confidence_margin),
            self.mm_floor | self.im_floor << 128,
        ]
        table = bytearray(256)
        for feed, claim in self.feeds.items():
            table[feed] = claim.underlying + 1 | CANCELS * claim.cancels
        words += [int.from_bytes(table[i : i + 32], "big") for i in range(0, 256, 32)]
        for underlying in self.underlyings:
            words += underlying.body()
            words += [s.spot | s.damping << 64 | s.kind << 128 for s in underlying.scenarios]
        return words

    def finished_words(self, ln: Callable[[int], int]) -> list[int]:
        """What the contract stores: with the logarithms (Q64) and repeated scenarios filled in."""
        self.check()
        words = self.to_words()
        at = HEAD
        for underlying in self.underlyings:
            logs = ln(underlying.basis_up) % 2**80 | ln(underlying.basis_down) % 2**80 << 80
            words[at + 11] = logs | underlying.kinds() << 160
            for k, scenario in enumerate(underlying.scenarios):
                words[at + BODY + k] |= ln(scenario.spot) % 2**80 << 136 | underlying.known(scenario) << 216
            at += BODY + self.scenario_count
        return words

    def check(self) -> None:
        """Raises ParameterError where the contract's constructor reverts."""
        count, strict = len(self.underlyings), not self.flags & LENIENT
        refuse(not 0 < count <= MAX_UNDERLYINGS, "UnderlyingsOutOfRange", count)
        refuse(not 0 < self.scenario_count <= MAX_SCENARIOS, "ScenariosOutOfRange", self.scenario_count)
        for underlying in self.underlyings:
            if len(underlying.scenarios) != self.scenario_count:
                raise ValueError(f"underlying of feed {underlying.feed}: all underlyings need as many scenarios")
        self._check_head(strict)
        previous = -1
        for u, underlying in enumerate(self.underlyings):
            refuse(underlying.feed <= previous, "UnderlyingsUnordered", underlying.feed, previous)
            claim = self.claim(underlying.feed)
            refuse(claim is None or claim.underlying != u, "FeedWithoutUnderlying", underlying.feed, u)
            previous = underlying.feed
            _check_volatility(underlying, u, strict)
            _check_margin(underlying, u, strict)
            _check_scenarios(underlying, u, strict)

    def _check_head(self, strict: bool) -> None:
        refuse(not 0 <= self.rho <= PPM, "NettingOutOfRange", self.rho)
        refuse(not 0 <= self.pnl_share <= BPS, "ProfitShareOutOfRange", self.pnl_share)
        refuse(strict and self.settlement_window != 0, "SettlementWindowUnsafe", self.settlement_window)
        unordered = self.mm_factor <= 0 or self.im_factor < self.mm_factor or self.im_factor > 10 * WAD
        refuse(unordered, "LossFactorsUnordered", self.mm_factor, self.im_factor)
        wide = self.peg_threshold > (WAD if strict else 100 * WAD) or self.peg_factor > 10 * WAD
        refuse(wide, "DepegOutOfRange", self.peg_threshold, self.peg_factor)
        wide = self.confidence_threshold > WAD or self.confidence_margin > 20 * WAD
        refuse(wide, "ConfidenceOutOfRange", self.confidence_threshold, self.confidence_margin)
        wide = self.doubt_unit != PPM_UNIT if strict else not 0 < self.doubt_unit <= PPM_UNIT
        refuse(wide, "DoubtUnitOutOfRange", self.doubt_unit)
        refuse(self._floors_unordered(strict), "ModelFloorsUnordered", self.mm_floor, self.im_floor)
        for feed, claim in sorted(self.feeds.items()):
            refuse(claim.underlying >= len(self.underlyings), "FeedWithoutUnderlying", feed, claim.underlying)

    def _floors_unordered(self, strict: bool) -> bool:
        if strict:
            return self.mm_floor == 0 or self.im_floor <= self.mm_floor
        return self.im_floor < self.mm_floor


def vol_kind(kind: int) -> int:
    """Which of a record's volatilities a scenario of this kind takes."""
    return kind if kind < Kind.JOINT_LINEAR else kind - 2


def triple(*fields: int) -> int:
    """Three fields of 80 bits, the first lowest; what does not fit is refused, never cut."""
    word = 0
    for n, value in enumerate(fields):
        if not -(2**79) <= value < 2**80:
            raise OverflowError(f"{value} does not fit into 80 bits")
        word |= value % 2**80 << 80 * n
    return word


def refuse(when: bool, name: str, *values: int) -> None:
    if when:
        raise ParameterError(name, *values)


def _check_volatility(p: Underlying, u: int, strict: bool) -> None:
    shocks = (p.vol_up, p.short_power, p.vol_down, p.long_power, p.min_vol, p.dte_floor)
    limits = (10 * WAD, 10 * WAD, 10 * WAD, 10 * WAD, 20 * WAD, 400 * 86_400)
    widths = (p.min_k_star, p.width, p.vol_static)
    for i in range(3):
        for half in (0, 1):
            value = shocks[2 * i + half]
            refuse(not 0 <= value <= limits[2 * i + half], "VolatilityShockOutOfRange", u, i + 3 * half, value)
        refuse(not 0 <= widths[i] <= 10 * WAD, "SkewOutOfRange", u, i, widths[i])
    refuse(strict and p.vol_down > WAD, "VolatilityShockOutOfRange", u, 1, p.vol_down)
    for i, value in enumerate((p.vol_scale, p.linear_cap, p.linear_base, p.abs_cap, p.abs_base)):
        refuse(abs(value) > 20 * WAD, "SkewOutOfRange", u, 3 + i, value)
    refuse(strict and p.linear_cap > WAD, "SkewOutOfRange", u, 4, p.linear_cap)
    refuse(strict and p.abs_cap > WAD, "SkewOutOfRange", u, 6, p.abs_cap)


def _check_margin(p: Underlying, u: int, strict: bool) -> None:
    long, short = p.long_discount, p.short_discount
    unordered = (long > WAD or short < WAD) if strict else max(long, short) > 4 * WAD
    refuse(unordered or long == 0, "DiscountsUnordered", u, long, short)
    for i, value in ((1, p.long_mult), (3, p.short_mult), (2, p.long_add), (4, p.short_add)):
        refuse(not 0 <= value <= 10 * WAD, "RatesOutOfRange", u, i, value)
    unordered = not 0 < p.basis_down < WAD < p.basis_up <= 3 * WAD
    refuse(unordered, "BasisShocksUnordered", u, p.basis_down, p.basis_up)
    fields = (p.basis_add, p.basis_mult, p.mm_perp, p.im_perp, p.mm_option, p.im_option, p.tier_rate1, p.tier_rate2)
    for i, value in enumerate(fields):
        most = (20, 20, 3, 3, 2, 2, 1, 1)[i] * WAD
        refuse(not 0 <= value <= most, "ContingencyOutOfRange", u, i, value)
    refuse(p.tier_bound2 < p.tier_bound1, "TiersNotConvex", u, p.tier_bound1, p.tier_bound2)


def _check_scenarios(p: Underlying, u: int, strict: bool) -> None:
    for k, (spot, kind, damping) in enumerate(p.scenarios):
        refuse(not 0 < spot <= 10 * WAD, "SpotShockOutOfRange", u, k, spot)
        refuse(not 0 <= damping <= (WAD if strict else 10 * WAD), "DampingOutOfRange", u, k, damping)
        refuse(kind > Kind.JOINT_ABSOLUTE, "ScenarioKindUnknown", u, k, kind)
        refuse(kind in (Kind.LINEAR, Kind.ABSOLUTE) and spot != WAD, "SkewWithSpotShock", u, k, spot)
