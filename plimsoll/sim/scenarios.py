"""The crashes that every default must survive, as a table of parts that can be replayed one by one.

`crashes-2020-2023`: ETH and BTC on the worst days from January 2020 to January 2023, and every hour of those years with
nobody there, for what leverage was to be had. `months-2020-2023`: all of it, a part per month. Each part is a fresh
deployment with its own people, and a week of prices goes before it. `luna`: 9 to 11 May 2022 in steps of 5 seconds,
with LUNA listed as collateral and as a perp beside ETH and BTC. `usdc-depeg`: 10 to 13 March 2023 twice, with USDC as
the quote asset, so that every price rises when it falls, and with USDC as collateral and debt where the quote holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from plimsoll.errors import BadInput
from plimsoll.sim.prices import PricePath, load, moment
from plimsoll.sim.setup import Listing, Setup

HOURLY = "prices/binance_spot_{}USDT_1h_2017-08_2023-01.csv.gz"
TWO_HOURLY = {
    "ETH": "prices/binance_spot_ETHUSDT_2h_2020-08_2025-08.csv.gz",
    "BTC": "prices/binance_spot_BTCUSDT_2h_2017-08_2025-08.csv.gz",
}
LUNA = "depegs/LUNA_pyth_oracle_5s_2022-05-09_11.csv.gz"
USDC = "depegs/USDC_kraken_USDCUSD_1h_2023-03-10_13.csv"

KEEPER_LIMIT = 20
STRETCHED = (4, 1, 1)
BORROWERS = 40
WEEK, DAY = 7 * 24, 86_400
EVERY_HOUR = "every hour"  # of the whole span, with nobody there: for the leverage that was to be had


@dataclass(frozen=True)
class Part:
    """One replay of a scenario. `files`: SYMBOL=FILE; `quote`: what they are divided by."""

    name: str
    files: tuple[str, ...]
    start: int
    end: int
    setup: Setup
    step: int = 300
    quote: str | None = None
    warm_up: int = WEEK

    def path(self) -> PricePath:
        return load(
            self.files,
            step=self.step,
            start=self.start,
            end=self.end,
            gaps="outage",
            quote=self.quote,
            quote_symbol=self.setup.quote_symbol,
            warm_up=self.warm_up,
        )


@dataclass(frozen=True)
class Scenario:
    """What is replayed, and what one should know about it."""

    name: str
    title: str
    notes: tuple[str, ...]
    build: Callable[[Path, Setup], Iterator[Part]]


def parts(
    name: str, data: Path, setup: Setup, *, start: int | None = None, end: int | None = None
) -> tuple[Scenario, list[Part]]:
    """A scenario's parts between `start` and `end`, from the files below `data`."""
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise BadInput("--scenario", name, f"there are {', '.join(SCENARIOS)}")
    setup = replace(setup, keeper_limit=KEEPER_LIMIT, stretched=STRETCHED, borrowers=BORROWERS)
    found = list(_between(scenario.build(data, setup), start, end))
    if not found:
        raise BadInput("--from and --to", f"{start} to {end}", f"nothing of {name} lies between them")
    return scenario, found


def _between(found: Iterator[Part], start: int | None, end: int | None) -> Iterator[Part]:
    for part in found:
        first, last = max(part.start, start or 0), min(part.end, end if end is not None else part.end)
        if last - first > part.step:
            yield replace(part, start=first, end=last)


def _files(data: Path, names: dict[str, str]) -> tuple[str, ...]:
    for name in names.values():
        if not (data / name).is_file():
            raise BadInput("--data", data, f"{name} is not in it; docs/replay.md says where the files come from")
    return tuple(f"{symbol}={data / name}" for symbol, name in names.items())


def _time(text: str) -> int:
    return moment(text, "") or 0


# ---------------------------------------------------------------- the table


#: First day and number of days.
CRASHES = (
    ("2020-03-12", 2),
    ("2020-09-03", 1),
    ("2020-11-26", 1),
    ("2021-01-11", 1),
    ("2021-01-21", 1),
    ("2021-02-22", 2),
    ("2021-04-18", 1),
    ("2021-05-19", 1),
    ("2021-05-23", 1),
    ("2021-06-21", 1),
    ("2021-09-07", 1),
    ("2021-12-04", 1),
    ("2022-01-21", 1),
    ("2022-05-09", 1),
    ("2022-05-11", 1),
    ("2022-06-13", 1),
    ("2022-06-18", 1),
    ("2022-08-19", 1),
    ("2022-11-08", 2),
)
SPAN = ("2020-01-01", "2023-01-10T17:00")


