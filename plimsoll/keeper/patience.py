"""What did not work is tried again, later each time: 15 seconds, 30, … an hour. By the chain's clock.

patience.ready(key, now)       whether it may be tried
patience.failed(key, now)      it was, in vain; returns the seconds until the next time
patience.well(key)             it worked
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

FIRST, MOST = 15, 3_600


@dataclass
class Patience:
    _waits: dict[Hashable, tuple[int, int]] = field(default_factory=dict)  # key → (seconds, until)

    def ready(self, key: Hashable, now: int) -> bool:
        return now >= self._waits.get(key, (0, 0))[1]

    def failed(self, key: Hashable, now: int) -> int:
        seconds = min(2 * self._waits[key][0], MOST) if key in self._waits else FIRST
        self._waits[key] = seconds, now + seconds
        return seconds

    def well(self, key: Hashable) -> None:
        self._waits.pop(key, None)
