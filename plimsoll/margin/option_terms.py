"""What margin by rule asks of options. Twin of contracts/margin/OptionTerms.sol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from plimsoll.margin.fixed_math import BPS, PPM, ceil_div
from plimsoll.margin.word import Word

MAX_UNPAIRED = 3 * BPS
MAX_OFFSET = 2 * BPS
MAX_LONG_SHARE = 9_000


class BrokenBound(NamedTuple):
    """`error` and its values as the contract has them."""

    error: str
    values: tuple[int, ...]
    remedy: str


def _bps(default: int) -> Any:
    return field(default=default, metadata={"bits": 16, "signed": False})


@dataclass(frozen=True, slots=True)
class OptionTerms(Word):
    """All bps. Long options are no collateral unless `long_share` says otherwise.

    A short needs above its mark `max_spot` of the spot less what it is out of the money, but at least `min_spot`; for
    maintenance `mm_call` or `mm_put`, a put at least `mm_put_mark` of its mark, and initially `offset` times its
    maintenance. A net short call costs `unpaired_im` (`unpaired_mm`) forwards at the worst. Where a confidence is below
    its threshold, IM rises by `confidence_factor` of what is exposed at no confidence at all; a threshold of 0: never.
    """

    max_spot: int = _bps(1_500)
    min_spot: int = _bps(1_300)
    mm_call: int = _bps(900)
    mm_put: int = _bps(900)
    mm_put_mark: int = _bps(900)
    unpaired_im: int = _bps(12_000)
    unpaired_mm: int = _bps(11_000)
    offset: int = _bps(10_500)
    asset_threshold: int = _bps(0)
    perp_threshold: int = _bps(0)
    option_threshold: int = _bps(5_500)
    confidence_factor: int = _bps(10_000)
    long_share: int = _bps(0)

    def contingency(self, size: int, doubt: int) -> int:
        """What IM rises by, up. Size in quote WAD, doubt = 1 − confidence in ppm."""
        return ceil_div(size * self.confidence_factor * doubt, BPS * PPM)


def is_doubtful(doubt: int, threshold: int) -> bool:
    """Whether a confidence is below `threshold` (bps). Doubt = 1 − confidence, ppm."""
    return doubt > (BPS - threshold) * (PPM // BPS)


def broken_bounds(t: OptionTerms) -> Iterator[BrokenBound]:
    """What the contract would refuse `t` for, in its order. With none, IM ≥ IM₀ ≥ MM ≥ 0 whatever the account."""
    if not 0 < t.min_spot <= t.max_spot <= BPS:
        remedy = f"0 < min_spot <= max_spot <= {BPS} bps"
        yield BrokenBound("SpotRatesUnordered", (t.min_spot, t.max_spot), remedy)
    for error, name in (("CallRateOutOfRange", "mm_call"), ("PutRateOutOfRange", "mm_put")):
        if not 0 < getattr(t, name) <= t.min_spot:
            yield BrokenBound(error, (getattr(t, name), t.min_spot), f"0 < {name} <= min_spot")
    if not 0 < t.mm_put_mark <= BPS:
        yield BrokenBound("MarkRateOutOfRange", (t.mm_put_mark, BPS), f"0 < mm_put_mark <= {BPS} bps")
    if not BPS <= t.unpaired_mm <= t.unpaired_im <= MAX_UNPAIRED:
        remedy = f"{BPS} <= unpaired_mm <= unpaired_im <= {MAX_UNPAIRED} bps"
        yield BrokenBound("UnpairedScalesUnordered", (t.unpaired_mm, t.unpaired_im), remedy)
    if not BPS <= t.offset <= MAX_OFFSET:
        yield BrokenBound("OffsetOutOfRange", (t.offset, MAX_OFFSET), f"from {BPS} to {MAX_OFFSET} bps")
    for error, name, maximum in (
        ("AssetThresholdOutOfRange", "asset_threshold", BPS),
        ("PerpThresholdOutOfRange", "perp_threshold", BPS),
        ("OptionThresholdOutOfRange", "option_threshold", BPS),
        ("ConfidenceFactorOutOfRange", "confidence_factor", BPS),
        ("LongShareOutOfRange", "long_share", MAX_LONG_SHARE),
    ):
        if not 0 <= getattr(t, name) <= maximum:
            yield BrokenBound(error, (getattr(t, name), maximum), f"from 0 to {maximum} bps")