def _both(data: Path) -> tuple[str, ...]:
    return _files(data, {symbol: HOURLY.format(symbol) for symbol in ("ETH", "BTC")})


def _crashes(data: Path, setup: Setup) -> Iterator[Part]:
    files = _both(data)
    for number, (day, days) in enumerate(CRASHES):
        start = _time(day)
        yield Part(day, files, start, start + days * DAY, replace(setup, seed=setup.seed + number))
    nobody = replace(setup, traders=0, stretched=(0, 0, 0), borrowers=0, keeper=False)
    yield Part(EVERY_HOUR, files, _time(SPAN[0]), _time(SPAN[1]), nobody, step=3600)


def _months(data: Path, setup: Setup) -> Iterator[Part]:
    files = _both(data)
    months = [(year, month) for year in (2020, 2021, 2022) for month in range(1, 13)]
    firsts = [int(datetime(year, month, 1, tzinfo=UTC).timestamp()) for year, month in [*months, (2023, 1)]]
    ends = [*firsts[1:], _time(SPAN[1])]
    for number, (first, last) in enumerate(zip(firsts, ends, strict=True)):
        name = f"{datetime.fromtimestamp(first, UTC):%Y-%m}"
        yield Part(name, files, first, last, replace(setup, seed=setup.seed + number))


def _luna(data: Path, setup: Setup) -> Iterator[Part]:
    names = {symbol: HOURLY.format(symbol) for symbol in ("ETH", "BTC")} | {"LUNA": LUNA}
    # A jump to six times the price in a silence loses about five times what is owed: insurance must cover that.
    listed = (Listing("LUNA", 4000, 3000, 15_000, borrowed=20_000, insured=100_000),)
    start, end = _time("2022-05-09T05:00"), _time("2022-05-11T19:25")
    setup = replace(setup, listings=listed)
    yield Part("luna", _files(data, names), start, end, setup, step=5, warm_up=0)
    yield Part("last day", _files(data, names), _time("2022-05-11T08:00"), end, setup, step=5)


def _depeg(data: Path, setup: Setup) -> Iterator[Part]:
    start, end = _time("2023-03-10T16:00"), _time("2023-03-13T22:00")
    quote = str(data / USDC)
    listed = replace(setup, listings=(Listing("USDC", 700, 500, 2000, decimals=6, market=False),))
    files = _files(data, TWO_HOURLY)
    yield Part("quote", files, start, end, replace(setup, quote_symbol="USDC"), quote=quote, warm_up=4)
    yield Part("listed", (*files, f"USDC={data / USDC}"), start, end, listed, warm_up=4)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "crashes-2020-2023",
            "ETH and BTC on the worst days from 2020 to 2023",
            (
                "Hourly candles in steps of five minutes. Each part is a deployment of its own with its own people, "
                "pool and insurance, and a week of hourly prices goes before it.",
                "Where the source has no candle the feed is silent, and what is known grows old.",
                "Leverage is that of every hour from January 2020 to January 2023.",
            ),
            _crashes,
        ),
        Scenario(
            "months-2020-2023",
            "ETH and BTC, January 2020 to January 2023",
            (
                "Hourly candles in steps of five minutes. Each month is a deployment of its own with its own people, "
                "pool and insurance, so that no loss is paid by an earlier month's profit.",
                "Where the source has no candle the feed is silent, and what is known grows old.",
            ),
            _months,
        ),
        Scenario(
            "luna",
            "LUNA, 9 to 11 May 2022",
            (
                "A published price every three seconds at the median, in steps of five. Nothing is reported for "
                "84 minutes on 11 May; across them the price goes from 0.77 to 4.87. ETH and BTC run beside it.",
                "last day: LUNA is listed on the morning of 11 May, so that its limits, counted in units, are worth "
                "in quote what they were chosen to be when the price leaves them.",
            ),
            _luna,
        ),
        Scenario(
            "usdc-depeg",
            "USDC, 10 to 13 March 2023",
            (
                "quote: accounts are counted in USDC, so that ETH and BTC rise by what USDC falls, 14 % at the worst.",
                "listed: accounts are counted in a quote asset that holds, and USDC is collateral and debt beside it.",
                "ETH and BTC are two-hourly candles in USDT, which is taken for a dollar.",
            ),
            _depeg,
        ),
    )
}
