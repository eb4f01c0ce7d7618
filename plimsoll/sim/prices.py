"""What the chain is told, step by step: candles as a path of prices, all markets on one clock.

Inside a candle the price moves in straight lines open → first extreme → second extreme → close, each a third of the
candle, moved to the nearest step so that no extreme is stepped over. A falling candle makes its high first, a rising
one its low. Ticks are joined by straight lines. In an outage (`gaps="outage"`) a market has no price for a while:
nothing is reported about it, and what is known grows old.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from plimsoll.errors import BadInput
from plimsoll.prices import PRICE
from plimsoll.sim.candles import Candle, Series, read

Knot = tuple[int, int]  # time, price
HOUR = 3600


@dataclass(frozen=True, slots=True)
class PricePath:
    """Prices of all markets at each step, 1e-10 quote; `values[step][market]`.

    `silent`: by step the markets of which nothing is reported. `before`: hours that precede the first step, oldest
    first; the chain is told their prices while nobody is there yet.
    """

    symbols: tuple[str, ...]
    step: int
    times: tuple[int, ...]
    values: tuple[tuple[int, ...], ...]
    silent: Mapping[int, frozenset[int]] = field(default_factory=dict)
    before: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    @property
    def first(self) -> tuple[int, ...]:
        """The first prices that the chain is told."""
        return self.before[0][1] if self.before else self.values[0]

    @property
    def begin(self) -> int:
        """When the chain is told them."""
        return self.before[0][0] if self.before else self.times[0]

    def told(self, step: int) -> tuple[int | None, ...]:
        """What is reported at a step; None where nothing is."""
        silent = self.silent.get(step)
        if not silent:
            return self.values[step]
        return tuple(None if market in silent else value for market, value in enumerate(self.values[step]))

    def moves(self, market: int) -> list[float]:
        """The relative change of each step but the first."""
        return [b[market] / a[market] - 1 for a, b in pairwise(self.values)]

    def largest(self, market: int) -> tuple[float, int]:
        """The largest single step by its size, and when it ended."""
        moves = self.moves(market)
        step = max(range(len(moves)), key=lambda i: abs(moves[i]))
        return moves[step], self.times[step + 1]

    def deepest(self, market: int) -> tuple[float, int]:
        """The step that fell most, and when it ended."""
        moves = self.moves(market)
        step = min(range(len(moves)), key=lambda i: moves[i])
        return moves[step], self.times[step + 1]


def load(
    files: Sequence[str],
    *,
    step: int = 300,
    start: int | None = None,
    end: int | None = None,
    gaps: str = "error",
    quote: str | None = None,
    quote_symbol: str | None = None,
    warm_up: int = 0,
) -> PricePath:
    """Reads one file per market, each as PATH or SYMBOL=PATH, and samples what they have in common every `step`.

    `quote`: a file of the quote asset's own price, by which all others are divided; under `quote_symbol` it comes last
    in the path itself. `warm_up`: hours before `start`
    whose prices the chain is to be told before anybody comes, as far as the files have them.
    """
    named = [_named(text) for text in files]
    symbols = tuple(symbol for symbol, _ in named)
    if len(set(symbols)) != len(symbols):
        raise BadInput("--prices", ", ".join(symbols), "one file per market; name them with --prices SYMBOL=FILE")
    from_ = start - warm_up * HOUR if start is not None else None
    paths = [path for _, path in named] + ([Path(quote)] if quote else [])
    series = [read(path, start=from_, end=end, gaps=gaps) for path in paths]
    first, last = max(s.start for s in series), min(s.end for s in series)
    begin = first if start is None else max(first, start)
    if last - begin < step:
        raise BadInput(
            "--prices",
            " ".join(files),
            f"together the files cover {max(0, last - begin)} s, one step takes {step} s; choose files, --from and "
            f"--to that overlap, or a smaller --step",
        )
    times = tuple(range(begin, last + 1, step))
    hours = tuple(range(begin - (begin - first) // HOUR * HOUR, begin, HOUR))
    kept = bool(quote_symbol)
    values, before = (_table(series, step, moments, bool(quote), kept) for moments in (times, hours))
    silent = _silent(series, times, bool(quote)) if gaps == "outage" else {}
    symbols += (quote_symbol,) if quote_symbol else ()
    return PricePath(symbols, step, times, values, silent, tuple(zip(hours, before, strict=True)))


def _table(
    series: list[Series], step: int, times: Sequence[int], quoted: bool, kept: bool
) -> tuple[tuple[int, ...], ...]:
    """A row per time; with `quoted` the last series is what the others are counted in, and is `kept` or not."""
    columns = [sample(s, step, times) for s in series]
    if quoted:
        unit = columns.pop()
        columns = [[value * PRICE // one for value, one in zip(column, unit, strict=True)] for column in columns]
        columns += [unit] if kept else []
    return tuple(zip(*columns, strict=True))


def _silent(series: list[Series], times: tuple[int, ...], quoted: bool) -> dict[int, frozenset[int]]:
    """By step the markets without a price; all of them while the quote asset has none."""
    markets = range(len(series) - quoted)
    found: dict[int, set[int]] = {}
    for number, one in enumerate(series):
        for left, right in one.silences():
            for step in range(bisect_left(times, left), bisect_left(times, right)):
                found.setdefault(step, set()).update([number] if number in markets else markets)
    return {step: frozenset(found[step]) for step in sorted(found)}


def sample(series: Series, step: int, times: Sequence[int]) -> list[int]:
    """The price at each of `times`, which lie within the series."""
    knots = list(_knots(series, step))
    moments = [time for time, _ in knots]
    return [_at(knots, max(bisect_right(moments, time), 1), time) for time in times]


def _at(knots: list[Knot], after: int, time: int) -> int:
    """On the line between the last knot at or before `time` and the next one."""
    (left, price) = knots[after - 1]
    if after == len(knots) or time == left:
        return price
    right, next_price = knots[after]
    return price + (next_price - price) * (time - left) // (right - left)


def _knots(series: Series, step: int) -> Iterator[Knot]:
    if not series.interval:
        yield from ((candle.time, candle.close) for candle in series.candles)
        return
    previous: Candle | None = None
    for candle in series.candles:
        if previous is not None and candle.time > previous.time + series.interval:  # a gap: the last price stands
            yield candle.time - 1, previous.close
        yield from _corners(candle, series.interval, step)
        previous = candle
    assert previous is not None
    yield series.end, previous.close


def _corners(candle: Candle, interval: int, step: int) -> Iterator[Knot]:
    falling = candle.close < candle.open
    extremes = (candle.high, candle.low) if falling else (candle.low, candle.high)
    thirds = [interval // 3, 2 * interval // 3]
    if interval >= 3 * step:
        thirds = [max(1, round(interval / 3 / step)) * step, round(2 * interval / 3 / step) * step]
    yield candle.time, candle.open
    for offset, price in zip(thirds, extremes, strict=True):
        yield candle.time + offset, price
    yield candle.time + interval - 1, candle.close


# ---------------------------------------------------------------- options


def _named(text: str) -> tuple[str, Path]:
    symbol, separator, path = text.partition("=")
    if separator and re.fullmatch(r"[A-Za-z0-9]{2,10}", symbol):
        return symbol.upper(), Path(path)
    name = Path(text).name
    for part in re.split(r"[._-]", name.upper()):
        for quote in ("USDT", "USDC", "USD"):
            if part.endswith(quote) and len(part) > len(quote):
                return part[: -len(quote)], Path(text)
    found = [part for part in re.split(r"[._-]", name.upper()) if re.fullmatch(r"[A-Z]{3,6}", part)]
    known = [part for part in found if part in ("ETH", "BTC", "SOL", "XRP", "LINK", "LUNA", "CRV")]
    if known:
        return known[0], Path(text)
    raise BadInput("--prices", text, "the market is not in the file's name; write --prices SYMBOL=FILE")


def seconds(text: str) -> int:
    """A length of time: 300, 300s, 5m, 1h."""
    match = re.fullmatch(r"(\d+)\s*([smh]?)", text.strip().lower())
    amount = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if not 5 <= amount <= 86_400:
        raise BadInput("--step", text, "a step is 5 s to 24 h, written as 30s, 5m or 1h")
    return amount


def moment(text: str | None, option: str) -> int | None:
    """Unix seconds of an option like 2020-03-12 or 2020-03-12T10:00 (UTC)."""
    if text is None:
        return None
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise BadInput(option, text, "write a day or time in UTC, like 2020-03-12 or 2020-03-12T10:00") from None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def utc(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}"
