"""What one check of a portfolio account has in hand. Twin of contracts/margin/PortfolioBook.sol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from plimsoll.margin.fixed_math import WAD
from plimsoll.margin.portfolio_parameters import Parameters, Underlying
from plimsoll.margin.portfolio_words import ONE


@dataclass(slots=True)
class Group:
    """One underlying: doubts in WAD, linear and size in quote WAD, pnl per scenario with the basis last."""

    params: Underlying
    mask: int
    pnl: list[int]
    spot: int = 0
    spot_doubt: int = 0
    doubt: int = 0
    mult_im: int = ONE
    mult_mm: int = ONE
    linear: int = 0
    size: int = 0

    def scenarios(self) -> Iterable[int]:
        return (k for k in range(len(self.pnl)) if self.mask >> k & 1)


@dataclass(slots=True)
class Book:
    """im, im0, mm: what is required beside the span. `witness`: None evaluates everything."""

    parameters: Parameters
    witness: bytes | None
    ln: Callable[[int], int]
    groups: dict[int, Group] = field(default_factory=dict)
    equity: int = 0
    profit: int = 0
    notional: int = 0
    im: int = 0
    im0: int = 0
    mm: int = 0
    exposed: bool = False

    @property
    def scenarios(self) -> int:
        return self.parameters.scenario_count

    @property
    def everything(self) -> int:
        return int((2 << self.scenarios) - 1)

    def group_of(self, feed: int) -> Group:
        claim = self.parameters.claim(feed)
        return self.group(len(self.parameters.underlyings) if claim is None else claim.underlying)

    def group(self, u: int) -> Group:
        if u not in self.groups:
            underlyings = self.parameters.underlyings
            params = underlyings[0 if u == len(underlyings) else u]
            mask = self.everything
            if self.witness:
                mask = self.bit(u + 1) | (self.bit(0) if self.parameters.rho else 0)
            self.groups[u] = Group(params, mask, [0] * (self.scenarios + 1))
        return self.groups[u]

    def bit(self, place: int) -> int:
        witness = self.witness or b""
        named = witness[place] if place < len(witness) else 255
        return 0 if named > self.scenarios else 1 << named

    def doubt_of(self, units: int, fine: int) -> int:
        """WAD."""
        return min((units << 16 | fine) * self.parameters.doubt_unit >> 16, WAD)

    def doubtful(self, doubt: int, value: int) -> int:
        """What doubtful prices cost an initial margin: nothing below the threshold."""
        if doubt + self.parameters.confidence_threshold <= WAD:
            return 0
        return up(up(doubt, self.parameters.confidence_margin), value)


def up(x: int, y: int) -> int:
    return -(-x * y // WAD)


def down(x: int, y: int) -> int:
    return x * y // WAD
