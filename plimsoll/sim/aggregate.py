"""Many replays as one: sums, extremes and what volatility scaling is worth. Money stays decimal text, exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from statistics import median
from typing import Any

Data = dict[str, Any]

EXACT = Context(prec=60)
COUNTS = (
    "steps",
    "accounts",
    "transactions",
    "trades",
    "margin_calls",
    "margin_calls_cured",
    "liquidations",
    "partial_liquidations",
    "bankrupt_liquidations",
    "accounts_liquidated",
    "insurance_payments",
)
SUMS = ("bad_debt", "deficits", "insurance_paid", "insurance_earned", "pool_pnl")
PEAKS = ("bad_debt_peak", "open_deficit_peak", "conservation_error")


def aggregate(scenario: Data, sides: Mapping[str, Mapping[str, Data]]) -> Data:
    """`scenario`: name, title and notes; `sides`: results by side and part."""
    first = next(iter(next(iter(sides.values())).values()))
    return {
        "scenario": scenario,
        "setup": first["setup"],
        "listed": listed(part for parts in sides.values() for part in parts.values()),
        "totals": {side: total(list(parts.values())) for side, parts in sides.items()},
        "groups": {side: groups(parts.values()) for side, parts in sides.items()},
        "waterfall": {side: waterfall(parts.values()) for side, parts in sides.items()},
        "leverage": leverage(sides),
        "parts": {side: {name: row(part) for name, part in parts.items()} for side, parts in sides.items()},
    }


def total(parts: list[Data]) -> Data:
    """Sums over the parts, the largest of what is a peak, the lowest health."""
    delays: Counter[int] = Counter()
    for part in parts:
        delays.update({int(steps): count for steps, count in part["liquidations_by_delay"].items()})
    found: Data = {name: sum(part[name] for part in parts) for name in COUNTS}
    found |= {name: add(part[name] for part in parts) for name in SUMS}
    found |= {name: max((part[name] for part in parts), key=Decimal) for name in PEAKS}
    found["liquidation_delay_steps"] = quantiles(delays)
    found["insurance_low"] = min((part["insurance_low"] for part in parts), key=Decimal)
    found["min_health_unliquidated"] = min((part["min_health_unliquidated"] for part in parts), key=float)
    refused: Counter[str] = Counter()
    for part in parts:
        refused.update(part["orders"]["refused"])
    found["refused"] = dict(sorted(refused.items()))
    return found


def quantiles(delays: Mapping[int, int]) -> dict[str, int]:
    """p50, p99 and the largest of values with counts."""
    count, found = sum(delays.values()), {"p50": 0, "p99": 0, "max": 0}
    if not count:
        return found
    for name, place in (("p50", (count - 1) // 2), ("p99", -(-99 * count // 100) - 1), ("max", count - 1)):
        seen = 0
        for value in sorted(delays):
            seen += delays[value]
            if seen > place:
                found[name] = value
                break
    return found


def groups(parts: Iterable[Data]) -> dict[str, Data]:
    return _merged(part["groups"] for part in parts)


def listed(parts: Iterable[Data]) -> dict[str, str]:
    """The most leverage that each group is given."""
    return {name: text for part in parts for name, text in part["listed"].items()}


def waterfall(parts: Iterable[Data]) -> dict[str, Data]:
    return _merged(part.get("waterfall", {}) for part in parts)


def _merged(tables: Iterable[Mapping[str, Data]]) -> dict[str, Data]:
    """Rows of the same name added up, number by number and sum by sum."""
    found: dict[str, Data] = {}
    for table in tables:
        for name, entries in table.items():
            mine = found.setdefault(name, {})
            for key, value in entries.items():
                if isinstance(value, str):
                    mine[key] = add([mine.get(key, "0"), value])
                else:
                    mine[key] = mine.get(key, 0) + value
    return found


def leverage(sides: Mapping[str, Mapping[str, Data]]) -> dict[str, Data]:
    """By market: the first tier's leverage that was to be had, over all days and over the calmer half of them.

    Of the parts in which nobody takes part, where there is one.
    """
    found: dict[str, Data] = {}
    for side, parts in sides.items():
        days = [day for part in parts.values() for day in part["days"] if not part["setup"]["traders"]]
        days = days or [day for part in parts.values() for day in part["days"]]
        for symbol in [name for name in days[0] if isinstance(days[0][name], dict)]:
            rows = [day[symbol] for day in days if symbol in day]
            middle = median(float(row["range"]) for row in rows)
            calm = [float(row["leverage"]) for row in rows if float(row["range"]) <= middle]
            every = [float(row["leverage"]) for row in rows]
            entry = found.setdefault(symbol, {"days": len(rows), "calm_days": len(calm), "calm_range": f"{middle:.4f}"})
            entry[side] = {
                "all_days": f"{sum(every) / len(every):.2f}",
                "calm_days": f"{sum(calm) / len(calm):.2f}",
                "lowest_day": f"{min(every):.2f}",
            }
    return found


def row(part: Data) -> Data:
    """What of a part goes into the table of parts."""
    names = ("margin_calls", "liquidations", "bankrupt_liquidations", *SUMS, "open_deficit_peak", "conservation_error")
    falls = {symbol: fall["change"] for symbol, fall in part["prices"]["largest_fall"].items()}
    return {"start": part["prices"]["start"], "end": part["prices"]["end"], "largest_fall": falls} | {
        name: part[name] for name in names
    }


def add(values: Iterable[str]) -> str:
    """The exact sum of decimal texts."""
    found = Decimal(0)
    for value in values:
        found = EXACT.add(found, Decimal(value))
    text = f"{found:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
