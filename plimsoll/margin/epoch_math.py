"""What a side's epochs do to a position that nobody has touched since. Twin of contracts/libraries/EpochMath.sol.

A charge: cost += r·(size·x − cost), r = amount/net. A shrinking: size' = κ·size, cost' = cost − (size − size')·x. Any
run of them is one affine map, taken from two records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from plimsoll.margin.fixed_math import ceil_div_signed

FACTOR_BITS = 95
OFFSET_BITS = 104
SIZE_BITS = 64
COST_BITS = 40
MANTISSA_BITS = 103
VANISHED = 120
SMALLEST_FACTOR = 2**63
SLACK = 2


@dataclass(frozen=True)
class Epoch:
    """One side's map since the start of its era; the identity by default."""

    factor: int = 2**FACTOR_BITS
    mantissa: int = 2 ** (MANTISSA_BITS - 1)
    exponent: int = 0
    offset: int = 0
    mark: int = 0
    long: bool = False
    other: int = 0
    before: int = 0


@dataclass(frozen=True)
class Share:
    """A position, or a sum of them, between two touches: |size| with 64 and cost with 40 binary places."""

    size: int
    cost: int

    @classmethod
    def of(cls, size: int, cost: int) -> Share:
        return cls(abs(size) << SIZE_BITS, cost << COST_BITS)


def charge(epoch: Epoch, mark: int, amount: int, net: int) -> Epoch:
    """Takes `amount` of the side's net profit `net` at `mark`."""
    whole = mark * (epoch.factor << OFFSET_BITS - FACTOR_BITS)
    offset = epoch.offset + _mul_div(whole - epoch.offset, amount, net)
    left = (epoch.mantissa << VANISHED) * (net - amount) // net
    if left < 2**MANTISSA_BITS:
        return replace(epoch, exponent=epoch.exponent + VANISHED, offset=offset, mark=mark)
    excess = left.bit_length() - MANTISSA_BITS
    exponent = epoch.exponent + VANISHED - excess
    return replace(epoch, mantissa=left >> excess, exponent=exponent, offset=offset, mark=mark)


def shrink(epoch: Epoch, mark: int, to: int, from_: int, last: int) -> tuple[Epoch, int, int]:
    """Shrinks the side to `to`/`from_`; a new era begins when K is too small. What is left of a size: kept/base."""
    base = epoch.factor
    kept = -(-base * to // from_)
    if kept < SMALLEST_FACTOR:
        epoch = replace(epoch, mantissa=2 ** (MANTISSA_BITS - 1), exponent=0, offset=0, before=last)
        base = 2**FACTOR_BITS
        kept = -(-base * to // from_)
    offset = epoch.offset - mark * (base - kept << OFFSET_BITS - FACTOR_BITS)
    return replace(epoch, factor=kept, offset=offset, mark=mark), kept, base


def advance(part: Share, from_: Epoch, to: Epoch) -> Share:
    """Carries a share from one epoch to a later one of the same side and era."""
    ratio = (to.mantissa << 128) // from_.mantissa >> (to.exponent - from_.exponent)
    slope = to.offset - _mul_div(from_.offset, ratio, 2**128)
    signed = slope if to.long else -slope
    shift = OFFSET_BITS + SIZE_BITS - FACTOR_BITS - COST_BITS
    cost = _mul_div(part.cost, ratio, 2**128) + (_mul_div(signed, part.size, from_.factor) >> shift)
    return Share(part.size * to.factor // from_.factor, cost)


def settle(part: Share, long: bool, mark: int) -> tuple[int, int]:
    """A share as a position: size toward zero but never to it, cost up, but no profit never becomes a loss."""
    units = max(part.size >> SIZE_BITS, 1)
    cut = part.size - (units << SIZE_BITS)
    size = units if long else -units
    worth = cut * (mark if long else -mark) >> SIZE_BITS - COST_BITS
    cost = ceil_div_signed(part.cost - worth, 2**COST_BITS)
    pnl = size * mark - cost
    return size, cost + pnl if -SLACK <= pnl < 0 else cost


def latest(epochs: Mapping[int, Epoch], number: int, long: bool) -> int:
    """The side's last epoch up to the market's epoch `number`; 0 before the first."""
    if number == 0 or epochs[number].long == long:
        return number
    return epochs[number].other


def carry(epochs: Mapping[int, Epoch], part: Share, first: int, last: int) -> Share:
    """From a side's epoch `first` to its `last`, era by era."""
    to = epochs[last]
    if to.before and first <= to.before:
        if first < to.before:
            part = carry(epochs, part, first, to.before)
        return advance(part, Epoch(long=to.long), to)
    return advance(part, epochs[first] if first else Epoch(long=to.long), to)


def touched(epochs: Mapping[int, Epoch], size: int, cost: int, at: int, now: int) -> tuple[int, int]:
    """A position written at the market's epoch `at`, as it stands at its epoch `now`. A flat one takes no part."""
    long = size > 0
    first, last = latest(epochs, at, long), latest(epochs, now, long)
    if size == 0 or first == last:
        return size, cost
    return settle(carry(epochs, Share.of(size, cost), first, last), long, epochs[last].mark)


def whole_size(size: int) -> int:
    return size + 2 ** (SIZE_BITS - 1) >> SIZE_BITS


def whole_cost(cost: int) -> int:
    return cost + 2 ** (COST_BITS - 1) >> COST_BITS


def pack(epoch: Epoch) -> tuple[int, int]:
    """factors: K u96 · mantissa u103 · exponent u23 · long u1 · other u16 · before u16; terms: x i76 · B i180."""
    factors = epoch.factor | epoch.mantissa << 96 | epoch.exponent << 199 | int(epoch.long) << 222
    factors |= epoch.other << 223 | epoch.before << 239
    return factors, (epoch.offset << 76 | epoch.mark & (2**76 - 1)) % 2**256


def unpack(factors: int, terms: int) -> Epoch:
    if factors == 0:
        return Epoch()
    mark = terms & (2**76 - 1)
    offset = terms >> 76
    return Epoch(
        factor=factors & (2**96 - 1),
        mantissa=factors >> 96 & (2**MANTISSA_BITS - 1),
        exponent=factors >> 199 & (2**23 - 1),
        offset=offset - 2**180 if offset >> 179 else offset,
        mark=mark - 2**76 if mark >> 75 else mark,
        long=bool(factors >> 222 & 1),
        other=factors >> 223 & 0xFFFF,
        before=factors >> 239,
    )


def _mul_div(x: int, y: int, d: int) -> int:
    """x·y/d toward zero, for signed x."""
    result = abs(x) * y // d
    return -result if x < 0 else result
