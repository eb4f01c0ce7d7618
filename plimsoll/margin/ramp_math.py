"""What tightens arrives along a line, what loosens is there at once. Twin of contracts/libraries/RampMath.sol."""

from __future__ import annotations

from plimsoll.margin.fixed_math import BPS, mul_div_down

RAMP = 86_400


def value_at(start: int, to: int, end: int, time: int) -> int:
    """A parameter at `time`, on its way from `start` to `to`, where it arrives at `end`. Rounded up."""
    if to <= start or time >= end:
        return to
    return to - (to - start) * min(end - time, RAMP) // RAMP


def old_share(end: int, time: int) -> int:
    """The share of the old that still stands at `time`, bps, down; zero after the ramp."""
    return 0 if time >= end else min(end - time, RAMP) * BPS // RAMP


def between(was: int, becomes: int, share: int) -> int:
    """A requirement between what it was and what it becomes. Rounded up."""
    return becomes if becomes <= was else becomes - mul_div_down(becomes - was, share, BPS)
