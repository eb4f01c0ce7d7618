"""What a replay leaves: one JSON object. Money is text in quote units, exact to the wei; nothing in it is a timing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plimsoll.sim.measure import BINS, Measures
from plimsoll.sim.prices import PricePath, utc
from plimsoll.units import price, quote

if TYPE_CHECKING:
    from plimsoll.sim.replay import Replay

FORMAT = 2
DAY = 86_400


@dataclass(frozen=True)
class Result:
    """`data` is the JSON; `seconds` and `sent` are for whoever watches."""

    data: dict[str, Any]
    seconds: dict[str, float]
    sent: int
    keeper_log: str = ""

    @property
    def rate(self) -> float:
        """Transactions per second of the steps."""
        return self.sent / self.seconds["steps"] if self.seconds.get("steps") else 0.0

    def text(self) -> str:
        return json.dumps(self.data, indent=1) + "\n"


def collect(replay: Replay, keeper_log: str = "") -> Result:
    measures, series = replay.measures, replay.measures.series
    data: dict[str, Any] = {
        "format": FORMAT,
        "setup": {
            "chain": replay.backend.name,
            "seed": replay.setup.seed,
            "traders": replay.setup.traders,
            "keeper": replay.setup.keeper,
            "step_seconds": replay.path.step,
            "liquidity": str(replay.setup.liquidity),
            "insurance": str(replay.setup.insurance),
            "keeper_limit": replay.setup.keeper_limit,
            "volatility_scaling": replay.setup.volatility,
            "borrowers": replay.setup.borrowers,
            "exchange": replay.setup.exchange,
            "stretched": list(replay.setup.stretched),
        },
        "prices": describe(replay.path),
        "steps": len(replay.path),
        "accounts": len(replay.page.ids),
        "transactions": replay.backend.sent,
        **measures.summary(),
        "accounts_liquidated": len(measures.liquidated),
        "liquidation_delay_steps": measures.delay(),
        "liquidations_by_delay": {str(steps): count for steps, count in sorted(Counter(measures.delays).items())},
        **{name: quote(value) for name, value in _money(replay).items()},
        "bankrupt_accounts_peak": measures.peak_bankrupt,
        "min_health_unliquidated": _health(measures),
        "orders": {
            "accepted": {kind: measures.counts[kind] for kind in ORDERS if measures.counts[kind]},
            "refused": dict(sorted(measures.refused.items())),
        },
        "groups": measures.groups.data(),
        "listed": measures.groups.listed,
        "waterfall": measures.waterfall.data(),
        **({"spot": measures.spot.data(measures.waterfall.assets)} if replay.setup.exchange else {}),
        "days": days(replay.path, series.leverage),
        "health": {"bins": [str(end) for end in BINS], **replay.histograms},
        "series": _series(replay),
    }
    return Result(data, replay.seconds, replay.backend.sent, keeper_log)


def _money(replay: Replay) -> dict[str, int]:
    """Quote WAD by key."""
    measures, series = replay.measures, replay.measures.series
    deficit, fund, pool_end = series.open_deficit[-1], series.insurance[-1], series.pool_equity[-1]
    lp_flow = measures.lp_flow * replay.page.quote_unit
    return {
        # A deficit that nobody has liquidated yet is a loss too; insurance may still pay for part of it.
        "bad_debt": measures.waterfall.uninsured + max(0, deficit - fund),
        "bad_debt_peak": measures.peak_bad_debt,
        "bad_debt_written_down": measures.waterfall.uninsured,
        "deficits": measures.waterfall.deficit,
        "open_deficit": deficit,
        "open_deficit_peak": measures.peak_deficit,
        "insurance_start": replay.insurance_start,
        "insurance_end": fund,
        "insurance_low": min(series.insurance),
        "insurance_paid": measures.insurance_paid,
        "insurance_earned": measures.insurance_earned,
        "pool_start": replay.pool_start,
        "pool_end": pool_end,
        "pool_lp_flow": lp_flow,
        "pool_pnl": pool_end - replay.pool_start - lp_flow,
        "conservation_error": measures.conservation_error,
        "rounding": measures.rounding,
    }


ORDERS = ("trade", "reduce", "deposit", "top_up", "withdrawal", "loop", "unloop", "arbitrage", "settle", "lp", "wallet")


def _health(measures: Measures) -> str:
    return f"{measures.min_health:.6f}" if measures.min_health != float("inf") else "inf"


def _series(replay: Replay) -> dict[str, list[Any]]:
    series, path = replay.measures.series, replay.path
    found: dict[str, list[Any]] = {"time": series.time}
    for market, symbol in enumerate(path.symbols):
        found[f"price_{symbol}"] = [price(row[market]) for row in path.values[: len(series.time)]]
    for name in ("pool_equity", "insurance", "open_deficit", "open_interest", "lp_flow"):
        found[name] = [quote(value) for value in getattr(series, name)]
    for name in ("calls", "called", "liquidations", "below_mm"):
        found[name] = getattr(series, name)
    return found


def days(path: PricePath, leverage: list[list[float]]) -> list[dict[str, Any]]:
    """By day and market: highest over lowest price less one, and the leverage that was to be had, averaged."""
    found: dict[int, list[int]] = {}
    for step in range(len(leverage)):
        found.setdefault(path.times[step] // DAY, []).append(step)
    rows = []
    for day, steps in found.items():
        row: dict[str, Any] = {"day": utc(day * DAY)[:10]}
        for market, symbol in enumerate(path.symbols[: len(leverage[0])]):
            values = [path.values[step][market] for step in steps]
            mean = sum(leverage[step][market] for step in steps) / len(steps)
            row[symbol] = {"range": f"{max(values) / min(values) - 1:.6f}", "leverage": f"{mean:.4f}"}
        rows.append(row)
    return rows


def describe(path: PricePath) -> dict[str, Any]:
    largest, falls = {}, {}
    for market, symbol in enumerate(path.symbols):
        move, at = path.largest(market)
        largest[symbol] = {"change": f"{move:.6f}", "until": utc(at)}
        move, at = path.deepest(market)
        falls[symbol] = {"change": f"{move:.6f}", "until": utc(at)}
    return {
        "markets": list(path.symbols),
        "start": utc(path.times[0]),
        "end": utc(path.times[-1]),
        "largest_step": largest,
        "largest_fall": falls,
        "low": {s: price(min(row[m] for row in path.values)) for m, s in enumerate(path.symbols)},
        "first": {s: price(path.values[0][m]) for m, s in enumerate(path.symbols)},
        "last": {s: price(path.values[-1][m]) for m, s in enumerate(path.symbols)},
    }
